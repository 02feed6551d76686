"""image_zip: the images of a zip file as a dataset."""

import io
import os
import stat
import zipfile
import zlib

from keras_gan.checks import check_path
from keras_gan.data.encoded import encoded_dataset
from keras_gan.data.named_files import (
    EXTENSIONS,
    LABELS,
    RECORD,
    NamedFiles,
    is_image,
    plain,
)
from keras_gan.zip_directory import open_zip

# Entries of three million images.
_MAX_DIRECTORY_BYTES = 256 << 20
# What an entry may unpack to, `factor * packed size + constant`: images hardly compress, but small
# ones may be blank; labels compress tenfold.
_IMAGE_BOUND = 4, 64 << 20
_JSON_BOUND = 64, 1 << 20
_LOCAL_HEADER_BYTES = 30


def image_zip(
    path,
    image_shape=None,
    batch_size=64,
    *,
    crop="center",
    resample="lanczos",
    background=None,
    flip=False,
    labels=None,
    shuffle=True,
    seed=0,
    drop_remainder=False,
    on_error="raise",
    cache=False,
    workers=1,
    max_queue_size=4,
):
    """Reads the images in a zip file as a dataset, without unpacking it.

    The zips of `keras_gan.data.prepare` and of NVIDIA's dataset_tool are read, and any other that
    holds images, stored or deflated. Entries are chosen, ordered, decoded and fitted as the files
    of `keras_gan.data.image_folder` are: by their ending, in the order of their paths, without
    hidden ones (such as `__MACOSX/._a.png`). A single folder around everything is no part of the
    paths. Entries that are encrypted, links, of a wrong checksum, or that unpack to more than
    64 MiB and four times their packed size count as corrupt.

    Args:
        path: Zip file, a string or path. It is opened anew for each image: the dataset's `source`
            may be used in several threads, forked and pickled.
        image_shape: Tuple `(height, width, channels)` of the images wanted, with 1 (gray),
            3 (RGB) or 4 (RGBA) channels. None, or None for one of the three: that of the first
            image; reading an image of another then raises a ValueError.
        batch_size: Positive integer, images per batch.
        crop: How an image of another aspect ratio is fitted: "center" (largest centred crop, then
            resize), "pad" (letterbox with bars of `background`, transparent in RGBA), "stretch"
            (resize, ignoring the aspect ratio), or "none" or None (a ValueError names the entry).
        resample: Pillow's filter for resizing: "nearest", "box", "bilinear", "hamming", "bicubic"
            or "lanczos". All but "nearest" are antialiased. Alpha is premultiplied meanwhile.
        background: Colour name, gray value or `(r, g, b)` tuple in [0, 255]; None is white.
        flip: Whether to mirror images left-right with probability 1/2.
        labels: None, or "folders": the class of an image is its top-level folder, numbered in
            sorted order (see `class_names`), or "dataset.json": class ids come from that entry,
            `{"labels": [["00000/img00000000.png", 6], ...]}`, and the names of the classes from
            the record of `keras_gan.data.prepare`, if there is one, or "auto": from dataset.json
            if it is there and holds labels.
        shuffle: Whether each epoch has its own order, drawn from the seed.
        seed: Integer >= 0.
        drop_remainder: Whether to leave out a last batch of fewer than `batch_size` images.
        on_error: "raise": reading a corrupt entry raises an OSError that names it. "skip": decodes
            every entry now, leaves out the corrupt ones and warns once.
        cache: Whether to keep every image, once decoded, in memory; this takes
            `num_images * height * width * channels` bytes.
        workers: Integer >= 0, threads that prepare batches ahead of time.
        max_queue_size: Positive integer, the most batches that are kept ready.

    Returns:
        `keras_gan.data.ImageDataset` of `uint8` images in [0, 255].

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If it is not a zip file, is truncated, or holds two entries of one name.
        ValueError: If the zip holds no images, labels are not integers or not those of the
            images, or an argument is not as described.

    Example:
    ```python
    import io
    import zipfile
    from PIL import Image
    import keras_gan

    content = io.BytesIO()
    Image.new("RGB", (32, 32)).save(content, "PNG")
    with zipfile.ZipFile("black.zip", "w") as file:
        file.writestr("00000/img00000000.png", content.getvalue())
        file.writestr("dataset.json", '{"labels": [["00000/img00000000.png", 6]]}')
    dataset = keras_gan.data.image_zip("black.zip", labels="dataset.json")
    images, labels = dataset[0]  # uint8 (1, 32, 32, 3), int32 (1,)
    ```
    """
    return encoded_dataset(
        Zip(path),
        image_shape,
        batch_size,
        crop=crop,
        resample=resample,
        background=background,
        flip=flip,
        labels=labels,
        shuffle=shuffle,
        seed=seed,
        drop_remainder=drop_remainder,
        on_error=on_error,
        cache=cache,
        workers=workers,
        max_queue_size=max_queue_size,
    )


class Zip(NamedFiles):
    """The image entries of a zip file as a container for `encoded_dataset`.

    Only the directory is read by `zipfile`: an entry is read with a file object of its own, so
    that threads, forks and copies share no position in the file.
    """

    source = "image_zip"

    def __init__(self, path):
        check_path("path", path)
        self.place = os.path.abspath(path)
        self._entries = _read_directory(self.place)
        self.names = sorted(filter(is_image, self._entries))
        if not self.names:
            raise ValueError(
                f"There are no images in {self.place}. Accepted: entries that end in "
                f"{', '.join(EXTENSIONS)}."
            )

    def where(self, name):
        return f"{name!r} in {self.place}"

    def open(self, name):
        return io.BytesIO(self._unpack(name, *_IMAGE_BOUND))

    def _read(self, name):
        if name not in self._entries:
            return None
        try:
            return self._unpack(name, *_JSON_BOUND)
        except ValueError as error:
            raise OSError(
                f"Cannot read {self.where(name)}: {error}. Write the zip again."
            ) from error

    def _unpack(self, name, factor, constant):
        """Returns the content of an entry, or raises a ValueError that says what is wrong."""
        entry = self._entries[name]
        limit = factor * entry.compress_size + constant
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ValueError("it is a symbolic link")
        if entry.flag_bits & 1:
            raise ValueError("it is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(
                f"its compression (method {entry.compress_type}) is neither stored nor deflated"
            )
        if entry.file_size > limit:
            raise ValueError(f"it unpacks to {entry.file_size} bytes, more than {limit}")
        with open(self.place, "rb") as file:
            if entry.compress_size > os.fstat(file.fileno()).st_size:
                raise ValueError("it claims more bytes than the zip has")
            file.seek(entry.header_offset)
            header = file.read(_LOCAL_HEADER_BYTES)
            if len(header) < _LOCAL_HEADER_BYTES or not header.startswith(b"PK\3\4"):
                raise ValueError("it does not begin where the zip's directory says")
            # The lengths of its name and extra field, which may differ from the directory's.
            skipped = int.from_bytes(header[26:28], "little")
            skipped += int.from_bytes(header[28:30], "little")
            file.seek(skipped, os.SEEK_CUR)
            content = file.read(entry.compress_size)
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            try:
                # One byte more tells whether there would be more.
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(
                    content, entry.file_size + 1
                )
            except zlib.error as error:
                raise ValueError(str(error)) from error
        if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
            raise ValueError("its size or checksum is wrong: the zip is damaged")
        return content


def _read_directory(path):
    """Returns the entries that matter, `{plain path: zipfile.ZipInfo}`."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no zip file {path}.")
    if os.path.isdir(path):
        raise IsADirectoryError(
            f"`path` must be a zip file. Received a folder: {path}. Folders are read by "
            "`keras_gan.data.image_folder`."
        )
    with open(path, "rb") as file:
        try:
            found = open_zip(file, _MAX_DIRECTORY_BYTES).infolist()
        except Exception as error:  # damaged zips make zipfile raise nearly anything
            raise OSError(
                f"{path} is not a complete zip file: {type(error).__name__}: {error}. Download or "
                "write it again."
            ) from error
    entries = {}
    for entry in found:
        name = plain(entry.filename)
        if entry.is_dir() or not (is_image(name) or os.path.basename(name) in (LABELS, RECORD)):
            continue
        if name in entries:
            raise OSError(f"{path} holds two entries {name!r}. Write the zip again without one.")
        entries[name] = entry
    wrapper = _wrapper(entries)
    return {name.removeprefix(wrapper): entry for name, entry in entries.items()}


def _wrapper(names):
    """Returns the folder around all names, with a slash, that is no part of the layout, or ''.

    It is one that only holds folders, or dataset.json (whose names are relative to it).
    """
    tops = {name.partition("/")[0] for name in names}
    if len(tops) != 1:
        return ""
    wrapper = f"{tops.pop()}/"
    inner = [name.removeprefix(wrapper) for name in names]
    return wrapper if LABELS in inner or all("/" in name for name in inner) else ""
