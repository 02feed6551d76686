"""NVIDIA's network pickles: what they hold is read, and nothing of them is run."""

import collections
import os
import pathlib
import pickle
import struct
import sys

import numpy as np
import pytest

from keras_gan.checkpoints import elements, network_pickle
from keras_gan.checkpoints.reader import read_tensors

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import public_checkpoints as public

OrderedDict = collections.OrderedDict
TINY = {"resolution": 8, "channel_base": 16, "channel_max": 2, "z_dim": 3, "w_dim": 2, "layers": 2}


@pytest.fixture(scope="module")
def model():
    return public.StyleGAN2(**TINY, c_dim=4, conv_clamp=256.0)


@pytest.fixture(params=[1 << 20, 1], ids=["read", "mapped"])
def read(request, tmp_path, monkeypatch):
    monkeypatch.setattr(elements, "MIN_MAPPED_BYTES", request.param)

    def run(tree, protocol=4):
        data = tree if isinstance(tree, bytes) else public.dumps(tree, protocol)
        path = tmp_path / "network.pkl"
        path.write_bytes(data)
        return read_tensors(path)

    return run


@pytest.fixture
def refused(read):
    def run(tree, *words, protocol=4):
        with pytest.raises(ValueError) as caught:
            read(tree, protocol)
        assert type(caught.value) is ValueError
        message = str(caught.value)
        assert "Accepted:" in message and len(message) < 2500
        for word in words:
            assert word in message

    return run


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].flags.c_contiguous and found[name].flags.owndata
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pytorch(read, model, protocol):
    found = read(public.stylegan2_pickle(model, "pytorch", protocol))
    parts = {
        "G": model.generator("G"),
        "D": model.discriminator(),
        "G_ema": model.generator("G_ema"),
    }
    expected = {f"{p}.{name}": t for p, part in parts.items() for name, t in part[0].items()}
    assert_same(found, expected)
    assert next(iter(found)).startswith("G.")
    attributes = found.attributes
    assert attributes["G_ema"]["class_name"] == "Generator"
    assert attributes["G_ema"]["img_resolution"] == 8
    assert attributes["G_ema"]["init_kwargs"]["synthesis_kwargs"] == {"conv_clamp": 256.0}
    assert attributes["G.synthesis.b8.conv0"]["conv_clamp"] == 256.0
    # Gains are numbers of NumPy.
    assert attributes["G.mapping.fc1"]["weight_gain"] == 0.1
    assert attributes["D.b4.mbstd"]["group_size"] == 4
    assert not any("_modules" in each for each in attributes.values())


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_tensorflow(read, model, protocol):
    found = read(public.stylegan2_pickle(model, "tensorflow", protocol))
    expected = {}
    for prefix, tensors in (
        ("G", model.generator("G")[0]),
        ("D", model.discriminator()[0]),
        ("Gs", model.generator("G_ema")[0]),
    ):
        named = public.in_tensorflow(tensors)
        expected.update({f"{prefix}.{name}": t for name, t in named.items()})
    assert_same(found, expected)
    assert found["Gs.synthesis/8x8/Conv1/noise_strength"].shape == ()
    assert found.attributes["Gs"]["static_kwargs"]["resolution"] == 8
    assert found.attributes["D"]["build_func_name"] == "D_stylegan2"
    assert found.attributes["G.mapping"]["version"] == 4


def tree(state=None, **meta):
    """A network pickle of one module without tensors."""
    state = {
        "_parameters": OrderedDict(),
        "_buffers": OrderedDict(),
        "_modules": OrderedDict(),
        **(state or {}),
    }
    module = public.persistent("Generator", state)
    module.arguments[0].update(meta)
    return {"G": module}


def of_parameter(value):
    return tree({"_parameters": {"x": value}})


def test_pytorch_itself_writes_such_tensors(read):
    torch = pytest.importorskip("torch")
    base = torch.arange(24.0).reshape(2, 3, 4)
    parameters = {
        "parameter": torch.nn.Parameter(base),
        "channels_last": torch.nn.Parameter(
            torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
        ),
        "half": torch.nn.Parameter(base.half()),
        "view": base[1, 1:, ::2],
        "scalar": torch.tensor(3),
        "shared": base[1],
    }
    found = read(tree({"_parameters": parameters}))
    assert_same(found, {f"G.{name}": t.detach().numpy().copy() for name, t in parameters.items()})


def test_none_is_passed_over(read, model):
    networks = model.networks()
    pickled = public.network_pickle({**networks, "G": None, "augment_pipe": networks["G"]})
    assert {name.split(".")[0] for name in read(pickled)} == {"D", "G_ema"}
    assert read(tree({"_parameters": {"x": None}, "_modules": {"y": None}})) == {}


def test_plain_attributes_only(read):
    state = {
        "number": 3,
        "flags": [True, None, 0.5],
        "options": public.easy_dict({"a": {"b": (1, 2)}, "c": public.tensor(np.ones(2))}),
        "long": "x" * 2000,
        "tensor": public.tensor(np.ones(2)),
        "gain": public.numpy_array(np.float64(2.0)),
        "many": list(range(100)),
        "deep": [[[[[[1]]]]]],
        "_private": 1,
    }
    assert read(tree(state)).attributes["G"] == {
        "class_name": "Generator",
        "number": 3,
        "flags": [True, None, 0.5],
        "options": {"a": {"b": [1, 2]}},
        "gain": 2.0,
        "init_kwargs": None,
    }


def test_the_source_is_not_run(read, tmp_path):
    sentinel = tmp_path / "sentinel"
    found = read(tree(module_src=f"open({str(sentinel)!r}, 'w')"))
    assert found == {} and not sentinel.exists()


class Payload:
    """What `pickle` itself would run."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_payloads_are_not_run(refused, tmp_path, protocol):
    sentinel = tmp_path / "sentinel"
    for name, payload in {
        "posix.system": Payload(os.system, f"touch {sentinel}"),
        "eval": Payload(eval, f"open({str(sentinel)!r}, 'w')"),
        "getattr": Payload(getattr, "", "format"),
        "copyreg._reconstructor": public.Call(
            public.Global("copyreg", "_reconstructor"), object, object, None
        ),
    }.items():
        for hostile in (
            payload,
            {"G": payload},
            of_parameter(payload),
            tree({"attribute": payload}),
            tree({"_init_kwargs": public.easy_dict({"x": payload})}),
            tree(class_name=payload),
            tree(module_src=payload),
            (payload, payload, payload),
            of_parameter(public.Call(public._BYTES, payload)),
        ):
            refused(hostile, name, "not on the list", protocol=protocol)
    assert not sentinel.exists()


NAMES = """
os.system builtins.eval builtins.getattr builtins.type builtins.object importlib.import_module
pickle.loads torch.load torch.nn.Linear torch._utils._rebuild_tensor_v3 torch.FloatStorage
torch._utils._rebuild_from_type_v2 torch.Size torch.device numpy.load
torch_utils.persistence._reconstruct_persistent_obj.__globals__
torch_utils.persistence._src_to_module dnnlib.util.call_func_by_name dnnlib.util.open_url
dnnlib.tflib.network.Network.__init__
argparse.Namespace pathlib.PosixPath keras_gan.checkpoints.reader.read_tensors
""".split()


@pytest.mark.parametrize("name", NAMES)
def test_names_off_the_list(refused, name):
    module, attribute = name.rsplit(".", 1)
    for protocol in (2, 4):
        refused(
            of_parameter(public.Call(public.Global(module, attribute), "x")),
            f"'{name}'",
            protocol=protocol,
        )


META = {"type": "class", "version": 6, "module_src": "", "class_name": "Generator", "state": {}}
LOAD = public._BYTES


def changed(**state):
    return {"_parameters": {}, "_buffers": {}, "_modules": {}, **state}


ODD = {
    "another type": tree(type="func"),
    "another version": tree(version=5),
    "no class": tree(class_name=None),
    "a long class": tree(class_name="x" * 5000),
    "no state": tree(state=None) | {"G": public.Call(public._RECONSTRUCT, {**META, "state": 3})},
    "no parameters": {"G": public.Call(public._RECONSTRUCT, META)},
    "meta of a list": {"G": public.Call(public._RECONSTRUCT, [])},
    "two arguments": {"G": public.Call(public._RECONSTRUCT, META, META)},
    "another network": {**tree(), "H": tree()["G"]},
    "a parameter of text": of_parameter("x"),
    "a parameter of a module": of_parameter(tree()["G"]),
    "a module of a tensor": tree({"_modules": {"x": public.tensor(np.ones(2))}}),
    "a module of text": tree({"_modules": {"x": "text"}}),
    "a name of a number": tree({"_parameters": {3: public.tensor(np.ones(2))}}),
    "a long name": tree({"_parameters": {"x" * 5000: public.tensor(np.ones(2))}}),
    "names that collide": tree(
        {
            "_modules": {
                "a": public.persistent("A", changed(_modules={"b": tree()["G"]})),
                "a.b": tree()["G"],
            }
        }
    ),
    "tensors that collide": tree(
        {
            "_parameters": {"a.b": public.tensor(np.ones(2))},
            "_modules": {
                "a": public.persistent("A", changed(_parameters={"b": public.tensor(np.ones(2))}))
            },
        }
    ),
    "parameters of a list": tree({"_parameters": []}),
    "a dictionary without networks": {"G": 3},
    "a list of networks": [tree()["G"]],
    "a network alone": tree()["G"],
    "a persistent id": {**tree(), "x": public.PersistentId(("storage", "x"))},
    "a long number": tree({"x": public.Call(public._SCALAR, "f8", b"12345678")}),
    "a number of objects": tree(
        {
            "x": public.Call(
                public._SCALAR,
                public.Call(public._DTYPE, "O8", state=(3, "|", None)),
                b"12345678",
            )
        }
    ),
    "state twice": public.Call(
        public._RECONSTRUCT, META, state={"_parameters": {"x": public.tensor(np.ones(1))}}
    ),
    "storage of text": of_parameter(public.Call(LOAD, "text")),
    "storage of nothing": of_parameter(public.Call(LOAD, b"")),
    "storage of a pickle": of_parameter(public.Call(LOAD, pickle.dumps({"a": 1}))),
    "a tensor of bytes": of_parameter(
        public.Call(public._TENSOR, b"abcd", 0, (1,), (1,), False, OrderedDict())
    ),
    "a parameter of a storage": of_parameter(
        public.Call(
            public._PARAMETER,
            public.Call(LOAD, public.storage_bytes(np.ones(2))),
            True,
            OrderedDict(),
        )
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_networks(refused, case):
    refused(ODD[case])


BLOB = public.storage_bytes(np.arange(4, dtype="float32"))


def test_that_storages_of_this_make_are_otherwise_read(read):
    storage = public.Call(LOAD, BLOB)
    view = public.Call(public._TENSOR, storage, 1, (2, 5), (2, 0), False, OrderedDict())
    np.testing.assert_array_equal(read(of_parameter(view))["G.x"], [[1] * 5, [3] * 5])


@pytest.mark.parametrize(
    "offset, shape, strides",
    [
        (0, (5,), (1,)),
        (1, (4,), (1,)),
        (4, (), ()),
        (0, (2, 2), (4, 1)),
        (3, (4,), (-1,)),
        (-1, (4,), (1,)),
        (0, (-1, -4), (4, 1)),
        (0, (4,), ()),
        (0, (1 << 40,), (0,)),
        (1 << 62, (1,), (1,)),
        (0, (1 << 70,), (0,)),
        (0, (1,) * 33, (1,) * 33),
    ],
)
def test_tensors_beyond_their_storage(refused, offset, shape, strides):
    storage = public.Call(LOAD, BLOB)
    refused(of_parameter(public.Call(public._TENSOR, storage, offset, shape, strides, False, {})))


def blob(magic=public.MAGIC, version=1001, pid=None, keys=("0",), numel=4, data=None):
    pid = pid or ("storage", public.Global("torch", "FloatStorage"), "0", "cpu", 4)
    parts = [magic, version, {}, public.PersistentId(pid), list(keys)]
    head = b"".join(public.dumps(part, 2) for part in parts)
    return head + struct.pack("<q", numel) + (bytes(16) if data is None else data)


FLOATS = public.Global("torch", "FloatStorage")
BLOBS = {
    "another magic number": blob(magic=1),
    "another version": blob(version=1000),
    "another tag": blob(pid=("module", FLOATS, "0", "cpu", 4)),
    "another type": blob(pid=("storage", public.Global("torch", "BFloat16Storage"), "0", "cpu", 4)),
    "a quantised type": blob(pid=("storage", public.Global("torch", "QInt8Storage"), "0", "", 4)),
    "a payload as type": blob(pid=("storage", public.Global("os", "system"), "0", "cpu", 4)),
    "a huge size": blob(pid=("storage", FLOATS, "0", "cpu", 1 << 40), numel=1 << 40),
    "a negative size": blob(pid=("storage", FLOATS, "0", "cpu", -1), numel=-1),
    "a view": blob(pid=("storage", FLOATS, "0", "cpu", 4, ("1", 3, 2))),
    "sizes that differ": blob(numel=3),
    "data missing": blob(data=bytes(15)),
    "data too much": blob(data=bytes(17)),
    "keys missing": blob(keys=()),
    "other keys": blob(keys=("1",)),
    "two keys": blob(keys=("0", "0")),
    "no storage": b"".join(public.dumps(part, 2) for part in (public.MAGIC, 1001, {}, {}, [])),
    "a long header": blob(version="x" * 5000),
}


@pytest.mark.parametrize("case", BLOBS)
def test_storages_that_are_not_as_torch_writes_them(refused, case):
    refused(of_parameter(public.tensor(np.ones(4, "float32"))) and of_storage(BLOBS[case]))


def of_storage(data):
    storage = public.Call(LOAD, data)
    return of_parameter(public.Call(public._TENSOR, storage, 0, (4,), (1,), False, {}))


def test_that_blobs_of_this_make_are_otherwise_read(read):
    np.testing.assert_array_equal(read(of_storage(blob()))["G.x"], np.zeros(4))


def test_a_storage_is_opened_once(read, monkeypatch):
    storage = public.Call(LOAD, BLOB)
    opened = []
    original = network_pickle.legacy_content

    def counted(*arguments):
        opened.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(network_pickle, "legacy_content", counted)
    data = BLOB
    calls = [public.Call(LOAD, data) for _ in range(50)]
    tensors = {
        str(i): public.Call(public._TENSOR, call, 0, (4,), (1,), False, {})
        for i, call in enumerate([storage, *calls])
    }
    assert len(read(tree({"_parameters": tensors}))) == 51
    # The bytes are pickled once, and every other time taken from the memo.
    assert len(opened) == 1


@pytest.fixture
def deep_pickles():
    """Let Python's pickler, which calls itself, write what is nested deeply."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("deep_pickles")
def test_modules_in_themselves_and_bombs(refused, monkeypatch):
    children = public.easy_dict({})
    module = public.persistent("A", changed(_modules=children))
    children.items["x"] = module
    refused({"G": module}, "nested")
    inner = {"x": public.persistent("A", changed())}
    for _ in range(70):
        inner = {"x": public.persistent("A", changed(_modules=inner))}
    refused(tree({"_modules": inner}), "nested")
    shared = public.persistent("A", changed())
    for _ in range(40):
        shared = public.persistent("A", changed(_modules={"a": shared, "b": shared}))
    monkeypatch.setattr(network_pickle, "MAX_MODULES", 500)
    refused(tree({"_modules": {"x": shared}}), "modules")
    monkeypatch.setattr(network_pickle, "MAX_MODULES", 10_000)
    monkeypatch.setattr(network_pickle, "_MAX_VISITS", 5000)
    options = {str(i): i for i in range(60)}
    wide = public.persistent("A", changed(**options))
    for _ in range(10):
        wide = public.persistent("A", changed(_modules={"a": wide, "b": wide}))
    refused(tree({"_modules": {"x": wide}}), "repeat")


def test_bombs_of_broadcasting(refused):
    storage = public.Call(LOAD, BLOB)
    wide = public.Call(public._TENSOR, storage, 0, (1 << 23,), (0,), False, {})
    refused(tree({"_parameters": {str(i): wide for i in range(8)}}), "decodes to more")


def test_claims_of_length(refused):
    for claim in (b"B" + struct.pack("<I", 1 << 31), b"\x8e" + struct.pack("<Q", 1 << 60)):
        refused(b"\x80\x04}X\x01\x00\x00\x00G" + claim + b"abc", "longer")


def test_what_follows_the_pickle(refused, model):
    good = public.stylegan2_pickle(model)
    refused(good + b"\0", "goes on")
    for cut in (2, 100, len(good) // 2, len(good) - 1):
        refused(good[:cut])


def variable_tree(**changes):
    state = {
        "version": 4,
        "name": "G",
        "static_kwargs": public.easy_dict({}),
        "components": public.easy_dict({}),
        "build_func_name": "G_main",
        "variables": [("x", public.numpy_array(np.ones(2, "float32")))],
        **changes,
    }
    network = public.Call(public._NETWORK, new=True, state=state)
    return (network, network, network)


ARRAY = public.Call(public._ARRAY, public._NDARRAY, (0,), b"b")
ODD_TF = {
    "version 2": (variable_tree(version=2), "StyleGAN1"),
    "version 3": (variable_tree(version=3), "StyleGAN1"),
    "version of text": (variable_tree(version="4"), "version"),
    "arguments of a list": (variable_tree(static_kwargs=[1]), "static_kwargs of 'G.' is no dict"),
    "arguments of nothing": (variable_tree(static_kwargs=None), "static_kwargs"),
    "a function of a list": (variable_tree(build_func_name=["a"]), "build_func_name"),
    "a name of nothing": (variable_tree(name=None), "name of 'G.' is no str"),
    "two networks": (variable_tree()[:2], "holds"),
    "four networks": (variable_tree() * 2, "holds"),
    "no state": ((public.Call(public._NETWORK, new=True),) * 3, "state"),
    "arguments": ((public.Call(public._NETWORK, 1, new=True),) * 3, "damaged"),
    "something else": ((*variable_tree()[:2], "x"), "not a TensorFlow network"),
    "a list": (list(variable_tree()), "neither"),
    "variables of a dictionary": (variable_tree(variables={}), "variables"),
    "variables of text": (variable_tree(variables=["xy"]), "variable"),
    "a variable without name": (variable_tree(variables=[(1, 2)]), "name"),
    "a variable of a number": (variable_tree(variables=[("x", 2)]), "not a tensor"),
    "a variable twice": (
        variable_tree(variables=[("x", public.numpy_array(np.ones(2)))] * 2),
        "'G.x'",
    ),
    "components of a list": (variable_tree(components=[]), "components"),
    "a component of text": (variable_tree(components={"x": "y"}), "not a TensorFlow network"),
    "an array without state": (variable_tree(variables=[("x", ARRAY)]), "content"),
    "an array of objects": (
        variable_tree(variables=[("x", np.array([{}], dtype=object))]),
        "plain numbers",
    ),
    "an array that claims more": (
        variable_tree(
            variables=[
                (
                    "x",
                    public.Call(
                        public._ARRAY,
                        public._NDARRAY,
                        (0,),
                        b"b",
                        state=(1, (1 << 20,), public.numpy_type(np.ones(1)), False, b"abc"),
                    ),
                )
            ]
        ),
        "bytes",
    ),
    "an array that claims gigabytes": (
        variable_tree(
            variables=[
                (
                    "x",
                    public.Call(
                        public._ARRAY,
                        public._NDARRAY,
                        (0,),
                        b"b",
                        state=(1, (1 << 40,), public.numpy_type(np.ones(1)), False, b"abc"),
                    ),
                )
            ]
        ),
        "decodes to more",
    ),
}


@pytest.mark.parametrize("case", ODD_TF)
def test_odd_tensorflow_networks(refused, case):
    refused(ODD_TF[case][0], ODD_TF[case][1])


@pytest.mark.usefixtures("deep_pickles")
def test_components_in_one_another(refused):
    cycle = variable_tree(components=public.easy_dict({}), variables=[])[0]
    cycle.state["components"].items["x"] = cycle
    refused((cycle,) * 3, "nested")
    inner = variable_tree()[0]
    for _ in range(70):
        inner = variable_tree(components={"x": inner}, variables=[])[0]
    refused((inner,) * 3, "nested")


def test_a_pickle_of_numpy_itself(read):
    # NumPy 2 has renamed its module; both names are read.
    variables = [
        ("array", np.arange(6, dtype="float32").reshape(2, 3)),
        ("fortran", np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        ("big", np.arange(3, dtype=">f4")),
        ("number", np.float32(2.5)),
        ("empty", np.zeros((0, 2), "float32")),
    ]
    for protocol in (2, 3, 4):
        found = read(variable_tree(variables=variables), protocol)
        for name, value in variables:
            np.testing.assert_array_equal(found[f"Gs.{name}"], value)
