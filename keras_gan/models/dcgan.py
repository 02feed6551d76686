"""DCGAN: the convolutional GAN that made GANs work."""

import keras
from keras import layers

from keras_gan.checks import check_filters, check_integers
from keras_gan.gan import GAN
from keras_gan.initializers import RandomNormal
from keras_gan.layers import BatchNormalization, Conv2D, Conv2DTranspose, LeakyReLU
from keras_gan.presets import register


@register
class DCGAN(GAN):
    """Deep convolutional GAN, in the form of pytorch/examples that later papers compare with.

    The generator starts from a small map and doubles it in each transposed convolution; the
    discriminator mirrors it with strided convolutions. Each halving doubles the filters: 64 px has
    four stages on a 4x4 base, 32 px three, 28 px two on a 7x7 base. Generators of three stages are
    twice as wide as that, as the 32 px one of lectures is: like the 64 px one they begin with
    `8 * width` filters. The recipe is the paper's: Adam(2e-4, beta_1=0.5), weights from
    N(0, 0.02), the non-saturating loss, batches of 64 to 128.

    Args:
        image_shape: `(height, width, channels)`. Each side is 4 to 16 times the same power of two,
            at least 4: 16, 28, 32, 48, 64, 96, 128, ...; sides may differ, `(64, 128, 3)`. 1 to 4
            channels.
        latent_dim: int, length of a latent vector.
        width: int, the unit that filters are counted in (64 in the paper; ngf in PyTorch code).
        discriminator_width: int, the discriminator's (ndf); `width` by default.
        packing: int, images that the discriminator judges together, see `keras_gan.GAN`.
        seed: int for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy or its name, for example `"mixed_bfloat16"`.

    Raises:
        ValueError: if `image_shape` cannot be built so, or a number is out of range.

    Example:
    ```python
    gan = keras_gan.DCGAN(image_shape=(64, 64, 3))
    gan.compile()
    gan.fit(keras_gan.data.image_folder("photos/", image_shape=(64, 64, 3)), epochs=25)
    gan.generate(16)
    ```

    Reference: Radford, Metz, Chintala (2015), Unsupervised Representation Learning with Deep
    Convolutional Generative Adversarial Networks, arXiv:1511.06434.
    """

    def __init__(
        self,
        image_shape=(64, 64, 3),
        latent_dim=100,
        width=64,
        discriminator_width=None,
        packing=1,
        seed=None,
        name=None,
        dtype=None,
    ):
        base, stages = base_and_stages(image_shape)
        discriminator_width = width if discriminator_width is None else discriminator_width
        check_integers(
            latent_dim=latent_dim,
            width=width,
            discriminator_width=discriminator_width,
            packing=packing,
        )
        check_filters(
            max(
                _base_filters(width, stages),
                discriminator_width * 2 ** (stages - 1),
                packing * image_shape[-1],
            ),
            width=width,
            discriminator_width=discriminator_width,
            packing=packing,
            image_shape=tuple(image_shape),
        )
        self._arguments = {
            "image_shape": list(image_shape),
            "latent_dim": latent_dim,
            "width": width,
            "discriminator_width": discriminator_width,
            "packing": packing,
        }
        *sides, channels = image_shape

        def generator():
            filters = _base_filters(width, stages)
            return convolutional_generator(base, stages, channels, latent_dim, filters, dtype)

        super().__init__(
            generator(),
            convolutional_discriminator(
                base, stages, (*sides, packing * channels), discriminator_width, dtype
            ),
            ema_generator=generator(),
            packing=packing,
            seed=seed,
            name=name,
            dtype=dtype,
        )

    def get_config(self):
        """The constructor's arguments."""
        return {**self.base_config(), **self._arguments}


def convolutional_generator(base, stages, channels, latent_dim, filters, dtype, batch_norm=True):
    """From latents to a `base` map of `filters`, doubled and halved in filters by each stage."""
    options = {"use_bias": False, "kernel_initializer": normal(0.0), "dtype": dtype}
    z = keras.Input((latent_dim,))
    x = layers.Reshape((1, 1, latent_dim), dtype=dtype)(z)
    x = Conv2DTranspose(filters, base, **options)(x)
    for stage in range(stages):
        if batch_norm:
            x = BatchNormalization(scale_initializer=normal(1.0), dtype=dtype)(x)
        x = layers.ReLU(dtype=dtype)(x)
        filters = filters // 2 if stage < stages - 1 else channels
        x = Conv2DTranspose(filters, 4, strides=2, padding="same", **options)(x)
    x = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(z, x, name="generator")


def convolutional_discriminator(base, stages, image_shape, width, dtype):
    """From images through halvings, the first to `width` filters, to one logit of a `base` map."""
    options = {"use_bias": False, "kernel_initializer": normal(0.0), "dtype": dtype}
    image = keras.Input(image_shape)
    x = image
    for stage in range(stages):
        x = Conv2D(width * 2**stage, 4, strides=2, padding="same", **options)(x)
        if stage:
            x = BatchNormalization(scale_initializer=normal(1.0), dtype=dtype)(x)
        x = LeakyReLU(0.2, dtype=dtype)(x)
    x = Conv2D(1, base, **options)(x)
    logits = layers.Flatten(dtype="float32")(x)
    return keras.Model(image, logits, name="discriminator")


def _base_filters(width, stages):
    """Filters of the generator's first map; each stage halves them."""
    return width * (8 if stages == 3 else 2 ** (stages - 1))


def normal(mean):
    """DCGAN's initializer of kernels (mean 0) and scales (mean 1)."""
    return RandomNormal(mean, 0.02)


def base_and_stages(image_shape):
    """`((height, width), stages)`: both sides halved while they stay even and at least 4."""
    valid = isinstance(image_shape, (list, tuple)) and len(image_shape) == 3
    valid = valid and all(isinstance(n, int) and n > 0 for n in image_shape)
    if valid and image_shape[-1] <= 4:
        height, width, stages = *image_shape[:2], 0
        while height % 2 == 0 and width % 2 == 0 and min(height, width) >= 8:
            height, width, stages = height // 2, width // 2, stages + 1
        if stages >= 2 and max(height, width) <= 16:
            return (height, width), stages
    raise ValueError(
        "`image_shape` is (height, width, channels) with 1 to 4 channels and sides that are 4 to "
        "16 times the same power of two, at least 4: (16, 16, 1), (28, 28, 1), (32, 32, 3), (64, "
        f"128, 3) and so on. Received: {image_shape}. Resize the images, for example with "
        "`keras_gan.data.image_folder(path, image_shape=(64, 64, 3))`."
    )
