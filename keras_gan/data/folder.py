"""image_folder: the images of a folder tree as a dataset."""

import os

from keras_gan.checks import check_path
from keras_gan.data.encoded import encoded_dataset
from keras_gan.data.named_files import EXTENSIONS, NamedFiles, is_image


def image_folder(
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
    """Reads the images in a folder and its sub-folders as a dataset.

    Files ending in png, jpg, jpeg, webp, bmp, gif (first frame), tif or tiff, in any case, are
    read in the order of their relative paths; other files and hidden ones (a leading dot) are no
    images. Sizes and modes may be mixed:

    - EXIF orientation is applied; colour profiles are ignored.
    - 16-bit gray is divided by 257 (16-bit RGB: Pillow keeps the high byte); float gray must lie
      in [0, 1].
    - Alpha, palette transparency included, is composited over `background` unless `image_shape`
      has 4 channels; opaque alpha is added if it has.
    - Colour becomes gray by ITU-R 601 luma; CMYK becomes RGB by Pillow's conversion.

    A truncated file and one of more than `PIL.Image.MAX_IMAGE_PIXELS` pixels count as corrupt.

    Args:
        path: Folder, a string or path.
        image_shape: Tuple `(height, width, channels)` of the images wanted, with 1 (gray),
            3 (RGB) or 4 (RGBA) channels. None, or None for one of the three: that of the first
            image; reading an image of another then raises a ValueError.
        batch_size: Positive integer, images per batch.
        crop: How an image of another aspect ratio is fitted: "center" (largest centred crop, then
            resize), "pad" (letterbox with bars of `background`, transparent in RGBA), "stretch"
            (resize, ignoring the aspect ratio), or "none" or None (a ValueError names the file).
        resample: Pillow's filter for resizing: "nearest", "box", "bilinear", "hamming", "bicubic"
            or "lanczos". All but "nearest" are antialiased. Alpha is premultiplied meanwhile.
        background: Colour name, gray value or `(r, g, b)` tuple in [0, 255]; None is white.
        flip: Whether to mirror images left-right with probability 1/2.
        labels: None, or "folders": the class of an image is its top-level sub-folder, numbered in
            sorted order (see `class_names`), or "dataset.json": class ids come from that file in
            the folder, as NVIDIA's dataset_tool writes it: `{"labels": [["00000/img00000000.png",
            6], ...]}`, or "auto": from that file if it is there and holds labels.
        shuffle: Whether each epoch has its own order, drawn from the seed.
        seed: Integer >= 0.
        drop_remainder: Whether to leave out a last batch of fewer than `batch_size` images.
        on_error: "raise": reading a corrupt file raises an OSError that names it. "skip": decodes
            every file now, leaves out the corrupt ones and warns once.
        cache: Whether to keep every image, once decoded, in memory; this takes
            `num_images * height * width * channels` bytes. Later changes of files are not seen.
        workers: Integer >= 0, threads that prepare batches ahead of time.
        max_queue_size: Positive integer, the most batches that are kept ready.

    Returns:
        `keras_gan.data.ImageDataset` of `uint8` images in [0, 255].

    Raises:
        FileNotFoundError: If there is no such folder.
        NotADirectoryError: If `path` is a file.
        ValueError: If the folder holds no images, labels are not integers or not those of the
            images, or an argument is not as described.

    Example:
    ```python
    import numpy as np
    from PIL import Image
    import keras_gan

    Image.fromarray(np.zeros((48, 64, 3), "uint8")).save("black.png")
    dataset = keras_gan.data.image_folder(".", image_shape=(32, 32, 3), flip=True)
    (images,) = dataset[0]
    ```
    """
    return encoded_dataset(
        Folder(path),
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


class Folder(NamedFiles):
    """The image files of a folder as a container for `encoded_dataset`."""

    source = "image_folder"

    def __init__(self, path):
        check_path("path", path)
        self.place = os.path.abspath(path)
        self.names = _find_images(self.place)

    def where(self, name):
        return os.path.join(self.place, name)

    def open(self, name):
        return self.where(name)

    def _read(self, name):
        path = self.where(name)
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            return file.read()


def _find_images(root):
    if not os.path.exists(root):
        raise FileNotFoundError(f"There is no folder {root}.")
    if not os.path.isdir(root):
        raise NotADirectoryError(
            f"`path` must be a folder of images. Received a file: {root}. Zips are read by "
            "`keras_gan.data.image_zip`, IDX files by `keras_gan.data.idx`."
        )
    files, visited = [], set()

    def fail(error):
        raise error  # os.walk would silently leave out a folder that cannot be read

    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=fail):
        real = os.path.realpath(folder)
        if real in visited:
            raise ValueError(
                f"{folder} is a link to a folder that is already read ({real}): its images would "
                "count twice. Remove the link."
            )
        visited.add(real)
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        relative = os.path.relpath(folder, root)
        for name in names:
            if is_image(name):
                file = os.path.normpath(os.path.join(relative, name))
                files.append(file.replace(os.sep, "/"))
    if not files:
        raise ValueError(
            f"There are no images in {root} or its sub-folders. Accepted: files that end in "
            f"{', '.join(EXTENSIONS)}."
        )
    return sorted(files)
