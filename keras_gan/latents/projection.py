"""Projection: the styles whose image looks like a given one."""

import math
import os
from typing import NamedTuple

import keras
import numpy as np
from keras import ops
from PIL import Image

from keras_gan import backend, images
from keras_gan.checks import check_integer, check_number
from keras_gan.data import images as decoding
from keras_gan.latents.perceptual import perceptual
from keras_gan.latents.seeds import parse_seeds
from keras_gan.latents.styles import check_has_styles, images_in_batches, sampled_styles

# Shares of the steps in which the learning rate rises and falls, and w loses its noise.
_RAMP_UP, _RAMP_DOWN, _NOISE_RAMP = 0.05, 0.25, 0.75
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
# Longer sides are shortened before images are compared: networks have been trained at such sizes.
_LARGEST_SIDE = 256
# Noise maps are no longer halved at it.
_SMALLEST_MAP = 8
_STATISTICS_SEED = 123


class Projection(NamedTuple):
    """What `keras_gan.latents.project` returns.

    Attributes:
        ws: float32 array `(1, num_styles, style_dim)`.
        noise: list of float32 arrays `(1, h, w, 1)`, a map for each layer that adds noise.
        image: uint8 array `(H, W, C)`, made of both.
        target: uint8 array `(H, W, C)`, the image that was projected, as it was cropped and
            resized.
        distances: float32 array `(steps,)`, from the target at each step, before its update.
        path: float32 array `(steps, 1 or num_styles, style_dim)`, w after each step.

    Example:
    ```python
    projection = keras_gan.latents.project(gan, "photo.png")
    gan.generate_from_styles(projection.ws, noise=projection.noise)
    ```
    """

    ws: np.ndarray
    noise: list
    image: np.ndarray
    target: np.ndarray
    distances: np.ndarray
    path: np.ndarray


def project(
    gan,
    image,
    space="w",
    steps=1000,
    *,
    distance=None,
    seed=0,
    label=None,
    learning_rate=0.1,
    style_noise=0.05,
    noise_weight=1e5,
    samples=10_000,
    verbose=0,
):
    """The styles, and the noise, whose image looks like a given one.

    From the mean of w, Adam decreases the perceptual distance. A regularisation keeps noise maps
    free of structure at every scale, or they would hold the picture. The learning rate rises in the
    first twentieth of the steps and falls in the last quarter; noise added to w, which falls to
    zero in the first three quarters, has it look around.

    Args:
        gan: `keras_gan.StyleGAN2`, or another model with styles; its averaged generator is used.
        image: path of an image file, PIL image, or uint8 array `(H, W, 1, 3 or 4)`. The largest
            centred crop of the model's aspect ratio is resized by a Lanczos filter.
        space: `"w"`, one vector for all layers, which keeps to what the model can draw; or `"w+"`,
            one for each layer, which comes closer and leaves it.
        steps: int >= 1.
        distance: what images are compared by, a `keras_gan.metrics.LPIPS`; by default that of the
            preset `"lpips_vgg16"`. Or features, whose squared differences are added up: a
            `keras_gan.metrics.FeatureExtractor`, a Keras model, or a function in `keras.ops`, such
            as `keras_gan.latents.pixel_pyramid`, from float32 pixels in [0, 255] `(N, H, W, C)` to
            float tensors `(N, ...)`.
        seed: int in [0, 2**32 - 1], of the noise.
        label: int, the class of a conditional model.
        learning_rate: float >= 0.
        style_noise: float >= 0, of the noise added to w at the beginning, as a share of the
            standard deviation of w.
        noise_weight: float >= 0, of the regularisation of the noise maps.
        samples: int >= 2, latents that mean and standard deviation of w are taken from.
        verbose: 0 or 1, whether to show the progress.

    Returns:
        `keras_gan.latents.Projection`.

    Raises:
        ValueError: if the model has no styles, an argument is out of range, or the distance does
            not fit the images.
        OSError: if the file cannot be read.

    Example:
    ```python
    projection = keras_gan.latents.project(gan, "photo.png", steps=1000, verbose=1)
    keras_gan.images.save_png("proj.png", projection.image)
    ```

    References: Karras et al. (2020), Analyzing and Improving the Image Quality of StyleGAN,
    arXiv:1912.04958; Abdal, Qin, Wonka (2019), Image2StyleGAN, arXiv:1904.03189 (w+).
    """
    projector = Projector(
        gan,
        image,
        space,
        steps,
        distance=distance,
        label=label,
        learning_rate=learning_rate,
        style_noise=style_noise,
        noise_weight=noise_weight,
        samples=samples,
    )
    (seed,) = parse_seeds([seed])
    return projector.run(np.random.RandomState(seed), verbose)


def progress(gan, projection, batch_size=16):
    """The target and, beside it, the image after each step of a projection.

    Args:
        gan: the model that it was made with.
        projection: `keras_gan.latents.Projection`.
        batch_size: int, images computed at once.

    Returns:
        Generator of uint8 arrays `(H, 2 * W, C)`.

    Raises:
        ValueError: if `projection` is none, or `batch_size` is out of range.

    Example:
    ```python
    frames = keras_gan.latents.progress(gan, projection)
    keras_gan.videos.save_video("proj.mp4", frames, fps=30)
    ```
    """
    check_has_styles(gan)
    check_integer("batch_size", batch_size, minimum=1)
    if not isinstance(projection, Projection):
        raise ValueError(
            "`projection` is what `keras_gan.latents.project` returns. Received: "
            f"{type(projection).__name__}"
        )
    ws = np.broadcast_to(projection.path, (len(projection.path), *projection.ws.shape[1:]))
    batches = images_in_batches(gan, ws, batch_size, noise=projection.noise)
    return (
        np.concatenate([projection.target, image], axis=1) for batch in batches for image in batch
    )


class Projector:
    """The optimisation of `project`, whose arguments it has, on draws that it is given."""

    def __init__(
        self,
        gan,
        image,
        space,
        steps,
        *,
        distance,
        label,
        learning_rate,
        style_noise,
        noise_weight,
        samples,
    ):
        check_has_styles(gan)
        if space not in ("w", "w+"):
            raise ValueError(f"`space` is 'w' or 'w+'. Received: {space!r}")
        check_integer("steps", steps, minimum=1)
        check_integer("samples", samples, minimum=2)
        for name, value in (
            ("learning_rate", learning_rate),
            ("style_noise", style_noise),
            ("noise_weight", noise_weight),
        ):
            check_number(name, value)
        self.gan = gan
        self.steps = steps
        self.learning_rate = learning_rate
        self.style_noise = style_noise
        self.noise_weight = noise_weight
        self.target = read_target(image, gan.image_shape)
        self.distance = perceptual(distance)
        self._synthesis = gan.ema_generator.synthesis
        self._mean, self._deviation = _statistics(gan, samples, label)
        self._rows = gan.num_styles if space == "w+" else 1
        # Compiled once.
        variables = [*self._synthesis.variables, *self.distance.variables]
        self._features = backend.observer(
            lambda pixels: self.distance.features(_shortened(pixels)), variables
        )
        self._update = backend.observer(self._updated, variables)

    def run(self, random, verbose=0):
        """All steps.

        Args:
            random: draws `standard_normal(shape)`: the first noise maps, in order, then the noise
                of w in each step.
            verbose: 0 or 1.

        Returns:
            `Projection`.
        """
        target = self._features(ops.convert_to_tensor(self.target[None].astype("float32")))
        w = np.repeat(self._mean[None, None], self._rows, axis=1)
        maps = [
            random.standard_normal((1, *layer.noise_sides, 1)).astype("float32")
            for layer in self._synthesis.noise_layers
        ]
        values = [ops.convert_to_tensor(x) for x in (w, *maps)]
        state = [values, *([ops.zeros_like(x) for x in values] for _ in range(2))]
        distances, path = [], []
        bar = keras.utils.Progbar(
            self.steps, verbose=verbose, stateful_metrics=["distance"], unit_name="step"
        )
        for step in range(self.steps):
            rate, scale = self._schedule(step)
            draw = (random.standard_normal(w.shape) * scale).astype("float32")
            numbers = np.array(
                [rate / (1 - _BETA_1 ** (step + 1)), math.sqrt(1 - _BETA_2 ** (step + 1))],
                "float32",
            )
            arguments = [ops.convert_to_tensor(x) for x in (draw, numbers)]
            state, distance = self._update(state, target, *arguments)
            distances.append(float(ops.convert_to_numpy(distance)))
            path.append(ops.convert_to_numpy(state[0][0])[0])
            bar.update(step + 1, [("distance", distances[-1])], finalize=step + 1 == self.steps)
            if not math.isfinite(distances[-1]):
                raise ValueError(
                    f"The distance from the target is no finite number at step {step}. Use a "
                    "smaller `learning_rate`, and look at the weights of the networks."
                )
        ws = np.array(np.broadcast_to(path[-1][None], (1, self.gan.num_styles, w.shape[2])))
        noise = [np.array(ops.convert_to_numpy(x)) for x in state[0][1:]]
        (image,) = self.gan.generate_from_styles(ws, noise=noise)
        return Projection(
            ws, noise, image, self.target, np.array(distances, "float32"), np.stack(path)
        )

    def _schedule(self, step):
        """The learning rate, and the scale of the noise of w."""
        t = step / self.steps
        ramp = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1.0 - t) / _RAMP_DOWN))
        rate = self.learning_rate * ramp * min(1.0, t / _RAMP_UP)
        return rate, self._deviation * self.style_noise * max(0.0, 1.0 - t / _NOISE_RAMP) ** 2

    def _updated(self, state, target, draw, numbers):
        """The state after a step of Adam, and the distance before it."""
        values, firsts, seconds = state

        def losses(w, *maps):
            w = ops.broadcast_to(w + draw, (1, self.gan.num_styles, w.shape[2]))
            image = self._synthesis([w, *maps], training=False)
            pixels = (ops.cast(image, "float32") + 1.0) * 127.5
            found = self.distance.features(_shortened(pixels))
            structure = sum((_structure(x) for x in maps), 0.0)
            distance = self.distance.compare(found, target)[0]
            return ops.stack([distance, distance * 0.0 + self.noise_weight * structure])

        found, gradients = backend.grads(losses, values)
        rate, root = numbers[0], numbers[1]
        firsts = [m + (1 - _BETA_1) * (g - m) for m, g in zip(firsts, gradients, strict=True)]
        seconds = [
            v + (1 - _BETA_2) * (ops.square(g) - v) for v, g in zip(seconds, gradients, strict=True)
        ]
        w, *maps = (
            x - rate * m / (ops.sqrt(v) / root + _EPSILON)
            for x, m, v in zip(values, firsts, seconds, strict=True)
        )
        return [[w, *map(_normalized, maps)], firsts, seconds], found[0]


def read_target(image, image_shape):
    """The image to project, in the model's shape.

    Args:
        image: see `project`.
        image_shape: `(H, W, C)`.

    Returns:
        uint8 array `(H, W, C)`.

    Raises:
        ValueError: if it is no image or an empty one, or the model's channels are no picture's.
        OSError: if the file cannot be read.
    """
    height, width, channels = image_shape
    if channels not in decoding.MODES:
        raise ValueError(
            f"Images of {channels} channels are no pictures: 1 (gray), 3 (RGB) and 4 (RGBA) are. "
            "Use a model of such images."
        )
    if isinstance(image, (str, os.PathLike)):
        try:
            image = decoding.decode(image)
        except FileNotFoundError:
            raise
        except Exception as error:  # damaged files make Pillow raise nearly anything
            raise OSError(f"Cannot decode the image file {image}: {error}") from error
    elif not isinstance(image, Image.Image):
        array = np.asarray(image)
        if array.dtype != np.uint8 or array.ndim != 3:
            raise ValueError(
                "`image` is a path, a PIL image or a uint8 array (H, W, C). Received: "
                f"{type(image).__name__} of dtype {array.dtype} and shape {array.shape}"
            )
        (image,) = images.to_pil(array[None])
    if 0 in image.size:
        raise ValueError(f"The image has no pixels: its width and height are {image.size}.")
    image = decoding.to_channels(image, channels)
    return decoding.to_array(decoding.fit_size(image, (height, width), "center", "lanczos"))


def _statistics(gan, samples, label):
    """Mean `(style_dim,)` of w, and how far vectors are from it: the root of the mean square."""
    w = np.concatenate(list(sampled_styles(gan, samples, _STATISTICS_SEED, label)))
    mean = w.mean(axis=0, dtype="float64")
    deviation = math.sqrt(np.sum((w - mean) ** 2) / samples)
    return mean.astype("float32"), deviation


def _shortened(pixels):
    """Images whose longer side is at most 256, by means over areas."""
    _, height, width, _ = pixels.shape
    longest = max(height, width)
    if longest <= _LARGEST_SIDE:
        return pixels
    size = tuple(max(side * _LARGEST_SIDE // longest, 1) for side in (height, width))
    return ops.adaptive_average_pool(pixels, size, data_format="channels_last")


def _structure(noise):
    """How much neighbours in a map `(1, h, w, 1)` have in common, at all scales."""
    total = 0.0
    while True:
        for axis in (1, 2):
            total = total + ops.square(ops.mean(noise * ops.roll(noise, 1, axis=axis)))
        if min(noise.shape[1:3]) <= _SMALLEST_MAP:
            return total
        noise = ops.average_pool(noise, 2, strides=2, data_format="channels_last")


def _normalized(noise):
    """A map with mean 0 and mean square 1."""
    noise = noise - ops.mean(noise)
    return noise * ops.rsqrt(ops.mean(ops.square(noise)))
