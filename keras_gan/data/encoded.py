"""Encoded images (PNG, JPEG, ...) from any container as a dataset."""

import warnings
from concurrent.futures import ThreadPoolExecutor

from keras_gan.data import images
from keras_gan.data.dataset import ImageDataset


def encoded_dataset(
    container,
    image_shape,
    batch_size,
    *,
    labels,
    crop,
    resample,
    background,
    on_error,
    cache=False,
    workers=1,
    **options,
):
    """Makes a dataset of the images in a container.

    Args:
        container: Object with `names` (a sequence of keys, in order), `open(name)` (a path or
            binary stream of the encoded image; called from several threads), `where(name)` (what
            messages call it), `label(labels)` (a pair: class ids in the order of `names`, or None,
            and class names, or None), `place` (what messages call the whole) and `protocol`.
        image_shape: Tuple `(height, width, channels)`; None, or None for one of the three: that of
            the first image, which all must have.
        batch_size: Positive integer.
        labels: What `container.label` accepts.
        crop: See `keras_gan.data.image_folder`, as for the arguments that follow.
        resample: Name of a filter.
        background: Colour.
        on_error: "raise" or "skip".
        cache: Whether to keep decoded images.
        workers: Integer >= 0.
        **options: Of `keras_gan.data.ImageDataset`.

    Returns:
        `keras_gan.data.ImageDataset`.

    Raises:
        ValueError: If an argument is not as described.
    """
    images.check_choice("on_error", on_error, ("raise", "skip"))
    source = _EncodedImages(container, crop, resample, background, cache)
    source.labels, source.class_names = container.label(labels)
    # Now, not after decoding everything; the shape of the first sound image is not known yet.
    images.complete_shape(image_shape, own=(1, 1, 1))
    if on_error == "skip":
        source.skip_corrupt(workers)
    source.fit_into(image_shape)
    return ImageDataset(source, batch_size, workers=workers, **options)


class _EncodedImages:
    """The images of a container, decoded and fitted, as a source."""

    def __init__(self, container, crop, resample, background, cache):
        self.crop = "none" if crop is None else crop
        images.check_choice("crop", self.crop, images.CROPS)
        images.check_choice("resample", resample, images.FILTERS)
        self.resample = resample
        self.background = images.WHITE if background is None else images.rgb(background)
        self.container = container
        self.names = list(container.names)
        self.labels = self.class_names = None
        self.skipped = 0
        # Threads may decode an image twice, with the same result.
        self.cache = {} if cache else None

    def fit_into(self, image_shape):
        """Sets the shape of the images; what is None is the first one's, and all must have it."""
        own = image_shape = (None,) * 3 if image_shape is None else tuple(image_shape)
        if None in image_shape:
            own = images.shape(self._decode(self.names[0]))
        self.image_shape = images.complete_shape(image_shape, own)
        self.must_have = tuple(
            size if wanted is None else None for wanted, size in zip(image_shape, own, strict=True)
        )

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        if self.cache is None:
            return self._read(self.names[i])
        if i not in self.cache:
            self.cache[i] = self._read(self.names[i])
        return self.cache[i]

    @property
    def protocol(self):
        return {
            **self.container.protocol,
            "crop": self.crop,
            "resample": self.resample,
            "background": list(self.background),
            "skipped": self.skipped,
        }

    def skip_corrupt(self, workers):
        with ThreadPoolExecutor(max(workers, 1)) as executor:
            errors = list(executor.map(self._decode_error, self.names))
        corrupt = [i for i, error in enumerate(errors) if error]
        if not corrupt:
            return
        if len(corrupt) == len(self.names):
            raise ValueError(
                f"None of the {len(corrupt)} image files in {self.container.place} can be decoded. "
                f"First error: {errors[0]}"
            )
        first = ", ".join(str(self.names[i]) for i in corrupt[:5])
        more = ", ..." if len(corrupt) > 5 else ""
        warnings.warn(
            f"Skipped {len(corrupt)} of {len(errors)} image files in {self.container.place} that "
            f"cannot be decoded: {first}{more}",
            stacklevel=4,
        )
        self.skipped = len(corrupt)
        sound = [i for i, error in enumerate(errors) if not error]
        self.names = [self.names[i] for i in sound]
        if self.labels is not None:
            self.labels = [self.labels[i] for i in sound]

    def _read(self, name):
        image = self._decode(name)
        height, width, channels = self.image_shape
        try:
            self._check_shape(images.shape(image))
            image = images.to_channels(image, channels, self.background)
            image = images.fit_size(
                image, (height, width), self.crop, self.resample, self.background
            )
        except ValueError as error:
            raise ValueError(f"{self.container.where(name)}: {error}") from error
        return images.to_array(image)

    def _check_shape(self, shape):
        if all(must in (None, size) for must, size in zip(self.must_have, shape, strict=True)):
            return
        raise ValueError(
            f"The image is of shape {shape} (height, width, channels), but the first one, "
            f"{self.container.where(self.names[0])}, has {self.must_have} where the shape was left "
            "open. Choose one for all: `image_shape=(64, 64, 3)`, or `--resolution 64 --channels "
            "3` on the command line."
        )

    def _decode(self, name):
        try:
            return images.decode(self.container.open(name))
        except Exception as error:  # damaged files make Pillow raise nearly anything
            raise OSError(
                f"Cannot decode the image file {self.container.where(name)}: "
                f"{type(error).__name__}: {error}. Repair or remove it, or pass `on_error='skip'` "
                "(`--skip-corrupt` on the command line)."
            ) from error

    def _decode_error(self, name):
        try:
            self._decode(name)
        except OSError as error:
            return error
        return None
