"""NVIDIA's network pickles: the objects of a training run, with the source text of their classes.

Nothing of that text is compiled or run: of a class there is its name, of a module its tensors and
plain attributes.
"""

import io

from keras_gan.checkpoints.elements import file_bytes
from keras_gan.checkpoints.limits import (
    MAX_DEPTH,
    MAX_MODULES,
    MAX_NAME,
    MAX_TENSORS,
    Budget,
)
from keras_gan.checkpoints.mapping import Tensors
from keras_gan.checkpoints.restricted_pickle import FileBytes, RestrictedUnpickler, StandIn, inert
from keras_gan.checkpoints.stand_ins import (
    NUMPY,
    Element,
    Latin1,
    Leaf,
    NumpyScalar,
    Storage,
    add_leaf,
    ordered_dict,
    read_leaves,
)
from keras_gan.checkpoints.torch_file import REBUILDS, STORAGES, legacy_content

_NETWORKS = ("G", "D", "G_ema")
# Beside the networks of a PyTorch run; the augmentation is one more network, of constants.
_IGNORED = ("training_set_kwargs", "augment_pipe")
_TF_NETWORKS = ("G", "D", "Gs")
_PERSISTENCE_VERSION = 6
_TF_VERSION = 4
_TF_ATTRIBUTES = {"version": int, "name": str, "build_func_name": str, "static_kwargs": dict}
# The pickles inside of a storage's bytes have a few hundred.
_MAX_BLOB_PICKLE = 1024
# Attributes are options, not data.
_MAX_ATTRIBUTE_ITEMS = 64
_MAX_ATTRIBUTE_DEPTH = 4
# Where None is a value.
_NOT_PLAIN = object()
# A public network has some 30,000 attributes, hooks and tensors in 200 modules.
_MAX_VISITS = 500_000


class PersistentObject(StandIn):
    """A module of PyTorch that was pickled with the text of its class.

    Args:
        meta: Dictionary of what `torch_utils.persistence` writes, looked at when it is complete.
    """

    __slots__ = ("_meta",)

    def __init__(self, meta):
        if type(meta) is not dict:
            raise ValueError("a persistent object is made of something else than a dictionary")
        self._meta = meta

    def content(self):
        """Return the name of its class and the dictionary of its attributes, checked."""
        meta = self._meta
        name, state = meta.get("class_name"), meta.get("state")
        if meta.get("type") != "class" or meta.get("version") != _PERSISTENCE_VERSION:
            raise ValueError(
                "a persistent object is of another type or version than the class and "
                f"{_PERSISTENCE_VERSION} that are known"
            )
        if type(name) is not str or len(name) > MAX_NAME or type(state) is not dict:
            raise ValueError("a persistent object has no class name or no state")
        return name, state


class TFNetwork(StandIn):
    """A network of TensorFlow's days, whose content comes as state."""

    __slots__ = ("state",)

    def __init__(self):
        self.state = None

    def set_state(self, state):
        """Take the dictionary of its attributes, once; it is looked at when it is complete."""
        if self.state is not None or type(state) is not dict:
            raise ValueError("a TensorFlow network has an odd state")
        self.state = state


_BLOB_TABLE = {
    "collections.OrderedDict": ordered_dict,
    **{
        f"torch.{name}Storage": Element(STORAGES[name])
        for name in "Float Double Half Long Int Short Char Byte Bool".split()
    },
}


class _Blobs:
    """The bytes in a network pickle, among them storages that are small files of `torch.save`.

    A tensor's bounds are checked when it is rebuilt, so storages are opened while the pickle is
    read: every one once, however often the pickle asks.
    """

    def __init__(self, stream):
        self._stream = stream
        self._storages = {}
        self._texts = []

    def load(self, data):
        """Stand in for `torch.storage._load_from_bytes`."""
        if isinstance(data, FileBytes):
            key = data.key
        elif isinstance(data, Latin1):
            key = id(data.text)
        else:
            raise ValueError("a storage is loaded from something else than bytes")
        if key not in self._storages:
            if len(self._storages) >= MAX_TENSORS:
                raise ValueError(f"it holds more than {MAX_TENSORS} storages")
            opened = self._open_text if isinstance(data, Latin1) else self._open
            self._storages[key] = opened(data)
        return self._storages[key]

    def read(self, place):
        """Return the bytes of a storage or of `FileBytes`, or a map of them."""
        offset, size, *text = place.key
        if text:
            return self._texts[text[0]][offset : offset + size].encode("latin-1")
        return file_bytes(self._stream, offset, size)

    def _open(self, data):
        position = self._stream.tell()
        self._stream.seek(data.offset)
        storage = _storage(self._stream, data.offset + data.size)
        self._stream.seek(position)
        return storage

    def _open_text(self, data):
        # Protocol 2 has no bytes. The text is kept: its identity is its key.
        self._texts.append(data.text)
        stream = io.BytesIO(data.text.encode("latin-1"))
        storage = _storage(stream, len(data.text))
        storage.key += (len(self._texts) - 1,)
        return storage


def _storage(stream, end):
    found, places = legacy_content(stream, end, _BLOB_TABLE, _MAX_BLOB_PICKLE)
    if not isinstance(found, Storage):
        raise ValueError("a storage's bytes hold something else")
    return Storage(places[found.key].key, found.element, found.numel, found.start)


_TABLE = {
    **NUMPY,
    "torch_utils.persistence._reconstruct_persistent_obj": PersistentObject,
    "dnnlib.tflib.network.Network": TFNetwork,
    "dnnlib.util.EasyDict": ordered_dict,
    "collections.OrderedDict": ordered_dict,
    **{
        name: REBUILDS[name]
        for name in ("torch._utils._rebuild_parameter", "torch._utils._rebuild_tensor_v2")
    },
    **inert("builtins.set", "__builtin__.set"),
}


def read_network_pickle(stream, size):
    """Read the tensors and the attributes of the networks in one of NVIDIA's pickles.

    - PyTorch (StyleGAN2-ADA and later): the dictionary of `G`, `D` and `G_ema`. A tensor's name is
      that of the state dict, after the network's: `G_ema.synthesis.b4.const`. A module has the
      attributes `class_name`, `init_kwargs` (what its constructor was called with) and its own
      plain ones.
    - TensorFlow (StyleGAN2 and StyleGAN2-ADA): the tuple of `G`, `D` and `Gs`. A variable's name
      is `Gs.synthesis/4x4/Const/const`; a network has the attributes `static_kwargs`,
      `build_func_name`, `name` and `version`.

    Args:
        stream: Binary file object.
        size: Its size in bytes.

    Returns:
        `keras_gan.checkpoints.Tensors` with their `attributes`.

    Raises:
        ValueError: If the content is refused, or is not what these programs write.
    """
    blobs = _Blobs(stream)
    table = {**_TABLE, "torch.storage._load_from_bytes": blobs.load}
    stream.seek(0)
    tree = RestrictedUnpickler(stream, table, max_bytes=size, leave_bytes=True).load()
    if stream.tell() != size:
        raise ValueError("a network pickle goes on after its end")
    inventory = _Inventory(blobs.read)
    if type(tree) is dict and any(isinstance(each, PersistentObject) for each in tree.values()):
        for name, network in tree.items():
            if isinstance(network, PersistentObject) and name not in _IGNORED:
                if name not in _NETWORKS:
                    raise ValueError(f"a network named {str(name)[:80]!r} is none of {_NETWORKS}")
                inventory.add_module(name, network)
    elif type(tree) is tuple and tree and isinstance(tree[0], TFNetwork):
        if len(tree) != len(_TF_NETWORKS):
            raise ValueError(f"a TensorFlow network pickle holds {_TF_NETWORKS}")
        for name, network in zip(_TF_NETWORKS, tree, strict=True):
            inventory.add_tf_network(name, "", network)
    else:
        raise ValueError("found a pickle that neither torch.save nor an NVIDIA program wrote")
    tensors = read_leaves(inventory.leaves, blobs.read, Budget(size))
    return Tensors(tensors, attributes=inventory.attributes)


class _Inventory:
    """The leaves and plain attributes of networks, by their paths."""

    def __init__(self, read_bytes):
        self.leaves = {}
        self.attributes = {}
        self._read_bytes = read_bytes
        # A pickle can name one module many times over, or put it into itself.
        self._left = _MAX_VISITS

    def add_module(self, path, module, depth=0):
        """Take in a module of PyTorch and those inside of it."""
        if not isinstance(module, PersistentObject):
            raise ValueError(f"{path!r} is not a persistent object")
        class_name, state = module.content()
        attributes = self._describe(path, depth)
        attributes["class_name"] = class_name
        self._visit(len(state))
        for name, value in state.items():
            if type(name) is str and not name.startswith("_"):
                self._add_attribute(attributes, name, value)
        self._add_attribute(attributes, "init_kwargs", state.get("_init_kwargs"))
        for part in ("_parameters", "_buffers"):
            for name, value in self._named(state, part):
                if value is not None:
                    self._add_leaf(f"{path}.{name}", value)
        for name, child in self._named(state, "_modules"):
            if child is not None:
                self.add_module(f"{path}.{name}", child, depth + 1)

    def add_tf_network(self, network_name, scope, network, depth=0):
        """Take in a network of TensorFlow and its components."""
        path = f"{network_name}.{scope}"
        if not isinstance(network, TFNetwork) or network.state is None:
            raise ValueError(f"{path!r} is not a TensorFlow network, or has no state")
        state = network.state
        version = state.get("version")
        if version != _TF_VERSION:
            old = ", of StyleGAN1's time" if version in (2, 3) else ""
            raise ValueError(
                f"{path!r} is a TensorFlow network of version {version!r:.20}{old}; only "
                f"{_TF_VERSION} is read"
            )
        attributes = self._describe(path.rstrip("./"), depth)
        for name, kind in _TF_ATTRIBUTES.items():
            if type(state.get(name)) is not kind:
                raise ValueError(f"the {name} of {path!r} is no {kind.__name__}")
            self._add_attribute(attributes, name, state[name])
        variables = state.get("variables")
        if type(variables) is not list:
            raise ValueError("a TensorFlow network's variables are not a list")
        self._visit(len(variables))
        for variable in variables:
            if type(variable) is not tuple or len(variable) != 2:
                raise ValueError("a TensorFlow network's variable is not a name and an array")
            name, value = variable
            _check_name(name)
            value = value.as_array() if isinstance(value, NumpyScalar) else value
            self._add_leaf(path + name, value)
        for name, component in self._named(state, "components"):
            self.add_tf_network(network_name, f"{scope}{name}/", component, depth + 1)

    def _describe(self, path, depth):
        """The new dictionary of a module's attributes."""
        if depth >= MAX_DEPTH:
            raise ValueError(f"its modules are nested more than {MAX_DEPTH} deep")
        _check_name(path)
        if path in self.attributes:
            raise ValueError(f"two modules are named {path!r}")
        if len(self.attributes) >= MAX_MODULES:
            raise ValueError(f"it holds more than {MAX_MODULES} modules")
        return self.attributes.setdefault(path, {})

    def _visit(self, count):
        self._left -= count
        if self._left < 0:
            raise ValueError("its modules repeat one another without end")

    def _named(self, state, part):
        """The items of a dictionary in a state, whose keys are names."""
        found = state.get(part)
        if type(found) is not dict:
            raise ValueError(f"a network's {part} are not a dictionary")
        self._visit(len(found))
        for name in found:
            _check_name(name)
        return found.items()

    def _add_leaf(self, name, value):
        if not isinstance(value, Leaf):
            raise ValueError(f"{name!r} is not a tensor")
        add_leaf(self.leaves, name, value)

    def _add_attribute(self, attributes, name, value):
        found = self._plain(value)
        if found is not _NOT_PLAIN:
            attributes[name] = found

    def _plain(self, value, depth=0):
        """A copy of an option made of numbers, text and None, or `_NOT_PLAIN` of anything else."""
        if value is None or type(value) in (bool, int, float):
            return value
        if type(value) is str:
            return value if len(value) <= MAX_NAME else _NOT_PLAIN
        if isinstance(value, NumpyScalar):
            return self._number(value.as_array())
        if type(value) not in (dict, list, tuple) or depth >= _MAX_ATTRIBUTE_DEPTH:
            return _NOT_PLAIN
        if len(value) > _MAX_ATTRIBUTE_ITEMS:
            return _NOT_PLAIN
        self._visit(len(value))
        if type(value) is dict:
            copied = {key: self._plain(item, depth + 1) for key, item in value.items()}
            return {key: item for key, item in copied.items() if item is not _NOT_PLAIN}
        items = [self._plain(item, depth + 1) for item in value]
        return _NOT_PLAIN if any(item is _NOT_PLAIN for item in items) else items

    def _number(self, array):
        if array.nbytes() > 16:
            raise ValueError("a NumPy number has more bytes than numbers have")
        raw = b"" if array.storage is None else self._read_bytes(array.storage)
        return array.array(raw, "<").item()


def _check_name(name):
    if type(name) is not str or len(name) > MAX_NAME:
        raise ValueError(f"a name is no text, or longer than {MAX_NAME} characters")
