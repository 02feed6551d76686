"""LeCam: logits are pulled to the running average of the other kind's."""

import math

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_integer, check_number
from keras_gan.regularizers.base import Regularizer


@keras.saving.register_keras_serializable(package="keras_gan")
class LeCam(Regularizer):
    """Penalises logits beyond the average logit of the other kind, for training on few images.

    The penalty is `E relu(D(x) - a_fake)^2 + E relu(a_real - D(G(z)))^2` with running averages `a`
    of both mean logits, which are updated first and constant in the gradient. It reads the logits
    of the adversarial loss (hinge or non-saturating) and runs the discriminator no further.

    The defaults are those of the paper's BigGAN code for CIFAR-10. Its StyleGAN2 code has
    `decay=0.99, start=0, zero_debias=True`.

    Args:
        weight: float >= 0 (0.3).
        decay: float in [0, 1) of the averages.
        start: int >= 0. Before training step `start` the averages are the batch's means; the
            penalty counts after it.
        initial: float, what the averages begin with; of no effect if `start > 0` or `zero_debias`.
        zero_debias: bool. Average over the past only, as if it had begun with the first batch,
            instead of from `initial`.
        interval: int >= 1, see `keras_gan.regularizers`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    gan.compile(loss="hinge", regularizers=[keras_gan.regularizers.LeCam(0.3)])
    ```

    Reference: Tseng, Jiang, Liu, Yang, Yang (2021), Regularizing Generative Adversarial Networks
    under Limited Data, arXiv:2104.03310.
    """

    name = "lecam"

    def __init__(
        self, weight=0.3, decay=0.9, start=1000, initial=1000.0, zero_debias=False, interval=1
    ):
        super().__init__(weight, interval)
        check_integer("start", start, minimum=0)
        check_number("decay", decay, below=1)
        check_number("initial", initial, minimum=-math.inf)
        self.decay = float(decay)
        self.start = start
        self.initial = float(initial)
        self.zero_debias = bool(zero_debias)

    def initial_state(self, variables):
        """The averages, and how often they were updated."""
        del variables
        initial = np.float32(self.initial)
        return {"real": initial, "fake": initial, "updates": np.int32(0)}

    def penalty(self, context):
        """Update the averages, then the squared excess over them."""
        logits = {"real": context.real_logits, "fake": context.fake_logits}
        logits = {kind: ops.cast(values, "float32") for kind, values in logits.items()}
        self.update(context.state(self), logits, context.step)
        penalty = self.excess(context.state(self), logits)
        if not self.start:
            return penalty
        return penalty * ops.cast(ops.convert_to_tensor(context.step) > self.start, "float32")

    def update(self, state, logits, step):
        """Move the averages towards the logits' means.

        Args:
            state: dict of the variables `real`, `fake` and `updates`.
            logits: dict of float32 tensors `real` and `fake`.
            step: int32 scalar.
        """
        decay = self.decay
        if self.zero_debias:
            # TensorFlow's `zero_debias` as a decay that changes: the first one is 0.
            updates = ops.cast(state["updates"], "float32")
            decay = decay * (1.0 - decay**updates) / (1.0 - decay ** (updates + 1.0))
        if self.start:
            decay = decay * ops.cast(ops.convert_to_tensor(step) >= self.start, "float32")
        for kind, values in logits.items():
            mean = ops.stop_gradient(ops.mean(values))
            state[kind].assign(decay * state[kind] + (1.0 - decay) * mean)
        state["updates"].assign_add(1)

    def excess(self, state, logits):
        """The squared excess of logits over the averages of the other kind."""
        real = ops.relu(logits["real"] - state["fake"])
        fake = ops.relu(state["real"] - logits["fake"])
        return ops.mean(ops.square(real)) + ops.mean(ops.square(fake))

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "decay": self.decay,
            "start": self.start,
            "initial": self.initial,
            "zero_debias": self.zero_debias,
        }
