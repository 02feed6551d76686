"""What metrics accept as images, and the rounding that belongs to every comparable number."""

import numpy as np
from keras import ops

# What is added to a number of grey levels, and what then makes it an integer.
_ROUNDING = {"half_up": (0.5, np.floor), "half_even": (0.0, np.round), "truncate": (0.0, np.floor)}
# Rounding of generators in half precision, as a share of the range.
_SLACK = 1e-3


def to_pixels(images, value_range=None, quantization="half_up"):
    """The pixels of images as metrics compare them: grey levels in [0, 255].

    uint8 images are what they are. Floats need their range stated, and are rounded as NVIDIA's
    generators and `gan.generate` round: `floor(127.5 * x + 128)` of [-1, 1]. Without rounding,
    features move in the fourth digit.

    Args:
        images: array or tensor `(N, H, W, C)` with 1 or 3 channels, uint8 or float; or a list of
            images `(H, W, C)` that may differ in size.
        value_range: pair of float, what black and white are: `(-1, 1)` for a generator's output.
            For floats only.
        quantization: `"half_up"` as above; `"half_even"`, as `round`; `"truncate"`, as code that
            casts without rounding (half a level darker); `None` to leave floats as they are.

    Returns:
        uint8 array `(N, H, W, C)`, or a list for a list; float32 in [0, 255] of floats where
        `quantization` is `None`.

    Raises:
        ValueError: if the images are of another type, shape or range, or what floats mean is not
            stated.

    Example:
    ```python
    pixels = keras_gan.metrics.to_pixels(generator(latents), value_range=(-1, 1))
    ```

    Reference: Karras et al. (2020), Training Generative Adversarial Networks with Limited Data,
    arXiv:2006.06676 (the rounding).
    """
    check_quantization(quantization)
    if isinstance(images, (list, tuple)):
        if not images:
            raise ValueError("There are no images: `images` is empty.")
        return [
            _to_pixels(_as_array(image)[None], value_range, quantization)[0] for image in images
        ]
    return _to_pixels(_as_array(images), value_range, quantization)


def check_quantization(quantization):
    """Raises a ValueError unless `quantization` is the name of one, or `None`."""
    if quantization is not None and quantization not in _ROUNDING:
        raise ValueError(
            f"`quantization` is one of {list(_ROUNDING)}, or None. Received: {quantization!r}"
        )


def _as_array(images):
    return images if isinstance(images, np.ndarray) else np.asarray(ops.convert_to_numpy(images))


def _to_pixels(images, value_range, quantization):
    if images.ndim != 4 or images.shape[3] not in (1, 3):
        remedy = "Draw images with transparency onto a background first."
        if images.ndim == 4 and images.shape[1] in (1, 3):
            remedy = "Move the channels to the end: images.transpose(0, 2, 3, 1)."
        raise ValueError(
            "Images are (N, height, width, channels) with 1 (gray) or 3 (RGB) channels. Received: "
            f"shape {images.shape}. {remedy}"
        )
    if 0 in images.shape:
        raise ValueError(f"There are no images: the shape is {images.shape}.")
    if images.dtype == np.uint8:
        return images
    # NumPy counts bfloat16 as none of its own types.
    if images.dtype.kind in "biuc":
        raise ValueError(
            f"Images are uint8, or floats with a `value_range`. Received: {images.dtype}. Write "
            "images.astype('uint8') if these are grey levels from 0 to 255."
        )
    images = images.astype("float32")
    low, high = _checked_range(value_range, images)
    scale, black = 255 / (high - low), -255 * low / (high - low)
    if quantization is None:
        return np.clip(images * np.float32(scale) + np.float32(black), 0, 255)
    added, to_integer = _ROUNDING[quantization]
    # One product and one sum, as NVIDIA's 127.5 x + 128.
    levels = to_integer(images * np.float32(scale) + np.float32(black + added))
    return np.clip(levels, 0, 255).astype("uint8")


def _checked_range(value_range, images):
    darkest, brightest = float(images.min()), float(images.max())
    if not np.isfinite([darkest, brightest]).all():
        raise ValueError(
            "The images contain NaN or infinite values. Look for the network or the step that made "
            "them; a metric of them would be NaN, too."
        )
    if value_range is None:
        raise ValueError(
            "What the floats mean is not stated: pass `value_range`, such as (-1, 1) for a "
            "generator's output, (0, 1) or (0, 255), or uint8 images. Received: floats in "
            f"[{darkest:.4g}, {brightest:.4g}]"
        )
    try:
        low, high = (float(bound) for bound in value_range)
    except (TypeError, ValueError):
        low = high = 0.0
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(
            "`value_range` is a pair of numbers (black, white), such as (-1, 1). Received: "
            f"{value_range!r}"
        )
    slack = _SLACK * (high - low)
    if darkest < low - slack or brightest > high + slack:
        raise ValueError(
            f"The images lie in [{darkest:.4g}, {brightest:.4g}], outside of `value_range="
            f"{(low, high)}`. State the range that they have, or clip them if the generator "
            "overshoots."
        )
    return low, high
