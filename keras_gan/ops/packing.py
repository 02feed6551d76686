"""Several images side by side on the channels."""

from keras import ops


def pack(images, count):
    """Concatenate each `count` consecutive images on the channels.

    Args:
        images: tensor `(N, H, W, C)`, with N a multiple of `count`.
        count: int >= 1.

    Returns:
        Tensor `(N / count, H, W, count * C)`, of which sample i holds the images
        `i * count, ..., (i + 1) * count - 1`.

    Reference: Lin, Khetan, Fanti, Oh (2017), PacGAN, arXiv:1712.04086.
    """
    if count == 1:
        return images
    height, width, channels = images.shape[1:]
    images = ops.reshape(images, (-1, count, height, width, channels))
    images = ops.transpose(images, (0, 2, 3, 1, 4))
    return ops.reshape(images, (-1, height, width, count * channels))
