"""Callbacks for `fit`."""

from keras_gan.callbacks.history_file import HistoryFile
from keras_gan.callbacks.sample_grid import SampleGrid

__all__ = ["HistoryFile", "SampleGrid"]
