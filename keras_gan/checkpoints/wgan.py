"""The state dicts of github.com/martinarjovsky/WassersteinGAN, whose names tell the filters."""

import re

from keras_gan.checkpoints.mapping import TORCH_CONV, Layout, Network, Row
from keras_gan.layers import BatchNormalization, Conv2D, Conv2DTranspose


def _generator_rows(network):
    yield from _rows(network, Conv2DTranspose, "convt")


def _critic_rows(network):
    *rows, last = _rows(network, Conv2D, "conv", norms_after_first=False)
    yield from rows
    # The original critic is low on real images.
    yield last._replace(negative=True)


def _rows(network, kind, suffix, norms_after_first=True):
    kernels = [layer.kernel for layer in network.layers if type(layer) is kind]
    norms = [layer for layer in network.layers if isinstance(layer, BatchNormalization)]
    normalized = iter(norms)
    for number, kernel in enumerate(kernels):
        last = number == len(kernels) - 1
        part = "initial" if number == 0 else "final" if last else "pyramid"
        # Kernels of transposed convolutions are (height, width, out, in).
        sizes = kernel.shape[:1:-1] if kind is Conv2DTranspose else kernel.shape[2:]
        row = Row(f"main.{part}:{sizes[0]}-{sizes[1]}:{suffix}.weight", kernel, TORCH_CONV)
        if norms and not last and (number or norms_after_first):
            norm, at = next(normalized), f"main.{part}:{sizes[1]}:batchnorm"
            yield Row(f"{at}.weight", norm.gamma)
            yield Row(f"{at}.bias", norm.beta)
            yield Row(f"{at}.running_mean", norm.moving_mean)
            yield Row(f"{at}.running_var", norm.moving_variance)
        yield row


def _generator_config(tensors):
    finest, channels, stages = _ends(tensors, "final", "convt")
    filters = [finest * 2**stage for stage in range(stages)][::-1]
    (initial,) = _names(tensors, "initial", "convt")
    latent_dim, _, *base = tensors.dimensions(initial, 4)
    tensors.expect(initial, (latent_dim, filters[0], *base))
    for i in range(stages - 1):
        name = f"main.pyramid:{filters[i]}-{filters[i + 1]}:convt.weight"
        tensors.expect(name, (filters[i], filters[i + 1], 4, 4))
    return {
        "image_shape": (base[0] * 2**stages, base[1] * 2**stages, channels),
        "latent_dim": latent_dim,
        "width": finest,
        "generator_batch_norm": any(":batchnorm." in name for name in tensors),
    }


def _critic_config(tensors):
    channels, width, stages = _ends(tensors, "initial", "conv")
    filters = [width * 2**stage for stage in range(stages)]
    for i in range(stages - 1):
        name = f"main.pyramid:{filters[i]}-{filters[i + 1]}:conv.weight"
        tensors.expect(name, (filters[i + 1], filters[i], 4, 4))
    (final,) = _names(tensors, "final", "conv")
    base = tensors.dimensions(final, 4)[2:]
    tensors.expect(final, (1, filters[-1], *base))
    return {
        "image_shape": (base[0] * 2**stages, base[1] * 2**stages, channels),
        "discriminator_width": width,
    }


def _ends(tensors, part, suffix):
    """The two numbers in the name of the kernel beside the images, and how often sides double."""
    (name,) = _names(tensors, part, suffix)
    first, second = (int(number) for number in re.findall(r"\d+", name))
    return first, second, len(_names(tensors, "pyramid", suffix)) + 1


def _names(tensors, part, suffix):
    pattern = rf"main\.{part}:\d{{1,5}}-\d{{1,5}}:{suffix}\.weight"
    found = [name for name in tensors if re.fullmatch(pattern, name)]
    if part != "pyramid" and len(found) != 1:
        raise ValueError(
            f"The checkpoint should hold one tensor 'main.{part}:<in>-<out>:{suffix}.weight'. "
            f"Received: {found}"
        )
    return found


ORIGINAL = Layout(
    name="wgan_original",
    model="WGAN",
    signature=("main.initial:*:conv.weight", "main.initial:*:convt.weight"),
    network_of=lambda tensors: (
        "generator" if any(name.endswith(":convt.weight") for name in tensors) else "discriminator"
    ),
    generator=Network(_generator_config, _generator_rows),
    discriminator=Network(_critic_config, _critic_rows),
    # PyTorch's count of batches only matters for a momentum of None.
    ignored=(".num_batches_tracked",),
)
