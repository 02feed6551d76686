"""From seeds to latent vectors and classes, on the host, the same on every backend."""

import numpy as np

from keras_gan.checks import check_integer, check_positive, is_number

_MAX_SEED = 2**32 - 1
# Below it, drawing again until every entry fits takes too long.
_MIN_TRUNCATION = 0.02


def parse_seeds(seeds):
    """The list of seeds that the user means.

    Args:
        seeds: ints, or a str of numbers and ranges such as `"0-35"` or `"85,265,100-110"` (ranges
            include their end).

    Returns:
        A list of int in `[0, 2**32 - 1]`.

    Raises:
        ValueError: if a seed is no integer or out of range, a range runs backwards, or none is
            given.

    Example:
    ```python
    keras_gan.latents.parse_seeds("0-3,85")  # [0, 1, 2, 3, 85]
    ```
    """
    if isinstance(seeds, str):
        parsed = []
        for part in seeds.split(","):
            first, dash, last = part.strip().partition("-")
            try:
                first, last = int(first), int(last) if dash else int(first)
            except ValueError:
                raise ValueError(
                    "Seeds are numbers and ranges separated by commas, such as '0-35' or "
                    f"'85,265'. Received: {seeds!r}"
                ) from None
            if last < first or last - first >= 10**6:
                raise ValueError(
                    f"The range '{part.strip()}' must run upwards and hold at most a million "
                    f"seeds. Received: {seeds!r}"
                )
            parsed.extend(range(first, last + 1))
    elif np.iterable(seeds):
        parsed = list(seeds)
    else:
        parsed = [seeds]
    for seed in parsed:
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise ValueError(f"A seed is an integer. Received: {seed!r}")
        if not 0 <= seed <= _MAX_SEED:
            raise ValueError(f"A seed lies in [0, 2**32 - 1]. Received: {seed}")
    if not parsed:
        raise ValueError("No seeds given. Pass for example seeds=[85, 265] or seeds='0-35'.")
    return [int(seed) for seed in parsed]


def draw_seeds(count, seed=None):
    """Seeds for `count` images.

    Args:
        count: int >= 1.
        seed: int in [0, 2**32 - 1] that determines them (different values give unrelated seeds),
            or `None` for fresh ones.

    Returns:
        A list of `count` ints in `[0, 2**32 - 1]`.

    Raises:
        ValueError: if `count` or `seed` is out of range.

    Example:
    ```python
    keras_gan.latents.draw_seeds(4, seed=7)
    ```
    """
    check_integer("count", count, minimum=1)
    if seed is not None:
        (seed,) = parse_seeds([seed])
    state = np.random.SeedSequence(seed).generate_state(int(count), np.uint32)
    return [int(word) for word in state]


def from_seeds(seeds, latent_dim, truncation=None):
    """One latent vector from N(0, 1) for each seed: `RandomState(seed).randn(latent_dim)`.

    Args:
        seeds: ints or str, see `keras_gan.latents.parse_seeds`.
        latent_dim: int >= 1.
        truncation: float >= 0.02, or `None`. Entries of a magnitude above it are drawn again
            (from the same seed): fewer odd images, less variety.

    Returns:
        float32 array `(N, latent_dim)`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    z = keras_gan.latents.from_seeds([85, 265], latent_dim=100)
    ```

    Reference: Brock, Donahue, Simonyan (2018), BigGAN, arXiv:1809.11096 (the truncation trick).
    """
    seeds = parse_seeds(seeds)
    check_integer("latent_dim", latent_dim, minimum=1)
    if truncation is not None and not (is_number(truncation) and truncation >= _MIN_TRUNCATION):
        raise ValueError(
            "`truncation` is the largest magnitude of a latent entry, at least "
            f"{_MIN_TRUNCATION} (2 keeps 95 % of a normal distribution). Received: {truncation!r}"
        )
    latents = np.empty((len(seeds), latent_dim), "float32")
    for row, seed in zip(latents, seeds, strict=True):
        generator = np.random.RandomState(seed)
        row[:] = generator.randn(latent_dim)
        while truncation is not None and (outside := np.abs(row) > truncation).any():
            row[outside] = generator.randn(outside.sum())
    return latents


def uniform_from_seeds(seeds, latent_dim, limit):
    """One latent vector for each seed: `RandomState(seed).uniform(-limit, limit, latent_dim)`.

    Args:
        seeds: ints or str, see `keras_gan.latents.parse_seeds`.
        latent_dim: int >= 1.
        limit: float > 0, the largest magnitude of an entry.

    Returns:
        float32 array `(N, latent_dim)`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    z = keras_gan.latents.uniform_from_seeds([85, 265], latent_dim=100, limit=3**0.5)
    ```
    """
    seeds = parse_seeds(seeds)
    check_integer("latent_dim", latent_dim, minimum=1)
    check_positive("limit", limit)
    draws = [np.random.RandomState(seed).uniform(-limit, limit, latent_dim) for seed in seeds]
    return np.asarray(draws, "float32")


def parse_labels(labels, count, num_classes):
    """The class ids that the user means.

    Args:
        labels: int, the class of all images, or ints `(count,)`.
        count: int, number of images.
        num_classes: int.

    Returns:
        int32 array `(count,)`.

    Raises:
        ValueError: if a label is no integer in `[0, num_classes)`, or their number is another.

    Example:
    ```python
    keras_gan.latents.parse_labels(3, count=2, num_classes=10)  # array([3, 3])
    ```
    """
    is_list = np.iterable(labels) and not isinstance(labels, str)
    given = list(labels) if is_list else [labels] * count
    for label in given:
        if isinstance(label, bool) or not isinstance(label, (int, np.integer)):
            raise ValueError(
                f"`labels` is a class id, a list of class ids, or 'random'. Received: {label!r}"
            )
        if not 0 <= label < num_classes:
            raise ValueError(
                f"A label lies in [0, {num_classes - 1}], of {num_classes} classes. Received: "
                f"{label}"
            )
    if len(given) != count:
        raise ValueError(
            f"There is one label for each image, or one for all. Received: {len(given)} labels "
            f"for {count} images."
        )
    return np.asarray(given, "int32")


def labels_from_seeds(seeds, num_classes):
    """A random class for each seed: `RandomState([seed, 1]).randint(num_classes)`.

    The stream is another than that of the seed's latent, so that the two are independent.

    Args:
        seeds: ints or str, see `keras_gan.latents.parse_seeds`.
        num_classes: int >= 1.

    Returns:
        int32 array, a class for each seed.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    labels = keras_gan.latents.labels_from_seeds([85, 265], num_classes=10)
    ```
    """
    seeds = parse_seeds(seeds)
    check_integer("num_classes", num_classes, minimum=1)
    draws = [np.random.RandomState([seed, 1]).randint(num_classes) for seed in seeds]
    return np.asarray(draws, "int32")
