"""Readers and converters of the public checkpoints of other projects."""

from keras_gan.checkpoints.export import export
from keras_gan.checkpoints.layouts import (
    LAYOUTS,
    NETWORK_LAYOUTS,
    load_checkpoint,
    load_network,
)
from keras_gan.checkpoints.mapping import Tensors
from keras_gan.checkpoints.reader import read_tensors

__all__ = [
    "LAYOUTS",
    "NETWORK_LAYOUTS",
    "Tensors",
    "export",
    "load_checkpoint",
    "load_network",
    "read_tensors",
]
