import gzip
import pathlib
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from keras_gan.data.handles import open_images, parse_handle

quick = settings(max_examples=100, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    "handle, expected",
    [
        ("tfds:mnist", ("mnist", "train")),
        ("tfds:mnist:test", ("mnist", "test")),
        ("tfds:mnist:3.0.1", ("mnist:3.0.1", "train")),
        ("tfds:mnist:3.*.*:test", ("mnist:3.*.*", "test")),
        ("tfds:ai2/config:1.0.0:train[:10%]", ("ai2/config:1.0.0", "train[:10%]")),
        ("tfds:mnist:train[10:20]+test[:5]", ("mnist", "train[10:20]+test[:5]")),
        (pathlib.Path("tfds:mnist:test"), ("mnist", "test")),
    ],
)
def test_tfds_handles(handle, expected):
    assert parse_handle(handle) == ("tfds", expected)


part = st.text(st.characters(codec="ascii", exclude_characters=":"), min_size=1)


@quick
@given(name=part, version=st.none() | st.tuples(*[st.integers(0, 99)] * 3), split=st.none() | part)
@example(name="mnist", version=None, split="1.2")
def test_any_tfds_handle_is_taken_apart(name, version, split):
    full = name if version is None else f"{name}:{'.'.join(map(str, version))}"
    handle = f"tfds:{full}" if split is None else f"tfds:{full}:{split}"
    assert parse_handle(handle) == ("tfds", (full, split or "train"))


@quick
@given(text=st.text(max_size=12), scheme=st.sampled_from(["", "tfds:", "tfds", "./tfds:"]))
def test_any_text_is_a_handle_or_an_error_that_names_it(tmp_path_factory, text, scheme):
    try:
        kind, place = parse_handle(scheme + text)
    except (OSError, ValueError) as error:
        assert "\0" in text or text in str(error) or repr(text)[1:-1] in str(error)
    else:
        assert (kind == "tfds" and scheme == "tfds:" and all(place)) or kind == "folder"


@pytest.mark.parametrize("handle", ["tfds:", "tfds::train", "tfds:mnist:"])
def test_wrong_tfds_handles(handle):
    with pytest.raises(ValueError, match="tfds:NAME:SPLIT"):
        parse_handle(handle)


@pytest.mark.parametrize("handle", [None, 3, b"photos", ["photos"]])
def test_handles_are_strings_or_paths(handle):
    with pytest.raises(ValueError, match="string or path"):
        parse_handle(handle)


IDX = struct.pack(">4B3I", 0, 0, 8, 3, 2, 4, 6) + bytes(24) + bytes([255]) * 24


@pytest.mark.parametrize(
    "name, content, kind",
    [
        ("a.zip", b"", "zip"),
        ("A.ZIP", b"PK\3\4", "zip"),
        ("download", b"PK\3\4", "zip"),
        ("train-images-idx3-ubyte", IDX, "idx"),
        ("train-images-idx3-ubyte.gz", gzip.compress(IDX, mtime=0), "idx"),
        ("t10k-images-idx3-ubyte", b"damaged", "idx"),
        ("images", IDX, "idx"),
    ],
)
def test_files_are_told_apart(tmp_path, name, content, kind):
    (tmp_path / name).write_bytes(content)
    assert parse_handle(tmp_path / name) == (kind, str(tmp_path / name))
    assert parse_handle(tmp_path)[0] == "folder"


def test_other_files(tmp_path):
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png, which is none of these"):
        parse_handle(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match="missing"):
        parse_handle(tmp_path / "missing")


def test_each_kind_gives_the_same_images(tmp_path):
    (tmp_path / "photos").mkdir()
    for i in range(2):
        Image.new("L", (6, 4), 255 * i).save(tmp_path / "photos" / f"{i}.png")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for i in range(2):
            file.write(tmp_path / "photos" / f"{i}.png", f"{i}.png")
    (tmp_path / "images-idx3-ubyte").write_bytes(IDX)
    for crop in ("center", "pad", "stretch"):
        options = {"crop": crop, "background": "gray", "shuffle": False, "workers": 0}
        folder, zipped, idx = (
            open_images(tmp_path / name, (8, 8, 3), **options)[0][0]
            for name in ("photos", "a.zip", "images-idx3-ubyte")
        )
        np.testing.assert_array_equal(folder, zipped)
        np.testing.assert_array_equal(folder, idx)
    for name in ("photos", "a.zip", "images-idx3-ubyte"):
        assert open_images(tmp_path / name).image_shape == (4, 6, 1)
        assert open_images(tmp_path / name, (None, 3, None)).image_shape == (4, 3, 1)
        with pytest.raises(ValueError, match="aspect ratio"):
            open_images(tmp_path / name, (8, 8, 3), crop="none")[0]
        with pytest.raises(ValueError, match="`crop` must be one of"):
            open_images(tmp_path / name, crop="letterbox")


def test_labels_beside_idx_images(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(IDX)
    handle = tmp_path / "train-images-idx3-ubyte"
    assert open_images(handle, labels="auto").labels is None
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(struct.pack(">4BI2B", 0, 0, 8, 1, 2, 3, 1))
    assert open_images(handle, labels="auto").labels.tolist() == [3, 1]
    assert open_images(handle, labels=labels).labels.tolist() == [3, 1]
    assert open_images(handle).labels is None
    with pytest.raises(FileNotFoundError, match="folders"):
        open_images(handle, labels="folders")
