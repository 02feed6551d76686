"""The element types that checkpoints hold, and the one way from a file's bytes to an array."""

import math

import numpy as np

# Name -> how one element lies in the file. NumPy has no bfloat16, so its bits come as uint16.
STORED = {
    "float64": "f8",
    "float32": "f4",
    "float16": "f2",
    "bfloat16": "u2",
    "complex128": "c16",
    "complex64": "c8",
    "int64": "i8",
    "int32": "i4",
    "int16": "i2",
    "int8": "i1",
    "uint64": "u8",
    "uint32": "u4",
    "uint16": "u2",
    "uint8": "u1",
    "bool": "u1",
}

# Fewer bytes are read: a map takes at least a page of memory, and a process has 65,530 of them.
MIN_MAPPED_BYTES = 1 << 20


def stored_size(element):
    """Return the bytes that one element of the named type takes in a file."""
    if element not in STORED:
        raise ValueError(f"element type {element!r} has no NumPy counterpart")
    return np.dtype(STORED[element]).itemsize


def decoded_bytes(element, shape):
    """Return the bytes of the array that `decode` makes, without making it."""
    size = 4 if element == "bfloat16" else stored_size(element)
    return size * math.prod(shape)


def span(shape, strides):
    """Return how many elements a strided view reaches over, checking its geometry.

    Args:
        shape: Tuple of sizes.
        strides: Tuple of steps, in elements.

    Returns:
        Number of elements from the first to the last one seen, both included.

    Raises:
        ValueError: If either is not a short tuple of non-negative integers.

    Example:
        >>> keras_gan.checkpoints.elements.span((2, 3), (1, 2))
        6
    """
    for numbers in (shape, strides):
        # `type(n) is int` because booleans are integers too. The length comes first: checking
        # must not itself be long.
        if type(numbers) is not tuple or len(numbers) > 32:
            raise ValueError("a tensor's shape and strides must be tuples of at most 32 integers")
        if not all(type(n) is int and 0 <= n < 1 << 62 for n in numbers):
            raise ValueError("a tensor's shape and strides must be non-negative integers")
    if len(shape) != len(strides):
        raise ValueError("a tensor has as many strides as dimensions")
    if 0 in shape:
        return 0
    return 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))


def contiguous(shape):
    """Return the strides, in elements, of a row-major array of this shape."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def file_bytes(stream, offset, size):
    r"""Return bytes of a file: read if they are few, else mapped, so that they take no memory yet.

    Args:
        stream: Binary file object of a file on disk.
        offset: Position of the first one.
        size: Their number.

    Returns:
        `bytes`, or a read-only `numpy.memmap` of uint8, whose file must not be cut meanwhile.

    Raises:
        ValueError: If the file ends before.

    Example:
        >>> with open("network.pkl", "rb") as stream:
        ...     keras_gan.checkpoints.elements.file_bytes(stream, 0, 2)
        b'\x80\x03'
    """
    if size >= MIN_MAPPED_BYTES:
        return np.memmap(stream, np.uint8, "r", offset, (size,))
    stream.seek(offset)
    data = stream.read(size)
    if len(data) != size:
        raise ValueError("the file ends before its tensors do")
    return data


def decode(raw, element, shape, *, strides=None, offset=0, byteorder="<"):
    """Return the array that is a strided view of raw bytes.

    bfloat16 becomes float32, which holds each of its values exactly; every other type, float16
    among them, is kept. Bytes are swapped to the machine's order. What is contiguous in a mapped
    file stays there, not to be written to. Any other array owns its memory, even where the file
    shares their storage.

    Args:
        raw: Bytes-like object, from `file_bytes` or not.
        element: Key of `STORED`.
        shape: Tuple of sizes.
        strides: Tuple of steps in elements; row-major if omitted.
        offset: First element of the view, counted in elements.
        byteorder: `"<"` or `">"`, how `raw` was written.

    Returns:
        A C-contiguous array.

    Raises:
        ValueError: If the view leaves `raw`.

    Example:
        >>> keras_gan.checkpoints.elements.decode(b"abcd", "uint8", (2,), strides=(2,))
        array([97, 99], dtype=uint8)
    """
    stored_size(element)
    dtype = np.dtype(STORED[element]).newbyteorder(byteorder)
    reach = span(shape, contiguous(shape) if strides is None else strides)
    if reach == 0:
        view = np.empty(shape, dtype)
    else:
        # `frombuffer` refuses what lies outside, so the striding below stays within bounds
        # whoever computed them.
        flat = np.frombuffer(raw, dtype, count=reach, offset=offset * dtype.itemsize)
        steps = contiguous(shape) if strides is None else strides
        view = np.lib.stride_tricks.as_strided(
            flat, shape, [step * dtype.itemsize for step in steps], writeable=False
        )
    if element == "bfloat16":
        view = np.asarray(view.astype(np.uint32) << np.uint32(16)).view(np.float32)
    elif element == "bool":
        view = np.asarray(np.not_equal(view, 0))
    native = view.dtype.newbyteorder("=")
    if isinstance(raw, np.memmap) and view.flags.c_contiguous and view.dtype == native:
        return view
    return np.array(view, dtype=native, order="C")
