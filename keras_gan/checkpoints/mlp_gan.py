"""Checkpoints of the GANs of dense layers: PyTorch-GAN's state dicts, and the paper's own model."""

import re

from keras import layers

from keras_gan.checkpoints.mapping import Layout, Network, Row
from keras_gan.layers import BatchNormalization, Maxout

# github.com/eriklindernoren/PyTorch-GAN, gan.py ---------------------------------------------------


def generator_rows(network):
    """The `Row`s of a generator of dense layers: `model.0`, then Linear, norm, activation."""
    found = dense_layers(network)
    indices = [0, *range(2, 3 * len(found) - 3, 3)]
    yield from linear_rows(found, indices)
    norms = [layer for layer in network.layers if isinstance(layer, BatchNormalization)]
    for number, layer in enumerate(norms):
        at = f"model.{3 + 3 * number}"
        yield Row(f"{at}.weight", layer.gamma)
        yield Row(f"{at}.bias", layer.beta)
        yield Row(f"{at}.running_mean", layer.moving_mean)
        yield Row(f"{at}.running_var", layer.moving_variance)


def linear_rows(found, indices):
    """The `Row`s of dense layers at the indices of a `Sequential` called `model`."""
    for index, layer in zip(indices, found, strict=True):
        yield Row(f"model.{index}.weight", layer.kernel, linear=True)
        yield Row(f"model.{index}.bias", layer.bias)


def dense_layers(network):
    """The dense layers of a network, in order."""
    return [layer for layer in network.layers if isinstance(layer, layers.Dense)]


def linear_sizes(tensors):
    """`(inputs, units)`: the first layer's inputs and the units of all but the last."""
    indices = sorted(
        int(match[1])
        for name, tensor in tensors.items()
        if (match := re.fullmatch(r"model\.(\d{1,3})\.weight", name)) and tensor.ndim == 2
    )
    if len(indices) < 2:
        raise ValueError(
            "A network of dense layers has at least two matrices 'model.<number>.weight'. "
            f"Received: {len(indices)}"
        )
    sizes = [tensors.dimensions(f"model.{index}.weight", 2) for index in indices]
    for index, (units, _), (_, inputs) in zip(indices[1:], sizes, sizes[1:], strict=False):
        if inputs != units:
            raise ValueError(
                f"'model.{index}.weight' takes {inputs} inputs, but the layer before has {units} "
                "units."
            )
    return sizes[0][1], tuple(units for units, _ in sizes[:-1])


def _generator_config(tensors):
    latent_dim, units = linear_sizes(tensors)
    return {"latent_dim": latent_dim, "generator_units": units}


def _discriminator_rows(network):
    found = dense_layers(network)
    yield from linear_rows(found, range(0, 2 * len(found), 2))


def _discriminator_config(tensors):
    return {"discriminator_units": linear_sizes(tensors)[1]}


PYTORCH_GAN = Layout(
    name="mlp_gan_pytorch_gan",
    model="MLPGAN",
    signature=("model.0.weight",),
    absent=("label_emb.weight", "label_embedding.weight"),
    network_of=lambda tensors: (
        "generator" if "model.3.running_mean" in tensors else "discriminator"
    ),
    generator=Network(_generator_config, generator_rows),
    discriminator=Network(_discriminator_config, _discriminator_rows),
    defaults={"batch_norm_epsilon": 0.8},
    # PyTorch's count of batches only matters for a momentum of None.
    ignored=(".num_batches_tracked",),
)

# github.com/goodfeli/adversarial, mnist.yaml ------------------------------------------------------


def _maxout_rows(network):
    found = [layer for layer in network.layers if isinstance(layer, (layers.Dense, Maxout))]
    for number, layer in enumerate(found):
        name = "y" if number == len(found) - 1 else f"h{number}"
        yield Row(f"{name}.W", layer.kernel)
        yield Row(f"{name}.b", layer.bias)


def _hidden_sizes(tensors):
    """`(inputs, columns)` of each hidden layer, and the inputs of the last one."""
    count = sum(re.fullmatch(r"h\d{1,3}\.W", name) is not None for name in tensors)
    sizes = [tensors.dimensions(f"h{number}.W", 2) for number in range(count)]
    return sizes, tensors.dimensions("y.W", 2)[0]


def _relu_generator_config(tensors):
    sizes, _ = _hidden_sizes(tensors)
    units = tuple(columns for _, columns in sizes)
    for number, inputs in enumerate(units[:-1], 1):
        tensors.expect(f"h{number}.W", (inputs, units[number]))
    return {"latent_dim": sizes[0][0], "generator_units": units}


def _maxout_discriminator_config(tensors):
    sizes, last = _hidden_sizes(tensors)
    # The next layer's inputs tell the units, and so the pieces of which each is the largest.
    units = (*(inputs for inputs, _ in sizes[1:]), last)
    pieces = sizes[0][1] // units[0]
    for number, (count, (inputs, _)) in enumerate(zip(units, sizes, strict=True)):
        tensors.expect(f"h{number}.W", (inputs, pieces * count))
    return {"discriminator_units": units, "pieces": pieces}


PYLEARN2 = Layout(
    name="maxout_gan_pylearn2",
    model="MaxoutGAN",
    signature=("h0.W",),
    network_of=lambda tensors: (
        "discriminator" if "y.b" in tensors and tensors["y.b"].shape == (1,) else "generator"
    ),
    generator=Network(_relu_generator_config, _maxout_rows),
    discriminator=Network(_maxout_discriminator_config, _maxout_rows),
)
