"""The Inception-v3 of the graph "2015-12-05", through which FID, KID and IS are measured."""

import keras
from keras import layers

from keras_gan.layers import Conv2D
from keras_gan.metrics.feature_network import FeatureNetwork
from keras_gan.presets.registry import register


@register
class InceptionV3(FeatureNetwork):
    """Inception-v3 as Google trained it for its graph of 2015-12-05: the network behind FID.

    It is not the one of other libraries: the average pools leave the border out, the pool of the
    last block is a maximum, and there are 1008 classes. Batch normalisation is part of the kernels,
    as nobody trains it.

    Outputs: `"64"`, `"192"`, `"768"` and `"2048"`, means over all pixels of the maps of so many
    channels; `"logits_unbiased"`, 1008 logits without their bias, as the Inception Score has them;
    `"logits"`.

    Args:
        name: str.
        **kwargs: of `keras.Model`, such as `dtype`.

    Call arguments:
        images: float32 tensor `(N, 299, 299, 3)` of RGB pixels in [0, 255].

    Example:
    ```python
    extractor = keras_gan.metrics.FeatureExtractor.from_preset("inception_v3_2015_12_05")
    features = extractor(images)  # (N, 2048)
    ```

    Reference: Szegedy et al. (2015), Rethinking the Inception Architecture for Computer Vision,
    arXiv:1512.00567; Heusel et al. (2017), arXiv:1706.08500.
    """

    default_output = "2048"

    def __init__(self, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        inputs = keras.Input((299, 299, 3))
        outputs = {}
        x = layers.Rescaling(1 / 128, offset=-1)(inputs)
        x = _conv(x, "Conv2d_1a_3x3", 32, 3, stride=2)
        x = _conv(x, "Conv2d_2a_3x3", 32, 3)
        x = _conv(x, "Conv2d_2b_3x3", 64, 3, padding="same")
        x = _halved(x)
        outputs["64"] = _mean(x)
        x = _conv(x, "Conv2d_3b_1x1", 80, 1)
        x = _conv(x, "Conv2d_4a_3x3", 192, 3)
        x = _halved(x)
        outputs["192"] = _mean(x)
        for block, width in (("5b", 32), ("5c", 64), ("5d", 64)):
            x = _block_a(x, f"Mixed_{block}", width)
        x = _block_b(x, "Mixed_6a")
        for block, width in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
            x = _block_c(x, f"Mixed_{block}", width)
        outputs["768"] = _mean(x)
        x = _block_d(x, "Mixed_7a")
        x = _block_e(x, "Mixed_7b", _averaged)
        # In the graph the last pool is a maximum, unlike in the paper.
        x = _block_e(x, "Mixed_7c", _largest)
        outputs["2048"] = _mean(x)
        unbiased, logits = _Classes(1008, name="fc")(outputs["2048"])
        self.adopt(inputs, {**outputs, "logits_unbiased": unbiased, "logits": logits})

    def get_config(self):
        """The constructor's arguments."""
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
        }


@keras.saving.register_keras_serializable(package="keras_gan")
class _Classes(layers.Dense):
    """A dense layer that also tells what it is without the bias."""

    def call(self, inputs):
        unbiased = keras.ops.matmul(inputs, self.kernel)
        return unbiased, unbiased + self.bias

    def compute_output_shape(self, input_shape):
        shape = super().compute_output_shape(input_shape)
        return shape, shape


def _conv(x, name, filters, size, stride=1, padding="valid", activation="relu"):
    # Its weights are loaded; drawing random ones first would take longer.
    layer = Conv2D(
        filters,
        size,
        stride,
        padding,
        activation=activation,
        kernel_initializer="zeros",
        name=name,
    )
    return layer(x)


def _same(x, name, *convolutions):
    """Convolutions of stride 1 in a row, `(filters, size)`, called `name_1`, `name_2` and so on."""
    for number, (filters, size) in enumerate(convolutions, 1):
        x = _conv(x, f"{name}_{number}", filters, size, padding="same")
    return x


def _halved(x):
    return layers.MaxPooling2D(3, strides=2)(x)


def _mean(x):
    return layers.GlobalAveragePooling2D()(x)


def _averaged(x, name, filters):
    # Both are linear, so the order does not matter, and after the convolution there is less to do.
    x = _conv(x, f"{name}-branch_pool", filters, 1, activation=None)
    x = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    return layers.ReLU()(x)


def _largest(x, name, filters):
    x = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    return _conv(x, f"{name}-branch_pool", filters, 1)


def _block_a(x, name, width):
    return layers.Concatenate()(
        [
            _conv(x, f"{name}-branch1x1", 64, 1),
            _same(x, f"{name}-branch5x5", (48, 1), (64, 5)),
            _same(x, f"{name}-branch3x3dbl", (64, 1), (96, 3), (96, 3)),
            _averaged(x, name, width),
        ]
    )


def _block_b(x, name):
    double = _same(x, f"{name}-branch3x3dbl", (64, 1), (96, 3))
    return layers.Concatenate()(
        [
            _conv(x, f"{name}-branch3x3", 384, 3, stride=2),
            _conv(double, f"{name}-branch3x3dbl_3", 96, 3, stride=2),
            _halved(x),
        ]
    )


def _block_c(x, name, width):
    row, column = (1, 7), (7, 1)
    # The double branch begins with the column, the single one with the row.
    double = ((width, 1), (width, column), (width, row), (width, column), (192, row))
    return layers.Concatenate()(
        [
            _conv(x, f"{name}-branch1x1", 192, 1),
            _same(x, f"{name}-branch7x7", (width, 1), (width, row), (192, column)),
            _same(x, f"{name}-branch7x7dbl", *double),
            _averaged(x, name, 192),
        ]
    )


def _block_d(x, name):
    single = _conv(x, f"{name}-branch3x3_1", 192, 1)
    triple = _same(x, f"{name}-branch7x7x3", (192, 1), (192, (1, 7)), (192, (7, 1)))
    return layers.Concatenate()(
        [
            _conv(single, f"{name}-branch3x3_2", 320, 3, stride=2),
            _conv(triple, f"{name}-branch7x7x3_4", 192, 3, stride=2),
            _halved(x),
        ]
    )


def _block_e(x, name, pool):
    single = _same(x, f"{name}-branch3x3", (384, 1))
    double = _same(x, f"{name}-branch3x3dbl", (448, 1), (384, 3))
    return layers.Concatenate()(
        [
            _conv(x, f"{name}-branch1x1", 320, 1),
            *_crossed(single, f"{name}-branch3x3_2"),
            *_crossed(double, f"{name}-branch3x3dbl_3"),
            pool(x, name, 192),
        ]
    )


def _crossed(x, name):
    """A row and a column beside each other."""
    return [
        _conv(x, f"{name}a", 384, (1, 3), padding="same"),
        _conv(x, f"{name}b", 384, (3, 1), padding="same"),
    ]
