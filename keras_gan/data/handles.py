"""Images by a handle: what the command line and `prepare` accept."""

import os
import re

from keras_gan.checks import check_path
from keras_gan.data.encoded import encoded_dataset
from keras_gan.data.folder import Folder
from keras_gan.data.idx import idx
from keras_gan.data.images import CROPS, check_choice
from keras_gan.data.tfds import Tfds
from keras_gan.data.zip_file import Zip

_TFDS = re.compile(
    r"tfds:(?P<name>[^:]+(?::(?:\d+|\*)(?:\.(?:\d+|\*)){2})?)(?::(?P<split>.+))?", re.DOTALL
)
_IDX_NAME = re.compile(r"idx\d-ubyte(\.gz)?$")
# What `idx` calls the crops of `image_folder`.
_IDX_FIT = {"none": "resize", None: "resize", "pad": "letterbox"}


def parse_handle(handle):
    """Tells what a handle of images names.

    Args:
        handle: String or path: "tfds:NAME[:VERSION][:SPLIT]", or the path of a folder, zip file or
            IDX file. Files are told apart by how they begin, zips by their ending as well.

    Returns:
        Tuple `(kind, place)`: kind is "tfds", "folder", "zip" or "idx"; place is a path, or
        `(name, split)` for "tfds".

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If it is none of these.

    Example:
    ```python
    import keras_gan

    keras_gan.data.handles.parse_handle("tfds:mnist:test")  # ("tfds", ("mnist", "test"))
    ```
    """
    check_path("source", handle)
    handle = os.fspath(handle)
    if handle.startswith("tfds:"):
        match = _TFDS.fullmatch(handle)
        if not match:
            raise ValueError(
                "A TFDS data set is named by tfds:NAME or tfds:NAME:SPLIT, such as "
                f"tfds:cifar10:test. Received: {handle!r}"
            )
        return "tfds", (match["name"], match["split"] or "train")
    if not os.path.exists(handle):
        raise FileNotFoundError(f"There is no file or folder {handle}.")
    if os.path.isdir(handle):
        return "folder", handle
    with open(handle, "rb") as file:
        magic = file.read(2)
    if magic == b"PK" or handle.lower().endswith(".zip"):
        return "zip", handle
    if magic in (b"\0\0", b"\x1f\x8b") or _IDX_NAME.search(handle):
        return "idx", handle
    raise ValueError(
        "Images come from a folder, a zip file, an IDX file (train-images-idx3-ubyte.gz) or "
        f"tfds:NAME[:SPLIT]. Received: {handle}, which is none of these."
    )


def open_images(
    handle,
    image_shape=None,
    batch_size=64,
    *,
    labels=None,
    crop="center",
    resample="lanczos",
    background=None,
    on_error="raise",
    **options,
):
    """Reads the images that a handle names as a dataset.

    Args:
        handle: See `parse_handle`.
        image_shape: Tuple `(height, width, channels)`, or None for the images' own.
        batch_size: Positive integer, images per batch.
        labels: None, or "auto": those that come with the images (dataset.json; the IDX file
            beside one of images, "labels-idx1" for "images-idx3"; the TFDS feature "label"), or
            "folders" or "dataset.json" of a folder or zip, the path of an IDX file, the name of a
            TFDS feature.
        crop: "center", "pad", "stretch", or "none" or None: see `keras_gan.data.image_folder`.
        resample: Name of a filter.
        background: Colour, or None: black for IDX files, white for others.
        on_error: "raise" or "skip" corrupt images; IDX files have none.
        **options: Of `keras_gan.data.ImageDataset`.

    Returns:
        `keras_gan.data.ImageDataset`.

    Raises:
        OSError: If there are no such files, or they are damaged.
        ValueError: If an argument is not as described.

    Example:
    ```python
    import keras_gan

    dataset = keras_gan.data.handles.open_images("photos.zip", labels="auto")
    ```
    """
    kind, place = parse_handle(handle)
    if kind == "idx":
        check_choice("crop", crop, (*CROPS, None))
        return idx(
            place,
            _idx_labels(place) if labels == "auto" else labels,
            image_shape,
            batch_size,
            fit=_IDX_FIT.get(crop, crop),
            resample=resample,
            background=0 if background is None else background,
            **options,
        )
    containers = {"folder": Folder, "zip": Zip, "tfds": lambda place: Tfds(*place)}
    return encoded_dataset(
        containers[kind](place),
        image_shape,
        batch_size,
        labels=labels,
        crop=crop,
        resample=resample,
        background=background,
        on_error=on_error,
        **options,
    )


def _idx_labels(path):
    folder, name = os.path.split(path)
    beside = os.path.join(folder, re.sub(r"images([-.])idx3", r"labels\1idx1", name))
    return beside if beside != path and os.path.exists(beside) else None
