"""Conditional GANs: both players are told the class, by concatenation."""

import keras
from keras import layers

from keras_gan import random
from keras_gan.checks import check_filters, check_image_shape, check_integers, check_units
from keras_gan.gan import GAN
from keras_gan.initializers import RandomNormal
from keras_gan.layers import (
    BatchNormalization,
    ConcatenateMaps,
    Conv2D,
    Conv2DTranspose,
    Dropout,
    LeakyReLU,
    OneHot,
)
from keras_gan.models.dcgan import base_and_stages, normal
from keras_gan.models.mlp_gan import check_epsilon, dense, flattened, generator_body
from keras_gan.presets import register


@register
class ConditionalGAN(GAN):
    """Conditional GAN of dense layers, in the form of the PyTorch-GAN collection.

    Each network has an embedding of the class, as long as there are classes: the generator's goes
    before the latent, the discriminator's after the image's numbers. The recipe is that code's:
    least squares, Adam(2e-4, beta_1=0.5), batches of 64, the generator updated first. Generated
    images are of the classes of the batch (there, of classes drawn uniformly).

    Args:
        num_classes: int.
        image_shape: `(height, width, channels)`.
        latent_dim: int, length of a latent vector.
        generator_units: list of int, units of the generator's hidden layers.
        discriminator_units: list of int, of the discriminator's; all but the first have dropout of
            a share of 0.4.
        batch_norm_epsilon: float > 0, added to the variance in the generator. Checkpoints of
            PyTorch-GAN need 0.8, where a momentum was meant.
        seed: int for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy or its name, for example `"mixed_bfloat16"`.

    Raises:
        ValueError: if `image_shape` is none or a number is out of range.

    Example:
    ```python
    gan = keras_gan.ConditionalGAN(num_classes=10, image_shape=(28, 28, 1))
    gan.compile()
    gan.fit(images, labels, batch_size=64, epochs=20)
    gan.generate(10, labels=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    ```

    Reference: Mirza, Osindero (2014), Conditional Generative Adversarial Nets, arXiv:1411.1784.
    """

    def __init__(
        self,
        num_classes,
        image_shape=(28, 28, 1),
        latent_dim=100,
        generator_units=(128, 256, 512, 1024),
        discriminator_units=(512, 512, 512),
        batch_norm_epsilon=1e-5,
        seed=None,
        name=None,
        dtype=None,
    ):
        check_image_shape(image_shape)
        check_integers(num_classes=num_classes, latent_dim=latent_dim)
        check_units("generator_units", generator_units)
        check_units("discriminator_units", discriminator_units)
        check_epsilon(batch_norm_epsilon)
        self._arguments = {
            "num_classes": num_classes,
            "image_shape": list(image_shape),
            "latent_dim": latent_dim,
            "generator_units": list(generator_units),
            "discriminator_units": list(discriminator_units),
            "batch_norm_epsilon": batch_norm_epsilon,
        }

        def embedded(label):
            return layers.Embedding(
                num_classes,
                num_classes,
                embeddings_initializer=RandomNormal(0.0, 1.0),
                dtype=dtype,
                name="label_embedding",
            )(label)

        def generator():
            z, label = keras.Input((latent_dim,)), keras.Input((), dtype="int32")
            x = layers.Concatenate(dtype=dtype)([embedded(label), z])
            x = generator_body(x, generator_units, image_shape, batch_norm_epsilon, dtype)
            return keras.Model([z, label], x, name="generator")

        image, label = keras.Input(image_shape), keras.Input((), dtype="int32")
        x = layers.Concatenate(dtype=dtype)([flattened(image, dtype), embedded(label)])
        for number, units in enumerate(discriminator_units):
            x = dense(units, x, dtype)
            if number:
                x = Dropout(0.4, random.derived(seed, number), dtype=dtype)(x)
            x = LeakyReLU(0.2, dtype=dtype)(x)
        scores = layers.Activation("linear", dtype="float32")(dense(1, x, dtype))
        super().__init__(
            generator(),
            keras.Model([image, label], scores, name="discriminator"),
            ema_generator=generator(),
            num_classes=num_classes,
            seed=seed,
            name=name,
            dtype=dtype,
        )

    def recipe(self):
        """That of PyTorch-GAN."""
        return {**super().recipe(), "loss": "least_squares", "generator_first": True}

    def get_config(self):
        """The constructor's arguments."""
        return {**self.base_config(), **self._arguments}


@register
class ConditionalDCGAN(GAN):
    """DCGAN whose layers all see the class, as constant maps beside their inputs.

    So DCGAN's authors made their conditional networks for MNIST. The layers and the recipe are
    those of `keras_gan.DCGAN`; the one-hot class is appended to the latent, to the image, and to
    what every further convolution takes.

    Args:
        num_classes: int.
        image_shape: `(height, width, channels)`, see `keras_gan.DCGAN`.
        latent_dim: int, length of a latent vector.
        width: int, filters of the finest maps; each coarser one has twice as many.
        seed: int for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy or its name.

    Raises:
        ValueError: if `image_shape` cannot be built so, or a number is out of range.

    Example:
    ```python
    gan = keras_gan.ConditionalDCGAN(num_classes=10, image_shape=(28, 28, 1))
    gan.compile()
    gan.fit(images, labels, batch_size=64, epochs=20)
    gan.generate(4, labels=7)
    ```

    References: Mirza, Osindero (2014), Conditional Generative Adversarial Nets, arXiv:1411.1784;
    Radford, Metz, Chintala (2015), arXiv:1511.06434.
    """

    def __init__(
        self,
        num_classes,
        image_shape=(28, 28, 1),
        latent_dim=100,
        width=64,
        seed=None,
        name=None,
        dtype=None,
    ):
        base, stages = base_and_stages(image_shape)
        check_integers(num_classes=num_classes, latent_dim=latent_dim, width=width)
        check_filters(
            max(width * 2 ** (stages - 1), num_classes),
            width=width,
            num_classes=num_classes,
            image_shape=tuple(image_shape),
        )
        self._arguments = {
            "num_classes": num_classes,
            "image_shape": list(image_shape),
            "latent_dim": latent_dim,
            "width": width,
        }
        options = {"use_bias": False, "kernel_initializer": normal(0.0), "dtype": dtype}

        def inputs(shape):
            label = keras.Input((), dtype="int32")
            return keras.Input(shape), label, OneHot(num_classes, dtype=dtype)(label)

        def join(x, classes):
            return ConcatenateMaps(dtype=dtype)([x, classes])

        def normalize(x):
            return BatchNormalization(scale_initializer=normal(1.0), dtype=dtype)(x)

        def generator():
            z, label, classes = inputs((latent_dim,))
            x = layers.Reshape((1, 1, latent_dim), dtype=dtype)(z)
            filters = width * 2 ** (stages - 1)
            x = Conv2DTranspose(filters, base, **options)(join(x, classes))
            for stage in range(stages):
                x = layers.ReLU(dtype=dtype)(normalize(x))
                filters = filters // 2 if stage < stages - 1 else image_shape[-1]
                deconvolution = Conv2DTranspose(filters, 4, strides=2, padding="same", **options)
                x = deconvolution(join(x, classes))
            x = layers.Activation("tanh", dtype="float32")(x)
            return keras.Model([z, label], x, name="generator")

        image, label, classes = inputs(image_shape)
        x = image
        for stage in range(stages):
            convolution = Conv2D(width * 2**stage, 4, strides=2, padding="same", **options)
            x = convolution(join(x, classes))
            x = LeakyReLU(0.2, dtype=dtype)(normalize(x) if stage else x)
        x = Conv2D(1, base, **options)(join(x, classes))
        logits = layers.Flatten(dtype="float32")(x)
        super().__init__(
            generator(),
            keras.Model([image, label], logits, name="discriminator"),
            ema_generator=generator(),
            num_classes=num_classes,
            seed=seed,
            name=name,
            dtype=dtype,
        )

    def get_config(self):
        """The constructor's arguments."""
        return {**self.base_config(), **self._arguments}
