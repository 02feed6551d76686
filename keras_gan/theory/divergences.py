"""Distances between two distributions."""

import numpy as np

from keras_gan.theory.distributions import masses, panels


def kl_divergence(p, q, *, x=None, bounds=None):
    """The Kullback-Leibler divergence E_p log(p / q).

    Args:
        p: as in `keras_gan.theory.js_divergence`.
        q: the same.
        x: the same.
        bounds: the same.

    Returns:
        float in nats, infinite where `p` has mass and `q` has none.

    Raises:
        ValueError: as `keras_gan.theory.js_divergence`.

    Example:
    ```python
    keras_gan.theory.kl_divergence([0.5, 0.5], [0.9, 0.1])  # 0.5108
    ```

    Reference: Kullback, Leibler (1951), On Information and Sufficiency.
    """
    _, p, q = masses(p, q, x, bounds)
    return _expected_log_ratio(p, q)


def js_divergence(p, q, *, x=None, bounds=None):
    """The Jensen-Shannon divergence, which the optimal discriminator's loss measures.

    The mean of the divergences of `p` and of `q` from their mixture. It is at most log 2, and
    exactly that for disjoint supports, however far apart they are: the generator learns nothing
    from it there.

    Args:
        p: array of probabilities that sum to 1; or of densities on the grid `x`; or a function from
            places `(N,)` to densities, with `bounds`.
        q: the same, of the same form.
        x: array of increasing places.
        bounds: increasing numbers. The first and last enclose both distributions, those between are
            where a density jumps: `(0, 1)` for U[0, 1].

    Returns:
        float in nats.

    Raises:
        ValueError: if the forms differ or something is no distribution.

    Example:
    ```python
    keras_gan.theory.js_divergence([1, 0], [0, 1])  # log 2 = 0.6931
    ```

    Reference: Goodfellow et al. (2014), Generative Adversarial Networks, arXiv:1406.2661.
    """
    _, p, q = masses(p, q, x, bounds)
    mixture = (p + q) / 2
    return (_expected_log_ratio(p, mixture) + _expected_log_ratio(q, mixture)) / 2


def _expected_log_ratio(p, q):
    there = p > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(p[there] * np.log(p[there] / q[there])))


def wasserstein_1(a, b, a_weights=None, b_weights=None):
    """The Wasserstein-1 distance of samples on the line: how far mass has to be carried.

    Args:
        a: array `(N,)` of places in any order.
        b: array `(M,)`.
        a_weights: array `(N,)` of the places' masses in any unit; equal ones by default.
        b_weights: the same for `b`.

    Returns:
        float in the unit of the places.

    Raises:
        ValueError: if something is not an array of finite numbers, or weights are negative or all
            0.

    Example:
    ```python
    keras_gan.theory.wasserstein_1([0.0], [3.0])  # 3.0, where the JS divergence is log 2
    ```

    Reference: Arjovsky, Chintala, Bottou (2017), Wasserstein GAN, arXiv:1701.07875.
    """
    a, a_weights = _weighted("a", a, a_weights)
    b, b_weights = _weighted("b", b, b_weights)
    places = np.concatenate([a, b])
    order = np.argsort(places, kind="stable")
    # Between two neighbouring places, the difference of the distribution functions is constant.
    difference = np.cumsum(np.concatenate([a_weights, -b_weights])[order])
    return float(np.sum(np.abs(difference[:-1]) * np.diff(places[order])))


def _weighted(name, places, weights):
    places = np.asarray(places, "float64")
    if places.ndim != 1 or not len(places) or not np.isfinite(places).all():
        raise ValueError(
            f"`{name}` holds finite places (N,), at least one. Received: shape {places.shape}"
        )
    weights = np.ones_like(places) if weights is None else np.asarray(weights, "float64")
    valid = weights.shape == places.shape and np.isfinite(weights).all() and (weights >= 0).all()
    if not valid or not weights.sum() > 0:
        raise ValueError(
            f"`{name}_weights` holds a finite mass >= 0 for each of the {len(places)} places, not "
            f"all of them 0. Received: {weights}"
        )
    return places, weights / weights.sum()


def wasserstein_1_of_densities(p, q, *, x=None, bounds=None):
    """The Wasserstein-1 distance of densities on the line.

    Args:
        p: array of densities on the grid `x`, or a function from places `(N,)` to densities, with
            `bounds`.
        q: the same, of the same form.
        x: array of increasing places.
        bounds: as in `keras_gan.theory.js_divergence`.

    Returns:
        float in the unit of the places.

    Raises:
        ValueError: if the forms differ or something is no density.

    Example:
    ```python
    box = lambda start: lambda x: ((x >= start) & (x < start + 1)).astype("float64")
    keras_gan.theory.wasserstein_1_of_densities(
        box(0), box(0.5), bounds=(0, 0.5, 1, 1.5)
    )  # 0.5
    ```

    Reference: Arjovsky, Chintala, Bottou (2017), Wasserstein GAN, arXiv:1701.07875.
    """
    if x is None and bounds is None:
        raise ValueError(
            "Densities come with the grid `x` or with `bounds`. For probabilities at places, use "
            "`keras_gan.theory.wasserstein_1(places, places, p, q)`."
        )
    x, p, q = masses(p, q, x, bounds)
    if bounds is None:
        # Half of the mass at a node lies on either side of it.
        edges, cumulative = x, np.cumsum(p - q) - (p - q) / 2
        cumulative = cumulative - cumulative[0]
    else:
        edges = panels(np.asarray(bounds, "float64"))
        per_panel = np.sum((p - q).reshape(len(edges) - 1, -1), axis=1)
        cumulative = np.append(0.0, np.cumsum(per_panel))
    return float(_integral_of_magnitude(edges, cumulative))


def _integral_of_magnitude(x, f):
    """The integral of |f| for the piecewise linear `f` through the points, which may cross 0."""
    left, right = f[:-1], f[1:]
    total = np.abs(left) + np.abs(right)
    # Two triangles where the sign changes, else a trapezium.
    crossing = (left**2 + right**2) / np.where(total > 0, total, 1.0)
    return np.sum(np.diff(x) * np.where(left * right < 0, crossing, total) / 2)


def frechet_distance(mean_p, covariance_p, mean_q, covariance_q):
    """The squared Wasserstein-2 distance of two Gaussians, which FID is for features of images.

    `|mean_p - mean_q|^2 + tr(C_p + C_q - 2 (C_p C_q)^(1/2))`.

    Args:
        mean_p: array `(D,)`, or a number.
        covariance_p: array `(D, D)`, symmetric with no negative eigenvalue; or a number.
        mean_q: the same.
        covariance_q: the same.

    Returns:
        float >= 0.

    Raises:
        ValueError: if the shapes do not fit or something is no covariance.

    Example:
    ```python
    keras_gan.theory.frechet_distance(0.0, 1.0, 3.0, 4.0)  # 3^2 + (2 - 1)^2 = 10
    ```

    Reference: Dowson, Landau (1982), The Frechet distance between multivariate normal
    distributions.
    """
    mean_p, root_p, trace_p = _gaussian("p", mean_p, covariance_p)
    mean_q, root_q, trace_q = _gaussian("q", mean_q, covariance_q)
    if mean_p.shape != mean_q.shape:
        raise ValueError(
            f"The Gaussians have the same dimension. Received: {len(mean_p)} and {len(mean_q)}"
        )
    # The trace of the product's root is the sum of the singular values of the roots' product.
    overlap = np.linalg.svd(root_p @ root_q, compute_uv=False).sum()
    distance = np.sum(np.square(mean_p - mean_q)) + trace_p + trace_q - 2 * overlap
    return float(max(distance, 0.0))


def _gaussian(name, mean, covariance):
    mean = np.atleast_1d(np.asarray(mean, "float64"))
    covariance = np.atleast_2d(np.asarray(covariance, "float64"))
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
        raise ValueError(
            f"`mean_{name}` has the shape (D,) and `covariance_{name}` (D, D). Received: "
            f"{mean.shape} and {covariance.shape}"
        )
    finite = np.isfinite(mean).all() and np.isfinite(covariance).all()
    if not finite or not np.allclose(covariance, covariance.T):
        raise ValueError(f"`covariance_{name}` is not symmetric, or not all numbers are finite.")
    values, vectors = np.linalg.eigh(covariance)
    if values[0] < -1e-6 * max(values[-1], 1e-300):
        raise ValueError(
            f"A covariance has no negative eigenvalue. Received: `covariance_{name}` with "
            f"{values[0]:g}"
        )
    root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    return mean, root, np.trace(covariance)
