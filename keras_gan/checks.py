"""Checks of arguments that many entries share."""

import difflib
import inspect
import math
import os

import numpy as np

_MAX_FILTERS = 16384


def check_integer(name, value, minimum):
    """Raises a ValueError unless `value` is an integer of at least `minimum`."""
    integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not integer or value < minimum:
        raise ValueError(f"`{name}` must be an integer >= {minimum}. Received: {value!r}")


def check_integers(**values):
    """Raises a ValueError that names the first of `values` that is no integer of at least 1."""
    for name, value in values.items():
        check_integer(name, value, minimum=1)


def is_number(value):
    """Whether `value` is a finite number, of Python or NumPy."""
    number = isinstance(value, (int, float, np.integer, np.floating))
    return number and not isinstance(value, bool) and -math.inf < value < math.inf


def check_number(name, value, minimum=0, maximum=math.inf, below=math.inf):
    """Raises a ValueError unless `value` is a finite number within the limits."""
    if not (is_number(value) and minimum <= value <= maximum and value < below):
        accepted = "" if minimum == -math.inf else f" >= {minimum}"
        if maximum < math.inf:
            accepted = f" in [{minimum}, {maximum}]"
        elif below < math.inf:
            accepted = f" in [{minimum}, {below})"
        raise ValueError(f"`{name}` must be a finite number{accepted}. Received: {value!r}")


def check_positive(name, value, maximum=math.inf):
    """Raises a ValueError unless `value` is a finite number above 0, up to `maximum`."""
    check_number(name, value, maximum=maximum)
    if value == 0:
        raise ValueError(f"`{name}` must be positive. Received: {value!r}")


def finite_array(name, value, dtype="float32"):
    """`value` as an array of finite numbers.

    Args:
        name: str, what the message calls it.
        value: array or nested list of real numbers.
        dtype: `"float32"` or `"float64"`.

    Returns:
        Array of that type, which may be `value` itself.

    Raises:
        ValueError: if it is no array of real numbers, or one is not finite.
    """
    try:
        array = np.asarray(value)
        real = array.dtype.kind in "fiu"
    except (TypeError, ValueError):  # lists whose lengths differ, for example
        real = False
    if not real:
        raise ValueError(f"`{name}` must be real numbers. Received: {value!r:.200}")
    with np.errstate(over="ignore"):  # too large ones become infinite
        array = array.astype(dtype, copy=False)
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` has entries that are no finite numbers.")
    return array


def check_arguments(owner, function, given, hidden=()):
    """Raises a ValueError unless a function takes all keyword arguments that are given.

    Args:
        owner: str, what the message says that has no such arguments.
        function: callable.
        given: names of the arguments.
        hidden: names that are not the caller's to give.
    """
    parameters = inspect.signature(function).parameters.values()
    accepted = [p.name for p in parameters if p.name not in ("self", *hidden)]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    unknown = sorted(set(given) - set(accepted))
    if unknown and not takes_any:
        raise ValueError(f"{owner} has no arguments {unknown}. It has {accepted}.")


def suggestion(name, known):
    """The sentence that a message about an unknown name ends with; empty if no known one is near.

    Args:
        name: what was received.
        known: names that there are.
    """
    close = difflib.get_close_matches(str(name), known)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


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
            f"smaller `{next(iter(arguments))}`. Received: {received}"
        )


def check_units(name, value):
    """Raises a ValueError unless `value` is a list of units of hidden layers, at least one."""
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(
            f"`{name}` are the units of each hidden layer, such as (512, 256). Received: {value!r}"
        )
    for units in value:
        check_integer(name, units, minimum=1)
        check_filters(units, **{name: value})


def check_image_shape(image_shape):
    """Raises a ValueError unless it is `(height, width, channels)` of at most 2**20 numbers."""
    valid = isinstance(image_shape, (list, tuple)) and len(image_shape) == 3
    valid = valid and all(isinstance(n, int) and n > 0 for n in image_shape)
    if not valid or image_shape[0] * image_shape[1] * image_shape[2] > 2**20:
        raise ValueError(
            "`image_shape` is (height, width, channels), such as (28, 28, 1), of at most 2**20 "
            f"numbers in all. Received: {image_shape}"
        )
