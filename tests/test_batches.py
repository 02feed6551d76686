import keras
import numpy as np
import pytest

from keras_gan import batches, data

LABELS = np.arange(100)


def numbered(count):
    """Images 2x2x1 filled with their number."""
    numbers = np.arange(count, dtype="uint8")[:, None, None, None]
    return np.broadcast_to(numbers, (count, 2, 2, 1)).copy()


class Batches(keras.utils.PyDataset):
    def __init__(self, x):
        super().__init__()
        self.x = x

    def __len__(self):
        return len(self.x) // 4

    def __getitem__(self, i):
        return (self.x[4 * i : 4 * i + 4],)


@pytest.mark.parametrize(
    "make", [lambda x: x, Batches, lambda x: data.arrays(x, batch_size=4, shuffle=False)]
)
def test_adapt_keeps_the_order_and_checks_first(make):
    checked = []
    adapter = batches.adapt(make(numbered(8)), check=lambda batch: checked.append(len(batch)))
    seen = [b[0] if isinstance(b, tuple) else b for b in adapter.get_numpy_iterator()]
    assert np.concatenate(seen)[:, 0, 0, 0].tolist() == list(range(8)) and checked == [1]
    assert batches.adapt(adapter) is adapter


@pytest.mark.parametrize(
    "x, y, options, message",
    [
        (None, None, {}, "image_folder"),
        ("photos/", None, {}, "image_folder"),
        (5, None, {}, "Images come as an array or a data set"),
        (iter(()), None, {}, "is empty"),
        ([Batches(numbered(4))], None, {}, "must hold arrays"),
        (numbered(4), [0, 1, 2, 3], {}, "labels as list"),
        (numbered(4), LABELS[:5], {}, "4 images and 5 labels"),
        (Batches(numbered(4)), LABELS[:4], {}, "images as Batches"),
        (Batches(numbered(4)), None, {"batch_size": 4}, "makes its own batches"),
        (numbered(4), None, {"batch_size": 0}, "integer >= 1. Received: 0"),
        (numbered(4), None, {"batch_size": 2.5}, "integer >= 1. Received: 2.5"),
    ],
)
def test_refusals(x, y, options, message):
    with pytest.raises(ValueError, match=message):
        batches.adapt(x, y, **options)


def test_split_arrays():
    x = numbered(10)
    (train, y), (held_out, held_out_y) = batches.split_arrays(x, LABELS[:10], 0.3)
    assert train[:, 0, 0, 0].tolist() == y.tolist() == list(range(7))
    assert held_out[:, 0, 0, 0].tolist() == held_out_y.tolist() == [7, 8, 9]
    assert batches.split_arrays(x, None, 0.5)[0][1] is None
    for fraction in (1.0, 2.0, -0.5):
        with pytest.raises(ValueError, match="leaves no image on one side"):
            batches.split_arrays(x, None, fraction)
    with pytest.raises(ValueError, match="`validation_data` instead"):
        batches.split_arrays(Batches(x), None, 0.5)


def test_a_sample_is_spread_over_arrays_and_data_sets():
    images = np.arange(100, dtype="uint8").reshape(100, 1, 1, 1)
    sample, labels = batches.sample(images, np.arange(100), 5)
    np.testing.assert_array_equal(labels, [0, 24, 49, 74, 99])
    np.testing.assert_array_equal(sample.ravel(), labels)
    (everything,) = batches.sample(images, None, 200)
    np.testing.assert_array_equal(everything, images)
    dataset = data.arrays(images, batch_size=8)
    (sample,) = batches.sample(dataset, None, 20)
    assert len(np.unique(sample)) == 20
    # Reading a stream would take something from it.
    assert batches.sample(iter([images]), None, 5) is None
