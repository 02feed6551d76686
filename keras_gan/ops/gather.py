"""Images rearranged pixel by pixel, each by a map of its own."""

from keras import ops


def gather_pixels(images, rows, columns):
    """Take rows and columns of each image.

    Args:
        images: tensor `(N, H, W, C)`.
        rows: integer tensor `(N, h)` in [0, H): the rows of the result.
        columns: integer tensor `(N, w)` in [0, W).

    Returns:
        Tensor `(N, h, w, C)`.
    """
    height, width, channels = images.shape[1:]
    image = ops.reshape(ops.arange(ops.shape(images)[0]), (-1, 1, 1))
    pixels = (image * height + rows[:, :, None]) * width + columns[:, None, :]
    return ops.take(ops.reshape(images, (-1, channels)), pixels, axis=0)
