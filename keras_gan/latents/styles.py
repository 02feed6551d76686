"""What the tools for styles share: which models have some, statistics of w, images in batches."""

import numpy as np

from keras_gan import backend
from keras_gan.latents.seeds import parse_labels, parse_seeds

_BATCH = 1000


def check_has_styles(gan):
    """Raises a ValueError unless the model makes images from styles."""
    if not hasattr(gan, "generate_from_styles"):
        raise ValueError(
            f"{type(gan).__name__} has no styles w. Use a style-based model, such as "
            "`keras_gan.StyleGAN2`."
        )


def parse_layers(layers, num_styles):
    """The numbers of the styles that the user means.

    Args:
        layers: list of int, or a str such as `"0-6"`, as seeds are given; `None` for all.
        num_styles: int, how many there are.

    Returns:
        Sorted list of int, none twice.

    Raises:
        ValueError: if a number is not that of a style.
    """
    if layers is None:
        return list(range(num_styles))
    try:
        parsed = sorted(set(parse_seeds(layers)))
    except ValueError:
        parsed = None
    if parsed is None or parsed[-1] >= num_styles:
        raise ValueError(
            f"The model has the styles 0-{num_styles - 1}, from the coarsest to the finest. "
            f"Received: {layers!r}"
        )
    return parsed


def sampled_styles(gan, count, seed, label=None):
    """Vectors w of `count` latents from `RandomState(seed)`, in batches.

    Args:
        gan: a model with styles.
        count: int.
        seed: int.
        label: int, the class of a conditional model, else `None`.

    Yields:
        float32 arrays `(n, style_dim)`.

    Raises:
        ValueError: if `label` is missing, no class id, or given to a model without classes.
    """
    if gan.num_classes is None and label is not None:
        raise ValueError(f"{type(gan).__name__} knows no classes. Received: label={label!r}")
    if np.iterable(label):
        raise ValueError(f"`label` is one class id, that of all styles. Received: {label!r}")
    labels = None
    if gan.num_classes is not None:
        if label is None:
            raise ValueError(
                f"The styles of a conditional model are those of a class. Pass `label`, one of "
                f"{gan.num_classes} classes."
            )
        labels = parse_labels(label, count, gan.num_classes)
    # In the middle of `fit` a backend may hold the weights elsewhere.
    backend.sync(gan)
    random = np.random.RandomState(seed)
    for start in range(0, count, _BATCH):
        length = min(_BATCH, count - start)
        inputs = z = random.randn(length, gan.latent_dim)
        if labels is not None:
            inputs = [z, labels[start : start + length]]
        yield backend.predict(gan.ema_generator.mapping, inputs, length)


def images_in_batches(gan, ws, batch_size, seeds=None, **options):
    """Images of styles a batch at a time, so that no more than one is held as floats.

    Args:
        gan: a model with styles.
        ws: float array `(N, num_styles, style_dim)`.
        batch_size: int.
        seeds: list of N int, of random noise, or `None`.
        **options: of `gan.generate_from_styles`.

    Yields:
        uint8 arrays `(n, H, W, C)`.
    """
    batch_size = min(batch_size, len(ws))
    for start in range(0, len(ws), batch_size):
        # Every batch is as large as the first, for which the network is compiled.
        chosen = np.minimum(np.arange(start, start + batch_size), len(ws) - 1)
        made = gan.generate_from_styles(
            ws[chosen],
            seeds=None if seeds is None else [seeds[i] for i in chosen],
            batch_size=batch_size,
            **options,
        )
        yield made[: len(ws) - start]
