"""Preset folders: a configuration, facts, weights and a card, read with distrust.

A configuration is plain JSON numbers, strings, booleans and lists of them; the class is looked up
among the registered ones. Weights are arrays. Everything is checked before a model is built.
"""

import hashlib
import inspect
import json
import math
import os
import pathlib
import shutil
import tempfile
from collections import Counter

import h5py

from keras_gan.presets import card
from keras_gan.presets.registry import builtin_folders, registered_class

FORMAT_VERSION = 1
CONFIG, METADATA, WEIGHTS, CARD = "config.json", "metadata.json", "model.weights.h5", "README.md"

_MAX_JSON_BYTES = 1 << 20
_MAX_NUMBER = 8192
# The exceptions to the bound above.
_MAX_BY_NAME = {"seed": 2**32 - 1}
_MAX_LIST = 64


def load(handle, cls, load_weights=True, **overrides):
    """The model of a preset.

    Args:
        handle: str or path: the name of a shipped preset or a preset folder.
        cls: class that the model must be an instance of.
        load_weights: bool, `False` for fresh weights.
        **overrides: arguments of the constructor to use instead of the stored ones.

    Returns:
        An instance of `cls` or of a subclass.

    Raises:
        ValueError: if there is no such preset or its files are not what they should be.
    """
    folder = _resolve(handle)
    metadata = _read_json(folder / METADATA)
    version = metadata.get("format_version")
    if version != FORMAT_VERSION:
        raise ValueError(
            f"The preset in {folder} has format_version {version!r}; this keras_gan reads "
            f"{FORMAT_VERSION}. Update keras_gan to read a newer one."
        )
    content = _read_json(folder / CONFIG)
    if set(content) != {"class_name", "config"}:
        raise ValueError(
            f"{folder / CONFIG} must hold exactly 'class_name' and 'config'. Received: "
            f"{sorted(content)}"
        )
    model_class = registered_class(content["class_name"])
    if not issubclass(model_class, cls):
        raise ValueError(
            f"'{handle}' is a {model_class.__name__}. Use "
            f"`keras_gan.{model_class.__name__}.from_preset` or `keras_gan.GAN.from_preset`, not "
            f"{cls.__name__}'s."
        )
    _check_config(content["config"], model_class, folder / CONFIG)
    config = {**content["config"], **{k: v for k, v in overrides.items() if v is not None}}
    _check_config(overrides, model_class, "the arguments of `from_preset`")
    model = model_class(**config)
    if load_weights:
        path = folder / WEIGHTS
        if not path.is_file():
            raise ValueError(
                f"{folder} holds no {WEIGHTS}. Pass `load_weights=False` for fresh weights."
            )
        _check_sha256(path, metadata.get("sha256"))
        load_weights_file(model, path)
    return model


def save(model, folder, overwrite=False, **facts):
    """Write a model as a preset folder; it is there completely or not at all.

    Args:
        model: registered `keras_gan.GAN`.
        folder: str or path.
        overwrite: bool, replace a preset folder that is there.
        **facts: further entries of `metadata.json`, see `keras_gan.GAN.save_to_preset`.

    Raises:
        ValueError: if the class is not registered, its config is not plain, or the folder exists.
    """
    folder = pathlib.Path(folder)
    name = type(model).__name__
    if registered_class(name) is not type(model):
        raise ValueError(f"Another class named {name} is registered than that of the model.")
    config = {key: value for key, value in model.get_config().items() if key != "name"}
    _check_config(config, type(model), f"{name}.get_config()")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not overwrite:
            raise ValueError(
                f"{folder} exists and is not empty. Choose another folder, or pass "
                "`overwrite=True` to replace a preset."
            )
        if not (folder / CONFIG).is_file():
            raise ValueError(
                f"{folder} is not a preset folder (no {CONFIG}) and is not replaced. Choose "
                "another folder."
            )
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=".partial-", dir=folder.parent))
    try:
        # Without the optimizers, which triple the size and belong to a run, not to a preset.
        bare = type(model).from_config(model.get_config())
        bare.set_weights(model.get_weights())
        bare.save_weights(temporary / WEIGHTS)
        metadata = {
            "format_version": FORMAT_VERSION,
            "class_name": name,
            "image_shape": list(model.image_shape),
            "parameters": {
                "generator": model.generator.count_params(),
                "discriminator": model.discriminator.count_params(),
            },
            **facts,
            "sha256": sha256(temporary / WEIGHTS),
        }
        _write_json(temporary / CONFIG, {"class_name": name, "config": config})
        _write_json(temporary / METADATA, metadata)
        (temporary / CARD).write_text(card.render(folder.name, metadata))
        temporary.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def load_weights_file(model, path):
    """Load a `.weights.h5` file after looking at what it is.

    Args:
        model: built Keras model.
        path: path of the file.

    Raises:
        ValueError: if the file is truncated, refers to other files, expands beyond its size, or
        does
            not hold the weights of such a model.
    """
    try:
        with h5py.File(path, "r") as file:
            found = _checked_shapes(file, path)
    except OSError as error:
        raise ValueError(f"{path} is not a complete HDF5 file: {error}") from None
    # Keras' own message for a misfit is pages long.
    expected = Counter(tuple(v.shape) for v in model.weights)
    if found != expected:
        raise ValueError(
            f"The weights in {path} do not fit this {type(model).__name__} of images "
            f"{model.image_shape}. Missing are for example {list(expected - found)[:3]}, too many "
            f"{list(found - expected)[:3]}. If you overrode arguments that change the "
            "networks, pass `load_weights=False`."
        )
    model.load_weights(path)


def sha256(path):
    """The SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _resolve(handle):
    folders = builtin_folders()
    if str(handle) in folders:
        return folders[str(handle)]
    folder = pathlib.Path(handle)
    if (folder / CONFIG).is_file():
        return folder
    if folder.is_dir():
        raise ValueError(f"{folder} is not a preset folder: it has no {CONFIG}.")
    raise ValueError(
        f"No preset '{handle}'. A preset is one of {sorted(folders)} or a folder written by "
        "`save_to_preset`."
    )


def _read_json(path):
    try:
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise ValueError(f"{path} is larger than {_MAX_JSON_BYTES} bytes.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"The preset is incomplete: {path} is missing.") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object.")
    return content


def _write_json(path, content):
    path.write_text(json.dumps(content, indent=2) + "\n")


def _check_config(config, model_class, where):
    if not isinstance(config, dict):
        raise ValueError(f"'config' in {where} must be a JSON object. Received: {config!r}")
    accepted = [name for name in inspect.signature(model_class).parameters]
    unknown = sorted(set(config) - set(accepted))
    if unknown:
        raise ValueError(
            f"{model_class.__name__} has no arguments {unknown} (in {where}). It has {accepted}."
        )
    for key, value in config.items():
        items = value if isinstance(value, (list, tuple)) else [value]
        if len(items) > _MAX_LIST or not all(_is_plain(item) for item in items):
            raise ValueError(
                f"'{key}' in {where} must be a number, string, boolean, null or a short list of "
                f"them. Received: {value!r}"
            )
        bound = _MAX_BY_NAME.get(key, _MAX_NUMBER)
        for item in items:
            if isinstance(item, (int, float)) and not abs(item) <= bound:
                raise ValueError(f"'{key}' in {where} is {item}; at most {bound} is accepted.")


def _is_plain(value):
    return value is None or isinstance(value, (str, bool, int, float))


def _check_sha256(path, expected):
    received = sha256(path)
    if received != expected:
        raise ValueError(
            f"{path} is corrupted or was exchanged: its sha256 is {received}, but {METADATA} says "
            f"{expected}. Get the preset again."
        )


def _checked_shapes(file, path):
    """How often each shape occurs among the arrays of an open file, random states left out."""
    shapes, total, pending, seen = Counter(), 0, [file], set()
    while pending:
        group = pending.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            raise ValueError(f"{path} holds the group {group.name} twice.")
        seen.add(address)
        for name in group:
            where = f"{group.name.rstrip('/')}/{name} in {path}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{where} is a link to elsewhere, which weights never need.")
            item = group[name]
            if isinstance(item, h5py.Group):
                pending.append(item)
                continue
            if not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
                raise ValueError(f"{where} takes its data from elsewhere.")
            if item.dtype.kind not in "iuf":
                raise ValueError(f"{where} holds {item.dtype}, not numbers.")
            total += math.prod(item.shape) * item.dtype.itemsize
            if not group.name.startswith("/vars/random"):
                shapes[item.shape] += 1
    if total > 4 * max(os.path.getsize(path), 1 << 16):
        raise ValueError(f"{path} claims {total} bytes of weights, far more than its size.")
    return shapes
