"""Weights that a preset names instead of holding: converted once on the user's machine."""

import gc
import hashlib
import json
import pathlib
import tempfile

from keras_gan import checkpoints, files
from keras_gan.presets import download, hub
from keras_gan.presets.weights import save_weights_file

# Another number makes every machine convert anew.
_CONVERSION = 2
_WEIGHTS, _CONFIG = ".weights.h5", ".config.json"


def converted_weights(metadata, model_class, config, cache_dir=None):
    """The weights file made from the checkpoint that a preset's metadata name, and its model.

    Args:
        metadata: dict with `source` (https:// or hf://user/repo/file@revision, or a dict of them by
            network or part; where a file has several addresses, a list of them), `sha256` (of the
            source, in the same form), `layout` and, where the checkpoint does not hold all,
            `networks`.
        model_class: class of the model.
        config: dict, the preset's arguments of the constructor, without a user's changes.
        cache_dir: str or path of another cache.

    Returns:
        `pathlib.Path` of a `.weights.h5` file in the cache, intact by the hash in its name, and the
        dict of all arguments of the constructor: `config`, and what the checkpoint tells besides.

    Raises:
        ValueError: if the source is refused, is not what its hash says, or does not fit.
        OSError: if it cannot be downloaded, or not be stored.

    Example:
    ```python
    path, config = keras_gan.presets.source.converted_weights(
        metadata, keras_gan.DCGAN, config
    )
    ```
    """
    named = {key: metadata.get(key) for key in ("source", "sha256", "layout", "networks")}
    networks = named["networks"] or []
    texts = [named["layout"] or "", *(networks if isinstance(networks, list) else [networks])]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(
            "In a preset's metadata, 'layout' is a string and 'networks' a list of strings. "
            f"Received: {named['layout']!r}, {named['networks']!r}"
        )
    identity = json.dumps([_CONVERSION, model_class.__name__, config, named], sort_keys=True)
    key = hashlib.sha256(identity.encode()).hexdigest()[:32]
    folder = download.cache_folder(cache_dir) / "converted"
    found = [_intact(folder, key, end) for end in (_WEIGHTS, _CONFIG)]
    if None not in found:
        return found[0], json.loads(found[1].read_text())
    paths = download.local_files(named["source"], named["sha256"], cache_dir, by_user=False)
    options = {"networks": networks} if networks else {}
    if named["layout"] in checkpoints.NETWORK_LAYOUTS:
        model = checkpoints.load_network(paths, named["layout"])
        told = {}
    else:
        model = checkpoints.load_checkpoint(
            paths, layout=named["layout"], cls=model_class, **options, **config
        )
        # Plain lists: Keras' own refer to the model.
        told = json.loads(json.dumps(model.get_config()))
    own = {key: value for key, value in told.items() if key not in ("name", "dtype", "seed")}
    config = {**own, **config}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.remove_partial(folder, older_than=files.STALE_SECONDS)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as temporary:
            weights, stated = (pathlib.Path(temporary) / f"x{end}" for end in (_WEIGHTS, _CONFIG))
            save_weights_file(model, weights)
            stated.write_text(json.dumps(config))
            for path, end in ((stated, _CONFIG), (weights, _WEIGHTS)):
                kept = path.replace(folder / f"{key}-{files.sha256(path)}{end}")
        # Or it would take memory beside the one to come: Keras' models refer to themselves.
        del model
        gc.collect()
        return kept, config
    except OSError as error:
        raise hub.unwritable(
            error, "The converted weights", folder, "`cache_dir` or KERAS_GAN_HOME"
        ) from error


def _intact(folder, key, end):
    """The file of a conversion whose content has the hash in its name, or `None`."""
    for path in folder.glob(f"{key}-*{end}"):
        if files.sha256(path) == path.name.removeprefix(f"{key}-").removesuffix(end):
            return path
    return None
