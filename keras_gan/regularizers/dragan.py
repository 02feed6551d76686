"""DRAGAN: a gradient penalty around the data."""

import keras
from keras import ops

from keras_gan import random
from keras_gan.regularizers.base import Regularizer
from keras_gan.regularizers.gradient_norms import norms, one_per_sample, squared_gradient_norms


@keras.saving.register_keras_serializable(package="keras_gan")
class DRAGAN(Regularizer):
    """Pulls the discriminator's gradient norm to 1 in the neighbourhood of real images.

    The points are `real + alpha * 0.5 * std * u`, with one `alpha` from U[0, 1) per sample, `u`
    from U[0, 1) for each number, and the standard deviation of all numbers of the batch. For the
    non-saturating loss as well as for Wasserstein's.

    Args:
        weight: float >= 0 (10).
        interval: int >= 1, see `keras_gan.regularizers`.

    Example:
    ```python
    gan.compile(regularizers=[keras_gan.regularizers.DRAGAN(10.0)])
    ```

    Reference: Kodali, Abernethy, Hays, Kira (2017), On Convergence and Stability of GANs,
    arXiv:1705.07215.
    """

    name = "dragan"

    def __init__(self, weight=10.0, interval=1):
        super().__init__(weight, interval)

    def penalty(self, context):
        """Mean over samples of (norm of the gradient - 1)^2."""
        real = ops.cast(context.real, "float32")
        alpha = random.uniform(one_per_sample(real), context.seed)
        noise = random.uniform(ops.shape(real), context.seed)
        points = real + alpha * 0.5 * ops.std(real) * noise
        squares = squared_gradient_norms(context.discriminate, points)
        return ops.mean(ops.square(norms(squares) - 1.0))
