"""Dropout that a seed determines on every backend."""

import keras
from keras import ops

from keras_gan import random


@keras.saving.register_keras_serializable(package="keras_gan")
class Dropout(keras.Layer):
    """Sets a share of its inputs to 0 and scales the others up.

    Unlike `keras.layers.Dropout` it draws the same masks on every backend, different ones on every
    replica, and goes on with the same ones in a resumed run (on PyTorch, Keras' layer draws from
    the global generator, whatever its seed).

    Args:
        rate: float in [0, 1), the share of the inputs to drop.
        seed: int in `[0, 2**32)`, or `None` for a fresh one.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor of any shape.
        training: bool. Outside training the inputs pass unchanged.

    Raises:
        ValueError: if `rate` or `seed` is out of range.

    Example:
    ```python
    y = keras_gan.layers.Dropout(0.4)(x, training=True)
    ```

    Reference: Srivastava et al. (2014), Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting, JMLR 15.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise ValueError(f"`rate` is the share to drop, in [0, 1). Received: {rate!r}")
        self.rate = rate
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=False):
        """Drop a share of `inputs`."""
        if not training or self.rate == 0:
            return inputs
        kept = random.uniform(ops.shape(inputs), self.seed_generator) >= self.rate
        return inputs * ops.cast(kept, inputs.dtype) / (1 - self.rate)

    def compute_output_shape(self, input_shape):
        """Same as the input."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
