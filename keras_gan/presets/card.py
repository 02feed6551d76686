"""The card of a preset: README.md with the facts of its metadata, in the form that hubs show."""

import json

_TEMPLATE = """---
library_name: keras
pipeline_tag: unconditional-image-generation
{licence}tags:
- gan
- image-generation
- keras
- keras-gan
---

# {title}

{notice}{description}

```python
import keras_gan{install}

gan = keras_gan.{class_name}.from_preset({handle})
images = gan.generate(16, seed=0{labels})
```
"""

# Rows that every card has, and rows for what is known.
_LABELS = {
    "image_shape": "Images (height, width, channels)",
    "dataset": "Training data",
    "dataset_licence": "Licence of the training data",
    "licence": "Licence of the weights",
    "source": "Source of the weights",
    "converted_from": "Converted from",
    "recipe": "Recipe",
    "training": "Training",
    "weaknesses": "What is still weak",
}
_ALWAYS = ("dataset", "licence")

# The licences that the Hub knows by these names; any other is "other" with its name.
_HUB_LICENCES = {
    *("apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "unlicense", "zlib"),
    *("cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0"),
    *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
    *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "mpl-2.0", "odbl", "pddl"),
    *("gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "agpl-3.0", "openrail", "openrail++"),
    *("creativeml-openrail-m", "cdla-permissive-1.0", "cdla-permissive-2.0", "artistic-2.0"),
}


def render(name, metadata):
    """The text of a card.

    Args:
        name: str, the preset's name, or its address `hf://user/repo`.
        metadata: dict, see `keras_gan.GAN.save_to_preset`.

    Returns:
        Markdown text.

    Example:
    ```python
    metadata = keras_gan.presets.metadata("dcgan_emoji_64")
    print(keras_gan.presets.card.render("hf://me/emoji", metadata))
    ```
    """
    text = _TEMPLATE.format(
        title=_inline(name.removeprefix("hf://")),
        handle=json.dumps(name, ensure_ascii=False),
        install="  # pip install 'keras-gan[hub]'" if name.startswith("hf://") else "",
        class_name=metadata["class_name"],
        description=metadata.get("description") or "No description was given.",
        notice=f"> {_inline(metadata['notice'])}\n\n" if metadata.get("notice") else "",
        labels=', labels="random"' if metadata.get("num_classes") else "",
        licence=_licence(metadata.get("licence")),
    )
    if metadata.get("samples"):
        text += f"\n![samples]({metadata['samples']})\n"
    for caption, picture in (metadata.get("pictures") or {}).items():
        text += f"\n{_inline(caption)}:\n\n![{_inline(caption)}]({picture})\n"
    rows = [("Parameters", ", ".join(f"{k} {n:,}" for k, n in metadata["parameters"].items()))]
    if metadata.get("weights_bytes"):
        rows.append(("Size of the weights", f"{metadata['weights_bytes'] / 1e6:.1f} MB"))
    for key, label in _LABELS.items():
        value = metadata.get(key)
        if isinstance(value, list):
            value = (" x " if key == "image_shape" else "<br>").join(map(str, value))
        if isinstance(value, dict):
            value = ", ".join(f"{part} {each}" for part, each in value.items())
        if value:
            rows.append((label, value))
        elif key in _ALWAYS:
            rows.append((label, "not stated"))
    return text + _table(("", ""), rows) + _measured(metadata.get("metrics") or {})


def _licence(licence):
    """The lines of the header that tell the Hub the licence."""
    if not licence:
        return ""
    known = str(licence).lower()
    if known in _HUB_LICENCES:
        return f"license: {known}\n"
    # JSON is YAML, whatever the name contains.
    return f"license: other\nlicense_name: {json.dumps(str(licence))}\n"


def _measured(metrics):
    """A table of figures; a figure may be a dict of its `value` and the `protocol` behind it."""
    if not metrics:
        return ""
    rows = []
    for label, figure in metrics.items():
        stated = figure if isinstance(figure, dict) else {"value": figure}
        protocol = stated.get("protocol") or ""
        if isinstance(protocol, dict):
            protocol = ", ".join(f"{key} {value}" for key, value in protocol.items())
        rows.append((label, stated.get("value"), protocol))
    if any(protocol for *_, protocol in rows):
        return "\n## Measured\n" + _table(("figure", "value", "protocol"), rows)
    return "\n## Measured\n" + _table(("figure", "value"), [row[:2] for row in rows])


def _table(heads, rows):
    lines = [f"| {' | '.join(heads)} |".replace("|  |  |", "| | |"), "|---" * len(heads) + "|"]
    lines += ["| " + " | ".join(_inline(cell) for cell in row) + " |" for row in rows]
    return "\n" + "\n".join(lines) + "\n"


def _inline(value):
    """Text that stays in its line and its cell."""
    return " ".join(str(value).split()).replace("|", "\\|")
