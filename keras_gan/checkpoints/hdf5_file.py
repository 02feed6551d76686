"""HDF5 files, of which only plain numeric data sets that lie in the file itself are read."""

import zlib

import h5py
import numpy as np

from keras_gan.checkpoints.limits import MAX_DEPTH, MAX_NAME, MAX_TENSORS, Budget
from keras_gan.checkpoints.stand_ins import NumpyType

# In the order in which h5py applies them. Any other filter may make libhdf5 load a plug-in.
_FILTERS = (h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32)


def read_hdf5(path, size):
    """Read every numeric data set of an HDF5 file; data sets of text are passed over.

    Args:
        path: Path of the file.
        size: Its size in bytes.

    Returns:
        Dictionary of paths in the file, their slashes as dots, to arrays.

    Raises:
        ValueError: If it is damaged, or has links that are not hard, virtual or external data
            sets, filters that need a plug-in, or types that are not plain numbers.
    """
    return dict(_arrays(path, size))


def shapes_in_hdf5(path, size):
    """The shapes of what `read_hdf5` returns, of which one array at a time is held in memory.

    Args:
        path: Path of the file.
        size: Its size in bytes.

    Returns:
        Dictionary of paths in the file, their slashes as dots, to shapes.

    Raises:
        ValueError: As `read_hdf5`: all of the file is read.
    """
    return {name: array.shape for name, array in _arrays(path, size)}


def _arrays(path, size):
    """Yield the name and array of each data set."""
    names = set()
    try:
        with h5py.File(path, "r") as file:
            for name, array in _visit(file, (), Budget(size), [MAX_TENSORS]):
                if name in names:
                    raise ValueError(f"two data sets are named {name!r}")
                names.add(name)
                yield name, array
    except (OSError, RuntimeError, LookupError, TypeError) as error:
        # h5py reports damage by these; the file itself was already opened once.
        raise ValueError(f"HDF5: {str(error)[:200]}") from error


def _visit(group, path, budget, left):
    if len(path) >= MAX_DEPTH:
        raise ValueError(f"its groups are nested more than {MAX_DEPTH} deep")
    for key in group:
        left[0] -= 1
        if left[0] < 0:
            raise ValueError(f"it has more than {MAX_TENSORS} links")
        name = ".".join((*path, key))
        if len(name) > MAX_NAME:
            raise ValueError(f"a data set's name is longer than {MAX_NAME} characters")
        # Before the target is opened: opening is what follows a link.
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"{name!r} is a soft or external link")
        item = group[key]
        if isinstance(item, h5py.Group):
            yield from _visit(item, (*path, key), budget, left)
            continue
        if not isinstance(item, h5py.Dataset):
            raise ValueError(f"{name!r} is neither a group nor a data set")
        array = _read(item, name, budget)
        if array is not None:
            yield name, array


def _read(item, name, budget):
    """Return the array of a data set, or None if it holds text."""
    properties = item.id.get_create_plist()
    if item.is_virtual or properties.get_external_count():
        raise ValueError(f"{name!r} has its content in other files")
    filters = [properties.get_filter(n)[0] for n in range(properties.get_nfilters())]
    if filters != [known for known in _FILTERS if known in filters]:
        raise ValueError(f"{name!r} needs filters that are not built in, or in an odd order")
    if h5py.check_string_dtype(item.dtype):
        return None
    if item.shape is None or NumpyType.from_text(item.dtype.str) is None:
        raise ValueError(f"{name!r} holds something else than plain numbers")
    budget.spend(item.size * item.dtype.itemsize)
    if item.chunks and np.prod(item.chunks, dtype=object) * item.dtype.itemsize > budget.limit:
        raise ValueError(f"{name!r} has chunks larger than the file can hold")
    if h5py.h5z.FILTER_DEFLATE in filters:
        _check_inflation(item, name, filters.index(h5py.h5z.FILTER_DEFLATE), budget.limit)
    # By its text, as h5py hangs metadata of its own on some types.
    return np.asarray(item[()]).astype(np.dtype(item.dtype.str).newbyteorder("="))


def _check_inflation(item, name, deflate, limit):
    """Refuse chunks that inflate beyond their size: libhdf5 goes on until memory ends."""
    size = int(np.prod(item.chunks, dtype=object)) * item.dtype.itemsize

    chunks = []
    item.id.chunk_iter(chunks.append)  # The library is not re-entered while it iterates.
    for chunk in chunks:
        if chunk.filter_mask >> deflate & 1:  # Stored as it is.
            continue
        if chunk.size > limit:
            raise ValueError(f"{name!r} has a chunk larger than the file can hold")
        _, raw = item.id.read_direct_chunk(chunk.chunk_offset)
        if len(zlib.decompressobj().decompress(raw, size + 1)) > size:
            raise ValueError(f"{name!r} has a chunk that inflates beyond its size")
