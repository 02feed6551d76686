"""The state dicts of DCGANs in PyTorch: one `Sequential` in each network."""

import re

from keras_gan.checkpoints.mapping import TORCH_CONV, Layout, Network, Row
from keras_gan.layers import BatchNormalization, Conv2D, Conv2DTranspose


def _layout(name, prefix):
    """`prefix` is the attribute that holds the `Sequential`."""

    def generator_rows(network):
        # Convolution, batch norm, ReLU; the last convolution goes straight to tanh.
        convolutions = _layers(network, Conv2DTranspose)
        yield from _convolutions(convolutions, range(0, 3 * len(convolutions), 3))
        yield from _norms(_layers(network, BatchNormalization), first=1)

    def discriminator_rows(network):
        # The first convolution has no batch norm.
        convolutions = _layers(network, Conv2D)
        yield from _convolutions(convolutions, [0, *range(2, 3 * len(convolutions) - 1, 3)])
        yield from _norms(_layers(network, BatchNormalization), first=3)

    def _convolutions(found, indices):
        for index, layer in zip(indices, found, strict=True):
            yield Row(f"{prefix}.{index}.weight", layer.kernel, TORCH_CONV)

    def _norms(found, first):
        for number, layer in enumerate(found):
            at = f"{prefix}.{first + 3 * number}"
            yield Row(f"{at}.weight", layer.gamma)
            yield Row(f"{at}.bias", layer.beta)
            yield Row(f"{at}.running_mean", layer.moving_mean)
            yield Row(f"{at}.running_var", layer.moving_variance)

    def generator_config(tensors):
        kernels = _kernels(tensors, second=3)
        latent_dim, _, *base = tensors.dimensions(kernels[0], 4)
        finest, channels = tensors.dimensions(kernels[-1], 4)[:2]
        stages = len(kernels) - 1
        # Three stages begin with the 8 * width filters of four, and so end with 2 * width.
        width, odd = divmod(finest, 2) if stages == 3 else (finest, 0)
        if odd:
            raise ValueError(
                f"'{kernels[-1]}' of a 32 px DCGAN takes 2 * width filters, not {finest}."
            )
        filters = [latent_dim, *_doubling(finest, stages)[::-1], channels]
        for i, kernel in enumerate(kernels):
            tensors.expect(kernel, (filters[i], filters[i + 1], *(base if i == 0 else (4, 4))))
        image_shape = _image_shape(base, kernels, channels)
        return {"image_shape": image_shape, "latent_dim": latent_dim, "width": width}

    def discriminator_config(tensors):
        kernels = _kernels(tensors, second=2)
        width, channels = tensors.dimensions(kernels[0], 4)[:2]
        base = tensors.dimensions(kernels[-1], 4)[2:]
        filters = [channels, *_doubling(width, len(kernels) - 1), 1]
        for i, kernel in enumerate(kernels):
            last = i == len(kernels) - 1
            tensors.expect(kernel, (filters[i + 1], filters[i], *(base if last else (4, 4))))
        image_shape = _image_shape(base, kernels, channels)
        return {"image_shape": image_shape, "discriminator_width": width}

    def _kernels(tensors, second):
        """Names of the kernels: layer 0, layer `second`, and every third from there."""
        indices = [
            int(match[1])
            for key, tensor in tensors.items()
            if (match := re.fullmatch(rf"{prefix}\.(\d{{1,3}})\.weight", key)) and tensor.ndim == 4
        ]
        if len(indices) < 2:
            raise ValueError(
                f"A DCGAN has at least two convolutions '{prefix}.<number>.weight' with 4 axes. "
                f"Received: {len(indices)}"
            )
        return [f"{prefix}.{index}.weight" for index in (0, *range(second, max(indices) + 1, 3))]

    return Layout(
        name=name,
        model="DCGAN",
        signature=(f"{prefix}.0.weight",),
        network_of=lambda names: "generator" if f"{prefix}.1.weight" in names else "discriminator",
        generator=Network(generator_config, generator_rows),
        discriminator=Network(discriminator_config, discriminator_rows),
        # PyTorch's count of batches only matters for a momentum of None.
        ignored=(".num_batches_tracked",),
    )


def _layers(network, kind):
    return [layer for layer in network.layers if type(layer) is kind]


def _doubling(width, stages):
    return [width * 2**stage for stage in range(stages)]


def _image_shape(base, kernels, channels):
    scale = 2 ** (len(kernels) - 1)
    return (base[0] * scale, base[1] * scale, channels)


# The 64 px networks of github.com/pytorch/examples, and of many projects that started from it.
PYTORCH_EXAMPLES = _layout("dcgan_pytorch_examples", "main")
# The same blocks as lectures print them, mostly with 32 px.
LECTURE = _layout("dcgan_lecture", "net")
