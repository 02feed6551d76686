"""Perceptual path length: how far images move when their latents move a little."""

from typing import NamedTuple

import keras
import numpy as np

from keras_gan import backend, latents
from keras_gan.checks import check_integer, check_positive

# Where two directions count as one, and the arc as a line.
_COLLINEAR = 1 - 1e-7
# What a generator with a space w has.
_NETWORKS = ("mapping", "synthesis")


class PathLength(NamedTuple):
    """A mean without outliers, what `keras_gan.metrics.PerceptualPathLength` returns.

    Attributes:
        mean: float.
        std: float, population standard deviation.
        low: float, the smallest value that counts.
        high: float, the largest.
        kept: int, how many count.

    Example:
    ```python
    length = keras_gan.metrics.PathLength(mean=2.0, std=1.0, low=0.5, high=4.0, kept=98)
    ```
    """

    mean: float
    std: float
    low: float
    high: float
    kept: int


@keras.saving.register_keras_serializable(package="keras_gan")
class PerceptualPathLength:
    """Perceptual path length (PPL): a smooth latent space has a small one.

    The LPIPS distance of images of two latents that lie `epsilon` of a path between random ends
    apart, divided by `epsilon**2`; the mean over samples without the lowest and the highest
    percent. Images are floats in which nothing is rounded: at this `epsilon`, rounding to 256
    levels gives a multiple of the length. Generators that add noise get other maps in each batch,
    the same ones at both ends.

    Args:
        lpips: `keras_gan.metrics.LPIPS`.
        space: `"z"`, of latents; or `"w"`, of mapped ones, for models whose averaged generator has
            the networks `mapping` and `synthesis`.
        sampling: `"full"`, anywhere on the paths, or `"end"`, at their beginning.
        interpolation: str, the paths: `"lerp"`, lines, the default in w; `"slerp_any"`, arcs that
            keep the length of latents, the default in z; `"slerp"`, arcs of length 1, which
            StyleGAN's papers have in z, for networks that normalise latents; `"slerp_unit"`, the
            directions of `"slerp_any"`.
        epsilon: float in (0, 1].
        crop: bool, look at the middle of the lower part only, which is the face in FFHQ.
        num_samples: int >= 2; papers use 50,000.
        batch_size: int >= 1.
        seed: int, of ends and positions.
        name: str, of the number among others.

    Attributes:
        protocol: dict of all that the number depends on but the model.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    lpips = keras_gan.metrics.LPIPS.from_preset("lpips_vgg16")
    path_length = keras_gan.metrics.PerceptualPathLength(lpips, num_samples=1000)
    path_length(gan).mean
    ```

    Reference: Karras, Laine, Aila (2018), A Style-Based Generator Architecture for Generative
    Adversarial Networks, arXiv:1812.04948.
    """

    def __init__(
        self,
        lpips,
        space="z",
        sampling="full",
        interpolation=None,
        epsilon=1e-4,
        crop=False,
        num_samples=50_000,
        batch_size=16,
        seed=0,
        name="ppl",
    ):
        if interpolation is None:
            interpolation = "slerp_any" if space == "z" else "lerp"
        for argument, value, accepted in (
            ("space", space, ("z", "w")),
            ("sampling", sampling, ("full", "end")),
            ("interpolation", interpolation, _INTERPOLATIONS),
        ):
            if value not in accepted:
                raise ValueError(f"`{argument}` is one of {list(accepted)}. Received: {value!r}")
        check_positive("epsilon", epsilon, maximum=1)
        check_integer("num_samples", num_samples, minimum=2)
        check_integer("batch_size", batch_size, minimum=1)
        (seed,) = latents.parse_seeds([seed])
        self.lpips = lpips
        self.space = space
        self.sampling = sampling
        self.interpolation = interpolation
        self.epsilon = float(epsilon)
        self.crop = crop
        self.num_samples = num_samples
        self.batch_size = batch_size
        self.seed = seed
        self.name = name
        self.protocol = {
            "metric": "perceptual path length",
            "lpips": lpips.protocol,
            "space": space,
            "sampling": sampling,
            "interpolation": interpolation,
            "epsilon": self.epsilon,
            "crop": crop,
            "percentiles": [1, 99],
            "num_samples": num_samples,
            "seed": seed,
        }

    def __call__(self, model):
        """The path length of a model.

        Args:
            model: `keras_gan.GAN`; its averaged generator is measured. Classes of conditional ones
                are drawn, the same at both ends.

        Returns:
            `keras_gan.metrics.PathLength`.

        Raises:
            ValueError: if `space` is `"w"` and the model has none.
        """
        generator = model.ema_generator
        has_w = all(isinstance(getattr(generator, n, None), keras.Model) for n in _NETWORKS)
        if self.space == "w" and not has_w:
            raise ValueError(
                f"The generator of {type(model).__name__} has no `mapping` and `synthesis` "
                "networks, so there is no space w. Measure in space='z'."
            )
        # In the middle of `fit` a backend may hold the weights elsewhere.
        backend.sync(model)
        seeds = latents.draw_seeds(2 * self.num_samples, self.seed)
        positions = np.random.RandomState([self.seed, 1]).uniform(size=(self.num_samples, 1))
        if self.sampling == "end":
            positions[:] = 0
        lengths = []
        for start in range(0, self.num_samples, self.batch_size):
            first = seeds[start : min(start + self.batch_size, self.num_samples)]
            second = seeds[self.num_samples + start :][: len(first)]
            t = positions[start : start + len(first)]
            pair = self._images(model, first, second, (t, t + self.epsilon), start)
            lengths.append(self.lpips.distances(*pair) / self.epsilon**2)
        return trimmed_mean(np.concatenate(lengths))

    def get_config(self):
        """The constructor's arguments."""
        return {
            "lpips": keras.saving.serialize_keras_object(self.lpips),
            "space": self.space,
            "sampling": self.sampling,
            "interpolation": self.interpolation,
            "epsilon": self.epsilon,
            "crop": self.crop,
            "num_samples": self.num_samples,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls(**{**config, "lpips": keras.saving.deserialize_keras_object(config["lpips"])})

    def _images(self, model, first, second, positions, number=0):
        """Pixels at two positions of the paths between the latents of seeds, in batch `number`."""
        generator, count = model.ema_generator, len(first)
        ends = [model.latents_from_seeds(seeds) for seeds in (first, second)]
        labels = None
        if model.num_classes is not None:
            labels = latents.labels_from_seeds(first, model.num_classes)
        noise = self._noise(generator, number)
        if self.space == "w":
            ends = [_predict(generator.mapping, end, labels) for end in ends]
        between = _INTERPOLATIONS[self.interpolation]
        points = [between(*ends, t).astype("float32") for t in positions]
        if self.space == "z" and noise:
            points = [_predict(generator.mapping, x, labels) for x in points]
        if self.space == "w" or noise:
            generator, labels = generator.synthesis, None
        images = model.from_network_range(
            np.concatenate([_predict(generator, x, labels, noise) for x in points])
        )
        if self.crop:
            images = crop_face(images)
        # By the size of the generator even after the crop, as NVIDIA's code has it.
        images = box_mean(images, max(model.image_shape[0] // 256, 1))
        pixels = (images + np.float32(1)) * np.float32(127.5)
        return pixels[:count], pixels[count:]

    def _noise(self, generator, number):
        """A map for each layer of a synthesis network that adds noise, for a batch."""
        layers = getattr(getattr(generator, "synthesis", None), "noise_layers", ())
        random = np.random.RandomState([self.seed, 2, number])
        return [random.standard_normal((1, *layer.noise_sides, 1)) for layer in layers]


def _predict(network, x, labels, noise=()):
    inputs = [x, *([] if labels is None else [labels]), *noise]
    made = backend.predict(network, inputs if len(inputs) > 1 else x, len(x))
    return np.asarray(made, "float32")


# Paths --------------------------------------------------------------------------------------------


def lerp(a, b, t):
    """The line from a to b.

    Args:
        a: array `(N, D)`.
        b: array `(N, D)`.
        t: array `(N, 1)` or number, 0 at a and 1 at b.

    Returns:
        Array `(N, D)`.

    Example:
    ```python
    keras_gan.metrics.lerp(z_a, z_b, 0.5)
    ```
    """
    return a + (b - a) * t


def slerp(a, b, t):
    """The arc from the direction of a to that of b, of length 1: StyleGAN's path in z.

    Args:
        a: array `(N, D)`.
        b: array `(N, D)`.
        t: array `(N, 1)` or number, 0 at a and 1 at b.

    Returns:
        Array `(N, D)` of unit vectors.

    Example:
    ```python
    keras_gan.metrics.slerp(z_a, z_b, 0.5)
    ```

    Reference: Karras, Laine, Aila (2018), arXiv:1812.04948.
    """
    a, b = _unit(a), _unit(b)
    cosine = np.sum(a * b, axis=-1, keepdims=True)
    angle = t * np.arccos(np.clip(cosine, -1, 1))
    return _unit(a * np.cos(angle) + _unit(b - cosine * a) * np.sin(angle))


def slerp_any(a, b, t):
    """The arc from a to b that also goes from the length of a to that of b.

    Of nearly collinear vectors, which have no arc, the line.

    Args:
        a: array `(N, D)`.
        b: array `(N, D)`.
        t: array `(N, 1)` or number, 0 at a and 1 at b.

    Returns:
        Array `(N, D)`.

    Example:
    ```python
    keras_gan.metrics.slerp_any(z_a, z_b, 0.5)
    ```

    Reference: Shoemake (1985), Animating Rotation with Quaternion Curves, SIGGRAPH.
    """
    cosine = np.sum(_unit(a) * _unit(b), axis=-1, keepdims=True)
    is_line = np.abs(cosine) > _COLLINEAR
    angle = np.arccos(np.where(is_line, 0, cosine))
    arc = (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
    return np.where(is_line, lerp(a, b, t), arc)


def slerp_unit(a, b, t):
    """The directions of `slerp_any`.

    Args:
        a: array `(N, D)`.
        b: array `(N, D)`.
        t: array `(N, 1)` or number, 0 at a and 1 at b.

    Returns:
        Array `(N, D)` of unit vectors.

    Example:
    ```python
    keras_gan.metrics.slerp_unit(z_a, z_b, 0.5)
    ```

    Reference: Shoemake (1985), Animating Rotation with Quaternion Curves, SIGGRAPH.
    """
    return _unit(slerp_any(a, b, t))


def _unit(x):
    # In float32, the cosine of equal directions may be less than `_COLLINEAR`.
    x = np.asarray(x, "float64")
    # A vector without a direction stays what it is.
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / np.where(length > 0, length, 1)


_INTERPOLATIONS = {
    "lerp": lerp,
    "slerp": slerp,
    "slerp_any": slerp_any,
    "slerp_unit": slerp_unit,
}


# Images and their distances -----------------------------------------------------------------------


def crop_face(images):
    """Rows 3/8 to 7/8 and columns 2/8 to 6/8: the face in the pictures of FFHQ.

    Args:
        images: array `(N, H, W, C)`.

    Returns:
        Array `(N, H / 2, H / 2, C)`.
    """
    unit = images.shape[1] // 8
    return images[:, 3 * unit : 7 * unit, 2 * unit : 6 * unit]


def box_mean(images, factor):
    """Means over squares of `factor` pixels on a side.

    Args:
        images: array `(N, H, W, C)`, H and W divisible by `factor`.
        factor: int >= 1.

    Returns:
        Array `(N, H / factor, W / factor, C)`.
    """
    count, height, width, channels = images.shape
    blocks = images.reshape(count, height // factor, factor, width // factor, factor, channels)
    return blocks.mean(axis=(2, 4))


def trimmed_mean(values, low=1, high=99):
    """The mean of what lies between two percentiles, bounds included.

    Args:
        values: array `(N,)`.
        low: float, percentile; that or the next lower value bounds.
        high: float, percentile; that or the next higher value bounds.

    Returns:
        `PathLength`.

    Raises:
        ValueError: if a value is not finite.
    """
    values = np.asarray(values, "float64")
    if not np.isfinite(values).all():
        raise ValueError("Some distances are NaN or infinite: the generator has diverged.")
    bottom = np.percentile(values, low, method="lower")
    top = np.percentile(values, high, method="higher")
    kept = values[(values >= bottom) & (values <= top)]
    return PathLength(float(kept.mean()), float(kept.std()), float(bottom), float(top), len(kept))
