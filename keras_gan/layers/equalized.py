"""Layers whose weights are scaled when they are used: the equalised learning rate."""

import math

import keras
from keras import ops

from keras_gan import backend
from keras_gan.checks import check_integer, check_integers, check_positive
from keras_gan.initializers import RandomNormal
from keras_gan.ops import (
    activation_gain,
    bias_act,
    conv,
    conv_downsample,
    conv_upsample,
    setup_filter,
)


@keras.saving.register_keras_serializable(package="keras_gan")
class EqualizedDense(keras.Layer):
    """A dense layer with weights from N(0, 1) that are scaled by `1 / sqrt(fan_in)` at run time.

    Adam's steps are then as large, by comparison, in every layer. A learning rate multiplier below
    1 makes the stored weights larger and their steps, by comparison, smaller.

    Args:
        units: int.
        activation: str, see `keras_gan.ops.bias_act`, with its gain.
        learning_rate_multiplier: float > 0; 0.01 in StyleGAN's mapping networks.
        bias_initial: float, the bias at the beginning, not divided by the multiplier.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor `(..., C)`.

    Returns:
        Tensor `(..., units)`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    y = keras_gan.layers.EqualizedDense(512, "leaky_relu")(x)
    ```

    References: Karras et al. (2018), Progressive Growing of GANs, arXiv:1710.10196; Karras, Laine,
    Aila (2018), A Style-Based Generator Architecture for GANs, arXiv:1812.04948.
    """

    def __init__(
        self,
        units,
        activation="linear",
        learning_rate_multiplier=1.0,
        bias_initial=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_integer("units", units, minimum=1)
        activation_gain(activation)
        check_positive("learning_rate_multiplier", learning_rate_multiplier)
        self.units = units
        self.activation = activation
        self.learning_rate_multiplier = learning_rate_multiplier
        self.bias_initial = bias_initial

    def build(self, input_shape):
        """Create the weights."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer=RandomNormal(0.0, 1.0 / self.learning_rate_multiplier),
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(self.units,),
            initializer=keras.initializers.Constant(self.bias_initial),
        )

    def call(self, inputs):
        """The scaled product, bias and activation."""
        scale = self.learning_rate_multiplier / math.sqrt(self.kernel.shape[0])
        y = ops.matmul(inputs, self.kernel * scale)
        return bias_act(y, self.bias * self.learning_rate_multiplier, self.activation)

    def compute_output_shape(self, input_shape):
        """The input's, with other channels."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": self.activation,
            "learning_rate_multiplier": self.learning_rate_multiplier,
            "bias_initial": self.bias_initial,
        }


@keras.saving.register_keras_serializable(package="keras_gan")
class EqualizedConv2D(keras.Layer):
    """A convolution with weights from N(0, 1) that are scaled by `1 / sqrt(fan_in)` at run time.

    Args:
        filters: int.
        kernel_size: int, odd.
        activation: str, see `keras_gan.ops.bias_act`.
        use_bias: bool.
        up: int >= 1: make images so many times as large.
        down: int >= 1: make them so many times smaller; one of the two is 1.
        gain: float > 0, factor of the activation's gain and of the clamp, such as `sqrt(0.5)` on
            the branches of a residual network.
        clamp: float > 0, the largest magnitude of an output, or `None`.
        resample_filter: floats, taps of the filter that goes with `up` and `down`.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor `(N, H, W, C)`.

    Returns:
        Tensor `(N, H, W, filters)`, its sides times `up / down`.

    The kernel is `(K, K, C, filters)`; with `up` and a kernel larger than 1x1, that of a transposed
    convolution, `(K, K, filters, C)`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    y = keras_gan.layers.EqualizedConv2D(64, 3, "leaky_relu", down=2)(images)
    ```

    References: Karras et al. (2018), Progressive Growing of GANs, arXiv:1710.10196; Karras et al.
    (2020), Analyzing and Improving the Image Quality of StyleGAN, arXiv:1912.04958.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        activation="linear",
        use_bias=True,
        up=1,
        down=1,
        gain=1.0,
        clamp=None,
        resample_filter=(1, 3, 3, 1),
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_integers(filters=filters, kernel_size=kernel_size, up=up, down=down)
        if kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` is odd. Received: {kernel_size}")
        if min(up, down) > 1:
            raise ValueError(f"One of `up` and `down` is 1. Received: up={up}, down={down}")
        activation_gain(activation)
        check_positive("gain", gain)
        if clamp is not None:
            check_positive("clamp", clamp)
        self.filters = filters
        self.kernel_size = kernel_size
        self.activation = activation
        self.use_bias = use_bias
        self.up = up
        self.down = down
        self.gain = gain
        self.clamp = clamp
        self.resample_filter = tuple(resample_filter)
        self._taps = setup_filter(resample_filter)

    def build(self, input_shape):
        """Create the weights."""
        channels, size = input_shape[-1], self.kernel_size
        ends = (self.filters, channels) if self._is_transposed else (channels, self.filters)
        self.kernel = self.add_weight(
            name="kernel", shape=(size, size, *ends), initializer=RandomNormal(0.0, 1.0)
        )
        backend.store_kernel(self.kernel)
        self._fan_in = channels * size * size
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs):
        """The scaled convolution, bias and activation."""
        kernel = self.kernel * (1.0 / math.sqrt(self._fan_in))
        if self.up > 1:
            if not self._is_transposed:
                kernel = ops.transpose(kernel, (0, 1, 3, 2))
            y = conv_upsample(inputs, kernel, self._taps, self.up)
        elif self.down > 1:
            y = conv_downsample(inputs, kernel, self._taps, self.down)
        else:
            y = conv(inputs, kernel, padding="same")
        return bias_act(
            y,
            self.bias,
            self.activation,
            gain=activation_gain(self.activation) * self.gain,
            clamp=None if self.clamp is None else self.clamp * self.gain,
        )

    @property
    def _is_transposed(self):
        return self.up > 1 and self.kernel_size > 1

    def compute_output_shape(self, input_shape):
        """Other sides and channels."""
        sides = (n and n * self.up // self.down for n in input_shape[1:3])
        return (input_shape[0], *sides, self.filters)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "activation": self.activation,
            "use_bias": self.use_bias,
            "up": self.up,
            "down": self.down,
            "gain": self.gain,
            "clamp": self.clamp,
            "resample_filter": list(self.resample_filter),
        }
