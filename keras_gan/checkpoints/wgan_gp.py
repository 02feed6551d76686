"""The TensorFlow variables of github.com/igul222/improved_wgan_training, by their names there.

Networks compute channels-first: the vector after `Generator.Input` and the one before
`Discriminator.Output` are flattened `(C, 4, 4)` maps. There are no moving statistics, because the
original samples with the statistics of each batch; here the generator gets those of one
training-mode pass over the latents of seeds 0 to 255.
"""

import itertools
import re

from keras_gan import backend, latents
from keras_gan.checkpoints.mapping import Layout, Network, Row
from keras_gan.layers import BatchNormalization

# gan_mnist.py: number of the layer in the checkpoint and name of ours.
_MNIST_GENERATOR = {"2": "deconv1", "3": "deconv2", "5": "deconv3"}
_MNIST_CRITIC = {"1": "conv1", "2": "conv2", "3": "conv3"}


def _generator_rows(network):
    if _has(network, "deconv1"):  # gan_mnist.py
        yield from _dense(network, "Input", "input", after=True)
        for theirs, ours in _MNIST_GENERATOR.items():
            yield from _convolution(network, theirs, ours)
        return
    yield from _dense(network, "Input", "input", after=True)
    for number in _blocks(network):
        yield from _block(network, number, norm="N" if _is_small(network) else "BN")
    yield from _norm(network, "OutputN", "norm")
    yield from _convolution(network, "Output", "output")


def _critic_rows(network):
    if _has(network, "conv1"):  # gan_mnist.py
        for theirs, ours in _MNIST_CRITIC.items():
            yield from _convolution(network, theirs, ours)
    else:
        if _has(network, "input"):  # gan_64x64.py
            yield from _convolution(network, "Input", "input")
        for number in _blocks(network):
            yield from _block(network, number, norm="BN")
    # The small residual critic averages over space, so nothing is flattened.
    flattened = not (_has(network, "block1_conv1") and _is_small(network))
    yield from _dense(network, "Output", "output", before=flattened)


def _block(network, number, norm):
    theirs = f"{number}" if _is_small(network) else f"Res{number}"
    ours = f"block{number}"
    for part, name in (("Shortcut", "shortcut"), ("Conv1", "conv1"), ("Conv2", "conv2")):
        if _has(network, f"{ours}_{name}"):
            yield from _convolution(network, f"{theirs}.{part}", f"{ours}_{name}")
    for i in (1, 2):
        if _has(network, f"{ours}_norm{i}"):
            yield from _norm(network, f"{theirs}.{norm}{i}", f"{ours}_norm{i}")


def _convolution(network, theirs, ours):
    layer = network.get_layer(ours)
    yield Row(f"{theirs}.Filters", layer.kernel)
    if layer.use_bias:
        yield Row(f"{theirs}.Biases", layer.bias)


def _norm(network, theirs, ours):
    layer = network.get_layer(ours)
    yield Row(f"{theirs}.scale", layer.gamma)
    yield Row(f"{theirs}.offset", layer.beta)


def _dense(network, theirs, ours, before=False, after=False):
    """A dense layer `before` whose input, or `after` whose output, there is a 4x4 map."""
    layer = network.get_layer(ours)
    if after:
        yield Row(f"{theirs}.W", layer.kernel, (0, 2, 3, 1), (layer.kernel.shape[0], -1, 4, 4))
        yield Row(f"{theirs}.b", layer.bias, (1, 2, 0), (-1, 4, 4))
    else:
        axes, split = ((1, 2, 0, 3), (-1, 4, 4, 1)) if before else (None, None)
        yield Row(f"{theirs}.W", layer.kernel, axes, split)
        yield Row(f"{theirs}.b", layer.bias)


def _has(network, name):
    return any(layer.name == name for layer in network.layers)


def _blocks(network):
    names = {layer.name for layer in network.layers}
    return [number for number in range(1, len(names)) if f"block{number}_conv1" in names]


def _is_small(network):
    """Whether it is a network of gan_cifar_resnet.py, whose first convolutions have a bias."""
    return network.get_layer("block1_conv1").use_bias


# Sizes --------------------------------------------------------------------------------------------


def _generator_config(tensors):
    latent_dim, inner = tensors.dimensions("Input.W", 2)
    if "2.Filters" in tensors:
        channels, width = tensors.dimensions("5.Filters", 4)[2:]
        tensors.expect("2.Filters", (5, 5, 2 * width, 4 * width))
        tensors.expect("Input.W", (latent_dim, 64 * width))
        return _config("conv", 28, channels, width, latent_dim)
    channels = tensors.dimensions("Output.Filters", 4)[3]
    if numbers := _numbers(tensors, r"(\d{1,2})"):
        width = inner // 16
        filters = [width] * len(numbers)
        convolutions = [f"{number}.Conv2.Filters" for number in numbers]
    else:
        numbers = _numbers(tensors, r"Res(\d{1,2})")
        width = tensors.dimensions("Output.Filters", 4)[2]
        filters = [width * 2**stage for stage in range(len(numbers))][::-1]
        convolutions = [f"Res{number}.Conv2.Filters" for number in numbers]
    for name, count in zip(convolutions, filters, strict=True):
        tensors.expect(name, (3, 3, count, count))
    tensors.expect("Input.W", (latent_dim, 16 * filters[0]))
    return _config("resnet", 4 * 2 ** len(numbers), channels, width, latent_dim)


def _critic_config(tensors):
    if "1.Filters" in tensors:
        channels, width = tensors.dimensions("1.Filters", 4)[2:]
        tensors.expect("3.Filters", (5, 5, 2 * width, 4 * width))
        return _config("conv", 28, channels, width)
    if numbers := _numbers(tensors, r"(\d{1,2})"):
        channels, width = tensors.dimensions("1.Conv1.Filters", 4)[2:]
        for number in numbers:
            tensors.expect(f"{number}.Conv2.Filters", (3, 3, width, width))
        halvings = sum(f"{number}.Shortcut.Filters" in tensors for number in numbers)
        return _config("resnet", 8 * 2**halvings, channels, width)
    numbers = _numbers(tensors, r"Res(\d{1,2})")
    channels, width = tensors.dimensions("Input.Filters", 4)[2:]
    filters = [width * 2 ** min(stage, len(numbers) - 1) for stage in range(len(numbers) + 1)]
    for number, size in zip(numbers, itertools.pairwise(filters), strict=True):
        tensors.expect(f"Res{number}.Conv2.Filters", (3, 3, *size))
    return _config("resnet", 4 * 2 ** len(numbers), channels, width)


def _numbers(tensors, block):
    found = [re.fullmatch(block + r"\.Conv1\.Filters", name) for name in tensors]
    numbers = sorted(int(match[1]) for match in found if match)
    if block.startswith("Res") and not numbers:
        raise ValueError(
            "Neither the layers of gan_mnist.py ('Generator.2.Filters') nor residual blocks "
            "('Generator.1.Conv1.Filters', 'Generator.Res1.Conv1.Filters') are in the checkpoint."
        )
    return numbers


def _config(architecture, side, channels, width, latent_dim=None):
    config = {"image_shape": (side, side, channels), "architecture": architecture, "width": width}
    return config if latent_dim is None else {**config, "latent_dim": latent_dim}


# Statistics ---------------------------------------------------------------------------------------


def _moving_statistics(network):
    return [v for norm in _batch_norms(network) for v in (norm.moving_mean, norm.moving_variance)]


def _set_standing_statistics(network):
    """Moving statistics := those of one training-mode pass over the latents of seeds 0 to 255."""
    norms = _batch_norms(network)
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    z = latents.from_seeds(list(range(256)), network.input_shape[-1])
    try:
        for norm in norms:
            norm.momentum = 0.0
        backend.detached(lambda: network(z, training=True))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def _batch_norms(network):
    return [layer for layer in network.layers if isinstance(layer, BatchNormalization)]


IMPROVED = Layout(
    name="wgan_gp_improved",
    model="WGANGP",
    signature=("Input.W", "Output.W"),
    network_of=lambda names: "discriminator" if "Output.W" in names else "generator",
    generator=Network(_generator_config, _generator_rows),
    discriminator=Network(_critic_config, _critic_rows),
    computed=_moving_statistics,
    finish=_set_standing_statistics,
)
