"""idx and read_idx: the file format of MNIST and its relatives."""

import gzip
import math
import os
import zlib

import numpy as np
from PIL import Image

from keras_gan.data import images as image_ops
from keras_gan.data.dataset import ImageDataset

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CHUNK = 1 << 20


def idx(
    images,
    labels=None,
    image_shape=None,
    batch_size=64,
    *,
    fit="resize",
    resample="lanczos",
    background=0,
    flip=False,
    shuffle=True,
    seed=0,
    drop_remainder=False,
    workers=1,
    max_queue_size=4,
):
    """Reads images and labels from IDX files, the format of MNIST, as a dataset.

    Args:
        images: Path of an IDX file, plain or gzipped, of `uint8` images `(num_images, height,
            width)` or `(num_images, height, width, channels)`.
        labels: Path of an IDX file of integer class ids `(num_images,)`, or None.
        image_shape: Tuple `(height, width, channels)` of the images wanted, with 1, 3 or 4
            channels; None, or None for one of the three, keeps that of the file.
        batch_size: Positive integer, images per batch.
        fit: How images get another height and width: "resize" scales them (the aspect ratio must
            stay), "pad" keeps every pixel and adds a border of `background` around them
            (28x28 in the middle of 32x32). For another aspect ratio, "center" crops and scales,
            "letterbox" scales and adds bars, "stretch" distorts.
        resample: Pillow's filter for resizing: "nearest", "box", "bilinear", "hamming", "bicubic"
            or "lanczos". All but "nearest" are antialiased.
        background: Colour name, gray value or `(r, g, b)` tuple in [0, 255] of the border, and
            what alpha is composited over. Defaults to black, as MNIST has it.
        flip: Whether to mirror images left-right with probability 1/2.
        shuffle: Whether each epoch has its own order, drawn from the seed.
        seed: Integer >= 0.
        drop_remainder: Whether to leave out a last batch of fewer than `batch_size` images.
        workers: Integer >= 0, threads that prepare batches ahead of time.
        max_queue_size: Positive integer, the most batches that are kept ready.

    Returns:
        `keras_gan.data.ImageDataset` of `uint8` images in [0, 255].

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file is damaged or an argument is not as described.

    Example:
    ```python
    import struct
    import keras_gan

    with open("images.idx3-ubyte", "wb") as file:  # two black images of 28x28
        file.write(struct.pack(">4B3I", 0, 0, 8, 3, 2, 28, 28) + bytes(2 * 28 * 28))
    dataset = keras_gan.data.idx("images.idx3-ubyte", image_shape=(32, 32, 1), fit="pad")
    ```
    """
    source = _Idx(images, labels, image_shape, fit, resample, background)
    return ImageDataset(
        source,
        batch_size,
        shuffle=shuffle,
        seed=seed,
        flip=flip,
        drop_remainder=drop_remainder,
        workers=workers,
        max_queue_size=max_queue_size,
    )


def read_idx(path):
    """Reads an IDX file, plain or gzipped, as a NumPy array.

    Args:
        path: File, a string or path.

    Returns:
        Array of the file's shape and dtype: `uint8`, `int8`, `int16`, `int32`, `float32` or
        `float64`, in native byte order.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not an IDX file, is truncated, or has bytes left over. Memory
            is only taken for bytes that are there, whatever the header claims.

    Example:
    ```python
    import struct
    import keras_gan

    with open("labels.idx1-ubyte", "wb") as file:
        file.write(struct.pack(">4BI3B", 0, 0, 8, 1, 3, 7, 2, 1))
    keras_gan.data.read_idx("labels.idx1-ubyte")  # array([7, 2, 1], dtype=uint8)
    ```
    """
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return _parse(gzip.GzipFile(fileobj=file) if zipped else file)
        except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"{os.fspath(path)} is not a valid IDX file: {error}. Download or write it again."
            ) from error


def _parse(file):
    magic = _read(file, 4, "magic number")
    if magic[:2] != b"\0\0" or magic[2] not in DTYPES:
        raise ValueError(
            f"it starts with bytes {magic.hex(' ')}, expected 00 00, a dtype code out of "
            f"{', '.join(f'{code:02x}' for code in DTYPES)}, and the number of dimensions"
        )
    dtype, ndim = np.dtype(DTYPES[magic[2]]), magic[3]
    if not 1 <= ndim <= 32:  # as many as NumPy 1 can hold
        raise ValueError(f"it claims {ndim} dimensions, expected 1 to 32")
    shape = np.frombuffer(_read(file, 4 * ndim, "sizes"), ">u4").tolist()
    data = _read(file, math.prod(shape) * dtype.itemsize, f"data of shape {tuple(shape)}")
    if file.read(1):
        raise ValueError(f"bytes are left over after the data of shape {tuple(shape)}")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read(file, size, what):
    # In chunks: `file.read(size)` would allocate what a damaged header claims.
    data = bytearray()
    while len(data) < size:
        chunk = file.read(min(_CHUNK, size - len(data)))
        if not chunk:
            raise ValueError(f"it is truncated: {len(data)} of {size} bytes of {what}")
        data += chunk
    return data


class _Idx:
    """The images of an IDX file as a source."""

    def __init__(self, images, labels, image_shape, fit, resample, background):
        image_ops.check_choice("fit", fit, ("resize", "pad", "center", "letterbox", "stretch"))
        image_ops.check_choice("resample", resample, image_ops.FILTERS)
        self.name = os.path.basename(images)
        self.fit = fit
        self.resample = resample
        self.background = image_ops.rgb(background)
        self.images = read_idx(images)
        if self.images.ndim == 3:
            self.images = self.images[..., None]
        shape = self.images.shape
        if self.images.dtype != "uint8" or len(shape) != 4 or shape[3] not in image_ops.MODES:
            raise ValueError(
                f"{images} must hold uint8 images of shape (num_images, height, width) or "
                "(num_images, height, width, channels) with 1, 3 or 4 channels. Received: "
                f"{self.images.dtype} of shape {shape}. Use `keras_gan.data.read_idx` and "
                "`keras_gan.data.arrays` for other data."
            )
        self.image_shape = image_ops.complete_shape(image_shape, shape[1:])
        self.labels = None
        if labels is not None:
            self.labels = read_idx(labels)
            if self.labels.shape != shape[:1]:
                raise ValueError(
                    f"{labels} must hold one label for each of the {shape[0]} images in {images}. "
                    f"Received: shape {self.labels.shape}."
                )
        height, width, _ = self.image_shape
        if fit == "pad" and (height < shape[1] or width < shape[2]):
            raise ValueError(
                f"`fit='pad'` cannot make images of {shape[1]}x{shape[2]} pixels smaller. "
                f"Received: image_shape={self.image_shape}. Use `fit='resize'`."
            )
        if fit == "resize" and height * shape[2] != width * shape[1]:
            raise ValueError(
                f"`fit='resize'` keeps the aspect ratio of {shape[1]}x{shape[2]} images. Received: "
                f"image_shape={self.image_shape}. Use another `fit` (`--crop`) or another "
                "`image_shape` (`--resolution`)."
            )

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        pixels = self.images[i]
        if pixels.shape == self.image_shape:
            return pixels
        height, width, channels = self.image_shape
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        image = image_ops.to_channels(image, channels, self.background)
        if self.fit == "pad":
            image = image_ops.place(image, (height, width), self.background)
        else:
            crop = {"resize": "stretch", "letterbox": "pad"}.get(self.fit, self.fit)
            image = image_ops.fit_size(image, (height, width), crop, self.resample, self.background)
        return image_ops.to_array(image)

    @property
    def protocol(self):
        return {
            "source": "idx",
            "path": self.name,
            "fit": self.fit,
            "resample": self.resample,
            "background": list(self.background),
        }
