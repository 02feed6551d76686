"""Minibatch standard deviation: how varied a batch is, as a feature of its images."""

import keras
from keras import ops

from keras_gan.checks import check_integer


@keras.saving.register_keras_serializable(package="keras_gan")
class MinibatchStdDev(keras.Layer):
    """Appends the standard deviation over groups of samples, as constant channels.

    A discriminator that sees how alike generated images are to one another punishes collapse. Real
    and generated images must go through in batches of their own.

    A batch of N is divided into groups of the largest size that divides N and is not above
    `group_size`; with M groups, sample n belongs to group n mod M. Deviations of each feature and
    pixel within a group (of the population, with 1e-8 under the root) are averaged over the pixels
    and over `1 / num_channels` of the features for each channel that is appended. Computed in
    float32 under every dtype policy. On several replicas, groups are formed of a replica's share of
    the batch, but on JAX of the whole batch.

    Args:
        group_size: int >= 1, or `None` for the whole batch.
        num_channels: int >= 1, channels to append, which divide those of the inputs.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: float tensor `(N, ..., C)`.

    Returns:
        A tensor `(N, ..., C + num_channels)`.

    Raises:
        ValueError: if an argument is no integer >= 1, or `num_channels` does not divide the
            channels of the inputs.

    Example:
    ```python
    y = keras_gan.layers.MinibatchStdDev(group_size=4)(x)
    ```

    References: Karras et al. (2018), Progressive Growing of GANs, arXiv:1710.10196 (one channel);
    Karras et al. (2020), Analyzing and Improving the Image Quality of StyleGAN, arXiv:1912.04958.
    """

    def __init__(self, group_size=4, num_channels=1, **kwargs):
        super().__init__(**kwargs)
        if group_size is not None:
            check_integer("group_size", group_size, minimum=1)
        check_integer("num_channels", num_channels, minimum=1)
        self.group_size = group_size
        self.num_channels = num_channels

    def build(self, input_shape):
        """Check that the channels can be divided."""
        if input_shape[-1] % self.num_channels:
            raise ValueError(
                "`num_channels` divides the channels of the inputs. Received: "
                f"num_channels={self.num_channels}, inputs of {input_shape[-1]} channels"
            )

    def call(self, inputs):
        """The inputs and their deviations."""
        shape, channels = ops.shape(inputs), inputs.shape[-1]
        size = shape[0] if self.group_size is None else _largest_divisor(shape[0], self.group_size)
        x = ops.cast(inputs, "float32")
        x = ops.reshape(
            x, (size, shape[0] // size, -1, self.num_channels, channels // self.num_channels)
        )
        x = x - ops.mean(x, axis=0)
        deviations = ops.sqrt(ops.mean(ops.square(x), axis=0) + 1e-8)
        deviations = ops.mean(deviations, axis=(1, 3))
        # One after the other, the groups take their samples.
        deviations = ops.tile(deviations, (size, 1))
        ones = (1,) * (len(shape) - 2)
        deviations = ops.reshape(deviations, (shape[0], *ones, self.num_channels))
        appended = ops.broadcast_to(deviations, (*shape[:-1], self.num_channels))
        return ops.concatenate([inputs, ops.cast(appended, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        """The input's, with more channels."""
        return (*input_shape[:-1], input_shape[-1] + self.num_channels)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "num_channels": self.num_channels,
        }


def _largest_divisor(number, limit):
    """The largest divisor of `number` up to `limit`, for an integer or an integer tensor."""
    largest = 1
    for candidate in range(2, limit + 1):
        divides = 1 - (number % candidate + candidate - 1) // candidate
        largest = largest + (candidate - largest) * divides
    return largest
