"""Metrics of generated samples, as Keras metrics for `compile(metrics=[...])`."""

from keras_gan.metrics.birthday import BirthdayParadox, nearest_pairs, support_size
from keras_gan.metrics.classifier import ImageClassifier
from keras_gan.metrics.features import FeatureExtractor
from keras_gan.metrics.inception import InceptionV3
from keras_gan.metrics.lpips import LPIPS, LPIPSNetwork
from keras_gan.metrics.modes import (
    GaussianModes,
    HighQualitySamples,
    ModeJS,
    ModeKL,
    Modes,
    ModesCovered,
    StackedModes,
)
from keras_gan.metrics.path_length import (
    PathLength,
    PerceptualPathLength,
    lerp,
    slerp,
    slerp_any,
    slerp_unit,
)
from keras_gan.metrics.pixels import to_pixels
from keras_gan.metrics.resize import resize
from keras_gan.metrics.vgg16 import VGG16

__all__ = [
    "LPIPS",
    "VGG16",
    "BirthdayParadox",
    "FeatureExtractor",
    "GaussianModes",
    "HighQualitySamples",
    "ImageClassifier",
    "InceptionV3",
    "LPIPSNetwork",
    "ModeJS",
    "ModeKL",
    "Modes",
    "ModesCovered",
    "PathLength",
    "PerceptualPathLength",
    "StackedModes",
    "lerp",
    "nearest_pairs",
    "resize",
    "slerp",
    "slerp_any",
    "slerp_unit",
    "support_size",
    "to_pixels",
]
