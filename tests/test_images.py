import numpy as np
import pytest
from PIL import Image

from keras_gan import images


def test_to_uint8():
    x = np.array([-1.5, -1.0, -0.9999, -0.5, 0.0, 0.5, 0.9999, 1.0, 2.0])
    assert images.to_uint8(x).tolist() == [0, 0, 0, 64, 128, 191, 255, 255, 255]
    # Every level survives the way there and back.
    levels = np.arange(256, dtype="uint8")
    np.testing.assert_array_equal(images.to_uint8(levels / 127.5 - 1), levels)
    assert images.to_uint8(np.zeros((2, 3, 3, 1), "float16")).dtype == "uint8"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_to_uint8_refuses_what_is_no_number(bad):
    with pytest.raises(ValueError, match="has diverged"):
        images.to_uint8([0.0, bad])


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_to_pil(channels, mode):
    x = np.random.RandomState(0).randint(0, 256, (2, 3, 5, channels)).astype("uint8")
    pictures = images.to_pil(x)
    assert [p.mode for p in pictures] == [mode] * 2 and pictures[0].size == (5, 3)
    np.testing.assert_array_equal(np.asarray(pictures[1]).reshape(3, 5, channels), x[1])


@pytest.mark.parametrize(
    "x", [np.zeros((1, 2, 2, 2), "uint8"), np.zeros((2, 2, 3), "uint8"), np.zeros((1, 2, 2, 3))]
)
def test_to_pil_refuses(x):
    with pytest.raises(ValueError, match=r"Received: dtype .*, shape "):
        images.to_pil(x)


def test_make_grid():
    x = np.stack([np.full((2, 3, 1), i, "uint8") for i in range(5)])
    grid = images.make_grid(x)
    assert grid.shape == (4, 9, 1)
    assert grid[::2, ::3, 0].tolist() == [[0, 1, 2], [3, 4, 255]]
    assert images.make_grid(x, columns=5).shape == (2, 15, 1)
    assert images.make_grid(x, columns=1).shape == (10, 3, 1)
    assert images.make_grid(np.ones((3, 2, 2, 4), "uint8"), columns=2)[2:, 2:].max() == 0
    for bad, columns in ((x[:0], None), (x[0], None), (x, 0), (x, 1.5)):
        with pytest.raises(ValueError, match="Received"):
            images.make_grid(bad, columns)


def test_save_png(tmp_path):
    image = np.random.RandomState(0).randint(0, 256, (4, 6, 3)).astype("uint8")
    path = tmp_path / "new" / "folder" / "a.png"
    images.save_png(path, image)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), image)
    images.save_png(str(path), 255 - image)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), 255 - image)
    with pytest.raises(ValueError, match="uint8"):
        images.save_png(path, image / 255.0)
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]
