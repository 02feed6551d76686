import numpy as np
import pytest
from PIL import Image

from keras_gan.data import images


def picture(rows):
    return Image.fromarray(np.array(rows, "uint8"))


@pytest.mark.parametrize(
    "crop, size, expected",
    [
        ("center", (2, 2), [[2, 3], [7, 8]]),
        ("center", (1, 5), [[1, 2, 3, 4, 5]]),
        ("stretch", (4, 5), [[1, 2, 3, 4, 5]] * 2 + [[6, 7, 8, 9, 10]] * 2),
        ("pad", (4, 5), [[0] * 5, [1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [0] * 5]),
        ("pad", (2, 8), [[0, 1, 2, 3, 4, 5, 0, 0], [0, 6, 7, 8, 9, 10, 0, 0]]),
        ("none", (4, 10), np.repeat(np.repeat([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]], 2, 0), 2, 1)),
    ],
)
def test_fit_size_by_hand(crop, size, expected):
    image = picture([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]])
    fitted = images.fit_size(image, size, crop, "nearest", (0, 0, 0))
    np.testing.assert_array_equal(np.asarray(fitted), expected)


def test_center_crop_of_a_tall_image():
    fitted = images.fit_size(picture([[1], [2], [3], [4], [5]]), (2, 1), "center", "nearest")
    np.testing.assert_array_equal(np.asarray(fitted), [[2], [3]])


def test_fit_size_none_refuses_another_aspect_ratio():
    with pytest.raises(ValueError, match=r"2x5 pixels.*'center' crops, 'pad'"):
        images.fit_size(Image.new("L", (5, 2)), (2, 2), "none")


@pytest.mark.parametrize("resample", sorted(set(images.FILTERS) - {"nearest"}))
def test_filters_are_antialiased(resample):
    # Single-pixel stripes become gray; without antialiasing they alias to black or white.
    stripes = picture(np.tile([0, 255], (64, 32)))
    small = np.asarray(images.fit_size(stripes, (16, 16), "none", resample))[4:-4, 4:-4]
    assert abs(small.astype(int) - 128).max() <= 8


def test_resizing_does_not_bleed_transparent_pixels():
    opaque_white, hidden_red = (255, 255, 255, 255), (255, 0, 0, 0)
    image = picture([[opaque_white, hidden_red]] * 2)
    pixel = np.asarray(images.fit_size(image, (1, 1), "stretch", "box"))[0, 0]
    np.testing.assert_array_equal(pixel, (255, 255, 255, 128))


def test_pad_is_transparent_in_rgba():
    fitted = images.fit_size(Image.new("RGBA", (2, 1), (9, 9, 9, 255)), (2, 2), "pad")
    assert np.asarray(fitted)[..., 3].tolist() == [[255, 255], [0, 0]]


def gray(value):
    return [value], [value] * 3, [value] * 3 + [255]


def palette(transparency=None):
    image = Image.new("P", (1, 1), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


def gray_16(value, transparency=None):
    image = Image.fromarray(np.array([[value]], "uint16"))
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


LUMA_10_20_30 = 18  # 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15


@pytest.mark.parametrize(
    "image, expected",
    [
        (Image.new("1", (1, 1), 1), gray(255)),
        (Image.new("L", (1, 1), 7), gray(7)),
        (Image.new("LA", (1, 1), (7, 255)), gray(7)),
        (Image.new("LA", (1, 1), (7, 0)), ([255], [255] * 3, [7, 7, 7, 0])),
        (palette(), ([LUMA_10_20_30], [10, 20, 30], [10, 20, 30, 255])),
        (palette(transparency=1), ([255], [255] * 3, [10, 20, 30, 0])),
        (palette(transparency=b"\xff\x00"), ([255], [255] * 3, [10, 20, 30, 0])),
        (palette().convert("PA"), ([LUMA_10_20_30], [10, 20, 30], [10, 20, 30, 255])),
        (Image.new("RGB", (1, 1), (10, 20, 30)), ([18], [10, 20, 30], [10, 20, 30, 255])),
        (Image.new("RGBA", (1, 1), (0, 0, 0, 51)), ([204], [204] * 3, [0, 0, 0, 51])),
        (Image.new("CMYK", (1, 1), (255, 255, 0, 0)), ([29], [0, 0, 255], [0, 0, 255, 255])),
        (gray_16(65535), gray(255)),
        (gray_16(257 * 100), gray(100)),
        (gray_16(257 * 100 + 129), gray(101)),
        (gray_16(257 * 100, transparency=25700), ([255], [255] * 3, [100] * 3 + [0])),
        (Image.new("I", (1, 1), 257 * 3), gray(3)),
        (Image.new("F", (1, 1), 0.2), gray(51)),
    ],
)
def test_to_channels(image, expected):
    for channels, pixel in zip((1, 3, 4), expected, strict=True):
        converted = images.to_array(images.to_channels(image, channels))
        assert converted.shape == (1, 1, channels)
        assert converted[0, 0].tolist() == pixel


def test_alpha_is_composited_over_the_background():
    image = Image.new("RGBA", (1, 1), (255, 0, 0, 102))
    composited = images.to_channels(image, 3, background=(0, 100, 200))
    assert composited.getpixel((0, 0)) == (102, 60, 120)


@pytest.mark.parametrize("mode, value", [("I", 70000), ("I", -1), ("F", 1.5), ("F", float("nan"))])
def test_values_without_a_rule_are_refused(mode, value):
    with pytest.raises(ValueError, match=r"must lie in \[0, (1|65535)\]"):
        images.to_channels(Image.new(mode, (1, 1), value), 1)


@pytest.mark.parametrize(
    "background, expected",
    [("red", (255, 0, 0)), ("#010203", (1, 2, 3)), (9, (9,) * 3), ((9,), (9,) * 3)],
)
def test_backgrounds(background, expected):
    assert images.rgb(background) == expected


@pytest.mark.parametrize("background", [256, -1, True, 1.5, (1, 2), (1, 2, 3, 4), "#01020304"])
def test_background_errors(background):
    with pytest.raises(ValueError, match="`background` must be"):
        images.rgb(background)
