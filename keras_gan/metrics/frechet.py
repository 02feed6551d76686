"""The Frechet distance of two Gaussians, fast where it can be and exact where it must."""

from typing import NamedTuple

import numpy as np

# Of the sum of the traces: what the fast route may be off.
_ACCEPTED = 1e-9


class FrechetDistance(NamedTuple):
    """A distance and how it was computed.

    Attributes:
        value: float >= 0.
        route: str, `"samples"`, `"cholesky"` or `"eigh"`.
    """

    value: float
    route: str


def frechet_distance(real, fake, ddof=1):
    """The Frechet distance of the Gaussians with the statistics of two sets of features.

    `|m1 - m2|^2 + Tr S1 + Tr S2 - 2 Tr (S1 S2)^(1/2)`, in float64. The last trace is the sum of
    the singular values of `F1' F2` for any factors `S = F F'`. There are three routes:

    - `"samples"`: a set of at most as many samples as features, whose rows are the factor.
    - `"cholesky"`: the roots of the eigenvalues of `L1' S2 L1`, for covariances of full rank. A
      root enlarges what rounding leaves of small eigenvalues: if that could show, the next is used.
    - `"eigh"`: factors from both covariances' eigenvectors, where what rounding leaves of the
      eigenvalues that are zero is cut off.

    Args:
        real: `keras_gan.metrics.FeatureStatistics`.
        fake: `keras_gan.metrics.FeatureStatistics`.
        ddof: 0 or 1, what is subtracted from the count in the covariances' divisor.

    Returns:
        `FrechetDistance`.

    Raises:
        ValueError: if a set has fewer than two samples, or the numbers of features differ.

    Example:
    ```python
    real, fake = keras_gan.metrics.FeatureStatistics(), keras_gan.metrics.FeatureStatistics()
    real.update([[0.0], [2.0]])
    fake.update([[3.0], [5.0]])
    keras_gan.metrics.frechet_distance(real, fake).value  # 9.0
    ```

    Reference: Dowson, Landau (1982), The Frechet distance between multivariate normal
    distributions; Heusel et al. (2017), arXiv:1706.08500.
    """
    covariances = [statistics.covariance(ddof) for statistics in (real, fake)]
    if real.num_features != fake.num_features:
        raise ValueError(
            "Both sets have features of one extractor. Received: "
            f"{real.num_features} real and {fake.num_features} fake features"
        )
    traces = sum(np.trace(covariance) for covariance in covariances)
    factors = [statistics.factor(ddof) for statistics in (real, fake)]
    overlap, route = None, "samples"
    if all(factor is None for factor in factors):
        overlap, route = _fast_overlap(*covariances, _ACCEPTED * traces), "cholesky"
        if overlap is None:
            route = "eigh"
    if overlap is None:
        pairs = zip(factors, covariances, strict=True)
        first, second = (_factor(c) if factor is None else factor for factor, c in pairs)
        overlap = np.linalg.svd(first.T @ second, compute_uv=False).sum()
    distance = np.sum(np.square(real.mean() - fake.mean())) + traces - 2 * overlap
    return FrechetDistance(float(max(distance, 0.0)), route)


def _fast_overlap(first, second, accepted):
    """Tr (S1 S2)^(1/2), or None if it may be off by more than `accepted`."""
    try:
        lower = np.linalg.cholesky(first)
    except np.linalg.LinAlgError:
        return None
    values = np.linalg.eigvalsh(lower.T @ second @ lower)
    rounding = np.finfo("float64").eps * values[-1]
    roots = np.sqrt(np.maximum(values, rounding))
    # An eigenvalue is off by `rounding`, its root by this.
    return roots.sum() if np.sum(rounding / roots) <= accepted else None


def _factor(covariance):
    values, vectors = np.linalg.eigh(covariance)
    kept = values > len(values) * np.finfo("float64").eps * values[-1]
    return vectors[:, kept] * np.sqrt(values[kept])
