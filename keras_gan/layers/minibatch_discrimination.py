"""Minibatch discrimination: how close each sample is to the others of its batch."""

import keras
from keras import ops

from keras_gan.checks import check_integer
from keras_gan.initializers import RandomNormal


@keras.saving.register_keras_serializable(package="keras_gan")
class MinibatchDiscrimination(keras.Layer):
    """Appends to each sample's features how many of the batch lie close to it, as the paper does.

    `num_kernels` linear maps take the features h to `kernel_dim` numbers each; with the L1 distance
    d_b(i, j) of samples i and j under map b, the feature b of sample i is the sum over all j of
    exp(-d_b(i, j)). The sample itself adds 1. Computed in float32 under every dtype policy, in
    N * N * num_kernels * kernel_dim numbers of memory.

    Real and generated images must go through in batches of their own. It stands before the last
    layer of the discriminator, and mixes samples: penalties on the gradient at one of them have
    no meaning.

    Args:
        num_kernels: int >= 1 (the paper's B).
        kernel_dim: int >= 1 (C).
        kernel_initializer: initializer of the kernel `(features, num_kernels, kernel_dim)`;
            N(0, 0.05^2) by default.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor `(N, ...)`, flattened if it has more than two axes.

    Returns:
        A tensor `(N, features + num_kernels)`.

    Raises:
        ValueError: if `num_kernels` or `kernel_dim` is no integer >= 1.

    Example:
    ```python
    features = keras_gan.layers.MinibatchDiscrimination(100, 5)(features)
    logits = keras.layers.Dense(1)(features)
    ```

    Reference: Salimans et al. (2016), Improved Techniques for Training GANs, arXiv:1606.03498.
    """

    def __init__(self, num_kernels=100, kernel_dim=5, kernel_initializer=None, **kwargs):
        super().__init__(**kwargs)
        check_integer("num_kernels", num_kernels, minimum=1)
        check_integer("kernel_dim", kernel_dim, minimum=1)
        self.num_kernels = num_kernels
        self.kernel_dim = kernel_dim
        if kernel_initializer is None:
            kernel_initializer = RandomNormal(stddev=0.05)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.flatten = keras.layers.Flatten()

    def build(self, input_shape):
        """Create the kernel."""
        _, features = self.flatten.compute_output_shape(input_shape)
        # Neither kept nor cast to half precision under any policy: exponentials of it are taken.
        self.kernel = self.add_weight(
            name="kernel",
            shape=(features, self.num_kernels, self.kernel_dim),
            dtype="float32",
            initializer=self.kernel_initializer,
            autocast=False,
        )

    def call(self, inputs):
        """The features, and how close the others are."""
        inputs = self.flatten(inputs)
        closeness = self._closeness(ops.cast(inputs, "float32"))
        return ops.concatenate([inputs, ops.cast(closeness, inputs.dtype)], axis=-1)

    def _closeness(self, features):
        return ops.sum(ops.exp(-self._distances(features, self.kernel)), axis=1)

    def _distances(self, features, kernel):
        """L1 distances `(N, N, num_kernels)` of the samples."""
        columns = self.num_kernels * self.kernel_dim
        mapped = ops.matmul(features, ops.reshape(kernel, (-1, columns)))
        mapped = ops.reshape(mapped, (-1, self.num_kernels, self.kernel_dim))
        return ops.sum(ops.abs(mapped[:, None] - mapped[None]), axis=-1)

    def compute_output_shape(self, input_shape):
        """`(N, features + num_kernels)`."""
        count, features = self.flatten.compute_output_shape(input_shape)
        return (count, features + self._num_appended())

    def _num_appended(self):
        return self.num_kernels

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_kernels": self.num_kernels,
            "kernel_dim": self.kernel_dim,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="keras_gan")
class NormalizedMinibatchDiscrimination(MinibatchDiscrimination):
    """Minibatch discrimination as the paper's code trains it on CIFAR-10 and SVHN.

    Each column of the kernel has the length exp(log_scale), the sample itself is left out of the
    sum, and a bias is added. `adapt` sets scales and biases from a batch.

    Args:
        num_kernels: int >= 1, see `keras_gan.layers.MinibatchDiscrimination`.
        kernel_dim: int >= 1.
        kernel_initializer: initializer of the kernel, of which only the columns' direction counts.
        **kwargs: of `keras.Layer`.

    Example:
    ```python
    layer = keras_gan.layers.NormalizedMinibatchDiscrimination(100, 5)
    logits = keras.layers.Dense(1)(layer(features))
    ```

    References: Salimans et al. (2016), Improved Techniques for Training GANs, arXiv:1606.03498;
    Salimans, Kingma (2016), Weight Normalization, arXiv:1602.07868 (the initialisation).
    """

    def build(self, input_shape):
        """Create kernel, scales and biases."""
        super().build(input_shape)
        self.log_scale = self.add_weight(
            name="log_scale",
            shape=(self.num_kernels, self.kernel_dim),
            dtype="float32",
            initializer="zeros",
            autocast=False,
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(self.num_kernels,),
            dtype="float32",
            initializer=keras.initializers.Constant(-1.0),
            autocast=False,
        )

    def adapt(self, features):
        """Set scales and biases from a batch, before training.

        Under every map, half the mean distance to the nearest neighbour becomes 1, and what is
        appended gets the mean 0.

        Args:
            features: float array `(N, ...)` of at least two samples, as the layer receives them;
                `keras.Model(discriminator.inputs, layer.input)` computes them from images.

        Raises:
            ValueError: if there are fewer than two samples, or all lie in one point.
        """
        features = self.flatten(ops.convert_to_tensor(features, "float32"))
        if not self.built:
            self.build(features.shape)
        if features.shape[0] < 2:
            raise ValueError(
                "Distances need at least two samples. Received: features of the shape "
                f"{tuple(features.shape)}"
            )
        distances = self._others(features)
        nearest = 0.5 * ops.mean(ops.min(distances, axis=1), axis=0)
        if not ops.convert_to_numpy(ops.all(nearest > 0)):
            raise ValueError(
                "Every sample has a copy of itself in the batch, so no distance can become 1. Give "
                "other features."
            )
        closeness = ops.sum(ops.exp(-distances / nearest), axis=1)
        self.log_scale.assign(self.log_scale - ops.log(nearest)[:, None])
        self.bias.assign(-ops.mean(closeness, axis=0))

    def _closeness(self, features):
        return ops.sum(ops.exp(-self._others(features)), axis=1) + self.bias

    def _others(self, features):
        """Distances, with that of a sample to itself so large that nothing is added."""
        length = ops.sqrt(ops.sum(ops.square(self.kernel), axis=0))
        kernel = self.kernel * (ops.exp(self.log_scale) / length)
        return self._distances(features, kernel) + _own_pairs(features)


@keras.saving.register_keras_serializable(package="keras_gan")
class JointMinibatchDiscrimination(MinibatchDiscrimination):
    """Minibatch discrimination of real and generated images in one batch, as on ImageNet.

    The first half of the batch is real, the second generated. Closeness to the samples of each half
    is summed apart, without the sample itself, and divided by the number of pairs that contribute.

    Args:
        num_kernels: int >= 1, see `keras_gan.layers.MinibatchDiscrimination` (300 in the paper's
            code).
        kernel_dim: int >= 1 (50).
        kernel_initializer: initializer of the kernel.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor `(2 * N, ...)`, flattened if it has more than two axes.

    Returns:
        A tensor `(2 * N, features + 2 * num_kernels)`: the features, closeness to real samples,
        closeness to generated ones.

    Example:
    ```python
    features = keras.ops.concatenate([real_features, fake_features])
    features = keras_gan.layers.JointMinibatchDiscrimination(300, 50)(features)
    ```

    Reference: Salimans et al. (2016), Improved Techniques for Training GANs, arXiv:1606.03498.
    """

    def _closeness(self, features):
        count = ops.shape(features)[0]
        half = count // 2
        closeness = ops.exp(-(self._distances(features, self.kernel) + _own_pairs(features)))
        # All pairs of the batch and one half, but a sample of it and itself.
        pairs = ops.cast(count * half - half, "float32")
        real, fake = closeness[:, :half], closeness[:, half:]
        return ops.concatenate([ops.sum(part, axis=1) for part in (real, fake)], axis=-1) / pairs

    def _num_appended(self):
        return 2 * self.num_kernels


def _own_pairs(features):
    """`(N, N, 1)`: a distance at which nothing is close, for each sample and itself."""
    return 1e6 * ops.eye(ops.shape(features)[0])[..., None]
