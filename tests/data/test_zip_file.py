import copy
import io
import json
import pickle
import struct
import threading
import warnings
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from keras_gan import data

quick = settings(max_examples=60, deadline=None, derandomize=True)


def encoded(value=0, size=(4, 4), mode="RGB", kind="PNG", **options):
    content = io.BytesIO()
    channels = len(Image.new(mode, (1, 1)).getbands())
    color = (value,) * channels if channels > 1 else value
    Image.new(mode, size, color).save(content, kind, **options)
    return content.getvalue()


def write(path, entries, compression=zipfile.ZIP_STORED):
    """A zip of `{name or ZipInfo: content}`; a dict as content becomes JSON."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, json.dumps(content) if isinstance(content, dict) else content)
    return path


def read(path, image_shape=None, **options):
    options = {"shuffle": False, "workers": 0, **options}
    return data.image_zip(path, image_shape, **options)


def values(dataset):
    return dataset[0][0][:, 0, 0, 0].tolist()


def nvidia(labels=(6, 0, 3)):
    names = [f"00000/img{i:08d}.png" for i in range(3)]
    table = None if labels is None else [list(pair) for pair in zip(names, labels, strict=True)]
    return {
        **{name: encoded(10 * i) for i, name in enumerate(names)},
        "dataset.json": {"labels": table},
    }


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_dataset_tool_zips(tmp_path, compression):
    path = write(tmp_path / "a.zip", nvidia(), compression)
    dataset = read(path, labels="dataset.json")
    images, labels = dataset[0]
    assert images.shape == (3, 4, 4, 3) and images[:, 0, 0, 0].tolist() == [0, 10, 20]
    assert labels.dtype == "int32" and labels.tolist() == [6, 0, 3]
    assert dataset.num_classes == 7 and dataset.class_names is None
    assert len(read(path)[0]) == 1
    assert dataset.protocol["source"] == "image_zip" and dataset.protocol["path"] == "a.zip"
    json.dumps(dataset.protocol)


def test_labels_in_any_order_and_spelling(tmp_path):
    entries = nvidia()
    entries["dataset.json"] = {
        "labels": [
            ["00000\\img00000002.png", 3],
            ["./00000/img00000000.png", 6],
            ["00000/img00000001.png", 0],
        ]
    }
    dataset = read(write(tmp_path / "a.zip", entries), labels="dataset.json")
    assert dataset.labels.tolist() == [6, 0, 3]


def test_entries_are_chosen_and_ordered_like_files(tmp_path):
    entries = {
        "z.PNG": encoded(7),
        "deep/er/b.JPG": encoded(2, kind="JPEG"),
        "deep/a.webp": encoded(1, kind="WEBP", lossless=True),
        "__MACOSX/._z.png": b"resource fork",
        ".hidden.png": b"",
        ".cache/a.png": b"",
        "notes.txt": b"no image",
        "folder.png/": b"",
        "./m.bmp": encoded(3, kind="BMP"),
        "/n.gif": encoded(4, mode="L", kind="GIF"),
        "../../o.tif": encoded(5, kind="TIFF"),
        "p\\q.png": encoded(6),
    }
    before = sorted(tmp_path.iterdir())
    dataset = read(write(tmp_path / "a.zip", entries), (4, 4, 3))
    assert values(dataset) == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(tmp_path.iterdir()) == [*before, tmp_path / "a.zip"]


def test_labels_by_folder(tmp_path):
    entries = {"dog/1.png": encoded(1), "cat/deep/2.png": encoded(2), "cat/3.png": encoded(3)}
    dataset = read(write(tmp_path / "a.zip", entries), labels="folders")
    assert dataset.class_names == ["cat", "dog"]
    assert values(dataset) == [3, 2, 1] and dataset.labels.tolist() == [0, 0, 1]
    entries["loose.png"] = encoded()
    with pytest.raises(ValueError, match=r"directly in .*b\.zip.*loose\.png"):
        read(write(tmp_path / "b.zip", entries), labels="folders")


def test_a_folder_around_everything_does_not_count(tmp_path):
    entries = {"pets/dog/1.png": encoded(1), "pets/cat/2.png": encoded(2), "__MACOSX/._a": b""}
    dataset = read(write(tmp_path / "a.zip", entries), labels="folders")
    assert dataset.class_names == ["cat", "dog"]
    wrapped = {f"set/{name}": content for name, content in nvidia().items()}
    dataset = read(write(tmp_path / "b.zip", wrapped), labels="dataset.json")
    assert dataset.labels.tolist() == [6, 0, 3]
    entries = {"cat/1.png": encoded(1), "cat/2.png": encoded(2)}
    assert read(write(tmp_path / "c.zip", entries), labels="folders").class_names == ["cat"]


@pytest.mark.parametrize("reader", ["image_zip", "image_folder"])
@pytest.mark.parametrize(
    "labels, message",
    [
        (None, r"no labels \(null\)"),
        ([["a.png", 1]], r"lacks the labels of 1 of 2 images: 'b\.png'"),
        ([["a.png", 1], ["b.png", 0], ["c.png", 0]], r"1 files that are no images there: 'c\.png'"),
        ([["a.png", 1], ["b.png", 0], ["a.png", 0]], r"labels 'a\.png' twice"),
        ([["a.png", 1], ["b.png", 1.0]], r"integer class ids .* Received: 1\.0 for 'b\.png'"),
        ([["a.png", 1], ["b.png", [0.5, 0.5]]], r"Received: \[0\.5, 0\.5\] for 'b\.png'"),
        ([["a.png", 1], ["b.png", "1"]], "Received: '1'"),
        ([["a.png", 1], ["b.png", True]], "Received: True"),
        ([["a.png", 1], ["b.png", None]], "Received: None"),
        ([["a.png", 1], ["b.png", -1]], "Received: -1"),
        ([["a.png", 1], ["b.png", 2**31]], "Received: 2147483648"),
        ([["a.png", 1], "b.png"], r"pairs \[file name, class id\].* Received: 'b\.png'"),
        ([["a.png", 1], [2, 1]], r"pairs .* Received: \[2, 1\]"),
        ({"a.png": 1, "b.png": 0}, r"must hold \{\"labels\""),
        ([], "lacks the labels of 2 of 2 images"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path, reader, labels, message):
    entries = {"a.png": encoded(), "b.png": encoded(), "dataset.json": {"labels": labels}}
    path = write(tmp_path / "a.zip", entries)
    if reader == "image_folder":
        zipfile.ZipFile(path).extractall(tmp_path)
        path = tmp_path
    with pytest.raises(ValueError, match=message) as raised:
        getattr(data, reader)(path, (4, 4, 3), labels="dataset.json")
    assert "dataset.json" in str(raised.value) and str(tmp_path) in str(raised.value)
    getattr(data, reader)(path, (4, 4, 3), labels=None)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe\xfd", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "must hold"),
        (b"{}", "must hold"),
        (b'{"labels": 3}', "must hold"),
    ],
)
def test_damaged_dataset_json(tmp_path, content, message):
    path = write(tmp_path / "a.zip", {"a.png": encoded(), "dataset.json": content})
    with pytest.raises(ValueError, match=message):
        read(path, labels="dataset.json")


def test_labels_auto_are_those_that_are_there(tmp_path):
    assert read(write(tmp_path / "a.zip", nvidia()), labels="auto").labels.tolist() == [6, 0, 3]
    assert read(write(tmp_path / "b.zip", nvidia(None)), labels="auto").labels is None
    path = write(tmp_path / "c.zip", {"a.png": encoded()})
    assert read(path, labels="auto").labels is None
    with pytest.raises(ValueError, match=r"needs the file dataset\.json in .*c\.zip"):
        read(path, labels="dataset.json")


names = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("zip") / "a.zip"


@quick
@given(names=names, seed=st.randoms())
def test_any_names_keep_their_labels_in_any_order(scratch, names, seed):
    entries = {f"{name}{i}.png": encoded(i, (1, 1)) for i, name in enumerate(names)}
    table = [[name, i] for i, name in enumerate(entries)]
    seed.shuffle(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zipfile, about duplicates
        write(scratch, {**entries, "dataset.json": {"labels": table}})
    try:
        dataset = read(scratch, labels="dataset.json")
    except ValueError as error:  # all or some of the names are hidden ones
        assert "no images" in str(error) or "directory" in str(error)
    else:
        assert values(dataset) == dataset.labels.tolist()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


@quick
@given(
    content=st.binary(max_size=30)
    | json_values.map(lambda value: json.dumps(value).encode())
    | json_values.map(lambda value: json.dumps({"labels": value}).encode())
)
def test_any_dataset_json_gives_labels_or_a_value_error(scratch, content):
    write(scratch, {"a.png": encoded(), "dataset.json": content})
    for labels in ("dataset.json", "auto"):
        try:
            dataset = read(scratch, labels=labels)
        except ValueError as error:
            assert "dataset.json" in str(error)
        else:
            assert dataset.labels is None and labels == "auto"


@quick
@given(where=st.floats(0, 1), byte=st.integers(0, 255), share=st.none() | st.floats(0, 1))
def test_any_damage_is_an_error_or_harmless(scratch, where, byte, share):
    write(scratch, nvidia(), zipfile.ZIP_DEFLATED)
    content = bytearray(scratch.read_bytes())
    content[int(where * (len(content) - 1))] = byte
    if share is not None:
        del content[int(share * len(content)) :]
    scratch.write_bytes(content)
    try:
        images, labels = read(scratch, labels="dataset.json")[0]
    except (OSError, ValueError) as error:
        assert str(scratch) in str(error)
    else:
        assert images[:, 0, 0, 0].tolist() == [0, 10, 20] and labels.tolist() == [6, 0, 3]


def damaged(kind):
    """Bytes of a zip whose entry `bad.png` cannot be read; the others can."""
    content = io.BytesIO()
    bad = zipfile.ZipInfo("bad.png")
    compression = {"bzip2": zipfile.ZIP_BZIP2, "bomb": zipfile.ZIP_DEFLATED}.get(kind, 0)
    payload = {"text": b"no image", "empty": b"", "bomb": bytes(65 << 20)}.get(kind, encoded(5))
    if kind == "link":
        bad.create_system, bad.external_attr, payload = 3, 0o120777 << 16, b"/etc/passwd"
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("a.png", encoded(1))
        file.writestr(bad, payload, compression)
        file.writestr("z.png", encoded(2))
    content = bytearray(content.getvalue())
    local = content.index(b"bad.png") - 30
    directory = content.rindex(b"bad.png") - 46
    if kind == "encrypted":
        content[local + 6] |= 1
        content[directory + 8] |= 1
    elif kind == "checksum":
        content[content.index(payload) + 50] ^= 1
    elif kind == "offset":
        content[directory + 42] ^= 1
    elif kind == "size":
        content[directory + 20 : directory + 28] = struct.pack("<2L", 2**31, 2**31)
    return bytes(content)


@pytest.mark.parametrize(
    "kind, message",
    [
        ("text", "UnidentifiedImageError"),
        ("empty", "UnidentifiedImageError"),
        ("link", "symbolic link"),
        ("bzip2", "neither stored nor deflated"),
        ("bomb", "unpacks to 68157440 bytes"),
        ("encrypted", "encrypted"),
        ("checksum", "checksum"),
        ("offset", "does not begin where"),
        ("size", "more bytes than the zip has"),
    ],
)
@pytest.mark.parametrize("workers", [0, 2])
def test_a_corrupt_entry_is_named_or_skipped(tmp_path, kind, message, workers):
    path = tmp_path / "a.zip"
    path.write_bytes(damaged(kind))
    with pytest.raises(OSError, match=rf"'bad\.png' in .*a\.zip.*({message})"):
        read(path, workers=workers)[0]
    with pytest.warns(UserWarning, match=r"Skipped 1 of 3 .*a\.zip.*: bad\.png") as warned:
        dataset = read(path, on_error="skip", workers=workers)
    assert len(warned) == 1 and values(dataset) == [1, 2] and dataset.protocol["skipped"] == 1


def test_labels_of_skipped_entries_go_with_them(tmp_path):
    entries = {**nvidia(), "00000/img00000001.png": b"text"}
    path = write(tmp_path / "a.zip", entries)
    with pytest.warns(UserWarning, match="Skipped 1"):
        dataset = read(path, labels="dataset.json", on_error="skip")
    assert values(dataset) == [0, 20] and dataset.labels.tolist() == [6, 3]


def test_a_corrupt_dataset_json_is_named(tmp_path):
    path = write(tmp_path / "a.zip", nvidia())
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"labels"', b'"Labels"'))
    with pytest.raises(OSError, match=r"'dataset\.json' in .*a\.zip.*checksum"):
        read(path, labels="dataset.json")


def test_labels_that_unpack_to_too_much(tmp_path):
    entries = {"a.png": encoded(), "dataset.json": b" " * (2 << 20)}
    path = write(tmp_path / "a.zip", entries, zipfile.ZIP_DEFLATED)
    with pytest.raises(OSError, match=r"'dataset\.json' in .*a\.zip: it unpacks to 2097152 bytes"):
        read(path, labels="dataset.json")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("other", ["a.png", "./a.png", "b/../a.png", "/a.png"])
def test_two_entries_of_one_name(tmp_path, other):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.png", encoded(1))
        file.writestr(other, encoded(2))
    with pytest.raises(OSError, match=r"a\.zip holds two entries 'a\.png'"):
        read(tmp_path / "a.zip")


def test_zip64(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for i in range(3):
            with file.open(f"{i}.png", "w", force_zip64=True) as entry:
                entry.write(encoded(i))
    assert values(read(tmp_path / "a.zip")) == [0, 1, 2]


class Unseekable(io.RawIOBase):
    def __init__(self):
        self.content = b""

    def writable(self):
        return True

    def write(self, content):
        self.content += bytes(content)
        return len(content)


def test_streamed_and_prefixed_zips(tmp_path):
    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:  # sizes follow the data
        file.writestr("a.png", encoded(1))
        file.writestr("b.png", encoded(2))
    (tmp_path / "a.zip").write_bytes(b"#!/bin/sh\n" + stream.content)
    assert values(read(tmp_path / "a.zip")) == [1, 2]


def test_many_entries(tmp_path):
    content = encoded(9, (1, 1), "L")
    crc = zlib.crc32(content)
    local, directory = [], []
    size = 30 + 21 + len(content)
    for i in range(100_000):  # by hand: zipfile takes seconds
        name = f"{i // 1000:05d}/img{i:08d}.png".encode()
        fields = struct.pack("<3HL2L2H", 0, 0, 33, crc, len(content), len(content), len(name), 0)
        local.append(struct.pack("<4s2H", b"PK\3\4", 20, 0) + fields + name + content)
        rest = struct.pack("<3H2L", 0, 0, 0, 0, i * size)
        directory.append(struct.pack("<4s3H", b"PK\1\2", 20, 20, 0) + fields + rest + name)
    local, directory = b"".join(local), b"".join(directory)
    counts = struct.pack("<2Q2Q", 100_000, 100_000, len(directory), len(local))
    end64 = struct.pack("<4sQ2H2L", b"PK\6\6", 44, 45, 45, 0, 0) + counts
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(local) + len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(directory), len(local), 0)
    (tmp_path / "a.zip").write_bytes(local + directory + end64 + locator + end)
    dataset = read(tmp_path / "a.zip")
    assert dataset.num_images == 100_000
    assert (dataset.batch(0, len(dataset) - 1)[0] == 9).all()


def test_a_large_directory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_gan.data.zip_file._MAX_DIRECTORY_BYTES", 100)
    path = write(tmp_path / "a.zip", nvidia())
    with pytest.raises(OSError, match="zip directory is larger than 100 bytes"):
        read(path)


def test_threads_copies_and_forks_read_alike(tmp_path):
    entries = {f"{i:03d}.png": encoded(i, (8, 8)) for i in range(64)}
    source = read(write(tmp_path / "a.zip", entries), cache=True).source
    copied = pickle.loads(pickle.dumps(source))
    assert copied[5].max() == 5 and copy.deepcopy(source)[6].max() == 6
    wrong = []

    def check():
        for i in range(64):
            if source._read(source.names[i]).max() != i:
                wrong.append(i)

    threads = [threading.Thread(target=check) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    "mode, channels",
    [("L", 1), ("1", 1), ("I;16", 1), ("RGB", 3), ("P", 3), ("RGBA", 4), ("LA", 4)],
)
def test_the_shape_is_that_of_the_images(tmp_path, mode, channels):
    path = write(tmp_path / "a.zip", {"a.png": encoded(0, (6, 5), mode)})
    assert read(path).image_shape == (5, 6, channels)
    assert read(path)[0][0].shape == (1, 5, 6, channels)
    assert read(path, (10, None, 3))[0][0].shape == (1, 10, 6, 3)


@pytest.mark.parametrize(
    "second, image_shape, message",
    [
        (encoded(0, (4, 5)), None, r"shape \(5, 4, 3\).*first one, 'a\.png'.*\(4, 4, 3\)"),
        (encoded(0, mode="L"), None, r"shape \(4, 4, 1\)"),
        (encoded(0, mode="L"), (8, 8, None), r"shape \(4, 4, 1\)"),
    ],
)
def test_images_must_agree_where_the_shape_is_open(tmp_path, second, image_shape, message):
    path = write(tmp_path / "a.zip", {"a.png": encoded(), "b.png": second})
    with pytest.raises(ValueError, match=rf"'b\.png' in .*{message}"):
        read(path, image_shape)[0]
    assert read(path, (8, 8, 3))[0][0].shape == (2, 8, 8, 3)


@pytest.mark.parametrize("content", [b"", b"PK", b"text", b"PK\5\6" + bytes(17)])
def test_no_zip_file(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(OSError, match=r"a\.zip is not a complete zip file"):
        read(tmp_path / "a.zip")


def test_a_truncated_zip(tmp_path):
    path = write(tmp_path / "a.zip", nvidia())
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(OSError, match=r"a\.zip is not a complete zip file"):
        read(path)


def test_path_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no zip file .*missing\.zip"):
        read(tmp_path / "missing.zip")
    with pytest.raises(IsADirectoryError, match="image_folder"):
        read(tmp_path)
    with pytest.raises(ValueError, match=r"`path` must be a string or path\. Received: None"):
        read(None)
    with pytest.raises(ValueError, match=r"no images in .*a\.zip"):
        read(write(tmp_path / "a.zip", {"notes.txt": b""}))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"image_shape": (64, 64)}, "`image_shape` must be"),
        ({"image_shape": (None, 0, 3)}, "`image_shape` must be an integer >= 1"),
        ({"image_shape": (None, None, 2)}, "must end with 1"),
        ({"crop": "middle"}, "`crop` must be one of"),
        ({"resample": "cubic"}, "`resample` must be one of"),
        ({"labels": "inferred"}, "`labels` must be one of"),
        ({"on_error": "ignore"}, "`on_error` must be one of"),
        ({"background": "no colour"}, "no colour"),
        ({"batch_size": 0}, "`batch_size` must be"),
    ],
)
def test_argument_errors(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        read(write(tmp_path / "a.zip", nvidia()), **options)
