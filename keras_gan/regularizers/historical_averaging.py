"""Historical averaging: weights stay near the average of their past."""

import keras
import numpy as np
from keras import ops

from keras_gan.regularizers.base import Regularizer


@keras.saving.register_keras_serializable(package="keras_gan")
class HistoricalAveraging(Regularizer):
    """Penalises how far a player's weights are from the mean of all their past values.

    The penalty is the squared distance, added up over all weights; the mean is that of the values
    before each of the player's updates so far, and constant in the gradient. At the first update it
    is 0. Fictitious play inspired it: it damps the circling of two players.

    Args:
        weight: float >= 0 (1).
        player: str, `"discriminator"` or `"generator"`; give it once for each to regularise both.
        interval: int >= 1, see `keras_gan.regularizers`.

    Example:
    ```python
    averaging = keras_gan.regularizers.HistoricalAveraging
    gan.compile(regularizers=[averaging(player="generator"), averaging(player="discriminator")])
    ```

    Reference: Salimans et al. (2016), Improved Techniques for Training GANs, arXiv:1606.03498.
    """

    def __init__(self, weight=1.0, player="discriminator", interval=1):
        super().__init__(weight, interval)
        self.player = player
        self.name = f"{player}_historical_averaging"

    def initial_state(self, variables):
        """One mean for each variable, and how many values it is of."""
        means = {f"mean_{i}": np.zeros(v.shape, "float32") for i, v in enumerate(variables)}
        return {"values": np.int32(0), **means}

    def penalty(self, context):
        """The squared distance from the mean of the past."""
        state = context.state(self)
        total = 0.0
        for i, variable in enumerate(context.variables):
            distance = ops.cast(variable, "float32") - state[f"mean_{i}"]
            total = total + ops.sum(ops.square(distance))
        return total * ops.cast(ops.convert_to_tensor(state["values"]) > 0, "float32")

    def observe(self, state, variables):
        """Take the present values into the means."""
        share = 1.0 / (ops.cast(state["values"], "float32") + 1.0)
        for i, variable in enumerate(variables):
            mean = state[f"mean_{i}"]
            mean.assign(mean + share * (ops.cast(variable, "float32") - mean))
        state["values"].assign_add(1)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "player": self.player}
