"""prepare: images of any source as a zip, fitted once, with a record of how."""

import io
import json
import pathlib
import zipfile

import keras
from PIL import Image

import keras_gan
from keras_gan.checks import check_path
from keras_gan.data.handles import open_images
from keras_gan.data.named_files import LABELS, RECORD
from keras_gan.files import atomic_file

# Images that a thread prepares at once: large ones should not fill the memory.
_BATCH = 8
# Zips know no earlier time. Each has the same, so that the same images give the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)


def prepare(
    source,
    out,
    image_shape=None,
    *,
    labels="auto",
    crop="center",
    resample="lanczos",
    background=None,
    on_error="raise",
    overwrite=False,
    workers=4,
    verbose=1,
):
    """Writes images of one shape, and how they were made, into a zip.

    The zip has the layout of NVIDIA's dataset_tool, whose training code reads it as well: stored
    entries 00000/img00000000.png and so on, uncompressed PNGs in the order of the source, and
    dataset.json with `{"labels": [["00000/img00000000.png", 6], ...]}`, or null without labels.
    One more entry, keras_gan.json, records source, crop, size, filter, counts, classes.
    The same images and arguments give the same bytes. The file is either complete or not there.

    Args:
        source: Folder, zip file, IDX file (strings or paths), or "tfds:NAME[:SPLIT]".
        out: Path of the zip to write; its folder is made if need be.
        image_shape: Tuple `(height, width, channels)` of the images wanted, with 1 (gray),
            3 (RGB) or 4 (RGBA) channels. None, or None for one of the three: that of the images,
            which must then be the same for all.
        labels: "auto": those that come with the images (dataset.json of a folder or zip; the IDX
            file beside one of images, "labels-idx1" for "images-idx3"; the TFDS feature "label"),
            or None: no labels, or "folders" or "dataset.json" of a folder or zip, the path of an
            IDX file, the name of a TFDS feature.
        crop: How an image of another aspect ratio is fitted: "center" (largest centred crop, then
            resize), "pad" (letterbox with bars of `background`, transparent in RGBA), "stretch"
            (resize, ignoring the aspect ratio), or "none" or None (a ValueError names the file).
        resample: Pillow's filter for resizing: "nearest", "box", "bilinear", "hamming", "bicubic"
            or "lanczos". All but "nearest" are antialiased.
        background: Colour name, gray value or `(r, g, b)` tuple in [0, 255]; None is white, and
            black for IDX files.
        on_error: "raise": a corrupt image raises an OSError that names it. "skip": it is left out,
            with one warning, and counted in the record.
        overwrite: Whether to replace the file `out`.
        workers: Integer >= 0, threads that decode and resize.
        verbose: 1 shows a progress bar, 0 nothing.

    Returns:
        Dict that keras_gan.json holds: "keras_gan" (version), "protocol" and "class_names".

    Raises:
        FileExistsError: If `out` exists and is not to be overwritten.
        OSError: If the source is missing or damaged, or `out` cannot be written.
        ValueError: If `out` does not end in .zip, images differ where `image_shape` is None,
            labels are not integers or not those of the images, or an argument is not as described.

    Example:
    ```python
    from PIL import Image
    import keras_gan

    Image.new("RGB", (48, 64)).save("black.png")
    keras_gan.data.prepare(".", "black.zip", image_shape=(32, 32, 3))
    dataset = keras_gan.data.image_zip("black.zip")
    ```
    """
    check_path("out", out)
    out = pathlib.Path(out)
    if out.suffix.lower() != ".zip":
        raise ValueError(
            f"`out` must be the path of a zip file, such as photos.zip. Received: {out}"
        )
    if out.is_dir():
        raise IsADirectoryError(f"{out} is a folder. Choose another path for the zip.")
    if out.exists() and not overwrite:
        raise FileExistsError(
            f"{out} exists. Choose another path, or replace it with `overwrite=True` (`--force` on "
            "the command line)."
        )
    dataset = open_images(
        source,
        image_shape,
        _BATCH,
        labels=labels,
        crop=crop,
        resample=resample,
        background=background,
        on_error=on_error,
        shuffle=False,
        workers=workers,
    )
    record = _record(dataset)
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        names = _write_images(archive, dataset, verbose)
        labels = None
        if dataset.labels is not None:
            labels = list(zip(names, dataset.labels.tolist(), strict=True))
        _write(archive, LABELS, json.dumps({"labels": labels}))
        _write(archive, RECORD, json.dumps(record, indent=2))
    return record


def _record(dataset):
    protocol = {
        **dataset.source.protocol,
        "image_shape": list(dataset.image_shape),
        "count": dataset.num_images,
        "num_classes": dataset.num_classes,
    }
    return {
        "keras_gan": keras_gan.__version__,
        "protocol": protocol,
        "class_names": dataset.class_names,
    }


def _write_images(archive, dataset, verbose):
    names = []
    progress = keras.utils.Progbar(dataset.num_images, verbose=verbose, unit_name="image")
    for i in range(len(dataset)):
        images = dataset[i][0]
        for image in images:
            names.append(f"{len(names) // 1000:05d}/img{len(names):08d}.png")
            content = io.BytesIO()
            pixels = image[..., 0] if image.shape[2] == 1 else image
            Image.fromarray(pixels).save(content, "PNG", compress_level=0)
            _write(archive, names[-1], content.getvalue())
        progress.add(len(images))
    return names


def _write(archive, name, content):
    entry = zipfile.ZipInfo(name, _TIME)
    entry.create_system = 3  # Unix, wherever this runs
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
