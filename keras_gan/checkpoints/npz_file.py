"""NumPy's `.npz`: a zip file of arrays, of which only plain numbers are read."""

import ast
import struct

from keras_gan.checkpoints.elements import decode, decoded_bytes, span
from keras_gan.checkpoints.limits import MAX_NAME
from keras_gan.checkpoints.stand_ins import NumpyType

_MAX_ARRAY_HEADER = 10_000


def read_npz(archive, budget):
    """Read every numeric array of an `.npz` file; arrays of text are passed over.

    Args:
        archive: `keras_gan.checkpoints.zip_archive.ZipArchive`.
        budget: `keras_gan.checkpoints.limits.Budget` of the file.

    Returns:
        Dictionary of names, as given to `numpy.savez`, to arrays.

    Raises:
        ValueError: If an array is malformed or holds objects, structures or dates.
    """
    arrays = {}
    for member in archive.names:
        name = member.removesuffix(".npy")
        if len(name) > MAX_NAME:
            raise ValueError(f"an array's name is longer than {MAX_NAME} characters")
        array = _read_array(archive.read(member), budget)
        if array is not None:
            arrays[name] = array
    return arrays


def _read_array(data, budget):
    """Decode one `.npy` file, or return None if it holds text."""
    version = {b"\x01\x00": "<H", b"\x02\x00": "<I"}.get(data[6:8])
    if data[:6] != b"\x93NUMPY" or version is None:
        raise ValueError("a member of an .npz file is not an array of a known version")
    (length,) = struct.unpack_from(version, data, 8)
    start = 8 + struct.calcsize(version) + length
    if length > _MAX_ARRAY_HEADER or start > len(data):
        raise ValueError("an array's header is too long")
    header = ast.literal_eval(data[start - length : start].decode("latin-1").strip())
    if type(header) is not dict or set(header) != {"descr", "fortran_order", "shape"}:
        raise ValueError("an array's header does not describe an array")
    shape, fortran = header["shape"], header["fortran_order"]
    numbers = NumpyType.from_text(header["descr"])
    if numbers is None:
        return None
    span(shape, shape)  # Only for its checks.
    if type(fortran) is not bool:
        raise ValueError("an array's header does not describe an array")
    budget.spend(decoded_bytes(numbers.element, shape))
    if len(data) - start != decoded_bytes(numbers.element, shape):
        raise ValueError("an array's bytes are not those of its shape")
    order = shape[::-1] if fortran else shape
    array = decode(data[start:], numbers.element, order, byteorder=numbers.byteorder)
    return array.T.copy() if fortran else array
