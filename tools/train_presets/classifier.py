"""Train a classifier whose features metrics compare, and write the files of its preset.

    KERAS_BACKEND=torch python tools/train_presets/classifier.py fashion_mnist_classifier
    KERAS_BACKEND=torch python tools/train_presets/classifier.py emoji_classifier \
        --data emoji-datasource-google/package emoji-datasource-twitter/package

The first takes fourteen epochs of about 75 seconds each on one core, in three rounds: with images
as they are, with images that are also moved, and, from the mean of what the two came to, with
images moved a little.
"""

import argparse
import pathlib

import keras
import numpy as np
from classifier_recipes import RECIPES

import keras_gan
from keras_gan import files
from keras_gan.presets import folder
from keras_gan.presets.weights import save_weights_file

PRESETS = pathlib.Path(__file__).parents[2] / "presets" / "metrics"


class Augmented(keras.utils.PyDataset):
    """Batches of images, half of them mirrored at random, moved by up to `shift` pixels."""

    def __init__(self, recipe, images, seed, shift):
        super().__init__()
        self.recipe, self.shift = recipe, shift
        self.size = images.pixels.shape[1]
        # What comes in is as the border.
        margins = ((0, 0), (shift, shift), (shift, shift), (0, 0))
        self.pixels = np.pad(images.pixels, margins, constant_values=recipe.background)
        self.labels, self.motifs = images.labels, images.motifs
        self.generator = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return len(self.order) // self.recipe.batch

    def __getitem__(self, i):
        chosen = self.order[i * self.recipe.batch : (i + 1) * self.recipe.batch]
        images = self.pixels[chosen]
        if self.shift:
            top, left = self.generator.integers(0, 2 * self.shift + 1, 2)
            images = images[:, top : top + self.size, left : left + self.size]
        mirrored = self.generator.random(len(chosen)) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        return images.astype("float32"), self.labels[chosen]

    def on_epoch_end(self):
        order = self.generator.permutation(len(self.pixels))
        # The first variant of each motif that the order brings.
        _, first = np.unique(self.motifs[order], return_index=True)
        self.order = order[np.sort(first)]


def untrained(recipe, images):
    """The network of the preset."""
    shape = images.pixels.shape[1:]
    return keras_gan.metrics.ImageClassifier(shape, recipe.num_classes, width=recipe.width)


def train(classifier, recipe, images, seed, epochs, rate, shift):
    """One round, in which the learning rate rises for half an epoch and falls to 0."""
    batches = Augmented(recipe, images, seed, shift)
    rates = keras.optimizers.schedules.CosineDecay(
        0.0, epochs * len(batches), warmup_target=rate, warmup_steps=len(batches) // 2
    )
    classifier.compile(
        keras.optimizers.AdamW(rates, weight_decay=0.02),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    classifier.fit(batches, epochs=epochs, verbose=2)


def write_preset(name, bare, seed, figures):
    """Write the files of the preset, but for its card."""
    recipe, place = RECIPES[name], PRESETS / name
    place.mkdir(exist_ok=True)
    save_weights_file(bare, place / folder.WEIGHTS)
    config = {
        "image_shape": list(bare.image_shape),
        "num_classes": bare.num_classes,
        "width": bare.width,
    }
    epochs, rounds = sum(epochs for epochs, *_ in recipe.rounds), len(recipe.rounds)
    metadata = {
        "format_version": folder.FORMAT_VERSION,
        "class_name": "ImageClassifier",
        "image_shape": list(bare.image_shape),
        "parameters": {"network": bare.count_params()},
        "weights_bytes": (place / folder.WEIGHTS).stat().st_size,
        **recipe.about,
        "licence": "Apache-2.0",
        "training": f"{epochs} epochs of batches of {recipe.batch}"
        f"{f' in {rounds} rounds' if rounds > 1 else ''}, seed {seed}, "
        f"{keras.backend.backend()}: tools/train_presets/classifier.py {name}",
        "metrics": figures,
        "sha256": files.sha256(place / folder.WEIGHTS),
    }
    content = {"class_name": "ImageClassifier", "config": config}
    (place / folder.CONFIG).write_text(folder.as_json(content))
    (place / folder.METADATA).write_text(folder.as_json(metadata))


def accuracies(classifier, recipe, images):
    """The shares of test images that get their class, for the card."""
    logits = classifier.predict(images.pixels.astype("float32"), batch_size=500, verbose=0)
    right = logits.argmax(1) == images.labels
    figures = {f"accuracy on {recipe.test_set}": f"{right.mean():.4f}"}
    motifs = np.unique(images.motifs)
    if len(motifs) < len(right):
        figures["images and motifs among them"] = f"{len(right):,} and {len(motifs):,}"
        shares = [right[images.motifs == motif].mean() for motif in motifs]
        figures["accuracy over motifs"] = f"{np.mean(shares):.4f}"
    return figures


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--data", nargs="*", help="folders of the data, where they have no place")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.name]
    keras.utils.set_random_seed(arguments.seed)
    training, test = recipe.data(arguments.data)
    classifier = untrained(recipe, training)
    reached = []
    for number, options in enumerate(recipe.rounds):
        if number == 2:
            means = [np.mean(values, axis=0) for values in zip(*reached, strict=True)]
            classifier.set_weights(means)
        train(classifier, recipe, training, arguments.seed + number, *options)
        reached.append(classifier.get_weights())
    figures = accuracies(classifier, recipe, test)
    print(figures)
    # Without the optimizer.
    bare = untrained(recipe, training)
    bare.set_weights(classifier.get_weights())
    write_preset(arguments.name, bare, arguments.seed, figures)


if __name__ == "__main__":
    main()
