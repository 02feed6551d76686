"""Checks of arguments that many entries share."""

import os

import numpy as np

_MAX_FILTERS = 16384


def check_integer(name, value, minimum):
    """Raises a ValueError unless `value` is an integer of at least `minimum`."""
    integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not integer or value < minimum:
        raise ValueError(f"`{name}` must be an integer >= {minimum}. Received: {value!r}")


def check_path(name, value):
    """Raises a ValueError unless `value` is a string or path."""
    if not isinstance(value, (str, os.PathLike)):
        raise ValueError(f"`{name}` must be a string or path. Received: {value!r}")


def check_filters(filters, **arguments):
    """Raises a ValueError that names `arguments` if they ask for a layer that is absurdly wide."""
    if filters > _MAX_FILTERS:
        received = ", ".join(f"{name}={value}" for name, value in arguments.items())
        raise ValueError(
            f"A layer of {filters} filters would be needed, more than {_MAX_FILTERS}. Use a "
            f"smaller `width`. Received: {received}"
        )
