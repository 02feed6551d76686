"""BigGAN's orthogonal regularisation: filters that differ in direction."""

import keras
from keras import ops

from keras_gan.regularizers.base import Regularizer


@keras.saving.register_keras_serializable(package="keras_gan")
class Orthogonal(Regularizer):
    """Penalises the products of different filters: `||W W^T * (1 - I)||_F^2`, over all kernels.

    W has one row for each filter, that is output channel (each entry of an embedding). Unlike full
    orthogonality it leaves the filters' norms alone. Kernels are taken as they are, before any
    spectral normalisation; biases and scales are not regularised.

    Args:
        weight: float >= 0, the paper's beta (1e-4). The strength of BigGAN-PyTorch, which adds half
            of the gradient, is twice the weight.
        player: str, `"generator"` (in the paper) or `"discriminator"`.
        exclude: list of str: a layer is left out if its name contains one of them.
        interval: int >= 1, see `keras_gan.regularizers`.

    Example:
    ```python
    gan.compile(regularizers=[keras_gan.regularizers.Orthogonal(1e-4, exclude=["shared"])])
    ```

    Reference: Brock, Donahue, Simonyan (2018), Large Scale GAN Training for High Fidelity Natural
    Image Synthesis, arXiv:1809.11096.
    """

    def __init__(self, weight=1e-4, player="generator", exclude=(), interval=1):
        super().__init__(weight, interval)
        self.player = player
        self.name = f"{player}_orthogonal"
        if isinstance(exclude, str) or not all(isinstance(name, str) for name in exclude):
            raise ValueError(
                f"`exclude` is a list of parts of layers' names. Received: {exclude!r}"
            )
        self.exclude = list(exclude)

    def penalty(self, context):
        """The sum over kernels of the squared products of different filters."""
        total = ops.zeros(())
        for network in context.networks:
            for layer in _layers(network):
                if not any(part in layer.name for part in self.exclude):
                    for filters in _filters(layer):
                        total = total + _squared_products(filters)
        return total

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "player": self.player, "exclude": self.exclude}


def _layers(network):
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer


def _filters(layer):
    """Matrices of one row for each filter."""
    # A wrapper, such as one that normalises, has the kernel of the layer inside.
    transposes = isinstance(getattr(layer, "layer", layer), keras.layers.Conv2DTranspose)
    for variable in layer.trainable_variables:
        if len(variable.shape) < 2:
            continue
        kernel = ops.cast(variable, "float32")
        if variable.name == "embeddings":
            yield kernel
            continue
        if transposes:
            kernel = ops.swapaxes(kernel, -1, -2)
        yield ops.transpose(ops.reshape(kernel, (-1, kernel.shape[-1])))


def _squared_products(filters):
    products = ops.matmul(filters, ops.transpose(filters))
    return ops.sum(ops.square(products * (1.0 - ops.eye(filters.shape[0]))))
