"""Path length regularisation: equal steps in w change images equally."""

import math

import keras
import numpy as np
from keras import ops

from keras_gan import backend, random
from keras_gan.checks import check_positive
from keras_gan.regularizers.base import Regularizer


@keras.saving.register_keras_serializable(package="keras_gan")
class PathLength(Regularizer):
    """Penalises how far the lengths of the generator's Jacobian products are from their mean.

    For images of normal noise y, of variance 1 / (H W), the gradient of `sum(G(w) * y)` at w should
    have the same length everywhere: `E (|J_w^T y| - a)^2`, a being a running mean of the lengths,
    which is saved with the model. For generators with styles, such as `keras_gan.StyleGAN2`. On
    several replicas, each compares its lengths with the mean that they moved, and the replicas'
    means are then averaged; on JAX, all lengths move one mean.

    Args:
        weight: float >= 0.
        interval: int >= 1, see `keras_gan.regularizers`.
        decay: float in (0, 1], the share of the new mean length in the running mean.
        batch_fraction: float in (0, 1], of the batch size that is generated for it, where
            `interval` is above 1.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    gan.compile(regularizers=[keras_gan.regularizers.PathLength(weight=2.0, interval=4)])
    ```

    Reference: Karras et al. (2020), Analyzing and Improving the Image Quality of StyleGAN,
    arXiv:1912.04958.
    """

    name = "path_length"
    player = "generator"

    def __init__(self, weight=2.0, interval=4, decay=0.01, batch_fraction=0.5):
        super().__init__(weight, interval)
        for name, value in (("decay", decay), ("batch_fraction", batch_fraction)):
            check_positive(name, value, maximum=1)
        self.decay = float(decay)
        self.batch_fraction = float(batch_fraction)

    def initial_state(self, variables):
        """The running mean of the lengths."""
        del variables
        return {"mean": np.zeros((), "float32")}

    def penalty(self, context):
        """The mean squared deviation; the running mean moves."""
        ws, synthesize = context.styles()

        def projected(ws):
            images = ops.cast(synthesize(ws), "float32")
            height, width = images.shape[1:3]
            noise = random.normal(ops.shape(images), context.seed)
            return ops.sum(images * (noise / math.sqrt(height * width)), axis=(1, 2, 3))

        _, (gradient,) = backend.grads(projected, [ws])
        lengths = ops.sqrt(ops.mean(ops.sum(ops.square(gradient), axis=2), axis=1))
        state = context.state(self)["mean"]
        # The new mean is what lengths are compared with, and gradients flow through it.
        mean = state + self.decay * (ops.mean(lengths) - state)
        state.assign(ops.stop_gradient(mean))
        return ops.mean(ops.square(lengths - mean))

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "decay": self.decay,
            "batch_fraction": self.batch_fraction,
        }
