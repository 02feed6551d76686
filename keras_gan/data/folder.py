"""image_folder: the images of a folder tree as a dataset."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_gan.data import images
from keras_gan.data.dataset import ImageDataset

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def image_folder(
    path,
    image_shape,
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
            3 (RGB) or 4 (RGBA) channels.
        batch_size: Positive integer, images per batch.
        crop: How an image of another aspect ratio is fitted: "center" (largest centred crop, then
            resize), "pad" (letterbox with bars of `background`, transparent in RGBA), "stretch"
            (resize, ignoring the aspect ratio), or "none" or None (a ValueError names the file).
        resample: Pillow's filter for resizing: "nearest", "box", "bilinear", "hamming", "bicubic"
            or "lanczos". All but "nearest" are antialiased. Alpha is premultiplied meanwhile.
        background: Colour name, gray value or `(r, g, b)` tuple in [0, 255]; None is white.
        flip: Whether to mirror images left-right with probability 1/2.
        labels: None, or "folders": the class of an image is its top-level sub-folder, numbered in
            sorted order (see `class_names`).
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
        ValueError: If the folder holds no images or an argument is not as described.

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
    images.check_choice("labels", labels, (None, "folders"))
    images.check_choice("on_error", on_error, ("raise", "skip"))
    source = _Folder(path, image_shape, crop, resample, background, cache)
    if on_error == "skip":
        source.skip_corrupt(workers)
    if labels == "folders":
        source.label_by_folder()
    return ImageDataset(
        source,
        batch_size,
        shuffle=shuffle,
        seed=seed,
        flip=flip,
        drop_remainder=drop_remainder,
        workers=workers,
        max_queue_size=max_queue_size,
    )


class _Folder:
    """The image files of a folder as a source."""

    labels = None
    class_names = None

    def __init__(self, path, image_shape, crop, resample, background, cache):
        crop = "none" if crop is None else crop
        images.check_choice("crop", crop, images.CROPS)
        images.check_choice("resample", resample, images.FILTERS)
        self.image_shape = images.check_image_shape(image_shape)
        self.crop = crop
        self.resample = resample
        self.background = images.WHITE if background is None else images.rgb(background)
        self.root = os.path.abspath(path)
        self.files = _find_images(self.root)
        self.skipped = 0
        # Threads may decode an image twice, with the same result.
        self.cache = {} if cache else None

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        if self.cache is None:
            return self._read(i)
        if i not in self.cache:
            self.cache[i] = self._read(i)
        return self.cache[i]

    @property
    def protocol(self):
        return {
            "source": "image_folder",
            "path": os.path.basename(self.root),
            "crop": self.crop,
            "resample": self.resample,
            "background": list(self.background),
            "skipped": self.skipped,
        }

    def skip_corrupt(self, workers):
        with ThreadPoolExecutor(max(workers, 1)) as executor:
            errors = list(executor.map(_decode_error, self._paths()))
        checked = list(zip(self.files, errors, strict=True))
        corrupt = [(file, error) for file, error in checked if error]
        self.files = [file for file, error in checked if not error]
        if not self.files:
            raise ValueError(
                f"None of the {len(corrupt)} image files in {self.root} can be decoded. "
                f"First error: {corrupt[0][1]}"
            )
        if corrupt:
            self.skipped = len(corrupt)
            first = ", ".join(file for file, _ in corrupt[:5])
            more = ", ..." if len(corrupt) > 5 else ""
            warnings.warn(
                f"Skipped {len(corrupt)} of {len(errors)} image files in {self.root} that cannot "
                f"be decoded: {first}{more}",
                stacklevel=3,
            )

    def label_by_folder(self):
        # Relative paths have forward slashes: see _find_images.
        tops = [file.partition("/") for file in self.files]
        loose = [file for file, slash, _ in tops if not slash]
        if loose:
            raise ValueError(
                f"`labels='folders'` needs every image in a sub-folder, but {len(loose)} lie "
                f"directly in {self.root}, e.g. {loose[0]!r}. Move them into the folder of their "
                "class, or use `labels=None`."
            )
        names, ids = np.unique([top for top, _, _ in tops], return_inverse=True)
        self.class_names = names.tolist()
        self.labels = ids

    def _paths(self):
        return [os.path.join(self.root, file) for file in self.files]

    def _read(self, i):
        path = os.path.join(self.root, self.files[i])
        image = images.decode(path)
        height, width, channels = self.image_shape
        try:
            image = images.to_channels(image, channels, self.background)
            image = images.fit_size(
                image, (height, width), self.crop, self.resample, self.background
            )
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        return images.to_array(image)


def _find_images(root):
    if not os.path.exists(root):
        raise FileNotFoundError(f"There is no folder {root}.")
    if not os.path.isdir(root):
        raise NotADirectoryError(f"`path` must be a folder of images. Received a file: {root}")
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
            if name.lower().endswith(EXTENSIONS) and not name.startswith("."):
                file = os.path.normpath(os.path.join(relative, name))
                files.append(file.replace(os.sep, "/"))
    if not files:
        raise ValueError(
            f"There are no images in {root} or its sub-folders. Accepted: files that end in "
            f"{', '.join(EXTENSIONS)}."
        )
    return sorted(files)


def _decode_error(path):
    try:
        images.decode(path)
    except OSError as error:
        return error
    return None
