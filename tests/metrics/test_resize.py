import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from keras_gan.metrics import resize


def pixels(*shape, seed=0):
    return np.random.RandomState(seed).randint(0, 256, shape).astype("uint8")


def resized(images, size, rule="tf1"):
    return keras.ops.convert_to_numpy(resize(images, size, rule))


def by_hand(image, size):
    """TensorFlow 1's rule, pixel by pixel, in float32."""
    f = np.float32
    height, width = image.shape
    out = np.empty(size, "float32")
    for i in range(size[0]):
        y = f(i) * (f(height) / f(size[0]))
        top, dy = int(y), y - f(int(y))
        bottom = min(top + 1, height - 1)
        for j in range(size[1]):
            x = f(j) * (f(width) / f(size[1]))
            left, dx = int(x), x - f(int(x))
            right = min(left + 1, width - 1)
            ends = [
                f(image[row, left]) + (f(image[row, right]) - f(image[row, left])) * dx
                for row in (top, bottom)
            ]
            out[i, j] = ends[0] + (ends[1] - ends[0]) * dy
    return out


def test_worked_row():
    row = np.array([10, 20, 40], "uint8").reshape(1, 1, 3, 1)
    np.testing.assert_allclose(resized(row, (1, 5)).ravel(), [10, 16, 24, 36, 40], rtol=1e-6)
    half_pixel = resized(row, (1, 5), "pytorch").ravel()
    np.testing.assert_allclose(half_pixel, [10, 14, 20, 32, 40], rtol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.tuples(*[st.integers(1, 12)] * 4))
def test_tf1_bit_for_bit(sides):
    images = pixels(2, sides[0], sides[1], 3, seed=sum(sides))
    found = resized(images, sides[2:])
    assert found.shape == (2, *sides[2:], 3) and found.dtype == np.float32
    for n, c in ((0, 0), (1, 2)):
        np.testing.assert_array_equal(found[n, ..., c], by_hand(images[n, ..., c], sides[2:]))


@pytest.mark.parametrize("rule", ["tf1", "clean", "pytorch", "pad"])
def test_own_size_is_the_identity(rule):
    images = pixels(2, 5, 7, 3)
    found = resized(images, (5, 7), rule)
    np.testing.assert_array_equal(found, images.astype("float32"))


def test_clean_is_pillow_per_channel_and_clipped():
    # A step overshoots under a bicubic filter.
    image = np.repeat(np.repeat(np.array([[0, 255], [255, 0]], "uint8"), 8, 0), 8, 1)
    images = np.stack([image, 255 - image, image], -1)[None]
    found = resized(images, (11, 13), "clean")
    plane = Image.fromarray(image.astype("float32")).resize((13, 11), Image.Resampling.BICUBIC)
    plane = np.asarray(plane)
    assert plane.min() < 0 and plane.max() > 255
    np.testing.assert_array_equal(found[0, ..., 0], np.clip(plane, 0, 255))
    assert not np.array_equal(found, np.round(found))


def test_only_clean_is_antialiased():
    columns = np.zeros((1, 64, 64, 1), "uint8")
    columns[:, :, ::2] = 255
    assert resized(columns, (16, 16), "clean")[0, 4:12, 4:12].std() < 1
    assert set(np.unique(resized(columns, (16, 16)))) == {255.0}


def test_pad_centres():
    found = resized(pixels(1, 28, 28, 1), (32, 33), "pad")
    np.testing.assert_array_equal(found[0, 2:30, 2:30, 0], pixels(1, 28, 28, 1)[0, ..., 0])
    found[0, 2:30, 2:30] = 0
    assert not found.any()
    with pytest.raises(ValueError, match="33x28 do not fit into 32x32"):
        resize(pixels(1, 33, 28, 1), (32, 32), "pad")


@pytest.mark.parametrize("rule", ["tf1", "clean", "pytorch"])
def test_images_of_mixed_sizes(rule):
    images = [pixels(5, 7, 3), pixels(9, 4, 3)]
    found = resized(images, (6, 6), rule)
    for image, one in zip(images, found, strict=True):
        np.testing.assert_array_equal(resized(image[None], (6, 6), rule)[0], one)


@pytest.mark.parametrize("size, rule, message", [((2, 2), "area", "area"), ((0, 2), "tf1", "size")])
def test_bad_arguments(size, rule, message):
    with pytest.raises(ValueError, match=message):
        resize(pixels(1, 2, 2, 3), size, rule)
