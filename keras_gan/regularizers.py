"""Terms added to a player's loss: gradient penalties on the discriminator.

Each has a `player`, a weight, a `name` under which its unweighted value is logged, and an
`interval`: 1 adds it to the player's loss in every update; k > 1 makes it an update of its own in
every k-th step with k times the weight ("lazy regularisation", Karras et al. 2020,
arXiv:1912.04958).

Penalties are computed in float32 on the logits, with the gradient's norm taken over all axes but
the first. The discriminator must not mix samples (no batch normalisation), or "the gradient at one
sample" has no meaning.
"""

import math

import keras
from keras import ops

from keras_gan import backend, random


class Regularizer:
    """Base class.

    Args:
        weight: float >= 0, the factor of the penalty in the loss.
        interval: int >= 1, apply in every `interval`-th step.

    A subclass sets `name` and `player` and implements `penalty`; one that does not read `fake` sets
    `uses_fake = False` (it may be `None` then).
    """

    name = None
    player = "discriminator"
    uses_fake = True

    def __init__(self, weight, interval=1):
        if not (isinstance(weight, (int, float)) and 0 <= weight < math.inf):
            raise ValueError(
                f"The weight of {type(self).__name__} must be a finite number >= 0. "
                f"Received: {weight!r}"
            )
        if not isinstance(interval, int) or isinstance(interval, bool) or interval < 1:
            raise ValueError(
                "`interval` is the number of steps from one application to the next, an integer "
                f">= 1. Received: {interval!r}"
            )
        self.weight = float(weight)
        self.interval = interval

    def penalty(self, discriminator, real, fake, seed):
        """The unweighted penalty.

        Args:
            discriminator: function from images `(N, H, W, C)` to logits `(N, ...)`.
            real: float32 images.
            fake: float32 generated images, constants.
            seed: `keras_gan.random.SeedGenerator` for whatever is drawn.

        Returns:
            A float32 scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `penalty`.")

    def get_config(self):
        """The constructor's arguments."""
        return {"weight": self.weight, "interval": self.interval}

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls(**config)


def _squared_gradient_norms(discriminator, images):
    _, (gradient,) = backend.grads(
        lambda x: ops.cast(discriminator(x), "float32"), [ops.cast(images, "float32")]
    )
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


@keras.saving.register_keras_serializable(package="keras_gan")
class GradientPenalty(Regularizer):
    """WGAN-GP: pulls the critic's gradient norm to 1 between real and generated images.

    The points are `epsilon * real + (1 - epsilon) * fake` with one `epsilon` from U[0, 1) per
    sample.

    Args:
        weight: float >= 0, the paper's lambda (10; 0.1 for two-dimensional toys).
        one_sided: bool. Penalise `max(0, norm - 1)^2` instead of `(norm - 1)^2`.
        interval: int >= 1, see `keras_gan.regularizers`.

    Example:
    ```python
    gan.compile(loss="wasserstein", regularizers=[keras_gan.regularizers.GradientPenalty(10.0)])
    ```

    Reference: Gulrajani et al. (2017), Improved Training of Wasserstein GANs, arXiv:1704.00028.
    """

    name = "gradient_penalty"

    def __init__(self, weight=10.0, one_sided=False, interval=1):
        super().__init__(weight, interval)
        self.one_sided = bool(one_sided)

    def penalty(self, discriminator, real, fake, seed):
        """Mean over samples of (norm of the gradient - 1)^2."""
        shape = (ops.shape(real)[0],) + (1,) * (len(real.shape) - 1)
        epsilon = random.uniform(shape, seed)
        squares = _squared_gradient_norms(discriminator, fake + epsilon * (real - fake))
        # The square root has no derivative at 0.
        excess = ops.sqrt(squares + 1e-12) - 1.0
        return ops.mean(ops.square(ops.relu(excess) if self.one_sided else excess))

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "one_sided": self.one_sided}


@keras.saving.register_keras_serializable(package="keras_gan")
class R1(Regularizer):
    """Penalises the squared gradient norm at real images: `gamma / 2 * E ||grad D(x)||^2`.

    Args:
        gamma: float >= 0 (10 in the paper; choose by resolution for StyleGAN2).
        interval: int >= 1, see `keras_gan.regularizers`; 16 in StyleGAN2.

    Example:
    ```python
    gan.compile(regularizers=[keras_gan.regularizers.R1(gamma=10.0, interval=16)])
    ```

    Reference: Mescheder, Geiger, Nowozin (2018), Which Training Methods for GANs do actually
    Converge?, arXiv:1801.04406.
    """

    name = "r1"
    uses_fake = False

    def __init__(self, gamma=10.0, interval=1):
        super().__init__(gamma, interval)
        self.weight = self.weight / 2

    def penalty(self, discriminator, real, fake, seed):
        """Mean over real images of the squared gradient norm."""
        return ops.mean(_squared_gradient_norms(discriminator, real))

    def get_config(self):
        """The constructor's arguments."""
        return {"gamma": self.weight * 2, "interval": self.interval}


@keras.saving.register_keras_serializable(package="keras_gan")
class R2(R1):
    """Penalises the squared gradient norm at generated images: `gamma / 2 * E ||grad D(G(z))||^2`.

    Args:
        gamma: float >= 0.
        interval: int >= 1, see `keras_gan.regularizers`.

    Example:
    ```python
    gan.compile(regularizers=[keras_gan.regularizers.R1(5.0), keras_gan.regularizers.R2(5.0)])
    ```

    Reference: Mescheder, Geiger, Nowozin (2018), Which Training Methods for GANs do actually
    Converge?, arXiv:1801.04406.
    """

    name = "r2"
    uses_fake = True

    def penalty(self, discriminator, real, fake, seed):
        """Mean over generated images of the squared gradient norm."""
        return ops.mean(_squared_gradient_norms(discriminator, fake))


def get(identifier):
    """The regularizer that `identifier` stands for.

    Args:
        identifier: a `Regularizer` or the dict that `keras.saving.serialize_keras_object` made.

    Returns:
        A `Regularizer`.

    Raises:
        ValueError: if it is neither.

    Example:
    ```python
    penalty = keras_gan.regularizers.get(keras_gan.regularizers.R1(10.0))
    ```
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, Regularizer):
        return identifier
    raise ValueError(
        "A regularizer is an object such as `keras_gan.regularizers.R1(gamma=10.0)`. "
        f"Received: {identifier!r}"
    )
