"""Changing the resolution of images by filters: exact in phase and gain."""

import functools
import math
import numbers

import numpy as np
from keras import ops

from keras_gan import backend
from keras_gan.ops.convolution import conv, conv_transpose

# A filter this long is applied axis by axis also where it is given as one row of taps.
_LONG = 8
# Up to here, a product with a matrix is as fast as a sum of slices, and compiles sooner.
_MAX_MATRIX_SIDE = 32
# Of the same with long filters on images rather than features: then both other ways, above all
# their derivatives, take two to three times as long.
_MAX_LONG_MATRIX_SIDE = 600
_MAX_IMAGE_CHANNELS = 4
# From the matrix and images to images, by their axis.
_PRODUCTS = {1: "ab,nbwc->nawc", 2: "ab,nhbc->nhac"}


def setup_filter(taps):
    """A filter as StyleGAN's code prepares it: of sum 1, and in two dimensions unless it is long.

    Args:
        taps: floats `(K,)` or `(height, width)`, such as `(1, 3, 3, 1)`.

    Returns:
        float64 array: `(K, K)` for fewer than 8 taps in a row, else of the shape of `taps`.

    Raises:
        ValueError: if `taps` are no such numbers, or add up to 0.

    Example:
    ```python
    taps = keras_gan.ops.setup_filter((1, 3, 3, 1))  # (4, 4), the binomial filter
    ```
    """
    taps = np.asarray(taps, "float64")
    if taps.ndim not in (1, 2) or 0 in taps.shape or not taps.sum():
        raise ValueError(
            "A filter is a list of numbers, or a matrix, of sum other than 0, such as (1, 3, 3, "
            f"1). Received: {taps.tolist()}"
        )
    if taps.ndim == 1 and len(taps) < _LONG:
        taps = np.outer(taps, taps)
    return taps / taps.sum()


def upfirdn2d(x, taps, up=1, down=1, padding=0, flip=False, gain=1.0):
    """Upsample by zeros, pad, filter, and keep every `down`-th pixel of each channel.

    It is linear, and can be differentiated any number of times.

    Args:
        x: float tensor `(N, H, W, C)` of known height and width.
        taps: array of the filter, `(height, width)` or, for both axes the same, `(K,)`; `None`
            leaves the pixels as they are. See `setup_filter`.
        up: int or pair (x, y): each pixel is followed by `up - 1` zeros.
        down: int or pair (x, y).
        padding: int, pair (x, y) or four (left, right, top, bottom) of zeros around the upsampled
            images; negative numbers crop.
        flip: bool. Convolve (`False`), or correlate, for which the filter is not mirrored.
        gain: float, factor of the filter.

    Returns:
        Tensor with sides `(side * up + padding - taps) // down + 1`.

    Raises:
        ValueError: if an argument is of another kind, or no pixel would be left.

    Example:
    ```python
    taps = keras_gan.ops.setup_filter((1, 3, 3, 1))
    y = keras_gan.ops.upfirdn2d(images, taps, up=2, padding=(2, 1, 2, 1), gain=4)
    ```

    Reference: Karras et al. (2020), Analyzing and Improving the Image Quality of StyleGAN,
    arXiv:1912.04958.
    """
    x = ops.convert_to_tensor(x)
    (up_x, up_y), (down_x, down_y) = _pair("up", up), _pair("down", down)
    left, right, top, bottom = _padding(padding)
    taps = np.ones((1, 1)) if taps is None else np.asarray(taps, "float64")
    if not flip:
        taps = taps[::-1, ::-1] if taps.ndim == 2 else taps[::-1]
    max_matrix_side = _MAX_MATRIX_SIDE
    if taps.ndim == 1 and x.shape[3] <= _MAX_IMAGE_CHANNELS and backend.prefers_products():
        max_matrix_side = _MAX_LONG_MATRIX_SIDE
    elif backend.prefers_depthwise() and (up_x == up_y == 1 or down_x == down_y == 1):
        # Long filters in two passes.
        passes = [taps * gain] if taps.ndim == 2 else [taps[:, None] * gain, taps[None]]
        for i, part in enumerate(passes):
            ups, downs, pads = (up_y, up_x), (down_y, down_x), ((top, bottom), (left, right))
            if len(passes) == 2:
                ups, downs = ([n if i == j else 1 for j, n in enumerate(ns)] for ns in (ups, downs))
                pads = [pad if i == j else (0, 0) for j, pad in enumerate(pads)]
            x = _by_depthwise(x, part, ups, downs, pads)
        return x
    total = None
    for column, row in _separable(taps.tobytes(), taps.shape):
        y = _along(x, 1, column * gain, up_y, down_y, top, bottom, max_matrix_side)
        y = _along(y, 2, row, up_x, down_x, left, right, max_matrix_side)
        total = y if total is None else total + y
    return total


def upsample2d(x, taps, factor=2, padding=0, flip=False, gain=1.0):
    """Images `factor` times as large, by a filter whose middle is on the pixels.

    Args:
        x: float tensor `(N, H, W, C)`.
        taps: array, see `upfirdn2d`.
        factor: int or pair (x, y).
        padding: more zeros around the images, see `upfirdn2d`.
        flip: bool, see `upfirdn2d`.
        gain: float; at 1, a filter of sum 1 keeps the brightness.

    Returns:
        Tensor `(N, H * factor, W * factor, C)` without padding.

    Example:
    ```python
    y = keras_gan.ops.upsample2d(images, keras_gan.ops.setup_filter((1, 3, 3, 1)))
    ```
    """
    factors = _pair("factor", factor)
    return upfirdn2d(
        x,
        taps,
        up=factors,
        padding=_around(padding, taps, _of_upsampling, factors),
        flip=flip,
        gain=gain * math.prod(factors),
    )


def downsample2d(x, taps, factor=2, padding=0, flip=False, gain=1.0):
    """Images a `factor`-th as large, by a filter whose middle is on the pixels.

    Args:
        x: float tensor `(N, H, W, C)`.
        taps: array, see `upfirdn2d`.
        factor: int or pair (x, y).
        padding: more zeros around the images, see `upfirdn2d`.
        flip: bool, see `upfirdn2d`.
        gain: float.

    Returns:
        Tensor `(N, H / factor, W / factor, C)` without padding.

    Example:
    ```python
    y = keras_gan.ops.downsample2d(images, keras_gan.ops.setup_filter((1, 3, 3, 1)))
    ```
    """
    factors = _pair("factor", factor)
    return upfirdn2d(
        x,
        taps,
        down=factors,
        padding=_around(padding, taps, _of_downsampling, factors),
        flip=flip,
        gain=gain,
    )


def filter2d(x, taps, padding=0, flip=False, gain=1.0):
    """Filtered images of the same size.

    Args:
        x: float tensor `(N, H, W, C)`.
        taps: array, see `upfirdn2d`.
        padding: more zeros around the images, see `upfirdn2d`.
        flip: bool, see `upfirdn2d`.
        gain: float.

    Returns:
        Tensor `(N, H, W, C)` without padding.

    Example:
    ```python
    y = keras_gan.ops.filter2d(images, keras_gan.ops.setup_filter((1, 2, 1)))
    ```
    """
    around = _around(padding, taps, lambda n, _: (n // 2, (n - 1) // 2), (1, 1))
    return upfirdn2d(x, taps, padding=around, flip=flip, gain=gain)


def conv_upsample(x, kernel, taps, factor=2):
    """Transposed convolution to images `factor` times as large, then the filter.

    Args:
        x: float tensor `(N, H, W, C)`.
        kernel: tensor `(K, K, D, C)` with odd K, see `conv_transpose`.
        taps: array of the filter, see `setup_filter`.
        factor: int.

    Returns:
        Tensor `(N, H * factor, W * factor, D)`.

    Example:
    ```python
    y = keras_gan.ops.conv_upsample(x, kernel, keras_gan.ops.setup_filter((1, 3, 3, 1)))
    ```
    """
    size = kernel.shape[0]
    if size == 1:
        # As many products as there are small pixels.
        y = conv(x, ops.transpose(kernel, (0, 1, 3, 2)))
        return upsample2d(y, taps, factor)

    def pads(n, u):
        before, after = _of_upsampling(n, u)
        return size // 2 + before - (size - 1), size // 2 + after - (size - u)

    around = _around(0, taps, pads, (factor, factor))
    y = conv_transpose(x, kernel, factor, "valid")
    return upfirdn2d(y, taps, padding=around, gain=factor**2)


def conv_downsample(x, kernel, taps, factor=2):
    """The filter, then a convolution to images a `factor`-th as large.

    Args:
        x: float tensor `(N, H, W, C)`.
        kernel: tensor `(K, K, C, D)` with odd K.
        taps: array of the filter, see `setup_filter`.
        factor: int.

    Returns:
        Tensor `(N, H / factor, W / factor, D)`.

    Example:
    ```python
    y = keras_gan.ops.conv_downsample(x, kernel, keras_gan.ops.setup_filter((1, 3, 3, 1)))
    ```
    """
    size = kernel.shape[0]
    if size == 1:
        return conv(downsample2d(x, taps, factor), kernel)

    def pads(n, d):
        before, after = _of_downsampling(n, d)
        return size // 2 + before, size // 2 + after

    y = upfirdn2d(x, taps, padding=_around(0, taps, pads, (factor, factor)))
    return conv(y, kernel, factor, "valid")


# Both axes ----------------------------------------------------------------------------------------


def _by_depthwise(x, taps, ups, downs, pads):
    """`upfirdn2d` of correlation; one of `ups` and `downs` is (1, 1)."""
    sides = [
        n * up + before + after - k + 1
        for n, up, (before, after), k in zip(x.shape[1:3], ups, pads, taps.shape, strict=True)
    ]
    _check_sides(x, sides)
    if tuple(ups) == (1, 1):
        return backend.depthwise(_pad(x, pads), taps, tuple(downs))
    y = backend.depthwise_transpose(x, taps[::-1, ::-1], tuple(ups))
    # Its first pixel is that of a padding by all taps but one.
    starts = [k - 1 - before for k, (before, _) in zip(taps.shape, pads, strict=True)]
    ends = [start + side - n for start, side, n in zip(starts, sides, y.shape[1:3], strict=True)]
    return _pad(y, [(-start, end) for start, end in zip(starts, ends, strict=True)])


def _pad(x, pads):
    """`x` with zeros around it, or fewer pixels where numbers are negative."""
    if any(n > 0 for pair in pads for n in pair):
        x = ops.pad(x, [(0, 0), *((max(a, 0), max(b, 0)) for a, b in pads), (0, 0)])
    if any(n < 0 for pair in pads for n in pair):
        (top, bottom), (left, right) = (
            (max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pads, x.shape[1:3], strict=True)
        )
        x = x[:, top:bottom, left:right]
    return x


def _check_sides(x, sides):
    if min(sides) < 1:
        raise ValueError(
            "No pixel would be left: the images, upsampled and padded, have fewer pixels than the "
            f"filter has taps. Received: images of {tuple(x.shape[1:3])}"
        )


# One axis -----------------------------------------------------------------------------------------


def _along(x, axis, taps, up, down, before, after, max_matrix_side):
    """`x` upsampled, padded, correlated with `taps` and downsampled along an axis."""
    full = x.shape[axis] * up + before + after - len(taps) + 1
    _check_sides(x, [full])
    if max(x.shape[axis], full) <= max_matrix_side:
        matrix = _matrix(taps, x.shape[axis], full, up, before)[::down]
        return ops.einsum(_PRODUCTS[axis], ops.cast(matrix, x.dtype), x)
    if up == 1:
        size = (full - 1) // down + 1
        terms = [(tap, k - before) for k, tap in enumerate(taps) if tap]
        return _sum_of_slices(x, axis, terms, size, down)
    # The pixels of the result with the same remainder see the same taps.
    size = -(-full // up)
    phases = []
    for remainder in range(up):
        offsets = [(remainder + k - before) / up for k in range(len(taps))]
        terms = [(t, int(o)) for t, o in zip(taps, offsets, strict=True) if t and o == int(o)]
        phases.append(_sum_of_slices(x, axis, terms, size, 1))
    y = ops.stack(phases, axis=axis + 1)
    shape = [-1 if n is None else n for n in x.shape]
    shape[axis] = size * up
    y = ops.reshape(y, shape)
    return y if down == 1 and size * up == full else _slice(y, axis, 0, -(-full // down), down)


def _matrix(taps, side, full, up, before):
    """The matrix that upsamples, pads and correlates an axis of `side` pixels."""
    matrix = np.zeros((full, side))
    for row in range(full):
        for k, tap in enumerate(taps):
            pixel, rest = divmod(row + k - before, up)
            if rest == 0 and 0 <= pixel < side:
                matrix[row, pixel] = tap
    return matrix


def _sum_of_slices(x, axis, terms, size, stride):
    """The sum of `tap * x[offset::stride]` over the pairs in `terms`, with zeros around `x`."""
    if not terms:
        return ops.zeros_like(_slice(x, axis, 0, 1, 1)) + ops.zeros(
            [size if i == axis else 1 for i in range(4)], x.dtype
        )
    first = min(offset for _, offset in terms)
    last = max(offset for _, offset in terms) + (size - 1) * stride
    low, high = max(-first, 0), max(last - x.shape[axis] + 1, 0)
    if low or high:
        x = ops.pad(x, [(low, high) if i == axis else (0, 0) for i in range(4)])
    total = None
    for tap, offset in terms:
        part = _slice(x, axis, offset + low, size, stride)
        part = part if tap == 1 else part * float(tap)
        total = part if total is None else total + part
    return total


def _slice(x, axis, start, size, stride):
    index = [slice(None)] * 4
    index[axis] = slice(start, start + (size - 1) * stride + 1, stride)
    return x[tuple(index)]


# Arguments ----------------------------------------------------------------------------------------


@functools.lru_cache
def _separable(data, shape):
    """Pairs (column, row) of vectors whose outer products add up to the filter."""
    taps = np.frombuffer(data, "float64").reshape(shape)
    if taps.ndim == 1:
        return [(taps, taps)]
    columns, values, rows = np.linalg.svd(taps, full_matrices=False)
    kept = values > 1e-12 * values[0]
    pairs = zip(columns.T[kept], values[kept], rows[kept], strict=True)
    return [(c * np.sqrt(v), r * np.sqrt(v)) for c, v, r in pairs]


def _around(padding, taps, of_axis, factors):
    """`padding` and what a filter needs, by its length and the factor of each axis."""
    (height, width) = (1, 1) if taps is None else np.shape(taps) * (3 - np.ndim(taps))
    left, right, top, bottom = _padding(padding)
    x, y = of_axis(width, factors[0]), of_axis(height, factors[1])
    return left + x[0], right + x[1], top + y[0], bottom + y[1]


def _of_upsampling(n, u):
    return (n + u - 1) // 2, (n - u) // 2


def _of_downsampling(n, d):
    return (n - d + 1) // 2, (n - d) // 2


def _pair(name, value):
    pair = tuple(value) if np.iterable(value) else (value, value)
    integers = all(isinstance(n, numbers.Integral) and n >= 1 for n in pair)
    if len(pair) != 2 or not integers:
        raise ValueError(f"`{name}` is an integer >= 1, or a pair (x, y). Received: {value!r}")
    return pair


def _padding(padding):
    four = tuple(padding) if np.iterable(padding) else (padding, padding)
    if len(four) == 2:
        four = (four[0], four[0], four[1], four[1])
    if len(four) != 4 or not all(isinstance(n, numbers.Integral) for n in four):
        raise ValueError(
            "`padding` is an integer, a pair (x, y) or four (left, right, top, bottom). Received: "
            f"{padding!r}"
        )
    return four
