"""Density and coverage."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.feature_metric import FeatureMetric
from keras_gan.metrics.neighbors import blocks_of_squares, squared_radii


@keras.saving.register_keras_serializable(package="keras_gan")
class DensityCoverage(FeatureMetric):
    """In how many balls around real samples a generated one lies, and how many balls hold one.

    The balls reach to the k-th nearest real neighbour, without the surface. Density is 1 and
    coverage `1 - 2^-k` for large sets of one distribution; outliers matter less than in
    `PrecisionRecall`.

    Args:
        extractor: callable from images to features, or `None` if features are given.
        k: int >= 1.
        name: str.
        dtype: dtype of the metric.

    Attributes:
        real: `keras_gan.metrics.FeatureRows`.
        fake: `keras_gan.metrics.FeatureRows`.

    Raises:
        ValueError: if `k` is not positive.

    Example:
    ```python
    metric = keras_gan.metrics.DensityCoverage(k=5)
    metric.update_state(real=np.random.normal(size=(500, 16)))
    metric.update_state(fake=np.random.normal(size=(500, 16)))
    metric.result()["coverage"]
    ```

    Reference: Naeem et al. (2020), Reliable fidelity and diversity metrics for generative models,
    arXiv:2002.09797.
    """

    default_name = "density_coverage"
    settings = ("k",)

    def __init__(self, extractor=None, k=5, name=None, dtype=None):
        check_integer("k", k, minimum=1)
        self.k = k
        super().__init__(extractor, name, dtype)

    def result(self):
        """Dict: `density` >= 0, which may exceed 1, and `coverage` in [0, 1].

        Raises:
            ValueError: if there are no more than `k` real samples, or no fake one.
        """
        radii = squared_radii(self.real, self.k)
        if not self.fake.count:
            raise ValueError("There are no fake samples. Call `update_state(fake=...)` first.")
        inside, covered = 0, np.zeros(self.real.count, bool)
        for _, real, squares in blocks_of_squares(self.fake, self.real):
            hits = squares < radii[real]
            inside += int(hits.sum())
            covered[real] |= hits.any(axis=0)
        return {
            "density": inside / (self.k * self.fake.count),
            "coverage": float(covered.mean()),
        }
