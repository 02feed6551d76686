"""Images between files, arrays in [-1, 1] and uint8: the conventions of the whole library."""

import math
import pathlib

import numpy as np

from keras_gan.checks import check_integer
from keras_gan.files import atomic_file


def to_uint8(images):
    """Map images from [-1, 1] to the 256 grey levels, values outside clipped.

    Args:
        images: float array of any shape, nominally in [-1, 1].

    Returns:
        uint8 array of the same shape: `floor(127.5 * x + 128)`, as NVIDIA's generators do.

    Raises:
        ValueError: if a value is NaN or infinite.

    Example:
    ```python
    pixels = keras_gan.images.to_uint8(gan.predict(latents))
    ```
    """
    images = np.asarray(images, "float32")
    if not np.isfinite(images).all():
        raise ValueError(
            "The images contain NaN or infinite values: the network that made them has diverged. "
            "Go back to a checkpoint from before, or train with a lower learning rate."
        )
    return np.clip(np.floor(images * 127.5 + 128), 0, 255).astype("uint8")


def to_pil(images):
    """PIL images of a uint8 batch.

    Args:
        images: uint8 array `(N, H, W, C)` with 1, 3 or 4 channels.

    Returns:
        A list of `PIL.Image.Image` in mode L, RGB or RGBA.

    Raises:
        ValueError: if the batch has another shape or dtype.

    Example:
    ```python
    keras_gan.images.to_pil(gan.generate(4))[0].show()
    ```
    """
    from PIL import Image

    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            "Expected a uint8 array of shape (N, H, W, C) with 1, 3 or 4 channels. Received: dtype "
            f"{images.dtype}, shape {images.shape}"
        )
    # Pillow tells the mode from the shape.
    return [Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image) for image in images]


def converter(output_type):
    """The function from images in [-1, 1] to what the user asks for.

    Args:
        output_type: `"uint8"`, `"float"` (as they are) or `"pil"` (list of PIL images).

    Returns:
        Function of a float array `(N, H, W, C)`.

    Raises:
        ValueError: if `output_type` is none of these.

    Example:
    ```python
    pictures = keras_gan.images.converter("pil")(gan.predict(latents))
    ```
    """
    converters = {"uint8": to_uint8, "float": lambda x: x, "pil": lambda x: to_pil(to_uint8(x))}
    if output_type not in converters:
        raise ValueError(f"`output_type` is 'uint8', 'float' or 'pil'. Received: {output_type!r}")
    return converters[output_type]


def make_grid(images, columns=None):
    """Put a batch of images side by side.

    Args:
        images: uint8 array `(N, H, W, C)`.
        columns: int >= 1, images in a row; about the square root of N by default. Places left
            over in the last row are white (transparent in RGBA).

    Returns:
        uint8 array `(rows * H, columns * W, C)`.

    Raises:
        ValueError: if there is no image, or `columns` is out of range.

    Example:
    ```python
    grid = keras_gan.images.make_grid(gan.generate(36, seed=0), columns=6)
    keras_gan.images.save_png("grid.png", grid)
    ```
    """
    images = np.asarray(images)
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(
            f"A grid is made of images of shape (N, H, W, C) with N >= 1. Received: {images.shape}"
        )
    count, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(count)) if columns is None else columns
    check_integer("columns", columns, minimum=1)
    rows = math.ceil(count / columns)
    background = 0 if channels == 4 else 255
    grid = np.full((rows * columns, height, width, channels), background, images.dtype)
    grid[:count] = images
    grid = grid.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * height, columns * width, channels)


def save_png(path, image):
    """Write one image as a PNG file; the file is either complete or not there.

    Args:
        path: str or path of the file; its folder is created.
        image: uint8 array `(H, W, C)` with 1, 3 or 4 channels.

    Raises:
        ValueError: if the image has another shape or dtype.
        OSError: if the file cannot be written.

    Example:
    ```python
    keras_gan.images.save_png("out/seed0085.png", gan.generate(seeds=[85])[0])
    ```
    """
    (picture,) = to_pil(np.asarray(image)[None])
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        picture.save(temporary, format="PNG")
