"""A leaky ReLU that is the same on all backends."""

import keras

from keras_gan import backend


@keras.saving.register_keras_serializable(package="keras_gan")
class LeakyReLU(keras.layers.LeakyReLU):
    """`x` where it is above 0, and else `negative_slope * x`.

    As Keras' layer, but for the derivative at exactly 0, which is `negative_slope` on all backends,
    as in PyTorch; Keras' is 1 on JAX. Zeros are common where augmentation cuts out parts of images.

    Args:
        negative_slope: float >= 0.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor of any shape.

    Raises:
        ValueError: if `negative_slope` is negative or `None`.

    Example:
    ```python
    y = keras_gan.layers.LeakyReLU(0.2)(x)
    ```
    """

    def call(self, inputs):
        """The activations."""
        return backend.leaky_relu(inputs, self.negative_slope)
