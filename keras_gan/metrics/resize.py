"""Resizing images for a feature network, exactly as the code bases do whose numbers are compared.

A feature moves by more than a good model differs from a better one if images are resized by another
rule, so the rule belongs to the protocol of every number.
"""

import numpy as np
from keras import ops
from PIL import Image

from keras_gan.checks import check_integer


def resize(images, size, rule="tf1"):
    """Images in the size of a feature network, by one of the rules that are in use.

    - `"tf1"`: bilinear as TensorFlow 1 has it, without half-pixel centres and without antialiasing:
      the FID of the original code, torch-fidelity and NVIDIA.
    - `"clean"`: bicubic and antialiased by Pillow, each channel as floats, clipped to [0, 255] and
      not rounded: clean-fid. Computed on the host.
    - `"pytorch"`: bilinear with half-pixel centres and without antialiasing: pytorch-fid.
    - `"pad"`: a black border around smaller images, no resizing: 28 px digits in the middle of 32.

    Args:
        images: array or tensor `(N, H, W, C)` of pixels in [0, 255], uint8 or float; or a list of
            images `(H, W, C)` of any sizes.
        size: pair of int, height and width.
        rule: str as above.

    Returns:
        float32 tensor `(N, height, width, C)`, neither rounded nor rescaled.

    Raises:
        ValueError: if the rule or the size is not known, or an image is larger than `"pad"` allows.

    Example:
    ```python
    row = np.array([10, 20, 40], "uint8").reshape(1, 1, 3, 1)
    keras_gan.metrics.resize(row, (1, 5))  # 10, 16, 24, 36, 40
    ```

    Reference: Parmar, Zhang, Zhu (2022), On Aliased Resizing and Surprising Subtleties in GAN
    Evaluation, arXiv:2104.11222.
    """
    check_rule(rule)
    height, width = size
    check_integer("size", height, minimum=1)
    check_integer("size", width, minimum=1)
    if isinstance(images, (list, tuple)):
        return ops.concatenate([RULES[rule](image[None], size) for image in images])
    return RULES[rule](images, size)


def check_rule(rule):
    """Raises a ValueError unless `rule` is the name of one."""
    if rule not in RULES:
        raise ValueError(f"The rule of resizing is one of {list(RULES)}. Received: {rule!r}")


def _tf1(images, size):
    return _bilinear(images, size, lambda targets, scale: targets * scale)


def _pytorch(images, size):
    half = np.float32(0.5)

    def positions(targets, scale):
        return np.maximum((targets + half) * scale - half, np.float32(0))

    # Nothing to clip: a mean does not leave the range.
    return _bilinear(images, size, positions)


def _bilinear(images, size, positions):
    # Lines first, as the original: sums of floats depend on their order.
    for axis in (2, 1):
        length = images.shape[axis]
        # On the host: coordinates of another precision are other images.
        targets = np.arange(size[axis - 1], dtype="float32")
        where = positions(targets, np.float32(length) / np.float32(len(targets)))
        low = where.astype("int32")
        high = np.minimum(low + 1, length - 1)
        share = (where - low.astype("float32")).reshape((-1, 1) if axis == 2 else (-1, 1, 1))
        share = ops.convert_to_tensor(share)
        first = ops.cast(ops.take(images, low, axis=axis), "float32")
        second = ops.cast(ops.take(images, high, axis=axis), "float32")
        images = first + (second - first) * share
    return images


def _clean(images, size):
    images = ops.convert_to_numpy(images).astype("float32")
    height, width = size
    resized = np.empty((len(images), height, width, images.shape[3]), "float32")
    for image, result in zip(images, resized, strict=True):
        for channel in range(image.shape[2]):
            plane = Image.fromarray(image[..., channel])
            result[..., channel] = plane.resize((width, height), Image.Resampling.BICUBIC)
    return ops.convert_to_tensor(np.clip(resized, 0, 255))


def _pad(images, size):
    margins = [target - n for target, n in zip(size, images.shape[1:3], strict=True)]
    if min(margins) < 0:
        raise ValueError(
            f"Images of {images.shape[1]}x{images.shape[2]} do not fit into {size[0]}x{size[1]}, "
            "and the rule 'pad' does not shrink. Make them smaller first, or use an extractor with "
            "another rule."
        )
    borders = [(n // 2, n - n // 2) for n in margins]
    return ops.pad(ops.cast(images, "float32"), [(0, 0), *borders, (0, 0)])


RULES = {"tf1": _tf1, "clean": _clean, "pytorch": _pytorch, "pad": _pad}
