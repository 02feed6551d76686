"""Truncation of styles: towards the mean, where images are typical."""

import math

import numpy as np

from keras_gan.checks import check_integer, check_number, finite_array


def truncate(ws, center, truncation, cutoff=None):
    """Styles pulled towards the mean style: fewer odd images, less variety.

    Args:
        ws: float array `(N, num_styles, style_dim)`, or without a cutoff also `(N, style_dim)`.
        center: float array `(style_dim,)`, the mean of w.
        truncation: float psi in `center + psi * (w - center)`; 1 keeps the styles, 0 is the mean,
            -1 its opposite side.
        cutoff: int, only that many styles, from the first, are pulled; `None` for all.

    Returns:
        float32 array of the shape of `ws`.

    Raises:
        ValueError: if `truncation` is no finite number, `cutoff` no integer >= 0, shapes do not
            fit, or an entry is no finite number.

    Example:
    ```python
    ws = keras_gan.latents.truncate(ws, center, 0.7)
    ```

    Reference: Karras, Laine, Aila (2018), arXiv:1812.04948.
    """
    check_number("truncation", truncation, minimum=-math.inf)
    if cutoff is not None:
        check_integer("truncation_cutoff", cutoff, minimum=0)
    truncated = np.array(finite_array("ws", ws))
    center = finite_array("center", center)
    styles = (3,) if cutoff is not None else (2, 3)
    if truncated.ndim not in styles or center.shape != truncated.shape[-1:]:
        raise ValueError(
            "Styles (N, num_styles, style_dim) are pulled towards a vector (style_dim,). Received: "
            f"ws of shape {truncated.shape}, center of shape {center.shape}"
        )
    truncated[:, :cutoff] = center + np.float32(truncation) * (truncated[:, :cutoff] - center)
    return truncated
