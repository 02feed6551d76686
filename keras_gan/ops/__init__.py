"""Numerics on `keras.ops` that GANs need in another form than Keras has them."""

from keras_gan.ops.bias_act import activation_gain, bias_act
from keras_gan.ops.convolution import conv, conv_transpose
from keras_gan.ops.gather import gather_pixels
from keras_gan.ops.modulation import modulated_conv
from keras_gan.ops.packing import pack
from keras_gan.ops.resampling import (
    conv_downsample,
    conv_upsample,
    downsample2d,
    filter2d,
    setup_filter,
    upfirdn2d,
    upsample2d,
)
from keras_gan.ops.warp import warp
from keras_gan.ops.wavelets import band_filters, low_pass

__all__ = [
    "activation_gain",
    "band_filters",
    "bias_act",
    "conv",
    "conv_downsample",
    "conv_transpose",
    "conv_upsample",
    "downsample2d",
    "filter2d",
    "gather_pixels",
    "low_pass",
    "modulated_conv",
    "pack",
    "setup_filter",
    "upfirdn2d",
    "upsample2d",
    "warp",
]
