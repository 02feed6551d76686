"""The classes that a preset may name, and the presets that come with the library."""

import fnmatch
import json
import pathlib

import keras

_CLASSES = {}


def register(cls):
    """Class decorator: let presets and `.keras` files hold this GAN, or this network of a metric.

    A preset names its class, and only registered classes are ever looked up: nothing is imported or
    executed because a file says so.

    Args:
        cls: a subclass of `keras_gan.GAN` (or `keras.Model`) whose `get_config` holds plain JSON
            values.

    Returns:
        The class.

    Raises:
        ValueError: if another class of that name is registered.

    Example:
    ```python
    @keras_gan.presets.register
    class MyGAN(keras_gan.GAN):
        ...
    ```
    """
    known = _CLASSES.get(cls.__name__)
    # The same class defined again, as in a notebook cell that is run twice, replaces the old one.
    if known is not None and (known.__module__, known.__qualname__) != (
        cls.__module__,
        cls.__qualname__,
    ):
        raise ValueError(
            f"A class named {cls.__name__} is registered already, from {known.__module__}. Choose "
            "another name."
        )
    _CLASSES[cls.__name__] = cls
    package = cls.__module__.partition(".")[0]
    return keras.saving.register_keras_serializable(package=package)(cls)


def registered_class(name):
    """The registered class of that name.

    Args:
        name: str.

    Returns:
        A subclass of `keras_gan.GAN`.

    Raises:
        ValueError: if there is none.

    Example:
    ```python
    keras_gan.presets.registered_class("DCGAN")
    ```
    """
    if not isinstance(name, str) or name not in _CLASSES:
        raise ValueError(
            f"No class named {name!r} is registered; known are {sorted(_CLASSES)}. If it is your "
            "own, decorate it with `@keras_gan.presets.register` and import it first; otherwise a "
            "newer keras_gan may know it."
        )
    return _CLASSES[name]


def list_presets(pattern="*"):
    """The presets that come with the library.

    Args:
        pattern: str with the wildcards of a shell, such as `"dcgan*"` or `"*fashion*"`.

    Returns:
        dict from a preset's name to its metadata: `class_name`, `description`, `image_shape`,
        `parameters`, `dataset`, `licence`, `metrics` and more, sorted by name.

    Example:
    ```python
    for name, metadata in keras_gan.list_presets("dcgan*").items():
        print(name, metadata["description"])
    ```
    """
    return {
        name: json.loads((folder / "metadata.json").read_text())
        for name, folder in sorted(builtin_folders().items())
        if fnmatch.fnmatchcase(name, pattern)
    }


def builtin_folders(of_metrics=False):
    """dict: name of each shipped preset to its folder (`presets/<model>/<preset>/`).

    Those in `presets/metrics` are networks that metrics look through, not GANs.
    """
    package = pathlib.Path(__file__).parents[1]
    root = package / "_presets"
    if not root.is_dir():
        # An editable install reads the repository.
        root = package.parent / "presets"
    return {
        path.parent.name: path.parent
        for path in root.glob("*/*/metadata.json")
        if (path.parents[1].name == "metrics") == of_metrics
    }
