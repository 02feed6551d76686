"""Callbacks for `fit`."""

from keras_gan.callbacks.adaptive_augmentation import AdaptiveAugmentation
from keras_gan.callbacks.diagnosis import Diagnosis, Finding
from keras_gan.callbacks.history_file import HistoryFile
from keras_gan.callbacks.metric_evaluator import MetricEvaluator
from keras_gan.callbacks.sample_grid import SampleGrid
from keras_gan.callbacks.snapshot import Snapshot

__all__ = [
    "AdaptiveAugmentation",
    "Diagnosis",
    "Finding",
    "HistoryFile",
    "MetricEvaluator",
    "SampleGrid",
    "Snapshot",
]
