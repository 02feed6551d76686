import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from keras_gan import data

CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def encode(array):
    header = struct.pack(
        f">4B{array.ndim}I", 0, 0, CODES[array.dtype.name], array.ndim, *array.shape
    )
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(path, array):
    content = encode(array)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


arrays = st.sampled_from(sorted(CODES)).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=1, max_dims=5, min_side=0, max_side=4)
    )
)
quick = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "file"


@quick
@given(array=arrays, zipped=st.booleans())
def test_round_trip(scratch, array, zipped):
    content = encode(array)
    scratch.write_bytes(gzip.compress(content) if zipped else content)
    read = data.read_idx(scratch)
    assert read.dtype == array.dtype and read.dtype.isnative and read.flags.writeable
    np.testing.assert_array_equal(read, array)


@quick
@given(array=arrays, zipped=st.booleans(), share=st.floats(0, 1, exclude_max=True))
def test_any_truncation_is_a_value_error(scratch, array, zipped, share):
    content = encode(array)
    content = gzip.compress(content) if zipped else content
    scratch.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="not a valid IDX file"):
        data.read_idx(scratch)


@quick
@given(array=arrays, zipped=st.booleans(), where=st.floats(0, 1), byte=st.integers(0, 255))
def test_any_mutation_gives_a_value_error_or_an_array(scratch, array, zipped, where, byte):
    content = bytearray(gzip.compress(encode(array)) if zipped else encode(array))
    header = 10 if zipped else 4 + 4 * array.ndim
    content[int(where * (header - 1))] = byte
    scratch.write_bytes(content)
    try:
        read = data.read_idx(scratch)
    except ValueError as error:
        assert str(scratch) in str(error)
    else:  # another reading of the same bytes, such as float32 for int32
        assert read.nbytes == array.nbytes


@quick
@given(content=st.binary(max_size=64))
def test_any_bytes_give_a_value_error_or_an_array(scratch, content):
    scratch.write_bytes(content)
    try:
        data.read_idx(scratch)
    except ValueError:
        pass


@pytest.mark.parametrize("zipped", [False, True])
def test_memory_claimed_by_a_header_is_not_allocated(tmp_path, zipped):
    content = struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3) + bytes(10)
    path = tmp_path / "huge"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(ValueError, match=f"truncated: 10 of {(2**32 - 1) ** 3} bytes"):
        data.read_idx(path)


@pytest.mark.parametrize(
    "content, message",
    [
        (encode(np.zeros(3, "uint8")) + b"x", "left over"),
        (b"\x00\x00\x07\x01" + bytes(4), "dtype code"),
        (b"\x89PNG", "starts with bytes 89 50 4e 47"),
        (b"\x00\x00\x08\x00x", "0 dimensions"),
        (b"\x00\x00\x08\xff" + bytes(2000), "255 dimensions"),
    ],
)
def test_damage_is_described(tmp_path, content, message):
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(ValueError, match=f"damaged is not a valid IDX file: .*{message}"):
        data.read_idx(tmp_path / "damaged")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        data.read_idx(tmp_path / "missing")


@pytest.fixture
def digits(tmp_path):
    pixels = np.arange(5 * 4 * 4, dtype="uint8").reshape(5, 4, 4) + 100
    images = write(tmp_path / "images.gz", pixels)
    labels = write(tmp_path / "labels", np.array([3, 0, 1, 2, 1], "uint8"))
    return pixels, images, labels


def test_idx_images_and_labels(digits):
    pixels, images, labels = digits
    dataset = data.idx(images, labels, shuffle=False)
    batch, ids = dataset[0]
    np.testing.assert_array_equal(batch[..., 0], pixels)
    assert ids.dtype == "int32" and ids.tolist() == [3, 0, 1, 2, 1]
    assert dataset.image_shape == (4, 4, 1) and dataset.num_classes == 4
    assert dataset.protocol["path"] == "images.gz" and dataset.protocol["fit"] == "resize"


def test_idx_pad_keeps_the_pixels(digits):
    pixels, images, _ = digits
    (batch,) = data.idx(images, image_shape=(6, 7, 3), fit="pad", shuffle=False)[0]
    np.testing.assert_array_equal(batch[:, 1:5, 1:5], np.repeat(pixels[..., None], 3, -1))
    assert batch.sum(dtype=int) == 3 * pixels.sum(dtype=int)


def test_idx_resize_names_its_filter(digits):
    pixels, images, _ = digits
    dataset = data.idx(images, image_shape=(8, 8, 1), resample="nearest", shuffle=False)
    np.testing.assert_array_equal(dataset[0][0][..., 0], pixels.repeat(2, 1).repeat(2, 2))
    assert dataset.protocol["resample"] == "nearest"


def test_idx_colour(tmp_path):
    pixels = np.arange(2 * 2 * 2 * 3, dtype="uint8").reshape(2, 2, 2, 3)
    (batch,) = data.idx(write(tmp_path / "colour", pixels), shuffle=False)[0]
    np.testing.assert_array_equal(batch, pixels)


def test_idx_errors(tmp_path, digits):
    _, images, labels = digits
    with pytest.raises(ValueError, match="cannot make images of 4x4 pixels smaller"):
        data.idx(images, image_shape=(2, 2, 1), fit="pad")
    with pytest.raises(ValueError, match="keeps the aspect ratio"):
        data.idx(images, image_shape=(8, 4, 1))
    with pytest.raises(ValueError, match="`fit` must be one of"):
        data.idx(images, fit="crop")
    with pytest.raises(ValueError, match="labels must hold uint8 images"):
        data.idx(labels)
    with pytest.raises(ValueError, match="one label for each of the 5 images"):
        data.idx(images, write(tmp_path / "few", np.zeros(4, "uint8")))
    with pytest.raises(ValueError, match="must hold images"):
        data.idx(write(tmp_path / "none", np.zeros((0, 4, 4), "uint8")))


def test_gzip_bombs_are_read_no_further_than_the_header_claims(tmp_path):
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(encode(np.zeros(3, "uint8")) + bytes(1 << 27)))
    tracemalloc.start()
    with pytest.raises(ValueError, match="left over"):
        data.read_idx(tmp_path / "bomb.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 22
