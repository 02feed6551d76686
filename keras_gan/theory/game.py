"""The value of the game and the discriminator that attains it."""

import numpy as np

from keras_gan.theory.distributions import masses


def optimal_discriminator(p, q):
    """The best answer D* = p / (p + q): the probability that a sample at a place is real.

    Args:
        p: array of the data's densities or probabilities at some places.
        q: array of the generator's at the same places.

    Returns:
        Array in [0, 1], 0.5 where neither has mass.

    Raises:
        ValueError: if the shapes differ or a number is negative or not finite.

    Example:
    ```python
    keras_gan.theory.optimal_discriminator([0.9, 0.05], [0.1, 0.95])  # [0.9, 0.05]
    ```

    Reference: Goodfellow et al. (2014), Generative Adversarial Networks, arXiv:1406.2661.
    """
    p, q = _checked(p, q)
    total = p + q
    return np.where(total > 0, p / np.where(total > 0, total, 1.0), 0.5)


def optimal_logit(p, q):
    """The logit of D*, log p - log q.

    Args:
        p: array of the data's densities or probabilities at some places.
        q: array of the generator's at the same places.

    Returns:
        Array, infinite where only one of them has mass, 0 where neither has.

    Raises:
        ValueError: as `keras_gan.theory.optimal_discriminator`.

    Example:
    ```python
    keras_gan.theory.optimal_logit([0.9], [0.1])  # log 9 = 2.197
    ```

    Reference: Goodfellow et al. (2014), Generative Adversarial Networks, arXiv:1406.2661.
    """
    p, q = _checked(p, q)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p + q > 0, np.log(p) - np.log(q), 0.0)


def value(p, q, discriminator=None, *, x=None, bounds=None):
    """The value of the game, E_p log D + E_q log(1 - D).

    At D* it is -log 4 + 2 JSD(p, q), at least -log 4 = -1.386, which is minus the discriminator's
    loss when nobody can tell the generator's samples.

    Args:
        p: as in `keras_gan.theory.js_divergence`.
        q: the same.
        discriminator: what a discriminator answers: array of probabilities at the same places, or a
            function from places to them. D* by default.
        x: as in `keras_gan.theory.js_divergence`.
        bounds: the same.

    Returns:
        float, -inf if the discriminator is certain of something false.

    Raises:
        ValueError: as `keras_gan.theory.js_divergence`, and if an answer is no probability.

    Example:
    ```python
    keras_gan.theory.value([0.5, 0.5], [0.5, 0.5])  # -log 4
    ```

    Reference: Goodfellow et al. (2014), Generative Adversarial Networks, arXiv:1406.2661.
    """
    places, p, q = masses(p, q, x, bounds)
    if discriminator is None:
        discriminator = optimal_discriminator(p, q)
    elif callable(discriminator):
        if places is None:
            raise ValueError(
                "Probabilities have no places at which to ask a function. Pass `discriminator` as "
                "an array."
            )
        discriminator = discriminator(places)
    answers = np.asarray(discriminator, "float64")
    if answers.shape != p.shape or not ((answers >= 0) & (answers <= 1)).all():
        raise ValueError(
            f"The discriminator answers with a probability at each of the {p.shape} places. "
            f"Received: shape {answers.shape}, values from {answers.min()} to {answers.max()}"
        )
    return _expected_log(p, answers) + _expected_log(q, 1 - answers)


def _expected_log(p, probability):
    there = p > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(p[there] * np.log(probability[there])))


def _checked(p, q):
    p, q = (np.asarray(density, "float64") for density in (p, q))
    if p.shape != q.shape:
        raise ValueError(f"`p` and `q` have the same shape. Received: {p.shape} and {q.shape}")
    for name, density in (("p", p), ("q", q)):
        if not (np.isfinite(density) & (density >= 0)).all():
            raise ValueError(f"`{name}` holds finite numbers >= 0. Received: {density}")
    return p, q
