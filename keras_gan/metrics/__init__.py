"""Metrics of generated samples, as Keras metrics for `compile(metrics=[...])`."""

from keras_gan.metrics.birthday import BirthdayParadox, nearest_pairs, support_size
from keras_gan.metrics.modes import (
    GaussianModes,
    HighQualitySamples,
    ModeJS,
    ModeKL,
    Modes,
    ModesCovered,
    StackedModes,
)

__all__ = [
    "BirthdayParadox",
    "GaussianModes",
    "HighQualitySamples",
    "ModeJS",
    "ModeKL",
    "Modes",
    "ModesCovered",
    "StackedModes",
    "nearest_pairs",
    "support_size",
]
