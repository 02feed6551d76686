"""The networks of the mixtures, as their papers have them. All take and give images (1, 1, 2)."""

import keras
from keras import layers

from keras_gan.initializers import RandomNormal
from keras_gan.layers import BatchNormalization, Maxout


def pacgan_generator(latent_dim=2):
    """PacGAN's: four layers of 400 units with batch normalisation."""
    weights = RandomNormal(0.0, 0.02)
    z = x = keras.Input((latent_dim,))
    for _ in range(4):
        x = layers.Dense(400, use_bias=False, kernel_initializer=weights)(x)
        x = layers.ReLU()(BatchNormalization(momentum=0.95)(x))
    return _as_image(z, layers.Dense(2, kernel_initializer=weights)(x))


def pacgan_discriminator(packing=1, last=None):
    """PacGAN's: three layers of 200 maxout units with five pieces.

    Args:
        packing: int, samples seen together.
        last: layer in front of the logit, or `None`.
    """
    weights = RandomNormal(0.0, 0.02)
    image = keras.Input((1, 1, 2 * packing))
    x = layers.Flatten()(image)
    for _ in range(3):
        x = Maxout(200, 5, kernel_initializer=weights)(x)
    if last is not None:
        x = last(x)
    return keras.Model(image, layers.Dense(1, kernel_initializer=weights)(x), name="discriminator")


def unrolled_generator(latent_dim=256):
    """Of Unrolled GANs: two layers of 128 units."""
    z = x = keras.Input((latent_dim,))
    for _ in range(2):
        x = layers.Dense(128, "relu", kernel_initializer=_orthogonal())(x)
    return _as_image(z, layers.Dense(2, kernel_initializer=_orthogonal())(x))


def unrolled_discriminator():
    """Of Unrolled GANs: the point divided by four, and one layer of 128 units."""
    image = keras.Input((1, 1, 2))
    x = layers.Rescaling(0.25)(layers.Flatten()(image))
    x = layers.Dense(128, "relu", kernel_initializer=_orthogonal())(x)
    x = layers.Dense(1, kernel_initializer=_orthogonal())(x)
    return keras.Model(image, x, name="discriminator")


def plain_generator(latent_dim, width, depth):
    """Layers of `width` ReLU units without normalisation."""
    z = x = keras.Input((latent_dim,))
    for _ in range(depth):
        x = layers.Dense(width, "relu")(x)
    return _as_image(z, layers.Dense(2)(x))


def plain_discriminator(width, depth, packing=1):
    """Layers of `width` ReLU units without normalisation."""
    image = keras.Input((1, 1, 2 * packing))
    x = layers.Flatten()(image)
    for _ in range(depth):
        x = layers.Dense(width, "relu")(x)
    return keras.Model(image, layers.Dense(1)(x), name="discriminator")


def _orthogonal():
    return keras.initializers.Orthogonal(0.8)


def _as_image(z, points):
    return keras.Model(z, layers.Reshape((1, 1, 2))(points), name="generator")
