"""Publishing a preset folder on the Hugging Face Hub."""

import pathlib
import tempfile

from keras_gan import images
from keras_gan.presets import card, folder, hub

_SAMPLES = "samples.png"
_MAX_PICTURE = 2**26


def upload_preset(uri, preset, *, private=None, readme=None, message="Upload a keras_gan preset"):
    """Publish a preset folder, so that anybody can say `from_preset("hf://user/repo")`.

    The preset is loaded first: what could not be read again is not published. Only the preset's own
    files go up, all in one commit: configuration, metadata, weights, a picture of samples (drawn
    from seeds 0 to 15 unless the metadata name one), the other pictures that the metadata name, and
    a card, README.md, which is made from the metadata anew.

    Log in before with `hf auth login`, or set HF_TOKEN.

    Args:
        uri: str, `hf://user/repo`; the repository is created if need be.
        preset: str or path of a folder that `save_to_preset` wrote.
        private: bool, whether a repository that is created is private; the account's default by
            default.
        readme: str, Markdown text of your own in place of the card.
        message: str, of the commit.

    Returns:
        str, the address of the commit.

    Raises:
        ImportError: if `huggingface_hub` is not installed.
        ValueError: if `uri` is no repository, or the preset is damaged.
        OSError: if the hub cannot be reached or refuses.

    Example:
    ```python
    gan.save_to_preset("my_gan/", dataset="my photos", licence="CC-BY-4.0")
    keras_gan.upload_preset("hf://me/my_gan", "my_gan/")
    ```
    """
    repo, file, revision = hub.parse(uri)
    if file or revision:
        raise ValueError(f"`uri` is hf://user/repo, whose main branch is written to: {uri!r}")
    place = folder.find(pathlib.Path(preset))
    metadata, config = folder.read(place)
    model_class, arguments = folder.constructor(place, config)
    converted, told = folder.source_weights(metadata, config)
    model = model_class(**{**told, **arguments})
    folder.read_weights(place, metadata, model, converted)
    metadata.update(folder.facts_of(model))
    # Unstated samples are null in a folder of `save_to_preset(samples=None)`.
    stated = metadata.get("samples")
    picture = metadata["samples"] = stated or _SAMPLES
    others = (metadata.get("pictures") or {}).values()
    for name in (picture, *others):
        hub.check_path("picture", name)
    stored = place.path / picture
    # A picture that the metadata do not name may be of a preset that was replaced.
    contents = {picture: stored if stated and stored.is_file() else _drawn(model)}
    contents |= {name: place.read(name, pathlib.Path.read_bytes, _MAX_PICTURE) for name in others}
    if metadata.get("source") is None:
        contents[folder.WEIGHTS] = place.path / folder.WEIGHTS
    contents[folder.CONFIG] = folder.as_json(config).encode()
    contents[folder.METADATA] = folder.as_json(metadata).encode()
    contents[folder.CARD] = (readme or card.render(uri, metadata)).encode()
    return hub.commit(repo, contents, message, private)


def _drawn(model):
    """A PNG file of the images of seeds 0 to 15."""
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary) / _SAMPLES
        images.save_png(path, images.make_grid(model.generate(seeds=range(16))))
        return path.read_bytes()
