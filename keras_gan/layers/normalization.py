"""Batch normalisation as the GANs' reference code has it."""

import keras
from keras import ops

from keras_gan import backend


@keras.saving.register_keras_serializable(package="keras_gan")
class BatchNormalization(keras.Layer):
    """Batch normalisation per channel, in the form that the reference GANs were trained with.

    Three things differ from `keras.layers.BatchNormalization`: the moving variance is the unbiased
    one (n / (n - 1), as in PyTorch's checkpoints), the defaults are PyTorch's, and `trainable =
    False` does not switch the layer to inference: only the `training` argument of the call does.
    Statistics are computed in float32 under every dtype policy.

    Args:
        momentum: float in [0, 1), the decay of the moving statistics (0.9 is PyTorch's 0.1).
        epsilon: float > 0, added to the variance.
        scale_initializer: initializer of the scale (DCGAN: normal around 1).
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor `(N, ..., C)`.
        training: bool. Normalise with the batch's statistics and update the moving ones.

    Example:
    ```python
    y = keras_gan.layers.BatchNormalization()(x, training=True)
    ```

    Reference: Ioffe, Szegedy (2015), Batch Normalization, arXiv:1502.03167.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, scale_initializer="ones", **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon
        self.scale_initializer = keras.initializers.get(scale_initializer)

    def build(self, input_shape):
        """Create scale, offset and moving statistics for the last axis."""

        def add(name, initializer, trainable):
            # Neither kept nor cast to half precision under any policy.
            return self.add_weight(
                name=name,
                shape=(input_shape[-1],),
                dtype="float32",
                initializer=initializer,
                trainable=trainable,
                autocast=False,
            )

        self.gamma = add("gamma", self.scale_initializer, True)
        self.beta = add("beta", "zeros", True)
        self.moving_mean = add("moving_mean", "zeros", False)
        self.moving_variance = add("moving_variance", "ones", False)

    def call(self, inputs, training=False):
        """Normalise `inputs`."""
        x = ops.cast(inputs, "float32")
        if training:
            scale, offset = ops.convert_to_tensor(self.gamma), ops.convert_to_tensor(self.beta)
            y, mean, variance = backend.batch_normalization(x, scale, offset, self.epsilon)
            for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(self.momentum * moving + (1.0 - self.momentum) * new)
        else:
            scale = self.gamma * ops.rsqrt(self.moving_variance + self.epsilon)
            y = (x - self.moving_mean) * scale + self.beta
        return ops.cast(y, inputs.dtype)

    def compute_output_shape(self, input_shape):
        """Same as the input."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "scale_initializer": keras.initializers.serialize(self.scale_initializer),
        }


@keras.saving.register_keras_serializable(package="keras_gan")
class LayerNormalization(keras.Layer):
    """Layer normalisation of images, as the critic of WGAN-GP has it.

    Statistics are those of a sample's height, width and channels together, while scale and offset
    are one number for each channel (`keras.layers.LayerNormalization(axis=(1, 2, 3))` would learn
    one for each pixel). Computed in float32 under every dtype policy.

    Outputs and gradients are those of `keras.layers.GroupNormalization(groups=1)`. The *second*
    derivative, which gradient penalties take, is that of the original code: TensorFlow's `moments`
    hold the mean within the variance constant, on all backends here.

    Args:
        epsilon: float > 0, added to the variance.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor `(N, ..., C)`.

    Example:
    ```python
    y = keras_gan.layers.LayerNormalization()(x)
    ```

    Reference: Ba, Kiros, Hinton (2016), Layer Normalization, arXiv:1607.06450.
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        """Create scale and offset for the last axis."""
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones", autocast=False)
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros", autocast=False)

    def call(self, inputs):
        """Normalise `inputs`."""
        x = ops.cast(inputs, "float32")
        axes = tuple(range(1, len(x.shape)))
        mean = ops.mean(x, axis=axes, keepdims=True)
        # The deviations sum to 0, so the constant changes no first derivative.
        variance = ops.square(x - ops.stop_gradient(mean))
        variance = ops.mean(variance, axis=axes, keepdims=True)
        normalized = (x - mean) * ops.rsqrt(variance + self.epsilon)
        return ops.cast(normalized * self.gamma + self.beta, inputs.dtype)

    def compute_output_shape(self, input_shape):
        """Same as the input."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
