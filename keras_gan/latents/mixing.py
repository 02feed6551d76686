"""Style mixing: coarse styles of one image, fine ones of another."""

from typing import NamedTuple

import numpy as np

from keras_gan import images
from keras_gan.checks import check_integer
from keras_gan.latents.seeds import parse_seeds
from keras_gan.latents.styles import check_has_styles, images_in_batches, parse_layers


class Mixture(NamedTuple):
    """What `keras_gan.latents.mix` returns: uint8 images.

    Attributes:
        images: `(R, C, H, W, channels)`, the mixtures.
        rows: `(R, H, W, channels)`, the originals of the rows.
        columns: `(C, H, W, channels)`, the originals of the columns.

    Example:
    ```python
    mixture = keras_gan.latents.mix(gan, rows=[85, 100], columns=[55, 821], styles="0-6")
    ```
    """

    images: np.ndarray
    rows: np.ndarray
    columns: np.ndarray

    def grid(self):
        """One image `((R + 1) * H, (C + 1) * W, channels)`, the originals along its edges."""
        corner = np.zeros_like(self.rows[:1])
        lines = [corner, self.columns]
        for original, mixed in zip(self.rows, self.images, strict=True):
            lines += [original[None], mixed]
        return images.make_grid(np.concatenate(lines), columns=len(self.columns) + 1)


def mix(
    gan,
    rows,
    columns,
    styles="0-6",
    *,
    label=None,
    truncation=None,
    truncation_cutoff=None,
    noise="const",
    batch_size=16,
    ema=True,
):
    """Images with the styles of the rows' seeds, some of them replaced by the columns'.

    Coarse styles (`"0-3"`) take pose and shape from the column, those in the middle features, fine
    ones colours.

    Args:
        gan: `keras_gan.StyleGAN2`, or another model with styles.
        rows: seeds as `keras_gan.GAN.generate` takes them.
        columns: the same.
        styles: list of int, or str such as `"0-6"`: the numbers of the styles that are the
            column's, from 0, the coarsest.
        label: int, the class of all images of a conditional model.
        truncation: float, see `keras_gan.latents.truncate`; `None` for none.
        truncation_cutoff: int, see there.
        noise: `"const"`, `"random"` (that of the row's seed) or `"none"`.
        batch_size: int, images computed at once.
        ema: bool, use the averaged generator.

    Returns:
        `keras_gan.latents.Mixture`.

    Raises:
        ValueError: if the model has no styles, or an argument is out of range.

    Example:
    ```python
    mixture = keras_gan.latents.mix(gan, [85, 100], [55, 821], "0-3", truncation=0.7)
    keras_gan.images.save_png("grid.png", mixture.grid())
    ```

    Reference: Karras, Laine, Aila (2018), A Style-Based Generator Architecture for Generative
    Adversarial Networks, arXiv:1812.04948.
    """
    check_has_styles(gan)
    check_integer("batch_size", batch_size, minimum=1)
    rows, columns = parse_seeds(rows), parse_seeds(columns)
    taken = parse_layers(styles, gan.num_styles)
    seeds = rows + columns
    originals = gan.styles_from_seeds(seeds, label, truncation, truncation_cutoff, ema=ema)
    of_rows, of_columns = originals[: len(rows)], originals[len(rows) :]
    mixed = np.repeat(of_rows[:, None], len(columns), axis=1)
    mixed[:, :, taken] = of_columns[None][:, :, taken]
    made = images_in_batches(
        gan,
        np.concatenate([originals, mixed.reshape(-1, *originals.shape[1:])]),
        batch_size,
        seeds=seeds + [seed for seed in rows for _ in columns],
        noise=noise,
        ema=ema,
    )
    made = np.concatenate(list(made))
    shape = (len(rows), len(columns), *made.shape[1:])
    return Mixture(
        made[len(seeds) :].reshape(shape), made[: len(rows)], made[len(rows) : len(seeds)]
    )
