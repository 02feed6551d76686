"""Decoding one image and fitting it into a shape: pure functions on Pillow images."""

import numpy as np
from PIL import Image, ImageColor, ImageOps

from keras_gan.checks import check_integer

# Pillow widens every filter but "nearest" by the reduction factor: all are antialiased.
FILTERS = {
    name: getattr(Image.Resampling, name.upper())
    for name in ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
}
CROPS = ("center", "none", "stretch", "pad")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
WHITE = (255, 255, 255)


def check_choice(name, value, accepted):
    """Raises a ValueError unless `value` is one of `accepted`."""
    if value not in accepted:
        raise ValueError(f"`{name}` must be one of {list(accepted)}. Received: {value!r}")


def complete_shape(image_shape, own):
    """Returns `image_shape`, None or with None for some entries, completed by the shape `own`.

    Raises:
        ValueError: If it is not `(height, width, channels)`.
    """
    image_shape = (None,) * 3 if image_shape is None else image_shape
    if not isinstance(image_shape, (tuple, list)) or len(image_shape) != 3:
        raise ValueError(
            "`image_shape` must be (height, width, channels), channels last, e.g. (64, 64, 3). "
            f"Received: {image_shape!r}"
        )
    completed = [b if a is None else a for a, b in zip(image_shape, own, strict=True)]
    for size in completed:
        check_integer("image_shape", size, minimum=1)
    if completed[2] not in MODES:
        raise ValueError(
            "`image_shape` must end with 1 (gray), 3 (RGB) or 4 (RGBA) channels, e.g. "
            f"(64, 64, 3). Received: {tuple(image_shape)}"
        )
    return tuple(int(size) for size in completed)


def rgb(background):
    """Returns a background (None, name, gray value, `(gray,)` or `(r, g, b)`) as `(r, g, b)`."""
    if isinstance(background, str):
        color = ImageColor.getrgb(background)  # a ValueError names an unknown colour
    elif isinstance(background, (tuple, list)):
        color = tuple(background) * (3 if len(background) == 1 else 1)
    else:
        color = (background,) * 3
    if len(color) != 3 or not all(
        isinstance(v, (int, np.integer)) and not isinstance(v, bool) and 0 <= v <= 255
        for v in color
    ):
        raise ValueError(
            "`background` must be a colour name, a gray value or an (r, g, b) tuple of integers "
            f"in [0, 255]. Received: {background!r}"
        )
    return tuple(int(v) for v in color)


def decode(file):
    """Returns the first frame of an image file (a path or binary stream), upright and loaded.

    Raises nearly anything if the file is damaged: SyntaxError, struct.error, IndexError...
    """
    with Image.open(file) as image:
        limit = Image.MAX_IMAGE_PIXELS
        if limit is not None and image.width * image.height > limit:
            raise Image.DecompressionBombError(
                f"{image.width}x{image.height} pixels are more than "
                f"PIL.Image.MAX_IMAGE_PIXELS = {limit}"
            )
        # Also loads the pixels, which is where truncated data shows.
        return ImageOps.exif_transpose(image)


def shape(image):
    """Returns `(height, width, channels)` that hold all of a Pillow image of any mode."""
    if image.has_transparency_data:
        channels = 4
    else:
        channels = 1 if image.mode.startswith(("1", "L", "I", "F")) else 3
    return image.height, image.width, channels


def to_channels(image, channels, background=WHITE):
    """Converts a Pillow image of any mode to gray (1), RGB (3) or RGBA (4).

    - Gray of 16 bits is divided by 257 and rounded; Pillow itself reads 16-bit RGB as the high
      byte of each value. 32-bit integers (`I`) must hold 16-bit values, floats (`F`) gray in
      [0, 1], which is multiplied by 255; anything else is a ValueError.
    - Transparency, that of palettes and single transparent colours included, is composited over
      `background` unless there are 4 channels; opaque alpha is added if there are.
    - RGB becomes gray by ITU-R 601 luma, gray becomes RGB by repetition. CMYK and other colour
      spaces go through Pillow's RGB conversion; colour profiles are ignored.

    Args:
        image: `PIL.Image.Image`.
        channels: 1, 3 or 4.
        background: Tuple `(r, g, b)` of integers in [0, 255].

    Returns:
        `PIL.Image.Image` of mode `L`, `RGB` or `RGBA`.

    Raises:
        ValueError: If 32-bit or float values are out of range.
    """
    if image.mode.startswith(("I", "F")):
        image = _to_8_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if channels != 4:
            canvas = Image.new("RGBA", image.size, background)
            image = Image.alpha_composite(canvas, image).convert("RGB")
    return image.convert(MODES[channels])


def _to_8_bits(image):
    values = np.asarray(image)
    if image.mode == "F":
        scale, limit, kind = 255.0, 1, "float"
    else:
        scale, limit, kind = 1 / 257, 65535, "integer"
    # Written so that NaN fails.
    if not (values.min() >= 0 and values.max() <= limit):
        raise ValueError(
            f"Gray {kind} images (Pillow mode {image.mode}) must lie in [0, {limit}]. Received: "
            f"values from {values.min()} to {values.max()}. Save the image with 8 or 16 bits."
        )
    gray = Image.fromarray(np.rint(values * scale).astype("uint8"))
    transparent = image.info.get("transparency")
    if transparent is not None:
        gray.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype("uint8")))
    return gray


def fit_size(image, size, crop="center", resample="lanczos", background=WHITE):
    """Brings an image of mode `L`, `RGB` or `RGBA` to a size.

    Alpha is premultiplied while resizing (by Pillow), so that transparent pixels do not bleed.

    Args:
        image: `PIL.Image.Image`.
        size: Tuple `(height, width)`.
        crop: "center" (largest centred crop of the target's aspect ratio, in whole pixels; of an
            odd excess the right or bottom side loses one more), "none" (the aspect ratio must be
            the target's), "stretch" or "pad" (letterbox, with bars of `background`, which are
            transparent in RGBA).
        resample: A name in `FILTERS`.
        background: Tuple `(r, g, b)` of integers in [0, 255].

    Returns:
        `PIL.Image.Image` of the same mode.

    Raises:
        ValueError: If `crop="none"` and the aspect ratios differ.
    """
    height, width = size
    method = FILTERS[resample]
    same_aspect = image.width * height == image.height * width
    if crop == "stretch" or same_aspect:
        return image.resize((width, height), method)
    if crop == "none":
        raise ValueError(
            f"The image of {image.height}x{image.width} pixels (height x width) does not have the "
            f"aspect ratio of {height}x{width}. Choose how to fit it: 'center' crops, 'pad' adds "
            "bars, 'stretch' distorts."
        )
    wider = image.width * height > image.height * width
    if crop == "center":
        crop_width = max(1, round(image.height * width / height)) if wider else image.width
        crop_height = image.height if wider else max(1, round(image.width * height / width))
        left, top = (image.width - crop_width) // 2, (image.height - crop_height) // 2
        box = (left, top, left + crop_width, top + crop_height)
        return image.crop(box).resize((width, height), method)
    inner_width = width if wider else max(1, round(image.width * height / image.height))
    inner_height = max(1, round(image.height * width / image.width)) if wider else height
    inner = image.resize((inner_width, inner_height), method)
    return place(inner, size, background)


def place(image, size, background):
    """Puts an image in the middle of a canvas of `size` `(height, width)`.

    The canvas is transparent in RGBA. Of an odd excess, the right or bottom gets one more pixel.
    """
    height, width = size
    color = (0, 0, 0, 0) if image.mode == "RGBA" else background
    canvas = Image.new("RGB" if image.mode == "L" else image.mode, (width, height), color)
    canvas = canvas.convert(image.mode)
    canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    return canvas


def to_array(image):
    """Returns a Pillow image as a `uint8` array `(height, width, channels)`."""
    return np.asarray(image).reshape(image.height, image.width, -1)
