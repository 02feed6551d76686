"""Keras' convolutions with the operations of `keras_gan.ops`."""

import keras

from keras_gan import backend
from keras_gan.ops import conv, conv_transpose


@keras.saving.register_keras_serializable(package="keras_gan")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` of channels-last images, in the form that is fast on the backend.

    Weights, their files and the numbers are those of Keras' layer.

    Args:
        filters: int.
        kernel_size: int or pair.
        strides: int, of both axes.
        padding: `"valid"` or `"same"`.
        **kwargs: of `keras.layers.Conv2D`, but for the dilation, groups and data format.

    Raises:
        ValueError: if an argument asks for what this form cannot do.

    Example:
    ```python
    y = keras_gan.layers.Conv2D(64, 4, strides=2, padding="same")(images)
    ```
    """

    def __init__(self, filters, kernel_size, strides=1, padding="valid", **kwargs):
        super().__init__(filters, kernel_size, strides, padding, **_checked(kwargs))
        _check_strides(self)

    def build(self, input_shape):
        """Create the weights."""
        super().build(input_shape)
        backend.store_kernel(self.kernel)

    def convolution_op(self, inputs, kernel):
        """Called by Keras' layer."""
        return conv(inputs, kernel, self.strides[0], self.padding)


@keras.saving.register_keras_serializable(package="keras_gan")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` of channels-last images, in the form that is fast.

    Weights, their files and the numbers are those of Keras' layer.

    Args:
        filters: int.
        kernel_size: int or pair, no smaller than `strides`.
        strides: int, of both axes.
        padding: `"valid"` or `"same"`.
        **kwargs: of `keras.layers.Conv2DTranspose`, but for the dilation, output padding and data
            format.

    Raises:
        ValueError: if an argument asks for what this form cannot do.

    Example:
    ```python
    y = keras_gan.layers.Conv2DTranspose(64, 4, strides=2, padding="same")(x)
    ```
    """

    def __init__(self, filters, kernel_size, strides=1, padding="valid", **kwargs):
        super().__init__(filters, kernel_size, strides, padding, **_checked(kwargs))
        _check_strides(self)
        if min(self.kernel_size) < self.strides[0]:
            raise ValueError(
                "The kernel of a transposed convolution is no smaller than its stride. Received: "
                f"kernel_size={kernel_size}, strides={strides}"
            )

    def build(self, input_shape):
        """Create the weights."""
        super().build(input_shape)
        backend.store_kernel(self.kernel)

    def call(self, inputs):
        """Convolve `inputs`."""
        y = conv_transpose(inputs, self.kernel, self.strides[0], self.padding)
        if self.use_bias:
            y = y + self.bias
        return y if self.activation is None else self.activation(y)


_ACCEPTED = {
    "data_format": (None, "channels_last"),
    "dilation_rate": (1, (1, 1), [1, 1]),
    "groups": (1,),
    "output_padding": (None,),
}


def _checked(arguments):
    """The arguments of Keras' layer, of which some have one value only."""
    for name, accepted in _ACCEPTED.items():
        if name in arguments and arguments[name] not in accepted:
            raise ValueError(
                f"`{name}` is {accepted[-1]!r} in this layer. Received: {arguments[name]!r}. Use "
                "Keras' layer of the same name for others."
            )
    return {**arguments, "data_format": "channels_last"}


def _check_strides(layer):
    if len(set(layer.strides)) > 1:
        raise ValueError(
            f"`strides` is one number for both axes. Received: {layer.strides}. Use Keras' layer "
            "of the same name for others."
        )
