"""The card of a preset: README.md with the facts of its metadata, in the form that hubs show."""

_TEMPLATE = """---
library_name: keras
license: {licence_id}
tags:
- gan
- image-generation
- keras
---

# {name}

{description}

```python
import keras_gan

gan = keras_gan.{class_name}.from_preset("{name}")
images = gan.generate(16, seed=0)
```
"""

_LABELS = {
    "image_shape": "Images (height, width, channels)",
    "dataset": "Training data",
    "dataset_licence": "Licence of the training data",
    "licence": "Licence of the weights",
    "recipe": "Recipe",
    "training": "Training",
    "weaknesses": "What is still weak",
}


def render(name, metadata):
    """The text of a card.

    Args:
        name: str, the preset's name.
        metadata: dict, see `keras_gan.GAN.save_to_preset`.

    Returns:
        Markdown text.
    """
    text = _TEMPLATE.format(
        name=name,
        class_name=metadata["class_name"],
        description=metadata.get("description") or "No description was given.",
        licence_id=str(metadata.get("licence") or "other").lower(),
    )
    if metadata.get("samples"):
        text += f"\n![samples]({metadata['samples']})\n"
    parameters = ", ".join(f"{role} {n:,}" for role, n in metadata["parameters"].items())
    rows = [("Parameters", parameters)]
    for key, label in _LABELS.items():
        value = metadata.get(key)
        if value:
            value = " x ".join(map(str, value)) if isinstance(value, list) else value
            rows.append((label, value))
    text += "\n| | |\n|---|---|\n" + "".join(f"| {label} | {value} |\n" for label, value in rows)
    if metadata.get("metrics"):
        text += "\n## Measured\n\n| figure | value |\n|---|---|\n"
        text += "".join(f"| {label} | {value} |\n" for label, value in metadata["metrics"].items())
    return text
