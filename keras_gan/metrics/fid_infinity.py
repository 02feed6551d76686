"""FID extrapolated to an infinite number of samples."""

from typing import NamedTuple

import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.feature_arrays import check_features
from keras_gan.metrics.feature_statistics import FeatureStatistics
from keras_gan.metrics.frechet import frechet_distance


class FIDInfinity(NamedTuple):
    """The line through FIDs over the inverse number of samples.

    Attributes:
        value: float, the line at 0.
        slope: float.
        sizes: int array, numbers of samples.
        distances: float64 array, the FID of each.
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
        fake: float array `(M, D)` of features. Those of images from quasi-random latents have less
            variance.
        min_samples: int >= 2, the smallest part.
        points: int >= 2, the number of parts, whose sizes go up to M in equal steps.
        seed: int in `[0, 2**32)`: `RandomState(seed)` shuffles the rows again before each part.

    Returns:
        `FIDInfinity`.

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
    fake = check_features(fake, real.num_features)
    if len(fake) <= min_samples:
        raise ValueError(
            f"More than `min_samples` = {min_samples} generated samples are needed for a line. "
            f"Received: {len(fake)}. Generate more, or use a smaller `min_samples`."
        )
    rng, order = np.random.RandomState(seed), np.arange(len(fake))
    sizes = np.linspace(min_samples, len(fake), points).astype(int)
    distances = []
    for size in sizes:
        rng.shuffle(order)
        part = FeatureStatistics()
        part.update(fake[order[:size]])
        distances.append(frechet_distance(real, part).value)
    slope, value = np.polyfit(1.0 / sizes, distances, 1)
    return FIDInfinity(float(value), float(slope), sizes, np.array(distances))
