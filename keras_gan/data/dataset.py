"""ImageDataset: seeded, prefetched batches of images from any random-access source.

It is a `keras.utils.PyDataset`, not a Grain pipeline, because batch `i` of epoch `e` is then a
pure function of (seed, e, i): see `keras_gan.data`. The threads are our own, because Keras 3.15's
(`PyDataset(workers=2)`) keep batches over from one epoch to the next: a model that `fit` builds
trains in the order 1, 2, ..., n, 0, and epoch 1 on batches that were made in epoch 0.
"""

import collections
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np

from keras_gan.checks import check_integer

# Before an epoch, Keras looks at one batch to build the model, or at two for tf.data's specs.
_BATCHES_PEEKED = 2


class ImageDataset(keras.utils.PyDataset):
    """Batches of images from a random-access source, for `fit` on any backend.

    The order of epoch `e` is a permutation drawn from (seed, e), and so are the flips: batches
    depend neither on the number of workers nor on timing. A pass over the dataset is one epoch;
    the epoch advances after `on_epoch_end`, when the next pass begins, so batches that Keras
    prefetches or looks at beforehand do not count, and an epoch that `steps_per_epoch` cuts into
    parts (of at least 3 batches: Keras looks at up to 2) remains one epoch.

    `keras.Model.fit` shuffles the order of the *batches* (not their contents) with Python's global
    generator unless it is called with `shuffle=False`: pass that to train in exactly the seeded
    order, or `keras.utils.set_random_seed` to make Keras' own shuffling reproducible.

    Args:
        source: Object with `__len__` and `__getitem__(i)`, which returns image `i` as a `uint8`
            array `(height, width, channels)` in [0, 255] (or `float32` in [-1, 1]), all of one
            shape. It is called from several threads. Its optional attributes `labels`,
            `class_names`, `image_shape` and `protocol` (a JSON-able dict that says how images
            were made) are used.
        batch_size: Positive integer, images per batch.
        shuffle: Whether each epoch has its own order; otherwise that of the source.
        seed: Integer >= 0 that the order and the flips are drawn from.
        flip: Whether to mirror images left-right with probability 1/2, drawn per epoch and image.
        drop_remainder: Whether to leave out a last batch of fewer than `batch_size` images.
        labels: Integer class ids >= 0, shape `(len(source),)`. Defaults to `source.labels`.
        workers: Integer >= 0, threads that prepare batches ahead of time; 0 prepares each batch
            when it is asked for. Keras' own workers are not used.
        max_queue_size: Positive integer, the most batches that are kept ready, in memory.

    Attributes:
        epoch: Integer, the epoch of the current pass. Assign the number of finished epochs to
            continue an interrupted run: the next pass is then that epoch.
        image_shape: Tuple `(height, width, channels)`.
        num_images: Integer, the length of the source.
        labels: `int32` array `(num_images,)`, or None.
        class_names: List of strings, or None.
        num_classes: Integer, or None without labels.
        protocol: JSON-able dict that records how the images are made.

    Raises:
        ValueError: If the source is empty or an argument is not as described.

    Example:
    ```python
    import numpy as np
    import keras_gan

    source = np.zeros((100, 28, 28, 1), "uint8")
    dataset = keras_gan.data.ImageDataset(source, batch_size=32, flip=True)
    (images,) = dataset[0]  # uint8 (32, 28, 28, 1)
    train, held_out = dataset.split(0.1)
    ```
    """

    def __init__(
        self,
        source,
        batch_size=64,
        shuffle=True,
        seed=0,
        flip=False,
        drop_remainder=False,
        labels=None,
        workers=1,
        max_queue_size=4,
    ):
        super().__init__()
        check_integer("batch_size", batch_size, minimum=1)
        check_integer("seed", seed, minimum=0)
        check_integer("workers", workers, minimum=0)
        check_integer("max_queue_size", max_queue_size, minimum=1)
        self.num_images = len(source)
        if self.num_images == 0:
            raise ValueError("The source of an ImageDataset must hold images. Received: none.")
        if drop_remainder and self.num_images < batch_size:
            raise ValueError(
                f"`drop_remainder=True` leaves no batch of {batch_size} out of {self.num_images} "
                "images. Use smaller batches or `drop_remainder=False`."
            )
        self.source = source
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.flip = flip
        self.drop_remainder = drop_remainder
        # Integers index an array's first axis: a bare array is a source, without `image_shape`.
        self.image_shape = tuple(getattr(source, "image_shape", None) or np.shape(source[0]))
        self.class_names = getattr(source, "class_names", None)
        labels = getattr(source, "labels", None) if labels is None else labels
        self.labels = None if labels is None else _check_labels(labels, self.num_images)
        self.num_classes = None
        if self.labels is not None:
            self.num_classes = len(self.class_names or range(int(self.labels.max()) + 1))

        self._threads = workers
        self._executor = ThreadPoolExecutor(workers, "ImageDataset") if workers else None
        self._ahead = {}  # (epoch, index) -> future batch, at most `max_queue_size`
        self._queue_size = max_queue_size
        self._plan = (None, None, None)
        self._lock = threading.Lock()
        self.epoch = 0

    @property
    def epoch(self):
        return self._epoch

    @epoch.setter
    def epoch(self, value):
        check_integer("epoch", value, minimum=0)
        with self._lock:
            self._start_epoch(value)

    @property
    def protocol(self):
        made = getattr(self.source, "protocol", None) or {"source": type(self.source).__name__}
        return {
            **made,
            "count": self.num_images,
            "image_shape": list(self.image_shape),
            "flip": self.flip,
            "shuffle": self.shuffle,
            "seed": self.seed,
        }

    def __len__(self):
        full, rest = divmod(self.num_images, self.batch_size)
        return full + bool(rest and not self.drop_remainder)

    def __getitem__(self, index):
        if not -len(self) <= index < len(self):
            raise IndexError(f"Batch {index} is out of range: the dataset has {len(self)} batches.")
        index = int(index) % len(self)
        with self._lock:
            self._begin_pass(index)
            epoch = self._epoch
            future = self._prefetch(index) if self._executor else None
        return future.result() if future else self.batch(epoch, index)

    def on_epoch_end(self):
        """Lets the next pass be the next epoch. Keras calls it after each epoch of `fit`."""
        with self._lock:
            # `fit` also ends an epoch before its first one, when batches were only looked at.
            if len(self._asked) < min(len(self), _BATCHES_PEEKED + 1):
                self._asked.clear()
            else:
                self._ended = True

    def batch(self, epoch, index):
        """Makes one batch, as a pure function of its arguments and the seed.

        Args:
            epoch: Integer >= 0.
            index: Integer in [0, len(dataset)).

        Returns:
            `(images,)`, or `(images, labels)` when the dataset has labels: `uint8` (or the
            source's `float32`) array `(batch, height, width, channels)` and `int32` `(batch,)`.

        Example:
        ```python
        import numpy as np
        import keras_gan

        dataset = keras_gan.data.arrays(np.zeros((8, 4, 4, 3), "uint8"), batch_size=4)
        (images,) = dataset.batch(epoch=5, index=1)
        ```
        """
        order, mirrored = self._epoch_plan(epoch)
        ids = order[index * self.batch_size : (index + 1) * self.batch_size]
        images = np.stack([self._image(i) for i in ids])
        images[mirrored[ids]] = images[mirrored[ids], :, ::-1]
        return (images,) if self.labels is None else (images, self.labels[ids])

    def batches(self, epoch, start=0):
        """Iterates over the batches of one epoch, prepared ahead of time.

        It neither looks at the dataset's own `epoch` nor changes it.

        Args:
            epoch: Integer >= 0.
            start: Integer >= 0, the first batch.

        Yields:
            What `batch` returns.

        Example:
        ```python
        import numpy as np
        import keras_gan

        dataset = keras_gan.data.arrays(np.zeros((8, 4, 4, 3), "uint8"), batch_size=4)
        for (images,) in dataset.batches(epoch=5, start=1):
            print(images.shape)
        ```
        """
        indices = iter(range(start, len(self)))
        if self._executor is None:
            yield from (self.batch(epoch, index) for index in indices)
            return
        ahead = collections.deque()
        while True:
            for index in itertools.islice(indices, self._queue_size - len(ahead)):
                ahead.append(self._executor.submit(self.batch, epoch, index))
            if not ahead:
                return
            yield ahead.popleft().result()

    def split(self, fraction, seed=0):
        """Splits the images into a training and a held-out dataset.

        Args:
            fraction: Float in (0, 1), the share of the images to hold out.
            seed: Integer >= 0 that the held-out images are drawn from.

        Returns:
            `(train, held_out)`: two `ImageDataset`s without an image in common and with all of
            them together. `train` has the options of this dataset; `held_out` neither shuffles,
            flips nor drops.

        Raises:
            ValueError: If one of the two would be empty.

        Example:
        ```python
        import numpy as np
        import keras_gan

        dataset = keras_gan.data.arrays(np.zeros((100, 8, 8, 3), "uint8"))
        train, held_out = dataset.split(0.2)  # 80 and 20 images
        ```
        """
        check_integer("seed", seed, minimum=0)
        if isinstance(fraction, bool) or not 0 < fraction < 1:
            raise ValueError(f"`fraction` must lie in (0, 1). Received: {fraction}")
        held = round(fraction * self.num_images)
        if not 0 < held < self.num_images:
            raise ValueError(
                f"`fraction={fraction}` of {self.num_images} images leaves one part empty. "
                "Use another fraction or more images."
            )
        ids = np.random.RandomState(seed).permutation(self.num_images)
        options = {
            "batch_size": self.batch_size,
            "seed": self.seed,
            "workers": self._threads,
            "max_queue_size": self._queue_size,
        }
        record = {"fraction": float(fraction), "seed": seed}
        train = ImageDataset(
            _Part(self, np.sort(ids[held:]), {**record, "part": "train"}),
            shuffle=self.shuffle,
            flip=self.flip,
            drop_remainder=self.drop_remainder,
            **options,
        )
        held_out = ImageDataset(
            _Part(self, np.sort(ids[:held]), {**record, "part": "held_out"}),
            shuffle=False,
            **options,
        )
        # A class may be missing in one part.
        train.num_classes = held_out.num_classes = self.num_classes
        return train, held_out

    def _start_epoch(self, epoch):
        self._epoch = epoch
        self._asked = set()  # indices asked for in this pass
        self._ended = False

    def _begin_pass(self, index):
        # Keras' epoch may be a part of a pass (`steps_per_epoch`) and tf.data reads ahead of it, so
        # its end alone tells nothing: the first batch asked for again after it begins a new pass.
        if self._ended and index in self._asked:
            self._start_epoch(self._epoch + 1)
        self._asked.add(index)

    def _prefetch(self, index):
        # A change of epoch makes what was prepared useless.
        self._ahead = {key: x for key, x in self._ahead.items() if key[0] == self._epoch}
        for i in range(index, min(index + self._queue_size, len(self))):
            # The batch asked for is always submitted, the ones after it while there is room.
            if i == index or len(self._ahead) < self._queue_size:
                key = (self._epoch, i)
                if key not in self._ahead:
                    self._ahead[key] = self._executor.submit(self.batch, *key)
        return self._ahead.pop((self._epoch, index))

    def _epoch_plan(self, epoch):
        # One assignment and one read of a tuple: safe without the lock, which this must not take.
        planned, order, mirrored = self._plan
        if planned != epoch:
            order = np.arange(self.num_images)
            if self.shuffle:
                order = seeded_order(self.num_images, self.seed, epoch, 0)
            mirrored = np.zeros(self.num_images, bool)
            if self.flip:
                mirrored = _random_state(self.seed, epoch, 1).random_sample(self.num_images) < 0.5
            self._plan = (epoch, order, mirrored)
        return order, mirrored

    def _image(self, i):
        image = self.source[int(i)]
        if np.shape(image) != self.image_shape:
            raise ValueError(
                f"Image {i} of the source has shape {np.shape(image)}, but the dataset's "
                f"`image_shape` is {self.image_shape}. Resize the images in the source."
            )
        if image.dtype not in ("uint8", "float32"):
            raise ValueError(
                f"Image {i} of the source has dtype {image.dtype}; images are uint8 in [0, 255] "
                "or float32 in [-1, 1]. Convert the images in the source."
            )
        return image


class _Part:
    """The images of a dataset whose indices are given, as a source."""

    def __init__(self, dataset, ids, record):
        self.source = dataset.source
        self.ids = ids
        self.labels = None if dataset.labels is None else dataset.labels[ids]
        self.class_names = dataset.class_names
        self.image_shape = dataset.image_shape
        self.protocol = {**dataset.protocol, "split": record}

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        return self.source[int(self.ids[i])]


def _check_labels(labels, num_images):
    labels = np.asarray(labels)
    if labels.shape != (num_images,) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"`labels` must be integer class ids of shape ({num_images},), one for each image. "
            f"Received: {labels.dtype} of shape {labels.shape}. One-hot labels become class ids "
            "with `labels.argmax(axis=-1)`."
        )
    if labels.min() < 0 or labels.max() > np.iinfo("int32").max:
        raise ValueError(
            "`labels` must lie in [0, 2**31 - 1]. "
            f"Received: values from {labels.min()} to {labels.max()}."
        )
    return labels.astype("int32")


def seeded_order(count, *entropy):
    """Returns a permutation of `range(count)` that is a function of the integers `entropy`."""
    return _random_state(*entropy).permutation(count)


def _random_state(*entropy):
    # RandomState, not Generator: NumPy promises that its streams never change, so neither does the
    # order of a run that is resumed years later.
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(entropy)))
