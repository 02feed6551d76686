"""The realism score of single images."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.feature_metric import FeatureMetric
from keras_gan.metrics.neighbors import blocks_of_squares, squared_radii

# As the authors' code has it, in squares of distances.
_EPSILON = 1e-5


@keras.saving.register_keras_serializable(package="keras_gan")
class RealismScore(FeatureMetric):
    """How far inside the real samples each generated one lies.

    The largest ratio of a ball's squared radius to the sample's squared distance from its centre,
    over those real samples whose radius is at most the median. It is 1 on the balls' surface. The
    squares are those of the authors' code; the paper's formula is the root.

    Args:
        extractor: callable from images to features, or `None` if features are given.
        k: int >= 1, of the neighbours that the balls reach to.
        name: str.
        dtype: dtype of the metric.

    Attributes:
        real: `keras_gan.metrics.FeatureRows`.
        fake: `keras_gan.metrics.FeatureRows`.

    Raises:
        ValueError: if `k` is not positive.

    Example:
    ```python
    metric = keras_gan.metrics.RealismScore()
    metric.update_state(real=np.random.normal(size=(500, 16)))
    metric.update_state(fake=np.random.normal(size=(8, 16)))
    metric.scores()
    ```

    Reference: Kynkaanniemi et al. (2019), Improved precision and recall metric for assessing
    generative models, arXiv:1904.06991.
    """

    default_name = "realism"
    settings = ("k",)

    def __init__(self, extractor=None, k=3, name=None, dtype=None):
        check_integer("k", k, minimum=1)
        self.k = k
        super().__init__(extractor, name, dtype)

    def scores(self):
        """The score of each generated sample, float64 `(M,)`, in the order of `update_state`.

        Raises:
            ValueError: if there are no more than `k` real samples, or no fake one.
        """
        radii = squared_radii(self.real, self.k)
        if not self.fake.count:
            raise ValueError("There are no fake samples. Call `update_state(fake=...)` first.")
        radii = np.where(radii <= np.median(radii), radii, 0.0)
        scores = np.zeros(self.fake.count)
        for fake, real, squares in blocks_of_squares(self.fake, self.real):
            ratios = radii[real] / (squares + _EPSILON)
            scores[fake] = np.maximum(scores[fake], ratios.max(axis=1))
        return scores

    def result(self):
        """The mean score, a float."""
        return float(self.scores().mean())
