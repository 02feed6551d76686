"""arrays: images in memory as a dataset."""

import numpy as np

from keras_gan.data.dataset import ImageDataset

_CHANNELS = (1, 3, 4)


def arrays(
    images,
    labels=None,
    batch_size=64,
    *,
    flip=False,
    shuffle=True,
    seed=0,
    drop_remainder=False,
    workers=1,
    max_queue_size=4,
):
    """Makes a dataset from a NumPy array of images.

    Args:
        images: Array `(num_images, height, width, channels)` with 1, 3 or 4 channels, or
            `(num_images, height, width)` for gray: `uint8` in [0, 255], or floats in [-1, 1],
            which become `float32`. Every value is checked; float images without a negative value
            are refused, since they cannot be told from images in [0, 1]. It is not copied if it
            is `uint8` or `float32`: do not change it afterwards.
        labels: Integer class ids >= 0, shape `(num_images,)`, or None.
        batch_size: Positive integer, images per batch.
        flip: Whether to mirror images left-right with probability 1/2.
        shuffle: Whether each epoch has its own order, drawn from the seed.
        seed: Integer >= 0.
        drop_remainder: Whether to leave out a last batch of fewer than `batch_size` images.
        workers: Integer >= 0, threads that prepare batches ahead of time.
        max_queue_size: Positive integer, the most batches that are kept ready.

    Returns:
        `keras_gan.data.ImageDataset` of `uint8` images in [0, 255] or `float32` in [-1, 1].

    Raises:
        ValueError: If shape, dtype or values are not as described.

    Example:
    ```python
    import numpy as np
    import keras_gan

    images = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3), "uint8")
    dataset = keras_gan.data.arrays(images, labels=np.arange(100) % 10, batch_size=20)
    images, labels = dataset[0]  # uint8 (20, 32, 32, 3), int32 (20,)
    ```
    """
    return ImageDataset(
        _Arrays(images),
        batch_size,
        shuffle=shuffle,
        seed=seed,
        flip=flip,
        drop_remainder=drop_remainder,
        labels=labels,
        workers=workers,
        max_queue_size=max_queue_size,
    )


class _Arrays:
    """An array of images as a source."""

    def __init__(self, images):
        if not isinstance(images, np.ndarray):
            raise ValueError(
                "`images` must be a NumPy array. Received: "
                f"{type(images).__name__}. Tensors become one with "
                "`keras.ops.convert_to_numpy(images)`."
            )
        self.protocol = {"source": "arrays", "dtype": str(images.dtype)}
        images = images[..., None] if images.ndim == 3 else images
        _check_shape(images.shape)
        if images.dtype != "uint8":
            _check_floats(images)
            images = images.astype("float32", copy=False)
        self.images = images
        self.image_shape = images.shape[1:]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i]


def _check_shape(shape):
    if len(shape) == 4 and 0 not in shape and shape[3] in _CHANNELS:
        return
    remedy = ""
    if len(shape) == 4 and shape[1] in _CHANNELS:
        remedy = " They look channels-first: use `np.transpose(images, (0, 2, 3, 1))`."
    raise ValueError(
        "`images` must have shape (num_images, height, width, channels) with 1, 3 or 4 channels, "
        f"or (num_images, height, width), and not be empty. Received: {tuple(shape)}.{remedy}"
    )


def _check_floats(images):
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(
            f"`images` must be uint8 in [0, 255] or floats in [-1, 1]. Received: {images.dtype}. "
            "Use `images.astype('uint8')` if the values lie in [0, 255]."
        )
    low, high = images.min(), images.max()  # NaN if there is one
    if -1 <= low < 0 and high <= 1:
        return
    if np.isnan(low):
        remedy = "Remove the images that contain NaN"
    elif low >= 0 and high <= 1:
        remedy = "Use `images * 2 - 1` if they lie in [0, 1]"
    elif low >= 0 and high <= 255:
        remedy = "Use `images / 127.5 - 1` if they lie in [0, 255]"
    else:
        remedy = "Scale them to [-1, 1]"
    raise ValueError(
        "Float `images` must lie in [-1, 1], with negative values among them. Received: values "
        f"from {low} to {high}. {remedy}."
    )
