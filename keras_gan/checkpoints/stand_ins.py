"""Stand-ins for the tensors and arrays in a pickle, and the way from them to named arrays."""

import re
from collections.abc import Iterator

import numpy as np

from keras_gan.checkpoints.elements import decode, decoded_bytes, span, stored_size
from keras_gan.checkpoints.limits import MAX_DEPTH, MAX_NAME, MAX_PICKLE_OPCODES, MAX_TENSORS
from keras_gan.checkpoints.restricted_pickle import FileBytes, StandIn


class Leaf(StandIn):
    """What becomes an array: a `Tensor` on a storage, or a `NumpyArray` with its own bytes.

    Attributes:
        storage: What lies elsewhere in the file, a `Storage` or `FileBytes`, or None.
    """

    __slots__ = ()

    storage = None

    def nbytes(self):
        """Return the size of the array in bytes, without making it."""
        raise NotImplementedError

    def array(self, raw, byteorder):
        """Return the array, given the bytes of its storage and their order."""
        raise NotImplementedError


class Element(StandIn):
    """An element type named as a torch dtype or as a torch storage class.

    Args:
        name: Key of `keras_gan.checkpoints.elements.STORED`, or a type that is not read.
    """

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name


class Storage(StandIn):
    """A run of elements that lies elsewhere in the file.

    Args:
        key: Its name there.
        element: Name of the element type.
        numel: Number of elements.
        start: First element, counted from the start of what `key` names.
    """

    __slots__ = ("element", "key", "numel", "start")

    def __init__(self, key, element, numel, start=0):
        self.key = key
        self.element = element
        self.numel = numel
        self.start = start

    def nbytes(self):
        """Return the bytes it takes in the file."""
        return self.numel * stored_size(self.element)


class Tensor(Leaf):
    """A strided view of a storage, checked to lie inside it.

    Args:
        storage: `Storage`.
        offset: First element, counted in elements of this tensor's type.
        shape: Tuple of sizes.
        strides: Tuple of steps in elements.
        element: Name of the element type; the storage's if omitted.
        flags: Which of torch's lazy `"conj"` and `"neg"` are pending.

    Raises:
        ValueError: If the arguments are not of these types or leave the storage.
    """

    __slots__ = ("_strides", "element", "flags", "offset", "shape", "storage")

    def __init__(self, storage, offset, shape, strides, element=None, flags=()):
        if not isinstance(storage, Storage):
            raise ValueError("a tensor is rebuilt on what is not a storage")
        if type(offset) is not int or offset < 0:
            raise ValueError("a tensor's storage offset must be a non-negative integer")
        self.element = element or storage.element
        size = stored_size(self.element)
        reach = span(shape, strides)
        first = storage.start * stored_size(storage.element)
        if reach and first % size:
            raise ValueError("a tensor lies across the elements of its storage")
        if reach and (offset + reach) * size > storage.nbytes():
            raise ValueError("a tensor reaches beyond its storage")
        self.storage = storage
        self.offset = first // size + offset
        self.shape = shape
        self._strides = strides
        self.flags = flags

    def nbytes(self):
        """Return the size of the array in bytes, without making it."""
        return decoded_bytes(self.element, self.shape)

    def array(self, raw, byteorder):
        """Return the array, given the bytes of its storage and their order."""
        array = decode(
            raw,
            self.element,
            self.shape,
            strides=self._strides,
            offset=self.offset,
            byteorder=byteorder,
        )
        if "conj" in self.flags:
            array = array.conj()
        return -array if "neg" in self.flags else array


class Latin1(StandIn):
    """Bytes that a protocol 2 pickle holds as text; encoding them waits until they are used."""

    __slots__ = ("text",)

    def __init__(self, text, encoding):
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise ValueError("only text encoded as latin1 is read as bytes")
        self.text = text


_NUMPY_ELEMENTS = {
    "b1": "bool",
    **{f"i{n}": f"int{8 * n}" for n in (1, 2, 4, 8)},
    **{f"u{n}": f"uint{8 * n}" for n in (1, 2, 4, 8)},
    **{f"f{n}": f"float{8 * n}" for n in (2, 4, 8)},
    **{f"c{n}": f"complex{8 * n}" for n in (8, 16)},
}


class NumpyType(StandIn):
    """A NumPy dtype of plain numbers.

    Args:
        code: Type code such as `"f4"`.
        *_: Alignment and copy flags, without meaning for plain numbers.
    """

    __slots__ = ("byteorder", "code")

    def __init__(self, code, *_):
        self.code = code
        self.byteorder = "<"

    def set_state(self, state):
        """Take the byte order, the only part of a dtype's state that plain numbers have."""
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise ValueError("a NumPy dtype has an odd state")
        self.byteorder = ">" if state[1] == ">" else "<"

    @property
    def element(self):
        """Name of the element type."""
        if type(self.code) is not str or self.code not in _NUMPY_ELEMENTS:
            raise ValueError("a NumPy array holds something else than plain numbers")
        return _NUMPY_ELEMENTS[self.code]

    @classmethod
    def from_text(cls, text):
        """Return the type written as `"<f4"`, or None for text of fixed length.

        Raises:
            ValueError: If it is neither: objects, structures, void, dates, long doubles.
        """
        match = re.fullmatch(r"([<>|=]?)([A-Za-z]\d{1,9})", text) if type(text) is str else None
        if match is None:
            raise ValueError("a NumPy array holds something else than plain numbers")
        if match[2][0] in "SU":
            return None
        numbers = cls(match[2])
        numbers.byteorder = ">" if match[1] == ">" else "<"
        if numbers.element:
            return numbers


class NumpyArray(Leaf):
    """A NumPy array inside a pickle, whose bytes are there or were left in the file.

    Args:
        *_: What NumPy's `_reconstruct` takes; the array itself comes as state.
    """

    __slots__ = ("_data", "_fortran", "_shape", "_type")

    def __init__(self, *_):
        self._type = None

    def set_state(self, state):
        """Take shape, type, order and bytes, once."""
        if self._type is not None or type(state) is not tuple or len(state) != 5:
            raise ValueError("a NumPy array has an odd state")
        _, shape, numbers, fortran, data = state
        span(shape, shape)
        if not isinstance(numbers, NumpyType) or type(fortran) is not bool:
            raise ValueError("a NumPy array has an odd state")
        self._shape, self._type, self._fortran, self._data = shape, numbers, fortran, data

    @property
    def storage(self):
        """Its bytes, if they were left in the file."""
        return self._data if self._type and isinstance(self._data, FileBytes) else None

    def nbytes(self):
        """Return the size of the array in bytes, without making it."""
        if self._type is None:
            raise ValueError("a NumPy array has no content")
        return decoded_bytes(self._type.element, self._shape)

    def array(self, raw, byteorder):
        """Return the array, given its bytes if they were left in the file; their order is its."""
        data = raw if self.storage else self._data
        data = data.text if isinstance(data, Latin1) else data
        # The length first: latin-1 has a byte for each character, and long text may be shared.
        if not isinstance(data, (bytes, str, np.memmap)) or len(data) != self.nbytes():
            raise ValueError("a NumPy array's bytes are not those of its shape")
        data = data.encode("latin-1") if type(data) is str else data
        shape = self._shape[::-1] if self._fortran else self._shape
        array = decode(data, self._type.element, shape, byteorder=self._type.byteorder)
        return array.T.copy() if self._fortran else array


class NumpyScalar(StandIn):
    """A NumPy number inside a pickle.

    Args:
        numbers: `NumpyType`.
        data: Its bytes.
    """

    __slots__ = ("_data", "_numbers")

    def __init__(self, numbers, data):
        self._numbers = numbers
        self._data = data

    def as_array(self):
        """Return it as a `NumpyArray` without axes."""
        array = NumpyArray()
        array.set_state((1, (), self._numbers, False, self._data))
        return array


class Pairs(StandIn):
    """An ordered dictionary that Python 2 pickled as a list of pairs, read when flattened."""

    __slots__ = ("items",)

    def __init__(self, items):
        if type(items) not in (list, tuple):
            raise ValueError("an ordered dictionary is made of something else than pairs")
        self.items = items

    def set_state(self, state):
        """Pass over a state dict's `_metadata`."""


def ordered_dict(*items):
    """Stand in for `collections.OrderedDict`: Python 3 calls it empty, then sets its items."""
    return Pairs(*items) if items else {}


def _from_buffer(data, numbers, shape, order, _axes=None):
    """Stand in for what protocol 5 calls with an array's bytes."""
    if order not in ("C", "F"):
        raise ValueError("a NumPy array has an odd order")
    array = NumpyArray()
    array.set_state((1, shape, numbers, order == "F", data))
    return array


def _empty_bytes():
    return b""


NUMPY = {
    # The module was renamed in NumPy 2: files name either.
    **{f"numpy.{core}.multiarray._reconstruct": NumpyArray for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": NumpyScalar for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _from_buffer for core in ("core", "_core")},
    "numpy.ndarray": None,
    "numpy.dtype": NumpyType,
    "_codecs.encode": Latin1,
    # How protocol 2 writes bytes that are empty; it takes no arguments here.
    "__builtin__.bytes": _empty_bytes,
}


def add_leaf(leaves, name, leaf):
    """Put a leaf into a dictionary of names to leaves, or refuse its name."""
    if len(name) > MAX_NAME:
        raise ValueError(f"a tensor's name is longer than {MAX_NAME} characters")
    if name in leaves:
        raise ValueError(f"two tensors are named {name!r}")
    if len(leaves) >= MAX_TENSORS:
        raise ValueError(f"it holds more than {MAX_TENSORS} tensors")
    leaves[name] = leaf


def flatten(tree):
    """Name every leaf of nested containers by its path.

    Dictionary keys and list positions are joined with dots. Everything that is not a `Leaf` is
    passed over: numbers, text, bytes, None, sets, inert objects, and storages without a tensor.

    Args:
        tree: What `RestrictedUnpickler.load` returned.

    Returns:
        Dictionary of names to leaves, in the order of the file. A tree that is one bare leaf has
        the empty name.

    Raises:
        ValueError: If it is nested or repeated beyond bounds, or two leaves share a name.

    Example:
        >>> keras_gan.checkpoints.stand_ins.flatten({"g": {"w": leaf}, "epoch": 3})
        {'g.w': leaf}
    """
    leaves = {}
    # A pickle can name one container many times over, or put it into itself.
    left = [MAX_PICKLE_OPCODES]

    def visit(node, path):
        left[0] -= 1
        if left[0] < 0:
            raise ValueError("its containers repeat one another without end")
        if isinstance(node, Leaf):
            add_leaf(leaves, ".".join(path), node)
            return
        children = _children(node)
        if children is None:
            return
        if len(path) >= MAX_DEPTH:
            raise ValueError(f"its containers are nested more than {MAX_DEPTH} deep")
        for key, child in children:
            visit(child, (*path, str(key)[: MAX_NAME + 1]))

    visit(tree, ())
    return leaves


def _children(node) -> Iterator | None:
    if type(node) is dict:
        return iter(node.items())
    if type(node) in (list, tuple):
        return enumerate(node)
    if isinstance(node, Pairs):
        return map(_pair, node.items)
    return None


def _pair(item):
    if type(item) not in (list, tuple) or len(item) != 2 or type(item[0]) not in (str, int):
        raise ValueError("an ordered dictionary is made of something else than pairs")
    return item


def read_leaves(leaves, read_storage, budget, byteorder="<"):
    """Turn named leaves into arrays, holding one storage at a time.

    Args:
        leaves: Dictionary from `flatten`.
        read_storage: Function of a `Storage` or `FileBytes` that returns the bytes of its key, or
            a map of them.
        budget: `keras_gan.checkpoints.limits.Budget`.
        byteorder: `"<"` or `">"`, how storages are written.

    Returns:
        Dictionary of the same names, in the same order, to arrays.

    Raises:
        ValueError: If a leaf does not fit its bytes, or all do not fit the budget.
    """
    by_storage = {}
    for name, leaf in leaves.items():
        budget.spend(leaf.nbytes())
        key = None if leaf.storage is None else leaf.storage.key
        by_storage.setdefault(key, []).append(name)
    arrays = dict.fromkeys(leaves)
    for key, names in by_storage.items():
        raw = b"" if key is None else read_storage(leaves[names[0]].storage)
        for name in names:
            arrays[name] = leaves[name].array(raw, byteorder)
    return arrays
