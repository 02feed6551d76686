"""Safetensors files: a length, a JSON header, then the tensors' bytes without gaps."""

import json
import struct

import numpy as np

from keras_gan.checkpoints.elements import decode, decoded_bytes, file_bytes, span, stored_size
from keras_gan.checkpoints.limits import MAX_HEADER_BYTES, MAX_NAME, Budget
from keras_gan.files import atomic_file

_ELEMENTS = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "C64": "complex64",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


def is_safetensors(head, size):
    """Tell whether the first nine bytes are a header length that fits and an open brace."""
    return len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] <= size - 8


def read_safetensors(stream, size):
    """Read a safetensors file, as strictly as the format is specified.

    Args:
        stream: Binary file object.
        size: Its size in bytes.

    Returns:
        Dictionary of names to arrays, in the order of the header. `__metadata__` is passed over.

    Raises:
        ValueError: If the header is malformed, the types are not read, or the tensors' bytes
            overlap, leave gaps or do not end with the file.
    """
    stream.seek(0)
    (length,) = struct.unpack("<Q", stream.read(8))
    if length > MAX_HEADER_BYTES or length > size - 8:
        raise ValueError(f"the safetensors header claims {length} bytes")
    header = json.loads(stream.read(length).decode(), object_pairs_hook=_object)
    metadata = header.pop("__metadata__", {})
    if type(metadata) is not dict or not all(type(text) is str for text in metadata.values()):
        raise ValueError("the safetensors metadata are not text")
    budget = Budget(size)
    entries = {name: _entry(name, entry, budget) for name, entry in header.items()}
    end = 0
    for _, _, start, stop in sorted(entries.values(), key=lambda entry: entry[2:]):
        if start != end:
            raise ValueError("the tensors of a safetensors file overlap or leave gaps")
        end = stop
    if 8 + length + end != size:
        raise ValueError("the tensors of a safetensors file do not end with the file")
    arrays = {}
    for name, (element, shape, start, stop) in entries.items():
        raw = file_bytes(stream, 8 + length + start, stop - start)
        arrays[name] = decode(raw, element, shape)
    return arrays


def _object(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the safetensors header names something twice")
    return found


def _entry(name, entry, budget):
    """Check one tensor's description and return its element type, shape, start and stop."""
    if len(name) > MAX_NAME or type(entry) is not dict:
        raise ValueError("the safetensors header does not describe tensors")
    if set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"safetensors tensor {name!r} has other fields than a tensor's")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if type(dtype) is not str or dtype not in _ELEMENTS:
        raise ValueError(f"safetensors tensor {name!r} has a type that is not read")
    if type(shape) is not list or type(offsets) is not list or len(offsets) != 2:
        raise ValueError(f"safetensors tensor {name!r} has an odd shape or offsets")
    element, shape, (start, stop) = _ELEMENTS[dtype], tuple(shape), offsets
    span(shape, shape)  # Only for its checks.
    span(tuple(offsets), tuple(offsets))
    count = 1
    for n in shape:
        count *= n
    if stop - start != count * stored_size(element):
        raise ValueError(f"safetensors tensor {name!r} has other bytes than its shape needs")
    budget.spend(decoded_bytes(element, shape))
    return element, shape, start, stop


def write_safetensors(path, shapes, arrays):
    """Write a safetensors file of float32 tensors, which is there completely or not at all.

    Args:
        path: str or path.
        shapes: dict of names to shapes.
        arrays: iterable of the arrays, in the same order, of which one at a time is held.

    Raises:
        OSError: If it cannot be written.
    """
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + decoded_bytes("float32", shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    # The format asks for tensors that are aligned, and for spaces to align them.
    text += b" " * (-len(text) % 8)
    with atomic_file(path) as temporary, open(temporary, "wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for array in arrays:
            stream.write(np.ascontiguousarray(array, "<f4").data)
