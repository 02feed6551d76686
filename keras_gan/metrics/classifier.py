"""A small classifier whose last hidden layer is a feature extractor of small images."""

import keras
from keras import layers

from keras_gan.checks import check_filters, check_image_shape, check_integer
from keras_gan.layers import BatchNormalization, Conv2D
from keras_gan.metrics.feature_network import FeatureNetwork
from keras_gan.presets.registry import register


@register
class ImageClassifier(FeatureNetwork):
    """Convolutional classifier of small images, features of which metrics compare.

    Convolutions with batch normalisation and ReLU, each of `width` more filters than the one
    before: as many of stride 2 as bring the longer side to 8 pixels or less, but at least two, and
    two of stride 1. Their mean over all pixels are the features, and a dense layer makes logits of
    them. Images of up to 32 px have `4 * width` features, those of 64 px `5 * width`.

    Args:
        image_shape: `(height, width, channels)`, sides divisible by 2 for each convolution of
            stride 2: by 4 up to 32 px, by 8 up to 64.
        num_classes: int >= 2.
        width: int >= 1, filters of the first convolution.
        name: str.
        **kwargs: of `keras.Model`, such as `dtype`.

    Call arguments:
        images: float tensor `(N, height, width, channels)` of pixels in [0, 255].
        training: bool.

    Attributes:
        network: `keras.Model` from images to a dict of `"features"` `(N, D)` and `"logits"`
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
        halvings = max(2, (max(image_shape[:2]) - 1).bit_length() - 3)
        check_filters((halvings + 2) * width, width=width)
        if image_shape[0] % 2**halvings or image_shape[1] % 2**halvings:
            raise ValueError(
                f"The sides of images of this size must be divisible by {2**halvings}. Received: "
                f"{image_shape}"
            )
        super().__init__(name=name, **kwargs)
        self.num_classes = num_classes
        self.width = width
        options = {"dtype": self.dtype_policy}
        inputs = keras.Input(tuple(image_shape))
        x = layers.Rescaling(1 / 127.5, offset=-1, **options)(inputs)
        kernels = [(4, 2)] * halvings + [(3, 1)] * 2
        for factor, (size, stride) in enumerate(kernels, start=1):
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
