"""The first GAN: multilayer perceptrons."""

import math

import keras
from keras import layers
from keras.optimizers.schedules import ExponentialDecay

from keras_gan import latents, random
from keras_gan.checks import (
    check_filters,
    check_image_shape,
    check_integers,
    check_positive,
    check_units,
)
from keras_gan.gan import GAN
from keras_gan.initializers import RandomUniform
from keras_gan.layers import BatchNormalization, Dropout, LeakyReLU, Maxout
from keras_gan.losses import NonSaturating
from keras_gan.presets import register


@register
class MLPGAN(GAN):
    """The GAN of dense layers in its present-day form, that of the PyTorch-GAN collection.

    The generator's layers but the first are batch-normalised, all activations are leaky ReLUs of
    slope 0.2. The recipe is that code's: Adam(2e-4, beta_1=0.5), batches of 64, the non-saturating
    loss with the mean of the discriminator's two terms, and the generator updated before the
    discriminator. `keras_gan.MaxoutGAN` is the paper's own model.

    Args:
        image_shape: `(height, width, channels)`.
        latent_dim: int, length of a latent vector.
        generator_units: list of int, units of the generator's hidden layers.
        discriminator_units: list of int, of the discriminator's.
        batch_norm_epsilon: float > 0, added to the variance in the generator. Checkpoints of
            PyTorch-GAN need 0.8, where a momentum was meant.
        packing: int >= 1, images that the discriminator judges together, see `keras_gan.GAN`.
        seed: int for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy or its name, for example `"mixed_bfloat16"`.

    Raises:
        ValueError: if `image_shape` is none or a number is out of range.

    Example:
    ```python
    gan = keras_gan.MLPGAN(image_shape=(28, 28, 1))
    gan.compile()
    gan.fit(keras_gan.data.idx("train-images-idx3-ubyte.gz", batch_size=64), epochs=20)
    gan.generate(16)
    ```

    Reference: Goodfellow et al. (2014), Generative Adversarial Networks, arXiv:1406.2661.
    """

    def __init__(
        self,
        image_shape=(28, 28, 1),
        latent_dim=100,
        generator_units=(128, 256, 512, 1024),
        discriminator_units=(512, 256),
        batch_norm_epsilon=1e-5,
        packing=1,
        seed=None,
        name=None,
        dtype=None,
    ):
        self._arguments = _checked_arguments(
            image_shape, latent_dim, generator_units, discriminator_units, packing
        )
        check_epsilon(batch_norm_epsilon)
        self._arguments["batch_norm_epsilon"] = batch_norm_epsilon

        def generator():
            z = keras.Input((latent_dim,))
            x = generator_body(z, generator_units, image_shape, batch_norm_epsilon, dtype)
            return keras.Model(z, x, name="generator")

        images = keras.Input(packed_shape(image_shape, packing))
        x = flattened(images, dtype)
        for units in discriminator_units:
            x = LeakyReLU(0.2, dtype=dtype)(dense(units, x, dtype))
        logits = layers.Activation("linear", dtype="float32")(dense(1, x, dtype))
        super().__init__(
            generator(),
            keras.Model(images, logits, name="discriminator"),
            ema_generator=generator(),
            packing=packing,
            seed=seed,
            name=name,
            dtype=dtype,
        )

    def recipe(self):
        """That of PyTorch-GAN."""
        return {
            **super().recipe(),
            "loss": NonSaturating(discriminator_scale=0.5),
            "generator_first": True,
        }

    def get_config(self):
        """The constructor's arguments."""
        return {**self.base_config(), **self._arguments}


@register
class MaxoutGAN(GAN):
    """The model of the first GAN paper for MNIST: ReLUs against maxout units and dropout.

    Latents are uniform in [-sqrt(3), sqrt(3)), images lie in [0, 1] inside. The recipe is that of
    the published code: SGD with momentum, rate 0.1 divided by 1.000004 in each step, batches of
    100, both players updated in every step. Two things are simpler than there: the momentum stays
    at 0.5 (it rose to 0.7 within 250 epochs) and the biases of the generator's last layer begin at
    0 (they were set to the pixels' mean levels).

    Args:
        image_shape: `(height, width, channels)`.
        latent_dim: int, length of a latent vector.
        generator_units: list of int, units of the generator's hidden layers.
        discriminator_units: list of int, maxout units of the discriminator's.
        pieces: int, linear functions per maxout unit.
        packing: int >= 1, images that the discriminator judges together, see `keras_gan.GAN`.
        seed: int for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy or its name.

    Raises:
        ValueError: if `image_shape` is none or a number is out of range.

    Example:
    ```python
    gan = keras_gan.MaxoutGAN(image_shape=(28, 28, 1))
    gan.compile()
    gan.fit(keras_gan.data.idx("train-images-idx3-ubyte.gz", batch_size=100), epochs=250)
    ```

    References: Goodfellow et al. (2014), Generative Adversarial Networks, arXiv:1406.2661;
    Goodfellow et al. (2013), Maxout Networks, arXiv:1302.4389.
    """

    def __init__(
        self,
        image_shape=(28, 28, 1),
        latent_dim=100,
        generator_units=(1200, 1200),
        discriminator_units=(240, 240),
        pieces=5,
        packing=1,
        seed=None,
        name=None,
        dtype=None,
    ):
        self._arguments = _checked_arguments(
            image_shape, latent_dim, generator_units, discriminator_units, packing
        )
        check_integers(pieces=pieces)
        check_filters(pieces * max(discriminator_units), pieces=pieces)
        self._arguments["pieces"] = pieces

        def generator():
            options = {"kernel_initializer": RandomUniform(-0.05, 0.05), "dtype": dtype}
            z = keras.Input((latent_dim,))
            x = z
            for units in generator_units:
                x = layers.Dense(units, activation="relu", **options)(x)
            x = layers.Dense(math.prod(image_shape), **options)(x)
            x = layers.Activation("sigmoid", dtype="float32")(x)
            x = layers.Reshape(image_shape, dtype="float32")(x)
            return keras.Model(z, x, name="generator")

        options = {"kernel_initializer": RandomUniform(-0.005, 0.005), "dtype": dtype}
        images = keras.Input(packed_shape(image_shape, packing))
        x = layers.Flatten(dtype=dtype)(images)

        def drop(x, number):
            dropout_seed = random.derived(seed, number)
            return Dropout(0.5 if number else 0.2, dropout_seed, dtype=dtype)(x)

        for number, units in enumerate(discriminator_units):
            x = Maxout(units, pieces, **options)(drop(x, number))
        x = layers.Dense(1, **options)(drop(x, len(discriminator_units)))
        logits = layers.Activation("linear", dtype="float32")(x)
        super().__init__(
            generator(),
            keras.Model(images, logits, name="discriminator"),
            ema_generator=generator(),
            image_range=(0, 1),
            packing=packing,
            seed=seed,
            name=name,
            dtype=dtype,
        )

    def recipe(self):
        """That of the paper's code."""

        def optimizer():
            return keras.optimizers.SGD(ExponentialDecay(0.1, 1, 1 / 1.000004), momentum=0.5)

        return {
            **super().recipe(),
            "generator_optimizer": optimizer(),
            "discriminator_optimizer": optimizer(),
        }

    def sample_latents(self, count):
        """Latents for training: float32 `(count, latent_dim)`, uniform with variance 1."""
        return random.uniform((count, self.latent_dim), self.seed_generator, -_LIMIT, _LIMIT)

    def latents_from_seeds(self, seeds, truncation=None):
        """`RandomState(seed).uniform(-sqrt(3), sqrt(3), latent_dim)`, or within `truncation`."""
        if truncation is None:
            truncation = _LIMIT
        check_positive("truncation", truncation)
        limit = min(_LIMIT, truncation)
        return latents.uniform_from_seeds(seeds, self.latent_dim, limit)

    def get_config(self):
        """The constructor's arguments."""
        return {**self.base_config(), **self._arguments}


# Uniform numbers within it have variance 1.
_LIMIT = math.sqrt(3)


# Parts that conditional models share --------------------------------------------------------------


def generator_body(x, hidden_units, image_shape, batch_norm_epsilon, dtype):
    """Images from vectors `x`: dense layers, batch-normalised but for the first and the last."""
    for number, units in enumerate(hidden_units):
        x = dense(units, x, dtype)
        if number:
            x = BatchNormalization(epsilon=batch_norm_epsilon, dtype=dtype)(x)
        x = LeakyReLU(0.2, dtype=dtype)(x)
    x = dense(math.prod(image_shape), x, dtype)
    x = layers.Activation("tanh", dtype="float32")(x)
    # The order of numbers in the checkpoints of PyTorch: (channels, height, width).
    height, width, channels = image_shape
    x = layers.Reshape((channels, height, width), dtype="float32")(x)
    return layers.Permute((2, 3, 1), dtype="float32")(x)


def flattened(images, dtype):
    """Images as vectors, in the order of those of `generator_body`."""
    x = layers.Permute((3, 1, 2), dtype=dtype)(images)
    return layers.Flatten(dtype=dtype)(x)


def dense(units, x, dtype):
    """A dense layer of `x` with PyTorch's default weights, uniform in +-1 / sqrt(fan in)."""
    initializer = RandomUniform(-1 / math.sqrt(x.shape[-1]), 1 / math.sqrt(x.shape[-1]))
    return layers.Dense(
        units, kernel_initializer=initializer, bias_initializer=initializer, dtype=dtype
    )(x)


def packed_shape(image_shape, packing):
    """What a discriminator of `packing` images is shown."""
    *sides, channels = image_shape
    return (*sides, packing * channels)


def check_epsilon(batch_norm_epsilon):
    """Raises a ValueError unless it is a positive number."""
    if not isinstance(batch_norm_epsilon, (int, float)) or not batch_norm_epsilon > 0:
        raise ValueError(
            f"`batch_norm_epsilon` is a number > 0, such as 1e-5. Received: {batch_norm_epsilon!r}"
        )


def _checked_arguments(image_shape, latent_dim, generator_units, discriminator_units, packing):
    """The arguments that both models share, as `get_config` returns them."""
    check_image_shape(image_shape)
    check_integers(latent_dim=latent_dim, packing=packing)
    check_units("generator_units", generator_units)
    check_units("discriminator_units", discriminator_units)
    return {
        "image_shape": list(image_shape),
        "latent_dim": latent_dim,
        "generator_units": list(generator_units),
        "discriminator_units": list(discriminator_units),
        "packing": packing,
    }
