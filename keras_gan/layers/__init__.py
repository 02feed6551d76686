"""Layers that GANs need and Keras lacks, or has in another form."""

from keras_gan.layers.convolution import Conv2D, Conv2DTranspose
from keras_gan.layers.dropout import Dropout
from keras_gan.layers.maxout import Maxout
from keras_gan.layers.normalization import BatchNormalization, LayerNormalization

__all__ = [
    "BatchNormalization",
    "Conv2D",
    "Conv2DTranspose",
    "Dropout",
    "LayerNormalization",
    "Maxout",
]
