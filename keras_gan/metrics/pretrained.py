"""The networks that metrics look through, with their published weights."""

import hashlib
import os
import pathlib

import numpy as np

from keras_gan import checkpoints
from keras_gan.checks import suggestion
from keras_gan.presets import download, folder
from keras_gan.presets.registry import builtin_folders
from keras_gan.weights import copy_weights


def load(preset, cls, weights=None, cache_dir=None, **overrides):
    """A network of `presets/metrics` with its weights.

    Args:
        preset: str, the name of a shipped one, or path of a preset folder.
        cls: class that it must be an instance of.
        weights: path of a checkpoint in the preset's layout, or dict of the paths of its parts,
            instead of what the preset has or names.
        cache_dir: str or path of another cache.
        **overrides: arguments of the constructor that change no weight.

    Returns:
        The model.

    Raises:
        ValueError: if there is no such preset, or weights do not fit.
        OSError: if weights cannot be downloaded.
    """
    folders = builtin_folders(of_metrics=True)
    path = pathlib.Path(folders.get(str(preset), preset))
    if not (path / folder.CONFIG).is_file():
        raise ValueError(
            f"No network '{preset}' for metrics.{suggestion(preset, folders)} Known are "
            f"{sorted(folders)}, and folders with a {folder.CONFIG}. Any other Keras model, such "
            "as one of DINOv2, serves by `keras_gan.metrics.FeatureExtractor.from_model`."
        )
    place = folder.Folder(path)
    metadata, content = folder.read(place)
    model_class, config = folder.constructor(place, content, cls, **overrides)
    model = model_class(**config)
    if weights is not None:
        if metadata.get("layout") is None:
            raise ValueError(f"The preset '{preset}' has its own weights. Remove `weights`.")
        source = checkpoints.load_network(weights, metadata["layout"])
        copy_weights(source, model)
        return model
    try:
        converted, _ = folder.source_weights(metadata, content, cache_dir)
        folder.read_weights(place, metadata, model, converted)
    except OSError as error:
        raise type(error)(f"{error} {_by_hand(metadata, cache_dir)}") from error
    folder.show_licence(preset, metadata.get("licence"))
    return model


def fingerprint(model):
    """The SHA-256 of a model's weights as they are in memory, whatever file they came from.

    Args:
        model: built Keras model.

    Returns:
        str, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for value in model.get_weights():
        digest.update(repr((value.dtype.name, value.shape)).encode())
        digest.update(np.ascontiguousarray(value).view("uint8").data)
    return digest.hexdigest()


def _by_hand(metadata, cache_dir):
    """What to do where nothing can be downloaded."""
    sources, hashes = metadata["source"], metadata.get("sha256")
    sources = sources if isinstance(sources, dict) else {"weights": sources}
    hashes = hashes if isinstance(hashes, dict) else {"weights": hashes}
    stated = []
    for part, addresses in sources.items():
        addresses = addresses if isinstance(addresses, list) else [addresses]
        known = hashes.get(part)
        stated.append(f"{' or '.join(addresses)} (sha256 {known or 'not known'})")
        if known:
            place = download.cache_folder(cache_dir) / "downloads" / known
            stated[-1] += f", which is also found as {os.fspath(place)}"
    is_dict = "a dict of their paths" if len(stated) > 1 else "its path"
    return (
        f"On a machine without a connection, get {'; and '.join(stated)}, and pass {is_dict} as "
        "`weights`."
    )
