import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

import keras_gan
from keras_gan import data


@pytest.fixture
def photos(tmp_path):
    """Seven photographs of several sizes and modes, in two folders."""
    random = np.random.RandomState(0)
    for i, mode in enumerate(["RGB", "L", "RGBA", "P", "RGB", "LA", "CMYK"]):
        pixels = random.randint(0, 256, (20 + 3 * i, 30 - 2 * i, 4)).astype("uint8")
        path = tmp_path / "photos" / ("cat" if i % 2 else "dog") / f"{i}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = "RGBA" if mode == "P" else mode
        Image.fromarray(pixels).convert(mode).save(path)
    return tmp_path / "photos"


def prepare(source, out, image_shape=(16, 24, 3), **options):
    return data.prepare(source, out, image_shape, verbose=0, **options)


def everything(dataset):
    batches = [dataset.batch(0, i) for i in range(len(dataset))]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    "options",
    [
        {"crop": "center", "resample": "lanczos"},
        {"crop": "pad", "resample": "box", "background": "#102030"},
        {"crop": "stretch", "resample": "nearest", "background": 128},
    ],
)
def test_the_zip_gives_the_images_of_the_folder(photos, tmp_path, channels, options):
    shape = (16, 24, channels)
    record = prepare(photos, tmp_path / "a.zip", shape, labels="folders", **options)
    folder = data.image_folder(photos, shape, labels="folders", shuffle=False, **options)
    dataset = data.image_zip(tmp_path / "a.zip", labels="dataset.json", shuffle=False)
    assert dataset.image_shape == shape and dataset.class_names == ["cat", "dog"]
    for prepared, direct in zip(everything(dataset), everything(folder), strict=True):
        np.testing.assert_array_equal(prepared, direct)
    assert dataset.protocol["prepared"] == record["protocol"]


def test_dataset_tool_would_write_the_same_layout(photos, tmp_path):
    prepare(photos, tmp_path / "a.zip", labels="folders")
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        images = [name for name in file.namelist() if name.endswith(".png")]
        assert images == [f"00000/img{i:08d}.png" for i in range(7)]
        assert set(file.namelist()) == {*images, "dataset.json", "keras_gan.json"}
        assert {entry.compress_type for entry in file.infolist()} == {zipfile.ZIP_STORED}
        content = json.loads(file.read("dataset.json"))
        assert list(content) == ["labels"]
        assert dict(content["labels"]) == {name: int(i > 2) for i, name in enumerate(images)}
        with Image.open(io.BytesIO(file.read(images[0]))) as image:
            assert image.mode == "RGB" and image.size == (24, 16)
        assert file.getinfo(images[0]).file_size > 16 * 24 * 3  # not compressed
        assert file.testzip() is None


def test_the_record(photos, tmp_path):
    record = prepare(photos, tmp_path / "a.zip", labels="folders", crop="pad", background="red")
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        assert json.loads(file.read("keras_gan.json")) == record
    assert record == {
        "keras_gan": keras_gan.__version__,
        "class_names": ["cat", "dog"],
        "protocol": {
            "source": "image_folder",
            "path": "photos",
            "crop": "pad",
            "resample": "lanczos",
            "background": [255, 0, 0],
            "skipped": 0,
            "image_shape": [16, 24, 3],
            "count": 7,
            "num_classes": 2,
        },
    }


def test_the_same_images_give_the_same_bytes(photos, tmp_path, monkeypatch):
    prepare(photos, tmp_path / "a.zip", workers=0)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    prepare(photos, tmp_path / "b.zip", workers=4)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_prepared_zips_can_be_prepared(photos, tmp_path):
    first = prepare(photos, tmp_path / "a.zip", labels="folders")
    second = prepare(tmp_path / "a.zip", tmp_path / "b.zip", (8, 8, 3))
    assert second["class_names"] == ["cat", "dog"]
    assert second["protocol"]["prepared"] == first["protocol"]
    dataset = data.image_zip(tmp_path / "b.zip", labels="dataset.json")
    assert dataset.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    prepare(tmp_path / "a.zip", tmp_path / "a.zip", None, overwrite=True, labels=None)
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        assert json.loads(file.read("dataset.json")) == {"labels": None}
    assert data.image_zip(tmp_path / "a.zip", labels="auto").labels is None


def test_an_unpacked_zip_is_read_as_a_folder(photos, tmp_path):
    prepare(photos, tmp_path / "a.zip", labels="folders")
    zipfile.ZipFile(tmp_path / "a.zip").extractall(tmp_path / "a")
    options = {"labels": "dataset.json", "shuffle": False}
    unpacked = data.image_folder(tmp_path / "a", **options)
    zipped = data.image_zip(tmp_path / "a.zip", **options)
    assert unpacked.class_names == zipped.class_names == ["cat", "dog"]
    for a, b in zip(everything(unpacked), everything(zipped), strict=True):
        np.testing.assert_array_equal(a, b)


def test_corrupt_images_are_counted_or_stop_it(photos, tmp_path):
    (photos / "cat" / "3.tif").write_bytes(b"text")
    with pytest.raises(OSError, match=r"3\.tif"):
        prepare(photos, tmp_path / "a.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]
    with pytest.warns(UserWarning, match="Skipped 1 of 7"):
        record = prepare(photos, tmp_path / "a.zip", on_error="skip", labels="folders")
    assert record["protocol"]["skipped"] == 1 and record["protocol"]["count"] == 6
    dataset = data.image_zip(tmp_path / "a.zip", labels="dataset.json")
    assert dataset.labels.tolist() == [0, 0, 1, 1, 1, 1]


def test_images_that_differ_need_a_shape(photos, tmp_path):
    with pytest.raises(ValueError, match=r"cat/3\.tif.*`image_shape=\(64, 64, 3\)`"):
        prepare(photos, tmp_path / "a.zip", None)
    with pytest.raises(ValueError, match=r"shape \(29, 24, 4\).*None, None, 1"):
        prepare(photos, tmp_path / "a.zip", (16, 16, None))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


def test_a_killed_prepare_leaves_no_zip(photos, tmp_path):
    script = (
        "import sys, keras_gan; keras_gan.data.prepare(sys.argv[1], sys.argv[2], (3000, 3000, 4))"
    )
    out = tmp_path / "a.zip"
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(keras_gan.__file__))}
    process = subprocess.Popen([sys.executable, "-c", script, photos, out], env=environment)
    while process.poll() is None and not list(tmp_path.glob(".partial-*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL and not out.exists()


def test_an_interrupted_prepare_leaves_nothing(photos, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras.utils.Progbar.add", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare(photos, tmp_path / "a.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


def test_it_does_not_overwrite(photos, tmp_path):
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(FileExistsError, match=r"a\.zip exists.*overwrite=True"):
        prepare(photos, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "mine"
    prepare(photos, tmp_path / "a.zip", overwrite=True)
    assert data.image_zip(tmp_path / "a.zip").num_images == 7


def test_folders_are_made_and_permissions_are_usual(photos, tmp_path):
    prepare(photos, tmp_path / "new" / "er" / "a.ZIP")
    (tmp_path / "other").write_text("")
    assert (tmp_path / "new/er/a.ZIP").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"out": "a.tar"}, ValueError, "path of a zip file"),
        ({"out": "a"}, ValueError, "path of a zip file"),
        ({"out": "folder.zip"}, IsADirectoryError, "is a folder"),
        ({"source": "missing"}, FileNotFoundError, "missing"),
        ({"source": "tfds:"}, ValueError, "tfds:NAME"),
        ({"source": None}, ValueError, "`source` must be a string or path"),
        ({"out": None}, ValueError, "`out` must be a string or path"),
        ({"image_shape": (8, 8)}, ValueError, "`image_shape` must be"),
        ({"image_shape": 8}, ValueError, "`image_shape` must be"),
        ({"crop": "middle"}, ValueError, "`crop` must be one of"),
        ({"resample": "cubic"}, ValueError, "`resample` must be one of"),
        ({"background": "no colour"}, ValueError, "no colour"),
        ({"labels": "classes"}, ValueError, "`labels` must be one of"),
        ({"labels": "dataset.json"}, ValueError, "needs the file"),
        ({"on_error": "ignore"}, ValueError, "`on_error` must be one of"),
        ({"workers": -1}, ValueError, "`workers` must be"),
    ],
)
def test_errors(photos, tmp_path, options, error, message):
    (tmp_path / "folder.zip").mkdir()
    arguments = {"source": photos, "out": tmp_path / "a.zip", **options}
    for name in ("source", "out"):
        if isinstance(arguments[name], str) and ":" not in arguments[name]:
            arguments[name] = tmp_path / arguments[name]
    with pytest.raises(error, match=message):
        prepare(**arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.zip", "photos"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"protocol": 3}', b'{"protocol": {}, "class_names": "cat"}',
     b'{"protocol": {}, "class_names": [1]}'],
)  # fmt: skip
def test_a_damaged_record_is_refused(tmp_path, content):
    image = io.BytesIO()
    Image.new("L", (2, 2)).save(image, "PNG")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.png", image.getvalue())
        file.writestr("keras_gan.json", content)
        file.writestr("dataset.json", '{"labels": [["a.png", 0]]}')
    with pytest.raises(ValueError, match=r"keras_gan\.json of .*a\.zip"):
        data.image_zip(tmp_path / "a.zip", labels="dataset.json")


def test_more_classes_than_names_are_refused(tmp_path):
    image = io.BytesIO()
    Image.new("L", (2, 2)).save(image, "PNG")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.png", image.getvalue())
        file.writestr("keras_gan.json", '{"protocol": {}, "class_names": ["cat"]}')
        file.writestr("dataset.json", '{"labels": [["a.png", 1]]}')
    with pytest.raises(ValueError, match=r"class id 1, but .* names only 1 classes"):
        data.image_zip(tmp_path / "a.zip", labels="dataset.json")
