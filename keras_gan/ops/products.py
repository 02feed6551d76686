"""A transposed convolution of a few pixels, as one product of matrices."""

from keras import ops

from keras_gan.ops.tiles import window


def conv_transpose(x, kernel, stride, before, size):
    """`keras_gan.ops.tiles.conv_transpose` of any kernel.

    A deep kernel is larger than the few pixels it meets, so time goes where it is rearranged: here
    it is read once, as it lies in memory.

    Args:
        x: tensor `(N, H, W, D)`.
        kernel: tensor `(K, L, C, D)`.
        stride: int.
        before: pair of int, rows above and columns to the left that are cropped.
        size: pair of int, height and width of the output.

    Returns:
        Tensor `(N, *size, C)`.
    """
    _, height, width, filters = x.shape
    channels = kernel.shape[2]
    taps = [-(-n // stride) for n in kernel.shape[:2]]
    missing = [(0, count * stride - n) for count, n in zip(taps, kernel.shape[:2], strict=True)]
    if any(more for _, more in missing):
        kernel = ops.pad(kernel, (*missing, (0, 0), (0, 0)))
    y = ops.matmul(ops.reshape(kernel, (-1, filters)), ops.transpose(ops.reshape(x, (-1, filters))))
    # What each pixel adds to the output, `stride` by `stride` pixels for each tap.
    y = ops.reshape(y, (taps[0], stride, taps[1], stride, channels, -1, height, width))
    y = _overlap(y, 0, -2)
    y = _overlap(y, 1, -1)
    y = ops.transpose(y, (3, 4, 0, 5, 1, 2))
    y = ops.reshape(y, (-1, stride * y.shape[1], stride * y.shape[3], channels))
    return window(y, [-n for n in before], size)


def _overlap(x, taps, axis):
    """The sum over the axis `taps`, whose i-th entry begins `i` places into `axis`."""
    count = x.shape[taps]
    total = 0
    for i in range(count):
        pads = [(0, 0)] * (len(x.shape) - 1)
        pads[axis] = (i, count - 1 - i)
        total = total + ops.pad(x[(slice(None),) * taps + (i,)], pads)
    return total
