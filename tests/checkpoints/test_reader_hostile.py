"""Files made to do harm: refused, and shown not to have run anything."""

import json
import os
import pickle
import struct
import zipfile
import zlib

import h5py
import numpy as np
import pytest
import torch

from keras_gan.checkpoints import limits
from keras_gan.checkpoints.reader import read_tensors

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
HOOKS = b"\x89ccollections\nOrderedDict\n)R"


def as_zip(path, pickled, storages=None, **members):
    """Write a torch archive around a pickle."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickled)
        for key, data in (storages or {}).items():
            file.writestr(f"archive/data/{key}", data)
        for name, data in members.items():
            file.writestr(f"archive/{name}", data)
    return path


def as_legacy(path, pickled, storages=None):
    """Write a torch stream around a pickle; all storages hold float32."""
    storages = storages or {}
    data = b"".join(
        struct.pack("<q", len(storages[key]) // 4) + storages[key] for key in sorted(storages)
    )
    path.write_bytes(MAGIC + pickled + pickle.dumps(sorted(storages), 2) + data)
    return path


@pytest.fixture(params=[as_zip, as_legacy])
def write(request, tmp_path):
    return lambda *arguments: request.param(tmp_path / "hostile.pt", *arguments)


def refused(path, *words):
    with pytest.raises(ValueError) as caught:
        read_tensors(path)
    assert type(caught.value) is ValueError
    message = str(caught.value)
    assert str(path) in message and "Accepted:" in message and len(message) < 2000
    for word in words:
        assert word in message


def unicode(text):
    return b"X" + struct.pack("<I", len(text.encode())) + text.encode()


def integer(number):
    data = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def integers(numbers):
    return b"(" + b"".join(map(integer, numbers)) + b"t"


def storage(numel, key="0", kind="FloatStorage"):
    pid = unicode("storage") + f"ctorch\n{kind}\n".encode() + unicode(key) + unicode("cpu")
    return b"(" + pid + integer(numel) + b"tQ"


def tensor(held, offset, shape, strides):
    return (
        REBUILD
        + b"("
        + held
        + integer(offset)
        + integers(shape)
        + integers(strides)
        + HOOKS
        + b"tR"
    )


def array_of(buffer, shape, order):
    """An array of protocol 5: `buffer` and `shape` are opcodes."""
    numbers = b"cnumpy\ndtype\n" + unicode("f4") + b"\x85R"
    function = b"cnumpy.core.numeric\n_frombuffer\n"
    return function + b"(" + buffer + numbers + shape + unicode(order) + b"tR"


def pickled(value):
    return b"\x80\x02}" + unicode("x") + value + b"s."


class Payload:
    """What `pickle` itself would run."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_the_payload_is_real(tmp_path):
    # Without this, that nothing ran below would prove nothing.
    sentinel = tmp_path / "sentinel"
    pickle.loads(pickle.dumps(Payload(os.system, f"touch {sentinel}")))
    assert sentinel.exists()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reduce_is_not_run(tmp_path, write, protocol):
    sentinel = tmp_path / "sentinel"
    payloads = {
        "posix.system": Payload(os.system, f"touch {sentinel}"),
        "exec": Payload(exec, f"open({str(sentinel)!r}, 'w')"),
        "eval": Payload(eval, f"open({str(sentinel)!r}, 'w')"),
        ".open": Payload(open, str(sentinel), "w"),
        "getattr": Payload(getattr, "", "format"),
    }
    for name, payload in payloads.items():
        for tree in (payload, {"x": [payload]}, {"x": torch.ones, "y": payload}, [[(payload,)]]):
            words = [] if type(tree) is dict and "y" in tree else [name]
            refused(write(pickle.dumps(tree, protocol)), *words, "not on the list")
    assert not sentinel.exists()


@pytest.mark.parametrize("legacy", [False, True])
def test_torch_save_of_a_payload_is_not_run(tmp_path, legacy):
    sentinel, path = tmp_path / "sentinel", tmp_path / "x.pt"
    tree = {"w": torch.ones(2), "x": Payload(os.system, f"touch {sentinel}")}
    torch.save(tree, path, _use_new_zipfile_serialization=not legacy)
    refused(path, "posix.system")
    torch.save(torch.nn.Linear(2, 2), path, _use_new_zipfile_serialization=not legacy)
    refused(path, "torch.nn.modules.linear.Linear")
    assert not sentinel.exists()


NAMES = """
os.system posix.system nt.system subprocess.Popen subprocess.check_output pty.spawn
builtins.eval builtins.exec builtins.compile builtins.open builtins.getattr builtins.setattr
builtins.__import__ builtins.globals builtins.type builtins.object builtins.bytearray
__builtin__.eval __builtin__.getattr __builtin__.apply importlib.import_module runpy.run_path
copyreg._reconstructor copyreg.__newobj__ copy_reg._reconstructor copyreg.add_extension
codecs.decode codecs.open _codecs.decode operator.attrgetter operator.methodcaller
functools.partial functools.reduce types.FunctionType types.CodeType marshal.loads pickle.loads
_pickle.loads pickle.Unpickler shelve.open shutil.rmtree pathlib.Path.unlink tempfile.mktemp
webbrowser.open timeit.timeit ctypes.CDLL socket.create_connection urllib.request.urlopen
torch.load torch.hub.load torch.jit.load torch.serialization.load torch.storage._load_from_bytes
torch.utils.collect_env.run torch.FloatStorage.from_file torch.nn.Linear torch._C._from_dlpack
torch._utils._rebuild_sparse_tensor torch._utils._rebuild_qtensor torch.package.PackageImporter
torch.distributed.rpc.internal._run_function torch._tensor._rebuild_from_type
torch._utils._rebuild_tensor_v2.__globals__ collections.OrderedDict.__class__
numpy.load numpy.fromfile numpy.memmap numpy.f2py.compile numpy.core.multiarray.fromfile
numpy.testing._private.utils.runstring tensorflow.io.read_file keras.models.load_model
dnnlib.tflib.network.Network torch_utils.persistence._reconstruct_persistent_obj
keras_gan.checkpoints.reader.read_tensors keras_gan.checkpoints.reader.os.system
keras_gan.checkpoints.restricted_pickle.Global builtins.print __main__.anything
""".split()


@pytest.mark.parametrize("name", NAMES)
def test_names_off_the_list(tmp_path, write, name):
    sentinel = tmp_path / "sentinel"
    argument = unicode(f"touch {sentinel}")
    for cut in range(name.count(".")):
        module, attribute = name.rsplit(".", cut + 1)[0], ".".join(name.split(".")[-cut - 1 :])
        old = f"c{module}\n{attribute}\n".encode()
        new = unicode(module) + unicode(attribute) + b"\x93"
        for found in (old, new):
            refused(write(pickled(found + b"(" + argument + b"tR")), f"'{name}'")
            refused(write(pickled(found + b"(" + argument + b"t\x81")), f"'{name}'")
            refused(write(pickled(found + b"}b")), f"'{name}'")
            refused(write(pickled(found)), f"'{name}'")
            refused(write(pickled(b"(" + found + b"ltQ")), f"'{name}'")
    assert not sentinel.exists()


def test_a_name_is_not_looked_up_in_our_modules(write):
    # The stand-ins are Python objects too: nothing reaches through them.
    for chain in ("Storage.__init__", "__globals__", "func_globals"):
        refused(write(pickled(b"ctorch.Float\n" + chain.encode() + b"\n")), "not on the list")
    refused(write(pickled(b"c\n\n")), "not on the list")
    refused(write(pickled(f"c{'a' * 100_000}\nb\n".encode())), "not on the list")
    refused(write(pickled(unicode("a" * 100_000) + unicode("b") + b"\x93")), "not on the list")
    refused(write(pickled(b"K\x01K\x02\x93")), "global")


@pytest.mark.parametrize(
    "opcodes",
    {
        "INST": b"(ios\nsystem\n",
        "OBJ": b"(cos\nsystem\no",
        "EXT1": b"\x82\x01",
        "EXT2": b"\x83\x01\x00",
        "EXT4": b"\x84\x01\x00\x00\x00",
        "NEWOBJ_EX": b"ccollections\nOrderedDict\n)}\x92",
        "NEXT_BUFFER": b"\x97",
        "READONLY_BUFFER": b"N\x98",
        "PERSID": b"P0\n",
    }.items(),
    ids=lambda item: item[0],
)
def test_opcodes_off_the_list(write, opcodes):
    refused(write(pickled(opcodes[1])), "not on the list" if opcodes[0] == "OBJ" else opcodes[0])


MISUSED = {
    "calls a dictionary": b"})R",
    "calls text": unicode("os.system") + b")R",
    "calls a tensor": storage(0) + b")R",
    "calls a type": b"ctorch\nFloatStorage\n)R",
    "calls what has no stand-in": b"cnumpy\nndarray\n)R",
    "calls with a list": b"ctorch\nSize\n]R",
    "calls with too much": b"ctorch\ndevice\n(" + b"N" * 100 + b"tR",
    "size of text": b"ctorch\nSize\n" + unicode("abc") + b"\x85R",
    "encodes to another codec": b"c_codecs\nencode\n" + unicode("a") + unicode("idna") + b"\x86R",
    "encodes no text": b"c_codecs\nencode\nK\x01" + unicode("latin1") + b"\x86R",
    "makes gigabytes": b"c__builtin__\nbytes\n" + integer(1 << 40) + b"\x85R",
    "orders what is no pair": b"ccollections\nOrderedDict\n](K\x01K\x02e\x85R",
    "orders unhashable keys": b"ccollections\nOrderedDict\n](]N\x86e\x85R",
    "orders text": b"ccollections\nOrderedDict\n" + unicode("abcd") + b"\x85R",
    "state of a name": b"ctorch\nFloatStorage\n}" + unicode("target") + b"Nsb",
    "state of a function": REBUILD + b"}" + unicode("__code__") + b"Nsb",
    "state of a storage": storage(0) + b"}" + unicode("numel") + integer(1 << 40) + b"sb",
    "state of a tensor": tensor(storage(1), 0, (), ()) + b"}b",
    "state of a list": b"]}b",
    "state of text": unicode("a") + b"}b",
    "append to a dictionary": b"}K\x01a",
    "item of a list": b"]K\x01K\x02s",
    "item of a type": b"ctorch\nFloatStorage\nK\x01K\x02s",
    "add to a dictionary": b"}(" + unicode("ab") + b"\x90",
    "odd items": b"}(K\x01u",
    "tuple key": b"})Ns",
    "bytes key": b"}C\x01aNs",
    "global key": b"}ctorch\nFloatStorage\nNs",
    "tuple in a set": b"\x8f()\x90",
    "tuple in a frozen set": b"()\x91",
    "large key": b"}" + integer(1 << 65) + b"Ns",
    "large integer": integer(1 << 300),
    "larger integer": b"\x8b" + struct.pack("<I", 1_000_000) + b"\x01" * 1_000_000,
    "long decimal": b"I" + b"1" * 100_000 + b"\n",
    "memo without entry": b"h\x05",
    "memo far out": b"Np-1\n",
    "memo farther": b"Np99999999999999999999\n",
    "stack underflow": b"0000000",
    "no mark": b"tttt",
    "tuple underflow": b"(\x87",
    "claims gigabytes": b"B" + struct.pack("<I", 1 << 31) + b"abc",
    "claims exabytes": b"\x8e" + struct.pack("<Q", 1 << 60) + b"abc",
    "claims more": b"\x8e" + struct.pack("<Q", (1 << 64) - 1) + b"abc",
    "negative length": b"T" + struct.pack("<i", -5) + b"abc",
    "bad text": b"X\x01\x00\x00\x00\xff",
    "type of nothing": b"ctorch._tensor\n_rebuild_from_type_v2\n(NNNNtR",
    "type of itself": b"ctorch._tensor\n_rebuild_from_type_v2\n(h\x00NNNtR".replace(
        b"h\x00", b"ctorch._tensor\n_rebuild_from_type_v2\n"
    ),
    "type of a device": b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch\ndevice\nN)NtR",
    "parameter of nothing": b"ctorch._utils\n_rebuild_parameter\n(N\x88NtR",
    "dtype of text": b"ctorch._utils\n_rebuild_tensor_v3\n("
    + storage(0)
    + b"K\x00))\x89N"
    + unicode("float32")
    + b"tR",
    "8-bit float": b"ctorch._utils\n_rebuild_tensor_v3\n("
    + storage(0, kind="UntypedStorage")
    + b"K\x00))\x89Nctorch\nfloat8_e4m3fn\ntR",
    "tensor on nothing": REBUILD + b"(NK\x00))\x89NtR",
    "tensor with flags": REBUILD + b"(" + storage(1) + b"K\x00))\x89N}" + unicode("a") + b"NstR",
    "persistent text": unicode("storage") + b"Q",
    "persistent module": b"(" + unicode("module") + b"ctorch\nFloatStorage\nNNK\x00tQ",
    "persistent type": b"(" + unicode("storage") + b"ctorch\nSize\n" + unicode("0") + b"NK\x00tQ",
    "persistent number": b"(" + unicode("storage") + b"ctorch\nFloatStorage\nK\x00NK\x00tQ",
    "negative storage": storage(-1),
    "storage in two types": b"(" + storage(1) + storage(1, kind="IntStorage") + b"t",
    "storage in two sizes": b"(" + storage(1) + storage(2) + b"t",
    "storage beside": tensor(storage(1, "../data.pkl"), 0, (1,), (1,)),
    "storage elsewhere": tensor(storage(1, "/etc/passwd"), 0, (1,), (1,)),
    "array without state": b"cnumpy.core.multiarray\n_reconstruct\n)R",
    "array of a path": b"cnumpy.core.multiarray\n_reconstruct\n)R" + unicode("/etc/passwd") + b"b",
    "object array": b"cnumpy.core.multiarray\n_reconstruct\n)R(K\x01K\x01\x85cnumpy\ndtype\n"
    + unicode("O8")
    + b"\x85R\x89]tb",
    "array claims more": b"cnumpy.core.multiarray\n_reconstruct\n)R(K\x01"
    + integers((1 << 20, 1 << 20))
    + b"cnumpy\ndtype\n"
    + unicode("f4")
    + b"\x85R\x89C\x01atb",
    "array of an odd order": array_of(b"C\x04abcd", b")", "K"),
    "array of a buffer that claims more": array_of(b"C\x04abcd", integers((1 << 20,)), "C"),
    "array of a list": array_of(b"]", b")", "C"),
    "bytes that claim more": b"\x96" + struct.pack("<Q", 1 << 60) + b"abc",
    "calls what only may be passed on": b"cbuiltins\nlist\n)R",
    "array of negative size": b"cnumpy.core.multiarray\n_reconstruct\n)R(K\x01"
    + integers((-1,))
    + b"cnumpy\ndtype\n"
    + unicode("f4")
    + b"\x85R\x89C\x00tb",
}


@pytest.mark.parametrize("case", MISUSED)
def test_odd_use_of_what_is_on_the_list(write, case):
    refused(write(pickled(MISUSED[case]), {"0": b""}))


@pytest.mark.parametrize(
    "numel, offset, shape, strides",
    [
        (4, 0, (5,), (1,)),
        (4, 1, (4,), (1,)),
        (4, 4, (), ()),
        (4, 0, (2, 2), (4, 1)),
        (4, 3, (4,), (-1,)),
        (4, -1, (4,), (1,)),
        (4, 0, (-4,), (1,)),
        (4, 0, (-1, -4), (4, 1)),
        (4, 0, (4,), ()),
        (4, 0, (), (1,)),
        (4, 0, (1 << 40,), (0,)),  # One element, broadcast to four terabytes.
        (4, 0, (1 << 20, 1 << 20), (0, 0)),
        (4, 0, (1 << 61,), (1,)),
        (4, 1 << 62, (1,), (1,)),
        (4, 0, (2,), (1 << 62,)),
        (4, 0, (1 << 70,), (0,)),
        (4, 0, (0, 1 << 70), (1, 1)),
        (4, 0, (1,) * 33, (1,) * 33),
        (1 << 40, 0, (1 << 40,), (1,)),  # More than the file holds.
        (1 << 40, 0, (1,), (1,)),
        (1 << 62, 0, (1,), (1,)),
        (5, 0, (4,), (1,)),
        (3, 0, (3,), (1,)),
    ],
)
def test_tensors_beyond_their_storage(write, numel, offset, shape, strides):
    path = write(pickled(tensor(storage(numel), offset, shape, strides)), {"0": bytes(16)})
    refused(path)


def test_that_tensors_of_this_make_are_otherwise_read(write):
    path = write(
        pickled(tensor(storage(4), 1, (2, 5), (2, 0))), {"0": struct.pack("<4f", *range(4))}
    )
    np.testing.assert_array_equal(read_tensors(path)["x"], [[1] * 5, [3] * 5])


def test_bombs_of_nesting(write):
    deep = b")" + b"\x85" * 50_000
    refused(write(b"\x80\x02" + deep + b"."), "deep")
    refused(write(pickled(deep)), "deep")
    # Hashing this overflows the C stack of `pickle.Unpickler`, and kills the process.
    refused(write(b"\x80\x02}" + deep + b"Ns."), "key")
    refused(write(b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b"."), "deep")
    # Read past, not into: an inert object holds it all.
    assert read_tensors(write(pickled(b"ctorch\ndevice\n" + deep + b"\x85R"))) == {}
    nest = b"ctorch\ndevice\n" * 20_000 + b")R" + b"\x85R" * 19_999
    assert read_tensors(write(pickled(nest))) == {}
    # A list in itself, and a dictionary in itself.
    refused(write(b"\x80\x02]q\x00h\x00a."), "deep")
    refused(write(b"\x80\x02}q\x00" + unicode("x") + b"h\x00s."), "deep")


def test_bombs_of_sharing(write, monkeypatch):
    monkeypatch.setattr("keras_gan.checkpoints.stand_ins.MAX_PICKLE_OPCODES", 100_000)
    monkeypatch.setattr("keras_gan.checkpoints.stand_ins.MAX_TENSORS", 10_000)
    # Each level names the one below twice: 2 ** 60 paths from 200 bytes.
    laughs = b"]q\x00" + b"h\x00h\x00\x86q\x00" * 60
    refused(write(b"\x80\x02" + laughs + b"."), "repeat")
    leaf = tensor(storage(1), 0, (1,), (1,)) + b"q\x00" + b"h\x00h\x00\x86q\x00" * 20
    refused(write(b"\x80\x02" + leaf + b".", {"0": bytes(4)}), "tensors")
    text = b"\x80\x02" + unicode("a" * 1_000_000) + b"q\x000"
    # A megabyte encoded 10,000 times, were it encoded at each call.
    encode = b"c_codecs\nencode\nq\x01h\x00" + unicode("latin1") + b"\x86R"
    many = (
        text
        + b"]("
        + encode
        + encode.replace(b"c_codecs\nencode\nq\x01", b"h\x01") * 10_000
        + b"e."
    )
    assert read_tensors(write(many)) == {}
    key = text + b"}h\x00" + tensor(storage(1), 0, (1,), (1,)) + b"s."
    refused(write(key, {"0": bytes(4)}), "name")


def test_bombs_of_length(write, monkeypatch):
    # A memo this large takes 30 GB in `pickle.Unpickler`; here it is one entry.
    assert read_tensors(write(b"\x80\x02Nr\xff\xff\xff\xff.")) == {}
    monkeypatch.setattr("keras_gan.checkpoints.restricted_pickle.MAX_PICKLE_OPCODES", 1000)
    refused(write(b"\x80\x02" + b"N0" * 1000 + b"N."), "opcodes")


def test_bombs_of_broadcasting(write):
    # Each within the bound for the file, and together not.
    count = limits.Budget.ALLOWANCE // 4 // 2
    one = tensor(storage(1), 0, (count,), (0,))
    items = b"".join(unicode(name) + one for name in "abcd")
    refused(write(b"\x80\x02}(" + items + b"u.", {"0": bytes(4)}), "decodes to more")


def test_two_tensors_of_one_name(write):
    one = tensor(storage(1), 0, (1,), (1,))
    tree = b"\x80\x02}(" + unicode("a.b") + one + unicode("a") + b"}" + unicode("b") + one + b"su."
    refused(write(tree, {"0": bytes(4)}), "'a.b'")


@pytest.mark.parametrize("head", [1, 5, 14, 15, 20, 21, 23, 24])
def test_legacy_streams_cut_in_their_head(tmp_path, head):
    path = tmp_path / "x"
    path.write_bytes((MAGIC + b"\x80\x02}.\x80\x02].")[:head])
    refused(path)


def test_legacy_streams_that_disagree(tmp_path):
    path = tmp_path / "x"
    body = pickled(tensor(storage(1), 0, (1,), (1,)))
    good = b"\x80\x02]" + unicode("0") + b"a." + struct.pack("<q", 1) + bytes(4)
    path.write_bytes(MAGIC + body + good)
    assert list(read_tensors(path)) == ["x"]
    for bad in (
        good + b"\0",
        good[:-1],
        good.replace(unicode("0"), unicode("1")),
        good.replace(b"a.", b"a" + unicode("0") + b"a."),
        good.replace(b"]" + unicode("0") + b"a", b"]"),
        good.replace(b"]" + unicode("0") + b"a", b"}"),
        good.replace(unicode("0"), b"K\x00"),
        good.replace(struct.pack("<q", 1), struct.pack("<q", 2)),
        good.replace(struct.pack("<q", 1), struct.pack("<q", -1)),
    ):
        path.write_bytes(MAGIC + body + bad)
        refused(path)
    path.write_bytes(MAGIC.replace(b"M\xe9\x03", b"M\xe8\x03") + body + good)
    refused(path)
    path.write_bytes(MAGIC.replace(b"}.", b"].") + body + good)
    refused(path)
    view = storage(4).replace(b"tQ", b"(" + unicode("v") + integer(3) + integer(2) + b"ttQ")
    refused(as_legacy(path, pickled(tensor(view, 0, (1,), (1,))), {"0": bytes(16)}), "view")


GOOD = pickled(tensor(storage(1), 0, (1,), (1,)))


@pytest.mark.parametrize(
    "name",
    [
        *("../evil", "archive/../../evil", "/etc/passwd", "archive//x", "archive/./x"),
        *("archive\\..\\evil", "C:evil", "C:/evil", "archive/\x01", "other/data.pkl", "other/x"),
    ],
)
def test_zip_names(tmp_path, name):
    path = as_zip(tmp_path / "x", GOOD, {"0": bytes(4)})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(name, b"")
    refused(path)


def test_zip_names_with_an_end_inside(tmp_path):
    path = as_zip(tmp_path / "x", GOOD, {"0": bytes(4)}, zz=b"")
    path.write_bytes(path.read_bytes().replace(b"archive/zz", b"archive\0zz"))
    refused(path, "path")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_duplicates(tmp_path):
    path = as_zip(tmp_path / "x", GOOD, {"0": bytes(4)})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("archive/data.pkl", b"\x80\x02N.")
    refused(path, "twice")


def test_zip_members_missing_or_odd(tmp_path):
    path = tmp_path / "x"
    assert list(read_tensors(as_zip(path, GOOD, {"0": bytes(4)}))) == ["x"]
    refused(as_zip(path, GOOD), "missing")
    refused(as_zip(path, GOOD, {"0": bytes(8)}), "size")
    refused(as_zip(path, GOOD, {"0": b""}), "size")
    refused(as_zip(path, GOOD, {"0": bytes(4)}, byteorder=b"middle"), "byte order")
    refused(as_zip(path, b""))
    refused(as_zip(path, GOOD, {"0/": b""}), "missing")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("hello.txt", "hello")
    refused(path, "neither")
    with zipfile.ZipFile(path, "w"):
        pass
    refused(path)


def test_zip_headers(tmp_path):
    path = as_zip(tmp_path / "x", GOOD, {"0": bytes(4)})
    good = path.read_bytes()
    local = good.index(b"PK\x03\x04", 1)
    central = good.rindex(b"PK\x01\x02")

    def changed(*patches):
        data = bytearray(good)
        for position, value in patches:
            data[position : position + len(value)] = value
        path.write_bytes(data)
        return path

    refused(changed((local + 6, b"\1\0"), (central + 8, b"\1\0")), "encrypted")
    refused(changed((local + 8, b"\x0c\0"), (central + 10, b"\x0c\0")), "compressed")
    refused(changed((local + 8, b"\x08\0")), "contradicts")
    refused(changed((local + 14, b"\1\2\3\4")), "contradicts")
    refused(changed((local + 22, b"\x05\0\0\0")), "contradicts")
    refused(changed((local + 6, b"\x08\0"), (central + 8, b"\x08\0")), "contradicts")
    refused(changed((central + 42, bytes(4))), "overlaps")
    refused(changed((central + 20, b"\xff\xff\xff\x7f"), (central + 24, b"\xff\xff\xff\x7f")))
    refused(changed((good.rindex(bytes(4), 0, central), b"\1")))  # Caught by the CRC.
    for cut in range(0, len(good), 7):
        path.write_bytes(good[:cut])
        refused(path)


def test_zip_descriptors(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"x": torch.ones(2)}, path)
    good = path.read_bytes()
    assert b"PK\x07\x08" in good  # Torch writes them.
    mark = good.index(b"PK\x07\x08")
    for position in (mark, mark + 4, mark + 8):
        data = bytearray(good)
        data[position] ^= 1
        path.write_bytes(data)
        refused(path, "contradicts")


def test_zip_bomb(tmp_path):
    path = tmp_path / "x"
    size = limits.Budget.ALLOWANCE + (8 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("archive/data.pkl", pickled(tensor(storage(size // 4), 0, (1,), (1,))))
        file.writestr("archive/data/0", bytes(size))
    refused(path, "decodes to more")


def test_zip_directory_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_gan.checkpoints.zip_archive.MAX_HEADER_BYTES", 1 << 16)
    path = tmp_path / "x"
    with zipfile.ZipFile(path, "w") as file:
        for index in range(2000):
            file.writestr(f"archive/{index}", b"")
    refused(path, "directory")


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        b"{}x",
        b"{'a': 1}",
        b'{"a": 1}',
        b'{"a": []}',
        b'{"a": {}}',
        b'{"__metadata__": 1}',
        b'{"__metadata__": {"a": 1}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], "x": 1}}',
        b'{"a": {"dtype": "F32", "shape": [1]}}',
        b'{"a": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [true], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}',
        b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}',
        b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}',
        b'{"a": {"dtype": "U8", "shape": [3], "data_offsets": [1, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 0]}}',
        b'{"a": {"dtype": "F32", "shape": [0, 1e99], "data_offsets": [0, 0]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},'
        b' "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]},'
        b' "b": {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}}',
        b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},'
        b' "b": {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},'
        b' "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b'{"\xff": 1}',
    ],
)
def test_safetensors_headers(tmp_path, header):
    path = tmp_path / "x"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    refused(path)


@pytest.mark.parametrize("length", [0, 1, 7, 13, 1 << 30, 1 << 63, (1 << 64) - 1])
def test_safetensors_lengths(tmp_path, length):
    header = json.dumps({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode()
    path = tmp_path / "x"
    path.write_bytes(struct.pack("<Q", length) + header + b"\0")
    refused(path)


def npy(header, data=b""):
    header = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize(
    "member",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00",
        b"\x93NUMPY\x09\x00\x00\x00",
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", bytes(4)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", bytes(4)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': [1], }", bytes(4)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", bytes(4)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1 << 40,), }", bytes(4)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }", bytes(4)),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", pickle.dumps([1])),
        npy("{'descr': '|O8', 'fortran_order': False, 'shape': (1,), }", pickle.dumps([1])),
        npy("{'descr': '|V4', 'fortran_order': False, 'shape': (1,), }", bytes(4)),
        npy("{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,), }", bytes(8)),
        npy("{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", bytes(16)),
        npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", bytes(4)),
        npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }", bytes(4)),
        npy("{'descr': '<f4', 'fortran_order': False}", bytes(4)),
        npy("__import__('os').system('true')"),
        npy("(" * 9000),
        npy("9" * 9000),
        npy("-" * 9000 + "1"),
        npy("{" * 50),
    ],
)
def test_npz_members(tmp_path, member):
    path = tmp_path / "x"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.npy", member)
    refused(path)


def test_npz_of_objects_is_not_run(tmp_path):
    sentinel, path = tmp_path / "sentinel", tmp_path / "x.npz"
    payload = Payload(os.system, f"touch {sentinel}")
    np.savez(path, good=np.ones(1), bad=np.array([payload], dtype=object))
    refused(path, "plain numbers")
    assert not sentinel.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"PK",
        b"PK\x03\x04",
        b"PK\x05\x06" + bytes(18),
        b"\x89HDF\r\n\x1a\n",
        b"\x89HDF\r\n\x1a\n" + bytes(500),
        b"<!DOCTYPE html><html>",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"\x80",
        b"\x80\x02N.",
        pickle.dumps({"a": np.ones(2)}),
        b"cos\nsystem\n(S'true'\ntR.",
        bytes(257) + b"ustar" + bytes(250),
    ],
)
def test_other_content(tmp_path, data):
    path = tmp_path / "x"
    path.write_bytes(data)
    refused(path)


def test_bare_pickles_are_not_run(tmp_path):
    sentinel, path = tmp_path / "sentinel", tmp_path / "x.pkl"
    for protocol in range(6):
        path.write_bytes(pickle.dumps(Payload(os.system, f"touch {sentinel}"), protocol))
        refused(path, "found a" if protocol < 2 else "posix.system")
        path.write_bytes(MAGIC[:15] + path.read_bytes())
        refused(path)
    assert not sentinel.exists()


def hdf5_external_link(file, secret):
    file["x"] = h5py.ExternalLink(secret, "secret")


def hdf5_soft_link(file, secret):
    file["y"] = np.ones(1)
    file["x"] = h5py.SoftLink("/y")


def hdf5_dangling_link(file, secret):
    file["x"] = h5py.SoftLink("/nowhere")


def hdf5_virtual(file, secret):
    layout = h5py.VirtualLayout(shape=(2,), dtype="f8")
    layout[:] = h5py.VirtualSource(secret, "secret", shape=(2,))
    file.create_virtual_dataset("x", layout)


def hdf5_external_storage(file, secret):
    file.create_dataset("x", (2,), "f8", external=[(secret, 0, 16)])


def hdf5_filter(file, secret):
    file.create_dataset("x", data=np.ones(4), chunks=(4,), compression="lzf")


def hdf5_inflation(file, secret):
    item = file.create_dataset("x", (16,), "f4", chunks=(16,), compression="gzip")
    item.id.write_direct_chunk((0,), zlib.compress(bytes(1 << 20)))


def hdf5_inflation_twice(file, secret):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((16,))
    properties.set_deflate(9)
    properties.set_deflate(9)
    space = h5py.h5s.create_simple((16,))
    h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_FLOAT, space, properties)


def hdf5_unallocated(file, secret):
    file.create_dataset("x", (1 << 40,), "f4", chunks=(1 << 10,))


def hdf5_large_chunk(file, secret):
    file.create_dataset("x", (1,), "f4", chunks=(1 << 25,), maxshape=(None,))


def hdf5_cycle(file, secret):
    file.create_group("x")["up"] = file["/"]


def hdf5_branches(file, secret):
    group = file
    for _ in range(20):
        below = group.create_group("a")
        group["b"] = below
        group = below


def hdf5_collision(file, secret):
    file["a.b"] = np.ones(1)
    file["a/b"] = np.ones(1)


def hdf5_type(file, secret):
    file["x"] = np.dtype("f4")


def hdf5_null(file, secret):
    file["x"] = h5py.Empty("f4")


def hdf5_compound(file, secret):
    file["x"] = np.zeros(1, [("a", "f4")])


def hdf5_reference(file, secret):
    file.create_dataset("x", data=[file.ref], dtype=h5py.ref_dtype)


def hdf5_ragged(file, secret):
    file.create_dataset("x", (1,), dtype=h5py.vlen_dtype("f4"))


def hdf5_opaque(file, secret):
    file["x"] = np.zeros(1, "V4")


@pytest.mark.parametrize("make", [make for name, make in globals().items() if "hdf5_" in name])
def test_hdf5(tmp_path, make, monkeypatch):
    monkeypatch.setattr("keras_gan.checkpoints.hdf5_file.MAX_TENSORS", 1000)
    secret, path = tmp_path / "secret.h5", tmp_path / "x"
    with h5py.File(secret, "w") as file:
        file["secret"] = np.ones(2)
    with h5py.File(path, "w") as file:
        make(file, str(secret))
    refused(path)


def test_messages_do_not_print_what_they_refuse(tmp_path):
    path = as_zip(tmp_path / "x", pickled(b"c\x1b[31mos\nsystem\n"))
    with pytest.raises(ValueError) as caught:
        read_tensors(path)
    assert str(caught.value).isprintable()
