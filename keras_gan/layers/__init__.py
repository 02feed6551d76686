"""Layers that GANs need and Keras lacks, or has in another form."""

from keras_gan.layers.dropout import Dropout
from keras_gan.layers.normalization import BatchNormalization, LayerNormalization

__all__ = ["BatchNormalization", "Dropout", "LayerNormalization"]
