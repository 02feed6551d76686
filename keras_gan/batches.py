"""Whatever a user hands to `fit`, as checked groups of batches.

One training step consumes `discriminator_steps * accumulation_steps` consecutive batches; they are
concatenated here, on the host, so that it works alike for arrays, `keras_gan.data`, `tf.data`,
`PyDataset`, `DataLoader`, Grain and generators. Under data parallelism every batch is the global
one, and is shared out here.

Keras lets a model's `fit` receive a data adapter of one's own; its base classes are not documented
and come from `keras.src` (tests/test_batches.py pins what is used).
"""

import itertools
import os
import warnings

import keras
import numpy as np
from keras import tree
from keras.src.trainers.data_adapters import get_data_adapter
from keras.src.trainers.data_adapters.array_data_adapter import (
    ArrayDataAdapter,
    can_convert_arrays,
)
from keras.src.trainers.data_adapters.data_adapter import DataAdapter
from keras.src.trainers.data_adapters.generator_data_adapter import GeneratorDataAdapter

from keras_gan import distribution
from keras_gan.checks import check_integer
from keras_gan.data import ImageDataset


class OneReplica:
    """What shares batches where nothing is distributed."""

    count = processes = 1
    reads_in_step = True
    share = staticmethod(np.concatenate)


def adapt(x, y=None, *, batch_size=None, shuffle=False, group=1, check=None, replicas=OneReplica):
    """The data adapter for `fit` and `evaluate`.

    Args:
        x: images, or whatever Keras accepts as a data set.
        y: labels beside arrays.
        batch_size: int, images in one batch; for arrays only (32 by default).
        shuffle: bool, for arrays and for data sets that do not order themselves.
        group: int, consecutive batches to concatenate into one.
        check: function called with the arrays or the first batch, on the host; raises if the model
            cannot use it.
        replicas: `keras_gan.backend.Replicas` that share each batch.

    Returns:
        A Keras data adapter.

    Raises:
        ValueError: if `x` is neither arrays nor a data set, holds nothing, or does not go with the
            other arguments.
    """
    if isinstance(x, DataAdapter):
        return x
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
    if batch_size is not None:
        check_integer("batch_size", batch_size, minimum=1)
    if batch_size is not None and not is_array:
        raise ValueError(
            f"`batch_size` goes with arrays. Received: batch_size={batch_size} with a "
            f"{type(x).__name__}, which makes its own batches."
        )
    if isinstance(x, ImageDataset):
        # Its order is a function of its seed; Keras would shuffle it once more without one.
        shuffle = False
    first, x = _first_batch(x, y, batch_size or 32, is_array)
    if check is not None:
        # All of an array: looking at its first images only would let others pass.
        check(((x,) if y is None else (x, y)) if is_array else first)
    adapter = get_data_adapter(
        x=x,
        y=y,
        batch_size=(batch_size or 32) if is_array else None,
        shuffle=shuffle and (is_array or isinstance(x, keras.utils.PyDataset)),
    )
    if group == replicas.count == 1:
        return adapter
    check_divisible(_size(first), replicas)
    if group == 1:
        # Before an epoch has been spent on the others.
        check_divisible(_last_size(x, adapter), replicas)
    return GroupedBatches(adapter, first, group, replicas)


def check_images(batch, image_shape):
    """Refuse images that networks would misread.

    Args:
        batch: tuple of arrays, images first: uint8, or float in [-1, 1].
        image_shape: `(height, width, channels)` that the networks take.

    Raises:
        ValueError: if structure, dtype, shape or range of the images is another.
    """
    if isinstance(batch[0], (dict, list, tuple)) or len(batch) > 2:
        raise ValueError(
            "The data is arrays of images or yields `images` or `(images, labels)`; sample "
            f"weights are not used. Received: {_structure(batch)}"
        )
    x = keras.ops.convert_to_numpy(batch[0])
    if x.ndim != 4 or x.shape[1:] != image_shape:
        raise ValueError(_shape_error(x.shape, image_shape))
    if not len(x):
        raise ValueError(f"There are no images. Received: an array of shape {x.shape}.")
    if x.dtype == np.uint8:
        return
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
    if low >= 0:
        raise ValueError(
            f"Float images lie in [-1, 1], with black at -1. Received: values from {low:g} to "
            f"{high:g}, which looks like [0, 1]. Scale them with x * 2 - 1."
        )


def check_divisible(size, replicas):
    """Refuse a batch of `size` images of which `replicas` cannot take equal shares.

    Raises:
        ValueError: if a share would be smaller than another, which would weigh its images more.
    """
    if size % replicas.count:
        raise ValueError(
            f"A batch is shared by {replicas.count} replicas, in equal parts. Received: a batch of "
            f"{size} images. Use a batch_size that is a multiple of {replicas.count}, and leave "
            "out a smaller last batch (`drop_remainder=True` of `keras_gan.data` sets, "
            "`x[: len(x) // batch_size * batch_size]` of arrays)."
        )


class GroupedBatches(GeneratorDataAdapter):
    """Concatenates `group` consecutive batches, of which each replica takes its share.

    What does not fill a group is dropped. Without grouping, a smaller batch is one of its own.

    Args:
        adapter: the data adapter to read from.
        first: its first batch.
        group: int >= 1.
        replicas: `keras_gan.backend.Replicas`.
    """

    def __init__(self, adapter, first, group, replicas):
        # Not the parent's constructor, which consumes batches to look at them.
        self.adapter = adapter
        self.group = group
        self.replicas = replicas
        self.generator = self._groups
        self._first_batches = [first]
        self._output_signature = None
        self._size = _size(first)
        self._warned = False
        self._num_batches = self._count(adapter)
        if self._num_batches == 0:
            self._refuse()

    def _refuse(self):
        raise ValueError(
            f"One training step takes {self.group} batches (discriminator_steps * "
            f"accumulation_steps), but the data holds fewer full ones of {self._size} images. Use "
            "a smaller batch_size or more data."
        )

    def _groups(self):
        for group in self._complete_groups():
            check_divisible(_size(group[0]), self.replicas)
            self._compare(group[0])
            yield tree.map_structure(lambda *parts: self.replicas.share(parts), *group)
        self._compare(None)

    def _compare(self, batch):
        # A collective must not be called from tf.data's threads; there the step compares sizes.
        if self.replicas.reads_in_step:
            distribution.compare_batch(self.replicas, batch)

    def _complete_groups(self):
        pending, dropped, made = [], 0, 0
        for batch in map(_as_tuple, self.adapter.get_numpy_iterator()):
            if self.group > 1 and _size(batch) != self._size:
                # Not always the last one: Keras shuffles the batches of a PyDataset, and
                # `tf.data` sets are repeated after they are batched.
                dropped += _size(batch)
                if self._num_batches is None:
                    self._warn(dropped)
                continue
            pending.append(batch)
            if len(pending) == self.group:
                made += 1
                yield pending
                pending = []
        if not made:
            self._refuse()
        self._warn(dropped + sum(map(_size, pending)))

    def _warn(self, dropped):
        if dropped and not self._warned:
            self._warned = True
            warnings.warn(
                f"{dropped} images of an epoch were left out, and will be in later ones: a "
                f"training step takes {self.group} full batches of {self._size}."
            )

    @property
    def num_batches(self):
        """Groups in an epoch, or `None` if not known."""
        return self._num_batches

    def _count(self, adapter):
        if self.group == 1:
            return adapter.num_batches
        try:
            full = adapter.num_batches - bool(adapter.has_partial_batch)
        except (TypeError, NotImplementedError):
            # Infinite, or Keras' adapter does not say whether the last batch is a full one.
            return None
        return full // self.group

    @property
    def has_partial_batch(self):
        """No: remainders are dropped."""
        return False

    @property
    def partial_batch_size(self):
        """None."""
        return None

    def on_epoch_begin(self):
        """Pass on to the adapter."""
        distribution.start_epoch(self.replicas, self._num_batches)
        self.adapter.on_epoch_begin()

    def on_epoch_end(self):
        """Pass on to the adapter."""
        self.adapter.on_epoch_end()


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
            x = (_as_tuple(batch) for batch in itertools.chain([first], iterator))
    else:
        raise ValueError(
            "Images come as an array or a data set that yields `images` or `(images, labels)`. "
            f"Received: {x!r}"
        )
    return tree.map_structure(keras.ops.convert_to_numpy, _as_tuple(first)), x


def _last_size(x, adapter):
    """Images in the last batch of an epoch if it is smaller than the others and known, else 0."""
    if isinstance(x, ImageDataset):
        return 0 if x.drop_remainder else x.num_images % x.batch_size
    return adapter.partial_batch_size or 0 if isinstance(adapter, ArrayDataAdapter) else 0


def _as_tuple(batch):
    return tuple(batch) if isinstance(batch, (list, tuple)) else (batch,)


def _size(batch):
    return len(tree.flatten(batch)[0])


def _structure(batch):
    return keras.tree.map_structure(lambda x: f"{type(x).__name__} {np.shape(x)}", batch)


def _shape_error(received, expected):
    height, width, channels = expected
    message = f"Expected images of shape (N, {height}, {width}, {channels}). Received: {received}. "
    if len(received) == 4 and received[1:] == (channels, height, width):
        return message + "These are channels-first: use `np.transpose(x, (0, 2, 3, 1))`."
    if len(received) == 3 and received[1:] == (height, width) and channels == 1:
        return message + "Add the channel axis: `x[..., None]`."
    return message + (
        "Convert them with `keras_gan.data`, or make the model for your images with `image_shape`."
    )
