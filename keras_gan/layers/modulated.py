"""Layers of StyleGAN2's synthesis network: convolutions that a style modulates."""

import math

import keras
from keras import ops

from keras_gan import backend, random
from keras_gan.checks import check_integers, check_positive
from keras_gan.initializers import RandomNormal
from keras_gan.layers.equalized import EqualizedDense
from keras_gan.ops import bias_act, modulated_conv, setup_filter


@keras.saving.register_keras_serializable(package="keras_gan")
class SynthesisLayer(keras.Layer):
    """A modulated and demodulated 3x3 convolution, noise, bias and leaky ReLU.

    Args:
        filters: int.
        up: int, 1 or 2: make images twice as large.
        use_noise: bool.
        gain: float > 0, factor of the activation's gain sqrt(2) and of the clamp.
        clamp: float > 0, the largest magnitude of an output, or `None`.
        resample_filter: floats, taps of the filter that goes with `up`.
        seed_generator: `keras_gan.random.SeedGenerator` of random noise, such as one that all
            layers of a network share; `None` for one of its own.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: pair of float tensors: activations `(N, H, W, C)` and w `(N, style_dim)`.
        noise: `"const"`, the layer's own map, the same for all samples; `"random"`; `"none"`; or a
            tensor `(N or 1, H, W, 1)`. Whichever it is, it is multiplied by `noise_strength`.

    Returns:
        Tensor `(N, H, W, filters)`, its sides times `up`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    y = keras_gan.layers.SynthesisLayer(64, up=2)([x, w])
    ```

    Reference: Karras et al. (2020), Analyzing and Improving the Image Quality of StyleGAN,
    arXiv:1912.04958.
    """

    def __init__(
        self,
        filters,
        up=1,
        use_noise=True,
        gain=1.0,
        clamp=None,
        resample_filter=(1, 3, 3, 1),
        seed_generator=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_integers(filters=filters)
        if up not in (1, 2):
            raise ValueError(f"`up` is 1 or 2. Received: {up!r}")
        check_positive("gain", gain)
        if clamp is not None:
            check_positive("clamp", clamp)
        self.filters = filters
        self.up = up
        self.use_noise = use_noise
        self.gain = gain
        self.clamp = clamp
        self.resample_filter = tuple(resample_filter)
        self._taps = setup_filter(resample_filter) if up == 2 else None
        self.seed_generator = seed_generator or random.SeedGenerator()

    def build(self, input_shape):
        """Create the weights."""
        (_, height, width, channels), style_shape = input_shape
        self.affine = EqualizedDense(
            channels, bias_initial=1.0, name="affine", dtype=self.dtype_policy
        )
        self.affine.build(style_shape)
        ends = (self.filters, channels) if self.up == 2 else (channels, self.filters)
        self.kernel = self.add_weight(
            name="kernel", shape=(3, 3, *ends), initializer=RandomNormal(0.0, 1.0)
        )
        backend.store_kernel(self.kernel)
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.noise_sides = (height * self.up, width * self.up)
        if self.use_noise:
            self.noise_strength = self.add_weight(
                name="noise_strength", shape=(), initializer="zeros"
            )
            self.noise_const = self.add_weight(
                name="noise_const",
                shape=self.noise_sides,
                initializer=RandomNormal(0.0, 1.0),
                trainable=False,
            )

    def call(self, inputs, noise="const"):
        """Modulate, convolve, and add what is added."""
        x, w = inputs
        gain = math.sqrt(2) * self.gain
        # A leaky ReLU commutes with the gain, which costs nothing on the small factors.
        y = modulated_conv(x, self.kernel, self.affine(w), taps=self._taps, gain=gain)
        noise = self._noise(noise, ops.shape(x)[0])
        if noise is not None:
            y = y + ops.cast(noise, y.dtype) * (self.noise_strength * gain)
        return bias_act(
            y,
            self.bias * gain,
            "leaky_relu",
            gain=1.0,
            clamp=None if self.clamp is None else self.clamp * self.gain,
        )

    def _noise(self, noise, count):
        if not self.use_noise:
            return None
        if isinstance(noise, str):
            if noise == "const":
                return self.noise_const[None, :, :, None]
            if noise == "random":
                return random.normal((count, *self.noise_sides, 1), self.seed_generator)
            return None
        return noise

    def compute_output_shape(self, input_shape):
        """Other sides and channels."""
        (count, height, width, _), _ = input_shape
        return (count, height * self.up, width * self.up, self.filters)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "up": self.up,
            "use_noise": self.use_noise,
            "gain": self.gain,
            "clamp": self.clamp,
            "resample_filter": list(self.resample_filter),
        }


@keras.saving.register_keras_serializable(package="keras_gan")
class ToImage(keras.Layer):
    """A modulated 1x1 convolution without demodulation, from activations to image channels.

    Args:
        channels: int, of the image.
        clamp: float > 0, the largest magnitude of an output, or `None`.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: pair of float tensors: activations `(N, H, W, C)` and w `(N, style_dim)`.

    Returns:
        float32 tensor `(N, H, W, channels)`.

    Raises:
        ValueError: if `channels` is no integer >= 1.

    Example:
    ```python
    image = keras_gan.layers.ToImage(3)([x, w])
    ```

    Reference: Karras et al. (2020), Analyzing and Improving the Image Quality of StyleGAN,
    arXiv:1912.04958.
    """

    def __init__(self, channels, clamp=None, **kwargs):
        super().__init__(**kwargs)
        check_integers(channels=channels)
        if clamp is not None:
            check_positive("clamp", clamp)
        self.channels = channels
        self.clamp = clamp

    def build(self, input_shape):
        """Create the weights."""
        x_shape, style_shape = input_shape
        self.affine = EqualizedDense(
            x_shape[-1], bias_initial=1.0, name="affine", dtype=self.dtype_policy
        )
        self.affine.build(style_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(1, 1, x_shape[-1], self.channels),
            initializer=RandomNormal(0.0, 1.0),
        )
        self.bias = self.add_weight(name="bias", shape=(self.channels,), initializer="zeros")

    def call(self, inputs):
        """Modulate, convolve, and add the bias."""
        x, w = inputs
        styles = self.affine(w) * (1.0 / math.sqrt(x.shape[-1]))
        y = modulated_conv(x, self.kernel, styles, demodulate=False)
        return ops.cast(bias_act(y, self.bias, clamp=self.clamp), "float32")

    def compute_output_shape(self, input_shape):
        """The image's."""
        x_shape, _ = input_shape
        return (*x_shape[:-1], self.channels)

    def compute_output_spec(self, inputs):
        """float32 under every policy."""
        shapes = [x.shape for x in inputs]
        return keras.KerasTensor(self.compute_output_shape(shapes), "float32")

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "channels": self.channels, "clamp": self.clamp}
