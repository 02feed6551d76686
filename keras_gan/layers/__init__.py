"""Layers that GANs need and Keras lacks, or has in another form."""

from keras_gan.layers.normalization import BatchNormalization

__all__ = ["BatchNormalization"]
