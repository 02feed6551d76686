import json
import os

import numpy as np
import pytest
from PIL import Image

from keras_gan import data


def save(path, value=0, size=(4, 4), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = len(Image.new(mode, (1, 1)).getbands())
    color = (value,) * channels if channels > 1 else value
    Image.new(mode, size, color).save(path, **options)
    return path


def read(path, image_shape=(4, 4, 3), **options):
    options = {"shuffle": False, "workers": 0, **options}
    return data.image_folder(path, image_shape, **options)


def test_formats_in_sorted_order(tmp_path):
    names = ["a.PNG", "b.jpg", "c/d.jpeg", "c/e.webp", "f.bmp", "g.gif", "h.tif", "i.tiff"]
    for i, name in enumerate(reversed(names)):
        save(tmp_path / name, 10 * (len(names) - 1 - i), mode="L")
    (tmp_path / "notes.txt").write_text("no image")
    save(tmp_path / ".hidden.png")
    save(tmp_path / ".thumbnails" / "x.png")
    (images,) = read(tmp_path, (4, 4, 1))[0]
    assert images.dtype == "uint8" and images.shape == (8, 4, 4, 1)
    assert np.abs(images[:, 0, 0, 0].astype(int) - 10 * np.arange(8)).max() <= 2  # lossy formats


def test_mixed_sizes_and_modes(tmp_path):
    save(tmp_path / "a.png", 10, (9, 5))
    save(tmp_path / "b.png", 20, (3, 8), "L")
    save(tmp_path / "c.png", 30 * 257, (4, 4), "I;16")
    (images,) = read(tmp_path)[0]
    assert images.shape == (3, 4, 4, 3)
    assert images.reshape(3, -1).min(1).tolist() == images.reshape(3, -1).max(1).tolist()
    assert images[:, 0, 0, 0].tolist() == [10, 20, 30]


def test_exif_orientation(tmp_path):
    pixels = np.array([[0, 0], [255, 255]], "uint8")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown after a quarter turn clockwise
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    (images,) = read(tmp_path, (2, 2, 1))[0]
    np.testing.assert_array_equal(images[0, ..., 0], [[255, 0], [255, 0]])


def test_gif_gives_its_first_frame(tmp_path):
    frames = [Image.new("L", (4, 4), value) for value in (50, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    (images,) = read(tmp_path)[0]
    assert (images == 50).all()


def test_labels_by_top_folder(tmp_path):
    save(tmp_path / "dog" / "1.png", 1)
    save(tmp_path / "cat" / "deep" / "2.png", 2)
    save(tmp_path / "cat" / "3.png", 3)
    dataset = read(tmp_path, labels="folders")
    images, labels = dataset[0]
    assert dataset.class_names == ["cat", "dog"] and dataset.num_classes == 2
    assert labels.dtype == "int32" and labels.tolist() == [0, 0, 1]
    assert images[:, 0, 0, 0].tolist() == [3, 2, 1]
    save(tmp_path / "loose.png")
    with pytest.raises(ValueError, match=r"directly in .*loose\.png"):
        read(tmp_path, labels="folders")


def corrupt(tmp_path):
    good = save(tmp_path / "a.png", 5, (64, 64))
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
    Image.fromarray(noise).save(tmp_path / "truncated.png")
    Image.fromarray(noise).save(tmp_path / "truncated.jpg")
    for name in ("truncated.png", "truncated.jpg"):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.gif").write_bytes(b"")
    return good


@pytest.mark.parametrize("name", ["truncated.png", "truncated.jpg", "text.png", "empty.gif"])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_corrupt_file_is_named(tmp_path, name, workers):
    corrupt(tmp_path)
    for file in tmp_path.iterdir():
        if file.name not in ("a.png", name):
            file.unlink()
    with pytest.raises(OSError, match=name):
        read(tmp_path, workers=workers)[0]


def test_corrupt_files_are_skipped_with_one_warning(tmp_path):
    good = corrupt(tmp_path)
    with pytest.warns(UserWarning, match=r"Skipped 4 of 5 .*: empty\.gif, text\.png") as warned:
        dataset = read(tmp_path, on_error="skip")
    assert len(warned) == 1
    assert dataset.num_images == 1 and dataset.protocol["skipped"] == 4
    good.unlink()
    with pytest.raises(ValueError, match="None of the 4 image files"):
        read(tmp_path, on_error="skip")


# Above the limit Pillow warns, above twice the limit it raises.
@pytest.mark.parametrize("side", [33, 50])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_decompression_bombs_are_corrupt(tmp_path, monkeypatch, side):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    save(tmp_path / "a.png", size=(side, side))
    dataset = read(tmp_path)
    with pytest.raises(OSError, match=r"a\.png.*DecompressionBomb"):
        dataset[0]


@pytest.mark.parametrize("crop", ["none", None])
def test_crop_none_names_the_file(tmp_path, crop):
    save(tmp_path / "wide.png", size=(8, 4))
    with pytest.raises(ValueError, match=r"wide\.png: .*aspect ratio"):
        read(tmp_path, crop=crop)[0]


def test_crop_and_background_reach_the_images(tmp_path):
    save(tmp_path / "a.png", 0, (4, 2))
    (images,) = read(tmp_path, crop="pad", background="red")[0]
    assert images[0, 0, 0].tolist() == [255, 0, 0] and not images[0, 1:3].any()
    (images,) = read(tmp_path, crop="stretch")[0]
    assert not images.any()


def test_cache_decodes_each_file_once(tmp_path):
    path = save(tmp_path / "a.png", 1)
    cached, direct = read(tmp_path, cache=True), read(tmp_path)
    first = cached[0][0]
    save(path, 2)
    np.testing.assert_array_equal(cached[0][0], first)
    assert (direct[0][0] == 2).all()


def test_flips_leave_the_cache_alone(tmp_path):
    Image.fromarray(np.array([[0, 255]], "uint8")).save(tmp_path / "a.png")
    dataset = read(tmp_path, (1, 2, 1), cache=True, flip=True)
    seen = {dataset.batch(epoch, 0)[0][0, 0, 0, 0].item() for epoch in range(16)}
    assert seen == {0, 255} and dataset.source[0].ravel().tolist() == [0, 255]


def test_protocol_is_json(tmp_path):
    save(tmp_path / "photos" / "a.png")
    protocol = read(tmp_path / "photos", crop=None, resample="box", seed=3).protocol
    assert json.loads(json.dumps(protocol)) == {
        "source": "image_folder",
        "path": "photos",
        "crop": "none",
        "resample": "box",
        "background": [255, 255, 255],
        "skipped": 0,
        "count": 1,
        "image_shape": [4, 4, 3],
        "flip": False,
        "shuffle": False,
        "seed": 3,
    }


def test_path_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*missing"):
        read(tmp_path / "missing")
    with pytest.raises(NotADirectoryError, match=r"a\.png"):
        read(save(tmp_path / "file" / "a.png"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no images in .*empty"):
        read(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"`path` must be a string or path\. Received: None"):
        read(None)


def test_the_shape_can_be_that_of_the_images(tmp_path):
    save(tmp_path / "a.png", 1, (6, 5), "L")
    assert read(tmp_path, None).image_shape == (5, 6, 1)
    assert read(tmp_path, (None, None, 3)).image_shape == (5, 6, 3)
    save(tmp_path / "b.png", 1, (6, 5))
    with pytest.raises(ValueError, match=r"b\.png: The image is of shape \(5, 6, 3\)"):
        read(tmp_path, None)[0]


def test_links_to_folders_are_followed_once(tmp_path):
    save(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "photos").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "photos" / "linked")
    assert read(tmp_path / "photos").num_images == 1
    os.symlink(tmp_path / "photos", tmp_path / "photos" / "loop")
    with pytest.raises(ValueError, match="loop is a link"):
        read(tmp_path / "photos")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"image_shape": (64, 64)}, "`image_shape` must be"),
        ({"image_shape": (3, 64, 64)}, "must end with 1"),
        ({"image_shape": (0, 64, 3)}, "`image_shape` must be an integer >= 1"),
        ({"crop": "middle"}, "`crop` must be one of"),
        ({"resample": "cubic"}, "`resample` must be one of"),
        ({"labels": "inferred"}, "`labels` must be one of"),
        ({"on_error": "ignore"}, "`on_error` must be one of"),
        ({"background": "no colour"}, "no colour"),
    ],
)
def test_argument_errors(tmp_path, options, message):
    save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=message):
        read(tmp_path, **{"image_shape": (4, 4, 3), **options})
