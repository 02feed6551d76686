"""Batch normalisation by a batch that never changes and goes through the network with every other.

A network begins with `AddReferenceBatch`, normalises with `VirtualBatchNormalization`, and ends
with `RemoveReferenceBatch`: between them, the first samples of every batch are the reference.
"""

import keras
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.initializers import RandomNormal


@keras.saving.register_keras_serializable(package="keras_gan")
class AddReferenceBatch(keras.Layer):
    """Puts a fixed batch in front of every batch, for `VirtualBatchNormalization`.

    Args:
        size: int >= 1, samples of the reference batch.
        initializer: initializer of the reference batch; N(0, 1) by default, which is right for
            latents. Of images, `adapt` takes real ones.
        **kwargs: of `keras.Layer`.

    Attributes:
        reference: float32 variable `(size, ...)`, saved with the network and never trained.

    Call arguments:
        inputs: float tensor `(N, ...)`.

    Returns:
        A tensor `(size + N, ...)`.

    Raises:
        ValueError: if `size` is no integer >= 1.

    Example:
    ```python
    z = keras.Input((100,))
    x = keras_gan.layers.AddReferenceBatch(64)(z)
    x = keras.layers.Dense(7 * 7 * 64)(x)
    x = keras_gan.layers.VirtualBatchNormalization(64)(x)
    x = keras.layers.Dense(784, activation="tanh")(keras.layers.ReLU()(x))
    x = keras.layers.Reshape((28, 28, 1))(keras_gan.layers.RemoveReferenceBatch(64)(x))
    generator = keras.Model(z, x)
    ```

    Reference: Salimans et al. (2016), Improved Techniques for Training GANs, arXiv:1606.03498.
    """

    def __init__(self, size, initializer=None, **kwargs):
        super().__init__(**kwargs)
        check_integer("size", size, minimum=1)
        self.size = size
        self.initializer = keras.initializers.get(
            RandomNormal(stddev=1.0) if initializer is None else initializer
        )

    def build(self, input_shape):
        """Draw the reference batch."""
        self.reference = self.add_weight(
            name="reference",
            shape=(self.size, *input_shape[1:]),
            dtype="float32",
            initializer=self.initializer,
            trainable=False,
        )

    def adapt(self, samples):
        """Take the first `size` of these samples as the reference batch.

        Args:
            samples: float array `(>= size, ...)`, as the layer receives them.

        Raises:
            ValueError: if there are too few or they have another shape.
        """
        samples = ops.convert_to_tensor(samples, "float32")
        if not self.built:
            self.build(samples.shape)
        shape = tuple(samples.shape)
        if shape[0] < self.size or shape[1:] != tuple(self.reference.shape[1:]):
            raise ValueError(
                f"The reference batch has the shape {tuple(self.reference.shape)}. Received: "
                f"samples of the shape {shape}"
            )
        self.reference.assign(samples[: self.size])

    def call(self, inputs):
        """The reference batch, then the inputs."""
        return ops.concatenate([ops.cast(self.reference, inputs.dtype), inputs], axis=0)

    def compute_output_shape(self, input_shape):
        """The input's, with more samples."""
        count, *rest = input_shape
        return (None if count is None else count + self.size, *rest)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "size": self.size,
            "initializer": keras.initializers.serialize(self.initializer),
        }


@keras.saving.register_keras_serializable(package="keras_gan")
class RemoveReferenceBatch(keras.Layer):
    """Leaves out the samples that `AddReferenceBatch` put in front.

    Args:
        size: int >= 1, samples of the reference batch.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor `(size + N, ...)`.

    Returns:
        A tensor `(N, ...)`.

    Raises:
        ValueError: if `size` is no integer >= 1.

    Example:
    ```python
    images = keras_gan.layers.RemoveReferenceBatch(64)(images)
    ```

    Reference: Salimans et al. (2016), Improved Techniques for Training GANs, arXiv:1606.03498.
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        check_integer("size", size, minimum=1)
        self.size = size
        self.built = True

    def call(self, inputs):
        """All samples but the reference batch."""
        return inputs[self.size :]

    def compute_output_shape(self, input_shape):
        """The input's, with fewer samples."""
        count, *rest = input_shape
        return (None if count is None else count - self.size, *rest)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="keras_gan")
class VirtualBatchNormalization(keras.Layer):
    """Normalises each sample by the reference batch and itself, so that no two samples mix.

    The reference batch of B samples is normalised per channel by its own mean and variance; each
    other sample by those of B + 1 samples, the reference batch and itself. Training and inference
    are the same, and statistics follow the present weights. Computed in float32 under every dtype
    policy.

    Args:
        reference_size: int >= 1, the `size` of `keras_gan.layers.AddReferenceBatch`.
        epsilon: float > 0, added to the variance (TF-GAN: 1e-3).
        scale_initializer: initializer of the scale.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor `(reference_size + N, ..., C)`, the reference batch first.

    Raises:
        ValueError: if `reference_size` is no integer >= 1.

    Example:
    ```python
    x = keras_gan.layers.AddReferenceBatch(64)(x)
    x = keras_gan.layers.VirtualBatchNormalization(64)(x)
    x = keras_gan.layers.RemoveReferenceBatch(64)(x)
    ```

    Reference: Salimans et al. (2016), Improved Techniques for Training GANs, arXiv:1606.03498.
    """

    def __init__(self, reference_size, epsilon=1e-5, scale_initializer="ones", **kwargs):
        super().__init__(**kwargs)
        check_integer("reference_size", reference_size, minimum=1)
        self.reference_size = reference_size
        self.epsilon = epsilon
        self.scale_initializer = keras.initializers.get(scale_initializer)

    def build(self, input_shape):
        """Create scale and offset for the last axis."""

        def add(name, initializer):
            # Neither kept nor cast to half precision under any policy.
            return self.add_weight(
                name=name,
                shape=(input_shape[-1],),
                dtype="float32",
                initializer=initializer,
                autocast=False,
            )

        self.gamma = add("gamma", self.scale_initializer)
        self.beta = add("beta", "zeros")

    def call(self, inputs):
        """Normalise the reference batch and the other samples."""
        x = ops.cast(inputs, "float32")
        reference, samples = x[: self.reference_size], x[self.reference_size :]
        axes = tuple(range(len(x.shape) - 1))
        mean, variance = _moments(reference, axes)
        normalized = (reference - mean) * ops.rsqrt(variance + self.epsilon)
        own_mean, own_variance = _moments(samples, axes[1:])
        share = 1.0 / (self.reference_size + 1)
        # The mean square less the square of the mean, without the difference of large numbers.
        joint_variance = share * own_variance + (1 - share) * variance
        joint_variance = joint_variance + share * (1 - share) * ops.square(own_mean - mean)
        joint_mean = share * own_mean + (1 - share) * mean
        others = (samples - joint_mean) * ops.rsqrt(joint_variance + self.epsilon)
        y = ops.concatenate([normalized, others], axis=0) * self.gamma + self.beta
        return ops.cast(y, inputs.dtype)

    def compute_output_shape(self, input_shape):
        """Same as the input."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "reference_size": self.reference_size,
            "epsilon": self.epsilon,
            "scale_initializer": keras.initializers.serialize(self.scale_initializer),
        }


def _moments(x, axes):
    if not axes:
        return x, ops.zeros_like(x)
    mean = ops.mean(x, axis=axes, keepdims=True)
    return mean, ops.mean(ops.square(x - mean), axis=axes, keepdims=True)
