"""Multi-scale structural similarity of generated images, as a measure of their diversity."""

import keras
import numpy as np

from keras_gan.metrics.image_arrays import check_uint8_images
from keras_gan.metrics.sample_metric import SampleMetric

# Of the scales from fine to coarse (Wang, Simoncelli, Bovik, 2003).
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ms_ssim(first, second):
    """Multi-scale structural similarity of pairs of images.

    Args:
        first: uint8 array `(N, H, W, C)`, C = 1 or 3, H and W multiples of 32.
        second: the same.

    Returns:
        float64 array `(N,)` in [0, 1]; 1 for equal images.

    Raises:
        ValueError: if the images are no such arrays or their shapes differ.

    Example:
    ```python
    images = gan.generate(2)
    keras_gan.metrics.ms_ssim(images[:1], images[1:])
    ```

    Reference: Wang, Simoncelli, Bovik (2003), Multiscale structural similarity for image quality
    assessment.
    """
    first, second = check_uint8_images(first), check_uint8_images(second)
    if first.shape != second.shape:
        raise ValueError(
            f"Pairs of images have one shape. Received: {first.shape} and {second.shape}"
        )
    _check_size(first)
    # Channels are images of their own until the mean.
    x, y = (np.moveaxis(images, -1, 1).astype("float64") for images in (first, second))
    similarity = np.ones(len(x))
    for scale, weight in enumerate(_WEIGHTS):
        structure, whole = _similarities(x, y)
        last = scale == len(_WEIGHTS) - 1
        similarity *= np.maximum(whole if last else structure, 0.0) ** weight
        x, y = (
            0.25 * (z[..., ::2, ::2] + z[..., 1::2, ::2] + z[..., ::2, 1::2] + z[..., 1::2, 1::2])
            for z in (x, y)
        )
    return similarity


def _check_size(images):
    if any(size % 32 or not size for size in images.shape[1:3]):
        raise ValueError(
            "Five scales take a height and a width that are multiples of 32. Received: "
            f"{images.shape[1:3]}. Crop or resize the images."
        )


def _similarities(x, y):
    """Contrast and structure, and these with luminance, for each image `(N, C, H, W)`."""
    mean_x, mean_y = _blurred(x), _blurred(y)
    variances = _blurred(x * x) - mean_x**2 + _blurred(y * y) - mean_y**2
    structure = 2 * (_blurred(x * y) - mean_x * mean_y) + _C2
    structure /= variances + _C2
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    return structure.mean(axis=(1, 2, 3)), (luminance * structure).mean(axis=(1, 2, 3))


def _blurred(x):
    """Gaussian of 11 pixels, or of the whole image if that is smaller; without the border."""
    size = min(11, *x.shape[2:])
    places = np.arange(size) - (size - 1) / 2
    kernel = np.exp(-0.5 * np.square(places / (1.5 * size / 11)))
    kernel /= kernel.sum()
    for axis in (2, 3):
        x = np.moveaxis(x, axis, 0)
        length = len(x) - size + 1
        x = sum(weight * x[i : i + length] for i, weight in enumerate(kernel))
        x = np.moveaxis(x, 0, axis)
    return x


class _Pairs:
    """Similarities of consecutive images, summed; the last one may wait for its partner."""

    def __init__(self):
        self.count = 0
        self.pairs = 0
        self.total = 0.0
        self._single = None

    def checked(self, images):
        images = check_uint8_images(images, None if self._single is None else self._single.shape)
        _check_size(images)
        return images

    def update(self, images):
        self.count += len(images)
        if self._single is not None:
            images = np.concatenate([self._single[None], images])
        even = len(images) - len(images) % 2
        self._single = images[even].copy() if even < len(images) else None
        if even:
            values = ms_ssim(images[:even:2], images[1:even:2])
            self.pairs += len(values)
            self.total += float(values.sum())

    def merge(self, other):
        self.count += other.count
        self.pairs += other.pairs
        self.total += other.total
        if other._single is not None:
            self.count -= 1
            self.update(other._single[None])


@keras.saving.register_keras_serializable(package="keras_gan")
class MultiScaleSSIM(SampleMetric):
    """Mean similarity of consecutive generated images (0, 1), (2, 3), ...: the lower, the diverser.

    `update_state` takes uint8 images `(N, H, W, C)`, of a height and a width that are multiples of
    32. Of real ones it makes the same figure, to compare with. How images are batched makes no
    difference.

    Args:
        name: str.
        dtype: dtype of the metric.

    Example:
    ```python
    metric = keras_gan.metrics.MultiScaleSSIM()
    metric.update_state(fake=gan.generate(1000))
    metric.result()["ms_ssim"]
    ```

    Reference: Odena, Olah, Shlens (2017), Conditional image synthesis with auxiliary classifier
    GANs, arXiv:1610.09585; Karras et al. (2018), arXiv:1710.10196.
    """

    default_name = "ms_ssim"

    def new_state(self):
        """No pairs."""
        return _Pairs()

    def result(self):
        """Dict: `ms_ssim` of generated images and, if there are two, `ms_ssim_real`, in [0, 1].

        Raises:
            ValueError: if there are fewer than two generated images.
        """
        if not self.fake.pairs:
            raise ValueError(
                f"A pair takes two generated images. Received: {self.fake.count}. Call "
                "`update_state(fake=...)` before `result`."
            )
        found = {"ms_ssim": self.fake.total / self.fake.pairs}
        if self.real.pairs:
            found["ms_ssim_real"] = self.real.total / self.real.pairs
        return found
