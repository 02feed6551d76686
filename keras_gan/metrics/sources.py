"""Where the images of an evaluation come from: files, arrays, data sets, or a generator."""

import hashlib
import os
import warnings

import keras
import numpy as np
from keras import ops

from keras_gan import images as image_arrays
from keras_gan import latents
from keras_gan.data import ImageDataset
from keras_gan.data import images as decoding
from keras_gan.data.folder import Folder
from keras_gan.data.handles import open_images, parse_handle
from keras_gan.data.zip_file import Zip


def open_source(data, batch_size=64):
    """The source of the images that `keras_gan.metrics.evaluate` is given.

    Args:
        data: folder or zip of images, which keep their sizes, or IDX file or `tfds:NAME[:SPLIT]`;
            uint8 or float array `(N, H, W, C)`; `keras_gan.data.ImageDataset`, whose images come in
            the order of its source without flips; or any other iterable of batches.
        batch_size: int >= 1.

    Returns:
        An object whose `batches()` yields uint8 arrays `(n, H, W, C)` or lists of images, the same
        ones each time; `protocol` is a dict of what is known of them.

    Raises:
        ValueError: if it is none of these.
        OSError: if files cannot be read.
    """
    if isinstance(data, (str, os.PathLike)):
        kind, place = parse_handle(data)
        containers = {"folder": Folder, "zip": Zip}
        if kind in containers:
            return _Files(containers[kind](place), batch_size)
        data = open_images(data, batch_size=batch_size)
    if isinstance(data, ImageDataset):
        return _Dataset(data, batch_size)
    if hasattr(data, "shape") and hasattr(data, "dtype"):
        return _Array(data, batch_size)
    if hasattr(data, "__iter__") or hasattr(data, "__getitem__"):
        return _Batches(data)
    raise ValueError(
        "Images are a folder, a zip, an IDX file or tfds:NAME, an array (N, H, W, C), or a data "
        f"set of batches. Received: {type(data).__name__}"
    )


class Generated:
    """Images that a model makes, always the same ones.

    Args:
        model: `keras_gan.GAN`.
        count: int >= 1.
        seed: int, of the latents' seeds.
        batch_size: int >= 1.
        **options: `truncation`, `labels`, `ema` of `keras_gan.GAN.generate`.
    """

    def __init__(self, model, count, seed, batch_size=64, **options):
        if model.num_classes is not None and options.get("labels") is None:
            options["labels"] = "random"
        self.count = count
        self.protocol = {"model": type(model).__name__, "seed": seed, **options}
        self._model, self._options, self._batch_size = model, options, batch_size
        self._seeds = latents.draw_seeds(count, seed)

    def batches(self):
        """Yields uint8 arrays `(n, H, W, C)`."""
        labels = self._options.get("labels")
        one_each = labels is not None and not isinstance(labels, (str, int, np.integer))
        for start in range(0, self.count, self._batch_size):
            part = slice(start, start + self._batch_size)
            options = dict(self._options, labels=labels[part]) if one_each else self._options
            yield self._model.generate(
                seeds=self._seeds[part], batch_size=self._batch_size, **options
            )


class _Source:
    """Batches of images, the same ones each time.

    Attributes:
        count: int, or `None` if that is not known beforehand.
        protocol: dict of JSON values.
        is_stream: bool, whether the images can be read only once.
    """

    count = None
    is_stream = False


class _Files(_Source):
    """Image files at their own sizes, which the rule of the extractor resizes."""

    def __init__(self, container, batch_size):
        self.count = len(container.names)
        self.protocol = container.protocol
        self._container, self._batch_size = container, batch_size

    def batches(self):
        names = self._container.names
        for start in range(0, len(names), self._batch_size):
            yield [self._read(name) for name in names[start : start + self._batch_size]]

    def _read(self, name):
        try:
            image = decoding.decode(self._container.open(name))
            gray = decoding.shape(image)[2] == 1
            return decoding.to_array(decoding.to_channels(image, 1 if gray else 3))
        except Exception as error:  # damaged files make Pillow raise nearly anything
            raise OSError(
                f"Cannot decode the image file {self._container.where(name)}: "
                f"{type(error).__name__}: {error}. Repair or remove it."
            ) from error


class _Dataset(_Source):
    """The images of a `keras_gan.data` set as they are, in the order of its source."""

    def __init__(self, dataset, batch_size):
        self.count = dataset.num_images
        left_out = ("flip", "shuffle", "seed", "count")
        self.protocol = {k: v for k, v in dataset.protocol.items() if k not in left_out}
        # Parts of other data sets (`split`) have their own source.
        self._plain = ImageDataset(dataset.source, batch_size, shuffle=False)

    def batches(self):
        for images, *_ in self._plain.batches(0):
            yield _to_uint8(images)


class _Array(_Source):
    """Images in memory."""

    def __init__(self, array, batch_size):
        if len(array.shape) != 4:
            raise ValueError(f"Images are (N, H, W, C). Received: shape {tuple(array.shape)}")
        self.count = int(array.shape[0])
        self.protocol = {"source": "array", "image_shape": [int(n) for n in array.shape[1:]]}
        self._array, self._batch_size = array, batch_size

    def batches(self):
        for start in range(0, self.count, self._batch_size):
            yield _to_uint8(self._array[start : start + self._batch_size])


class _Batches(_Source):
    """Batches of anything that Keras can fit: images first."""

    def __init__(self, data):
        self.protocol = {"source": type(data).__name__}
        self._data = data
        self.is_stream = hasattr(data, "__next__")

    def batches(self):
        data = self._data
        if isinstance(data, keras.utils.PyDataset):
            data = (data[i] for i in range(len(data)))
        for batch in data:
            images = batch[0] if isinstance(batch, (tuple, list)) else batch
            yield _to_uint8(images)


def _to_uint8(images):
    """uint8 as they are, floats in [-1, 1] as `gan.generate` rounds them."""
    images = images if isinstance(images, np.ndarray) else ops.convert_to_numpy(images)
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise ValueError(
            f"Images are uint8 in [0, 255] or floats in [-1, 1]. Received: dtype {images.dtype}"
        )
    images = np.asarray(images, "float32")
    low, high = (float(images.min()), float(images.max())) if images.size else (0.0, 0.0)
    # Generators in half precision may overshoot by a rounding.
    if low < -1.001 or high > 1.001:
        raise ValueError(
            f"Float images are in [-1, 1]. Received: [{low:g}, {high:g}]. Rescale them, or pass "
            "uint8."
        )
    if low >= 0 and high > 0:
        warnings.warn(
            f"Float images are taken for [-1, 1], and none of {len(images)} is darker than middle "
            "grey anywhere. If they are in [0, 1], pass `2 * images - 1`, or uint8."
        )
    return image_arrays.to_uint8(images)


def first(batches, count):
    """The first `count` images of batches, in batches; all of them if it is `None`."""
    if count is None:
        yield from batches
        return
    for batch in batches:
        if count <= 0:
            return
        yield batch[:count]
        count -= len(batch)


class Fingerprint:
    """The SHA-256 of images: of all pixels and shapes, however they are batched."""

    def __init__(self):
        self._digest = hashlib.sha256()
        self.count = 0

    def of(self, batches):
        """Yields the batches that pass by."""
        for batch in batches:
            for image in batch:
                self._digest.update(str(image.shape).encode())
                self._digest.update(np.ascontiguousarray(image))
            self.count += len(batch)
            yield batch

    def hexdigest(self):
        """Str, of what has passed by."""
        return self._digest.hexdigest()
