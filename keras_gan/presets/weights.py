"""Files of weights: written whole, and looked at before anything is loaded from them."""

import math
import os
from collections import Counter

from keras_gan.checkpoints.hdf5_file import shapes_in_hdf5


def load_weights_file(model, path):
    """Load a `.weights.h5` file after looking at what it is.

    Args:
        model: built Keras model.
        path: path of the file.

    Raises:
        ValueError: if the file is truncated, refers to other files, expands beyond its size, or
            does not hold the weights of such a model.
    """
    try:
        shapes = shapes_in_hdf5(path, os.path.getsize(path))
    except ValueError as error:
        raise ValueError(
            f"{path} is not a complete file of weights and nothing else: {error}."
        ) from None
    # Keras' own message for a misfit is pages long. Random states differ between backends.
    found = Counter(s for name, s in shapes.items() if not name.startswith("vars.random"))
    expected = Counter(tuple(v.shape) for v in model.weights)
    if found != expected:
        raise ValueError(
            f"The weights in {path} do not fit this {type(model).__name__} of images "
            f"{model.image_shape}. Missing are for example {list(expected - found)[:3]}, too many "
            f"{list(found - expected)[:3]}. If you overrode arguments that change the "
            "networks, pass `load_weights=False`."
        )
    model.load_weights(path)


def save_weights_file(model, path):
    """Write a `.weights.h5` file.

    Args:
        model: built Keras model.
        path: path of the file, which ends with `.weights.h5`.

    Raises:
        OSError: if it cannot be written completely.
    """
    try:
        model.save_weights(path)
    except RuntimeError as error:
        # What HDF5 makes of a full disk when it closes the file.
        raise OSError(f"{path} could not be written completely: {error}") from error


def most_bytes(model):
    """How large a file of a model's weights can be, with room for 64 bits and HDF5's structure."""
    return 8 * sum(math.prod(v.shape) for v in model.weights) + (16 << 20)
