"""Flips and small shifts, as consistency regularisation uses them."""

import keras
from keras import ops

from keras_gan import random
from keras_gan.augmentation.base import Augmentation
from keras_gan.checks import check_integer
from keras_gan.ops import gather_pixels


@keras.saving.register_keras_serializable(package="keras_gan")
class FlipShift(Augmentation):
    """Half of the images mirrored from left to right, all shifted by a few pixels.

    At the border an image is continued by its reflection (without the border pixel itself), so that
    all pixels have colours of the data.

    Args:
        pixels: int >= 0, the longest shift, up or down and left or right; at most 1 less than the
            sides of the images.
        flip: bool. Leave out the mirroring where left and right differ, as in writing.

    Call arguments:
        images: float32 tensor `(N, H, W, C)`.
        seed: `keras_gan.random.SeedGenerator`.
        step: not used.

    Raises:
        ValueError: if `pixels` is negative, or when called with smaller images.

    Example:
    ```python
    augmentation = keras_gan.augmentation.FlipShift(pixels=4)
    augmented = augmentation(images, keras_gan.random.SeedGenerator(7), step=0)
    ```

    Reference: Zhang, Zhang, Odena, Lee (2019), Consistency Regularization for Generative
    Adversarial Networks, arXiv:1910.12027.
    """

    def __init__(self, pixels=4, flip=True):
        check_integer("pixels", pixels, minimum=0)
        self.pixels = pixels
        self.flip = bool(flip)

    def __call__(self, images, seed, step):
        """Flip and shift a batch."""
        del step
        count, sides = ops.shape(images)[0], images.shape[1:3]
        if self.pixels >= min(sides):
            raise ValueError(
                f"`pixels` is less than the sides of the images, {tuple(sides)}. Received: "
                f"pixels={self.pixels}"
            )
        rows, columns = (self._shifted(count, side, seed) for side in sides)
        if self.flip:
            mirrored = random.integers((count, 1), seed, 0, 2)
            columns = ops.where(mirrored == 1, sides[1] - 1 - columns, columns)
        return gather_pixels(images, rows, columns)

    def _shifted(self, count, side, seed):
        """The positions `(N, side)` in the image of those of the result."""
        shift = random.integers((count, 1), seed, -self.pixels, self.pixels + 1)
        positions = ops.abs(ops.arange(side) + shift)
        last = side - 1
        return last - ops.abs(last - positions)

    def get_config(self):
        """The constructor's arguments."""
        return {"pixels": self.pixels, "flip": self.flip}
