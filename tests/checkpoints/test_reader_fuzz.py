"""Arbitrary bytes: a dictionary of arrays or a ValueError, and nothing else.

KERAS_GAN_FUZZ sets how many mutated files of each kind are read; tools/fuzz_reader.py also measures
what they take.
"""

import collections
import io
import json
import os
import pathlib
import random
import struct
import sys
import zipfile
from unittest import mock

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_gan.checkpoints import elements
from keras_gan.checkpoints.reader import read_tensors

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import public_checkpoints as public

_COUNT = int(os.environ.get("KERAS_GAN_FUZZ", "300"))

# Of `pickletools`, on text that a mutation has damaged.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")


def _torch(**options):
    state = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict()
    tree = {
        "g": state,
        "half": torch.ones(3, dtype=torch.bfloat16),
        "parameter": torch.nn.Parameter(torch.ones(2, 3).T),
        "array": np.arange(4.0).reshape(2, 2),
        "device": torch.device("cpu"),
        "epoch": 3,
    }
    stream = io.BytesIO()
    torch.save(tree, stream, **options)
    return stream.getvalue()


def _rewrapped(change):
    """Return a torch archive with `change` made inside it, where the zip's CRCs do not see it."""
    with zipfile.ZipFile(io.BytesIO(VALID["torch zip"])) as source:
        members = {name: source.read(name) for name in source.namelist()}
    root = next(name for name in members if name.endswith("/data.pkl"))
    members[root] = change(members[root])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        for name, data in members.items():
            target.writestr(name, data)
    return stream.getvalue()


def _safetensors():
    entries = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]},
    }
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + bytes(range(32))


def _npz(save):
    stream = io.BytesIO()
    save(stream, a=np.arange(6.0).reshape(2, 3), b=np.array(3), c=np.array(["text"]))
    return stream.getvalue()


def _hdf5():
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["g/kernel"] = np.arange(6.0).reshape(2, 3)
        file.create_dataset("packed", data=np.ones((4, 4), "f4"), compression="gzip")
        file["name"] = "text"
    return stream.getvalue()


_TENSORS = {
    "mapping.w_avg": np.arange(3, dtype="float32"),
    "synthesis.b4.conv1.weight": np.ones((2, 2, 1, 1), "float32"),
    "synthesis.b4.conv1.noise_strength": np.float32(1),
}


def _network_pickle(protocol):
    described = {
        "": ("Generator", {"z_dim": 3, "gain": public.numpy_array(np.float64(1.5))}),
        "synthesis.b4.conv1": ("SynthesisLayer", {"conv_clamp": None, "sizes": [1, 2]}),
    }
    network = public.network(_TENSORS, described, {"synthesis_kwargs": public.easy_dict({"a": 1})})
    return public.network_pickle({"G_ema": network}, protocol)


def _tensorflow_pickle(protocol):
    variables = public.in_tensorflow(_TENSORS)
    network = public.tensorflow_network("Gs", variables, {"resolution": 4}, "G_main")
    return public.tensorflow_pickle(network, network, network, protocol)


VALID = {
    "torch zip": _torch(),
    "torch legacy": _torch(_use_new_zipfile_serialization=False),
    "torch legacy, protocol 4": _torch(_use_new_zipfile_serialization=False, pickle_protocol=4),
    "safetensors": _safetensors(),
    "npz": _npz(np.savez),
    "npz compressed": _npz(np.savez_compressed),
    "hdf5": _hdf5(),
    "network pickle": _network_pickle(3),
    "network pickle, protocol 2": _network_pickle(2),
    "network pickle, protocol 5": _network_pickle(5),
    "tensorflow pickle": _tensorflow_pickle(4),
    "tensorflow pickle, protocol 2": _tensorflow_pickle(2),
}


def outcome(path, data):
    """Read `data` as a file and name how it went; anything unforeseen is raised."""
    path.write_bytes(data)
    try:
        # What has 8 bytes is mapped, as what has a mebibyte is in large files.
        with mock.patch.object(elements, "MIN_MAPPED_BYTES", 8):
            arrays = read_tensors(path)
    except ValueError as error:
        assert type(error) is ValueError and str(path) in str(error)
        return "refused"
    assert isinstance(arrays, dict)
    json.dumps(arrays.attributes)  # Plain data.
    for name, array in arrays.items():
        assert type(name) is str and type(array) is np.ndarray and array.dtype.kind in "biufc"
        array.sum()  # Touch every byte, in case it is not ours.
    return "read"


def mutate(data, random):
    """Change a few bytes: flip, overwrite with awkward numbers, cut, repeat or swap a run."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        at = random.randrange(len(data) + 1)
        run = random.randrange(1, 20)
        kind = random.randrange(7)
        if kind == 0:
            data[at : at + 1] = bytes([random.randrange(256)])
        elif kind == 1 and at < len(data):
            data[at] ^= 1 << random.randrange(8)
        elif kind == 2:
            number = random.choice((0, 1, 2**7, 2**8 - 1, 2**31 - 1, 2**32 - 1, 2**63, 2**64 - 1))
            awkward = number.to_bytes(8, "little")[: random.choice((1, 2, 4, 8))]
            data[at : at + len(awkward)] = awkward
        elif kind == 3:
            del data[at : at + run]
        elif kind == 4:
            data[at:at] = data[at : at + run]
        elif kind == 5 and random.random() < 0.2:
            del data[at:]
        else:
            other = random.randrange(len(data) + 1)
            data[at : at + run] = data[other : other + run]
    return bytes(data)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "x"


@pytest.mark.parametrize("kind", VALID)
def test_valid_files_are_read(path, kind):
    assert outcome(path, VALID[kind]) == "read"
    assert outcome(path, _rewrapped(lambda data: data)) == "read"


@pytest.mark.parametrize("kind", VALID)
def test_mutations(path, kind):
    source = random.Random(kind)
    counts = collections.Counter(outcome(path, mutate(VALID[kind], source)) for _ in range(_COUNT))
    assert counts["refused"]


def test_mutations_inside_the_archive(path):
    source = random.Random(0)
    for _ in range(300):
        outcome(path, _rewrapped(lambda data: mutate(data, source)))


@pytest.mark.parametrize("kind", VALID)
def test_truncations(path, kind):
    data = VALID[kind]
    for size in {*range(0, len(data), max(1, len(data) // 60)), len(data) - 1}:
        assert outcome(path, data[:size]) == "refused"


_SETTINGS = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
_HEADS = [b"", b"PK\x03\x04", b"\x80\x02", b"\x89HDF\r\n\x1a\n", VALID["torch legacy"][:23]]


@_SETTINGS
@given(head=st.sampled_from(_HEADS), body=st.binary(max_size=400))
def test_arbitrary_bytes(path, head, body):
    outcome(path, head + body)


@_SETTINGS
@given(body=st.binary(max_size=100))
def test_arbitrary_pickles(path, body):
    outcome(path, _rewrapped(lambda _: b"\x80\x04" + body + b"."))


@_SETTINGS
@given(header=st.text(max_size=60), body=st.binary(max_size=20))
def test_arbitrary_headers(path, header, body):
    header = b'{"' + header.encode(errors="surrogatepass")
    outcome(path, struct.pack("<Q", len(header)) + header + body)


@_SETTINGS
@given(data=st.data(), kind=st.sampled_from(sorted(VALID)))
def test_arbitrary_changes(path, data, kind):
    valid = bytearray(VALID[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(valid) - 1))
        valid[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=8))
    outcome(path, bytes(valid[: data.draw(st.integers(0, len(valid)))] or valid))
