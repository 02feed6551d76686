"""Numerics on `keras.ops` that GANs need in another form than Keras has them."""

from keras_gan.ops.convolution import conv, conv_transpose
from keras_gan.ops.gather import gather_pixels
from keras_gan.ops.packing import pack

__all__ = ["conv", "conv_transpose", "gather_pixels", "pack"]
