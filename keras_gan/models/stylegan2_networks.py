"""The networks of StyleGAN2: synthesis, and the discriminator."""

import math

import keras
from keras import ops

from keras_gan import random
from keras_gan.initializers import RandomNormal
from keras_gan.layers import (
    EqualizedConv2D,
    EqualizedDense,
    MinibatchStdDev,
    StyleMapping,
    SynthesisLayer,
    ToImage,
)
from keras_gan.ops import downsample2d, setup_filter, upsample2d

ARCHITECTURES = ("skip", "resnet", "orig")

# A sum of two branches of variance 1 keeps variance 1.
_HALF = math.sqrt(0.5)
_FILTER = (1, 3, 3, 1)


# Generator ----------------------------------------------------------------------------------------


class StyleGenerator(keras.Model):
    """A functional model from latents (and classes) to images, made of two networks.

    Attributes:
        mapping: `keras_gan.layers.StyleMapping`, from latents to w.
        synthesis: `Synthesis`, from w to images.
    """

    @property
    def mapping(self):
        """See the class."""
        return self.get_layer("mapping")

    @property
    def synthesis(self):
        """See the class."""
        return self.get_layer("synthesis")


def generator(mapping, synthesis, num_classes, name="generator"):
    """The functional generator of the two networks."""
    inputs = keras.Input((mapping.latent_dim,))
    if num_classes is not None:
        inputs = [inputs, keras.Input((), dtype="int32")]
    return StyleGenerator(inputs, synthesis(mapping(inputs)), name=name)


class Synthesis(keras.Model):
    """Images from styles: a learned constant that grows through modulated convolutions.

    Args:
        base: pair of int, sides of the constant.
        channels: list of int, of each block, the first at the sides of `base`, each next at twice
            those of the one before.
        image_channels: int.
        style_dim: int, length of w.
        architecture: `"skip"`, `"resnet"` or `"orig"`.
        use_noise: bool.
        clamp: float > 0, or `None`.
        seed: int of the random noise, or `None`.
        dtype: dtype policy.

    Call arguments:
        inputs: ws `(N, num_styles, style_dim)`, or w `(N, style_dim)` for all layers; or a list of
            ws and a noise map `(N or 1, h, w, 1)` for each layer that has noise.
        noise: `"const"`, `"random"` or `"none"`, where no maps are given; by default random in
            training and else constant.
        training: bool.

    Returns:
        float32 tensor `(N, H, W, C)`.

    Attributes:
        blocks: list of `SynthesisBlock`.
        num_styles: int, how many w an image has.
    """

    def __init__(
        self,
        base,
        channels,
        image_channels,
        style_dim,
        architecture="skip",
        use_noise=True,
        clamp=None,
        seed=None,
        dtype=None,
    ):
        super().__init__(name="synthesis", dtype=dtype)
        self.num_styles = 2 * len(channels)
        self.style_dim = style_dim
        self.image_shape = (*(side * 2 ** (len(channels) - 1) for side in base), image_channels)
        # One stream for the noise of all layers.
        self.seed_generator = random.SeedGenerator(seed)
        self.blocks = []
        for i, filters in enumerate(channels):
            is_last = i == len(channels) - 1
            block = SynthesisBlock(
                filters,
                constant=base if i == 0 else None,
                image_channels=image_channels if is_last or architecture == "skip" else None,
                is_residual=architecture == "resnet" and i > 0,
                use_noise=use_noise,
                clamp=clamp,
                seed_generator=self.seed_generator,
                name=f"b{4 * 2**i}",
                dtype=dtype,
            )
            sides = [side * 2 ** max(i - 1, 0) for side in base]
            block.build([(None, *sides, channels[max(i - 1, 0)]), (None, style_dim)])
            self.blocks.append(block)
        self._taps = setup_filter(_FILTER)
        self.built = True

    @property
    def noise_layers(self):
        """The layers that add noise, in order."""
        layers = [layer for block in self.blocks for layer in block.convolutions]
        return [layer for layer in layers if layer.use_noise]

    def call(self, inputs, noise=None, training=False):
        """Run all blocks."""
        ws, maps = inputs, None
        if isinstance(inputs, (list, tuple)):
            ws, *maps = inputs
        maps = self._noise(maps, noise, training)
        if len(ws.shape) == 2:
            ws = ops.repeat(ws[:, None], self.num_styles, axis=1)
        if ws.shape[1] != self.num_styles:
            raise ValueError(
                f"An image has {self.num_styles} styles. Received: ws of shape {tuple(ws.shape)}"
            )
        x, image, index = None, None, 0
        for block in self.blocks:
            count = len(block.convolutions)
            styles = [ws[:, index + i] for i in range(count + 1)]
            x = block(x, styles=styles, noise=[next(maps) for _ in range(count)])
            if block.torgb is not None:
                y = block.torgb([x, styles[-1]])
                image = y if image is None else upsample2d(image, self._taps) + y
            # The style of an image layer is also that of the next convolution.
            index += count
        return image

    def _noise(self, maps, noise, training):
        """An iterator over what each convolution adds."""
        count = len(self.noise_layers)
        if maps is None:
            mode = noise or ("random" if training else "const")
            if mode not in ("const", "random", "none"):
                raise ValueError(f"`noise` is 'const', 'random' or 'none'. Received: {noise!r}")
            maps = [mode] * count
        if len(maps) != count:
            raise ValueError(f"There are {count} noise maps. Received: {len(maps)}")
        maps = iter(maps)
        layers = [layer for block in self.blocks for layer in block.convolutions]
        return iter([next(maps) if layer.use_noise else "none" for layer in layers])

    def compute_output_spec(self, inputs, noise=None, training=False):
        """One image for each sample."""
        del noise, training
        ws = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        return keras.KerasTensor((ws.shape[0], *self.image_shape), "float32")


class SynthesisBlock(keras.Layer):
    """The layers at one resolution.

    Args:
        filters: int.
        constant: pair of int, the sides of the learned constant that a first block begins with.
        image_channels: int of the layer that makes an image, or `None` without it.
        is_residual: bool, add the inputs, enlarged and projected.
        use_noise: bool.
        clamp: float > 0, or `None`.
        seed_generator: `keras_gan.random.SeedGenerator` of random noise.
        **kwargs: of `keras.Layer`.

    Attributes:
        resolution: int, the nominal one: 4, 8, ...
        const: variable `(h, w, filters)`, or `None`.
        conv0: `SynthesisLayer` that doubles the sides, or `None` in a first block.
        conv1: `SynthesisLayer`.
        torgb: `ToImage`, or `None`.
        skip: `EqualizedConv2D`, or `None`.
    """

    def __init__(
        self,
        filters,
        constant=None,
        image_channels=None,
        is_residual=False,
        use_noise=True,
        clamp=None,
        seed_generator=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.resolution = int(self.name[1:])
        self.filters = filters
        self.constant = constant
        policy = self.dtype_policy
        common = {
            "use_noise": use_noise,
            "clamp": clamp,
            "seed_generator": seed_generator,
            "dtype": policy,
        }
        self.const = self.conv0 = self.torgb = self.skip = None
        if constant is None:
            self.conv0 = SynthesisLayer(filters, up=2, name="conv0", **common)
        gain = _HALF if is_residual else 1.0
        self.conv1 = SynthesisLayer(filters, gain=gain, name="conv1", **common)
        if is_residual:
            self.skip = EqualizedConv2D(
                filters, 1, use_bias=False, up=2, gain=_HALF, name="skip", dtype=policy
            )
        if image_channels is not None:
            self.torgb = ToImage(image_channels, clamp, name="torgb", dtype=policy)

    @property
    def convolutions(self):
        """The layers, as a list of `SynthesisLayer`."""
        return [layer for layer in (self.conv0, self.conv1) if layer is not None]

    def build(self, input_shape):
        """Create all weights."""
        shape, style_shape = input_shape
        if self.constant is not None:
            shape = (None, *self.constant, self.filters)
            self.const = self.add_weight(
                name="const", shape=shape[1:], initializer=RandomNormal(0.0, 1.0)
            )
        if self.skip is not None:
            self.skip.build(shape)
        for layer in self.convolutions:
            layer.build([shape, style_shape])
            shape = layer.compute_output_shape([shape, style_shape])
        if self.torgb is not None:
            self.torgb.build([shape, style_shape])

    def call(self, x, styles, noise):
        """The activations that leave the block."""
        if self.const is not None:
            shape = (ops.shape(styles[0])[0], *self.const.shape)
            x = ops.broadcast_to(self.const, shape)
        shortcut = None if self.skip is None else self.skip(x)
        for layer, w, added in zip(self.convolutions, styles, noise, strict=False):
            x = layer([x, w], noise=added)
        return x if shortcut is None else x + shortcut


# Discriminator ------------------------------------------------------------------------------------


class StyleDiscriminator(keras.Model):
    """A functional model from images (and classes) to logits.

    Attributes:
        blocks: list of `DiscriminatorBlock`, from the largest resolution to 8.
        epilogue: `DiscriminatorEpilogue`.
        mapping: `keras_gan.layers.StyleMapping` of classes, or `None`.
    """

    @property
    def blocks(self):
        """See the class."""
        return [layer for layer in self.layers if isinstance(layer, DiscriminatorBlock)]

    @property
    def epilogue(self):
        """See the class."""
        return self.get_layer("b4")

    @property
    def mapping(self):
        """See the class."""
        return next((layer for layer in self.layers if isinstance(layer, StyleMapping)), None)


def discriminator(
    image_shape,
    channels,
    architecture="resnet",
    clamp=None,
    mapping=None,
    group_size=4,
    num_deviations=1,
    dtype=None,
):
    """The functional discriminator.

    Args:
        image_shape: `(H, W, C)`.
        channels: list of int, as of `Synthesis`: the first is that of the smallest maps.
        architecture: `"resnet"`, `"skip"` or `"orig"`.
        clamp: float > 0, or `None`.
        mapping: `keras_gan.layers.StyleMapping` of classes, or `None`.
        group_size: int of the minibatch standard deviation, or `None` for the whole batch.
        num_deviations: int >= 0, channels of the minibatch standard deviation.
        dtype: dtype policy.

    Returns:
        `StyleDiscriminator`.
    """
    inputs = image = keras.Input(image_shape)
    x = None
    for i in range(len(channels) - 1, 0, -1):
        block = DiscriminatorBlock(
            channels[i],
            channels[i - 1],
            from_image=x is None or architecture == "skip",
            is_residual=architecture == "resnet",
            clamp=clamp,
            name=f"b{4 * 2**i}",
            dtype=dtype,
        )
        x = block([v for v in (x, image) if v is not None])
        image = Downsample(dtype=dtype)(image) if architecture == "skip" else None
    epilogue = DiscriminatorEpilogue(
        channels[0],
        outputs=1 if mapping is None else mapping.style_dim,
        from_image=architecture == "skip",
        clamp=clamp,
        group_size=group_size,
        num_deviations=num_deviations,
        name="b4",
        dtype=dtype,
    )
    x = epilogue([v for v in (x, image) if v is not None])
    # By itself in the graph, so that `GAN.feature_network` finds what enters it.
    x = epilogue.output_dense(x)
    if mapping is None:
        logits = keras.layers.Activation("linear", dtype="float32")(x)
        return StyleDiscriminator(inputs, logits, name="discriminator")
    labels = keras.Input((), dtype="int32")
    logits = Projection(dtype="float32", name="projection")([x, mapping(labels)])
    return StyleDiscriminator([inputs, labels], logits, name="discriminator")


class DiscriminatorBlock(keras.Layer):
    """The layers at one resolution, which leave maps half as large.

    Args:
        filters: int, at the block's resolution.
        outputs: int, channels that leave it.
        from_image: bool, the block sees the image, too.
        is_residual: bool, add the inputs, reduced and projected.
        clamp: float > 0, or `None`.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: list of activations, if there are any yet, and the image, if the block sees it.

    Attributes:
        resolution: int, the nominal one.
        fromrgb: `EqualizedConv2D`, or `None`.
        conv0: `EqualizedConv2D`.
        conv1: `EqualizedConv2D`.
        skip: `EqualizedConv2D`, or `None`.
    """

    def __init__(self, filters, outputs, from_image, is_residual, clamp=None, **kwargs):
        super().__init__(**kwargs)
        self.resolution = int(self.name[1:])
        self.outputs = outputs
        self.fromrgb = self.skip = None
        if from_image:
            self.fromrgb = _from_image(filters, clamp, self.dtype_policy)
        self.conv0 = _convolution(filters, "conv0", clamp, self.dtype_policy)
        gain = _HALF if is_residual else 1.0
        self.conv1 = _convolution(outputs, "conv1", clamp, self.dtype_policy, down=2, gain=gain)
        if is_residual:
            self.skip = EqualizedConv2D(
                outputs,
                1,
                use_bias=False,
                down=2,
                gain=_HALF,
                name="skip",
                dtype=self.dtype_policy,
            )

    @property
    def parts(self):
        """The layers that there are, in the order in which Freeze-D counts them."""
        layers = (self.fromrgb, self.conv0, self.conv1, self.skip)
        return [layer for layer in layers if layer is not None]

    def build(self, input_shape):
        """Create all weights."""
        shape = input_shape[0]
        if self.fromrgb is not None:
            self.fromrgb.build(input_shape[-1])
            shape = self.fromrgb.compute_output_shape(input_shape[-1])
        for layer in (self.conv0, self.skip, self.conv1):
            if layer is not None:
                layer.build(shape)

    def call(self, inputs):
        """The activations that leave the block."""
        x = _with_image(inputs, self.fromrgb)
        shortcut = None if self.skip is None else self.skip(x)
        x = self.conv1(self.conv0(x))
        return x if shortcut is None else x + shortcut

    def compute_output_shape(self, input_shape):
        """Half the sides."""
        count, height, width, _ = input_shape[0]
        return (count, height // 2, width // 2, self.outputs)


class DiscriminatorEpilogue(keras.Layer):
    """From the smallest maps to features of the whole image.

    Args:
        filters: int.
        outputs: int, of the layer that follows; 1 for logits.
        from_image: bool, the layer sees the image, too.
        clamp: float > 0, or `None`.
        group_size: int, or `None`, see `keras_gan.layers.MinibatchStdDev`.
        num_deviations: int >= 0.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: list of activations and, if the layer sees it, the image.

    Attributes:
        fromrgb: `EqualizedConv2D`, or `None`.
        deviations: `keras_gan.layers.MinibatchStdDev`, or `None`.
        conv: `EqualizedConv2D`.
        dense: `EqualizedDense`.
        output_dense: `EqualizedDense`, which is applied to what this layer returns.
        sides: pair of int, of the maps.
    """

    def __init__(
        self, filters, outputs, from_image, clamp=None, group_size=4, num_deviations=1, **kwargs
    ):
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.fromrgb = self.deviations = None
        if from_image:
            self.fromrgb = _from_image(filters, None, policy)
        if num_deviations:
            self.deviations = MinibatchStdDev(group_size, num_deviations, dtype=policy)
        self.conv = _convolution(filters, "conv", clamp, policy)
        self.dense = EqualizedDense(filters, "leaky_relu", name="fc", dtype=policy)
        self.output_dense = EqualizedDense(outputs, name="out", dtype=policy)

    def build(self, input_shape):
        """Create all weights."""
        if self.fromrgb is not None:
            self.fromrgb.build(input_shape[-1])
        shape = input_shape[0]
        if self.deviations is not None:
            self.deviations.build(shape)
            shape = self.deviations.compute_output_shape(shape)
        self.conv.build(shape)
        count, height, width, filters = self.conv.compute_output_shape(shape)
        self.sides = (height, width)
        self.dense.build((count, height * width * filters))
        self.output_dense.build((count, self.dense.units))

    def call(self, inputs):
        """Compare within the batch, convolve, and connect all pixels."""
        x = _with_image(inputs, self.fromrgb)
        if self.deviations is not None:
            x = self.deviations(x)
        x = self.conv(x)
        x = ops.reshape(x, (-1, self.dense.kernel.shape[0]))
        return self.dense(x)

    def compute_output_shape(self, input_shape):
        """One vector for each image."""
        return (input_shape[0][0], self.dense.units)


class Downsample(keras.Layer):
    """Images half as large, by the networks' filter."""

    def call(self, inputs):
        """Filter."""
        return downsample2d(inputs, setup_filter(_FILTER))

    def compute_output_shape(self, input_shape):
        """Half the sides."""
        count, height, width, channels = input_shape
        return (count, height // 2, width // 2, channels)


class Projection(keras.Layer):
    """Logits of a class: the inner product of features and the mapped class, scaled."""

    def call(self, inputs):
        """Project."""
        features, mapped = inputs
        product = ops.sum(features * mapped, axis=1, keepdims=True)
        return product * (1.0 / math.sqrt(features.shape[1]))

    def compute_output_shape(self, input_shape):
        """One logit for each image."""
        return (input_shape[0][0], 1)


def _convolution(filters, name, clamp, policy, **arguments):
    return EqualizedConv2D(
        filters, 3, "leaky_relu", clamp=clamp, name=name, dtype=policy, **arguments
    )


def _from_image(filters, clamp, policy):
    return EqualizedConv2D(filters, 1, "leaky_relu", clamp=clamp, name="fromrgb", dtype=policy)


def _with_image(inputs, from_image):
    """Activations, to which those of the image are added where there is such a layer."""
    *rest, last = inputs
    if from_image is None:
        return last
    y = from_image(last)
    return rest[0] + y if rest else y
