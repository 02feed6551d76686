"""VGG16 as torchvision trained it: the features of precision and recall, and of LPIPS."""

import keras
import numpy as np
from keras import layers

from keras_gan.layers import Conv2D
from keras_gan.metrics.feature_network import FeatureNetwork
from keras_gan.presets.registry import register

# Of ImageNet's pixels in [0, 1], per channel.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Filters of the convolutions between two pools.
SLICES = ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)


@register
class VGG16(FeatureNetwork):
    """VGG16 with torchvision's weights, up to its second dense layer.

    Outputs: `"fc2_relu"`, 4096 features after the ReLU, which are those of precision and recall;
    `"fc2"`, the same before it.

    Args:
        name: str.
        **kwargs: of `keras.Model`, such as `dtype`.

    Call arguments:
        images: float32 tensor `(N, 224, 224, 3)` of RGB pixels in [0, 255].

    Example:
    ```python
    extractor = keras_gan.metrics.FeatureExtractor.from_preset("vgg16_imagenet")
    features = extractor(images)  # (N, 4096)
    ```

    Reference: Simonyan, Zisserman (2014), arXiv:1409.1556; Kynkaanniemi et al. (2019), Improved
    Precision and Recall Metric for Assessing Generative Models, arXiv:1904.06991.
    """

    default_output = "fc2_relu"

    def __init__(self, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        inputs = keras.Input((224, 224, 3))
        *_, x = convolutions(layers.Rescaling(*normalization())(inputs))
        x = layers.MaxPooling2D()(x)
        x = layers.Flatten()(x)
        x = _dense("classifier-0", activation="relu")(x)
        x = _dense("classifier-3")(x)
        self.adopt(inputs, {"fc2": x, "fc2_relu": layers.ReLU()(x)})

    def get_config(self):
        """The constructor's arguments."""
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
        }


def normalization():
    """Scale and offset that give pixels in [0, 255] ImageNet's mean 0 and spread 1."""
    scale = 1 / (255 * np.array(STD))
    return scale.tolist(), (-255 * np.array(MEAN) * scale).tolist()


def convolutions(x):
    """The five maps before the pools, for normalised images.

    Args:
        x: Keras tensor `(N, H, W, 3)`.

    Returns:
        List of Keras tensors `(N, H / 2**k, W / 2**k, C)`. Layers are called as torchvision calls
        their tensors, `features-0` and so on, for PyTorch keeps dots for itself.
    """
    maps, index = [], 0
    for filters in SLICES:
        if maps:
            x = layers.MaxPooling2D()(x)
            index += 1
        for width in filters:
            # Weights are loaded; drawing random ones first would take longer.
            x = Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="zeros",
                name=f"features-{index}",
            )(x)
            # The ReLU is a layer of its own there.
            index += 2
        maps.append(x)
    return maps


def _dense(name, activation=None):
    return layers.Dense(4096, activation=activation, kernel_initializer="zeros", name=name)
