"""Images as the metrics on pixels take them: uint8 on the host."""

import numpy as np

from keras_gan.metrics.feature_arrays import to_host


def check_uint8_images(images, shape=None):
    """A uint8 array of images in colour, or an error that says what to do.

    Args:
        images: uint8 tensor or array `(N, H, W, C)` with one or three channels.
        shape: tuple `(H, W, C)` of those before, in colour, or `None`.

    Returns:
        uint8 array `(N, H, W, 3)`, gray images repeated on the channels.

    Raises:
        ValueError: if the type, shape or number of channels is another.
    """
    x = to_host(images)
    if x.dtype != np.uint8:
        raise ValueError(
            "Images are uint8. Convert those in [-1, 1] with `keras_gan.images.to_uint8`. "
            f"Received: dtype {x.dtype}"
        )
    if x.ndim != 4 or x.shape[-1] not in (1, 3):
        raise ValueError(
            f"Images have the shape (N, H, W, C) with 1 or 3 channels. Received: shape {x.shape}"
        )
    x = np.repeat(x, 3, axis=-1) if x.shape[-1] == 1 else x
    if shape not in (None, x.shape[1:]):
        raise ValueError(
            f"All images of a metric have one size. Received: {x.shape[1:3]} after {shape[:2]}"
        )
    return x
