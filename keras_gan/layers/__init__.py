"""Layers that GANs need and Keras lacks, or has in another form."""

from keras_gan.layers.conditioning import ConcatenateMaps, OneHot
from keras_gan.layers.convolution import Conv2D, Conv2DTranspose
from keras_gan.layers.dropout import Dropout
from keras_gan.layers.equalized import EqualizedConv2D, EqualizedDense
from keras_gan.layers.gradient_reversal import GradientReversal
from keras_gan.layers.leaky_relu import LeakyReLU
from keras_gan.layers.maxout import Maxout
from keras_gan.layers.minibatch_discrimination import (
    JointMinibatchDiscrimination,
    MinibatchDiscrimination,
    NormalizedMinibatchDiscrimination,
)
from keras_gan.layers.minibatch_stddev import MinibatchStdDev
from keras_gan.layers.modulated import SynthesisLayer, ToImage
from keras_gan.layers.normalization import BatchNormalization, LayerNormalization
from keras_gan.layers.spectral_normalization import SpectralNormalization
from keras_gan.layers.style_mapping import StyleMapping
from keras_gan.layers.virtual_batch_normalization import (
    AddReferenceBatch,
    RemoveReferenceBatch,
    VirtualBatchNormalization,
)

__all__ = [
    "AddReferenceBatch",
    "BatchNormalization",
    "ConcatenateMaps",
    "Conv2D",
    "Conv2DTranspose",
    "Dropout",
    "EqualizedConv2D",
    "EqualizedDense",
    "GradientReversal",
    "JointMinibatchDiscrimination",
    "LayerNormalization",
    "LeakyReLU",
    "Maxout",
    "MinibatchDiscrimination",
    "MinibatchStdDev",
    "NormalizedMinibatchDiscrimination",
    "OneHot",
    "RemoveReferenceBatch",
    "SpectralNormalization",
    "StyleMapping",
    "SynthesisLayer",
    "ToImage",
    "VirtualBatchNormalization",
]
