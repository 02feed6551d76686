"""StyleGAN2's networks as their authors store them."""

import re

from keras_gan.checkpoints.mapping import TORCH_CONV, Layout, Network, Row

# ConvTranspose2d's kernel is stored as a convolution's, (out, in, h, w): not flipped.
_UPSAMPLING = (2, 3, 0, 1)


# What the tensors tell ----------------------------------------------------------------------------


def _generator_config(tensors):
    channels, height, width = tensors.dimensions("synthesis.b4.const", 3)
    resolutions = _resolutions(tensors, r"synthesis\.b(\d+)\.")
    last = f"synthesis.b{resolutions[-1]}"
    image_channels, _, _, _ = tensors.dimensions(f"{last}.torgb.weight", 4)
    _, style_dim = tensors.dimensions("synthesis.b4.conv1.affine.weight", 2)
    widths = [channels]
    for resolution in resolutions[1:]:
        filters = tensors.dimensions(f"synthesis.b{resolution}.conv1.weight", 4)[0]
        tensors.expect(f"synthesis.b{resolution}.conv0.weight", (filters, widths[-1], 3, 3))
        widths.append(filters)
    tensors.expect("synthesis.b4.conv1.weight", (channels, channels, 3, 3))
    architecture = "skip" if "synthesis.b4.torgb.weight" in tensors else "orig"
    if "synthesis.b8.skip.weight" in tensors:
        architecture = "resnet"
    scale = 2 ** (len(resolutions) - 1)
    mapping = _mapping_config(tensors)
    layers = mapping.pop("layers")
    config = {
        "image_shape": (height * scale, width * scale, image_channels),
        **_width_config(widths),
        "style_dim": style_dim,
        "mapping_layers": layers,
        "generator_architecture": architecture,
        "use_noise": "synthesis.b4.conv1.noise_strength" in tensors,
        **mapping,
    }
    first = tensors.dimensions("mapping.fc0.weight", 2)
    if layers > 1:
        config["hidden_dim"] = first[0]
    config["latent_dim"] = first[1] - (config.get("embedding_dim") or 0)
    return config


def _discriminator_config(tensors):
    resolutions = _resolutions(tensors, r"b(\d+)\.")
    first = f"b{resolutions[-1]}.fromrgb.weight"
    filters, image_channels, _, _ = tensors.dimensions(first, 4)
    widths = [filters]
    for resolution in resolutions[:0:-1]:
        tensors.expect(f"b{resolution}.conv0.weight", (widths[0], widths[0], 3, 3))
        outputs, inputs, _, _ = tensors.dimensions(f"b{resolution}.conv1.weight", 4)
        tensors.expect(f"b{resolution}.conv1.weight", (outputs, widths[0], 3, 3))
        widths.insert(0, outputs)
    outputs, inputs, _, _ = tensors.dimensions("b4.conv.weight", 4)
    architecture = "skip" if "b4.fromrgb.weight" in tensors else "orig"
    if f"b{resolutions[-1]}.skip.weight" in tensors:
        architecture = "resnet"
    config = {
        **_width_config(widths),
        "discriminator_architecture": architecture,
        "num_deviations": inputs - outputs,
    }
    _, pixels = tensors.dimensions("b4.fc.weight", 2)
    if pixels == 16 * outputs:
        # Other bases do not tell which side is the longer one; the generator does.
        side = 4 * 2 ** (len(resolutions) - 1)
        config["image_shape"] = (side, side, image_channels)
    mapping = _mapping_config(tensors)
    config["num_classes"] = mapping["num_classes"]
    if mapping["num_classes"] is not None:
        config["projection_dim"] = tensors.dimensions("b4.out.weight", 2)[0]
        config["projection_layers"] = mapping["layers"]
    return config


def _mapping_config(tensors):
    config = {"num_classes": None, "layers": len(_numbers(tensors, r"mapping\.fc(\d+)\.weight"))}
    if "mapping.embed.weight" in tensors:
        embedding_dim, num_classes = tensors.dimensions("mapping.embed.weight", 2)
        config.update(num_classes=num_classes, embedding_dim=embedding_dim)
    return config


def _width_config(widths):
    """The arguments that give maps of 4, 8, ... px these channels."""
    largest = max(widths)
    # The smallest that is enough for each resolution: more may leave others too wide.
    base = max(width * 4 * 2**i for i, width in enumerate(widths))
    if [min(base // (4 * 2**i), largest) for i in range(len(widths))] != widths:
        raise ValueError(
            "The channels of StyleGAN2's maps are min(channel_base / resolution, channel_max). "
            f"Received tensors of maps with {widths} channels, from 4 px."
        )
    return {"channel_base": base, "channel_max": largest}


def _resolutions(tensors, pattern):
    found = _numbers(tensors, pattern)
    if len(found) < 2 or found != [4 * 2**i for i in range(len(found))]:
        raise ValueError(
            "StyleGAN2's networks have blocks of 4, 8, 16, ... px. Received tensors of blocks of "
            f"{found[:16]} px."
        )
    return found


def _numbers(tensors, pattern):
    matches = (re.match(pattern, name) for name in tensors)
    return sorted({int(match[1]) for match in matches if match and len(match[1]) < 6})


# Where they belong --------------------------------------------------------------------------------


def _generator_rows(network):
    yield from mapping_rows(network.mapping)
    yield Row("mapping.w_avg", network.mapping.average)
    for block in network.synthesis.blocks:
        name = f"synthesis.b{block.resolution}"
        if block.const is not None:
            yield Row(f"{name}.const", block.const, (1, 2, 0))
        for part, layer in (("conv0", block.conv0), ("conv1", block.conv1)):
            if layer is not None:
                axes = _UPSAMPLING if part == "conv0" else TORCH_CONV
                yield from _modulated_rows(f"{name}.{part}", layer, axes)
                if layer.use_noise:
                    yield Row(f"{name}.{part}.noise_strength", layer.noise_strength)
                    yield Row(f"{name}.{part}.noise_const", layer.noise_const)
        if block.torgb is not None:
            yield from _modulated_rows(f"{name}.torgb", block.torgb, TORCH_CONV)
        if block.skip is not None:
            yield Row(f"{name}.skip.weight", block.skip.kernel, TORCH_CONV)


def _modulated_rows(name, layer, axes):
    yield Row(f"{name}.weight", layer.kernel, axes)
    yield Row(f"{name}.bias", layer.bias)
    yield from _dense_rows(f"{name}.affine", layer.affine)


def _discriminator_rows(network):
    if network.mapping is not None:
        yield from mapping_rows(network.mapping)
    for block in network.blocks:
        for layer in block.parts:
            yield from _convolution_rows(f"b{block.resolution}.{layer.name}", layer)
    epilogue = network.epilogue
    if epilogue.fromrgb is not None:
        yield from _convolution_rows("b4.fromrgb", epilogue.fromrgb)
    yield from _convolution_rows("b4.conv", epilogue.conv)
    # Maps are flattened with the channels last here, and first there.
    shape = (epilogue.conv.filters, *epilogue.sides, epilogue.dense.units)
    yield Row("b4.fc.weight", epilogue.dense.kernel, (1, 2, 0, 3), shape, linear=True)
    yield Row("b4.fc.bias", epilogue.dense.bias)
    yield from _dense_rows("b4.out", epilogue.output_dense)


def mapping_rows(mapping):
    """The rows of a `StyleMapping`, without its average."""
    if mapping.embed is not None:
        yield from _dense_rows("mapping.embed", mapping.embed)
    for i, layer in enumerate(mapping.dense):
        yield from _dense_rows(f"mapping.fc{i}", layer)


def _dense_rows(name, layer):
    yield Row(f"{name}.weight", layer.kernel, linear=True)
    yield Row(f"{name}.bias", layer.bias)


def _convolution_rows(name, layer):
    yield Row(f"{name}.weight", layer.kernel, TORCH_CONV)
    if layer.bias is not None:
        yield Row(f"{name}.bias", layer.bias)


def _network_of(names):
    return "generator" if "synthesis.b4.const" in names else "discriminator"


OFFICIAL = Layout(
    name="stylegan2_ada_pytorch",
    model="StyleGAN2",
    signature=("synthesis.b4.const", "b4.out.weight"),
    network_of=_network_of,
    generator=Network(_generator_config, _generator_rows),
    discriminator=Network(_discriminator_config, _discriminator_rows),
    # Constants: the taps (1, 3, 3, 1).
    ignored=(".resample_filter",),
)
