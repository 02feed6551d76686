"""FID extrapolated to an infinite number of samples."""

from typing import NamedTuple

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.feature_arrays import check_features
from keras_gan.metrics.feature_metric import FeatureMetric
from keras_gan.metrics.feature_rows import FeatureRows
from keras_gan.metrics.feature_statistics import FeatureStatistics
from keras_gan.metrics.frechet import frechet_distance


class FIDLine(NamedTuple):
    """The line through FIDs over the inverse number of samples.

    Attributes:
        value: float, the line at 0.
        slope: float.
        sizes: int array, numbers of samples.
        distances: float64 array, the FID of each.

    Example:
    ```python
    line = keras_gan.metrics.FIDLine(4.0, 5000.0, np.array([5000, 10000]), np.array([5.0, 4.5]))
    ```
    """

    value: float
    slope: float
    sizes: np.ndarray
    distances: np.ndarray


def fid_infinity(real, fake, min_samples=5000, points=15, seed=0):
    """FID without the bias that falls as one over the number of generated samples.

    FIDs of random parts of the generated samples, all against the same real ones, and the value
    at 0 of the least squares line over 1 / size.

    Args:
        real: `keras_gan.metrics.FeatureStatistics`, or float array `(N, D)` of features.
        fake: `keras_gan.metrics.FeatureRows`, or float array `(M, D)` of features. Those of images
            from quasi-random latents have less variance.
        min_samples: int >= 2, the smallest part.
        points: int >= 2, the number of parts, whose sizes go up to M in equal steps.
        seed: int in `[0, 2**32)`: `RandomState(seed)` shuffles the rows again before each part.

    Returns:
        `keras_gan.metrics.FIDLine`.

    Raises:
        ValueError: if an argument is out of range or these are no features.

    Example:
    ```python
    real, fake = np.random.normal(size=(2, 2000, 8))
    keras_gan.metrics.fid_infinity(real, fake, min_samples=500).value
    ```

    Reference: Chong, Forsyth (2020), Effectively unbiased FID and Inception score and where to
    find them, arXiv:1911.07023.
    """
    check_integer("min_samples", min_samples, minimum=2)
    check_integer("points", points, minimum=2)
    check_integer("seed", seed, minimum=0)
    if not isinstance(real, FeatureStatistics):
        features, real = real, FeatureStatistics()
        real.update(features)
    if not isinstance(fake, FeatureRows):
        features, fake = check_features(fake, real.num_features), FeatureRows()
        fake.update(features)
    if fake.count <= min_samples:
        raise ValueError(
            f"More than `min_samples` = {min_samples} generated samples are needed for a line. "
            f"Received: {fake.count}. Generate more, or use a smaller `min_samples`."
        )
    rng, order = np.random.RandomState(seed), np.arange(fake.count)
    sizes = np.linspace(min_samples, fake.count, points).astype(int)
    distances = []
    for size in sizes:
        rng.shuffle(order)
        part = FeatureStatistics()
        part.update(fake.take(order[:size]))
        distances.append(frechet_distance(real, part).value)
    slope, value = np.polyfit(1.0 / sizes, distances, 1)
    return FIDLine(float(value), float(slope), sizes, np.array(distances))


@keras.saving.register_keras_serializable(package="keras_gan")
class FIDInfinity(FeatureMetric):
    """`keras_gan.metrics.fid_infinity` as a metric.

    Args:
        extractor: callable from images to features, or `None` if features are given.
        min_samples: int >= 2, the smallest part of the generated samples.
        points: int >= 2, the number of parts.
        seed: int in `[0, 2**32)`, of the parts.
        name: str.
        dtype: dtype of the metric.

    Attributes:
        real: `keras_gan.metrics.FeatureStatistics`.
        fake: `keras_gan.metrics.FeatureRows`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    metric = keras_gan.metrics.FIDInfinity(min_samples=500)
    metric.update_state(real=np.random.normal(size=(2000, 8)))
    metric.update_state(fake=np.random.normal(size=(2000, 8)))
    metric.result()
    ```

    Reference: Chong, Forsyth (2020), arXiv:1911.07023.
    """

    default_name = "fid_infinity"
    settings = ("min_samples", "points", "seed")

    def __init__(self, extractor=None, min_samples=5000, points=15, seed=0, name=None, dtype=None):
        check_integer("min_samples", min_samples, minimum=2)
        check_integer("points", points, minimum=2)
        check_integer("seed", seed, minimum=0)
        self.min_samples, self.points, self.seed = min_samples, points, seed
        super().__init__(extractor, name, dtype)

    def reset_state(self):
        """Forget all samples."""
        super().reset_state()
        # Parts are taken of the generated samples only.
        self.real = FeatureStatistics()

    def result(self):
        """The value at 0 of the line, a float, which may be slightly negative.

        Raises:
            ValueError: if there are fewer than two real samples, or no more than `min_samples`
                generated ones.
        """
        return fid_infinity(self.real, self.fake, self.min_samples, self.points, self.seed).value
