"""ADA: a pipeline of augmentations, each applied with the same probability, which may adapt."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from keras_gan import random
from keras_gan.augmentation.base import Augmentation
from keras_gan.checks import check_number
from keras_gan.ops import band_filters, warp

_BLIT = ("xflip", "rotate90", "xint")
_GEOMETRY = ("scale", "rotate", "aniso", "xfrac")
_COLOR = ("brightness", "contrast", "lumaflip", "hue", "saturation")
_OF_COLORS = ("hue", "saturation")
_SETS = {
    "blit": _BLIT,
    "geom": _GEOMETRY,
    "color": _COLOR,
    "filter": ("imgfilter",),
    "noise": ("noise",),
    "cutout": ("cutout",),
    "bg": (*_BLIT, *_GEOMETRY),
    "bgc": (*_BLIT, *_GEOMETRY, *_COLOR),
    "bgcf": (*_BLIT, *_GEOMETRY, *_COLOR, "imgfilter"),
    "bgcfn": (*_BLIT, *_GEOMETRY, *_COLOR, "imgfilter", "noise"),
    "bgcfnc": (*_BLIT, *_GEOMETRY, *_COLOR, "imgfilter", "noise", "cutout"),
}
# What share of the power of natural images lies in each band of frequencies.
_POWER = np.array([10.0, 1.0, 1.0, 1.0]) / 13.0


class _Operation(NamedTuple):
    """What a transformation draws for an image, and how far that moves it.

    Attributes:
        distribution: str, `"uniform"` in [0, 1) or `"normal"`.
        amount: function of the numbers drawn.
        numbers: int, how many.
        gates: int, how many decisions whether it is applied: one, or one for each number.
        neutral: float, the amount where it is not.
    """

    distribution: str
    amount: Callable
    numbers: int = 1
    gates: int = 1
    neutral: float = 0.0


@keras.saving.register_keras_serializable(package="keras_gan")
class ADA(Augmentation):
    """The 18 transformations of StyleGAN2-ADA, for training on few images.

    Each is applied to each image with the same probability p, in this order:

    - `"xflip"`: mirrors left and right, in half of the cases. `"rotate90"`: turns by 0, 1, 2 or 3
      quarters. `"xint"`: moves by whole pixels.
    - `"scale"`, `"rotate"` (before and after the next, each less often), `"aniso"` (wider and lower
      or the reverse), `"xfrac"`: moves by fractions of pixels. All of the first two lines are done
      in one step that avoids aliasing; images are continued by their reflections, up to three times
      their size, and then by 0.
    - `"brightness"`, `"contrast"`, `"lumaflip"` (dark for bright, the colours kept), `"hue"`,
      `"saturation"`. Nothing is clipped. The last two need colours: gray images are left alone.
    - `"imgfilter"`: amplifies or weakens each of four bands of frequencies.
    - `"noise"`: adds normal noise.
    - `"cutout"`: a box becomes 0, mid grey in [-1, 1].

    With p below about 0.8, the generator still learns the distribution of plain images. How large
    p has to be depends on the data: `keras_gan.callbacks.AdaptiveAugmentation` moves it in the
    course of training, as the paper does. Without that callback it stays as it is.

    Args:
        pipeline: str, which transformations: `"blit"` (the first line above), `"geom"` (the second
            one), `"color"`, `"filter"`, `"noise"`, `"cutout"`, or `"bg"`, `"bgc"`, `"bgcf"`,
            `"bgcfn"`, `"bgcfnc"` by their first letters; or a dict from the names of
            transformations to their strengths, floats >= 0 that p is multiplied by.
        probability: float >= 0, p when training begins.
        xint_max: float >= 0, the longest move by whole pixels, as a share of the side.
        scale_std: float >= 0, standard deviation of the binary logarithm of the scale.
        rotate_max: float >= 0, the largest angle; 1 for a half turn in both directions.
        aniso_std: float >= 0, standard deviation of the binary logarithm of the stretch.
        xfrac_std: float >= 0, standard deviation of the other move, as a share of the side.
        brightness_std: float >= 0, standard deviation of what is added.
        contrast_std: float >= 0, standard deviation of the binary logarithm of the factor.
        hue_max: float >= 0, the largest angle; 1 for a half turn of the colour wheel.
        saturation_std: float >= 0, standard deviation of the binary logarithm of the factor.
        imgfilter_bands: four floats >= 0, strengths of the bands, the lowest frequencies first.
        imgfilter_std: float >= 0, standard deviation of the binary logarithm of their factors.
        noise_std: float >= 0, scale of the noise's standard deviation, itself half-normal.
        cutout_size: float in [0, 1], the box's sides as shares of the image's.

    Call arguments:
        images: float tensor `(N, H, W, C)` of known height and width, of any size. Transformations
            of colour are for 3 channels (RGB) or 1 (gray).
        seed: `keras_gan.random.SeedGenerator`.
        step: not used.
        state: dict of `initial_state`; by default, p is `probability`.

    Raises:
        ValueError: if an argument is out of range; when called with images of other channels.

    Example:
    ```python
    gan.compile(augmentations=[keras_gan.augmentation.ADA("bgc")])
    gan.fit(images, epochs=100, callbacks=[keras_gan.callbacks.AdaptiveAugmentation(target=0.6)])
    ```

    Reference: Karras, Aittala, Hellsten, Laine, Lehtinen, Aila (2020), Training Generative
    Adversarial Networks with Limited Data, arXiv:2006.06676.
    """

    def __init__(
        self,
        pipeline="bgc",
        probability=0.0,
        xint_max=0.125,
        scale_std=0.2,
        rotate_max=1.0,
        aniso_std=0.2,
        xfrac_std=0.125,
        brightness_std=0.2,
        contrast_std=0.5,
        hue_max=1.0,
        saturation_std=1.0,
        imgfilter_bands=(1.0, 1.0, 1.0, 1.0),
        imgfilter_std=1.0,
        noise_std=0.1,
        cutout_size=0.5,
    ):
        self._magnitudes = {
            "xint_max": xint_max,
            "scale_std": scale_std,
            "rotate_max": rotate_max,
            "aniso_std": aniso_std,
            "xfrac_std": xfrac_std,
            "brightness_std": brightness_std,
            "contrast_std": contrast_std,
            "hue_max": hue_max,
            "saturation_std": saturation_std,
            "imgfilter_std": imgfilter_std,
            "noise_std": noise_std,
        }
        for name, value in {"probability": probability, **self._magnitudes}.items():
            check_number(name, value)
        check_number("cutout_size", cutout_size, maximum=1)
        self.pipeline = pipeline
        self.probability = float(probability)
        self.cutout_size = cutout_size
        self.imgfilter_bands = _checked_bands(imgfilter_bands)
        self._strengths = _strengths(pipeline)
        # In the order in which they are applied.
        self._operations = {
            "xflip": _choice(2),
            "rotate90": _choice(4),
            "xint": _within(xint_max, numbers=2),
            "scale": _spread(scale_std),
            "rotate_pre": _within(math.pi * rotate_max),
            "aniso": _spread(aniso_std),
            "rotate_post": _within(math.pi * rotate_max),
            "xfrac": _spread(xfrac_std, numbers=2),
            "brightness": _spread(brightness_std),
            "contrast": _spread(contrast_std),
            "lumaflip": _choice(2),
            "hue": _within(math.pi * hue_max),
            "saturation": _spread(saturation_std),
            "imgfilter": _spread(imgfilter_std, numbers=4, gates=4),
            "noise": _Operation("normal", lambda x: noise_std * ops.abs(x)),
            # No box around a place outside reaches the image.
            "cutout": _Operation("uniform", lambda x: x, numbers=2, neutral=-1.0),
        }

    def __call__(self, images, seed, step, state=None):
        """Transform a batch at random."""
        del step
        images = ops.cast(images, "float32")
        probability = self.probability if state is None else state["probability"]
        drawn = self.draw(ops.shape(images), seed)
        return self.transform(images, self.amounts(drawn, probability))

    # How p adapts -----------------------------------------------------------------------------

    def initial_state(self):
        """p, and what the callback that adapts it must know.

        Returns:
            dict of `probability`; `r_t`, what it was when p was last changed; `signs` and
            `evaluations`, the sum of the signs of the logits of real images since then, and how
            many they are; `updated_at`, the training step of that change, -1 before the first.
        """
        zero = np.float32(0.0)
        return {
            "probability": np.float32(self.probability),
            "r_t": zero,
            "signs": zero,
            "evaluations": zero,
            "updated_at": np.int32(-1),
        }

    def observe(self, state, real_logits):
        """Count the signs of logits of real images."""
        signs = ops.stop_gradient(ops.sign(ops.cast(real_logits, "float32")))
        state["signs"].assign_add(ops.sum(signs))
        state["evaluations"].assign_add(ops.sum(ops.ones_like(signs)))

    # The transformations ----------------------------------------------------------------------

    def draw(self, shape, seed):
        """The random numbers for a batch.

        Args:
            shape: shape of the images.
            seed: `keras_gan.random.SeedGenerator`.

        Returns:
            dict from the name of a transformation to `(numbers, gates)`, float32 tensors of a row
            for each image; of `"noise_image"` to a normal tensor of the shape.

        Raises:
            ValueError: if images of so many channels cannot be transformed.
        """
        names = self._names(shape[-1])
        used = {"uniform": 0, "normal": 0}

        def take(distribution, count):
            used[distribution] += count
            return slice(used[distribution] - count, used[distribution])

        columns = {}
        for name in names:
            operation = self._operations[name]
            columns[name] = (
                (operation.distribution, take(operation.distribution, operation.numbers)),
                ("uniform", take("uniform", operation.gates)),
            )
        # As few draws as possible: each is a program of a hundred operations.
        tables = {
            distribution: getattr(random, distribution)((shape[0], count), seed)
            for distribution, count in used.items()
            if count
        }
        drawn = {
            name: tuple(tables[distribution][:, part] for distribution, part in parts)
            for name, parts in columns.items()
        }
        if "noise" in drawn:
            drawn["noise_image"] = random.normal(shape, seed)
        return drawn

    def _names(self, channels):
        """The transformations of images with so many channels, in order."""
        active = [
            name for name in self._operations if self._strengths.get(name.split("_")[0], 0.0) > 0
        ]
        if channels not in (1, 3) and set(active) & set(_COLOR):
            raise ValueError(
                f"ADA transforms the colours of images with 3 channels (RGB) or 1 (gray). "
                f"Received: {channels} channels; use for example pipeline='bg', which does not "
                "touch colours."
            )
        return [name for name in active if channels > 1 or name not in _OF_COLORS]

    def check_channels(self, channels):
        """Raise unless there are 1 or 3 channels, or no transformation of colour."""
        self._names(channels)

    def amounts(self, drawn, probability):
        """How far each transformation goes, by what was drawn.

        Args:
            drawn: dict that `draw` returned.
            probability: float or scalar tensor, p.

        Returns:
            dict from the name of a transformation to a float32 tensor of a row for each image:
            quarters, angles, shares of the sides, binary logarithms of factors; and `noise_image`
            as it was drawn.
        """
        probability = ops.convert_to_tensor(probability, "float32")
        found = dict(drawn)
        for name, operation in self._operations.items():
            if name not in drawn:
                continue
            numbers, gates = drawn[name]
            chance = self._strengths[name.split("_")[0]] * probability
            if name in ("rotate_pre", "rotate_post"):
                # So that one of the two is applied with the whole probability.
                chance = 1.0 - ops.sqrt(1.0 - ops.clip(chance, 0.0, 1.0))
            if name == "imgfilter":
                chance = chance * _constant(self.imgfilter_bands)
            found[name] = ops.where(gates < chance, operation.amount(numbers), operation.neutral)
        return found

    def transform(self, images, amounts):
        """Apply the transformations.

        Args:
            images: float32 tensor `(N, H, W, C)`.
            amounts: dict that `amounts` returned; what is missing is not applied.

        Returns:
            float32 tensor `(N, H, W, C)`.
        """
        names = {name.split("_")[0] for name in amounts}
        if names & set(_SETS["bg"]):
            images = warp(images, _geometry(amounts, *images.shape[1:3]))
        if names & set(_COLOR):
            images = _recolored(images, _color(amounts))
        if "imgfilter" in names:
            images = _filtered(images, amounts["imgfilter"])
        if "noise" in names:
            images = images + amounts["noise"][:, :, None, None] * amounts["noise_image"]
        if "cutout" in names:
            images = _cut(images, amounts["cutout"], self.cutout_size)
        return images

    def get_config(self):
        """The constructor's arguments."""
        return {
            "pipeline": self.pipeline,
            "probability": self.probability,
            **self._magnitudes,
            "imgfilter_bands": list(self.imgfilter_bands),
            "cutout_size": self.cutout_size,
        }


# Amounts ------------------------------------------------------------------------------------------


def _choice(count):
    return _Operation("uniform", lambda x: ops.floor(count * x))


def _within(largest, numbers=1):
    return _Operation("uniform", lambda x: (2.0 * x - 1.0) * largest, numbers)


def _spread(stddev, numbers=1, gates=1):
    return _Operation("normal", lambda x: stddev * x, numbers, gates)


def _of(amounts, name):
    """The columns `(N, 1)` of an amount, which is 0 where the transformation is not in use."""
    if name not in amounts:
        # A column of any other amount tells the batch size.
        return [ops.zeros_like(next(iter(amounts.values()))[:, :1])] * 2
    return [amounts[name][:, i : i + 1] for i in range(amounts[name].shape[1])]


def _geometry(amounts, height, width):
    """Matrices `(N, 2, 3)` from positions in the result to those in the image, see `warp`."""

    def moved(by_x, by_y):
        return offset + right * by_x + down * by_y

    def turned(angle):
        cosine, sine = ops.cos(angle), ops.sin(angle)
        return right * cosine + down * sine, down * cosine - right * sine

    # The columns of the matrix: it maps one pixel to the right and one pixel down to these.
    zero = ops.zeros_like(_of(amounts, "xflip")[0])
    right = ops.concatenate([zero + 1.0, zero], axis=1)
    down = ops.concatenate([zero, zero + 1.0], axis=1)
    offset = ops.concatenate([zero, zero], axis=1)
    # From the last map of the way back to the first.
    right = right * (1.0 - 2.0 * _of(amounts, "xflip")[0])
    right, down = turned(_of(amounts, "rotate90")[0] * (math.pi / 2))
    x, y = _of(amounts, "xint")
    offset = moved(-ops.round(x * width), -ops.round(y * height))
    factor = _power_of_two(-_of(amounts, "scale")[0])
    right, down = right * factor, down * factor
    right, down = turned(_of(amounts, "rotate_pre")[0])
    factor = _power_of_two(_of(amounts, "aniso")[0])
    right, down = right / factor, down * factor
    right, down = turned(_of(amounts, "rotate_post")[0])
    x, y = _of(amounts, "xfrac")
    offset = moved(-x * width, -y * height)
    return ops.stack([right, down, offset], axis=2)


def _color(amounts):
    """Matrices `(N, 3, 4)` from `(red, green, blue, 1)` to the colours of the result."""

    def value(name):
        return _of(amounts, name)[0][:, :, None]

    def gray():
        return ops.mean(matrix, axis=1, keepdims=True)

    matrix = _constant(np.eye(3, 4)) + value("brightness") * _constant(np.eye(4)[3])
    matrix = matrix * _power_of_two(value("contrast"))
    matrix = matrix - 2.0 * value("lumaflip") * gray()
    # The formula of Rodrigues for the axis (1, 1, 1).
    cosine, sine = ops.cos(value("hue")), ops.sin(value("hue"))
    across = (ops.roll(matrix, 1, axis=1) - ops.roll(matrix, -1, axis=1)) / math.sqrt(3.0)
    matrix = cosine * matrix + sine * across + (1.0 - cosine) * gray()
    return gray() + _power_of_two(value("saturation")) * (matrix - gray())


def _constant(x):
    return ops.convert_to_tensor(np.asarray(x, "float32"))


def _power_of_two(x):
    return ops.exp(x * math.log(2.0))


# Images -------------------------------------------------------------------------------------------


def _recolored(images, matrices):
    _, height, width, channels = images.shape
    pixels = ops.reshape(images, (-1, height * width, channels))
    if channels == 1:
        row = ops.mean(matrices, axis=1, keepdims=True)
        pixels = pixels * ops.sum(row[:, :, :3], axis=2, keepdims=True) + row[:, :, 3:]
    else:
        pixels = ops.matmul(pixels, ops.transpose(matrices[:, :, :3], (0, 2, 1)))
        pixels = pixels + matrices[:, None, :, 3]
    return ops.reshape(pixels, (-1, height, width, channels))


def _filtered(images, factors):
    """Images with their bands of frequencies multiplied by powers of two `(N, 4)`."""
    # One band after the other; after each, the power of natural images is as before.
    own = np.eye(len(_POWER))
    factors = _power_of_two(factors)[:, :, None] * _constant(own) + _constant(1.0 - own)
    power = ops.sum(ops.square(factors) * _constant(_POWER), axis=2)
    gains = ops.prod(factors / ops.sqrt(power)[:, :, None], axis=1)
    channels = images.shape[3]
    # Both axes, each being the rows once.
    for _ in range(2):
        rows, columns = images.shape[1:3]
        matrix = ops.matmul(gains, _constant(_band_matrices(rows)))
        matrix = ops.reshape(matrix, (-1, rows, rows))
        filtered = ops.matmul(matrix, ops.reshape(images, (-1, rows, columns * channels)))
        images = ops.reshape(filtered, (-1, rows, columns, channels))
        images = ops.transpose(images, (0, 2, 1, 3))
    return images


@functools.lru_cache(maxsize=8)
def _band_matrices(side):
    """What the four filters do to an axis that is continued by its reflection: `(4, side^2)`."""
    filters = band_filters()
    taps = filters.shape[1]
    seen = np.pad(np.arange(side), taps // 2, mode="reflect")
    matrices = np.zeros((len(filters), side, side))
    for row in range(side):
        for tap in range(taps):
            matrices[:, row, seen[row + tap]] += filters[:, tap]
    return matrices.reshape(len(filters), -1)


def _cut(images, centre, size):
    """Images with a box of 0 around a centre `(N, 2)`, in shares of width and height."""
    height, width = images.shape[1:3]

    def inside(count, middle):
        return ops.abs(_constant((np.arange(count) + 0.5) / count) - middle) < size / 2

    columns, rows = inside(width, centre[:, :1]), inside(height, centre[:, 1:])
    cut = ops.logical_and(rows[:, :, None], columns[:, None, :])
    return ops.where(cut[..., None], 0.0, images)


# Arguments ----------------------------------------------------------------------------------------


def _strengths(pipeline):
    """dict: name of a transformation to its strength."""
    if isinstance(pipeline, str) and pipeline in _SETS:
        return dict.fromkeys(_SETS[pipeline], 1.0)
    if not isinstance(pipeline, dict) or not pipeline or set(pipeline) - set(_SETS["bgcfnc"]):
        raise ValueError(
            f"`pipeline` is one of {list(_SETS)}, or a dict of strengths by the names "
            f"{list(_SETS['bgcfnc'])}. Received: {pipeline!r}"
        )
    for name, strength in pipeline.items():
        check_number(f"pipeline['{name}']", strength)
    return pipeline


def _checked_bands(bands):
    if not isinstance(bands, (list, tuple)) or len(bands) != len(_POWER):
        raise ValueError(f"`imgfilter_bands` are four strengths. Received: {bands!r}")
    for strength in bands:
        check_number("imgfilter_bands", strength)
    return tuple(bands)
