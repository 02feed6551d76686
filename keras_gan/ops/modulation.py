"""Convolutions whose input channels are scaled sample by sample."""

import math

import keras
from keras import ops

from keras_gan.ops.convolution import conv
from keras_gan.ops.resampling import conv_upsample


def modulated_conv(x, kernel, styles, demodulate=True, taps=None, gain=1.0):
    """A convolution whose kernel is scaled by the style of each sample.

    The kernel of a sample is `kernel * style` and, with demodulation, divided by the root of the
    sum of its squares for each output channel (plus 1e-8). It is computed in one of two equal
    forms: by kernels of their own for each sample where that is less work than to scale the
    activations, which is of one large image, and of 1x1 kernels; else by scaled activations.

    Args:
        x: float tensor `(N, H, W, C)`.
        kernel: tensor `(K, K, C, D)` with odd K; of upsampling, `(K, K, D, C)`.
        styles: tensor `(N, C)`.
        demodulate: bool.
        taps: array of the filter for upsampling by 2, see `setup_filter`; `None` keeps the size.
        gain: float, factor of the result.

    Returns:
        Tensor `(N, H, W, D)`, or twice as large.

    Example:
    ```python
    y = keras_gan.ops.modulated_conv(x, kernel, styles)
    ```

    Reference: Karras et al. (2020), Analyzing and Improving the Image Quality of StyleGAN,
    arXiv:1912.04958.
    """
    x, kernel, styles = (ops.convert_to_tensor(v) for v in (x, kernel, styles))
    scales = None
    if demodulate:
        scales = gain * demodulation(kernel, styles, upsampling=taps is not None)
        if keras.backend.standardize_dtype(x.dtype) == "float16":
            kernel, styles, scales = _within_range(kernel, styles, scales)
    elif gain != 1:
        styles = styles * gain
    form = scale_activations
    if _is_pointwise(kernel, taps):
        form = scale_pointwise_kernels
    elif _repays_scaling(x, kernel, taps):
        form = scale_kernel
    return form(x, kernel, styles, scales, taps)


def demodulation(kernel, styles, upsampling=False):
    """The inverse norm of each output channel's kernel after modulation: float32 `(N, D)`."""
    energy = ops.sum(ops.square(ops.cast(kernel, "float32")), axis=(0, 1))
    if upsampling:
        energy = ops.transpose(energy)
    return ops.rsqrt(ops.matmul(ops.square(ops.cast(styles, "float32")), energy) + 1e-8)


def scale_activations(x, kernel, styles, scales, taps):
    """Styles on the inputs, demodulation on the outputs: one kernel for all samples."""
    x = x * ops.cast(styles, x.dtype)[:, None, None, :]
    y = conv(x, kernel, padding="same") if taps is None else conv_upsample(x, kernel, taps)
    return y if scales is None else y * ops.cast(scales, y.dtype)[:, None, None, :]


def scale_kernel(x, kernel, styles, scales, taps):
    """Styles and demodulation on the kernel, of a single sample."""
    # Input and output channels change places in the kernel of a transposed convolution.
    inputs, outputs = ((-1, 1), (1, -1)) if taps is None else ((1, -1), (-1, 1))
    kernel = kernel * ops.reshape(ops.cast(styles, kernel.dtype), inputs)
    if scales is not None:
        kernel = kernel * ops.reshape(ops.cast(scales, kernel.dtype), outputs)
    return conv(x, kernel, padding="same") if taps is None else conv_upsample(x, kernel, taps)


def scale_pointwise_kernels(x, kernel, styles, scales, taps):
    """Of a 1x1 kernel, one for each sample: a batch of matrix products."""
    del taps
    kernels = ops.cast(styles, kernel.dtype)[:, :, None] * kernel[0, 0]
    if scales is not None:
        kernels = kernels * ops.cast(scales, kernel.dtype)[:, None, :]
    height, width, channels = x.shape[1:]
    y = ops.matmul(ops.reshape(x, (-1, height * width, channels)), kernels)
    return ops.reshape(y, (-1, height, width, kernel.shape[-1]))


def _within_range(kernel, styles, scales):
    """The factors of the same product, of which no sum exceeds the range of float16."""
    styles = ops.cast(styles, "float32")
    largest = ops.maximum(ops.max(ops.abs(styles), axis=1, keepdims=True), 1e-8)
    # The product does not depend on it, and so neither do gradients.
    largest = ops.stop_gradient(largest)
    root = math.sqrt(math.prod(kernel.shape[:2]) * styles.shape[1])
    return kernel * (1.0 / root), styles / largest, scales * (largest * root)


def _is_pointwise(kernel, taps):
    return taps is None and tuple(kernel.shape[:2]) == (1, 1)


def _repays_scaling(x, kernel, taps):
    """Whether the kernel of a single sample has fewer numbers than its activations."""
    outputs = kernel.shape[3 if taps is None else 2]
    grown = 1 if taps is None else 4
    activations = math.prod(x.shape[1:3]) * (x.shape[3] + grown * outputs)
    return x.shape[0] == 1 and 2 * math.prod(kernel.shape) <= activations
