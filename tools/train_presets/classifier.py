"""Train the preset fashion_mnist_classifier and write its folder.

    KERAS_BACKEND=torch python tools/train_presets/classifier.py

Eight epochs of about 75 seconds each on one core.
"""

import argparse
import pathlib

import keras
import numpy as np
from recipes import FASHION_MNIST

import keras_gan

EPOCHS, BATCH = 8, 128


def images_and_labels(part):
    """Images of `"train"` or `"t10k"`, padded to 32x32 as generators make them, and class ids."""
    images = keras_gan.data.read_idx(FASHION_MNIST / f"{part}-images-idx3-ubyte.gz")
    labels = keras_gan.data.read_idx(FASHION_MNIST / f"{part}-labels-idx1-ubyte.gz")
    return np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None], labels


class Augmented(keras.utils.PyDataset):
    """Batches of images, half of them mirrored at random."""

    def __init__(self, images, labels, seed):
        super().__init__()
        self.images, self.labels = images, labels
        self.generator = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return len(self.images) // BATCH

    def __getitem__(self, i):
        chosen = self.order[i * BATCH : (i + 1) * BATCH]
        images = self.images[chosen]
        mirrored = self.generator.random(BATCH) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        return images.astype("float32"), self.labels[chosen]

    def on_epoch_end(self):
        self.order = self.generator.permutation(len(self.images))


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file of the weights")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    classifier = keras_gan.metrics.ImageClassifier((32, 32, 1), 10, width=32)
    batches = Augmented(*images_and_labels("train"), arguments.seed)
    rates = keras.optimizers.schedules.CosineDecay(
        0.0, arguments.epochs * len(batches), warmup_target=2e-3, warmup_steps=len(batches) // 2
    )
    classifier.compile(
        keras.optimizers.AdamW(rates, weight_decay=0.02),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    images, labels = images_and_labels("t10k")
    classifier.fit(batches, epochs=arguments.epochs, verbose=2)
    classifier.evaluate(images.astype("float32"), labels, batch_size=500, verbose=2)
    classifier.save_weights(arguments.out)


if __name__ == "__main__":
    main()
