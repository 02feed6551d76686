"""Mean and covariance of features, accumulated batch by batch."""

import json
import os

import numpy as np

from keras_gan.checkpoints import read_tensors
from keras_gan.files import atomic_file
from keras_gan.metrics.feature_arrays import check_features

# Fewer rows at once make small products of small features, which are slow.
_MIN_ROWS = 512


class FeatureStatistics:
    """Mean and covariance of features, in float64 on the host.

    Rows wait until there are about as many as features (512 at least) and are then added to the
    sum of centred products at once: that is one pass over a large matrix for many batches. A set
    that stays as small keeps its rows, from which the Frechet distance is exact and fast although
    the covariance has no full rank.

    Attributes:
        count: int, samples; `None` if a file does not tell.
        num_features: int, or `None` before the first batch.
        protocol: dict, what a loaded file says of how the features were made, or `None`.

    Example:
    ```python
    statistics = keras_gan.metrics.FeatureStatistics()
    statistics.update(np.random.normal(size=(100, 8)))
    statistics.save("real.npz")
    keras_gan.metrics.FeatureStatistics.load("real.npz").covariance()
    ```

    Reference: Chan, Golub, LeVeque (1979), Updating formulae and a pairwise algorithm for
    computing sample variances, STAN-CS-79-773.
    """

    def __init__(self):
        self.count = 0
        self.num_features = None
        self.protocol = None
        self._folded = 0
        self._mean = None
        # Sum of the products of centred rows.
        self._scatter = None
        self._rows = []

    def update(self, features):
        """Add samples.

        Args:
            features: float tensor or array `(N, D)`, N >= 0.

        Raises:
            ValueError: if these are no features, of another D, or the statistics come from a file
                that does not tell how many samples it describes.
        """
        self._check_count()
        x = check_features(features, self.num_features)
        self.num_features = x.shape[1]
        limit = max(_MIN_ROWS, self.num_features)
        for start in range(0, len(x), limit):
            # A copy: the caller may reuse the array.
            part = np.array(x[start : start + limit])
            if self.count - self._folded + len(part) > limit:
                self._fold()
            self._rows.append(part)
            self.count += len(part)

    def merge(self, other):
        """Add the samples of another `FeatureStatistics`, such as another replica's.

        Raises:
            ValueError: if the number of features differs, or a count of samples is unknown.
        """
        self._check_count()
        other._check_count()
        if not other.count:
            return
        if self.num_features not in (None, other.num_features):
            raise ValueError(
                "Statistics of features of one extractor are merged. Received: "
                f"{self.num_features} and {other.num_features} features"
            )
        rows = list(other._rows)
        if other._folded:
            self._fold()
            self._add(other._folded, other._mean, other._scatter)
            self.num_features = other.num_features
            self.count += other._folded
        for part in rows:
            self.update(part)

    def mean(self):
        """The mean, float64 `(D,)`."""
        return self._moments()[0]

    def covariance(self, ddof=1):
        """The covariance, float64 `(D, D)`.

        Args:
            ddof: 0 or 1, what is subtracted from the count in the divisor.

        Raises:
            ValueError: if there are fewer than two samples.
        """
        scatter = self._moments()[1]
        return scatter / self._divisor(ddof)

    def factor(self, ddof=1):
        """A matrix F `(D, N)` with `F F' = covariance` from the rows, or `None`.

        It is there as long as there are at most as many samples as features.
        """
        if self._scatter is not None or self.count > self.num_features:
            return None
        rows = np.concatenate(self._rows).astype("float64")
        rows -= rows.mean(axis=0)
        return rows.T / np.sqrt(self._divisor(ddof))

    def save(self, path, protocol=None):
        """Write `mu` and `sigma`, as TTUR, pytorch-fid and clean-fid read them, and more.

        Args:
            path: str or path that ends in `.npz`.
            protocol: dict of JSON values that says how the features were made.

        Raises:
            ValueError: if there are fewer than two samples, or the path ends otherwise.
        """
        path = os.fspath(path)
        if not path.endswith(".npz"):
            raise ValueError(f"Statistics are stored in an .npz file. Received: {path!r}")
        arrays = {"mu": self.mean(), "sigma": self.covariance()}
        if self.count is not None:
            arrays["n"] = np.int64(self.count)
        if protocol is not None:
            # Text as numbers: then nothing but numbers need be read.
            arrays["protocol"] = np.frombuffer(json.dumps(protocol).encode(), "uint8")
        with atomic_file(path) as temporary:
            np.savez(temporary, **arrays)

    @classmethod
    def load(cls, path):
        """Read statistics that `save`, TTUR, pytorch-fid or clean-fid wrote.

        Args:
            path: str or path of an `.npz` file with `mu` and `sigma`.

        Returns:
            `FeatureStatistics`; without `n` in the file, its `count` is `None`.

        Raises:
            ValueError: if the file is damaged, or describes no distribution.
            OSError: if it cannot be read.
        """
        arrays = read_tensors(path)
        try:
            mean, covariance = (arrays[name].astype("float64") for name in ("mu", "sigma"))
            count = int(arrays["n"]) if "n" in arrays else None
            protocol = json.loads(bytes(arrays["protocol"])) if "protocol" in arrays else None
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(_complaint(path, f"it lacks a part ({error})")) from error
        if mean.ndim != 1 or not mean.size or covariance.shape != (len(mean), len(mean)):
            shapes = f"{mean.shape} and {covariance.shape}"
            raise ValueError(_complaint(path, f"mu and sigma have the shapes {shapes}"))
        scale = np.abs(covariance).max()
        if not np.isfinite(mean).all() or not np.isfinite(scale):
            raise ValueError(_complaint(path, "a number is NaN or infinite"))
        asymmetry = np.abs(covariance - covariance.T).max()
        if asymmetry > 1e-5 * scale or covariance.diagonal().min() < 0:
            raise ValueError(_complaint(path, "sigma is no covariance"))
        if count is not None and count < 2:
            raise ValueError(_complaint(path, f"it says that it describes {count} samples"))
        statistics = cls()
        statistics.num_features, statistics.protocol = len(mean), protocol
        statistics.count = statistics._folded = count
        statistics._mean = mean
        # Without a count the covariance itself takes the place: the divisor is 1 then.
        scatter = 0.5 * (covariance + covariance.T)
        statistics._scatter = scatter * (1 if count is None else count - 1)
        return statistics

    def _check_count(self):
        if self.count is None:
            raise ValueError(
                "These statistics come from a file that does not tell of how many samples: nothing "
                "can be added to them. Compute them again from all samples."
            )

    def _divisor(self, ddof):
        if self.count is None:
            if ddof != 1:
                raise ValueError(
                    "The file of these statistics does not tell of how many samples they are, so "
                    f"that its covariance cannot be rescaled. Use `ddof=1`. Received: {ddof}"
                )
            return 1
        if self.count < 2:
            raise ValueError(
                f"A covariance takes two samples or more. Received: {self.count}. Call "
                "`update_state` with real and with fake samples before `result`."
            )
        return self.count - ddof

    def _moments(self):
        if self._scatter is not None:
            # Once there is a matrix, nothing is lost by adding the rest to it.
            self._fold()
            return self._mean, self._scatter
        if not self.count:
            raise ValueError("There are no samples yet. Call `update_state` before `result`.")
        return _moments(self._rows)

    def _fold(self):
        if self._rows:
            rows, self._rows = self._rows, []
            self._add(sum(map(len, rows)), *_moments(rows))

    def _add(self, count, mean, scatter):
        """Add the moments of `count` samples to the folded ones."""
        if not self._folded:
            self._mean, self._scatter = mean.copy(), scatter.copy()
        else:
            total = self._folded + count
            delta = mean - self._mean
            self._mean = self._mean + delta * (count / total)
            self._scatter += scatter
            self._scatter += np.outer(delta, delta * (self._folded * count / total))
        self._folded += count


def _moments(rows):
    rows = np.concatenate(rows).astype("float64")
    mean = rows.mean(axis=0)
    rows -= mean
    return mean, rows.T @ rows


def _complaint(path, reason):
    return (
        f"{os.fspath(path)} holds no statistics of features: {reason}. Accepted: an .npz file with "
        "`mu` (D,) and `sigma` (D, D). Delete it and compute the statistics again."
    )
