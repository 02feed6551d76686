"""Presets: models with their weights, found by name, read without executing anything."""

from keras_gan.presets.registry import list_presets, register, registered_class

__all__ = ["list_presets", "register", "registered_class"]
