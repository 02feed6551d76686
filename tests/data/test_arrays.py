import numpy as np
import pytest

from keras_gan import data


def test_uint8_and_gray():
    images = np.arange(3 * 2 * 2, dtype="uint8").reshape(3, 2, 2)
    (batch,) = data.arrays(images, shuffle=False)[0]
    assert batch.dtype == "uint8"
    np.testing.assert_array_equal(batch, images[..., None])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_become_float32(dtype):
    images = np.linspace(-1, 1, 24).reshape(2, 2, 2, 3).astype(dtype)
    (batch,) = data.arrays(images, shuffle=False)[0]
    assert batch.dtype == "float32"
    np.testing.assert_array_equal(batch, images.astype("float32"))


def test_labels():
    dataset = data.arrays(np.zeros((3, 2, 2, 3), "uint8"), [2, 0, 1], shuffle=False)
    assert dataset[0][1].tolist() == [2, 0, 1] and dataset.num_classes == 3


def values(low, high):
    return np.linspace(low, high, 12).reshape(1, 2, 2, 3)


NAN = values(-1, 1)
NAN[0, 1, 1, 1] = np.nan


@pytest.mark.parametrize(
    "images, message",
    [
        (values(0, 1), r"images \* 2 - 1"),
        (values(0, 255), r"images / 127\.5 - 1"),
        (values(-1, 1.01), r"Scale them to \[-1, 1\]"),
        (values(-np.inf, 1), r"Scale them|NaN"),
        (NAN, "contain NaN"),
        (values(0, 255).astype("int64"), r"images\.astype\('uint8'\)"),
        (values(0, 1) > 0.5, "Received: bool"),
        (np.zeros((2, 3, 8, 8), "uint8"), r"np\.transpose\(images, \(0, 2, 3, 1\)\)"),
        (np.zeros((2, 8, 8, 2), "uint8"), "1, 3 or 4 channels"),
        (np.zeros((8, 8), "uint8"), r"Received: \(8, 8\)"),
        (np.zeros((0, 8, 8, 3), "uint8"), "not be empty"),
        ([[[0]]], r"NumPy array\. Received: list"),
    ],
)
def test_errors(images, message):
    with pytest.raises(ValueError, match=message):
        data.arrays(images)


def test_protocol():
    protocol = data.arrays(np.zeros((2, 4, 4), "uint8"), flip=True, seed=5).protocol
    assert protocol == {
        "source": "arrays",
        "dtype": "uint8",
        "count": 2,
        "image_shape": [4, 4, 1],
        "flip": True,
        "shuffle": True,
        "seed": 5,
    }
