import importlib.util
import inspect
import warnings

import keras
import numpy as np
import pytest
from keras.src.trainers.data_adapters import array_data_adapter, get_data_adapter
from keras.src.trainers.data_adapters.data_adapter import DataAdapter
from keras.src.trainers.data_adapters.generator_data_adapter import GeneratorDataAdapter
from keras.src.trainers.epoch_iterator import EpochIterator

import keras_gan
from keras_gan import batches, data


def numbered(count):
    """Images 2x2x1 filled with their number."""
    return np.broadcast_to(
        np.arange(count, dtype="uint8")[:, None, None, None], (count, 2, 2, 1)
    ).copy()


LABELS = np.arange(100)


def cut(x, size):
    return [x[i : i + size] for i in range(0, len(x), size)]


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y=None, size=4):
        super().__init__()
        self.parts = (
            list(zip(cut(x, size), cut(y, size), strict=True)) if y is not None else cut(x, size)
        )
        self.begun = self.ended = 0

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, i):
        part = self.parts[i]
        return part if isinstance(part, tuple) else (part,)

    def on_epoch_begin(self):
        self.begun += 1

    def on_epoch_end(self):
        self.ended += 1


class Source:
    def __init__(self, count):
        self.x = numbered(count)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i]


def torch_loader(x, y, size):
    torch = pytest.importorskip("torch")
    tensors = [torch.from_numpy(a) for a in (x, y) if a is not None]
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors), batch_size=size)


def tf_dataset(x, y, size):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((x,) if y is None else (x, y)).batch(size)


def generator(x, y, size):
    for i in range(0, len(x), size):
        yield (x[i : i + size],) if y is None else (x[i : i + size], y[i : i + size])


def grain(x, y, size):
    grain = pytest.importorskip("grain.python")
    return grain.MapDataset.source(list(x if y is None else zip(x, y, strict=True))).batch(size)


SOURCES = {
    "arrays": None,
    "py_dataset": lambda x, y, size: Batches(x, y, size),
    "tf_data": tf_dataset,
    "torch_loader": torch_loader,
    "generator": generator,
    "iterator": lambda x, y, size: map(lambda part: part, generator(x, y, size)),
    "own": lambda x, y, size: data.arrays(x, labels=y, batch_size=size, shuffle=False),
}


def adapter_of(kind, count, group, size=4, labels=True, **options):
    x, y = numbered(count), LABELS[:count] if labels else None
    if kind == "arrays":
        return batches.for_training(x, y, batch_size=size, group=group, **options)
    return batches.for_training(SOURCES[kind](x, y, size), group=group, **options)


def epoch(adapter):
    """The numbers of the images in each batch of one pass, and the labels."""
    adapter.on_epoch_begin()
    seen = []
    for batch in adapter.get_numpy_iterator():
        batch = batch if isinstance(batch, tuple) else (batch,)
        batch = [keras.ops.convert_to_numpy(part) for part in batch]
        seen.append((batch[0][:, 0, 0, 0].tolist(), batch[1].tolist() if len(batch) > 1 else None))
    adapter.on_epoch_end()
    return seen


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("labels", [True, False])
def test_groups_of_any_source(kind, labels):
    adapter = adapter_of(kind, 26, group=2, labels=labels)
    # Six full batches make three groups; the seventh holds two images.
    for _ in range(1 if kind in ("generator", "iterator") else 2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seen = epoch(adapter)
        assert [images for images, _ in seen] == [list(range(i, i + 8)) for i in (0, 8, 16)]
        assert [y for _, y in seen] == ([images for images, _ in seen] if labels else [None] * 3)
    assert adapter.num_batches in (3, None)


@pytest.mark.parametrize("kind", SOURCES)
def test_single_batches_are_passed_on(kind):
    seen = epoch(adapter_of(kind, 10, group=1))
    assert [images for images, _ in seen] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


@pytest.mark.skipif(importlib.util.find_spec("grain") is None, reason="Grain is not installed")
@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("iterated", [True, False])
def test_grain(labels, iterated):
    x = grain(numbered(26), LABELS[:26] if labels else None, 4)
    seen = epoch(batches.for_training(x.to_iter_dataset() if iterated else x, group=2))
    assert [images for images, _ in seen] == [list(range(i, i + 8)) for i in (0, 8, 16)]
    assert [y for _, y in seen] == ([images for images, _ in seen] if labels else [None] * 3)


@pytest.fixture(scope="module")
def gan():
    layers = keras.layers
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.Reshape((2, 2, 1))])
    discriminator = keras.Sequential([keras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(1)])
    gan = keras_gan.GAN(generator, discriminator)
    gan.compile(discriminator_steps=2)
    return gan


@pytest.mark.parametrize("kind", [*SOURCES, "grain"])
def test_fit_takes_labelled_data_of_any_kind(gan, kind):
    if kind == "grain" and importlib.util.find_spec("grain") is None:
        pytest.skip("Grain is not installed")
    x, y = numbered(16), LABELS[:16]
    done = int(gan.step.numpy())
    if kind == "arrays":
        gan.fit(x, y, batch_size=4, verbose=0)
    else:
        gan.fit({**SOURCES, "grain": grain}[kind](x, y, 4), verbose=0)
    assert int(gan.step.numpy()) == done + 2


@pytest.mark.parametrize("kind", ["arrays", "py_dataset", "torch_loader", "generator", "own"])
def test_a_remainder_is_dropped_with_one_warning(kind):
    adapter = adapter_of(kind, 22, group=3)
    # Five full batches: one group; the last two and the ragged one are 10 images.
    with pytest.warns(UserWarning, match="images of an epoch were left out") as record:
        assert len(epoch(adapter)) == 1
    assert len(record) == 1
    if kind not in ("torch_loader", "generator"):
        assert str(record[0].message).startswith(("10 images", "2 images"))
    if kind != "generator":
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert len(epoch(adapter)) == 1


def test_nothing_is_said_when_nothing_is_dropped():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(epoch(adapter_of("arrays", 24, group=2))) == 3


def test_a_ragged_batch_in_the_middle_does_not_end_the_epoch():
    # A PyDataset that Keras shuffles, or a tf.data set repeated after batching.
    parts = [numbered(26)[a:b] for a, b in ((0, 4), (4, 6), (6, 10), (10, 14), (14, 18))]
    with pytest.warns(UserWarning, match="2 images"):
        seen = epoch(batches.for_training((part for part in parts), group=2))
    assert [images[0] for images, _ in seen] == [0, 10] and len(seen[0][0]) == 8


@pytest.mark.filterwarnings("ignore:.*left out")
def test_too_little_data():
    with pytest.raises(ValueError, match=r"takes 3 batches .* fewer full ones of 4 images"):
        adapter_of("arrays", 11, group=3)
    # Not known beforehand: found when the data ends.
    for kind in ("generator", "torch_loader", "tf_data"):
        with pytest.raises(ValueError, match="takes 3 batches"):
            epoch(adapter_of(kind, 11, group=3))


def test_epochs_reach_the_data_set():
    dataset = Batches(numbered(16))
    adapter = batches.for_training(dataset, group=2)
    epoch(adapter)
    epoch(adapter)
    assert (dataset.begun, dataset.ended) == (2, 2)


def test_shuffled_arrays_differ_by_epoch_and_hold_every_image():
    adapter = adapter_of("arrays", 32, group=2, shuffle=True)
    first, second = ([i for images, _ in epoch(adapter) for i in images] for _ in range(2))
    assert first != second and sorted(first) == sorted(second) == list(range(32))


def test_labels_stay_with_their_images_when_shuffled():
    for images, labels in epoch(adapter_of("arrays", 32, group=2, shuffle=True)):
        assert images == labels


@pytest.mark.parametrize("kind", SOURCES)
def test_the_first_batch_is_checked(kind):
    checked = []
    adapter = adapter_of(kind, 12, group=1, check=checked.append)
    (first,) = checked
    # All of an array, else the first batch; and none is lost by looking.
    assert np.asarray(first[0])[:, 0, 0, 0].tolist() == list(range(12 if kind == "arrays" else 4))
    assert len(first) == 2
    assert sum(len(images) for images, _ in epoch(adapter)) == 12


class Reordering(Batches):
    """Shuffles itself after each epoch."""

    def __init__(self, x, workers):
        super().__init__(x)
        self._workers = workers
        self.order = np.arange(len(self))
        self.rng = np.random.RandomState(0)

    def __getitem__(self, i):
        return super().__getitem__(self.order[i])

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(self))


class Endless(keras.utils.PyDataset):
    num_batches = None

    def __getitem__(self, i):
        return (numbered(100)[i % 25 * 4 :][:4],)


RESUMABLE = {
    "arrays": lambda: numbered(42),
    "own": lambda: data.arrays(numbered(42), batch_size=4, seed=3, workers=2),
    "own, in this thread": lambda: data.arrays(numbered(42), batch_size=4, workers=0),
    "py_dataset": lambda: Batches(numbered(42)),
    "py_dataset that orders itself": lambda: Reordering(numbered(42), workers=1),
    "py_dataset with workers": lambda: Reordering(numbered(42), workers=3),
    "endless": Endless,
    "torch_loader": lambda: torch_loader(numbered(42), None, 4),
    "tf_data": lambda: tf_dataset(numbered(42), None, 4),
    "generator": lambda: (part for part in cut(numbered(200), 4)),
}


def run(adapter, first_epoch, epochs):
    """What Keras' loops get from an adapter: the first number of each step, by epoch."""
    iterator = EpochIterator(
        adapter, steps_per_epoch=adapter.steps_per_epoch if adapter.is_stream else None
    )
    iterator.reset()
    seen = []
    with adapter.quiet_remainder():
        for _ in range(first_epoch, epochs):
            with iterator.catch_stop_iteration():
                row = [np.asarray(x[0][0]) for _, _, x in iterator.enumerate_epoch()]
            seen.append([x[:, 0, 0, 0].tolist() for x in row])
    return seen


@pytest.mark.filterwarnings("ignore:.*left out")
@pytest.mark.filterwarnings("error:.*ran out of data")
@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("steps_per_epoch", [None, 2, 5])
@pytest.mark.parametrize("kind", RESUMABLE)
def test_a_run_goes_on_from_any_step(kind, group, steps_per_epoch):
    if steps_per_epoch is None and kind in ("endless", "generator"):
        pytest.skip("endless data has epochs only with steps_per_epoch")

    def make(seed):
        return batches.for_training(
            RESUMABLE[kind](),
            batch_size=4 if kind == "arrays" else None,
            shuffle=True,
            group=group,
            seed=seed,
            steps_per_epoch=steps_per_epoch,
        )

    whole = make((1, 2))
    expected = run(whole, 0, 3)
    length = whole.steps_per_epoch
    assert [len(row) for row in expected] == [length] * 3
    if kind in ("arrays", "own", "py_dataset") and steps_per_epoch is None:
        assert expected[0] != expected[1]
    for steps in sorted({0, 1, length - 1, length, length + 1, 2 * length + 1, 3 * length}):
        adapter = make((8, 9))
        adapter.resume(whole.get_state(), steps)
        first, done = divmod(steps, length)
        assert run(adapter, first, 3) == [
            expected[i][done * (i == first) :] for i in range(first, 3)
        ]


def test_orders_of_arrays_are_pinned():
    # Fails if a resumed run would get another order than the version that started it.
    adapter = batches.for_training(numbered(8), batch_size=4, shuffle=True, seed=(5, 0))
    assert [images for images, _ in epoch(adapter)] == [[6, 7, 5, 2], [4, 3, 1, 0]]


def test_another_data_set_is_refused():
    state = adapter_of("arrays", 32, group=2).get_state()
    for other, message in (
        (adapter_of("arrays", 28, group=2), "steps_per_epoch was 4, and is 3"),
        (adapter_of("arrays", 32, group=4), "batches_per_step was 2, and is 4"),
        (adapter_of("arrays", 32, group=2, size=8), "batch_size was 4, and is 8"),
        (adapter_of("own", 32, group=2), "protocol was"),
    ):
        with pytest.raises(ValueError, match=message):
            other.resume(state, 3)


def test_epochs_of_an_image_dataset_are_counted():
    dataset = data.arrays(numbered(16), batch_size=4)
    dataset.epoch = 5
    run(batches.for_training(dataset), 0, 2)
    assert dataset.epoch == 7
    run(batches.for_training(dataset, steps_per_epoch=6), 0, 3)  # 18 steps of 4 to a pass
    assert dataset.epoch == 11


def test_what_is_used_of_keras_data_adapters_exists():
    # Private to Keras: a release that changes them must fail here first.
    adapter = get_data_adapter(x=numbered(4), batch_size=2)
    assert isinstance(adapter, DataAdapter) and get_data_adapter(x=adapter) is adapter
    assert array_data_adapter.can_convert_arrays((numbered(1), None))
    for member in ("get_numpy_iterator", "num_batches", "has_partial_batch", "on_epoch_begin"):
        assert hasattr(DataAdapter, member)
    source = inspect.getsource(GeneratorDataAdapter)
    for attribute in ("self.generator()", "self._first_batches", "self._output_signature"):
        assert attribute in source


def test_the_first_images_of_training_are_kept():
    images = np.arange(20, dtype="uint8").reshape(20, 1, 1, 1)
    data = batches.for_training(images, np.arange(20), batch_size=4, group=2)
    data.keep_first(12)
    iterator = iter(data.get_numpy_iterator())
    for _ in range(2):
        next(iterator)
    kept, labels = data.kept
    # In the order of training, without what is above the count, and of one pass only.
    np.testing.assert_array_equal(kept.ravel(), np.arange(12))
    np.testing.assert_array_equal(labels, np.arange(12))
    data.keep_first(100)
    for _ in range(3):
        data.on_epoch_begin()
        list(data.get_numpy_iterator())
    assert len(data.kept[0]) == 16
