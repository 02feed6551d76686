"""The kernel inception distance (KID)."""

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics.feature_metric import FeatureMetric
from keras_gan.metrics.feature_rows import FeatureRows
from keras_gan.metrics.kernels import PolynomialKernel


@keras.saving.register_keras_serializable(package="keras_gan")
class KernelInceptionDistance(FeatureMetric):
    """Squared maximum mean discrepancy of two sets of features, without bias.

    The mean over random subsets of both sets, as usually reported, or with `subsets=None` the
    estimate from all pairs of samples, which has no noise of subsets. It may be slightly negative.
    Papers multiply it by 1000.

    Args:
        extractor: callable from images to features, or `None` if features are given.
        subsets: int >= 1, or `None` for one estimate from all samples.
        subset_size: int >= 2, samples of each set in a subset.
        kernel: `keras_gan.metrics.PolynomialKernel` (by default the cubic one) or `RBFKernel`.
        seed: int in `[0, 2**32)`, of the subsets: `RandomState(seed)` chooses of the generated
            samples, then of the real ones, for one subset after the other.
        name: str.
        dtype: dtype of the metric.

    Attributes:
        real: `keras_gan.metrics.FeatureRows`.
        fake: `keras_gan.metrics.FeatureRows`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    metric = keras_gan.metrics.KernelInceptionDistance(subsets=10, subset_size=100)
    metric.update_state(real=np.random.normal(size=(500, 16)))
    metric.update_state(fake=np.random.normal(size=(500, 16)))
    metric.result()["kid"]
    ```

    Reference: Binkowski et al. (2018), Demystifying MMD GANs, arXiv:1801.01401.
    """

    default_name = "kid"
    settings = ("subsets", "subset_size", "kernel", "seed")

    def __init__(
        self,
        extractor=None,
        subsets=100,
        subset_size=1000,
        kernel=None,
        seed=2020,
        name=None,
        dtype=None,
    ):
        if subsets is not None:
            check_integer("subsets", subsets, minimum=1)
        check_integer("subset_size", subset_size, minimum=2)
        check_integer("seed", seed, minimum=0)
        self.subsets, self.subset_size, self.seed = subsets, subset_size, seed
        self.kernel = PolynomialKernel() if kernel is None else kernel
        if not callable(self.kernel):
            raise ValueError(
                "`kernel` is a `keras_gan.metrics.PolynomialKernel` or `RBFKernel`. Received: "
                f"{kernel!r}"
            )
        super().__init__(extractor, name, dtype)

    def result(self):
        """Dict: `kid`, and with subsets `kid_std`, the population standard deviation over them.

        Raises:
            ValueError: if a set has fewer samples than a subset, or than two.
        """
        needed = 2 if self.subsets is None else self.subset_size
        fewest = min(self.real.count, self.fake.count)
        if fewest < needed:
            raise ValueError(
                f"{needed} real and fake samples or more are needed. Received: {self.real.count} "
                f"and {self.fake.count}. Add samples by `update_state`, or use a smaller "
                "`subset_size`."
            )
        if self.subsets is None:
            return {"kid": self._discrepancy(self.fake, self.real)}
        rng = np.random.RandomState(self.seed)
        values = []
        for _ in range(self.subsets):
            chosen = []
            for state in (self.fake, self.real):
                rows = FeatureRows()
                rows.update(state.take(rng.choice(state.count, self.subset_size, replace=False)))
                chosen.append(rows)
            values.append(self._discrepancy(*chosen))
        return {"kid": float(np.mean(values)), "kid_std": float(np.std(values))}

    def _discrepancy(self, fake, real):
        within = sum(self._mean_kernel(rows, rows) for rows in (fake, real))
        return within - 2 * self._mean_kernel(fake, real)

    def _mean_kernel(self, rows, others):
        """Over all pairs of different samples, block by block; the sum in float64."""
        total, pairs = 0.0, rows.count * others.count
        for i, x in enumerate(rows.blocks()):
            for j, y in enumerate(others.blocks()):
                values = self.kernel(x, y)
                total += values.sum(dtype="float64")
                if rows is others and i == j:
                    total -= np.trace(values, dtype="float64")
        return float(total / (pairs - rows.count if rows is others else pairs))

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        kernel = keras.saving.deserialize_keras_object(config["kernel"])
        return super().from_config({**config, "kernel": kernel})
