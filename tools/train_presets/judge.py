"""Judge a Fashion-MNIST generator: every kind of garment, and clear to a classifier.

    KERAS_BACKEND=torch python tools/train_presets/judge.py dcgan_fashion_mnist_32

Prints the share of each class among 10,000 samples and the mean probability of the class chosen,
beside those of the 10,000 real test images. The classifier is trained where it is missing.
"""

import argparse
import pathlib

import keras
import numpy as np
from keras import layers
from recipes import FASHION_MNIST

import keras_gan

CLASSES = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
WEIGHTS = pathlib.Path(__file__).with_name("fashion_mnist_classifier.weights.h5")


def images_and_labels(part):
    """Images of `"train"` or `"t10k"`, padded to 32x32 as generators make them, and class ids."""
    images = keras_gan.data.read_idx(FASHION_MNIST / f"{part}-images-idx3-ubyte.gz")
    labels = keras_gan.data.read_idx(FASHION_MNIST / f"{part}-labels-idx1-ubyte.gz")
    return np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None], labels


def classifier():
    """A small convolutional classifier of uint8 images `(N, 32, 32, 1)`."""
    model = keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(24, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(48, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(96, activation="relu"),
            layers.Dropout(0.4),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained_classifier():
    """The classifier with its weights, trained for six epochs if there are none."""
    model = classifier()
    if WEIGHTS.exists():
        model.load_weights(WEIGHTS)
    else:
        keras.utils.set_random_seed(0)
        model = classifier()
        model.fit(*images_and_labels("train"), batch_size=128, epochs=6, verbose=2)
        bare = classifier()
        bare.compile()
        bare.set_weights(model.get_weights())
        bare.save_weights(WEIGHTS)
    return model


def figures(probabilities):
    """Share of each class, and the mean probability of the class chosen."""
    shares = np.bincount(probabilities.argmax(1), minlength=10) / len(probabilities)
    return {
        "shares": dict(zip(CLASSES, shares.round(4).tolist(), strict=True)),
        "smallest share": round(float(shares.min()), 4),
        "mean top probability": round(float(probabilities.max(1).mean()), 4),
    }


def figures_of(gan, count=10_000, seed=0):
    """The figures of `count` samples beside those of the real test images, for a card."""
    model = trained_classifier()
    images, labels = images_and_labels("t10k")
    real = model.predict(images, batch_size=500, verbose=0)
    samples = gan.generate(count, seed=seed, batch_size=500)
    fake = model.predict(samples, batch_size=500, verbose=0)
    accuracy = float((real.argmax(1) == labels).mean())
    result = {"classifier's accuracy on the 10,000 test images": f"{accuracy:.4f}"}
    for name, found in (("real test images", figures(real)), (f"{count} samples", figures(fake))):
        for figure in ("smallest share", "mean top probability"):
            result[f"{figure}, {name}"] = f"{found[figure]:.4f}"
    shares = figures(fake)["shares"]
    result["share of each class among the samples"] = ", ".join(
        f"{name} {share:.3f}" for name, share in shares.items()
    )
    return result


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", help="name or folder of a preset")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="of the samples")
    arguments = parser.parse_args()
    gan = keras_gan.GAN.from_preset(arguments.preset)
    for name, value in figures_of(gan, arguments.count, arguments.seed).items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
