"""Features as the metrics take them: finite arrays (N, D) on the host."""

import keras
import numpy as np


def to_host(values):
    """The array of a tensor of any backend; arrays keep their precision."""
    return values if isinstance(values, np.ndarray) else keras.ops.convert_to_numpy(values)


def check_features(features, num_features=None):
    """An array of features, or an error that says what to do.

    Args:
        features: tensor or array `(N, D)` of floats, N >= 0.
        num_features: int, the D of those before, or `None`.

    Returns:
        float32 array, or float64 if such are given.

    Raises:
        ValueError: if the shape or type is another, or a number is not finite.
    """
    x = to_host(features)
    if x.ndim == 4:
        raise ValueError(
            "Expected features (N, D), but this is the shape of images. Pass `extractor=` to the "
            f"metric to have their features computed. Received: shape {x.shape}"
        )
    if x.ndim != 2 or not x.shape[1]:
        raise ValueError(f"Features have the shape (N, D), D >= 1. Received: shape {x.shape}")
    half = x.dtype.name in ("float16", "bfloat16")
    if not half and x.dtype not in (np.float32, np.float64):
        raise ValueError(
            "Features are floats. Convert them with `.astype('float32')` if these are features. "
            f"Received: dtype {x.dtype}"
        )
    if num_features not in (None, x.shape[1]):
        raise ValueError(
            f"All features of a metric come from one extractor. Received: {x.shape[1]} features "
            f"after {num_features}. Use `reset_state()` before those of another one."
        )
    x = x.astype("float32") if half else x
    finite = np.isfinite(x).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"The features of {np.sum(~finite)} of {len(x)} samples are NaN or infinite. Check the "
            "images that they come from: a generator that has diverged makes NaN; its scores "
            "cannot be compared with anything."
        )
    return x


def masked(rows, mask):
    """The rows where `mask` is true; all without one.

    Args:
        rows: array `(N, ...)`.
        mask: bool or 0/1 array `(N,)`, or `None`.

    Raises:
        ValueError: if the mask has another shape or other values.
    """
    if mask is None:
        return rows
    mask = to_host(mask)
    if mask.shape != (len(rows),) or not np.isin(mask, (0, 1)).all():
        raise ValueError(
            "`mask` has one value for each sample, true (1) for those that count and false (0) "
            f"for padding. Received: shape {mask.shape} for {len(rows)} samples"
        )
    return rows[mask.astype(bool)]
