"""Files of `torch.save`, in its zip layout and in the pickle stream of torch before 1.6."""

import io
import struct

from keras_gan.checkpoints.elements import file_bytes, stored_size
from keras_gan.checkpoints.limits import MAX_PICKLE_BYTES, Budget
from keras_gan.checkpoints.restricted_pickle import (
    FileBytes,
    Global,
    RestrictedUnpickler,
    inert,
)
from keras_gan.checkpoints.stand_ins import (
    NUMPY,
    Element,
    Storage,
    Tensor,
    flatten,
    ordered_dict,
    read_leaves,
)

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001


def _rebuild_tensor(storage, offset, shape, strides):
    return Tensor(storage, offset, shape, strides)


def _rebuild_tensor_v2(storage, offset, shape, strides, _requires_grad, _hooks, metadata=None):
    return Tensor(storage, offset, shape, strides, flags=_flags(metadata))


def _rebuild_tensor_v3(
    storage, offset, shape, strides, _requires_grad, _hooks, dtype, metadata=None
):
    if not isinstance(dtype, Global) or not isinstance(dtype.target, Element):
        raise ValueError("a tensor's dtype is something else")
    return Tensor(storage, offset, shape, strides, dtype.target.name, _flags(metadata))


def _rebuild_parameter(data, _requires_grad, _hooks, _state=None):
    if not isinstance(data, Tensor):
        raise ValueError("a parameter is made of something else than a tensor")
    return data


def _rebuild_from_type_v2(rebuild, _type, arguments, _state):
    # What torch writes for a tensor that has attributes of its own. Only the functions above may
    # be named, so that this one cannot call itself.
    if not isinstance(rebuild, Global) or rebuild.target not in REBUILDS.values():
        raise ValueError("a tensor is rebuilt by something else than torch's functions")
    if type(arguments) is not tuple or len(arguments) > 8:
        raise ValueError("a tensor is rebuilt with odd arguments")
    return rebuild.target(*arguments)


def _default_dict(_factory=None):
    return {}


def _size(sizes=()):
    if type(sizes) is not tuple:
        raise ValueError("a torch.Size is made of something else than a tuple")
    return sizes


def _flags(metadata):
    if metadata is None:
        return ()
    if type(metadata) is not dict or len(metadata) > 2 or not set(metadata) <= {"conj", "neg"}:
        raise ValueError("a tensor has metadata that is not known")
    return tuple(name for name, pending in metadata.items() if pending is True)


REBUILDS = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
}

STORAGES = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "ComplexDouble": "complex128",
    "ComplexFloat": "complex64",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "Untyped": "uint8",
}

# Named in checkpoints, but not read: a tensor of one of these is refused by `elements`.
_UNREAD = "complex32 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu"

# The same module in Python 3 and 2; protocol 2 writes the older name.
_BUILTINS = ("builtins", "__builtin__")
_PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")

TABLE = {
    **NUMPY,
    **REBUILDS,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type_v2,
    "torch.Tensor": None,
    "torch.nn.parameter.Parameter": None,
    "torch.nn.parameter.Buffer": None,
    "torch.Size": _size,
    "collections.OrderedDict": ordered_dict,
    **{f"torch.{name}Storage": Element(element) for name, element in STORAGES.items()},
    "torch.storage.UntypedStorage": Element("uint8"),
    "torch.storage._UntypedStorage": Element("uint8"),
    **{f"torch.{name}": Element(name) for name in (*STORAGES.values(), *_UNREAD.split())},
    **{f"torch.uint{bits}": Element(f"uint{bits}") for bits in (16, 32, 64)},
    # Common company of state dicts: options and schedules, none of which is a tensor.
    "collections.defaultdict": _default_dict,
    **{f"{m}.{name}": None for m in _BUILTINS for name in ("list", "dict", "int", "float")},
    **inert(
        "torch.device",
        "argparse.Namespace",
        "collections.Counter",
        *(f"{m}.{name}" for m in ("pathlib", "pathlib._local") for name in _PATHS),
        *(f"datetime.{name}" for name in ("date", "datetime", "timedelta", "timezone")),
        *(f"{m}.{name}" for m in _BUILTINS for name in ("set", "frozenset", "complex", "slice")),
        "builtins.range",
        "__builtin__.xrange",
    ),
}


class _Storages:
    """The storages that a pickle refers to by persistent id."""

    def __init__(self):
        self.by_key = {}

    def persistent_load(self, pid):
        if type(pid) is not tuple or len(pid) not in (5, 6) or type(pid[1]) is not Global:
            raise ValueError("a persistent id is not that of a storage")
        tag, kind, key, _, numel = pid[:5]
        if tag != "storage" or not isinstance(kind.target, Element) or type(key) is not str:
            raise ValueError("a persistent id is not that of a storage")
        if type(numel) is not int or not 0 <= numel < 1 << 62:
            raise ValueError("a storage's size must be a non-negative integer")
        root = self.by_key.setdefault(key, Storage(key, kind.target.name, numel))
        if (root.element, root.numel) != (kind.target.name, numel):
            raise ValueError("a storage is named twice with different types or sizes")
        view = pid[5] if len(pid) == 6 else None
        return root if view is None else self._view(root, view)

    def _view(self, root, view):
        # Torch before 0.4 had storages that are windows on other storages.
        if type(view) is not tuple or len(view) != 3:
            raise ValueError("a storage view is not a key, an offset and a size")
        _, start, numel = view
        if not all(type(n) is int and n >= 0 for n in (start, numel)):
            raise ValueError("a storage view must have a non-negative offset and size")
        if start + numel > root.numel:
            raise ValueError("a storage view reaches beyond its storage")
        return Storage(root.key, root.element, numel, start)


def read_torch_zip(archive, root, budget):
    """Read the layout of torch 1.6 and later.

    Args:
        archive: `keras_gan.checkpoints.zip_archive.ZipArchive`.
        root: Name of the one folder that it holds.
        budget: `keras_gan.checkpoints.limits.Budget` of the file.

    Returns:
        Dictionary of dotted names to arrays.

    Raises:
        ValueError: If the content is refused, or is not what torch writes.
    """
    if not all(name.startswith(f"{root}/") for name in archive.names):
        raise ValueError("a torch archive has one folder, and this has more")
    byteorder = "<"
    if f"{root}/byteorder" in archive:
        order = archive.read(f"{root}/byteorder")
        if order not in (b"little", b"big"):
            raise ValueError("a torch archive's byte order is neither little nor big")
        byteorder = "<" if order == b"little" else ">"

    def read_storage(storage):
        name = f"{root}/data/{storage.key}"
        root_storage = storages.by_key[storage.key]
        if archive.size(name) // stored_size(root_storage.element) != root_storage.numel:
            raise ValueError(f"zip member {name[:80]!r} is not of its storage's size")
        return archive.map(name)

    storages = _Storages()
    data = archive.read(f"{root}/data.pkl")
    stream = io.BytesIO(data)
    tree = RestrictedUnpickler(stream, TABLE, storages.persistent_load).load()
    return read_leaves(flatten(tree), read_storage, budget, byteorder)


def is_torch_legacy(stream):
    """Tell whether a stream that begins as a pickle does so with torch's magic number."""
    stream.seek(0)
    try:
        return RestrictedUnpickler(stream, {}, max_bytes=64).load() == LEGACY_MAGIC
    except (ValueError, LookupError, TypeError):
        return False


def read_torch_legacy(stream, size):
    """Read the layout of torch before 1.6.

    Args:
        stream: Binary file object.
        size: Its size in bytes.

    Returns:
        Dictionary of dotted names to arrays.

    Raises:
        ValueError: If the content is refused, or is not what torch writes.
    """
    stream.seek(0)
    tree, places = legacy_content(stream, size, TABLE)

    def read_storage(storage):
        return file_bytes(stream, places[storage.key].offset, places[storage.key].size)

    return read_leaves(flatten(tree), read_storage, Budget(size))


def legacy_content(stream, end, table, max_bytes=MAX_PICKLE_BYTES):
    """What the layout of torch before 1.6 holds: five pickles, then one storage after another.

    Storages are little-endian whatever machine wrote them.

    Args:
        stream: Binary file object, at the beginning of the first pickle.
        end: Where in it the last storage ends.
        table: Stand-ins, see `RestrictedUnpickler`.
        max_bytes: Longest pickle to read.

    Returns:
        The object that was saved, and a dictionary of the storages' keys to their `FileBytes`.

    Raises:
        ValueError: If the content is refused, or is not what torch writes.
    """

    def load(table=(), persistent_load=None):
        return RestrictedUnpickler(stream, dict(table), persistent_load, max_bytes).load()

    if load() != LEGACY_MAGIC or load() != _LEGACY_PROTOCOL or type(load()) is not dict:
        raise ValueError("a torch stream begins with its magic number, version and machine")
    storages = _Storages()
    tree = load(table, storages.persistent_load)
    keys = load()
    if type(keys) is not list or not all(type(key) is str for key in keys):
        raise ValueError("a torch stream's storage keys are not a list of text")
    if len(set(keys)) != len(keys) or set(keys) != set(storages.by_key):
        raise ValueError("a torch stream's storage keys are not those that its tensors name")
    places = {}
    position = stream.tell()
    for key in keys:
        storage = storages.by_key[key]
        stream.seek(position)
        header = stream.read(8)
        if len(header) != 8 or struct.unpack("<q", header)[0] != storage.numel:
            raise ValueError("a torch stream's storage is missing or not of its stated size")
        places[key] = FileBytes(position + 8, storage.nbytes())
        position += 8 + storage.nbytes()
        if position > end:
            raise ValueError("a torch stream ends before its storages do")
    if position != end:
        raise ValueError("a torch stream goes on after its storages")
    return tree, places
