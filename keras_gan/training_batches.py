"""The batches of `fit`, in an order that depends on nothing but seeds: a run can go on anywhere.

Keras shuffles arrays and `PyDataset`s with generators of its own, whose state nobody saves. Here
the order of pass p is a function of (seed, p), so the data of step s is known without having run
the steps before it.

One step consumes `group` consecutive batches. They are concatenated here, on the host, so that it
works alike for every kind of data. Under data parallelism every batch is the global one, and is
shared out here.
"""

import contextlib
import itertools
import sys
import warnings

import keras
import numpy as np
from keras import tree
from keras.src.trainers.data_adapters import get_data_adapter
from keras.src.trainers.data_adapters.array_data_adapter import can_convert_arrays
from keras.src.trainers.data_adapters.generator_data_adapter import GeneratorDataAdapter
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

from keras_gan import distribution
from keras_gan.data import ImageDataset
from keras_gan.data.dataset import seeded_order


class TrainingBatches(GeneratorDataAdapter):
    """The data adapter of `fit`: groups of batches, from any step on.

    Args:
        x: images or a data set, checked already.
        y: labels beside an array.
        first: the first batch, a tuple of arrays.
        group: int >= 1, consecutive batches to concatenate into one. What does not fill a group is
            dropped with one warning.
        batch_size: int, for arrays.
        shuffle: bool, for arrays and for `PyDataset`s that do not order themselves.
        seed: list of ints that the order is drawn from.
        steps_per_epoch: int, or `None` for epochs of one pass.
        packing: int >= 1, of which every replica's share holds a multiple of images.
        replicas: `keras_gan.backend.Replicas`, each of which takes its share of every batch.

    Raises:
        ValueError: if the data does not fill one group, shares would not be equal or not be packs.

    Attributes:
        steps_per_epoch: int, or `None` if the data does not tell.
        is_stream: bool, whether epochs are another length than passes.
        share_size: int, images of a batch that one replica sees.
        step_size: int, images that all replicas see in a step.
    """

    def __init__(
        self, x, y, first, group, batch_size, shuffle, seed, steps_per_epoch, packing, replicas
    ):
        # Not the parent's constructor, which consumes batches to look at them.
        self.generator = self._steps
        self._first_batches = [first]
        self._output_signature = None
        self._source = _source(x, y, batch_size, shuffle, seed)
        self._group = group
        self._packing = packing
        self._replicas = replicas
        self._size = _size(first)
        distribution.check_divisible(self._size, replicas, packing)
        self.share_size = self._size // replicas.count
        self.step_size = self._size * group
        if group == 1:
            # Before an epoch has been spent on the others.
            distribution.check_divisible(self._source.remainder, replicas, packing)
        self._warned = False
        self._to_keep, self._kept = 0, {}
        self._steps_per_pass = self._count()
        if self._steps_per_pass == 0:
            self._refuse()
        self.steps_per_epoch = steps_per_epoch or self._steps_per_pass
        # Epochs of another length than a pass go on where the one before stopped.
        self.is_stream = steps_per_epoch is not None
        self._done = 0
        self._begun = 0
        self._remainder = None
        self._stream = self._endless(0)

    # Where the run stands ---------------------------------------------------------------------

    def get_state(self):
        """JSON-able dict of what `resume` needs, and of what must not change meanwhile."""
        return {
            "batch_size": self._size,
            "batches_per_step": self._group,
            "steps_per_epoch": self.steps_per_epoch,
            **self._source.get_state(),
        }

    def resume(self, state, steps):
        """Go on as if `steps` steps had been made.

        Args:
            state: dict from `get_state`, of the run to go on with.
            steps: int.

        Raises:
            ValueError: if this data is not that of the run.
        """
        own = self.get_state()
        for key in ("batch_size", "batches_per_step", "steps_per_epoch", "protocol"):
            if own.get(key) != state.get(key):
                raise ValueError(
                    f"The data is not that of the run to go on with: {key} was {state.get(key)}, "
                    f"and is {own.get(key)} now. Pass the same data and options to `fit`, or begin "
                    "a new run in another directory."
                )
        self._done = steps
        self._remainder = -steps % self.steps_per_epoch or None
        self._stream = self._endless(steps)
        self._source.resume(state)
        # A data set may change itself after each pass: let it.
        passes, index = divmod(steps, self._steps_per_pass or sys.maxsize)
        for number in range(passes):
            self._source.on_pass_begin()
            # A stream tells of an end when the next pass begins.
            if not self.is_stream or index or number < passes - 1:
                self._source.on_pass_end(number + 1)
        if self.is_stream and index:
            self._source.on_pass_begin()

    def quiet_remainder(self):
        """Context manager for `fit`, in which the remainder of an epoch ends without a warning."""
        context = contextlib.ExitStack()
        if self._done:
            context.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", message="Your input ran out of data")
        return context

    def keep_first(self, count):
        """Remember the first images of training, `count` of them or a pass, for `kept`."""
        self._to_keep = count

    @property
    def kept(self):
        """Tuple of arrays: the images that `keep_first` asked for, as far as they were read."""
        batches = [batch for _, step in sorted(self._kept.items()) for batch in step]
        return tree.map_structure(lambda *parts: np.concatenate(parts)[: self._to_keep], *batches)

    # What Keras asks for ----------------------------------------------------------------------

    @property
    def num_batches(self):
        """Steps until Keras should ask for another iterator, or `None` if not known."""
        # Not `None` for a stream: Keras would take the first epoch's steps for its length.
        return sys.maxsize if self.is_stream else self._steps_per_pass

    @property
    def has_partial_batch(self):
        """Unknown."""
        return None

    @property
    def partial_batch_size(self):
        """Unknown."""
        return None

    def get_tf_dataset(self):
        """The steps of one epoch, for TensorFlow's trainer."""
        return self._replicas.read_apart(super().get_tf_dataset())

    def on_epoch_begin(self):
        """Called by Keras."""
        self._begun += 1
        distribution.start_epoch(self._replicas, self.steps_per_epoch)
        if not self.is_stream:
            self._source.on_pass_begin()

    def on_epoch_end(self):
        """Called by Keras, also before the first epoch."""
        if not self.is_stream:
            self._source.on_pass_end(self._done // (self._steps_per_pass or 1) + self._begun)

    def _steps(self):
        """One iterator's batches: a whole pass, or the stream from where it stands."""
        if self.is_stream:
            # The first epoch of a run that goes on may be a remainder.
            remainder, self._remainder = self._remainder, None
            return itertools.islice(self._rest_of_stream(), remainder)
        if self._steps_per_pass is None:
            return self._one_pass(0, 0)
        # By the count of epochs: on TensorFlow, Keras makes one more iterator than it uses.
        first, index = divmod(self._done, self._steps_per_pass)
        later = max(self._begun - 1, 0)
        return self._one_pass(first + later, 0 if later else index)

    def _rest_of_stream(self):
        # Not `yield from`, which would close the stream together with this iterator.
        for batch in self._stream:  # noqa: UP028
            yield batch
        # The data has an end after all. Keras warns, and may ask again.
        self._stream = self._endless(0)

    def _endless(self, step):
        while True:
            number, index = divmod(step, self._steps_per_pass or sys.maxsize)
            if index == 0:
                if number:
                    self._source.on_pass_end(number)
                self._source.on_pass_begin()
            for batch in self._one_pass(number, index):
                step += 1
                yield batch
            if self._steps_per_pass is None:
                return

    def _one_pass(self, number, index):
        """The steps of a pass from number `index` on, as far as this process makes them."""
        for step, group in enumerate(self._groups_of_pass(number, index), index):
            self._keep(number, step, group)
            distribution.check_divisible(_size(group[0]), self._replicas, self._packing)
            self._compare(group[0])
            yield tree.map_structure(lambda *parts: self._replicas.share(parts), *group)
        if self._steps_per_pass is None:
            self._compare(None)

    def _keep(self, number, step, group):
        size = sum(_size(batch) for kept in self._kept.values() for batch in kept)
        if size < self._to_keep and number == next(iter(self._kept), (number,))[0]:
            # By its number: an iterator of Keras may be given up for another one.
            self._kept[number, step] = group

    def _compare(self, batch):
        # A collective must not be called from tf.data's threads; there the step compares sizes.
        if self._replicas.reads_in_step:
            distribution.compare_batch(self._replicas, batch)

    # Groups -----------------------------------------------------------------------------------

    def _groups_of_pass(self, number, index):
        if self._group == 1:
            return ([batch] for batch in self._source.batches(number, index))
        if self._source.only_last_is_ragged:
            return self._groups(self._source.batches(number, index * self._group))
        return itertools.islice(self._groups(self._source.batches(number, 0)), index, None)

    def _groups(self, batches):
        pending, dropped, made = [], 0, 0
        for batch in batches:
            if _size(batch) != self._size:
                # Not always the last one: batches may come in another order, and `tf.data` sets be
                # repeated after they are batched.
                dropped += _size(batch)
                if self._steps_per_pass is None:
                    self._warn(dropped)
                continue
            pending.append(batch)
            if len(pending) == self._group:
                made += 1
                yield pending
                pending = []
        if not made:
            self._refuse()
        self._warn(dropped + sum(map(_size, pending)))

    def _count(self):
        count = self._source.num_batches
        if self._group == 1 or count is None:
            return count
        full = self._source.num_full_batches(self._size)
        return None if full is None else full // self._group

    def _warn(self, dropped):
        if dropped and not self._warned:
            self._warned = True
            warnings.warn(
                f"{dropped} images of an epoch were left out, and will be in later ones: a "
                f"training step takes {self._group} full batches of {self._size}."
            )

    def _refuse(self):
        raise ValueError(
            f"One training step takes {self._group} batches (discriminator_steps * "
            f"accumulation_steps), but the data holds fewer full ones of {self._size} images. Use "
            "a smaller batch_size or more data."
        )


def as_tuple(batch):
    """What a data set yields as a tuple of images and what goes with them."""
    return tuple(batch) if isinstance(batch, (list, tuple)) else (batch,)


def _size(batch):
    return len(tree.flatten(batch)[0])


# Kinds of data ------------------------------------------------------------------------------------


def _source(x, y, batch_size, shuffle, seed):
    if can_convert_arrays((x, y)):
        return _Arrays(x, y, batch_size, shuffle, seed)
    if isinstance(x, ImageDataset):
        return _Images(x)
    if isinstance(x, keras.utils.PyDataset):
        return _PyDataset(x, shuffle, seed)
    return _Other(x)


class _Source:
    """Batches of one kind of data, each a tuple of NumPy arrays.

    Attributes:
        num_batches: int, or `None` if there is no end or none is known.
        remainder: int, images in a smaller last batch, if that is known.
        only_last_is_ragged: bool, whether the place of batch i is known without reading.
    """

    remainder = 0
    only_last_is_ragged = True

    def num_full_batches(self, size):
        """int, or `None` if not known."""
        return self.num_batches - bool(self.remainder)

    def get_state(self):
        return {}

    def resume(self, state):
        """Take over what `get_state` has returned in the run to go on with."""

    def on_pass_begin(self):
        pass

    def on_pass_end(self, passes):
        """Called with the number of passes that are done."""


class _Arrays(_Source):
    def __init__(self, x, y, batch_size, shuffle, seed):
        arrays = (x,) if y is None else (x, y)
        self.arrays = tree.map_structure(keras.ops.convert_to_numpy, arrays)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.num_batches = -(-len(self.arrays[0]) // batch_size)
        self.remainder = len(self.arrays[0]) % batch_size

    def get_state(self):
        return {"seed": self.seed, "protocol": {"images": len(self.arrays[0])}}

    def resume(self, state):
        self.seed = state["seed"]

    def batches(self, number, start):
        order = np.arange(len(self.arrays[0]))
        if self.shuffle:
            order = seeded_order(len(order), *self.seed, number)
        for i in range(start * self.batch_size, len(order), self.batch_size):
            ids = order[i : i + self.batch_size]
            yield tree.map_structure(lambda array, ids=ids: array[ids], self.arrays)


class _Images(_Source):
    def __init__(self, dataset):
        self.dataset = dataset
        self.first_epoch = dataset.epoch
        self.num_batches = len(dataset)
        if not dataset.drop_remainder:
            self.remainder = dataset.num_images % dataset.batch_size

    def get_state(self):
        return {"first_epoch": self.first_epoch, "protocol": self.dataset.protocol}

    def resume(self, state):
        self.first_epoch = state["first_epoch"]

    def batches(self, number, start):
        return self.dataset.batches(self.first_epoch + number, start)

    def on_pass_end(self, passes):
        self.dataset.epoch = self.first_epoch + passes


class _PyDataset(_Source):
    def __init__(self, dataset, shuffle, seed):
        self.dataset = dataset
        self.num_batches = dataset.num_batches
        self.shuffle = shuffle and self.num_batches is not None
        self.seed = seed
        self.only_last_is_ragged = not self.shuffle

    def num_full_batches(self, size):
        last = self.dataset[self.num_batches - 1]
        return self.num_batches - (_size(as_tuple(last)) != size)

    def get_state(self):
        return {"seed": self.seed}

    def resume(self, state):
        self.seed = state["seed"]

    def batches(self, number, start):
        if self.num_batches is None:
            indices = range(start, sys.maxsize)
        elif self.shuffle:
            indices = seeded_order(self.num_batches, *self.seed, number)[start:].tolist()
        else:
            indices = range(start, self.num_batches)
        # Keras' adapter runs the workers that the data set asks for.
        adapter = PyDatasetAdapter(_InOrder(self.dataset, indices))
        adapter.on_epoch_begin()
        try:
            yield from map(as_tuple, adapter.get_numpy_iterator())
        finally:
            adapter.on_epoch_end()

    def on_pass_begin(self):
        self.dataset.on_epoch_begin()

    def on_pass_end(self, passes):
        self.dataset.on_epoch_end()


class _InOrder(keras.utils.PyDataset):
    """The batches of a `PyDataset` in a given order."""

    def __init__(self, dataset, indices):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.dataset = dataset
        self.indices = indices

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, i):
        return self.dataset[self.indices[i]]


class _Other(_Source):
    """`tf.data`, `DataLoader`, Grain, generators: only read from their start on."""

    only_last_is_ragged = False

    def __init__(self, data):
        self.adapter = get_data_adapter(data)
        self.num_batches = self.adapter.num_batches

    def num_full_batches(self, size):
        try:
            return self.num_batches - bool(self.adapter.has_partial_batch)
        except NotImplementedError:
            # Keras' adapter does not say whether the last batch is a full one.
            return None

    def batches(self, number, start):
        return itertools.islice(map(as_tuple, self.adapter.get_numpy_iterator()), start, None)

    def on_pass_begin(self):
        self.adapter.on_epoch_begin()

    def on_pass_end(self, passes):
        self.adapter.on_epoch_end()
