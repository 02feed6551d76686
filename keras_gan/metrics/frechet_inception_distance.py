"""The Frechet inception distance (FID)."""

import os
import warnings

import keras

from keras_gan.metrics.feature_metric import FeatureMetric
from keras_gan.metrics.feature_statistics import FeatureStatistics
from keras_gan.metrics.frechet import frechet_distance

# Below it, covariances of the usual 2048 features are singular.
_FEW = 2048


@keras.saving.register_keras_serializable(package="keras_gan")
class FrechetInceptionDistance(FeatureMetric):
    """Frechet distance of the Gaussians with the mean and covariance of two sets of features.

    Comparable only at equal counts of samples: the fewer, the larger is the distance of the same
    generator. 50,000 generated samples are usual.

    Args:
        extractor: callable from images to features, or `None` if features are given.
        real_statistics: path of an `.npz` file with `mu` and `sigma` (written by
            `metric.real.save`, TTUR, pytorch-fid or clean-fid), or `None`. With one, real samples
            are not looked at.
        ddof: 1 for unbiased covariances as TTUR has them, 0 to divide by the count as the metrics
            of StyleGAN2-ADA and StyleGAN3 do.
        name: str.
        dtype: dtype of the metric.

    Attributes:
        real: `keras_gan.metrics.FeatureStatistics`.
        fake: `keras_gan.metrics.FeatureStatistics`.
        route: str, how the last result was computed (`keras_gan.metrics.frechet_distance`).

    Raises:
        ValueError: if an argument is out of range, the file is damaged, or its features were made
            otherwise than those of `extractor`.

    Example:
    ```python
    metric = keras_gan.metrics.FrechetInceptionDistance()
    metric.update_state(real=np.random.normal(size=(3000, 16)))
    metric.update_state(fake=np.random.normal(size=(3000, 16)))
    metric.result()
    ```

    Reference: Heusel et al. (2017), GANs trained by a two time-scale update rule converge to a
    local Nash equilibrium, arXiv:1706.08500.
    """

    default_name = "fid"
    settings = ("ddof",)

    def __init__(self, extractor=None, real_statistics=None, ddof=1, name=None, dtype=None):
        if ddof not in (0, 1):
            raise ValueError(f"`ddof` is 0 or 1. Received: {ddof!r}")
        self.ddof = ddof
        self.real_statistics = None if real_statistics is None else os.fspath(real_statistics)
        self.route = None
        self._warned = False
        super().__init__(extractor, name, dtype)

    def new_state(self):
        """Statistics without samples."""
        return FeatureStatistics()

    def reset_state(self):
        """Forget all samples, but not the statistics of a file."""
        super().reset_state()
        self.route = None
        if self.real_statistics is None:
            return
        self.real = FeatureStatistics.load(self.real_statistics)
        stated = (self.real.protocol, getattr(self.extractor, "protocol", None))
        if None not in stated and stated[0] != stated[1]:
            raise ValueError(
                f"The features of {self.real_statistics} were made otherwise than those of "
                f"`extractor`: {stated[0]} and {stated[1]}. Use the same extractor, or compute the "
                "statistics again."
            )

    def update_state(self, real=None, fake=None, mask=None):
        """Add samples, as described for the base class; real ones not to a file's statistics."""
        super().update_state(None if self.real_statistics is not None else real, fake, mask)

    def _origin(self):
        return super()._origin(), self.real_statistics

    def _merge(self, other):
        if self.real_statistics is None:
            self.real.merge(other.real)
        self.fake.merge(other.fake)

    def result(self):
        """The distance, a float >= 0.

        Raises:
            ValueError: if a set has fewer than two samples.
        """
        distance, self.route = frechet_distance(self.real, self.fake, self.ddof)
        counts = [state.count for state in (self.real, self.fake) if state.count is not None]
        if min(counts) < _FEW and not self._warned:
            self._warned = True
            warnings.warn(
                f"A Frechet distance from {min(counts)} samples says more about their number than "
                f"about the images. Use at least {_FEW}, better 10,000 or 50,000, or look at "
                "`KernelInceptionDistance`, which has no bias."
            )
        return distance

    def get_config(self):
        """The constructor's arguments."""
        # Where the file lies is no part of the protocol.
        return {**super().get_config(), "real_statistics": self.real_statistics}
