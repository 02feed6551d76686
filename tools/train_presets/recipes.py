"""The recipes of the presets that this project trains, one function each."""

import dataclasses
import functools
import json
import pathlib

import keras
import numpy as np
from PIL import Image

import keras_gan
from keras_gan.callbacks import AdaptiveAugmentation
from keras_gan.data.images import to_channels
from keras_gan.regularizers import R1

# On a processor with bfloat16 instructions a step takes two thirds of its time in float32.
DTYPE = "mixed_bfloat16"
FASHION_MNIST = pathlib.Path("/usr/share/datasets/fashion-mnist")


@dataclasses.dataclass
class Recipe:
    """What `train.py` needs to train a preset, and what its card says about it.

    Attributes:
        model: function from a seed to the model.
        dataset: function from a seed and the data's path to a `keras_gan.data.ImageDataset`.
        epochs: int.
        compile: function to the arguments of `compile`.
        description: str, one line for the registry and the card.
        data: str, what the data is and where it comes from.
        data_licence: str.
        deviations: str, where the recipe departs from the paper's.
        reals: function from the data's path to the images that samples of emoji are judged by: all
            that it was trained on, not mirrored.
        batch_size: int, of the data set.
        callbacks: function to callbacks of the recipe's own.
    """

    model: object
    dataset: object
    epochs: int
    compile: object
    description: str
    data: str
    data_licence: str
    deviations: str
    reals: object = None
    batch_size: int = 64
    callbacks: object = list


def _fashion_mnist(seed, path=None):
    folder = pathlib.Path(path or FASHION_MNIST)
    return keras_gan.data.idx(
        folder / "train-images-idx3-ubyte.gz",
        image_shape=(32, 32, 1),
        fit="pad",
        batch_size=64,
        seed=seed,
        drop_remainder=True,
    )


def _emoji(seed, path):
    return keras_gan.data.image_folder(
        path,
        image_shape=(64, 64, 3),
        background="white",
        batch_size=64,
        seed=seed,
        flip=True,
        drop_remainder=True,
        cache=True,
    )


def _all_emoji(path):
    return keras_gan.data.image_folder(path, image_shape=(64, 64, 3), background="white")


def _emoji_people(path):
    """Heads and shoulders of people in all skin tones, of the npm package."""
    package = pathlib.Path(path)
    pixels = []
    for entry in json.loads((package / "emoji.json").read_text()):
        if entry["subcategory"] not in ("person", "person-role"):
            continue
        for variant in (entry, *entry.get("skin_variations", {}).values()):
            if variant["has_img_google"]:
                with Image.open(package / "img" / "google" / "64" / variant["image"]) as image:
                    pixels.append(np.asarray(to_channels(image, 3)))
    return np.stack(pixels)


def _emoji_people_to_train(seed, path):
    return keras_gan.data.arrays(
        _emoji_people(path), batch_size=8, flip=True, seed=seed, drop_remainder=True
    )


def _adam(learning_rate, beta_1, beta_2):
    return functools.partial(keras.optimizers.Adam, learning_rate, beta_1, beta_2, epsilon=1e-8)


def _compile(optimizer, **arguments):
    return lambda: {
        "generator_optimizer": optimizer(),
        "discriminator_optimizer": optimizer(),
        **arguments,
    }


_FASHION_MNIST_DATA = (
    "Fashion-MNIST, 60,000 training images of 28x28 grey pixels, padded with black to 32x32 "
    "(Debian package dataset-fashion-mnist)"
)

RECIPES = {
    "dcgan_fashion_mnist_32": Recipe(
        model=lambda seed: keras_gan.DCGAN(
            image_shape=(32, 32, 1), width=16, discriminator_width=32, seed=seed, dtype=DTYPE
        ),
        dataset=_fashion_mnist,
        epochs=30,
        compile=_compile(_adam(2e-4, 0.5, 0.999), ema_decay=0.999),
        description="Garments, 32x32 grey, by a small DCGAN.",
        data=_FASHION_MNIST_DATA,
        data_licence="MIT",
        deviations=(
            "generator of width 16 and discriminator of 32 instead of 64; a moving average of the "
            "generator (decay 0.999)."
        ),
    ),
    "wgan_gp_fashion_mnist_32": Recipe(
        model=lambda seed: keras_gan.WGANGP(
            image_shape=(32, 32, 1), architecture="conv", width=32, seed=seed, dtype=DTYPE
        ),
        dataset=_fashion_mnist,
        epochs=96,
        compile=_compile(_adam(2e-4, 0.5, 0.9), discriminator_steps=3, ema_decay=0.999),
        description="Garments, 32x32 grey, by a small convolutional WGAN-GP.",
        data=_FASHION_MNIST_DATA,
        data_licence="MIT",
        deviations=(
            "width 32 instead of 64; Adam(2e-4, 0.5, 0.9) instead of (1e-4, 0, 0.9); three critic "
            "steps instead of five; a moving average of the generator (decay 0.999)."
        ),
    ),
    "dcgan_emoji_64": Recipe(
        model=lambda seed: keras_gan.DCGAN(
            image_shape=(64, 64, 3), width=32, seed=seed, dtype=DTYPE
        ),
        dataset=_emoji,
        reals=_all_emoji,
        epochs=80,
        compile=_compile(_adam(2e-4, 0.5, 0.999), ema_decay=0.999),
        description="Emoji, 64x64 colour on white, by a DCGAN of half width.",
        data=(
            "3,786 emoji of 64x64 pixels on white, mirrored at random (img/google/64 of the npm "
            "package emoji-datasource-google 16.0.0)"
        ),
        data_licence="MIT (package), Apache-2.0 (Noto emoji images)",
        deviations=(
            "width 32 instead of 64; a moving average of the generator (decay 0.999); 80 epochs, "
            "since the data set is small."
        ),
    ),
    "stylegan2_emoji_64": Recipe(
        model=lambda seed: keras_gan.StyleGAN2.from_recipe(
            "auto",
            (64, 64, 3),
            batch_size=8,
            channel_base=2048,
            channel_max=96,
            latent_dim=128,
            style_dim=128,
            style_mixing=0.0,
            # Flat shapes have no random details: the noise became blotches.
            use_noise=False,
            clamp=None,
            seed=seed,
        ),
        dataset=_emoji_people_to_train,
        reals=_emoji_people,
        epochs=80,
        compile=lambda: {
            # With the configuration's R1, the discriminator was sure of everything (logits of 4 and
            # -4), and the generator learned little from it.
            "regularizers": [R1(4.0, interval=16)],
            # Colours that changed at random came to be those of the samples, and so did turned
            # faces.
            "augmentations": [
                keras_gan.augmentation.ADA(
                    {"xint": 1, "scale": 1, "aniso": 1, "xfrac": 1}, probability=0.5
                )
            ],
        },
        batch_size=8,
        callbacks=lambda: [AdaptiveAugmentation(target=0.6)],
        description="Emoji of people, 64x64 colour on white, by a small StyleGAN2-ADA.",
        data=(
            "660 emoji of 64x64 pixels on white, heads and shoulders of people in all skin tones, "
            "mirrored at random (img/google/64 of the npm package emoji-datasource-google 16.0.0)"
        ),
        data_licence="MIT (package), Apache-2.0 (Noto emoji images)",
        deviations=(
            "StyleGAN2-ADA's configuration `auto` for batches of 8, with channel_base 2048 and "
            "channel_max 96 instead of 16384 and 512, z and w of 128 numbers, learning rates that "
            "fall to 0 over the last third, R1 with gamma 4 instead of 0.1, no noise, no mixed "
            "styles and no penalty of path lengths (the last two as in its configuration `cifar`), "
            "no clamp; ADA that moves, scales and stretches, but does not turn or recolour, with p "
            "from 0.5 on."
        ),
    ),
}
