"""WGAN-GP's penalty between real and generated images, and its variants."""

import keras
from keras import ops

from keras_gan import random
from keras_gan.checks import check_number
from keras_gan.regularizers.base import Regularizer
from keras_gan.regularizers.gradient_norms import norms, one_per_sample, squared_gradient_norms


@keras.saving.register_keras_serializable(package="keras_gan")
class GradientPenalty(Regularizer):
    """WGAN-GP: pulls the critic's gradient norm to 1 between real and generated images.

    The points are `epsilon * real + (1 - epsilon) * fake` with one `epsilon` from U[0, 1) per
    sample.

    Args:
        weight: float >= 0, the paper's lambda (10; 0.1 for two-dimensional toys).
        one_sided: bool. Penalise `max(0, norm - target)^2` instead of `(norm - target)^2`.
        target: float >= 0, the norm to pull to; 0 is the zero-centred penalty `norm^2` (Thanh-Tung,
            Tran, Venkatesh 2019, arXiv:1902.03984).
        interval: int >= 1, see `keras_gan.regularizers`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    gan.compile(loss="wasserstein", regularizers=[keras_gan.regularizers.GradientPenalty(10.0)])
    ```

    Reference: Gulrajani et al. (2017), Improved Training of Wasserstein GANs, arXiv:1704.00028.
    """

    name = "gradient_penalty"

    def __init__(self, weight=10.0, one_sided=False, target=1.0, interval=1):
        super().__init__(weight, interval)
        self.one_sided = bool(one_sided)
        check_number("target", target)
        self.target = float(target)

    def penalty(self, context):
        """Mean over samples of (norm of the gradient - target)^2."""
        real, fake = context.real, context.fake
        epsilon = random.uniform(one_per_sample(real), context.seed)
        points = fake + epsilon * (real - fake)
        squares = squared_gradient_norms(context.discriminate, points)
        if self.target == 0:
            return ops.mean(squares)
        excess = norms(squares) - self.target
        return ops.mean(ops.square(ops.relu(excess) if self.one_sided else excess))

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "one_sided": self.one_sided, "target": self.target}


@keras.saving.register_keras_serializable(package="keras_gan")
class LipschitzPenalty(GradientPenalty):
    """WGAN-LP: penalises only gradient norms above 1, `max(0, norm - 1)^2`.

    A critic that is flat somewhere is 1-Lipschitz too; the two-sided penalty would steepen it. The
    points are those of `GradientPenalty`.

    Args:
        weight: float >= 0 (10).
        interval: int >= 1, see `keras_gan.regularizers`.

    Example:
    ```python
    gan.compile(loss="wasserstein", regularizers=[keras_gan.regularizers.LipschitzPenalty(10.0)])
    ```

    Reference: Petzka, Fischer, Lukovnikov (2017), On the regularization of Wasserstein GANs,
    arXiv:1709.08894.
    """

    name = "lipschitz_penalty"

    def __init__(self, weight=10.0, interval=1):
        super().__init__(weight, one_sided=True, interval=interval)

    def get_config(self):
        """The constructor's arguments."""
        return {"weight": self.weight, "interval": self.interval}
