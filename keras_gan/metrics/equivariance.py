"""How well a generator's images move and turn with its input: EQ-T, EQ-T_frac and EQ-R.

The operators move or turn images `(N, H, W, C)` as if they were samples of continuous signals, and
say by a mask which pixels are known. The metrics ask a generator for an image and for the moved
one, and compare.

Reference: Karras et al. (2021), Alias-free generative adversarial networks, arXiv:2106.12423.
"""

import math

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_integer, check_number

# Lobes of the Lanczos window, what is kept of the filters' tails, and where they are truncated
# before, all in pixels; samples per pixel from which rotated images are interpolated.
_LOBES, _KEPT, _SUPPORT, _UP = 3, 6, 64, 4


def rotation_matrix(angle):
    """The 3 x 3 matrix `[[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]]`, float64.

    Args:
        angle: float, radians.

    Returns:
        Array `(3, 3)`.

    Example:
    ```python
    keras_gan.metrics.equivariance.rotation_matrix(0.5)
    ```
    """
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def integer_translation(images, tx, ty):
    """Images moved by whole pixels.

    Args:
        images: float tensor `(N, H, W, C)`.
        tx: float, to the right as a share of W; rounded to a pixel.
        ty: float, down as a share of H.

    Returns:
        Pair `(moved, mask)`: a tensor of the same shape with zeros where nothing is known, and a
        float32 array `(H, W)` of zeros and ones.

    Raises:
        ValueError: if these are no images or the numbers no finite ones.

    Example:
    ```python
    moved, mask = keras_gan.metrics.equivariance.integer_translation(images, 0.125, 0.0)
    ```
    """
    x = _images(images)
    moves = [_pixels(share, size) for share, size in ((ty, x.shape[1]), (tx, x.shape[2]))]
    return _moved(x, [(round(move), np.ones(1, "float32"), 0) for move in moves])


def fractional_translation(images, tx, ty):
    """Images moved by a part of a pixel, too, by a sinc in a Lanczos window of six taps.

    Args:
        images: float tensor `(N, H, W, C)`.
        tx: float, to the right as a share of W.
        ty: float, down as a share of H.

    Returns:
        Pair `(moved, mask)`: a tensor of the same shape, and a float32 array `(H, W)`, one where
        all taps lie in the image.

    Raises:
        ValueError: if these are no images or the numbers no finite ones.

    Example:
    ```python
    moved, mask = keras_gan.metrics.equivariance.fractional_translation(images, 0.1, -0.03)
    ```
    """
    x = _images(images)
    filters = []
    for share, size in ((ty, x.shape[1]), (tx, x.shape[2])):
        move = _pixels(share, size)
        whole = math.floor(move)
        places = np.arange(1 - _LOBES, 1 + _LOBES) - (move - whole)
        taps = np.sinc(places) * np.sinc(places / _LOBES)
        filters.append((whole, taps / taps.sum(), 1 - _LOBES))
    return _moved(x, filters)


def rotation(images, angle):
    """Images turned around their centre, without what is beyond either grid's resolution.

    Args:
        images: float tensor `(N, S, S, C)`.
        angle: float, radians; positive turns as `rotation_matrix`.

    Returns:
        Pair `(turned, mask)`: a tensor of the same shape, and a float32 array `(S, S)`.

    Raises:
        ValueError: if these are no square images or the angle no finite number.

    Example:
    ```python
    turned, mask = keras_gan.metrics.equivariance.rotation(images, 0.5)
    ```
    """
    x = _images(images, square=True)
    _, size, _, channels = x.shape
    matrix = rotation_matrix(_finite("angle", angle))
    taps = _band_limit(matrix, _UP)
    # One output for each position between two pixels: sample u = _UP * row + phase.
    phases = np.pad(taps, ((0, 1), (0, 1))).reshape(2 * _KEPT, _UP, 2 * _KEPT, _UP)
    phases = phases.transpose(0, 2, 1, 3).reshape(2 * _KEPT, 2 * _KEPT, _UP**2)
    fine = _convolved(x, phases, 2 * _KEPT - 1)
    length = fine.shape[1]
    fine = ops.reshape(fine, (-1, channels, length, length, _UP, _UP))
    fine = ops.transpose(fine, (0, 1, 2, 4, 3, 5))
    fine = ops.reshape(fine, (-1, channels, (length * _UP) ** 2))
    # Where each pixel of the result comes from.
    places = np.arange(size) + 0.5 - size / 2
    targets = np.stack([np.tile(places, (size, 1)), np.tile(places[:, None], (1, size))])
    sources = np.tensordot(np.linalg.inv(matrix)[:2, :2], targets, 1) + (size / 2 - 0.5)
    reach = len(taps) // 2
    columns, rows = _UP * sources + reach
    turned = _interpolated(fine, length * _UP, rows, columns)
    low, high = 2 * reach + 1 - _UP // 2, _UP * size - 1 - _UP // 2
    known = [(low <= np.rint(z)) & (np.rint(z) < high) for z in (rows, columns)]
    turned = ops.reshape(turned, (-1, channels, size, size))
    return ops.transpose(turned, (0, 2, 3, 1)), (known[0] & known[1]).astype("float32")


def pseudo_rotation(images, angle):
    """Images that are not turned, but lack what `rotation` would have taken from them.

    Args:
        images: float tensor `(N, S, S, C)`.
        angle: float, radians, by which the images' content was turned.

    Returns:
        Pair `(filtered, mask)`: a tensor of the same shape, and a float32 array `(S, S)`.

    Raises:
        ValueError: if these are no square images or the angle no finite number.

    Example:
    ```python
    filtered, mask = keras_gan.metrics.equivariance.pseudo_rotation(images, 0.5)
    ```
    """
    x = _images(images, square=True)
    taps = _band_limit(rotation_matrix(-_finite("angle", angle)), 1)
    reach = len(taps) // 2
    filtered = _convolved(x, taps[:, :, None], reach)
    filtered = ops.reshape(filtered, (-1, x.shape[3], *x.shape[1:3]))
    mask = np.zeros(x.shape[1:3], "float32")
    mask[reach:-reach, reach:-reach] = 1.0
    return ops.transpose(filtered, (0, 2, 3, 1)), mask


def _images(images, square=False):
    x = ops.convert_to_tensor(images)
    if len(x.shape) != 4 or (square and x.shape[1] != x.shape[2]):
        shape = "(N, S, S, C)" if square else "(N, H, W, C)"
        raise ValueError(f"Images have the shape {shape}. Received: {tuple(x.shape)}")
    return ops.cast(x, "float32")


def _finite(name, value):
    check_number(name, float(value), minimum=-math.inf)
    return float(value)


def _pixels(share, size):
    return _finite("tx and ty", share) * size


def _moved(x, filters):
    """Each axis moved by whole pixels and filtered; pixels outside are zero and unknown."""
    known = []
    for axis, (whole, taps, first) in enumerate(filters, start=1):
        size = x.shape[axis]
        matrix = np.zeros((size, size), "float32")
        for number, tap in enumerate(taps):
            matrix += tap * np.eye(size, k=-(whole + first + number), dtype="float32")
        # A product with a band matrix: exact for one tap, and the same code on every backend.
        x = ops.moveaxis(ops.tensordot(ops.convert_to_tensor(matrix), x, ((1,), (axis,))), 0, axis)
        sources = np.arange(size) - whole - first
        known.append((sources - len(taps) + 1 >= 0) & (sources < size))
    return x, np.outer(*known).astype("float32")


def _band_limit(matrix, up):
    """The filter that passes what both an image's grid and the transformed one can hold.

    The convolution of the two grids' ideal low-pass filters, in the convolution of their two
    Lanczos windows; `up` taps per pixel, each phase of sum one.
    """
    count = 2 * _SUPPORT * up - 1
    # In the order of the Fourier transform: from zero on, then the negative ones.
    taps = np.fft.ifftshift(np.arange(count) - count // 2) / up
    x, y = np.meshgrid(taps, taps)
    grids = (x, y), np.tensordot(matrix[:2, :2], np.stack([x, y]), 1)

    def convolved(function):
        spectra = [np.fft.rfft2(function(u) * function(v)) for u, v in grids]
        return np.fft.irfft2(spectra[0] * spectra[1], s=x.shape)

    window = convolved(lambda u: np.sinc(u / _LOBES) * (np.abs(u) < _LOBES))
    filters = np.fft.fftshift(convolved(np.sinc) * window)
    cut = (_SUPPORT - _KEPT) * up
    filters = np.pad(filters[cut:-cut, cut:-cut], ((0, 1), (0, 1)))
    phases = filters.reshape(2 * _KEPT, up, 2 * _KEPT, up)
    phases = phases / phases.sum(axis=(0, 2), keepdims=True)
    return phases.reshape(filters.shape)[:-1, :-1]


def _convolved(x, taps, padding):
    """Every channel by itself with filters `(h, w, K)`: `(N * C, H', W', K)`, zeros outside."""
    _, height, width, _ = x.shape
    planes = ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (-1, height, width, 1))
    planes = ops.pad(planes, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    kernel = taps[::-1, ::-1, None, :].astype("float32")
    return ops.conv(
        planes, ops.convert_to_tensor(kernel), padding="valid", data_format="channels_last"
    )


def _interpolated(planes, size, rows, columns):
    """Bilinear samples `(..., number)` of planes `(..., size * size)`, zero outside."""
    total = 0.0
    low_row, low_column = np.floor(rows), np.floor(columns)
    for row in (low_row, low_row + 1):
        for column in (low_column, low_column + 1):
            weight = (1 - np.abs(rows - row)) * (1 - np.abs(columns - column))
            inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
            index = np.where(inside, row * size + column, 0).astype("int32").ravel()
            weight = np.where(inside, weight, 0).astype("float32").ravel()
            total = total + ops.take(planes, index, axis=-1) * ops.convert_to_tensor(weight)
    return total


class EquivarianceMetric(keras.metrics.Metric):
    """Base class: the peak signal-to-noise ratio between moved images and images of moved input.

    A subclass sets `default_name` and implements `compare`.

    Args:
        seed: int in `[0, 2**32)`, of the transformations.
        name: str.
        dtype: dtype of the metric.

    Attributes:
        error: float, sum of masked squared differences.
        pixels: float, sum of the mask.
    """

    default_name = None

    def __init__(self, seed=0, name=None, dtype=None):
        super().__init__(name=name or self.default_name, dtype=dtype)
        check_integer("seed", seed, minimum=0)
        self.seed = seed
        self.reset_state()

    def compare(self, generate, rng):
        """One comparison.

        Args:
            generate: callable from a float64 array `(3, 3)` to a tensor of images.
            rng: `np.random.RandomState`.

        Returns:
            Triple `(expected, images, mask)`: two tensors `(N, H, W, C)` and an array `(H, W)`.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `compare`.")

    def reset_state(self):
        """Forget all images and begin the transformations again."""
        self.error = self.pixels = 0.0
        self._rng = np.random.RandomState(self.seed)

    def update_state(self, generate):
        """Compare one batch under one random transformation.

        Args:
            generate: callable from a float64 array `(3, 3)`, the inverse of the transformation, as
                StyleGAN3's input layer takes it, to float images `(N, S, S, C)` in [-1, 1]: of the
                same latents and the same noise at each call.

        Raises:
            ValueError: if `generate` is not callable, or makes other things or NaN.
        """
        if not callable(generate):
            raise ValueError(
                f"`generate` is a callable from a 3 x 3 matrix to images. Received: {generate!r}"
            )
        expected, images, mask = self.compare(generate, self._rng)
        difference = ops.square(expected - images) * ops.convert_to_tensor(mask[None, :, :, None])
        batch, _, _, channels = expected.shape
        # Few numbers each; the sum over all images is kept in float64.
        error = float(
            ops.convert_to_numpy(ops.sum(difference, axis=(1, 2, 3))).sum(dtype="float64")
        )
        if not math.isfinite(error):
            raise ValueError("The generator made NaN or infinite pixels: it has diverged.")
        self.error += error
        self.pixels += float(mask.sum()) * batch * channels

    def merge_state(self, metrics):
        """Add what other metrics of this class compared; give each a seed of its own."""
        metrics = list(metrics)
        for metric in metrics:
            if type(metric) is not type(self):
                raise ValueError(
                    f"Metrics of one class are merged. Received: {type(metric).__name__} for "
                    f"{type(self).__name__}"
                )
        for metric in metrics:
            self.error += metric.error
            self.pixels += metric.pixels

    def result(self):
        """float, decibels; infinite if all pixels are equal.

        Raises:
            ValueError: if no pixel was compared.
        """
        return psnr(self.error, self.pixels)

    def get_config(self):
        """The constructor's arguments."""
        return {"seed": self.seed, "name": self.name, "dtype": self.dtype}


def psnr(error, pixels):
    """Peak signal-to-noise ratio of images in [-1, 1].

    Args:
        error: float, sum of squared differences.
        pixels: float, number of pixels that these are of.

    Returns:
        float, `20 log10 2 - 10 log10(error / pixels)`.

    Raises:
        ValueError: if there are no pixels.

    Example:
    ```python
    keras_gan.metrics.equivariance.psnr(4.0, 100)  # 20.0
    ```
    """
    if not pixels > 0:
        raise ValueError(
            "No pixel was compared yet. Call `update_state` with images of more than 24 pixels."
        )
    return math.inf if not error else 20 * math.log10(2) - 10 * math.log10(error / pixels)


@keras.saving.register_keras_serializable(package="keras_gan")
class TranslationEquivariance(EquivarianceMetric):
    """EQ-T: images of a moved input against moved images, by up to an eighth of the size.

    Args:
        fractional: bool: whether by parts of a pixel, too (EQ-T_frac).
        seed: int in `[0, 2**32)`.
        name: str.
        dtype: dtype of the metric.

    Example:
    ```python
    metric = keras_gan.metrics.TranslationEquivariance()
    metric.update_state(lambda matrix: synthesis(latents, transform=matrix))
    metric.result()
    ```

    Reference: Karras et al. (2021), Alias-free generative adversarial networks, arXiv:2106.12423.
    """

    def __init__(self, fractional=False, seed=0, name=None, dtype=None):
        self.fractional = bool(fractional)
        super().__init__(seed, name or ("eq_t_frac" if fractional else "eq_t"), dtype)

    def compare(self, generate, rng):
        """As of the base class."""
        images = _images(generate(np.eye(3)), square=True)
        size = images.shape[1]
        tx, ty = rng.uniform(-0.125, 0.125, 2)
        if self.fractional:
            expected, mask = fractional_translation(images, tx, ty)
        else:
            tx, ty = (round(t * size) / size for t in (tx, ty))
            expected, mask = integer_translation(images, tx, ty)
        matrix = np.eye(3)
        matrix[:2, 2] = -tx, -ty
        return expected, _images(generate(matrix), square=True), mask

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "fractional": self.fractional}


@keras.saving.register_keras_serializable(package="keras_gan")
class RotationEquivariance(EquivarianceMetric):
    """EQ-R: images of a turned input against turned images, by any angle.

    Args:
        seed: int in `[0, 2**32)`.
        name: str.
        dtype: dtype of the metric.

    Example:
    ```python
    metric = keras_gan.metrics.RotationEquivariance()
    metric.update_state(lambda matrix: synthesis(latents, transform=matrix))
    metric.result()
    ```

    Reference: Karras et al. (2021), Alias-free generative adversarial networks, arXiv:2106.12423.
    """

    default_name = "eq_r"

    def compare(self, generate, rng):
        """As of the base class."""
        angle = rng.uniform(-math.pi, math.pi)
        expected, mask = rotation(generate(np.eye(3)), angle)
        images, other_mask = pseudo_rotation(generate(rotation_matrix(-angle)), angle)
        return expected, images, mask * other_mask
