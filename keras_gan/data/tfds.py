"""tfds: a data set of TensorFlow Datasets by name, read without TensorFlow."""

import io

import numpy as np

from keras_gan.checks import suggestion
from keras_gan.data.encoded import encoded_dataset


def tfds(
    name,
    split="train",
    image_shape=None,
    batch_size=64,
    *,
    data_dir=None,
    image_key="image",
    label_key="label",
    download=True,
    crop="center",
    resample="lanczos",
    background=None,
    flip=False,
    shuffle=True,
    seed=0,
    drop_remainder=False,
    on_error="raise",
    cache=False,
    workers=1,
    max_queue_size=4,
):
    """Reads a data set of TensorFlow Datasets, by its name, as a dataset of images.

    It is read through TFDS' random access, which needs the packages of `keras-gan[tfds]`, files in
    the format array_record, and no TensorFlow. Preparing a data set, once, does need TensorFlow
    for most. Images are decoded and fitted as by `keras_gan.data.image_folder`.

    Args:
        name: Name as TFDS has it, with configuration and version if wanted: "cifar10",
            "mnist:3.0.1".
        split: Split as TFDS has it: "train", "test[:10%]", "train+test".
        image_shape: Tuple `(height, width, channels)` of the images wanted, with 1 (gray),
            3 (RGB) or 4 (RGBA) channels. None, or None for one of the three: that of the first
            image; reading an image of another then raises a ValueError.
        batch_size: Positive integer, images per batch.
        data_dir: Folder that holds prepared data sets; None is TFDS' own (`TFDS_DATA_DIR`, or
            ~/tensorflow_datasets).
        image_key: Name of the feature with the images.
        label_key: Name of the feature with the class ids, None for no labels, or "auto": "label"
            if there is such a feature. Labels are all read now, once through the data set.
        download: Whether TFDS may download and prepare the data set if it is not in `data_dir`.
        crop: How an image of another aspect ratio is fitted: "center", "pad", "stretch", or
            "none" or None, as in `keras_gan.data.image_folder`.
        resample: Pillow's filter for resizing: "nearest", "box", "bilinear", "hamming", "bicubic"
            or "lanczos". All but "nearest" are antialiased.
        background: Colour name, gray value or `(r, g, b)` tuple in [0, 255]; None is white.
        flip: Whether to mirror images left-right with probability 1/2.
        shuffle: Whether each epoch has its own order, drawn from the seed.
        seed: Integer >= 0.
        drop_remainder: Whether to leave out a last batch of fewer than `batch_size` images.
        on_error: "raise": reading a corrupt image raises an OSError. "skip": decodes every image
            now, leaves out the corrupt ones and warns once.
        cache: Whether to keep every image, once decoded, in memory.
        workers: Integer >= 0, threads that prepare batches ahead of time.
        max_queue_size: Positive integer, the most batches that are kept ready.

    Returns:
        `keras_gan.data.ImageDataset` of `uint8` images in [0, 255]; its `class_names` are those of
        the label feature.

    Raises:
        ImportError: If tensorflow_datasets or array_record is not installed.
        OSError: If the data set is not there and cannot or may not be downloaded.
        ValueError: If there is no such data set, split or feature, the data set is prepared in a
            format without random access, or an argument is not as described.

    Example:
    ```python
    import keras_gan

    dataset = keras_gan.data.tfds("cifar10", split="train", flip=True)
    images, labels = dataset[0]  # uint8 (64, 32, 32, 3), int32 (64,)
    ```
    """
    return encoded_dataset(
        Tfds(name, split, data_dir, image_key, download),
        image_shape,
        batch_size,
        crop=crop,
        resample=resample,
        background=background,
        flip=flip,
        labels=label_key,
        shuffle=shuffle,
        seed=seed,
        drop_remainder=drop_remainder,
        on_error=on_error,
        cache=cache,
        workers=workers,
        max_queue_size=max_queue_size,
    )


class Tfds:
    """The images of a TFDS data set as a container for `encoded_dataset`."""

    def __init__(self, name, split="train", data_dir=None, image_key="image", download=True):
        library = _library()
        for argument, value in (("name", name), ("split", split)):
            if not isinstance(value, str):
                raise ValueError(f"`{argument}` must be a string. Received: {value!r}")
        builder = _prepared_builder(library, name, data_dir, download)
        self.place = f"TFDS' {builder.info.full_name}"
        self.image_key = image_key
        self._features = dict(builder.info.features)
        self._check_image_feature(library)
        # Records stay encoded: only the feature that is asked for is parsed, and Pillow decodes
        # the image.
        self._records = _random_access(library, builder, split)
        self._parser = library.features.FeaturesDict
        self._image = self._parser({image_key: self._features[image_key]})
        self._undecoded = {image_key: library.decode.SkipDecoding()}
        self.names = range(len(self._records))
        self.protocol = {
            "source": "tfds",
            "name": builder.info.full_name,
            "split": split,
            "image_key": image_key,
        }

    def where(self, name):
        return f"record {name} of {self.place}, split {self.protocol['split']!r}"

    def open(self, name):
        record = self._image.deserialize_example_np(self._records[name], decoders=self._undecoded)
        return io.BytesIO(record[self.image_key])

    def label(self, labels):
        """Returns the class ids of all records, and the names of the classes, or None."""
        if labels == "auto":
            labels = "label" if "label" in self._features else None
        if labels is None:
            return None, None
        feature = self._features.get(labels)
        if (
            feature is None
            or feature.shape != ()
            or not np.issubdtype(feature.np_dtype, np.integer)
        ):
            raise ValueError(
                f"`label_key` must name a feature of {self.place} that is an integer. Received: "
                f"{labels!r}. There are: {self._listed()}. Use `label_key=None` for no labels."
            )
        parser = self._parser({labels: feature})
        records = (self._records[i] for i in self.names)
        ids = [int(parser.deserialize_example_np(record)[labels]) for record in records]
        if min(ids) < 0:
            raise ValueError(
                f"{self.place}, split {self.protocol['split']!r}, has the class id {min(ids)}, "
                "which stands for images without a class. Use `label_key=None`."
            )
        return ids, getattr(feature, "names", None)

    def _check_image_feature(self, library):
        feature = self._features.get(self.image_key)
        if not isinstance(feature, library.features.Image):
            raise ValueError(
                f"`image_key` must name an image feature of {self.place}. Received: "
                f"{self.image_key!r}. There are: {self._listed()}."
            )
        if feature.np_dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f"The images of {self.place} are of dtype {np.dtype(feature.np_dtype)}; uint8 and "
                "uint16 can be read. Use another data set, or `keras_gan.data.arrays`."
            )

    def _listed(self):
        return ", ".join(f"{key} ({type(f).__name__})" for key, f in self._features.items())


def _library():
    try:
        # TFDS imports it late, and then names another remedy.
        import array_record  # noqa: F401
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            "`keras_gan.data.tfds` needs the packages tensorflow_datasets and array_record: "
            f"pip install keras-gan[tfds] ({error})"
        ) from error
    return tensorflow_datasets


def _prepared_builder(library, name, data_dir, download):
    try:
        builder = library.builder(name, data_dir=data_dir)
    except library.core.DatasetNotFoundError as error:
        # Its message lists all that there are.
        raise ValueError(
            f"There is no TFDS data set {name!r}"
            + (f" in {data_dir} or by that name" if data_dir else "")
            + f".{suggestion(name, str(error).split())} Names are listed at "
            "https://www.tensorflow.org/datasets/catalog; a version or configuration after the "
            "name must exist as well."
        ) from error
    if builder.is_prepared():
        return builder
    prepare = (
        f"tensorflow_datasets.builder({name!r}, data_dir=...)"
        ".download_and_prepare(file_format='array_record')"
    )
    if not download:
        raise FileNotFoundError(
            f"The TFDS data set {name!r} is not prepared in {builder.data_dir}. Use "
            f"`download=True`, or prepare it with {prepare}."
        )
    try:
        builder.download_and_prepare(file_format="array_record")
    except Exception as error:  # of the network, the disk, or any data set's own code
        raise OSError(
            f"TFDS could not download and prepare {name!r} in {builder.data_dir}: "
            f"{type(error).__name__}: {error}. Prepare it where that works, with {prepare}, and "
            "copy the folder."
        ) from error
    return builder


def _random_access(library, builder, split):
    formats = sorted(found.value for found in builder.info.available_file_formats())
    if "array_record" not in formats:
        raise ValueError(
            f"{builder.info.full_name} is prepared as {', '.join(formats)} in {builder.data_dir}, "
            "and random access needs array_record. Prepare it in another folder with "
            f"tensorflow_datasets.builder({builder.info.full_name!r}, data_dir=...)"
            ".download_and_prepare(file_format='array_record') and pass that `data_dir`."
        )
    try:
        return builder.as_data_source(
            split,
            file_format="array_record",
            deserialize_method=library.decode.DeserializeMethod.RAW_BYTES,
        )
    except ValueError as error:
        raise ValueError(
            f"`split` must be one of {builder.info.full_name}, {sorted(builder.info.splits)}, or a "
            f"part that holds images, such as 'train[:10%]'. Received: {split!r} ({error})"
        ) from error
