"""The Dirac-GAN: the smallest game on which GANs fail to converge.

The data is a point at 0, the generator a point at theta, the discriminator a line: D(x) = psi x.
There is one equilibrium, (0, 0). Around it, players that follow their own gradients turn in
circles or spiral away, and what draws them in is seen at once.

Reference: Mescheder, Geiger, Nowozin (2018), Which Training Methods for GANs do actually
Converge?, arXiv:1801.04406.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_gan.checks import check_integer


class Method(NamedTuple):
    """How the players of a Dirac-GAN move.

    Attributes:
        field: function from `(theta, psi)` to the directions in which they step.
        project: function from psi to what is done to it after a step.
    """

    field: Callable
    project: Callable = lambda psi: psi


def gan(r1_gamma=0.0):
    """The saturating GAN: unstable without R1, which draws it in.

    Args:
        r1_gamma: float >= 0, the weight of R1; from 1 on, the path does not turn any more.

    Returns:
        `Method`.

    Raises:
        ValueError: if `r1_gamma` is negative.

    Example:
    ```python
    keras_gan.theory.dirac_gan.eigenvalues(keras_gan.theory.dirac_gan.gan())  # +0.5j, -0.5j
    ```
    """
    return Method(_regularized(lambda t: _sigmoid(-t), r1_gamma))


def non_saturating(r1_gamma=0.0):
    """The non-saturating GAN, which spirals inwards ever more slowly.

    Args:
        r1_gamma: float >= 0, the weight of R1.

    Returns:
        `Method`.

    Raises:
        ValueError: if `r1_gamma` is negative.

    Example:
    ```python
    path = keras_gan.theory.dirac_gan.simulate(
        keras_gan.theory.dirac_gan.non_saturating(r1_gamma=0.3)
    )
    ```
    """
    return Method(_regularized(_sigmoid, r1_gamma))


def wgan(clip=1.0):
    """The WGAN with weight clipping, which circles for ever.

    Args:
        clip: float > 0, the largest magnitude of psi.

    Returns:
        `Method`.

    Raises:
        ValueError: if `clip` is not positive.

    Example:
    ```python
    path = keras_gan.theory.dirac_gan.simulate(keras_gan.theory.dirac_gan.wgan(clip=1.0))
    ```
    """
    if not clip > 0:
        raise ValueError(f"`clip` is a number > 0. Received: {clip!r}")
    return Method(lambda theta, psi: (-psi, theta), lambda psi: min(max(psi, -clip), clip))


def wgan_gp(weight, target=1.0):
    """The WGAN whose penalty `weight / 2 (|psi| - target)^2` wants a slope other than 0.

    Args:
        weight: float >= 0.
        target: float >= 0, the slope that is not penalised.

    Returns:
        `Method`, with a jump at psi = 0.

    Raises:
        ValueError: if an argument is negative.

    Example:
    ```python
    path = keras_gan.theory.dirac_gan.simulate(keras_gan.theory.dirac_gan.wgan_gp(0.7))
    ```
    """
    _check_weight("weight", weight)
    _check_weight("target", target)

    def field(theta, psi):
        return -psi, theta - weight * (abs(psi) - target) * np.sign(psi)

    return Method(field)


def consensus(weight):
    """The saturating GAN with consensus optimization: both players shrink the field's norm.

    In the form of the authors' code, which takes the part of the gradient that bends the slope by
    half.

    Args:
        weight: float >= 0.

    Returns:
        `Method`.

    Raises:
        ValueError: if `weight` is negative.

    Example:
    ```python
    path = keras_gan.theory.dirac_gan.simulate(keras_gan.theory.dirac_gan.consensus(1.0))
    ```

    Reference: Mescheder, Nowozin, Geiger (2017), The Numerics of GANs, arXiv:1705.10461.
    """
    _check_weight("weight", weight)

    def field(theta, psi):
        slope = _sigmoid(-theta * psi)
        # The slope's own derivative is -slope * sigmoid(theta psi).
        bend = -0.5 * (psi**2 + theta**2) * slope**2 * _sigmoid(theta * psi)
        v_theta = -psi * slope - weight * (theta * slope**2 + psi * bend)
        v_psi = theta * slope - weight * (psi * slope**2 + theta * bend)
        return v_theta, v_psi

    return Method(field)


def simulate(method, steps=500, learning_rate=0.2, start=(1.0, 1.0), discriminator_steps=None):
    """The path of the two players.

    Args:
        method: `Method`, from one of the functions of this module.
        steps: int >= 0.
        learning_rate: float > 0, of both.
        start: pair (theta, psi).
        discriminator_steps: int >= 1: in turn, the generator first, then so many steps of the
            discriminator. `None`: both at once.

    Returns:
        float64 array `(steps + 1, 2)` of (theta, psi).

    Raises:
        ValueError: if an argument is out of its range.

    Example:
    ```python
    dirac_gan = keras_gan.theory.dirac_gan
    theta, psi = dirac_gan.simulate(dirac_gan.gan(), discriminator_steps=1)[-1]
    ```
    """
    check_integer("steps", steps, minimum=0)
    if discriminator_steps is not None:
        check_integer("discriminator_steps", discriminator_steps, minimum=1)
    if not learning_rate > 0:
        raise ValueError(f"`learning_rate` is a number > 0. Received: {learning_rate!r}")
    if len(start) != 2 or not np.isfinite(start).all():
        raise ValueError(f"`start` is a pair of finite numbers (theta, psi). Received: {start}")
    theta, psi = map(float, start)
    path = [(theta, psi)]
    for _ in range(steps):
        v_theta, v_psi = method.field(theta, psi)
        theta = theta + learning_rate * v_theta
        if discriminator_steps is None:
            psi = method.project(psi + learning_rate * v_psi)
        for _ in range(discriminator_steps or 0):
            psi = method.project(psi + learning_rate * method.field(theta, psi)[1])
        path.append((theta, psi))
    return np.array(path)


def eigenvalues(method, theta=0.0, psi=0.0):
    """The eigenvalues of the field's derivative, which decide whether a game converges.

    Simultaneous steps of length h near an equilibrium converge if `|1 + h e| < 1` for both, slow
    ones if their real parts are negative.

    Args:
        method: `Method` that is smooth there (that of `wgan_gp` is not at psi = 0).
        theta: float, the place; the equilibrium by default.
        psi: float.

    Returns:
        complex128 array `(2,)`, by increasing real, then imaginary part.

    Example:
    ```python
    dirac_gan = keras_gan.theory.dirac_gan
    dirac_gan.eigenvalues(dirac_gan.gan(r1_gamma=1.0))  # -0.5 twice
    ```
    """
    step = 1e-5
    columns = [
        np.subtract(method.field(theta + a, psi + b), method.field(theta - a, psi - b)) / (2 * step)
        for a, b in ((step, 0.0), (0.0, step))
    ]
    return np.sort_complex(np.linalg.eigvals(np.stack(columns, axis=1)).astype("complex128"))


def _regularized(generator_slope, r1_gamma):
    _check_weight("r1_gamma", r1_gamma)

    def field(theta, psi):
        t = theta * psi
        return -psi * generator_slope(t), theta * _sigmoid(-t) - r1_gamma * psi

    return field


def _sigmoid(t):
    return 0.5 * (1.0 + np.tanh(0.5 * t))


def _check_weight(name, weight):
    if not (np.isfinite(weight) and weight >= 0):
        raise ValueError(f"`{name}` is a finite number >= 0. Received: {weight!r}")
