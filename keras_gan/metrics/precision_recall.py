"""Improved precision and recall."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.feature_metric import FeatureMetric
from keras_gan.metrics.neighbors import blocks_of_squares, squared_radii


@keras.saving.register_keras_serializable(package="keras_gan")
class PrecisionRecall(FeatureMetric):
    """The share of generated samples among the real ones, and of real ones among the generated.

    A sample is among the others if it is in one of the balls around them that reach to the k-th
    nearest neighbour of the same set, or on its surface.

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
    metric = keras_gan.metrics.PrecisionRecall(k=3)
    metric.update_state(real=np.random.normal(size=(500, 16)))
    metric.update_state(fake=np.random.normal(size=(500, 16)))
    metric.result()["precision"]
    ```

    Reference: Kynkaanniemi et al. (2019), Improved precision and recall metric for assessing
    generative models, arXiv:1904.06991.
    """

    default_name = "precision_recall"
    settings = ("k",)

    def __init__(self, extractor=None, k=3, name=None, dtype=None):
        check_integer("k", k, minimum=1)
        self.k = k
        super().__init__(extractor, name, dtype)

    def result(self):
        """Dict: `precision`, `recall` and their harmonic mean `f_score`, each in [0, 1].

        Raises:
            ValueError: if a set has no more than `k` samples.
        """
        real_radii, fake_radii = (squared_radii(rows, self.k) for rows in (self.real, self.fake))
        near_real = np.zeros(self.fake.count, bool)
        near_fake = np.zeros(self.real.count, bool)
        for fake, real, squares in blocks_of_squares(self.fake, self.real):
            near_real[fake] |= (squares <= real_radii[real]).any(axis=1)
            near_fake[real] |= (squares <= fake_radii[fake, None]).any(axis=0)
        precision, recall = float(near_real.mean()), float(near_fake.mean())
        f_score = 2 * precision * recall / max(precision + recall, 1e-5)
        return {"precision": precision, "recall": recall, "f_score": f_score}
