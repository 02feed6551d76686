"""Weights that a preset names instead of holding: converted once on the user's machine."""

import hashlib
import json
import pathlib
import tempfile

from keras_gan import checkpoints, files
from keras_gan.presets import download, hub
from keras_gan.presets.weights import save_weights_file

# Another number makes every machine convert anew.
_CONVERSION = 1


def converted_weights(metadata, model_class, config, cache_dir=None):
    """The weights file made from the checkpoint that a preset's metadata name.

    Args:
        metadata: dict with `source` (https:// or hf://user/repo/file@revision, or a dict of them by
            network or part; where a file has several addresses, a list of them), `sha256` (of the
            source, in the same form), `layout` and, where the checkpoint does not hold all,
            `networks`.
        model_class: class of the model.
        config: dict, the preset's arguments of the constructor, without a user's changes.
        cache_dir: str or path of another cache.

    Returns:
        `pathlib.Path` of a `.weights.h5` file in the cache, intact by the hash in its name.

    Raises:
        ValueError: if the source is refused, is not what its hash says, or does not fit.
        OSError: if it cannot be downloaded, or not be stored.

    Example:
    ```python
    path = keras_gan.presets.source.converted_weights(metadata, keras_gan.DCGAN, config)
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
    for path in folder.glob(f"{key}-*.weights.h5"):
        if files.sha256(path) == path.name.removeprefix(f"{key}-").removesuffix(".weights.h5"):
            return path
    paths = download.local_files(named["source"], named["sha256"], cache_dir, by_user=False)
    options = {"networks": networks} if networks else {}
    if named["layout"] in checkpoints.NETWORK_LAYOUTS:
        model = checkpoints.load_network(paths, named["layout"])
    else:
        model = checkpoints.load_checkpoint(
            paths, layout=named["layout"], cls=model_class, **options, **config
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as temporary:
            path = pathlib.Path(temporary) / "model.weights.h5"
            save_weights_file(model, path)
            return path.replace(folder / f"{key}-{files.sha256(path)}.weights.h5")
    except OSError as error:
        raise hub.unwritable(
            error, "The converted weights", folder, "`cache_dir` or KERAS_GAN_HOME"
        ) from error
