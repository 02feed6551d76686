"""LSGAN: least squares in place of cross-entropies."""

import keras
from keras import layers

from keras_gan.checks import check_filters, check_integers
from keras_gan.gan import GAN
from keras_gan.layers import BatchNormalization, Conv2D, Conv2DTranspose, LeakyReLU
from keras_gan.models.dcgan import base_and_stages, normal
from keras_gan.presets import register


@register
class LSGAN(GAN):
    """Least squares GAN: images far on the right side of the boundary still have a gradient.

    The networks are the paper's for scenes of 112 px: 3x3 transposed convolutions, each of the
    coarser doublings followed by one that keeps the size, against 5x5 strided convolutions. Other
    sizes have as many doublings as they need. The recipe is the paper's: the targets 0 and 1,
    Adam(1e-3, beta_1=0.5), batches of 64.

    Args:
        image_shape: `(height, width, channels)`, see `keras_gan.DCGAN`.
        latent_dim: int, length of a latent vector.
        width: int, filters of the finest maps; the generator's coarsest have 4 times as many.
        packing: int >= 1, images that the discriminator judges together, see `keras_gan.GAN`.
        seed: int for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy or its name, for example `"mixed_bfloat16"`.

    Raises:
        ValueError: if `image_shape` cannot be built so, or a number is out of range.

    Example:
    ```python
    gan = keras_gan.LSGAN(image_shape=(112, 112, 3))
    gan.compile()
    gan.fit(keras_gan.data.image_folder("rooms/", image_shape=(112, 112, 3)), epochs=10)
    ```

    Reference: Mao, Li, Xie, Lau, Wang, Smolley (2016), Least Squares Generative Adversarial
    Networks, arXiv:1611.04076.
    """

    def __init__(
        self,
        image_shape=(112, 112, 3),
        latent_dim=1024,
        width=64,
        packing=1,
        seed=None,
        name=None,
        dtype=None,
    ):
        base, stages = base_and_stages(image_shape)
        check_integers(latent_dim=latent_dim, width=width, packing=packing)
        check_filters(
            max(width * 2 ** max(stages - 1, 2), packing * image_shape[-1]),
            width=width,
            packing=packing,
            image_shape=tuple(image_shape),
        )
        self._arguments = {
            "image_shape": list(image_shape),
            "latent_dim": latent_dim,
            "width": width,
            "packing": packing,
        }
        *sides, channels = image_shape
        options = {"kernel_initializer": normal(0.0), "dtype": dtype}

        def normalize(x):
            return BatchNormalization(scale_initializer=normal(1.0), dtype=dtype)(x)

        def generator():
            def deconvolution(x, filters, strides):
                x = Conv2DTranspose(filters, 3, strides=strides, padding="same", **options)(x)
                return layers.ReLU(dtype=dtype)(normalize(x))

            z = keras.Input((latent_dim,))
            x = normalize(layers.Dense(base[0] * base[1] * 4 * width, **options)(z))
            x = layers.Reshape((*base, 4 * width), dtype=dtype)(layers.ReLU(dtype=dtype)(x))
            for _ in range(stages - 2):
                x = deconvolution(deconvolution(x, 4 * width, 2), 4 * width, 1)
            x = deconvolution(deconvolution(x, 2 * width, 2), width, 2)
            x = Conv2DTranspose(channels, 3, padding="same", **options)(x)
            return keras.Model(z, layers.Activation("tanh", dtype="float32")(x), name="generator")

        image = keras.Input((*sides, packing * channels))
        x = image
        for stage in range(stages):
            x = Conv2D(width * 2**stage, 5, strides=2, padding="same", **options)(x)
            x = LeakyReLU(0.2, dtype=dtype)(normalize(x) if stage else x)
        x = layers.Dense(1, **options)(layers.Flatten(dtype=dtype)(x))
        scores = layers.Activation("linear", dtype="float32")(x)
        super().__init__(
            generator(),
            keras.Model(image, scores, name="discriminator"),
            ema_generator=generator(),
            packing=packing,
            seed=seed,
            name=name,
            dtype=dtype,
        )

    def recipe(self):
        """The paper's for scenes."""
        return {
            **super().recipe(),
            "generator_optimizer": keras.optimizers.Adam(1e-3, 0.5, 0.999, epsilon=1e-8),
            "discriminator_optimizer": keras.optimizers.Adam(1e-3, 0.5, 0.999, epsilon=1e-8),
            "loss": "least_squares",
        }

    def get_config(self):
        """The constructor's arguments."""
        return {**self.base_config(), **self._arguments}
