"""Zip files, read with less trust than `zipfile` has."""

import re
import struct
import zipfile

from keras_gan.checkpoints import elements
from keras_gan.checkpoints.limits import MAX_HEADER_BYTES, Budget
from keras_gan.zip_directory import open_zip

_LOCAL = struct.Struct("<4s5H3L2H")
_IN_ZIP64 = 0xFFFFFFFF
_CHUNK = 1 << 20


class ZipArchive:
    """The members of a zip file, after checks that no honest writer fails.

    Refused: encryption, compression other than deflate, members that overlap, that share a name
    or whose name leaves the archive, headers that contradict the directory, and members that
    together decompress to more than the file's `Budget`. `zipfile` itself checks each CRC.

    Args:
        stream: Binary file object.
        size: Its size in bytes.

    Raises:
        ValueError: If a check fails.
        zipfile.BadZipFile: If it is not a zip file.
    """

    def __init__(self, stream, size):
        self._stream = stream
        self._zip = open_zip(stream, MAX_HEADER_BYTES)
        self._members = {}
        self._starts = {}
        budget, end = Budget(size), 0
        for info in sorted(self._zip.infolist(), key=lambda info: info.header_offset):
            name = info.orig_filename
            if name != info.filename or not _is_plain(name):
                raise ValueError(f"zip member {name[:80]!r} has a path that is not plain")
            if name in self._members:
                raise ValueError(f"zip member {name[:80]!r} is there twice")
            if info.flag_bits & 1 or info.compress_type not in (
                zipfile.ZIP_STORED,
                zipfile.ZIP_DEFLATED,
            ):
                raise ValueError(f"zip member {name[:80]!r} is encrypted or oddly compressed")
            budget.spend(info.file_size)
            if info.header_offset < end:
                raise ValueError(f"zip member {name[:80]!r} overlaps another")
            end = self._check_header(info, name)
            if end > size:
                raise ValueError(f"zip member {name[:80]!r} goes beyond the end of the file")
            self._members[name] = info

    def __contains__(self, name):
        """Tell whether there is a member of this name."""
        return name in self._members

    @property
    def names(self):
        """Names of the members that are files."""
        return [name for name in self._members if not name.endswith("/")]

    def size(self, name):
        """Return the size of a member in bytes."""
        if name not in self._members:
            raise ValueError(f"zip member {name[:80]!r} is missing")
        return self._members[name].file_size

    def read(self, name):
        """Return the bytes of a member."""
        size = self.size(name)
        data = self._zip.read(self._members[name])
        if len(data) != size:
            raise ValueError(f"zip member {name[:80]!r} is not of its stated size")
        return data

    def map(self, name):
        """Return the bytes of a member, or a map of them if they are many and not compressed."""
        size, info = self.size(name), self._members[name]
        if size < elements.MIN_MAPPED_BYTES or info.compress_type != zipfile.ZIP_STORED:
            return self.read(name)
        if size != info.compress_size:
            raise ValueError(f"zip member {name[:80]!r} is not of its stated size")
        # To the end, where its CRC is compared.
        with self._zip.open(info) as member:
            while member.read(_CHUNK):
                pass
        return elements.file_bytes(self._stream, self._starts[name], size)

    def _check_header(self, info, name):
        """Compare the local header, and the descriptor if any, with the directory.

        Returns:
            Offset of the first byte after the member; that of its first one is kept.
        """
        contradiction = ValueError(f"zip member {name[:80]!r} contradicts the zip directory")
        self._stream.seek(info.header_offset)
        header = self._stream.read(_LOCAL.size)
        if len(header) != _LOCAL.size:
            raise contradiction
        magic, _, flags, method, _, _, crc, packed, unpacked, *lengths = _LOCAL.unpack(header)
        if magic != b"PK\x03\x04" or flags != info.flag_bits or method != info.compress_type:
            raise contradiction
        self._starts[name] = info.header_offset + _LOCAL.size + sum(lengths)
        end = self._starts[name] + info.compress_size
        expected = (info.CRC, info.compress_size, info.file_size)
        described = not flags & 8
        if flags & 8:
            # Sizes were not known when the header was written: they follow the data, in either
            # width.
            self._stream.seek(end)
            tail = self._stream.read(24)
            for layout in ("<4s3L", "<4sL2Q"):
                length = struct.calcsize(layout)
                if len(tail) >= length:
                    signature, *found = struct.unpack(layout, tail[:length])
                    if signature == b"PK\x07\x08" and tuple(found) == expected:
                        end += length
                        described = True
                        break
        allowed = {0} if flags & 8 else set()
        if not (
            described
            and crc in allowed | {info.CRC}
            and packed in allowed | {info.compress_size, _IN_ZIP64}
            and unpacked in allowed | {info.file_size, _IN_ZIP64}
        ):
            raise contradiction
        return end


def _is_plain(name):
    """Tell whether a member's name stays inside the archive, on any system."""
    parts = name.removesuffix("/").split("/")
    leaves = set(parts) & {"", ".", ".."} or "\\" in name or re.match("[A-Za-z]:", name)
    return name.isprintable() and not leaves
