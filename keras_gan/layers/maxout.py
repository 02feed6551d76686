"""Dense maxout units."""

import keras
from keras import ops

from keras_gan.checks import check_integer


@keras.saving.register_keras_serializable(package="keras_gan")
class Maxout(keras.Layer):
    """Dense units, each the largest of several linear functions of the inputs.

    The discriminator of the first GAN is made of them: they are piecewise linear like ReLUs, but no
    unit can die.

    Args:
        units: int >= 1.
        pieces: int >= 1, linear functions per unit. Those of one unit are consecutive columns of
            the kernel `(inputs, units * pieces)`.
        kernel_initializer: initializer of the kernel.
        bias_initializer: initializer of the bias `(units * pieces,)`.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor `(N, ..., C)`.

    Returns:
        A tensor `(N, ..., units)`.

    Raises:
        ValueError: if `units` or `pieces` is no integer >= 1.

    Example:
    ```python
    y = keras_gan.layers.Maxout(240, pieces=5)(x)
    ```

    Reference: Goodfellow et al. (2013), Maxout Networks, arXiv:1302.4389.
    """

    def __init__(
        self, units, pieces, kernel_initializer="glorot_uniform", bias_initializer="zeros", **kwargs
    ):
        super().__init__(**kwargs)
        check_integer("units", units, minimum=1)
        check_integer("pieces", pieces, minimum=1)
        self.units = units
        self.pieces = pieces
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape):
        """Create kernel and bias."""
        columns = self.units * self.pieces
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], columns), initializer=self.kernel_initializer
        )
        self.bias = self.add_weight(
            name="bias", shape=(columns,), initializer=self.bias_initializer
        )

    def call(self, inputs):
        """The largest piece of each unit."""
        pieces = ops.matmul(inputs, self.kernel) + self.bias
        pieces = ops.reshape(pieces, (*ops.shape(pieces)[:-1], self.units, self.pieces))
        return ops.max(pieces, axis=-1)

    def compute_output_shape(self, input_shape):
        """The input's, with `units` channels."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }
