"""Convolutions with few multiplications, as matrix products over tiles of the images.

A convolution of stride s is the sum of stride-1 convolutions of s * s sub-images (the pixels with
equal remainders), whose kernels have `taps = ceil(size / s)` entries a side. For those there are
algorithms that compute 2 neighbouring outputs with `taps + 1` instead of `2 * taps` multiplications
(Winograd 1980; Lavin, Gray 2015, "Fast Algorithms for Convolutional Neural Networks",
arXiv:1509.09308): combine pixels and kernel entries with factors 0, 1, -1 and 1/2, multiply, and
combine the products. On rows and columns of a 4x4 kernel of stride 2, 9 multiplications do the work
of 16. Each multiplication is a matrix product over the channels of all sub-images.

Everything is made of slices, sums and matrix products, so automatic derivatives of any order are
algorithms of the same kind, and as fast.
"""

from typing import NamedTuple

from keras import ops


class _Algorithm(NamedTuple):
    """Two neighbouring outputs of a one-dimensional convolution of stride 1.

    Attributes:
        pixels: for each multiplication, the factors of the `taps + 1` pixels.
        kernel: for each multiplication, the factors of the `taps` entries of the kernel.
        outputs: for each multiplication, the factors of its product in the 2 outputs.
    """

    pixels: tuple
    kernel: tuple
    outputs: tuple


_ALGORITHMS = {
    2: _Algorithm(
        pixels=((1, -1, 0), (0, 1, 0), (0, -1, 1)),
        kernel=((1, 0), (1, 1), (0, 1)),
        outputs=((1, 0), (1, 1), (0, 1)),
    ),
    3: _Algorithm(
        pixels=((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
        kernel=((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
        outputs=((1, 0), (1, 1), (1, -1), (0, -1)),
    ),
}


def has_algorithm(kernel_size, stride):
    """Whether `conv` and `conv_transpose` take a square kernel of this size."""
    return _taps(kernel_size, stride) in _ALGORITHMS


def conv(x, kernel, stride, before, size):
    """The convolution of images with zeros around them.

    Args:
        x: tensor `(N, H, W, C)`.
        kernel: tensor `(K, K, C, D)`.
        stride: int.
        before: pair of int, zeros above and to the left.
        size: pair of int, height and width of the output. There are as many zeros below and to the
            right as it takes.

    Returns:
        Tensor `(N, *size, D)`.
    """
    taps = _taps(kernel.shape[0], stride)
    algorithm, tiles = _ALGORITHMS[taps], [_tiles(n) for n in size]
    channels, filters = kernel.shape[2:]
    high, wide = (stride * (2 * n + taps - 1) for n in tiles)
    x = window(x, before, (high, wide))
    x = ops.reshape(x, (-1, high // stride, stride, wide // stride, stride, channels))
    products = []
    for pixels, entries in zip(
        _both_axes(_cut, algorithm.pixels, x, (1, 3)),
        _kernels(algorithm, kernel, stride),
        strict=True,
    ):
        pixels = ops.transpose(pixels, (0, 1, 3, 2, 4, 5))
        pixels = ops.reshape(pixels, (-1, stride * stride * channels))
        products.append(ops.reshape(ops.matmul(pixels, entries), (-1, *tiles, filters)))
    factors = _transposed(algorithm.outputs)
    lines = [ops.stack(_combine(factors, line), axis=3) for line in _rows(products)]
    y = ops.stack(_combine(factors, lines), axis=2)
    y = ops.reshape(y, (-1, 2 * tiles[0], 2 * tiles[1], filters))
    return window(y, (0, 0), size)


def conv_transpose(x, kernel, stride, before, size):
    """The transpose of `conv`: what its gradient with respect to the images computes.

    Args:
        x: tensor `(N, H, W, D)`, in the place of `conv`'s output.
        kernel: tensor `(K, K, C, D)`.
        stride: int.
        before: pair of int, rows above and columns to the left that are cropped.
        size: pair of int, height and width of the output.

    Returns:
        Tensor `(N, *size, C)`.
    """
    taps = _taps(kernel.shape[0], stride)
    algorithm, tiles = _ALGORITHMS[taps], [_tiles(n) for n in x.shape[1:3]]
    channels, filters = kernel.shape[2:]
    x = window(x, (0, 0), [2 * n for n in tiles])
    x = ops.reshape(x, (-1, tiles[0], 2, tiles[1], 2, filters))
    products = []
    for outputs, entries in zip(
        _both_axes(_pairs, algorithm.outputs, x, (2, 3)),
        _kernels(algorithm, kernel, stride),
        strict=True,
    ):
        pixels = ops.matmul(ops.reshape(outputs, (-1, filters)), ops.transpose(entries))
        pixels = ops.reshape(pixels, (-1, *tiles, stride, stride, channels))
        products.append(ops.transpose(pixels, (0, 1, 3, 2, 4, 5)))
    factors = _transposed(algorithm.pixels)
    lines = [_overlap(_combine(factors, line), 3) for line in _rows(products)]
    y = _overlap(_combine(factors, lines), 1)
    y = ops.reshape(y, (-1, y.shape[1] * stride, y.shape[3] * stride, channels))
    return window(y, [-n for n in before], size)


def _taps(kernel_size, stride):
    return -(-kernel_size // stride)


def _tiles(size):
    """Pairs of outputs that cover `size` of them."""
    return -(-size // 2)


def window(x, before, size):
    """The rows and columns from `-before` on, as many as `size`; zeros outside of `x`."""
    pads, starts = [(0, 0)], []
    for axis, (first, count) in enumerate(zip(before, size, strict=True), start=1):
        pads.append((max(first, 0), max(count - first - x.shape[axis], 0)))
        starts.append(max(-first, 0))
    x = ops.pad(x, (*pads, (0, 0)))
    return x[:, starts[0] : starts[0] + size[0], starts[1] : starts[1] + size[1]]


def _combine(factors, values):
    """The sums of `values`, each multiplied by its factor, for each row of factors."""
    return [_weighted_sum(row, values) for row in factors]


def _weighted_sum(row, values):
    total = None
    for factor, value in zip(row, values, strict=True):
        if factor == 0:
            continue
        # Written without multiplications by 1, which a compiler may leave as they are.
        magnitude = value if abs(factor) == 1 else abs(factor) * value
        if total is None:
            total = magnitude if factor > 0 else -magnitude
        else:
            total = total + magnitude if factor > 0 else total - magnitude
    return total


def _transposed(factors):
    return tuple(zip(*factors, strict=True))


def _rows(products):
    """The flat list of products as a square."""
    side = round(len(products) ** 0.5)
    return [products[i : i + side] for i in range(0, len(products), side)]


def _both_axes(take, factors, x, axes):
    """All combinations along two axes, as a flat list; the first axis changes slowest."""
    return [
        both
        for line in _combine(factors, take(x, axes[0], len(factors[0])))
        for both in _combine(factors, take(line, axes[1], len(factors[0])))
    ]


def _cut(x, axis, count):
    """The first, second, ... `count`-th pixels of overlapping tiles: every second pixel each."""
    length = x.shape[axis] - count + 2
    return [_slice(x, axis, start, start + length, 2) for start in range(count)]


def _pairs(x, axis, count):
    """The `count` entries of an axis, which is removed."""
    return [x[(slice(None),) * axis + (i,)] for i in range(count)]


def _slice(x, axis, start, stop, step):
    return x[(slice(None),) * axis + (slice(start, stop, step),)]


def _overlap(parts, axis):
    """The transpose of `_cut`: the sum of the parts, each put back in its place."""
    pairs = parts[0].shape[axis] + (len(parts) - 1) // 2

    def put(part, before):
        pads = [(0, 0)] * len(part.shape)
        pads[axis] = (before, pairs - part.shape[axis] - before)
        return ops.pad(part, pads)

    # Part i begins at pixel i: parts 0, 2, ... hold even pixels, parts 1, 3, ... odd ones.
    halves = [sum(put(part, i) for i, part in enumerate(parts[first::2])) for first in (0, 1)]
    x = ops.stack(halves, axis + 1)
    shape = list(halves[0].shape)
    shape[0], shape[axis] = -1, 2 * pairs
    length = 2 * parts[0].shape[axis] + len(parts) - 2
    return _slice(ops.reshape(x, shape), axis, 0, length, 1)


def _kernels(algorithm, kernel, stride):
    """The kernel's part in each multiplication: `(stride * stride * C, D)`."""
    taps, (size, _, channels, filters) = len(algorithm.kernel[0]), kernel.shape
    missing = taps * stride - size
    kernel = ops.pad(kernel, ((0, missing), (0, missing), (0, 0), (0, 0)))
    kernel = ops.reshape(kernel, (taps, stride, taps, stride, channels, filters))
    return [
        ops.reshape(entries, (-1, filters))
        for entries in _both_axes(_pairs, algorithm.kernel, kernel, (0, 1))
    ]
