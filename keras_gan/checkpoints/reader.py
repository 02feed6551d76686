"""Read the tensors of a checkpoint file without running anything that is in it."""

import os
import struct
import zipfile
import zlib

import numpy as np

from keras_gan.checkpoints.hdf5_file import read_hdf5
from keras_gan.checkpoints.limits import Budget
from keras_gan.checkpoints.mapping import Tensors
from keras_gan.checkpoints.network_pickle import read_network_pickle
from keras_gan.checkpoints.npz_file import read_npz
from keras_gan.checkpoints.safetensors_file import is_safetensors, read_safetensors
from keras_gan.checkpoints.torch_file import is_torch_legacy, read_torch_legacy, read_torch_zip
from keras_gan.checkpoints.zip_archive import ZipArchive

_ACCEPTED = (
    "torch.save files (zip layout, or the pickle stream before 1.6) of tensors in dictionaries "
    "and lists, NVIDIA's network pickles of PyTorch and TensorFlow, safetensors, .npz of numbers, "
    "HDF5 of plain data sets"
)

# What files turn out to be that are taken for checkpoints, by how they begin.
_MISTAKEN = (
    ((b"\x1f\x8b",), "a gzip file: unpack it"),
    ((b"<!doctype", b"<html", b"<?xml"), "a web page: get the file that it leads to"),
    ((b"version https://git-lfs",), "a pointer of Git LFS: run `git lfs pull`"),
)

# What the standard library and NumPy raise on bytes that are not what they should be.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,  # Also RecursionError, and NotImplementedError from `zipfile`.
    SyntaxError,
    TypeError,
    Warning,  # If the caller has made errors of them.
    ValueError,  # Also UnicodeError and json.JSONDecodeError.
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_tensors(path):
    """Read every tensor of a checkpoint, whichever library wrote it.

    The format is recognised by content, not by the name of the file. Nothing in the file is run
    or imported, and neither torch nor TensorFlow is needed.

    - Names: keys of nested dictionaries and positions in lists are joined with dots, as are the
      groups of HDF5. A prefix such as `module.` is kept. A file that is one bare tensor has the
      empty name.
    - Only tensors are returned, of any rank. Numbers, text, None, options and storages without a
      tensor are passed over.
    - Types are kept, float16 among them, except for bfloat16, which becomes float32 as NumPy has
      none. Quantised, sparse and 8-bit float tensors are refused.
    - A network pickle also tells the classes and options of its modules: they are the `attributes`
      of what is returned. The source text inside of it is never looked at.
    - Every array is C-contiguous, writable, in native byte order and owns its memory, also where
      tensors of the file share theirs.

    Args:
        path: Path of the file.

    Returns:
        `Tensors`, a dictionary of dotted names to NumPy arrays, in the order of the file.

    Raises:
        ValueError: If the file is of another format, is damaged, asks for code to be run, or
            decodes to more than four times its size plus 64 MiB.
        OSError: If the file cannot be read at all.

    Example:
        >>> tensors = keras_gan.checkpoints.read_tensors("dcgan.pth")
        >>> tensors["main.0.weight"].shape
        (100, 512, 4, 4)
    """
    tensors = mapped_tensors(path)
    for name, array in tensors.items():
        if not array.flags.owndata:
            tensors[name] = np.array(array)
    return tensors


def mapped_tensors(path):
    """Read the tensors of a checkpoint file, and leave the large ones in the file.

    As `read_tensors`, but an array may be a read-only map of the file, whose memory is that of the
    parts used. The file must not be cut meanwhile.

    Args:
        path: Path of the file.

    Returns:
        `Tensors`.

    Raises:
        ValueError: As `read_tensors`.
        OSError: If the file cannot be read at all.

    Example:
        >>> tensors = keras_gan.checkpoints.reader.mapped_tensors("ffhq.pkl")
        >>> tensors["G_ema.mapping.fc0.weight"].mean()
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        raise IsADirectoryError(
            f"{path} is a folder, not a checkpoint file. Folders that keras_gan wrote are presets, "
            "which `from_preset` loads."
        )
    with open(path, "rb") as stream:
        try:
            found = _read(stream, path)
            return found if isinstance(found, Tensors) else Tensors(found)
        except _DAMAGE as error:
            reason = str(error) if type(error) is ValueError else _describe(error)
            raise ValueError(f"{path}: {reason}. Accepted: {_ACCEPTED}.") from error


def _read(stream, path):
    size = os.fstat(stream.fileno()).st_size
    head = stream.read(512)
    if head.startswith(b"PK\x03\x04"):
        return _read_zip(stream, size)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return read_hdf5(path, size)
    if is_safetensors(head, size):
        return read_safetensors(stream, size)
    if head.startswith(b"\x80"):
        if is_torch_legacy(stream):
            return read_torch_legacy(stream, size)
        return read_network_pickle(stream, size)
    if not head:
        raise ValueError("the file is empty: get it again")
    for beginnings, what in _MISTAKEN:
        if head.lstrip().lower().startswith(beginnings):
            raise ValueError(f"found {what}")
    if head[257:262] == b"ustar":
        raise ValueError("found a tar file, which torch wrote before 0.1.10 or somebody packed")
    raise ValueError(f"found a file that begins with {head[:16]!r}")


def _read_zip(stream, size):
    archive = ZipArchive(stream, size)
    roots = [
        name.removesuffix("/data.pkl")
        for name in archive.names
        if name.endswith("/data.pkl") and name.count("/") == 1
    ]
    if len(roots) == 1:
        return read_torch_zip(archive, roots[0], Budget(size))
    if archive.names and all(name.endswith(".npy") for name in archive.names):
        return read_npz(archive, Budget(size))
    raise ValueError("found a zip file that neither torch.save nor numpy.savez wrote")


def _describe(error):
    """Say what went wrong in a library, whose messages are written for its own callers."""
    return f"it is damaged or truncated ({type(error).__name__}: {str(error)[:200]})"
