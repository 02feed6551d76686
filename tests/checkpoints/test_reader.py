"""Files that honest libraries write, against what these libraries read."""

import argparse
import collections
import datetime
import gzip
import json
import os
import pathlib
import pickle
import struct
import subprocess
import sys
import types
import zipfile

import h5py
import numpy as np
import pytest
import torch

from keras_gan.checkpoints import elements
from keras_gan.checkpoints.reader import mapped_tensors, read_tensors

LAYOUTS = {"zip": True, "legacy": False}
# Least bytes that are mapped: the default, and so few that small tensors are.
MAPPED = {"read": elements.MIN_MAPPED_BYTES, "mapped": 1}
DTYPES = (
    "float64 float32 float16 bfloat16 complex128 complex64 int64 int32 int16 int8 uint8 bool"
).split()


@pytest.fixture(params=MAPPED)
def mapped(request, monkeypatch):
    monkeypatch.setattr(elements, "MIN_MAPPED_BYTES", MAPPED[request.param])


@pytest.fixture(params=LAYOUTS)
def save(request, tmp_path, mapped):
    """Save with torch in one layout, check that torch reads it back, and return our reading."""

    def run(tree, **options):
        path = tmp_path / "checkpoint"
        torch.save(tree, path, _use_new_zipfile_serialization=LAYOUTS[request.param], **options)
        return read_tensors(path)

    return run


def expected(tensor):
    tensor = tensor.detach().resolve_conj().resolve_neg()
    return tensor.float().numpy() if tensor.dtype == torch.bfloat16 else tensor.numpy()


def assert_same(found, tensors):
    assert list(found) == list(tensors)
    for name, tensor in tensors.items():
        array = found[name]
        assert type(array) is np.ndarray
        assert array.flags.c_contiguous and array.flags.writeable and array.flags.owndata
        assert array.dtype == expected(tensor).dtype and array.dtype.isnative
        np.testing.assert_array_equal(array, expected(tensor), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (5,), (2, 3, 4)])
def test_torch_types_and_shapes(save, dtype, shape):
    tensor = (torch.randn(shape) * 4).to(getattr(torch, dtype))
    assert_same(save({"x": tensor}), {"x": tensor})


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
def test_torch_unsigned_types(save, dtype):
    tensor = torch.tensor([0, 1, 65535], dtype=getattr(torch, dtype))
    assert_same(save({"x": tensor}), {"x": tensor})


def test_torch_views_of_one_storage(save):
    base = torch.arange(24.0)
    grid = base.view(2, 3, 4)
    tensors = {
        "base": base,
        "transposed": grid.permute(2, 0, 1),
        "slice": base[5:9],
        "stepped": base[1::3],
        "corner": grid[1, 1:, ::2],
        "scalar": base[7],
        "broadcast": base[3].expand(4, 5),
        "diagonal": base[:9].view(3, 3).diagonal(),
        "empty": base[24:],
        "again": base,
    }
    found = save(tensors)
    assert_same(found, tensors)
    found["base"][:] = -1
    np.testing.assert_array_equal(found["again"], base.numpy())


def test_torch_pending_conjugate_and_negative(save):
    tensor = torch.randn(3, dtype=torch.complex64)
    tensors = {"conj": tensor.conj(), "neg": tensor.conj().imag, "plain": tensor}
    assert_same(save({"conj": tensors["conj"]}), {"conj": tensors["conj"]})
    assert_same(save({"neg": tensors["neg"]}), {"neg": tensors["neg"]})


def test_torch_special_values(save):
    values = [0.0, -0.0, float("inf"), -float("inf"), float("nan"), 1e-40, 3.0e38]
    for dtype in (torch.float32, torch.bfloat16):
        tensor = torch.tensor(values).to(dtype)
        found = save({"x": tensor})["x"]
        assert found.tobytes() == expected(tensor).tobytes()


def test_torch_state_dict(save):
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2)
    )
    state = model.state_dict()
    assert hasattr(state, "_metadata")
    assert_same(save(state), state)


def test_torch_prefix_is_kept(save):
    state = torch.nn.DataParallel(torch.nn.Linear(2, 2)).state_dict()
    assert list(save(state)) == ["module.weight", "module.bias"]


def test_torch_nested_checkpoint(save):
    generator, discriminator = torch.nn.Linear(4, 3), torch.nn.Linear(3, 1)
    optimizer = torch.optim.Adam(generator.parameters())
    generator(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    found = save(
        {
            "g": generator.state_dict(),
            "d": discriminator.state_dict(),
            "optimizer": optimizer.state_dict(),
            "epoch": 3,
            "loss": [0.5, 0.25],
            "best": None,
            "name": "dcgan",
            "shape": torch.Size([1, 2]),
            "device": torch.device("cpu"),
            "dtype": torch.float32,
            "set": {1, 2},
            "bytes": b"abc",
            "storage": torch.ones(2).untyped_storage(),
            "ema": [torch.ones(2), torch.zeros(1)],
        }
    )
    moments = [
        f"optimizer.state.{index}.{name}"
        for index in (0, 1)
        for name in ("step", "exp_avg", "exp_avg_sq")
    ]
    assert list(found) == [
        *("g.weight", "g.bias", "d.weight", "d.bias"),
        *moments,
        *("ema.0", "ema.1"),
    ]
    np.testing.assert_array_equal(found["g.weight"], generator.weight.detach().numpy())


def test_torch_parameters(save):
    plain, marked = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.zeros(3))
    marked.note = "more"
    tensor = torch.ones(4)
    tensor.note = "more"
    tensors = {"plain": plain, "marked": marked, "tensor": tensor}
    assert_same(save(tensors), tensors)


def test_torch_bare_values(save):
    tensor = torch.ones(2)
    assert_same(save(tensor), {"": tensor})
    assert_same(save([tensor, (tensor,)]), {"0": tensor, "1.0": tensor})
    assert save({}) == {}
    assert save({"epoch": 1}) == {}
    assert save(3) == {}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_torch_pickle_protocols(save, protocol):
    tree = {"x": torch.ones(2), "array": np.arange(6.0).reshape(2, 3)}
    if protocol == 5:
        del tree["array"]  # NumPy then pickles by `_frombuffer`, which is not on the list.
    found = save(tree, pickle_protocol=protocol)
    np.testing.assert_array_equal(found["x"], [1, 1])
    assert set(found) == set(tree)


@pytest.mark.parametrize("protocol", [2, 5])
def test_numpy_in_a_torch_file(save, protocol):
    tree = {
        "c": np.arange(6, dtype=np.int16).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">f4"),
        "bool": np.array([True, False]),
        "rank0": np.array(2.5),
        "empty": np.zeros((2, 0), np.float16),
    }
    found = save({**tree, "scalar": np.float32(3)}, pickle_protocol=protocol)
    assert list(found) == list(tree)
    for name, array in tree.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype.newbyteorder("=")
        assert found[name].shape == array.shape and found[name].flags.c_contiguous


@pytest.mark.parametrize("protocol", [2, 5])
def test_options_of_other_projects(save, protocol):
    company = argparse.Namespace(
        lr=0.1,
        milestones=collections.Counter([1, 2]),
        out=pathlib.PosixPath("out"),
        data=pathlib.PureWindowsPath("C:/data"),
        layers=frozenset([1, 2]),
        crop=slice(1, None),
        steps=range(3),
        began=datetime.datetime.now(datetime.UTC),
        lasted=datetime.timedelta(hours=3),
        raw=bytearray(b"raw") if protocol == 5 else b"raw",
    )
    held = collections.defaultdict(list, w=torch.ones(1))
    assert list(save({"args": company, "held": held}, pickle_protocol=protocol)) == ["held.w"]


def test_paths_of_python_313(save, monkeypatch):
    # Their module had another name there.
    module = types.ModuleType("pathlib._local")
    module.PosixPath = pathlib.PosixPath
    monkeypatch.setitem(sys.modules, "pathlib._local", module)
    monkeypatch.setattr(pathlib.PosixPath, "__module__", "pathlib._local")
    assert list(save({"out": pathlib.PosixPath("out"), "w": torch.ones(1)})) == ["w"]


@pytest.mark.parametrize("name", ["2021-01-01_12:30:00.pth", "a=b, (best).v1.pth"])
def test_torch_names_its_folder_after_the_file(tmp_path, name):
    torch.save({"w": torch.ones(1)}, tmp_path / name)
    assert list(read_tensors(tmp_path / name)) == ["w"]


def test_torch_saved_big_endian(tmp_path):
    path = tmp_path / "big.pt"
    torch.save({"x": torch.tensor([1.5, -2.0])}, path)
    raw = path.read_bytes().replace(struct.pack("<2f", 1.5, -2.0), struct.pack(">2f", 1.5, -2.0))
    path.write_bytes(raw)
    little = _rezip(path, {"byteorder": b"little"})
    big = _rezip(path, {"byteorder": b"big"})
    np.testing.assert_array_equal(read_tensors(big)["x"], [1.5, -2.0])
    assert read_tensors(little)["x"][0] != 1.5


def _rezip(path, replace):
    """Write the members of a zip again, compressed, as somebody's archive tool would."""
    target = path.with_suffix("." + replace["byteorder"].decode())
    source = path.read_bytes()
    with open(path, "rb") as file, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as output:
        entries = zipfile.ZipFile(file)
        for info in entries.infolist():
            name = info.filename.split("/", 1)[1]
            # Past the CRC, which the swapped bytes no longer match.
            start = info.header_offset + 30
            start += sum(struct.unpack("<2H", source[start - 4 : start]))
            data = source[start : start + info.file_size]
            output.writestr(info.filename, replace.get(name, data))
    return target


def test_python_2_ordered_dict_and_text(tmp_path):
    # Python 2 wrote an ordered dictionary as a list of pairs, and its keys as byte strings.
    tensor = (
        b"ctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nFloatStorage\n"
        b"U\x011U\x03cpuK\x02NtQK\x00K\x02\x85K\x01\x85tR"
    )
    pairs = b"\x80\x02ccollections\nOrderedDict\n(](](U\x01w" + tensor + b"eetR."
    head = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."
    path = tmp_path / "old.pth"
    path.write_bytes(
        head + pairs + b"\x80\x02](U\x011e." + struct.pack("<q", 2) + struct.pack("<2f", 3, 4)
    )
    np.testing.assert_array_equal(read_tensors(path)["w"], np.float32([3, 4]))
    view = pairs.replace(b"K\x02NtQK\x00K\x02", b"K\x02(U\x019K\x01K\x01ttQK\x00K\x01")
    path.write_bytes(
        head + view + b"\x80\x02](U\x011e." + struct.pack("<q", 2) + struct.pack("<2f", 3, 4)
    )
    np.testing.assert_array_equal(read_tensors(path)["w"], np.float32([4]))


def test_safetensors(tmp_path, mapped):
    arrays = {
        "a.weight": ("F32", np.arange(6, dtype="<f4").reshape(2, 3)),
        "a.bias": ("F16", np.arange(3, dtype="<f2")),
        "count": ("I64", np.array(7, dtype="<i8")),
        "mask": ("BOOL", np.array([True, False, True])),
        "empty": ("U8", np.zeros((0, 4), np.uint8)),
        "wide": ("F64", np.arange(2, dtype="<f8")),
    }
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (dtype, array) in arrays.items():
        stop = len(data) + array.nbytes
        header[name] = {
            "dtype": dtype,
            "shape": list(array.shape),
            "data_offsets": [len(data), stop],
        }
        data += array.tobytes()
    header["half"] = {"dtype": "BF16", "shape": [1], "data_offsets": [len(data), len(data) + 2]}
    text = json.dumps(header).encode() + b"   "
    path = tmp_path / "model.bin"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data + b"\xc0\x3f")
    found = read_tensors(path)
    assert list(found) == [*arrays, "half"]
    for name, (_, array) in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
        assert found[name].flags.writeable and found[name].flags.owndata
    assert found["half"].dtype == np.float32 and found["half"] == [1.5]


def test_safetensors_of_the_package(tmp_path, mapped):
    from safetensors.torch import save_file

    tensors = {name: torch.ones(3).to(getattr(torch, name)) for name in DTYPES if "128" not in name}
    save_file(tensors, tmp_path / "x")
    found = read_tensors(tmp_path / "x")
    assert_same({name: found[name] for name in tensors}, tensors)


@pytest.mark.parametrize("kind", [*LAYOUTS, "safetensors"])
def test_large_tensors_stay_in_the_file(tmp_path, kind):
    from safetensors.torch import save_file

    tensors = {
        "large": torch.randn(600, 500),
        "turned": torch.randn(600, 500).T,
        "small": torch.ones(3),
    }
    path = tmp_path / "x"
    if kind == "safetensors":
        tensors["turned"] = tensors["turned"].contiguous()
        save_file(tensors, path)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=LAYOUTS[kind])
    found = mapped_tensors(path)
    # Another order of axes is a copy.
    assert not found["large"].flags.owndata and not found["large"].flags.writeable
    assert found["turned"].flags.owndata == (kind != "safetensors") and found["small"].flags.owndata
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor, strict=True)
    assert_same({name: read_tensors(path)[name] for name in tensors}, tensors)
    if kind == "zip":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        with pytest.raises(ValueError, match="CRC"):
            mapped_tensors(path)
    path.write_bytes(path.read_bytes()[:-700_000])
    with pytest.raises(ValueError, match="Accepted"):
        mapped_tensors(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path, save):
    arrays = {
        "mu": np.arange(4.0),
        "group/kernel": np.asfortranarray(np.arange(6, dtype=np.float16).reshape(2, 3)),
        "count": np.array(3),
        "big": np.arange(3, dtype=">i4"),
        "mask": np.array([[True, False]]),
        "empty": np.zeros((0, 2), np.complex64),
    }
    path = tmp_path / "stats.npz"
    save(path, names=np.array(["text"]), **arrays)
    found = read_tensors(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype.newbyteorder("=") and found[name].flags.owndata


def test_hdf5(tmp_path):
    path = tmp_path / "weights"
    with h5py.File(path, "w") as file:
        file["g/conv/kernel"] = np.arange(6.0).reshape(2, 3)
        file["g/conv/bias"] = np.arange(3, dtype=">f2")
        file["step"] = 7
        file["mask"] = np.array([True, False])
        file["name"] = "dcgan"
        file["fixed"] = np.array([b"ab"])
        file.create_dataset("packed", data=np.ones((8, 8), "f4"), compression="gzip", shuffle=True)
        file.create_dataset(
            "checked", data=np.ones((5, 7)), chunks=(2, 3), compression="gzip", fletcher32=True
        )
        file.attrs["epoch"] = 3
    found = read_tensors(path)
    assert set(found) == {"g.conv.kernel", "g.conv.bias", "step", "mask", "packed", "checked"}
    np.testing.assert_array_equal(found["g.conv.kernel"], np.arange(6.0).reshape(2, 3), strict=True)
    assert found["g.conv.bias"].dtype == np.float16 and found["mask"].dtype == bool
    assert found["step"].shape == () and found["packed"].sum() == 64
    assert found["checked"].sum() == 35


@pytest.mark.parametrize("name", ["a.h5", "a.npz", "a", "a.safetensors"])
def test_content_counts_and_not_the_name(tmp_path, name):
    torch.save({"x": torch.ones(1)}, tmp_path / name)
    assert read_tensors(str(tmp_path / name))["x"] == [1]
    assert read_tensors(os.fsencode(tmp_path / name))["x"] == [1]


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_tensors(tmp_path / "none")
    with pytest.raises(IsADirectoryError, match=r"is a folder.*from_preset"):
        read_tensors(tmp_path)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"", "empty: get it again"),
        (b"\n<!DOCTYPE html><title>Sign in</title>", "a web page: get the file"),
        (b"<HTML>", "a web page"),
        (gzip.compress(pickle.dumps({}), mtime=0), "unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (pickle.dumps({"G": bytes(1000)}, 3)[:-500], "cut off.*get it again"),
    ],
)
def test_what_is_taken_for_a_checkpoint(tmp_path, content, remedy):
    (tmp_path / "network.pkl").write_bytes(content)
    with pytest.raises(ValueError, match=f"network.pkl.*{remedy}.*Accepted: torch.save files"):
        read_tensors(tmp_path / "network.pkl")


def test_reader_imports_no_framework():
    # The package itself imports Keras, hence a backend: an empty one stands in for it.
    root = pathlib.Path(__file__).parents[2] / "keras_gan"
    packages = {"keras_gan": str(root), "keras_gan.checkpoints": str(root / "checkpoints")}
    code = f"""
import sys, types
for name, path in {packages!r}.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
import keras_gan.checkpoints.reader
found = {{"torch", "tensorflow", "jax", "safetensors", "keras"}} & set(sys.modules)
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], check=True)
