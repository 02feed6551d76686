"""Which backend Keras takes when nobody has said."""

import importlib.util
import json
import os
import pathlib
import sys

_PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def choose():
    """Set KERAS_BACKEND to a backend that is installed, if Keras' own choice is not.

    Keras falls back on TensorFlow, and fails to import where only JAX or PyTorch is installed. A
    choice made by the user (KERAS_BACKEND, or keras imported before) is never touched.
    """
    if "KERAS_BACKEND" in os.environ or "keras" in sys.modules:
        return
    if not _is_installed(_configured()):
        for backend in _PACKAGES:
            if _is_installed(backend):
                os.environ["KERAS_BACKEND"] = backend
                return
        raise ImportError(
            "keras_gan needs one of the backends: pip install keras-gan[torch], keras-gan[jax] or "
            "keras-gan[tensorflow]."
        )


def _configured():
    """The backend of Keras' configuration file, which Keras itself writes with its default."""
    home = pathlib.Path(os.environ.get("KERAS_HOME", pathlib.Path.home() / ".keras"))
    try:
        return json.loads((home / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def _is_installed(backend):
    return importlib.util.find_spec(_PACKAGES.get(backend, backend)) is not None
