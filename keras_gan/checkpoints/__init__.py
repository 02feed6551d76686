"""Readers and converters of the public checkpoints of other projects."""

from keras_gan.checkpoints.reader import read_tensors

__all__ = ["read_tensors"]
