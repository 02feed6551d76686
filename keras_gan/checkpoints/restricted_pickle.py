"""A pickle reader that can build data and do nothing else.

It does not build on `pickle.Unpickler`. Refusing every name in `find_class` keeps that class from
running code, but not from harm: two megabytes of nested tuples used as a dictionary key overflow
the C stack and kill the process, and one memo index takes gigabytes. The reader here is a small
stack machine over `pickletools.genops`, which only splits bytes into opcodes. Its rules:

- An opcode that is not in `_OPCODES` is refused.
- A name is a key of a table of stand-ins, never a module to import or an attribute to get. What
  is not in the table is refused by name.
- Only stand-ins from the table are called, and they must be cheap: constant time and memory, or
  hostile pickles could repeat them through the memo. They keep references; copying is for later,
  under a `keras_gan.checkpoints.limits.Budget`.
- Only scalars are dictionary keys, so nothing nested is ever hashed, compared or printed.
"""

import functools
import pickletools

from keras_gan.checkpoints.limits import MAX_PICKLE_BYTES, MAX_PICKLE_OPCODES

_MAX_ARGUMENTS = 32
_MAX_GLOBAL = 256
_MAX_INT_BITS = 256


class Global:
    """An importable name found in a pickle, which stays a name.

    Args:
        name: Dotted name.
        target: What the table has for it: a function to call in its place, or any inert value.
    """

    __slots__ = ("name", "target")

    def __init__(self, name, target):
        self.name = name
        self.target = target


class StandIn:
    """Base of the objects that take the place of those a pickle asks for."""

    __slots__ = ()

    def set_state(self, state):
        """Take the state that a pickle restores; refused unless a subclass knows better."""
        raise ValueError(f"a pickled {type(self).__name__} takes no state")


class Inert(StandIn):
    """An object that is read past: its name, arguments and state are kept and never used.

    Args:
        name: Dotted name of what the pickle asked for.
        *arguments: What the pickle would have called it with.
    """

    __slots__ = ("arguments", "name", "state")

    def __init__(self, name, *arguments):
        self.name = name
        self.arguments = arguments
        self.state = None

    def set_state(self, state):
        """Keep the state, as a value and not as attributes."""
        self.state = state


class FileBytes(StandIn):
    """Bytes of a pickle that were left where they are in the file.

    Args:
        offset: Their position in the file.
        size: Their number.
    """

    __slots__ = ("offset", "size")

    def __init__(self, offset, size):
        self.offset = offset
        self.size = size

    @property
    def key(self):
        """What tells them from other bytes of the file."""
        return self.offset, self.size


def inert(*names):
    """Return table entries that read past the objects of these dotted names."""
    return {name: functools.partial(Inert, name) for name in names}


class RestrictedUnpickler:
    """Read one pickle from a stream, leaving the stream just after it.

    Args:
        stream: Binary file object.
        table: Mapping of dotted names to stand-ins. A callable one is called with the pickled
            arguments, in constant time; any other value can only be passed on.
        persistent_load: Function of a persistent id, or None to refuse them.
        max_bytes: Longest pickle to read.
        leave_bytes: Whether bytes objects become `FileBytes`, so that a pickle of large arrays is
            never in memory as a whole.

    Example:
        >>> stream = io.BytesIO(pickle.dumps({"a": 1}))
        >>> keras_gan.checkpoints.restricted_pickle.RestrictedUnpickler(stream, {}).load()
        {'a': 1}
    """

    def __init__(
        self, stream, table, persistent_load=None, max_bytes=MAX_PICKLE_BYTES, leave_bytes=False
    ):
        self._stream = stream
        self._window = _Window(stream, max_bytes)
        self._table = table
        self._leave_bytes = leave_bytes
        self._persistent_load = persistent_load
        self._stack = []
        self._outer = []
        self._memo = {}

    def load(self):
        """Return the pickled object, made of built-in containers, scalars and stand-ins.

        Raises:
            ValueError: If the pickle uses what is not allowed, or is too long.
            IndexError, TypeError, KeyError: If it is damaged.
        """
        for count, (opcode, argument, _) in enumerate(pickletools.genops(self._window)):
            if count >= MAX_PICKLE_OPCODES:
                raise ValueError(f"the pickle has more than {MAX_PICKLE_OPCODES} opcodes")
            handler = _OPCODES.get(opcode.name)
            if handler is None:
                raise ValueError(f"pickle opcode {opcode.name} is refused")
            handler(self, argument)
        return self._stack.pop()

    def find_class(self, name):
        """Return the inert `Global` of a dotted name, or refuse it."""
        if len(name) > _MAX_GLOBAL or name not in self._table:
            raise ValueError(
                f"the pickle asks for {name[:_MAX_GLOBAL]!r}, which is not on the list of "
                "harmless names; nothing was run"
            )
        return Global(name, self._table[name])

    def _push(self, value):
        if type(value) is int and value.bit_length() > _MAX_INT_BITS:
            raise ValueError(f"the pickle has an integer of more than {_MAX_INT_BITS} bits")
        self._stack.append(value)

    def _push_bytes(self, data):
        # They are the last part of their opcode, so the stream stands just behind them.
        if self._leave_bytes:
            data = FileBytes(self._stream.tell() - len(data), len(data))
        self._push(data)

    def _pop_mark(self):
        items = self._stack
        self._stack = self._outer.pop()
        return items

    def _mark(self, _):
        self._outer.append(self._stack)
        self._stack = []

    def _pop(self, _):
        if self._stack:
            self._stack.pop()
        else:
            self._pop_mark()

    def _put(self, index):
        self._memo[index] = self._stack[-1]

    def _tuple(self, length):
        if len(self._stack) < length:
            raise ValueError("the pickle takes more from its stack than is there")
        start = len(self._stack) - length
        self._stack[start:] = [tuple(self._stack[start:])]

    def _append(self, values):
        target = self._stack[-1]
        if type(target) is not list:
            raise ValueError("the pickle appends to what is not a list")
        target.extend(values)

    def _set_items(self, items):
        target = self._stack[-1]
        if type(target) is not dict:
            raise ValueError("the pickle sets an item of what is not a dictionary")
        target.update(_pairs(items))

    def _add_items(self, _):
        items = _set(self._pop_mark())
        if type(self._stack[-1]) is not set:
            raise ValueError("the pickle adds to what is not a set")
        self._stack[-1].update(items)

    def _global(self, argument):
        # `genops` joins the module and the name with a space. Two spellings of one dotted name
        # reach one stand-in, which costs nothing as no module is imported.
        self._push(self.find_class(argument.replace(" ", ".")))

    def _stack_global(self, _):
        name, module = self._stack.pop(), self._stack.pop()
        if type(name) is not str or type(module) is not str:
            raise ValueError("the pickle asks for a global whose name is not text")
        # Cut before joining: the parts may be long, and repeated through the memo.
        self._push(self.find_class(f"{module[:_MAX_GLOBAL]}.{name[:_MAX_GLOBAL]}"))

    def _reduce(self, _):
        arguments, function = self._stack.pop(), self._stack.pop()
        if not isinstance(function, Global) or not callable(function.target):
            what = function.name if isinstance(function, Global) else type(function).__name__
            raise ValueError(f"the pickle calls {what!r}, which is not callable here")
        if type(arguments) is not tuple or len(arguments) > _MAX_ARGUMENTS:
            raise ValueError(f"the pickle calls {function.name!r} with odd arguments")
        self._push(function.target(*arguments))

    def _build(self, _):
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, StandIn):
            target.set_state(state)
        elif type(target) is not dict:  # A state dict's `_metadata`: versions, not tensors.
            raise ValueError(f"the pickle sets the state of a {type(target).__name__}")

    def _persistent_id(self, _):
        if self._persistent_load is None:
            raise ValueError("the pickle has a persistent id where none belongs")
        self._push(self._persistent_load(self._stack.pop()))


class _Window:
    """What `genops` needs of a stream, with an end: it trusts the lengths that it reads."""

    def __init__(self, stream, size):
        self._stream = stream
        self._left = size

    def _take(self, data):
        self._left -= len(data)
        return data

    def read(self, size):
        if size > self._left:
            raise ValueError(
                "the pickle is cut off, or claims to be longer than is read: compare the file's "
                "size with the original's, and get it again"
            )
        return self._take(self._stream.read(size))

    def readline(self):
        return self._take(self._stream.readline(self._left))


def _pairs(items):
    """Split a flat key, value, ... list, refusing keys that are costly to hash."""
    if len(items) % 2:
        raise ValueError("the pickle sets a key without a value")
    for key in items[::2]:
        _check_key(key)
    return dict(zip(items[::2], items[1::2], strict=True))


def _check_key(key):
    # Integers of any size can be chosen to collide, which makes a dictionary quadratic.
    if type(key) not in (str, int, float, bool, type(None)) or (
        type(key) is int and key.bit_length() > 64
    ):
        raise ValueError(f"the pickle has a dictionary key of type {type(key).__name__}")


def _set(items):
    for item in items:
        _check_key(item)
    return set(items)


# Left out: INST, OBJ, NEWOBJ_EX and EXT*, other ways to call; PERSID; out-of-band buffers.
_OPCODES = {
    "PROTO": lambda self, version: None,
    "FRAME": lambda self, size: None,
    "STOP": lambda self, _: None,
    "NONE": lambda self, _: self._push(None),
    "NEWTRUE": lambda self, _: self._push(True),
    "NEWFALSE": lambda self, _: self._push(False),
    "MARK": RestrictedUnpickler._mark,
    "POP": RestrictedUnpickler._pop,
    "POP_MARK": lambda self, _: self._pop_mark(),
    "DUP": lambda self, _: self._push(self._stack[-1]),
    "EMPTY_TUPLE": lambda self, _: self._push(()),
    "EMPTY_LIST": lambda self, _: self._push([]),
    "EMPTY_DICT": lambda self, _: self._push({}),
    "EMPTY_SET": lambda self, _: self._push(set()),
    "TUPLE": lambda self, _: self._push(tuple(self._pop_mark())),
    "TUPLE1": lambda self, _: self._tuple(1),
    "TUPLE2": lambda self, _: self._tuple(2),
    "TUPLE3": lambda self, _: self._tuple(3),
    "FROZENSET": lambda self, _: self._push(_set(self._pop_mark())),
    "APPEND": lambda self, _: self._append([self._stack.pop()]),
    "APPENDS": lambda self, _: self._append(self._pop_mark()),
    "SETITEM": lambda self, _: self._set_items([self._stack.pop(-2), self._stack.pop()]),
    "SETITEMS": lambda self, _: self._set_items(self._pop_mark()),
    "ADDITEMS": RestrictedUnpickler._add_items,
    "MEMOIZE": lambda self, _: self._put(len(self._memo)),
    "GLOBAL": RestrictedUnpickler._global,
    "STACK_GLOBAL": RestrictedUnpickler._stack_global,
    "REDUCE": RestrictedUnpickler._reduce,
    "NEWOBJ": RestrictedUnpickler._reduce,
    "BUILD": RestrictedUnpickler._build,
    "BINPERSID": RestrictedUnpickler._persistent_id,
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), RestrictedUnpickler._put),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda self, index: self._push(self._memo[index])),
    # Literals: `genops` has decoded them, Python 2 byte strings as latin-1 text. Of the textual
    # opcodes of protocol 0 there is only INT, which Python 2 used in protocol 2 as well.
    **dict.fromkeys(
        (
            "INT BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT "
            "BINSTRING SHORT_BINSTRING BINUNICODE SHORT_BINUNICODE BINUNICODE8"
        ).split(),
        RestrictedUnpickler._push,
    ),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), RestrictedUnpickler._push_bytes),
    "BYTEARRAY8": lambda self, data: self._push_bytes(bytes(data)),
}
