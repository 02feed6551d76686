"""What a projection compares images by: LPIPS, features of a network, or of any function."""

import keras
from keras import ops

# The shorter side at which a pyramid ends.
_TOP = 4


def pixel_pyramid(pixels):
    """Pixels, and their means over 2x2, over 4x4 and so on, to compare images by without a network.

    A shape in the wrong place is told from a missing one.

    Args:
        pixels: float tensor `(N, H, W, C)`, in [0, 255].

    Returns:
        A list of float tensors `(N, h, w, C)`. One has a quarter of the pixels of the one before,
        and twice their range, so that squared differences of all levels weigh alike.

    Example:
    ```python
    distance = keras_gan.latents.pixel_pyramid
    projection = keras_gan.latents.project(gan, "photo.png", distance=distance)
    ```
    """
    levels = [pixels / 127.5 - 1.0]
    while min(levels[-1].shape[1:3]) > _TOP:
        halved = ops.average_pool(levels[-1], 2, strides=2, data_format="channels_last")
        levels.append(2.0 * halved)
    return levels


def perceptual(distance):
    """An object by which images are compared, from what the user passes.

    Args:
        distance: see `keras_gan.latents.project`.

    Returns:
        Object with `features(pixels)`, a list of tensors; `compare(first, second)`, of such lists a
        float32 tensor `(N,)`; and `variables`, which these read.

    Raises:
        ValueError: if `distance` is nothing that compares.
    """
    # They import this package.
    from keras_gan.metrics import LPIPS, FeatureExtractor

    if distance is None:
        distance = LPIPS.from_preset()
    if isinstance(distance, LPIPS):
        return _Perceptual(distance)
    if isinstance(distance, FeatureExtractor):
        return _Extracted(distance)
    if callable(distance):
        return _Computed(distance)
    raise ValueError(
        "`distance` is a `keras_gan.metrics.LPIPS`, a `keras_gan.metrics.FeatureExtractor`, a "
        "Keras model, or a function from pixels to features. Received: "
        f"{distance!r}"
    )


class _Perceptual:
    """LPIPS, by the maps of its network, which the target goes through once."""

    def __init__(self, lpips):
        self._lpips = lpips
        self.variables = lpips.network.variables

    def features(self, pixels):
        self._lpips.check_size(pixels.shape)
        return self._lpips.network.maps(_with_channels(pixels, 3))

    def compare(self, first, second):
        return ops.sum(self._lpips.network.compare(first, second), axis=1)


class _Computed:
    """Squared differences of features, added up."""

    def __init__(self, function):
        self._function = function
        self.variables = getattr(function, "variables", ())

    def features(self, pixels):
        arguments = {"training": False} if isinstance(self._function, keras.Model) else {}
        found = keras.tree.flatten(self._call(pixels, arguments))
        count = pixels.shape[0]
        if not found or not all(_is_of_images(x, count) for x in found):
            received = [
                f"{keras.backend.standardize_dtype(x.dtype)} {tuple(x.shape)}"
                if ops.is_tensor(x)
                else repr(x)
                for x in found
            ]
            raise ValueError(
                "`distance` gives a float tensor, or a list of some, whose first axis has "
                f"length {count}, that of the images. Received: {received}"
            )
        return [ops.cast(x, "float32") for x in found]

    def _call(self, pixels, arguments):
        return self._function(pixels, **arguments)

    def compare(self, first, second):
        # One axis more: over none, PyTorch would sum over all.
        return sum(
            ops.sum(ops.square(a - b)[..., None], axis=tuple(range(1, len(a.shape) + 1)))
            for a, b in zip(first, second, strict=True)
        )


class _Extracted(_Computed):
    """The same of a feature extractor, whose rule brings images to its size."""

    def __init__(self, extractor):
        super().__init__(extractor.network)
        if extractor.resize == "clean":
            raise ValueError(
                "The rule resize='clean' works on the host, where nothing has a gradient. Use an "
                "extractor with resize='pytorch'."
            )
        self._extractor = extractor

    def _call(self, pixels, arguments):
        # They import this package.
        from keras_gan.metrics import resize

        *size, channels = self._extractor.image_shape
        pixels = resize(pixels, tuple(size), self._extractor.resize)
        return super()._call(_with_channels(pixels, channels), arguments)


def _is_of_images(x, count):
    """Whether `x` is a float tensor with a row for each image, as far as its shape is known."""
    is_float = ops.is_tensor(x) and keras.backend.is_float_dtype(x.dtype)
    return is_float and len(x.shape) > 0 and x.shape[0] in (count, None)


def _with_channels(pixels, channels):
    """Gray images as those of so many channels."""
    if pixels.shape[3] not in (1, channels):
        raise ValueError(
            f"The network that compares images takes {channels} channels. The model's have "
            f"{pixels.shape[3]}. Pass another `distance`, such as "
            "`keras_gan.latents.pixel_pyramid` (on the command line: --extractor pixels)."
        )
    return pixels if pixels.shape[3] == channels else ops.repeat(pixels, channels, axis=3)
