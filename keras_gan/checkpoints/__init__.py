"""Readers and converters of the public checkpoints of other projects."""

from keras_gan.checkpoints.layouts import LAYOUTS, load_checkpoint
from keras_gan.checkpoints.reader import read_tensors

__all__ = ["LAYOUTS", "load_checkpoint", "read_tensors"]
