"""LPIPS: how different two images look, by the maps of a network."""

import keras
import numpy as np
from keras import layers, ops

from keras_gan import backend
from keras_gan.checks import check_integer
from keras_gan.metrics import pretrained, vgg16
from keras_gan.metrics.pixels import to_pixels
from keras_gan.metrics.resize import resize
from keras_gan.presets.registry import register


@register
class LPIPSNetwork(keras.Model):
    """The network of LPIPS: distances of pairs of images, one for each slice of VGG16.

    The maps of VGG16 before each pool get length 1 at every pixel; squared differences are weighted
    by channel, added up, and averaged over the pixels.

    Args:
        size: int, both sides to which normalised images are brought first: by means over areas if
            both are longer, else bilinearly; `None` to leave them.
        name: str.
        **kwargs: of `keras.Model`.

    Call arguments:
        pair: two float32 tensors `(N, H, W, 3)` of RGB pixels in [0, 255], 16 or more on a side.

    Returns:
        float32 tensor `(N, 5)`: the contributions, whose sum is the distance.

    Example:
    ```python
    lpips = keras_gan.metrics.LPIPS.from_preset("lpips_vgg16")
    contributions = lpips.network([first, second])
    ```

    Reference: Zhang et al. (2018), The Unreasonable Effectiveness of Deep Features as a Perceptual
    Metric, arXiv:1801.03924.
    """

    def __init__(self, size=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        if size is not None:
            check_integer("size", size, minimum=16)
        self.size = size
        self.image_shape = (None, None, 3)
        inputs = keras.Input(self.image_shape)
        self.network = keras.Model(inputs, vgg16.convolutions(inputs))
        self.normalization = layers.Rescaling(*vgg16.normalization())
        self.channel_weights = [
            self.add_weight(shape=(1, 1, channels, 1), initializer="zeros", name=f"lin{index}")
            for index, (*_, channels) in enumerate(vgg16.SLICES)
        ]
        # All weights are there.
        self.built = True

    def call(self, pair, training=False):
        """Contributions of the slices."""
        first, second = pair
        count = ops.shape(first)[0]
        # One pass for both.
        maps = self.maps(ops.concatenate([first, second]))
        return self.compare([x[:count] for x in maps], [x[count:] for x in maps])

    def maps(self, images):
        """What images are compared by.

        Args:
            images: float32 tensor `(N, H, W, 3)`, as in a pair.

        Returns:
            List of float32 tensors, the maps of each slice, of length 1 at every pixel.
        """
        images = self.normalization(images)
        if self.size is not None:
            images = self._resized(images)
        normalized = []
        for maps in self.network(images):
            squares = ops.sum(ops.square(maps), axis=-1, keepdims=True)
            # The root has no derivative at 0, where all units of a pixel are dead.
            length = ops.sqrt(squares + 1e-20)
            normalized.append(maps / (length + 1e-10))
        return normalized

    def compare(self, first, second):
        """Contributions of the slices to the distances of images with these maps.

        Args:
            first: list of tensors that `maps` returned.
            second: the same, of as many images.

        Returns:
            float32 tensor `(N, 5)`.
        """
        contributions = []
        for a, b, weight in zip(first, second, self.channel_weights, strict=True):
            weighted = ops.matmul(ops.square(a - b), weight[0, 0])
            contributions.append(ops.mean(weighted, axis=(1, 2, 3)))
        return ops.stack(contributions, axis=1)

    def _resized(self, images):
        size = (self.size, self.size)
        if min(images.shape[1:3]) > self.size:
            return ops.adaptive_average_pool(images, size, data_format="channels_last")
        return resize(images, size, "pytorch")

    def get_config(self):
        """The constructor's arguments."""
        return {
            "size": self.size,
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
        }


@keras.saving.register_keras_serializable(package="keras_gan")
class LPIPS:
    """Perceptual distance of pairs of images, 0 for equal ones.

    Args:
        network: `keras_gan.metrics.LPIPSNetwork` with its weights. `LPIPS.from_preset` makes one.
        batch_size: int, pairs that go through the network at once.

    Attributes:
        network: see above.
        protocol: dict of what a distance depends on: network, SHA-256 of its weights, size.

    Example:
    ```python
    lpips = keras_gan.metrics.LPIPS.from_preset("lpips_vgg16")
    distances = lpips(first, second)
    ```

    Reference: Zhang et al. (2018), The Unreasonable Effectiveness of Deep Features as a Perceptual
    Metric, arXiv:1801.03924.
    """

    def __init__(self, network, batch_size=16):
        check_integer("batch_size", batch_size, minimum=1)
        self.network = network
        self.batch_size = batch_size
        self.protocol = {
            "network": "lpips-v0.1-vgg16",
            "weights": pretrained.fingerprint(network),
            "size": network.size,
        }
        self._config = None

    @classmethod
    def from_preset(
        cls, preset="lpips_vgg16", weights=None, size=None, batch_size=16, cache_dir=None
    ):
        """LPIPS with its published weights, converted once on this machine.

        Args:
            preset: str, `"lpips_vgg16"` or a preset folder.
            weights: path of a file with the tensors of VGG16 and of LPIPS, or dict of the paths of
                several; by default they are downloaded.
            size: int, see `keras_gan.metrics.LPIPSNetwork`.
            batch_size: int, pairs that go through the network at once.
            cache_dir: str or path of another cache.

        Returns:
            `LPIPS`.

        Raises:
            ValueError: if the weights do not fit.
            OSError: if they cannot be downloaded; it says what to get and where to put it.
        """
        network = pretrained.load(preset, LPIPSNetwork, weights, cache_dir, size=size)
        lpips = cls(network, batch_size)
        lpips._config = {
            "preset": str(preset),
            "weights": weights,
            "size": size,
            "batch_size": batch_size,
        }
        return lpips

    def __call__(self, first, second, value_range=None):
        """Distances of pairs.

        Args:
            first: images as `keras_gan.metrics.to_pixels` takes them; floats are not rounded.
            second: the same number of images of the same size.
            value_range: pair of float, of floats.

        Returns:
            float32 array `(N,)`.

        Raises:
            ValueError: if the images are not acceptable or do not make pairs.
        """
        pair = [to_pixels(images, value_range, quantization=None) for images in (first, second)]
        return self.distances(*map(np.asarray, pair))

    def distances(self, first, second):
        """Distances of pairs of pixels, which may leave [0, 255] a little, as generators do.

        Args:
            first: array `(N, H, W, C)` of pixels, 1 or 3 channels.
            second: the same.

        Returns:
            float32 array `(N,)`.

        Raises:
            ValueError: if the shapes differ, or the images are too small for the network.
        """
        if first.shape != second.shape:
            raise ValueError(
                "Pairs are of images of one size. Received: shapes "
                f"{first.shape} and {second.shape}"
            )
        self.check_size(first.shape)
        pair = [np.broadcast_to(x, (*x.shape[:3], 3)).astype("float32") for x in (first, second)]
        return backend.predict(self.network, pair, self.batch_size).sum(axis=1)

    def check_size(self, shape):
        """Raises a ValueError if images of the shape `(N, H, W, C)` are too small to compare."""
        if self.network.size is None and min(shape[1:3]) < 16:
            raise ValueError(
                f"The network halves images four times; {shape[1]}x{shape[2]} is too small. Make "
                "LPIPS with `size=64`."
            )

    def get_config(self):
        """The arguments of `from_preset`."""
        if self._config is None:
            raise ValueError("Only what `LPIPS.from_preset` made can be saved. Use that.")
        return dict(self._config)

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls.from_preset(**config)
