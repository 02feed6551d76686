"""Convolutions of images, each in the form that is fast on the backend at hand."""

import math

import keras
from keras import ops

from keras_gan import backend
from keras_gan.ops import products, tiles

# Fewer channels or tiles than this do not repay the transforms of `tiles`.
_MIN_CHANNELS = 32
_MIN_TILES = 128
# More pixels than this repay the rearranging of the kernel.
_MAX_PIXELS = 64


def conv(inputs, kernel, stride=1, padding="valid"):
    """Two-dimensional convolution: `keras.ops.conv` of channels-last images, often faster.

    It can be differentiated any number of times.

    Args:
        inputs: float tensor `(N, H, W, C)`.
        kernel: tensor `(height, width, C, D)` of the same dtype.
        stride: int >= 1, of both axes.
        padding: `"valid"` or `"same"`.

    Returns:
        Tensor `(N, ceil(H / stride), ceil(W / stride), D)` with `"same"`, else
        `(N, (H - height) // stride + 1, (W - width) // stride + 1, D)`.

    Example:
    ```python
    y = keras_gan.ops.conv(images, kernel, stride=2, padding="same")
    ```
    """
    inputs, kernel = ops.convert_to_tensor(inputs), ops.convert_to_tensor(kernel)
    height, width, channels, filters = kernel.shape
    if (height, width, stride) == (1, 1, 1):
        # Of matrices: on JAX, the gradient of a product of images rearranges all of them.
        y = ops.matmul(ops.reshape(inputs, (-1, channels)), kernel[0, 0])
        return ops.reshape(y, (*ops.shape(inputs)[:3], filters))
    if padding == "valid" and tuple(inputs.shape[1:3]) == (height, width):
        # One output pixel: a dense layer.
        y = ops.matmul(
            ops.reshape(inputs, (-1, height * width * channels)),
            ops.reshape(kernel, (-1, filters)),
        )
        return ops.reshape(y, (-1, 1, 1, filters))
    if _repays_tiles(inputs, kernel, stride, inputs.shape[1:3]):
        before, size = _geometry(inputs.shape[1:3], kernel.shape[:2], stride, padding)
        return tiles.conv(inputs, kernel, stride, before, size)
    return backend.conv(inputs, kernel, stride, padding)


def conv_transpose(inputs, kernel, stride=1, padding="valid"):
    """Transposed convolution: `keras.ops.conv_transpose` of channels-last images, often faster.

    It can be differentiated any number of times.

    Args:
        inputs: float tensor `(N, H, W, C)`.
        kernel: tensor `(height, width, D, C)` of the same dtype.
        stride: int >= 1, of both axes; with `"same"`, no larger than the kernel.
        padding: `"valid"` or `"same"`.

    Returns:
        Tensor `(N, H * stride, W * stride, D)` with `"same"`, else
        `(N, (H - 1) * stride + height, (W - 1) * stride + width, D)`.

    Example:
    ```python
    y = keras_gan.ops.conv_transpose(x, kernel, stride=2, padding="same")
    ```
    """
    inputs, kernel = ops.convert_to_tensor(inputs), ops.convert_to_tensor(kernel)
    height, width, filters, channels = kernel.shape
    if padding == "valid" and tuple(inputs.shape[1:3]) == (1, 1):
        # One input pixel: a dense layer.
        y = ops.matmul(
            ops.reshape(inputs, (-1, channels)),
            ops.transpose(ops.reshape(kernel, (-1, channels))),
        )
        return ops.reshape(y, (-1, height, width, filters))
    if _repays_tiles(inputs, kernel, stride, [n * stride for n in inputs.shape[1:3]]):
        form = tiles
    elif _repays_products(inputs):
        form = products
    else:
        return backend.conv_transpose(inputs, kernel, stride, padding)
    sides = zip(inputs.shape[1:3], kernel.shape[:2], strict=True)
    size = [n * stride if padding == "same" else (n - 1) * stride + k for n, k in sides]
    before, _ = _geometry(size, kernel.shape[:2], stride, padding)
    return form.conv_transpose(inputs, kernel, stride, before, size)


def _repays_tiles(inputs, kernel, stride, size):
    """Whether the algorithms of `tiles` apply, and are the fast ones."""
    height, width, channels, filters = kernel.shape
    return (
        backend.prefers_tiles()
        and _is_float32(inputs)
        and height == width
        and tiles.has_algorithm(height, stride)
        and min(channels * stride * stride, filters) >= _MIN_CHANNELS
        and inputs.shape[0] * math.prod(size) >= _MIN_TILES * (2 * stride) ** 2
    )


def _repays_products(inputs):
    """Whether the transposed convolution of `products` is the fast one."""
    pixels = inputs.shape[:3]
    return (
        backend.prefers_products()
        and _is_float32(inputs)
        and None not in pixels
        and math.prod(pixels) <= _MAX_PIXELS
    )


def _is_float32(tensor):
    return keras.backend.standardize_dtype(tensor.dtype) == "float32"


def _geometry(size, kernel_size, stride, padding):
    """Zeros above and to the left of images of the size, and the size of their convolution."""
    if padding == "valid":
        return [0, 0], [(n - k) // stride + 1 for n, k in zip(size, kernel_size, strict=True)]
    outputs = [-(-n // stride) for n in size]
    sides = zip(outputs, kernel_size, size, strict=True)
    pads = [max((m - 1) * stride + k - n, 0) for m, k, n in sides]
    # An odd zero goes below and to the right.
    return [n // 2 for n in pads], outputs
