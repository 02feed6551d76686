"""The recipes of the classifiers whose features metrics compare, one each."""

import dataclasses
import json
import pathlib
import zlib

import numpy as np
from recipes import FASHION_MNIST

import keras_gan
from keras_gan.data import images as decoding

# Codes of an emoji that tell of a person's gender and skin, of joints and of variants.
_PEOPLE = {"1F468", "1F469", "1F9D1", "2640", "2642", "200D", "FE0F"}
_PEOPLE |= {f"1F3F{digit}" for digit in "BCDEF"}
_HELD_OUT = 7


@dataclasses.dataclass
class Recipe:
    """What `classifier.py` needs to train a classifier, and what its card says about it.

    Attributes:
        data: function from the folders of the command to training and test `Images`.
        num_classes: int.
        width: int, of `keras_gan.metrics.ImageClassifier`.
        batch: int.
        rounds: tuples of epochs, largest learning rate, and by how many pixels images are moved.
            The third begins with the mean of what the two before came to.
        background: int, the grey value of what moves in from outside.
        about: dict of the card's `description`, `dataset`, `dataset_licence`.
        test_set: str, what the accuracy is measured on.
    """

    data: object
    num_classes: int
    width: int
    batch: int
    rounds: tuple
    background: int
    about: dict
    test_set: str


@dataclasses.dataclass
class Images:
    """Images with labels, some of which are variants of one motif.

    Attributes:
        pixels: uint8 array `(N, height, width, channels)`.
        labels: int array `(N,)`.
        motifs: int array `(N,)`; an epoch sees each motif once, in one of its variants.
    """

    pixels: np.ndarray
    labels: np.ndarray
    motifs: np.ndarray


def fashion_mnist(part):
    """`Images` of `"train"` or `"t10k"`, padded to 32x32 as generators make them."""
    pixels = keras_gan.data.read_idx(FASHION_MNIST / f"{part}-images-idx3-ubyte.gz")
    labels = keras_gan.data.read_idx(FASHION_MNIST / f"{part}-labels-idx1-ubyte.gz")
    return Images(
        np.pad(pixels, ((0, 0), (2, 2), (2, 2)))[..., None], labels, np.arange(len(labels))
    )


def emoji(folders):
    """Training and test `Images` of the npm packages, by category, on white.

    What differs in gender, skin or style only is on one side of the split.
    """
    categories = sorted({entry["category"] for entry in _entries(folders[0])})
    sides = ([], [])
    for package in folders:
        (images,) = pathlib.Path(package).glob("img/*/64")
        for entry in _entries(package):
            codes = entry["unified"].split("-")
            kind = "-".join(code for code in codes if code not in _PEOPLE)
            side = sides[zlib.crc32(kind.encode()) % _HELD_OUT == 0]
            motif = zlib.crc32(f"{package} {entry['unified']}".encode())
            for variant in (entry, *entry.get("skin_variations", {}).values()):
                image = decoding.to_channels(decoding.decode(images / variant["image"]), 3)
                label = categories.index(entry["category"])
                side.append((decoding.to_array(image), label, motif))
    return [Images(*map(np.asarray, zip(*side, strict=True))) for side in sides]


def _entries(package):
    """The emoji of a package without the bare skin tones, five squares."""
    entries = json.loads((pathlib.Path(package) / "emoji.json").read_text())
    return [entry for entry in entries if entry["category"] != "Component"]


RECIPES = {
    "fashion_mnist_classifier": Recipe(
        data=lambda _: (fashion_mnist("train"), fashion_mnist("t10k")),
        num_classes=10,
        width=32,
        batch=128,
        rounds=((8, 2e-3, 0), (4, 1e-3, 2), (2, 7e-4, 1)),
        background=0,
        about={
            "description": "A classifier of garments, whose features compare gray images of 28 "
            "and 32 px without a download.",
            "dataset": "Fashion-MNIST, 60,000 training images of 28x28 grey pixels, padded with "
            "black to 32x32 (Debian package dataset-fashion-mnist)",
            "dataset_licence": "MIT",
        },
        test_set="the 10,000 test images",
    ),
    "emoji_classifier": Recipe(
        data=emoji,
        num_classes=9,
        width=32,
        batch=64,
        rounds=((60, 2e-3, 6),),
        background=255,
        about={
            "description": "A classifier of emoji by category, whose features compare pictures of "
            "64 px on white without a download.",
            "dataset": "Emoji of 64x64 pixels on white in two styles, by the nine categories of "
            "Unicode (img/google/64 and img/twitter/64 of the npm packages "
            "emoji-datasource-google and emoji-datasource-twitter 16.0.0). One of seven kinds is "
            "held out, with all variants of gender, skin and style",
            "dataset_licence": "MIT (packages), Apache-2.0 (Noto emoji), CC-BY 4.0 (Twemoji)",
        },
        test_set="emoji that were held out",
    ),
}
