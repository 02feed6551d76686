"""Images under an affine map, without aliasing."""

import numpy as np
from keras import ops

from keras_gan.ops.resampling import downsample2d, upsample2d
from keras_gan.ops.wavelets import low_pass

# Half of the filter's taps: as far as it sees, in pixels of the doubled resolution.
_REACH = len(low_pass()) // 2
# Pixels at both ends of a continued axis where the filter sees the end, and a spare one.
_END = _REACH // 2 + 1


def warp(images, matrices):
    """Images under an affine map each, continued by their reflections up to three times their size.

    The images are doubled in resolution, looked up linearly at the positions of the result, also
    doubled, and halved again, both by the filter of the wavelet sym6. What lies beyond the
    reflections is 0. The identity leaves errors of about 1e-5. Other images than the identity's, a
    mirrored one for example, show that the filter is not symmetric.

    Args:
        images: float32 tensor `(N, H, W, C)` of known height and width.
        matrices: float32 tensor `(N, 2, 3)`: from positions `(x, y, 1)` in the result to `(x, y)`
            in the image, in pixels from the middle, to the right and down.

    Returns:
        float32 tensor `(N, H, W, C)`, of which the images may be differentiated, not the matrices.

    Example:
    ```python
    mirror = keras.ops.convert_to_tensor([[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    mirrored = keras_gan.ops.warp(image[None], mirror)
    ```

    Reference: Karras et al. (2020), Training Generative Adversarial Networks with Limited Data,
    arXiv:2006.06676, appendix B.
    """
    height, width = images.shape[1:3]
    matrices = ops.stop_gradient(matrices)[:, :, :, None, None]
    x = _grid(width)[None, None, :]
    y = _grid(height)[None, :, None]
    positions = matrices[:, :, 0] * x + matrices[:, :, 1] * y + matrices[:, :, 2]
    rows, columns = _Axis(height), _Axis(width)
    continued = ops.take(ops.take(images, rows.kept, axis=1), columns.kept, axis=2)
    looked_up = _look_up(
        upsample2d(continued, low_pass()),
        rows.weighted(positions[:, 1]),
        columns.weighted(positions[:, 0]),
    )
    # The result is larger on all sides by what the filter takes away.
    return downsample2d(looked_up, low_pass(), padding=-_REACH, flip=True)


def _grid(side):
    """Positions of the pixels of the doubled result, in pixels of the image from its middle."""
    return (ops.arange(2 * (side + _REACH), dtype="float32") - (side + _REACH - 1)) / 2


class _Axis:
    """An axis that is continued by its reflection on both ends.

    The continued axis repeats itself, and so does what a filter makes of it except close to its
    ends: a period and the ends are enough, less than half of the pixels of a large image.

    Args:
        side: int, length of the axis.

    Attributes:
        kept: int array, the positions in the image of the pixels that are kept.
    """

    def __init__(self, side):
        self._side = side
        continued = np.pad(np.arange(side), side - 1, mode="reflect")
        self._length, self._period = len(continued), 2 * side - 2
        self._is_cut = self._period + 4 * _END < self._length
        self.kept = continued
        if self._is_cut:
            ends = continued[: self._period + 2 * _END], continued[-2 * _END :]
            self.kept = np.concatenate(ends)

    def weighted(self, position):
        """The two pixels of the doubled axis that a position lies between, and their weights.

        Args:
            position: float32 tensor, in pixels of the image from its middle.

        Returns:
            `((first, weight), (second, weight))`, int32 and float32 tensors.
        """
        index = 2.0 * position + float(3 * (self._side - 1))
        last = 2 * self._length - 1
        # Far outside is as good as just outside, and fits into an integer.
        index = ops.clip(index, -1.0, last + 1.0)
        first = ops.floor(index)
        share = index - first
        first = ops.cast(first, "int32")
        return tuple(
            (self._place(pixel), weight * ops.cast((pixel >= 0) & (pixel <= last), "float32"))
            for pixel, weight in ((first, 1.0 - share), (first + 1, share))
        )

    def _place(self, pixel):
        """Where a pixel of the doubled continued axis is among those that are kept."""
        pixel = ops.clip(pixel, 0, 2 * self._length - 1)
        if not self._is_cut:
            return pixel
        missing = ops.where(
            pixel < 2 * (self._length - _END), self._period, self._length - len(self.kept)
        )
        return pixel - 2 * ops.where(pixel < 2 * (self._period + _END), 0, missing)


def _look_up(images, rows, columns):
    """Sums over pairs of `rows` and of `columns`, each an index and a weight `(N, h, w)`."""
    height, width, channels = images.shape[1:]
    image = ops.reshape(ops.arange(ops.shape(images)[0]), (-1, 1, 1))
    pixels = ops.reshape(images, (-1, channels))
    total = 0.0
    for row, row_weight in rows:
        for column, column_weight in columns:
            found = ops.take(pixels, (image * height + row) * width + column, axis=0)
            total = total + (row_weight * column_weight)[..., None] * found
    return total
