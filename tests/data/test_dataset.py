import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from PIL import Image

from keras_gan import data


class Numbered:
    """Image `i` is filled with `i`, its left half with 0; a slow one for every third."""

    labels = np.arange(23) % 5
    class_names = tuple("abcde")

    def __len__(self):
        return 23

    def __getitem__(self, i):
        time.sleep(0.002 * (i % 3 == 0))
        image = np.full((2, 4, 1), i + 1, "uint8")
        image[:, :2] = 0
        return image


def make(**options):
    return data.ImageDataset(Numbered(), **{"batch_size": 4, **options})


def ids(batch):
    return batch[0].max((1, 2, 3)).astype(int) - 1


def epoch_ids(dataset):
    order = [int(i) for batch in dataset for i in ids(batch)]
    dataset.on_epoch_end()
    return order


def test_batches():
    dataset = make(shuffle=False)
    assert len(dataset) == 6
    assert [ids(batch).tolist() for batch in dataset][-2:] == [[16, 17, 18, 19], [20, 21, 22]]
    images, labels = dataset[-1]
    assert images.shape == (3, 2, 4, 1) and images.dtype == "uint8"
    assert labels.dtype == "int32" and labels.tolist() == [0, 1, 2]
    with pytest.raises(IndexError, match="has 6 batches"):
        dataset[6]


def test_drop_remainder():
    dataset = make(drop_remainder=True, shuffle=False)
    assert len(dataset) == 5 and epoch_ids(dataset) == list(range(20))
    with pytest.raises(ValueError, match="no batch of 24 out of 23"):
        make(batch_size=24, drop_remainder=True)


def test_every_epoch_has_its_own_seeded_order():
    first, again, other = make(seed=1), make(seed=1), make(seed=2)
    orders = [epoch_ids(first) for _ in range(3)]
    assert orders == [epoch_ids(again) for _ in range(3)]
    assert all(sorted(order) == list(range(23)) for order in orders)
    assert len({tuple(order) for order in [*orders, epoch_ids(other)]}) == 4


def test_the_order_is_pinned():
    # Fails if a resumed run would get another order than the version that started it.
    dataset = data.arrays(np.arange(8, dtype="uint8").reshape(8, 1, 1), seed=3)
    assert dataset.batch(epoch=2, index=0)[0].ravel().tolist() == [1, 7, 0, 2, 4, 5, 6, 3]


def test_epoch_can_be_set_to_resume():
    dataset, resumed = make(), make()
    orders = [epoch_ids(dataset) for _ in range(4)]
    resumed.epoch = 2
    assert [epoch_ids(resumed) for _ in range(2)] == orders[2:]
    with pytest.raises(ValueError, match="`epoch` must be an integer >= 0"):
        resumed.epoch = -1


@pytest.mark.parametrize("peeked", [[], [0], [4], [0, 1]])
def test_batches_looked_at_before_an_epoch_do_not_count(peeked):
    dataset = make()
    for i in peeked:
        dataset[i]
    dataset.on_epoch_end()
    again = make()
    assert [epoch_ids(dataset) for _ in range(2)] == [epoch_ids(again) for _ in range(2)]


def test_a_dropped_remainder_does_not_stop_the_epochs():
    # A training loop that groups batches may leave the last ones.
    dataset, again = make(), make()
    for _ in range(3):
        expected = epoch_ids(again)
        assert [int(i) for index in range(4) for i in ids(dataset[index])] == expected[:16]
        dataset.on_epoch_end()


def test_parts_of_an_epoch_are_one_epoch():
    # What Keras does with `steps_per_epoch`.
    dataset = make()
    order = []
    for i in range(len(dataset)):
        order += ids(dataset[i]).tolist()
        if i % 3 == 2:
            dataset.on_epoch_end()
    assert order == epoch_ids(make()) and dataset.epoch == 0
    dataset[0]
    assert dataset.epoch == 1


@pytest.mark.parametrize("workers", [1, 4])
def test_workers_do_not_change_batches(workers):
    plain = make(workers=0, flip=True)
    threaded = make(workers=workers, flip=True, max_queue_size=3)
    for _ in range(2):
        for index in [0, 1, 2, 5, 3, 4]:  # Keras may ask in any order
            for a, b in zip(plain[index], threaded[index], strict=True):
                np.testing.assert_array_equal(a, b)
            assert len(threaded._ahead) <= 3
        plain.on_epoch_end()
        threaded.on_epoch_end()


def test_flips_are_drawn_per_epoch_and_image():
    def flipped(dataset, epoch):
        batches = [dataset.batch(epoch, i) for i in range(len(dataset))]
        return {
            int(i): bool(image[0, 0, 0])
            for batch in batches
            for i, image in zip(ids(batch), batch[0], strict=True)
        }

    dataset = make(flip=True)
    flips = [flipped(dataset, epoch) for epoch in range(20)]
    assert flips == [flipped(make(flip=True, batch_size=7), epoch) for epoch in range(20)]
    assert 0.4 < np.mean([list(f.values()) for f in flips]) < 0.6
    assert flips[0] != flips[1]
    assert not any(flipped(make(), 0).values())


def test_split_is_disjoint_and_complete():
    dataset = make(flip=True, drop_remainder=True)
    train, held_out = dataset.split(0.3, seed=4)
    assert (train.num_images, held_out.num_images) == (16, 7)
    a, b = epoch_ids(train), epoch_ids(held_out)
    assert sorted(a + b) == list(range(23))
    assert epoch_ids(dataset.split(0.3, seed=4)[1]) == b == sorted(b) == epoch_ids(held_out)
    assert train.flip and train.shuffle and not held_out.flip and not held_out.shuffle
    assert held_out.class_names == dataset.class_names
    np.testing.assert_array_equal(held_out[0][1], Numbered.labels[b[:4]])
    assert held_out.protocol["split"] == {"fraction": 0.3, "seed": 4, "part": "held_out"}


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 0.001, True])
def test_split_errors(fraction):
    with pytest.raises(ValueError, match="`fraction"):
        make().split(fraction)


def test_split_keeps_the_number_of_classes():
    dataset = data.arrays(np.zeros((4, 1, 1), "uint8"), [0, 0, 0, 9])
    assert [part.num_classes for part in dataset.split(0.5)] == [10, 10]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"batch_size": 0}, "`batch_size` must be an integer >= 1"),
        ({"batch_size": 2.0}, "`batch_size` must be"),
        ({"seed": None}, "`seed` must be an integer >= 0"),
        ({"workers": -1}, "`workers` must be"),
        ({"labels": np.zeros(23)}, "integer class ids"),
        ({"labels": np.eye(23, dtype=int)}, r"argmax"),
        ({"labels": np.arange(23) - 1}, "values from -1"),
    ],
)
def test_argument_errors(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_source_errors():
    with pytest.raises(ValueError, match="must hold images"):
        data.ImageDataset([])
    ragged = [np.zeros((2, 2, 3), "uint8"), np.zeros((2, 3, 3), "uint8")]
    with pytest.raises(ValueError, match=r"Image 1 of the source has shape \(2, 3, 3\)"):
        data.ImageDataset(ragged, shuffle=False)[0]
    with pytest.raises(ValueError, match="dtype int64"):
        data.ImageDataset(np.zeros((2, 2, 2, 3), "int64"))[0]


class Recorder(keras.Model):
    """Records the images that it is trained on."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.seen = []

    def call(self, x):
        return self.dense(keras.ops.mean(keras.ops.cast(x, "float32"), axis=(1, 2)))

    def train_step(self, *args):
        self.seen += ids([np.asarray(args[-1][0])]).tolist()
        return super().train_step(*args)


def fit(dataset, **options):
    model = Recorder()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(dataset, **{"shuffle": False, "verbose": 0, **options})
    return model.seen


def test_fit_trains_in_the_seeded_order():
    expected = make()
    expected = [i for _ in range(3) for i in epoch_ids(expected)]
    assert fit(make(workers=0), epochs=3) == expected
    assert fit(make(workers=4), epochs=3) == expected


def test_fit_that_shuffles_batches_trains_on_the_seeded_batches():
    dataset, expected = make(workers=2), make()
    for seen in np.split(np.array(fit(dataset, epochs=3, shuffle=True)), 3):
        assert sorted(seen) == list(range(23))
        batches = [set(ids(batch)) for batch in expected]
        expected.on_epoch_end()
        while len(seen):
            batch = next(batch for batch in batches if seen[0] in batch)
            assert set(seen[: len(batch)]) == batch
            seen = seen[len(batch) :]
    assert dataset.epoch == 2


def test_fit_accepts_steps_per_epoch_and_validation_data():
    train, held_out = make(batch_size=3).split(0.2)
    again = make(batch_size=3).split(0.2)[0]
    assert len(train) == 6
    assert fit(train, epochs=4, steps_per_epoch=3, validation_data=held_out) == [
        *epoch_ids(again),
        *epoch_ids(again),
    ]


def test_fit_names_a_corrupt_file(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "good.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    dataset = data.image_folder(tmp_path, (4, 4, 3), labels=None, workers=2)
    dataset.labels = np.zeros(2, "int32")
    with pytest.raises(Exception, match=r"broken\.png"):
        fit(dataset)


def test_no_framework_is_imported():
    code = (
        "import sys, keras; before = set(sys.modules); import keras_gan.data\n"
        "names = {m.partition('.')[0] for m in set(sys.modules) - before}\n"
        "print(sorted(names & {'tensorflow', 'torch', 'jax', 'grain', 'scipy'}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
