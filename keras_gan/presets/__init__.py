"""Presets: models with their weights, found by name, read without executing anything."""

from keras_gan.presets.folder import metadata
from keras_gan.presets.registry import list_presets, register, registered_class
from keras_gan.presets.upload import upload_preset

__all__ = ["list_presets", "metadata", "register", "registered_class", "upload_preset"]
