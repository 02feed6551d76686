"""DiffAugment: colour, translation and cutout, each differentiable."""

import math

import keras
from keras import ops

from keras_gan import random
from keras_gan.augmentation.base import Augmentation
from keras_gan.ops import gather_pixels


@keras.saving.register_keras_serializable(package="keras_gan")
class DiffAugment(Augmentation):
    """Random colour, translation and cutout, for training on few images.

    - `"color"`: brightness (adds up to 0.5 up or down), then saturation (times 0 to 2), then
      contrast (times 0.5 to 1.5). Colours are not clipped, and channels are treated alike: alpha is
      one of them.
    - `"translation"`: by up to an eighth of the height and width. What comes in is 0, mid grey in
      [-1, 1].
    - `"cutout"`: a box of half the height and width becomes 0; at the border, less of it.

    Args:
        policy: str, names of the above joined by commas, in the order in which they are applied.
        translation_ratio: float in [0, 1), the longest translation as a share of the side.
        cutout_ratio: float in (0, 1], the box's sides as shares of the image's.

    Call arguments:
        images: float32 tensor `(N, H, W, C)`, any size and number of channels.
        seed: `keras_gan.random.SeedGenerator`.
        step: not used.

    Raises:
        ValueError: if the policy has no or unknown names, or a ratio is out of range.

    Example:
    ```python
    augmentation = keras_gan.augmentation.DiffAugment("color,translation,cutout")
    augmented = augmentation(images, keras_gan.random.SeedGenerator(7), step=0)
    ```

    Reference: Zhao et al. (2020), Differentiable Augmentation for Data-Efficient GAN Training,
    arXiv:2006.10738.
    """

    def __init__(
        self, policy="color,translation,cutout", translation_ratio=0.125, cutout_ratio=0.5
    ):
        names = policy.split(",") if isinstance(policy, str) else []
        operations = {
            "color": self._color,
            "translation": self._translation,
            "cutout": self._cutout,
        }
        if not names or set(names) - set(operations):
            raise ValueError(
                f"`policy` names some of {list(operations)}, joined by commas. Received: {policy!r}"
            )
        if not (isinstance(translation_ratio, (int, float)) and 0 <= translation_ratio < 1):
            raise ValueError(f"`translation_ratio` lies in [0, 1). Received: {translation_ratio!r}")
        if not (isinstance(cutout_ratio, (int, float)) and 0 < cutout_ratio <= 1):
            raise ValueError(f"`cutout_ratio` lies in (0, 1]. Received: {cutout_ratio!r}")
        self.policy = policy
        self.translation_ratio = translation_ratio
        self.cutout_ratio = cutout_ratio
        self._operations = [operations[name] for name in names]

    def __call__(self, images, seed, step):
        """Apply the policy."""
        del step
        for operation in self._operations:
            images = operation(images, seed)
        return images

    def _color(self, images, seed):
        shape = (ops.shape(images)[0], 1, 1, 1)
        images = images + (random.uniform(shape, seed) - 0.5)
        grey = ops.mean(images, axis=3, keepdims=True)
        images = grey + (images - grey) * (2.0 * random.uniform(shape, seed))
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return mean + (images - mean) * (random.uniform(shape, seed) + 0.5)

    def _translation(self, images, seed):
        count, sides = ops.shape(images)[0], images.shape[1:3]
        # Where the rows and the columns of the result lie in the image.
        (rows, row_inside), (columns, column_inside) = (
            self._shifted(count, side, seed) for side in sides
        )
        moved = gather_pixels(images, rows, columns)
        inside = ops.logical_and(row_inside[:, :, None], column_inside[:, None, :])
        return moved * ops.cast(inside, images.dtype)[..., None]

    def _shifted(self, count, side, seed):
        """Positions `(N, side)` in the image, kept inside, and whether they were."""
        longest = _rounded(self.translation_ratio, side)
        shift = random.integers((count, 1), seed, -longest, longest + 1)
        positions = ops.arange(side) + shift
        inside = ops.logical_and(positions >= 0, positions < side)
        return ops.clip(positions, 0, side - 1), inside

    def _cutout(self, images, seed):
        count = ops.shape(images)[0]
        rows, columns = (self._cut(count, side, seed) for side in images.shape[1:3])
        cut = ops.logical_and(rows[:, :, None], columns[:, None, :])
        return images * ops.cast(ops.logical_not(cut), images.dtype)[..., None]

    def _cut(self, count, side, seed):
        """Which positions `(N, side)` lie within the box."""
        size = _rounded(self.cutout_ratio, side)
        # An even box has one more place to lie, so that no pixel is cut more often than another.
        centre = random.integers((count, 1), seed, 0, side + 1 - size % 2)
        from_first = ops.arange(side) - (centre - size // 2)
        return ops.logical_and(from_first >= 0, from_first < size)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "policy": self.policy,
            "translation_ratio": self.translation_ratio,
            "cutout_ratio": self.cutout_ratio,
        }


def _rounded(ratio, side):
    return math.floor(ratio * side + 0.5)
