"""Presets: a configuration, facts, weights and a card, read with distrust.

They lie in a folder, or in a repository of the Hugging Face Hub. A configuration is plain JSON
numbers, strings, booleans and lists of them; the class is looked up among the registered ones.
Weights are arrays. Everything is checked before a model is built.
"""

import json
import os
import pathlib
import shutil
import sys

import numpy as np

from keras_gan.checks import suggestion
from keras_gan.files import STALE_SECONDS, atomic_folder, remove_partial, sha256
from keras_gan.presets import card, hub
from keras_gan.presets.config import check_config
from keras_gan.presets.download import check_sha256
from keras_gan.presets.registry import builtin_folders, registered_class
from keras_gan.presets.source import converted_weights
from keras_gan.presets.weights import load_weights_file, most_bytes, save_weights_file
from keras_gan.weights import copy_weights

FORMAT_VERSION = 1
CONFIG, METADATA, WEIGHTS, CARD = "config.json", "metadata.json", "model.weights.h5", "README.md"

# What brings the (metadata, config) of an older version to the next one, by the older version.
_UPGRADES = {}

_MAX_JSON_BYTES = 1 << 20

# Entries of the metadata that have a meaning for this module.
_OWN = {"format_version", "class_name", "image_shape", "parameters", "weights_bytes", "sha256"}
_OWN |= {"num_classes"}
_OWN |= {"source", "layout", "networks"}

_licences_shown = set()


def load(handle, cls, load_weights=True, revision=None, cache_dir=None, **overrides):
    """The model of a preset, see `keras_gan.GAN.from_preset`.

    Args:
        handle: str or path: the name of a shipped preset, `hf://user/repo[@revision]` or a folder.
        cls: class that the model must be an instance of.
        load_weights: bool, `False` for fresh weights; then none are downloaded.
        revision: str, branch, tag or commit of a repository.
        cache_dir: str or path of another cache.
        **overrides: arguments of the constructor to use instead of the stored ones.

    Returns:
        An instance of `cls` or of a subclass.

    Raises:
        ValueError: if there is no such preset or its files are not what they should be.
        OSError: if it cannot be downloaded.
    """
    place = find(handle, revision, cache_dir)
    metadata, content = read(place)
    model_class, config = constructor(place, content, cls, **overrides)
    if not load_weights:
        return model_class(**config)
    # A conversion makes a model of its own, which is gone before there is this one.
    converted, told = source_weights(metadata, content, cache_dir)
    model = model_class(**{**told, **config})
    read_weights(place, metadata, model, converted)
    model.is_pretrained = True
    show_licence(handle, metadata.get("licence"))
    return model


def metadata(handle, revision=None, cache_dir=None):
    """What is known of a preset, without its weights.

    Args:
        handle: str or path: a name of `keras_gan.list_presets()`, `hf://user/repo[@revision]`, or a
            folder that `save_to_preset` wrote.
        revision: str, branch, tag or commit of a repository.
        cache_dir: str or path of another cache.

    Returns:
        dict with `licence`, `description`, `dataset`, `image_shape`, `parameters`, `metrics` and
        whatever else the preset's author stated; `None` where nothing was.

    Raises:
        ValueError: if there is no such preset or its files are not what they should be.
        OSError: if it cannot be downloaded.

    Example:
    ```python
    keras_gan.presets.metadata("dcgan_emoji_64")["licence"]  # "Apache-2.0"
    ```
    """
    return read(find(handle, revision, cache_dir))[0]


def save(model, folder, overwrite=False, **facts):
    """Write a model as a preset folder; it is there completely or not at all.

    Args:
        model: registered `keras_gan.GAN`.
        folder: str or path.
        overwrite: bool, replace a preset that is there; files that are none of its own stay.
        **facts: further entries of `metadata.json`, see `keras_gan.GAN.save_to_preset`.

    Raises:
        ValueError: if the class is not registered, its config is not plain, or the folder exists.
    """
    folder = pathlib.Path(folder).resolve()
    name = type(model).__name__
    if registered_class(name) is not type(model):
        raise ValueError(f"Another class named {name} is registered than that of the model.")
    reserved = sorted(_OWN & set(facts))
    if reserved:
        raise ValueError(f"Facts named {reserved} are the library's own. Choose other names.")
    config = {key: value for key, value in model.get_config().items() if key != "name"}
    # NumPy's numbers are numbers, too, but not JSON's.
    config = {k: v.item() if isinstance(v, np.generic) else v for k, v in config.items()}
    check_config(config, type(model), f"{name}.get_config()")
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
    remove_partial(folder.parent, folder.name, STALE_SECONDS)
    with atomic_folder(folder) as temporary:
        # Without the optimizers, which triple the size and belong to a run, not to a preset.
        bare = type(model).from_config(model.get_config())
        copy_weights(model, bare)
        save_weights_file(bare, temporary / WEIGHTS)
        metadata = {
            "format_version": FORMAT_VERSION,
            **facts_of(model),
            "weights_bytes": (temporary / WEIGHTS).stat().st_size,
            **facts,
            "sha256": sha256(temporary / WEIGHTS),
        }
        content = {
            CONFIG: as_json({"class_name": name, "config": config}),
            METADATA: as_json(metadata),
            CARD: card.render(folder.name, metadata),
        }
        for file, text in content.items():
            (temporary / file).write_text(text, encoding="utf-8")
        if folder.exists():
            shutil.copytree(
                folder,
                temporary,
                symlinks=True,
                ignore=lambda at, _: {WEIGHTS, *content} if at == str(folder) else (),
                dirs_exist_ok=True,
            )


# Where presets lie --------------------------------------------------------------------------------


class Folder:
    """A preset in a local folder, read like a `keras_gan.presets.hub.Repository`."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def __str__(self):
        return str(self.path)

    def read(self, name, parse, max_bytes):
        """What `parse` makes of the path of the file called `name`."""
        path = self.path / name
        if not path.is_file():
            remedy = " Pass `load_weights=False` for fresh weights." if name == WEIGHTS else ""
            raise ValueError(f"The preset is incomplete: {path} is missing.{remedy}")
        if path.stat().st_size > max_bytes:
            raise ValueError(f"{path} is larger than {max_bytes} bytes.")
        return parse(path)


def find(handle, revision=None, cache_dir=None):
    """The `Folder` or `keras_gan.presets.hub.Repository` that a handle means."""
    folders = builtin_folders()
    forms = (
        "A preset is a name of `keras_gan.list_presets()`, which `keras-gan presets` lists, "
        "hf://user/repo or a folder of `save_to_preset`"
    )
    if not isinstance(handle, (str, os.PathLike)):
        raise ValueError(f"{forms}. Received: {handle!r}")
    name = os.fspath(handle)
    if name.startswith("hf:"):
        repo, file, stated = hub.parse(name)
        if file is not None:
            raise ValueError(f"{name} names a file. {forms}; a file is for `from_checkpoint`.")
        if revision is not None:
            hub.check_path("revision", revision)
            if stated not in (None, revision):
                raise ValueError(f"{name} and `revision={revision!r}` contradict each other.")
        return hub.Repository(repo, stated or revision, cache_dir)
    if revision is not None:
        raise ValueError(f"Only hf:// presets have revisions, not {name!r}. Remove `revision`.")
    if name in folders:
        return Folder(folders[name])
    folder = pathlib.Path(name)
    if (folder / CONFIG).is_file():
        return Folder(folder)
    if folder.is_file():
        raise ValueError(
            f"{folder} is a file, not a preset. `keras-gan convert {folder} OUT` makes one of a "
            "checkpoint, which `from_checkpoint` loads as it is."
        )
    if folder.is_dir():
        raise ValueError(f"{folder} is not a preset folder: it has no {CONFIG}.")
    hint = " An address of a checkpoint is for `from_checkpoint`." if "://" in name else ""
    raise ValueError(f"No preset '{name}'.{suggestion(name, folders)} {forms}.{hint}")


# What they hold -----------------------------------------------------------------------------------


def read(place):
    """The metadata and the configuration of a preset, in the form of the current version."""
    metadata = place.read(METADATA, _read_json, _MAX_JSON_BYTES)
    version = metadata.get("format_version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise ValueError(
            f"The preset in {place} has format_version {version!r}; this keras_gan reads "
            f"{list(range(1, FORMAT_VERSION + 1))}. Update keras_gan to read a newer one."
        )
    content = place.read(CONFIG, _read_json, _MAX_JSON_BYTES)
    for older in range(version, FORMAT_VERSION):
        metadata, content = _UPGRADES[older](metadata, content)
    return metadata, content


def constructor(place, content, cls=object, **overrides):
    """The class of a preset's model and its arguments, checked."""
    if set(content) != {"class_name", "config"}:
        raise ValueError(
            f"{CONFIG} of {place} must hold exactly 'class_name' and 'config'. Received: "
            f"{sorted(content)}"
        )
    model_class = registered_class(content["class_name"])
    if not issubclass(model_class, cls):
        raise ValueError(
            f"The preset in {place} is a {model_class.__name__}. Use "
            f"`keras_gan.{model_class.__name__}.from_preset` or `keras_gan.GAN.from_preset`, not "
            f"{cls.__name__}'s."
        )
    overrides = {key: value for key, value in overrides.items() if value is not None}
    check_config(content["config"], model_class, f"{CONFIG} of {place}")
    check_config(overrides, model_class, "the arguments of `from_preset`")
    return model_class, {**content["config"], **overrides}


def source_weights(metadata, content, cache_dir=None):
    """The path of the weights converted from a preset's source, and what that tells of the model.

    The path is `None` for a preset that has weights itself.
    """
    if metadata.get("source") is None:
        return None, {}
    model_class = registered_class(content["class_name"])
    return converted_weights(metadata, model_class, content["config"], cache_dir)


def read_weights(place, metadata, model, converted=None):
    """Give a model the weights of a preset, or those that `source_weights` found."""

    def verified(path):
        # Without a stated hash, a file that was exchanged could not be told: "None" matches none.
        check_sha256(path, str(metadata.get("sha256")))
        return path

    if converted is None:
        converted = place.read(WEIGHTS, verified, most_bytes(model))
    load_weights_file(model, converted)


def facts_of(model):
    """The metadata that can be read off a model."""
    classes = {} if model.num_classes is None else {"num_classes": model.num_classes}
    return {
        "class_name": type(model).__name__,
        "image_shape": list(model.image_shape),
        **classes,
        "parameters": {
            "generator": model.generator.count_params(),
            "discriminator": model.discriminator.count_params(),
        },
    }


def as_json(content):
    """The text of a JSON file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def show_licence(handle, licence):
    """Say under which licence weights are, once for each preset and process."""
    if str(handle) in _licences_shown or (licence is None and os.path.isdir(handle)):
        return
    _licences_shown.add(str(handle))
    # Quoted: a stranger's text could hold control characters of the terminal.
    stated = (
        f"licence {licence!r:.200}" if licence else "no licence stated, so ask before you use it"
    )
    print(f"keras_gan: weights of {handle}: {stated}", file=sys.stderr)


def _read_json(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object.")
    return content
