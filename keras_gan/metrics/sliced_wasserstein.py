"""The sliced Wasserstein distance of patches at several scales."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.feature_rows import FeatureRows
from keras_gan.metrics.image_arrays import check_uint8_images
from keras_gan.metrics.sample_metric import SampleMetric

_SMALLEST = 16
_PATCH = 7
_BINOMIAL = np.float32([1, 4, 6, 4, 1]) / 16


def laplacian_pyramid(images):
    """What each scale adds to the next coarser one, down to 16 pixels.

    Args:
        images: array `(N, H, W, C)`, H and W at least 16 and even as long as they are halved.

    Returns:
        List of float32 arrays `(N, H / 2^l, W / 2^l, C)`, the finest first; the last is the image
        itself at the coarsest scale.

    Raises:
        ValueError: if a size cannot be halved down to 16 (or to 17 to 31).

    Example:
    ```python
    levels = keras_gan.metrics.laplacian_pyramid(gan.generate(4))
    ```

    Reference: Burt, Adelson (1983), The Laplacian pyramid as a compact image code.
    """
    image, levels = np.asarray(images, "float32"), []
    _check_halvings(image.shape)
    while min(image.shape[1:3]) >= 2 * _SMALLEST:
        coarse = _blurred(image)[:, ::2, ::2]
        # Zeros between the pixels take three quarters of the brightness.
        spread = np.zeros_like(image)
        spread[:, ::2, ::2] = 4 * coarse
        levels.append(image - _blurred(spread))
        image = coarse
    return [*levels, image]


def _check_halvings(shape):
    """Raises a ValueError unless images of a shape can be halved down to the smallest."""
    if len(shape) != 4 or min(shape[1:3]) < _SMALLEST:
        raise ValueError(
            f"A pyramid is made of images (N, H, W, C) of {_SMALLEST} pixels or more. Received: "
            f"shape {shape}"
        )
    factor = 2 ** ((min(shape[1:3]) // _SMALLEST).bit_length() - 1)
    if any(size % factor for size in shape[1:3]):
        raise ValueError(
            f"Images are halved down to {_SMALLEST} pixels. Received: {shape[1:3]}. Resize or crop "
            "them to a power of two."
        )


def _blurred(images):
    """5 x 5 binomial; beyond the border lies the mirror image, without the edge itself."""
    for axis in (1, 2):
        width = [(2, 2) if i == axis else (0, 0) for i in range(4)]
        padded = np.moveaxis(np.pad(images, width, mode="reflect"), axis, 0)
        length = images.shape[axis]
        total = sum(weight * padded[i : i + length] for i, weight in enumerate(_BINOMIAL))
        images = np.moveaxis(total, 0, axis)
    return images


def random_patches(images, count, rng):
    """Patches of 7 x 7 pixels around random places of each image.

    Args:
        images: array `(N, H, W, C)`.
        count: int, patches of each image.
        rng: `np.random.RandomState`, which draws all columns, then all rows.

    Returns:
        Array `(N * count, C, 7, 7)`: channel, column, row.

    Example:
    ```python
    patches = keras_gan.metrics.random_patches(images, 128, np.random.RandomState(0))
    ```
    """
    half, total = _PATCH // 2, len(images) * count
    columns, rows = (
        rng.randint(half, size - half, (total, 1, 1)) for size in (images.shape[2], images.shape[1])
    )
    offsets = np.arange(-half, half + 1)
    number = np.repeat(np.arange(len(images)), count)[:, None, None]
    patches = images[number, rows + offsets[None, None, :], columns + offsets[None, :, None]]
    return np.moveaxis(patches, -1, 1)


def sliced_wasserstein(first, second, rng, directions=128, repeats=4):
    """Mean distance of two sets of patches, seen from random directions.

    Each set is normalised by its mean and standard deviation for each channel. In one dimension,
    the distance is that of the sorted numbers.

    Args:
        first: float array `(N, C, ...)`, or `keras_gan.metrics.FeatureRows` of such, flattened, of
            three channels.
        second: the same, of equal size.
        rng: `np.random.RandomState`.
        directions: int >= 1, in each repeat.
        repeats: int >= 1.

    Returns:
        float, the mean over directions and repeats.

    Raises:
        ValueError: if the sets are not of equal size.

    Example:
    ```python
    keras_gan.metrics.sliced_wasserstein(patches, others, np.random.RandomState(0))
    ```

    Reference: Rabin et al. (2011), Wasserstein barycenter and its application to texture mixing.
    """
    first, second = _as_rows(first), _as_rows(second)
    sizes = [(rows.count, rows.num_features) for rows in (first, second)]
    if sizes[0] != sizes[1] or not sizes[0][0]:
        raise ValueError(
            "Sorted projections are compared one by one, for which both sets have as many patches. "
            f"Received: {sizes[0][0]} and {sizes[1][0]}"
        )
    scales = [_normalization(rows) for rows in (first, second)]
    total = 0.0
    for _ in range(repeats):
        axes = rng.randn(first.num_features, directions)
        axes = (axes / np.sqrt(np.square(axes).sum(axis=0))).astype("float32")
        seen = []
        for rows, (mean, deviation) in zip((first, second), scales, strict=True):
            values = [((block - mean) / deviation) @ axes for block in rows.blocks()]
            seen.append(np.sort(np.concatenate(values), axis=0))
        total += np.abs(seen[0] - seen[1]).mean(dtype="float64")
    return float(total / repeats)


def _as_rows(patches):
    if isinstance(patches, FeatureRows):
        return patches
    patches, rows = np.asarray(patches, "float32"), FeatureRows()
    rows.update(patches.reshape(len(patches), -1))
    return rows


def _normalization(rows):
    """Mean and standard deviation of each channel, as rows `(D,)`."""
    size = rows.num_features // 3
    sums = sum(block.sum(axis=0, dtype="float64") for block in rows.blocks())
    mean = np.repeat(sums.reshape(3, -1).sum(axis=1) / (rows.count * size), size)
    squares = sum(np.square(block - mean).sum(axis=0) for block in rows.blocks())
    variance = squares.reshape(3, -1).sum(axis=1) / (rows.count * size)
    if not variance.all():
        raise ValueError("All patches of a channel are of one value: nothing can be compared.")
    return mean.astype("float32"), np.repeat(np.sqrt(variance), size).astype("float32")


class _Patches:
    """Random patches of every scale."""

    def __init__(self, per_image, seed):
        self.count = 0
        self.levels = []
        self._shape = None
        self._per_image = per_image
        self._rng = np.random.RandomState(seed)

    def checked(self, images):
        images = check_uint8_images(images, self._shape)
        _check_halvings(images.shape)
        return images

    def update(self, images):
        if not len(images):
            return
        pyramid = laplacian_pyramid(images)
        self._shape = images.shape[1:]
        self.levels = self.levels or [FeatureRows() for _ in pyramid]
        for rows, level in zip(self.levels, pyramid, strict=True):
            patches = random_patches(level, self._per_image, self._rng)
            rows.update(patches.reshape(len(patches), -1))
        self.count += len(images)

    def merge(self, other):
        if not other.count:
            return
        if self._shape not in (None, other._shape):
            raise ValueError(
                f"All images of a metric have one size. Received: {other._shape} for {self._shape}"
            )
        self._shape = other._shape
        self.levels = self.levels or [FeatureRows() for _ in other.levels]
        for rows, others in zip(self.levels, other.levels, strict=True):
            rows.merge(others)
        self.count += other.count


@keras.saving.register_keras_serializable(package="keras_gan")
class SlicedWasserstein(SampleMetric):
    """Sliced Wasserstein distances of patches at each scale of real and generated images.

    `update_state` takes uint8 images `(N, H, W, C)` of 16 pixels or more, a power of two at best.
    Both sets are of equal size; 16,384 images are usual. 1000 times the distance is returned.

    Args:
        patches: int >= 1, of each image at each scale.
        directions: int >= 1, of projections.
        repeats: int >= 1, of the directions.
        seed: int in `[0, 2**32 - 2)`.
        name: str.
        dtype: dtype of the metric.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    metric = keras_gan.metrics.SlicedWasserstein()
    metric.update_state(real=images, fake=gan.generate(len(images)))
    metric.result()["swd"]
    ```

    Reference: Karras et al. (2018), Progressive growing of GANs for improved quality, stability,
    and variation, arXiv:1710.10196.
    """

    default_name = "swd"
    settings = ("patches", "directions", "repeats", "seed")

    def __init__(self, patches=128, directions=128, repeats=4, seed=0, name=None, dtype=None):
        for argument, value in (
            ("patches", patches),
            ("directions", directions),
            ("repeats", repeats),
        ):
            check_integer(argument, value, minimum=1)
        check_integer("seed", seed, minimum=0)
        self.patches, self.directions, self.repeats = patches, directions, repeats
        self.seed = seed
        super().__init__(name, dtype)

    def reset_state(self):
        """Forget all samples."""
        # Streams of their own, so that the order in which the sets come makes no difference.
        self.real = _Patches(self.patches, self.seed)
        self.fake = _Patches(self.patches, self.seed + 1)

    def result(self):
        """Dict: `swd_<H>` for each scale, the finest first, and their mean `swd`, times 1000.

        Raises:
            ValueError: if the sets are empty or not of equal size.
        """
        counts = self.real.count, self.fake.count
        if counts[0] != counts[1] or not counts[0]:
            raise ValueError(
                "As many real as generated images are needed. Received: "
                f"{counts[0]} and {counts[1]}. Call `update_state` with the rest."
            )
        if self.real._shape != self.fake._shape:
            raise ValueError(
                "Real and generated images have one size. Received: "
                f"{self.real._shape} and {self.fake._shape}"
            )
        rng, found = np.random.RandomState(self.seed + 2), {}
        for number, pair in enumerate(zip(self.real.levels, self.fake.levels, strict=True)):
            distance = sliced_wasserstein(*pair, rng, self.directions, self.repeats)
            found[f"swd_{self.real._shape[0] >> number}"] = 1000 * distance
        return {**found, "swd": float(np.mean(list(found.values())))}
