"""Train the preset fashion_mnist_classifier and write its folder.

    KERAS_BACKEND=torch python tools/train_presets/classifier.py

Fourteen epochs of about 75 seconds each on one core, in three rounds: with images as they are, with
images that are also moved, and, from the mean of what the two came to, with images moved a little.
"""

import argparse
import pathlib

import keras
import numpy as np
from recipes import FASHION_MNIST

import keras_gan
from keras_gan import files
from keras_gan.presets import folder
from keras_gan.presets.weights import save_weights_file

FOLDER = pathlib.Path(__file__).parents[2] / "presets" / "metrics" / "fashion_mnist_classifier"
BATCH = 128
# Epochs, largest learning rate, and by how many pixels images are moved.
ROUNDS = ((8, 2e-3, 0), (4, 1e-3, 2), (2, 7e-4, 1))


def images_and_labels(part):
    """Images of `"train"` or `"t10k"`, padded to 32x32 as generators make them, and class ids."""
    images = keras_gan.data.read_idx(FASHION_MNIST / f"{part}-images-idx3-ubyte.gz")
    labels = keras_gan.data.read_idx(FASHION_MNIST / f"{part}-labels-idx1-ubyte.gz")
    return np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None], labels


class Augmented(keras.utils.PyDataset):
    """Batches of images, half of them mirrored at random, moved by up to `shift` pixels."""

    def __init__(self, images, labels, seed, shift):
        super().__init__()
        self.shift = shift
        # What comes in is as black as the border.
        self.images = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)))
        self.labels = labels
        self.generator = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return len(self.images) // BATCH

    def __getitem__(self, i):
        chosen = self.order[i * BATCH : (i + 1) * BATCH]
        images = self.images[chosen]
        if self.shift:
            top, left = self.generator.integers(0, 2 * self.shift + 1, 2)
            images = images[:, top : top + 32, left : left + 32]
        mirrored = self.generator.random(BATCH) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        return images.astype("float32"), self.labels[chosen]

    def on_epoch_end(self):
        self.order = self.generator.permutation(len(self.images))


def untrained():
    """The network of the preset."""
    return keras_gan.metrics.ImageClassifier((32, 32, 1), 10, width=32)


def train(classifier, seed, epochs, rate, shift):
    """One round, in which the learning rate rises for half an epoch and falls to 0."""
    batches = Augmented(*images_and_labels("train"), seed, shift)
    rates = keras.optimizers.schedules.CosineDecay(
        0.0, epochs * len(batches), warmup_target=rate, warmup_steps=len(batches) // 2
    )
    classifier.compile(
        keras.optimizers.AdamW(rates, weight_decay=0.02),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    classifier.fit(batches, epochs=epochs, verbose=2)


def write_preset(classifier, accuracy):
    """Write the files of the preset, but for its card."""
    bare = untrained()
    # Without the optimizer.
    bare.set_weights(classifier.get_weights())
    save_weights_file(bare, FOLDER / folder.WEIGHTS)
    config = {"image_shape": list(bare.image_shape), "num_classes": 10, "width": bare.width}
    metadata = {
        "format_version": folder.FORMAT_VERSION,
        "class_name": "ImageClassifier",
        "image_shape": list(bare.image_shape),
        "parameters": {"network": bare.count_params()},
        "weights_bytes": (FOLDER / folder.WEIGHTS).stat().st_size,
        "description": "A classifier of garments, whose features compare gray images of 28 and 32 "
        "px without a download.",
        "dataset": "Fashion-MNIST, 60,000 training images of 28x28 grey pixels, padded with black "
        "to 32x32 (Debian package dataset-fashion-mnist)",
        "dataset_licence": "MIT",
        "licence": "Apache-2.0",
        "training": "14 epochs of batches of 128 in three rounds, seed 0, PyTorch: "
        "tools/train_presets/classifier.py",
        "metrics": {"accuracy on the 10,000 test images": f"{accuracy:.4f}"},
        "sha256": files.sha256(FOLDER / folder.WEIGHTS),
    }
    content = {"class_name": "ImageClassifier", "config": config}
    (FOLDER / folder.CONFIG).write_text(folder.as_json(content))
    (FOLDER / folder.METADATA).write_text(folder.as_json(metadata))


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    classifier = untrained()
    reached = []
    for number, options in enumerate(ROUNDS):
        if number == 2:
            means = [np.mean(values, axis=0) for values in zip(*reached, strict=True)]
            classifier.set_weights(means)
        train(classifier, arguments.seed + number, *options)
        reached.append(classifier.get_weights())
    images, labels = images_and_labels("t10k")
    _, accuracy = classifier.evaluate(images.astype("float32"), labels, batch_size=500, verbose=2)
    write_preset(classifier, accuracy)


if __name__ == "__main__":
    main()
