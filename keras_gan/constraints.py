"""What weights are forced to be after each update, and how a whole network is constrained."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gan")
class WeightClip(keras.constraints.Constraint):
    """Clips every weight to `[-limit, limit]`, which bounds the critic's Lipschitz constant.

    The paper clips all parameters of the critic, scales and offsets of normalisations among them;
    `keras_gan.constraints.constrain` does so.

    Args:
        limit: float > 0 (the paper's c).

    Raises:
        ValueError: if `limit` is no finite number > 0.

    Example:
    ```python
    keras_gan.constraints.constrain(critic, keras_gan.constraints.WeightClip(0.01))
    ```

    Reference: Arjovsky, Chintala, Bottou (2017), Wasserstein GAN, arXiv:1701.07875.
    """

    def __init__(self, limit=0.01):
        if not (isinstance(limit, (int, float)) and 0 < limit < math.inf):
            raise ValueError(f"`limit` is a finite number > 0. Received: {limit!r}")
        self.limit = float(limit)

    def __call__(self, w):
        """The clipped weights."""
        return ops.clip(w, -self.limit, self.limit)

    def get_config(self):
        """The constructor's arguments."""
        return {"limit": self.limit}


def constrain(network, constraint):
    """Apply a constraint to every trainable weight of a network, whatever its layers.

    Keras' optimizers apply it after each of their updates: the weights that the network begins with
    are not changed here. It is not saved with the network: a model calls this when it makes its
    networks.

    Args:
        network: built `keras.Model` or layer.
        constraint: `keras.constraints.Constraint`, its name, or `None` to lift what is there.

    Raises:
        ValueError: if the network has no weights yet, or there is no such constraint.

    Example:
    ```python
    keras_gan.constraints.constrain(critic, keras_gan.constraints.WeightClip(0.01))
    ```
    """
    if not network.trainable_variables:
        raise ValueError(
            f"'{network.name}' has no trainable weights to constrain. Build it first, by "
            "`keras.Input` or by calling it."
        )
    constraint = keras.constraints.get(constraint)
    for variable in network.trainable_variables:
        variable.constraint = constraint
