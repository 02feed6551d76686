import keras
import numpy as np
import pytest

from keras_gan.images import to_uint8
from keras_gan.metrics import to_pixels


def floats(*shape, low=-1.0, high=1.0):
    return np.random.RandomState(0).uniform(low, high, shape).astype("float32")


def test_uint8_is_untouched():
    images = np.arange(48, dtype="uint8").reshape(1, 4, 4, 3)
    assert to_pixels(images) is images
    tensor = keras.ops.convert_to_tensor(images)
    np.testing.assert_array_equal(to_pixels(tensor), images)


def test_floats_are_rounded_as_generators_round():
    images = floats(2, 8, 8, 3)
    np.testing.assert_array_equal(to_pixels(images, (-1, 1)), to_uint8(images))


def test_rules_differ_in_the_halves():
    # 10, 10.25, 10.5, 10.75, 11.5 levels.
    images = np.float32([10, 10.25, 10.5, 10.75, 11.5]).reshape(1, 1, 5, 1)

    def levels(rule):
        return to_pixels(images, (0, 255), rule).ravel().tolist()

    assert levels("half_up") == [10, 10, 11, 11, 12]
    assert levels("half_even") == [10, 10, 10, 11, 12]
    assert levels("truncate") == [10, 10, 10, 10, 11]
    assert levels(None) == [10, 10.25, 10.5, 10.75, 11.5]


@pytest.mark.parametrize("low, high", [(-1, 1), (0, 1), (0, 255), (-3.0, 5.0)])
def test_every_range_ends_at_black_and_white(low, high):
    ramp = np.linspace(low, high, 256, dtype="float32").reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(to_pixels(ramp, (low, high)).ravel(), np.arange(256))


def test_half_precision():
    images = keras.ops.cast(floats(1, 4, 4, 3), "bfloat16")
    expected = to_uint8(keras.ops.convert_to_numpy(keras.ops.cast(images, "float32")))
    np.testing.assert_array_equal(to_pixels(images, (-1, 1)), expected)


def test_lists_of_any_sizes():
    images = [floats(4, 5, 3), floats(2, 2, 1)]
    found = to_pixels(images, (-1, 1))
    for one, image in zip(found, images, strict=True):
        np.testing.assert_array_equal(one, to_uint8(image))


@pytest.mark.parametrize(
    "images, value_range, message",
    [
        (floats(1, 4, 4, 3), None, r"pass `value_range`.*\[-0"),
        (floats(1, 4, 4, 3), (0, 1), "State the range"),
        (floats(1, 4, 4, 3) * 128 + 128, (-1, 1), "State the range"),
        (floats(1, 4, 4, 3), (1, -1), "black, white"),
        (floats(1, 4, 4, 3), 1.0, "black, white"),
        (floats(1, 4, 4, 3), (-1, float("inf")), "black, white"),
        (np.full((1, 4, 4, 3), np.nan, "float32"), (-1, 1), "NaN"),
        (np.full((1, 4, 4, 3), np.inf, "float32"), (-1, 1), "NaN or inf"),
        (np.zeros((1, 4, 4, 3), "int64"), None, r"astype\('uint8'\)"),
        (np.zeros((1, 4, 4, 3), bool), None, "bool"),
        (np.zeros((1, 4, 4, 4), "uint8"), None, "transparency"),
        (np.zeros((1, 3, 8, 8), "uint8"), None, r"transpose\(0, 2, 3, 1\)"),
        (np.zeros((4, 4, 3), "uint8"), None, r"\(4, 4, 3\)"),
        (np.zeros((0, 4, 4, 3), "uint8"), None, "no images"),
        ([], None, "no images"),
    ],
)
def test_ambiguous_input_is_refused(images, value_range, message):
    with pytest.raises(ValueError, match=message):
        to_pixels(images, value_range)


def test_unknown_rule():
    with pytest.raises(ValueError, match=r"half_up.*nearest"):
        to_pixels(floats(1, 4, 4, 3), (-1, 1), "nearest")
