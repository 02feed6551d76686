"""WGAN-GP: a critic kept 1-Lipschitz by a penalty on its gradient."""

import math

import keras
from keras import layers

from keras_gan.checks import check_filters, check_integers
from keras_gan.gan import GAN
from keras_gan.initializers import RandomUniform
from keras_gan.layers import (
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    LayerNormalization,
    LeakyReLU,
)
from keras_gan.presets import register
from keras_gan.regularizers import GradientPenalty


@register
class WGANGP(GAN):
    """Wasserstein GAN with gradient penalty.

    The recipe is the paper's Algorithm 1: Adam(1e-4, beta_1=0, beta_2=0.9), five critic updates for
    one of the generator, penalty weight 10 with one epsilon per sample, batches of 64. The critic
    has no batch normalisation: its gradient is penalised sample by sample. Minus the adversarial
    part of `d_loss` (`fake_logits - real_logits`) estimates the Wasserstein distance and should
    fall.

    Two published families of networks:

    - `architecture="conv"`: strided 5x5 convolutions. At 28x28 exactly the MNIST networks (no
      normalisation, images in [0, 1] inside); at other sizes the CIFAR-10 form with batch
      normalisation in the generator and tanh.
    - `architecture="resnet"`: residual networks. Up to 32 px the CIFAR-10 form (equal widths, mean
      over space before the logit), above it the 64 px form (widths doubling towards 4x4, layer
      normalisation in the critic).

    Args:
        image_shape: `(height, width, channels)`: `(28, 28, C)` for "conv", or square with a side of
            16, 32, 64, 128, ... (a power of two), 1 to 4 channels.
        architecture: `"conv"` or `"resnet"`.
        latent_dim: int, length of a latent vector.
        width: int, the paper's DIM: 64 for MNIST and 64 px, 128 for CIFAR-10.
        packing: int, images that the critic judges together, see `keras_gan.GAN`.
        seed: int for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy or its name.

    Raises:
        ValueError: if there is no network of this family for `image_shape`, or a number is out of
            range.

    Example:
    ```python
    gan = keras_gan.WGANGP(image_shape=(32, 32, 3), architecture="resnet", width=128)
    gan.compile()
    gan.fit(keras_gan.data.image_folder("photos/", image_shape=(32, 32, 3)), epochs=100)
    ```

    Reference: Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville (2017), Improved Training of
    Wasserstein GANs, arXiv:1704.00028.
    """

    def __init__(
        self,
        image_shape=(28, 28, 1),
        architecture="conv",
        latent_dim=128,
        width=64,
        packing=1,
        seed=None,
        name=None,
        dtype=None,
    ):
        if architecture not in _NETWORKS:
            raise ValueError(
                f"`architecture` is one of {list(_NETWORKS)}. Received: {architecture!r}"
            )
        _check_shape(image_shape, architecture)
        check_integers(latent_dim=latent_dim, width=width, packing=packing)
        side, _, channels = image_shape
        doublings = 0 if architecture == "resnet" and side <= 32 else _stages(side) - 1
        check_filters(
            max(width * 2**doublings, packing * channels),
            width=width,
            packing=packing,
            image_shape=tuple(image_shape),
        )
        self._arguments = {
            "image_shape": list(image_shape),
            "architecture": architecture,
            "latent_dim": latent_dim,
            "width": width,
            "packing": packing,
        }
        generator, critic = _NETWORKS[architecture]
        is_mnist = architecture == "conv" and image_shape[0] == 28
        super().__init__(
            generator(tuple(image_shape), latent_dim, width, dtype),
            critic((side, side, packing * channels), width, dtype),
            ema_generator=generator(tuple(image_shape), latent_dim, width, dtype),
            image_range=(0, 1) if is_mnist else (-1, 1),
            packing=packing,
            seed=seed,
            name=name,
            dtype=dtype,
        )

    def recipe(self):
        """The paper's Algorithm 1."""
        return {
            **super().recipe(),
            "generator_optimizer": keras.optimizers.Adam(1e-4, 0.0, 0.9, epsilon=1e-8),
            "discriminator_optimizer": keras.optimizers.Adam(1e-4, 0.0, 0.9, epsilon=1e-8),
            "loss": "wasserstein",
            "regularizers": [GradientPenalty(10.0)],
            "discriminator_steps": 5,
        }

    def get_config(self):
        """The constructor's arguments."""
        return {**self.base_config(), **self._arguments}


# Strided 5x5 convolutions -------------------------------------------------------------------------


def _conv_generator(image_shape, latent_dim, width, dtype):
    side, _, channels = image_shape
    # The MNIST networks grow 4 -> 8, crop to 7, then 14 and 28.
    is_mnist = side == 28
    stages = _stages(side)
    filters = width * 2 ** (stages - 1)

    def normalize(x):
        return x if is_mnist else BatchNormalization(dtype=dtype)(x)

    z = keras.Input((latent_dim,))
    x = layers.Dense(16 * filters, dtype=dtype, name="input")(z)
    x = layers.ReLU(dtype=dtype)(normalize(x))
    x = layers.Reshape((4, 4, filters), dtype=dtype)(x)
    for stage in range(1, stages + 1):
        last = stage == stages
        out = channels if last else filters // 2**stage
        x = Conv2DTranspose(
            out,
            5,
            strides=2,
            padding="same",
            kernel_initializer=_he_deconv(x.shape[-1], out),
            dtype=dtype,
            name=f"deconv{stage}",
        )(x)
        if not last:
            x = layers.ReLU(dtype=dtype)(normalize(x))
        if is_mnist and stage == 1:
            x = layers.Cropping2D(((0, 1), (0, 1)), dtype=dtype)(x)
    x = layers.Activation("sigmoid" if is_mnist else "tanh", dtype="float32")(x)
    return keras.Model(z, x, name="generator")


def _conv_critic(image_shape, width, dtype):
    side = image_shape[0]
    stages = _stages(side)
    image = keras.Input(image_shape)
    x = image
    for stage in range(stages):
        x = _conv(width * 2**stage, 5, dtype, f"conv{stage + 1}", strides=2)(x)
        x = LeakyReLU(0.2, dtype=dtype)(x)
    x = layers.Flatten(dtype=dtype)(x)
    x = layers.Dense(1, dtype=dtype, name="output")(x)
    return keras.Model(image, layers.Activation("linear", dtype="float32")(x), name="critic")


# Residual networks --------------------------------------------------------------------------------


def _resnet_generator(image_shape, latent_dim, width, dtype):
    side, _, channels = image_shape
    stages = _stages(side)
    small = side <= 32
    # Filters after the dense layer and after each block.
    if small:
        filters = [width] * (stages + 1)
    else:
        filters = [width * 2 ** (stages - 1)]
        filters += [width * 2 ** (stages - 1 - i) for i in range(stages)]
    z = keras.Input((latent_dim,))
    x = layers.Dense(16 * filters[0], dtype=dtype, name="input")(z)
    x = layers.Reshape((4, 4, filters[0]), dtype=dtype)(x)
    for stage in range(1, stages + 1):
        x = _block(x, filters[stage], f"block{stage}", "up", _batch_norm, small, dtype)
    x = layers.ReLU(dtype=dtype)(_batch_norm("norm", dtype)(x))
    x = _conv(channels, 3, dtype, "output", he=False)(x)
    return keras.Model(z, layers.Activation("tanh", dtype="float32")(x), name="generator")


def _resnet_critic(image_shape, width, dtype):
    side = image_shape[0]
    image = keras.Input(image_shape)
    if side <= 32:
        x = _first_block(image, width, dtype)
        downs = int(math.log2(side)) - 4
        for number in range(2, 2 + downs):
            x = _block(x, width, f"block{number}", "down", None, True, dtype)
        for number in range(2 + downs, 4 + downs):
            x = _block(x, width, f"block{number}", None, None, True, dtype)
        x = layers.GlobalAveragePooling2D(dtype=dtype)(layers.ReLU(dtype=dtype)(x))
    else:
        x = _conv(width, 3, dtype, "input", he=False)(image)
        stages = _stages(side)
        for stage in range(1, stages + 1):
            filters = width * 2 ** min(stage, stages - 1)
            x = _block(x, filters, f"block{stage}", "down", _layer_norm, False, dtype)
        x = layers.Flatten(dtype=dtype)(x)
    x = layers.Dense(1, dtype=dtype, name="output")(x)
    return keras.Model(image, layers.Activation("linear", dtype="float32")(x), name="critic")


def _block(x, filters, name, resample, norm, first_bias, dtype):
    """Shortcut + conv2(relu(norm2(conv1(relu(norm1(x)))))), with a change of resolution.

    Upsampling comes before conv1 and the shortcut's 1x1; the mean pool after conv2. In the shortcut
    it comes after the 1x1 in the CIFAR-10 networks (`first_bias`), before it in the 64 px ones.
    """
    inputs = x

    def activate(x, number):
        x = x if norm is None else norm(f"{name}_norm{number}", dtype)(x)
        return layers.ReLU(dtype=dtype)(x)

    def upsample(x):
        return layers.UpSampling2D(2, dtype=dtype)(x) if resample == "up" else x

    def pool(x):
        return layers.AveragePooling2D(2, dtype=dtype)(x) if resample == "down" else x

    # conv1 keeps the input's width on the way down.
    inner = inputs.shape[-1] if resample == "down" else filters
    x = upsample(activate(x, 1))
    x = _conv(inner, 3, dtype, f"{name}_conv1", use_bias=first_bias)(x)
    x = pool(_conv(filters, 3, dtype, f"{name}_conv2")(activate(x, 2)))
    shortcut = inputs
    if resample is not None or inputs.shape[-1] != filters:
        project = _conv(filters, 1, dtype, f"{name}_shortcut", he=False)
        if resample == "up":
            shortcut = project(upsample(inputs))
        else:
            shortcut = pool(project(inputs)) if first_bias else project(pool(inputs))
    return layers.Add(dtype=dtype)([shortcut, x])


def _first_block(image, width, dtype):
    """The CIFAR-10 critic's first block: no activation before its first convolution."""
    x = _conv(width, 3, dtype, "block1_conv1")(image)
    x = layers.ReLU(dtype=dtype)(x)
    x = layers.AveragePooling2D(2, dtype=dtype)(_conv(width, 3, dtype, "block1_conv2")(x))
    shortcut = layers.AveragePooling2D(2, dtype=dtype)(image)
    shortcut = _conv(width, 1, dtype, "block1_shortcut", he=False)(shortcut)
    return layers.Add(dtype=dtype)([shortcut, x])


# Parts --------------------------------------------------------------------------------------------


def _batch_norm(name, dtype):
    return BatchNormalization(dtype=dtype, name=name)


def _layer_norm(name, dtype):
    return LayerNormalization(dtype=dtype, name=name)


def _conv(filters, kernel_size, dtype, name, strides=1, use_bias=True, he=True):
    return Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=_FanScaled(2.0 if he else 1.0, strides),
        dtype=dtype,
        name=name,
    )


@keras.saving.register_keras_serializable(package="keras_gan")
class _FanScaled(keras.initializers.Initializer):
    """Uniform, of variance `2 * scale / (fan_in + fan_out)`, fan_out per output position."""

    def __init__(self, scale, strides=1):
        self.scale = scale
        self.strides = strides

    def __call__(self, shape, dtype=None):
        *window, fan_in, fan_out = shape
        area = math.prod(window)
        return _uniform(self.scale, area * fan_in, area * fan_out / self.strides**2)(shape, dtype)

    def get_config(self):
        return {"scale": self.scale, "strides": self.strides}


def _he_deconv(channels_in, filters):
    # A transposed convolution of stride 2 sums a quarter of its window for each output.
    return _uniform(2.0, 25 * channels_in / 4, 25 * filters)


def _uniform(scale, fan_in, fan_out):
    limit = math.sqrt(3.0 * 2.0 * scale / (fan_in + fan_out))
    return RandomUniform(-limit, limit)


_NETWORKS = {
    "conv": (_conv_generator, _conv_critic),
    "resnet": (_resnet_generator, _resnet_critic),
}


def _stages(side):
    """How often a 4x4 map is doubled; 28 px are cropped on the way."""
    return 3 if side == 28 else int(math.log2(side)) - 2


def _check_shape(image_shape, architecture):
    valid = isinstance(image_shape, (list, tuple)) and len(image_shape) == 3
    valid = valid and all(isinstance(n, int) and n > 0 for n in image_shape)
    if valid and image_shape[0] == image_shape[1] and image_shape[2] <= 4:
        side = image_shape[0]
        if (side >= 16 and side & (side - 1) == 0) or (side == 28 and architecture == "conv"):
            return
    raise ValueError(
        "`image_shape` is square with a side that is a power of two, at least 16, or (28, 28, C) "
        f"with architecture='conv'; 1 to 4 channels. Received: {image_shape} with architecture="
        f"{architecture!r}. Resize the images, for example with "
        "`keras_gan.data.image_folder(path, image_shape=(32, 32, 3))`."
    )
