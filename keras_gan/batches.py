"""Whatever a user hands to `fit` or `evaluate`, checked.

Keras lets a model's `fit` receive a data adapter of one's own; its base classes are not documented
and come from `keras.src` (tests/test_batches.py pins what is used).
"""

import itertools
import os

import keras
import numpy as np
from keras import tree
from keras.src.trainers.data_adapters import get_data_adapter
from keras.src.trainers.data_adapters.array_data_adapter import can_convert_arrays
from keras.src.trainers.data_adapters.data_adapter import DataAdapter

from keras_gan.checks import check_integer
from keras_gan.data import ImageDataset
from keras_gan.distribution import OneReplica
from keras_gan.training_batches import TrainingBatches, as_tuple


def adapt(x, y=None, *, batch_size=None, packing=1, check=None, replicas=OneReplica):
    """The data adapter for `evaluate`.

    Args:
        x: images, or whatever Keras accepts as a data set.
        y: labels beside arrays.
        batch_size: int, images in one batch; for arrays only (32 by default).
        packing: int >= 1, of which every batch holds a multiple of images.
        check: function called with the arrays or the first batch, on the host; raises if the model
            cannot use it.
        replicas: `keras_gan.backend.Replicas` that share each batch.

    Returns:
        A Keras data adapter, with what it was made of as its attribute `images`.

    Raises:
        ValueError: if `x` is neither arrays nor a data set, holds nothing, or does not go with the
            other arguments.
    """
    if isinstance(x, DataAdapter):
        return x
    if replicas.count > 1 or packing > 1:
        adapter = for_training(
            x, y, batch_size=batch_size, packing=packing, check=check, replicas=replicas
        )
    else:
        x, _ = _checked(x, y, batch_size, check)
        is_array = can_convert_arrays((x, y))
        adapter = get_data_adapter(x=x, y=y, batch_size=(batch_size or 32) if is_array else None)
    adapter.images = x
    return adapter


def for_training(
    x,
    y=None,
    *,
    batch_size=None,
    shuffle=False,
    group=1,
    seed=(0,),
    steps_per_epoch=None,
    packing=1,
    check=None,
    replicas=OneReplica,
):
    """The data adapter for `fit`.

    Args:
        x: images, or whatever Keras accepts as a data set.
        y: labels beside arrays.
        batch_size: int, images in one batch; for arrays only (32 by default).
        shuffle: bool, for arrays and for data sets that do not order themselves.
        group: int, consecutive batches to concatenate into one.
        seed: ints that the order is drawn from.
        steps_per_epoch: int, or `None` for epochs of one pass.
        packing: as in `adapt`.
        check: as in `adapt`.
        replicas: as in `adapt`.

    Returns:
        A `TrainingBatches`.

    Raises:
        ValueError: as `adapt`, and if the data does not fill one group, or a batch does not divide
            into the replicas' equal shares or into packs.
    """
    x, first = _checked(x, y, batch_size, check)
    if steps_per_epoch is not None:
        check_integer("steps_per_epoch", steps_per_epoch, minimum=1)
    return TrainingBatches(
        x,
        y,
        first,
        group,
        batch_size or 32,
        shuffle,
        list(seed),
        steps_per_epoch,
        packing,
        replicas,
    )


def _checked(x, y, batch_size, check):
    """`(x, first batch)`, or an error that says why `x` cannot be used."""
    if x is None or isinstance(x, (str, bytes, os.PathLike)):
        raise ValueError(
            "Images come as arrays or a data set; a folder is read with "
            f"`keras_gan.data.image_folder(path, image_shape=...)`. Received: {x!r}"
        )
    if isinstance(x, (list, tuple)) and not can_convert_arrays((x,)):
        raise ValueError(
            "A list or tuple must hold arrays. To train on a data set, pass the data set itself. "
            f"Received: {[type(item).__name__ for item in x]}"
        )
    is_array = can_convert_arrays((x, y))
    if y is not None and not is_array:
        raise ValueError(
            "Labels beside the images are an array that goes with an array; a data set yields "
            f"`(images, labels)`. Received: images as {type(x).__name__}, labels as "
            f"{type(y).__name__}."
        )
    if y is not None and len(x) != len(y):
        raise ValueError(
            f"There is one label for each image. Received: {len(x)} images and {len(y)} labels."
        )
    if batch_size is not None:
        check_integer("batch_size", batch_size, minimum=1)
    if batch_size is not None and not is_array:
        raise ValueError(
            f"`batch_size` goes with arrays. Received: batch_size={batch_size} with a "
            f"{type(x).__name__}, which makes its own batches."
        )
    first, x = _first_batch(x, y, batch_size or 32, is_array)
    if check is not None:
        # All of an array: looking at its first images only would let others pass.
        if is_array:
            check((x,) if y is None else (x, y))
        elif isinstance(x, ImageDataset) and x.labels is not None:
            check((first[0], x.labels))
        else:
            check(first)
    return x, first


def check_images(batch, image_shape):
    """Refuse images that networks would misread.

    Args:
        batch: tuple of arrays, images first: uint8, or float in [-1, 1].
        image_shape: `(height, width, channels)` that the networks take, or the shape of samples
            that are no images, such as `(2,)` of points.

    Raises:
        ValueError: if structure, dtype, shape or range of the images is another.
    """
    if isinstance(batch[0], (dict, list, tuple)) or len(batch) > 2:
        raise ValueError(
            "The data is arrays of images or yields `images` or `(images, labels)`; sample "
            f"weights are not used. Received: {_structure(batch)}"
        )
    x = keras.ops.convert_to_numpy(batch[0])
    if x.shape[1:] != image_shape:
        raise ValueError(_shape_error(x.shape, image_shape))
    if not len(x):
        raise ValueError(f"There are no images. Received: an array of shape {x.shape}.")
    low = check_range(x)
    if low is not None and low >= 0 and len(image_shape) == 3:
        raise ValueError(
            f"Float images lie in [-1, 1], with black at -1. Received: values from {low:g} to "
            f"{x.max():g}, which looks like [0, 1]. Scale them with x * 2 - 1."
        )


def check_range(x):
    """Refuse images of a type or with values that are neither uint8 nor in [-1, 1].

    Args:
        x: array of images, not empty.

    Returns:
        The smallest value of floats, `None` for uint8.

    Raises:
        ValueError: if the dtype is another, or a value is out of range.
    """
    if x.dtype == np.uint8:
        return None
    if not np.issubdtype(x.dtype, np.floating) and x.dtype.name != "bfloat16":
        raise ValueError(
            f"Images are uint8 in [0, 255] or float in [-1, 1]. Received: dtype {x.dtype}. "
            "Convert them, for example with `.astype('uint8')`."
        )
    low, high = float(x.min()), float(x.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(
            "Float images lie in [-1, 1]. Received: NaN or infinite values. Look at how they "
            "are made; `np.isfinite(x).all(axis=(1, 2, 3))` tells which are sound."
        )
    if low < -1.001 or high > 1.001:
        raise ValueError(
            f"Float images lie in [-1, 1]. Received: values from {low:g} to {high:g}. Pass "
            "uint8 images instead, or scale them with x / 127.5 - 1."
        )
    return low


def check_labels(batch, num_classes):
    """Refuse labels that are not the classes of a conditional model.

    Args:
        batch: tuple of arrays: images, then integer class ids `(N,)`.
        num_classes: int.

    Raises:
        ValueError: if there are no labels, or they are of another type, shape or range.
    """
    if len(batch) < 2 or batch[1] is None:
        raise ValueError(
            f"A conditional model is trained on images and labels: `fit(images, labels)`, or a "
            f"data set that yields `(images, labels)`. It has {num_classes} classes. Received: "
            "images without labels."
        )
    labels = keras.ops.convert_to_numpy(batch[1])
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        remedy = "Convert them, for example with `.astype('int32')`."
        if labels.ndim == 2:
            remedy = "Use `labels.argmax(axis=1)` on one-hot rows, `labels[:, 0]` on a column."
        raise ValueError(
            f"Labels are integer class ids of shape (N,). Received: {labels.dtype} of shape "
            f"{labels.shape}. {remedy}"
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"Labels lie in [0, {num_classes - 1}], of {num_classes} classes. Received: labels "
            f"from {labels.min()} to {labels.max()}. Make the model with another `num_classes`, or "
            "number the classes from 0 on."
        )


def split_arrays(x, y, fraction):
    """Hold out the last `fraction` of arrays, as `fit(validation_split=...)` does in Keras.

    Args:
        x: images.
        y: labels or `None`.
        fraction: float in (0, 1).

    Returns:
        `(x, y), (held_out_x, held_out_y)`.

    Raises:
        ValueError: if `x` is a data set, or a part would be empty.
    """
    if not can_convert_arrays((x, y)):
        raise ValueError(
            f"`validation_split` goes with arrays. Received a {type(x).__name__}: pass "
            "`validation_data` instead (`keras_gan.data` sets have `.split(fraction)`)."
        )
    split = int(len(x) * (1 - fraction))
    if not 0 < split < len(x):
        raise ValueError(
            f"validation_split={fraction} leaves no image on one side of {len(x)} images."
        )
    labels, held_out_labels = (None, None) if y is None else (y[:split], y[split:])
    return (x[:split], labels), (x[split:], held_out_labels)


def sample(x, y, count):
    """Up to `count` images, spread over data that can be read without anybody noticing.

    Args:
        x: images or a data set.
        y: labels beside an array, or `None`.
        count: int.

    Returns:
        A tuple of arrays, or `None` for data that is a stream.
    """
    if can_convert_arrays((x, y)):
        # Arrays may be sorted by class.
        ids = np.linspace(0, len(x) - 1, min(count, len(x))).astype(int)
        arrays = tree.map_structure(keras.ops.convert_to_numpy, (x,) if y is None else (x, y))
        return tree.map_structure(lambda array: array[ids], arrays)
    if not isinstance(x, ImageDataset):
        return None
    found = []
    for batch in x.batches(x.epoch, 0):
        found.append(as_tuple(batch))
        if sum(len(part[0]) for part in found) >= count:
            break
    return tree.map_structure(lambda *parts: np.concatenate(parts)[:count], *found)


def _first_batch(x, y, batch_size, is_array):
    """`(first, x)`: the first batch as NumPy arrays, and the data from its start again."""
    if is_array:
        first = tree.map_structure(lambda a: a[:batch_size], (x,) if y is None else (x, y))
    elif isinstance(x, ImageDataset):
        # Unlike indexing, this does not count as the beginning of an epoch.
        first = x.batch(x.epoch, 0)
    elif isinstance(x, keras.utils.PyDataset):
        first = x[0]
    elif np.iterable(x):
        iterator = iter(x)
        first = next(iterator, None)
        if first is None:
            raise ValueError(f"The data set is empty. Received: {x!r}")
        if iterator is x:
            # It cannot start again. A generator, which Keras knows better than other iterators.
            x = (as_tuple(batch) for batch in itertools.chain([first], iterator))
    else:
        raise ValueError(
            "Images come as an array or a data set that yields `images` or `(images, labels)`. "
            f"Received: {x!r}"
        )
    return tree.map_structure(keras.ops.convert_to_numpy, as_tuple(first)), x


def _structure(batch):
    return keras.tree.map_structure(lambda x: f"{type(x).__name__} {np.shape(x)}", batch)


def _shape_error(received, expected):
    wanted = ", ".join(["N", *map(str, expected)])
    message = f"Expected images of shape ({wanted}). Received: {received}. "
    if len(expected) != 3:
        return message + "This model's samples are no images; make its networks for yours."
    height, width, channels = expected
    if len(received) == 4 and received[1:] == (channels, height, width):
        return message + "These are channels-first: use `np.transpose(x, (0, 2, 3, 1))`."
    if len(received) == 3 and received[1:] == (height, width) and channels == 1:
        return message + "Add the channel axis: `x[..., None]`."
    return message + (
        "Convert them with `keras_gan.data`, or make the model for your images with `image_shape`."
    )
