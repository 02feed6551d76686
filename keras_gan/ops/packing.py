"""Several images side by side on the channels."""

from keras import ops


def pack(images, count):
    """Concatenate each `count` consecutive images on the channels.

    Args:
        images: tensor `(N, H, W, C)`, or points `(N, C)`, with N a multiple of `count`.
        count: int >= 1.

    Returns:
        Tensor `(N / count, ..., count * C)`, of which sample i holds the images
        `i * count, ..., (i + 1) * count - 1`.

    Reference: Lin, Khetan, Fanti, Oh (2017), PacGAN, arXiv:1712.04086.
    """
    if count == 1:
        return images
    *sides, channels = images.shape[1:]
    images = ops.reshape(images, (-1, count, *sides, channels))
    return ops.reshape(ops.moveaxis(images, 1, -2), (-1, *sides, count * channels))
