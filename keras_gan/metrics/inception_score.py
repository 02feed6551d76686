"""The Inception score (IS)."""

import itertools

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.feature_metric import FeatureMetric


@keras.saving.register_keras_serializable(package="keras_gan")
class InceptionScore(FeatureMetric):
    """How sure a classifier is of each generated image, and how diverse its answers are.

    `exp(mean KL(p(y | x) || p(y)))` for each of several parts of the samples. It grows with the
    samples in a part: 5,000 (50,000 in 10 parts) are usual. Real samples are not looked at.

    Args:
        extractor: callable from images to logits, or `None` if logits are given.
        splits: int >= 1, parts: rows `[i N // splits, (i + 1) N // splits)`.
        shuffle: bool, whether rows are permuted first, by `RandomState(seed)`, as torch-fidelity
            does; the original did not.
        seed: int in `[0, 2**32)`.
        name: str.
        dtype: dtype of the metric.

    Attributes:
        fake: `keras_gan.metrics.FeatureRows` of logits.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    metric = keras_gan.metrics.InceptionScore(splits=2)
    metric.update_state(fake=10 * np.eye(4))
    metric.result()["inception_score"]
    ```

    Reference: Salimans et al. (2016), Improved techniques for training GANs, arXiv:1606.03498.
    """

    default_name = "inception_score"
    settings = ("splits", "shuffle", "seed")

    def __init__(self, extractor=None, splits=10, shuffle=True, seed=2020, name=None, dtype=None):
        check_integer("splits", splits, minimum=1)
        check_integer("seed", seed, minimum=0)
        self.splits, self.shuffle, self.seed = splits, bool(shuffle), seed
        super().__init__(extractor, name, dtype)

    def update_state(self, real=None, fake=None, mask=None):
        """Add generated samples, as described for the base class; real ones are not looked at."""
        super().update_state(None, fake, mask)

    def result(self):
        """Dict: `inception_score` and `inception_score_std`, mean and population std over parts.

        Raises:
            ValueError: if there are fewer samples than parts.
        """
        count = self.fake.count
        if count < self.splits:
            raise ValueError(
                f"{self.splits} parts take at least as many samples. Received: {count}. Add "
                "samples by `update_state(fake=...)`, or use fewer `splits`."
            )
        order = np.arange(count)
        if self.shuffle:
            order = np.random.RandomState(self.seed).permutation(count)
        bounds = [i * count // self.splits for i in range(self.splits + 1)]
        scores = [
            _score(self.fake.take(order[start:stop])) for start, stop in itertools.pairwise(bounds)
        ]
        return {
            "inception_score": float(np.mean(scores)),
            "inception_score_std": float(np.std(scores)),
        }


def _score(logits):
    logits = logits.astype("float64")
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    # A class that no sample has adds nothing.
    log_mean = np.log(np.maximum(p.mean(axis=0), np.finfo("float64").tiny))
    return np.exp(np.mean(np.sum(p * (log_p - log_mean), axis=1)))
