"""A small classifier whose last hidden layer is a feature extractor of gray images."""

import keras
from keras import layers

from keras_gan.checks import check_filters, check_image_shape, check_integer
from keras_gan.layers import BatchNormalization, Conv2D
from keras_gan.metrics.feature_network import FeatureNetwork
from keras_gan.presets.registry import register


@register
class ImageClassifier(FeatureNetwork):
    """Convolutional classifier of small images, features of which metrics compare.

    Four convolutions with batch normalisation and ReLU, each of more filters, the first two of
    stride 2; their mean over all pixels are the features, and a dense layer makes logits of them.

    Args:
        image_shape: `(height, width, channels)`, sides divisible by 4.
        num_classes: int >= 2.
        width: int >= 1, filters of the first convolution; the last has four times as many, which is
            the number of features.
        name: str.
        **kwargs: of `keras.Model`, such as `dtype`.

    Call arguments:
        images: float tensor `(N, height, width, channels)` of pixels in [0, 255].
        training: bool.

    Attributes:
        network: `keras.Model` from images to a dict of `"features"` `(N, 4 * width)` and `"logits"`
            `(N, num_classes)`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    classifier = keras_gan.metrics.ImageClassifier((32, 32, 1), num_classes=10)
    logits = classifier(images)
    ```
    """

    default_output = "features"
    # Generators make such images of 28 px ones by a border.
    default_resize = "pad"

    def __init__(self, image_shape, num_classes, width=32, name=None, **kwargs):
        check_image_shape(image_shape)
        check_integer("num_classes", num_classes, minimum=2)
        check_integer("width", width, minimum=1)
        check_filters(4 * width, width=width)
        if image_shape[0] % 4 or image_shape[1] % 4:
            raise ValueError(f"The sides of images must be divisible by 4. Received: {image_shape}")
        super().__init__(name=name, **kwargs)
        self.num_classes = num_classes
        self.width = width
        options = {"dtype": self.dtype_policy}
        inputs = keras.Input(tuple(image_shape))
        x = layers.Rescaling(1 / 127.5, offset=-1, **options)(inputs)
        for factor, size, stride in ((1, 4, 2), (2, 4, 2), (3, 3, 1), (4, 3, 1)):
            filters = factor * width
            x = Conv2D(filters, size, stride, padding="same", use_bias=False, **options)(x)
            x = BatchNormalization(**options)(x)
            x = layers.ReLU(**options)(x)
        features = layers.GlobalAveragePooling2D(dtype="float32")(x)
        logits = layers.Dense(num_classes, dtype="float32")(features)
        self.adopt(inputs, {"features": features, "logits": logits})

    def call(self, images, training=False):
        """Logits `(N, num_classes)`."""
        return self.network(images, training=training)["logits"]

    def get_config(self):
        """The constructor's arguments."""
        return {
            "image_shape": self.image_shape,
            "num_classes": self.num_classes,
            "width": self.width,
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
        }
