"""Convolutions, each in the form that is fast on the backend."""

import keras
from keras import ops

from keras_gan import backend
from keras_gan.ops import tiles


def conv(inputs, kernel, stride=1, padding="valid"):
    inputs, kernel = ops.convert_to_tensor(inputs), ops.convert_to_tensor(kernel)
    size = tuple(kernel.shape[:2])
    if padding == "valid" and tuple(inputs.shape[1:3]) == size:
        # One position: a dense layer.
        y = ops.matmul(
            ops.reshape(inputs, (-1, size[0] * size[1] * kernel.shape[2])),
            ops.reshape(kernel, (-1, kernel.shape[3])),
        )
        return ops.reshape(y, (-1, 1, 1, kernel.shape[3]))
    if size == (1, 1) and stride == 1:
        return ops.matmul(inputs, kernel[0, 0])
    if _tiled(inputs, kernel, stride, *kernel.shape[2:]):
        big = inputs.shape[1:3]
        before, small = _geometry(big, size[0], stride, padding)
        return tiles.conv(inputs, kernel, stride, before, small)
    return backend.conv(inputs, kernel, stride, padding)


def conv_transpose(inputs, kernel, stride=1, padding="valid"):
    inputs, kernel = ops.convert_to_tensor(inputs), ops.convert_to_tensor(kernel)
    size = tuple(kernel.shape[:2])
    filters, channels = kernel.shape[2:]
    if padding == "valid" and tuple(inputs.shape[1:3]) == (1, 1) and stride <= min(size):
        y = ops.matmul(
            ops.reshape(inputs, (-1, channels)),
            ops.transpose(ops.reshape(kernel, (-1, channels))),
        )
        return ops.reshape(y, (-1, *size, filters))
    if _tiled(inputs, kernel, stride, filters, channels):
        big = [n * stride if padding == "same" else (n - 1) * stride + max(size[0], stride) for n in inputs.shape[1:3]]
        before, _ = _geometry(big, size[0], stride, padding)
        return tiles.conv_transpose(inputs, kernel, stride, before, big)
    return backend.conv_transpose(inputs, kernel, stride, padding)


def _tiled(inputs, kernel, stride, channels, filters):
    height, width = kernel.shape[:2]
    return (
        backend.prefers_tiles()
        and height == width
        and tiles.has_algorithm(height, stride)
        and channels * stride * stride >= 32
        and filters >= 32
        and keras.backend.standardize_dtype(inputs.dtype) == "float32"
    )


def _geometry(size, kernel_size, stride, padding):
    if padding == "valid":
        return (0, 0), [(n - kernel_size) // stride + 1 for n in size]
    outputs = [-(-n // stride) for n in size]
    pads = [max((o - 1) * stride + kernel_size - n, 0) for o, n in zip(outputs, size)]
    return [n // 2 for n in pads], outputs
