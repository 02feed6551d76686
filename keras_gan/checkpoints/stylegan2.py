"""StyleGAN2's networks as their authors store them, in state dicts or network pickles."""

import re

import numpy as np

from keras_gan.checkpoints.mapping import TORCH_CONV, Layout, Network, Row

_TAPS = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
_FILTER = ".resample_filter"
# ConvTranspose2d's kernel is stored as a convolution's, (out, in, h, w): not flipped.
_UPSAMPLING = (2, 3, 0, 1)


# What the tensors tell ----------------------------------------------------------------------------


def generator_config(tensors):
    """The constructor's arguments that a generator's tensors tell."""
    if any(name.startswith(("synthesis.input.", "synthesis.L0_")) for name in tensors):
        raise ValueError("The generator is one of StyleGAN3, which is another network.")
    check_filters(tensors, _FILTER, gains=(1,))
    channels, height, width = tensors.dimensions("synthesis.b4.const", 3)
    resolutions = _resolutions(tensors, r"synthesis\.b(\d+)\.")
    last = f"synthesis.b{resolutions[-1]}"
    image_channels, _, _, _ = tensors.dimensions(f"{last}.torgb.weight", 4)
    _, style_dim = tensors.dimensions("synthesis.b4.conv1.affine.weight", 2)
    widths = [channels]
    for resolution in resolutions[1:]:
        filters = tensors.dimensions(f"synthesis.b{resolution}.conv1.weight", 4)[0]
        widths.append(filters)
    architecture = "skip" if "synthesis.b4.torgb.weight" in tensors else "orig"
    if "synthesis.b8.skip.weight" in tensors:
        architecture = "resnet"
    scale = 2 ** (len(resolutions) - 1)
    use_noise = "synthesis.b4.conv1.noise_strength" in tensors
    for i, resolution in enumerate(resolutions):
        for part, inputs in (("conv0", widths[max(i - 1, 0)]), ("conv1", widths[i])):
            if i == 0 and part == "conv0":
                continue
            at = f"synthesis.b{resolution}.{part}"
            tensors.expect(f"{at}.weight", (widths[i], inputs, 3, 3))
            tensors.expect(f"{at}.affine.weight", (inputs, style_dim))
            if use_noise:
                tensors.expect(f"{at}.noise_const", (height * 2**i, width * 2**i))
    mapping = _mapping_config(tensors, style_dim)
    layers = mapping.pop("layers")
    config = {
        "image_shape": (height * scale, width * scale, image_channels),
        **_width_config(widths),
        "style_dim": style_dim,
        "mapping_layers": layers,
        "generator_architecture": architecture,
        "use_noise": use_noise,
        **mapping,
    }
    inputs = tensors.dimensions("mapping.fc0.weight", 2)[1] if layers else style_dim
    config["latent_dim"] = inputs - (config.get("embedding_dim") or 0)
    return config


def discriminator_config(tensors):
    """The constructor's arguments that a discriminator's tensors tell."""
    check_filters(tensors, _FILTER, gains=(1,))
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
    tensors.expect("b4.conv.weight", (widths[0], inputs, 3, 3))
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
    projection_dim = tensors.dimensions("b4.out.weight", 2)[0]
    tensors.expect("b4.out.weight", (projection_dim, outputs))
    mapping = _mapping_config(tensors, projection_dim)
    config["num_classes"] = mapping["num_classes"]
    if mapping["num_classes"] is not None:
        config["projection_dim"] = projection_dim
        config["projection_layers"] = mapping["layers"]
        for name in ("embedding_dim", "hidden_dim"):
            if mapping.get(name, projection_dim) != projection_dim:
                config[f"projection_{name}"] = mapping[name]
    return config


def _mapping_config(tensors, style_dim):
    layers = _numbers(tensors, r"mapping\.fc(\d+)\.weight")
    if layers != list(range(len(layers))):
        raise ValueError(f"The layers 'mapping.fc<i>' are not those from 0 on: {layers[:16]}")
    config = {"num_classes": None, "layers": len(layers)}
    if len(layers) > 1:
        config["hidden_dim"] = tensors.dimensions("mapping.fc0.weight", 2)[0]
    for i in layers:
        inputs = tensors.dimensions(f"mapping.fc{max(i - 1, 0)}.weight", 2)[0 if i else 1]
        units = style_dim if i == layers[-1] else config["hidden_dim"]
        tensors.expect(f"mapping.fc{i}.weight", (units, inputs))
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


def generator_rows(network):
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


def discriminator_rows(network):
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


def _generator_filters(network):
    """What a state dict holds beside the weights: the filter of each block and convolution."""
    parts = [
        (f"synthesis.b{block.resolution}{part}", layer)
        for block in network.synthesis.blocks
        for part, layer in (
            ("", block),
            (".conv0", block.conv0),
            (".conv1", block.conv1),
            (".skip", block.skip),
        )
    ]
    return _filters(name for name, layer in parts if layer is not None)


def _discriminator_filters(network):
    blocks = [f"b{block.resolution}" for block in network.blocks]
    layers = [
        f"b{block.resolution}.{layer.name}" for block in network.blocks for layer in block.parts
    ]
    first = [] if network.epilogue.fromrgb is None else ["b4.fromrgb"]
    return _filters([*blocks, *layers, *first, "b4.conv"])


def _filters(names):
    return {f"{name}{_FILTER}": _TAPS.astype("float32") for name in names}


# What a network pickle tells besides --------------------------------------------------------------

# The class of a module, by its path.
_GENERATOR_CLASSES = {
    "": "Generator",
    "mapping": "MappingNetwork",
    r"synthesis\.b\d+": "SynthesisBlock",
    r"synthesis\.b\d+\.conv[01]": "SynthesisLayer",
    r"synthesis\.b\d+\.torgb": "ToRGBLayer",
}
_DISCRIMINATOR_CLASSES = {
    "": "Discriminator",
    "mapping": "MappingNetwork",
    r"b(?!4$)\d+": "DiscriminatorBlock",
    "b4": "DiscriminatorEpilogue",
}


def _described_generator_config(tensors):
    described = tensors.attributes
    if not described:
        return generator_config(tensors)
    _check_classes(described, _GENERATOR_CLASSES)
    config = generator_config(tensors)
    check_stated(
        described[""],
        z_dim=config["latent_dim"],
        c_dim=config["num_classes"] or 0,
        w_dim=config["style_dim"],
        img_resolution=config["image_shape"][0],
        img_channels=config["image_shape"][2],
    )
    layers = _modules(described, r"synthesis\.b\d+\.conv[01]")
    _one_value(layers, "activation", expected="lrelu")
    layers += _modules(described, r"synthesis\.b\d+\.torgb")
    config.update(_one_value(layers, "conv_clamp", "clamp"))
    config.update(_one_value(_modules(described, "mapping"), "w_avg_beta", "average_decay"))
    return {**config, **_mapping_rate(described, "mapping_rate")}


def _described_discriminator_config(tensors):
    described = tensors.attributes
    if not described:
        return discriminator_config(tensors)
    _check_classes(described, _DISCRIMINATOR_CLASSES)
    config = discriminator_config(tensors)
    largest = max(_numbers(tensors, r"b(\d+)\.conv0\.weight"))
    check_stated(
        described[""],
        c_dim=config["num_classes"] or 0,
        img_resolution=largest,
        img_channels=tensors[f"b{largest}.fromrgb.weight"].shape[1],
    )
    layers = _modules(described, r"b\d+\.conv[01]?")
    _one_value(layers, "activation", expected="lrelu")
    config.update(_one_value(layers, "conv_clamp", "clamp"))
    if "b4.mbstd" in described:
        check_stated(described["b4.mbstd"], num_channels=config["num_deviations"])
        config.update(_one_value([described["b4.mbstd"]], "group_size", "group_size"))
    return {**config, **_mapping_rate(described, "projection_rate")}


def _mapping_rate(described, argument):
    layers = _modules(described, r"mapping\.fc\d+")
    _one_value(layers, "activation", expected="lrelu")
    return _one_value(layers, "bias_gain", argument)


def _check_classes(described, classes):
    for pattern, expected in classes.items():
        for path in described:
            received = described[path].get("class_name")
            if re.fullmatch(pattern, path) and received != expected:
                raise ValueError(
                    f"The {path or 'network'} is a {received!r:.100}; in StyleGAN2 it is a "
                    f"{expected}."
                )
    missing = [path for path in classes if path in ("", "b4") and path not in described]
    if missing:
        raise ValueError(f"The network's description lacks {missing}.")


def _modules(described, pattern):
    return [described[path] for path in described if re.fullmatch(pattern, path)]


def _one_value(modules, name, argument=None, expected=None):
    """The value that all `modules` state under `name`, as a dict with one argument, or none."""
    values = [module[name] for module in modules if name in module]
    if expected is not None:
        values = [value for value in values if value != expected]
        if values:
            raise ValueError(f"Layers have the {name} {values[0]!r:.100}, not {expected!r}.")
        return {}
    if any(value != values[0] for value in values):
        raise ValueError(f"Layers have different {name}: {values[:8]!r:.200}")
    return {argument: values[0]} if values else {}


def check_stated(stated, **derived):
    """Raise unless what is stated under these names, if anything, has these values."""
    for name, value in derived.items():
        if stated.get(name, value) != value:
            raise ValueError(
                f"The network states {name}={stated[name]!r:.100}, but it must be {value!r}."
            )


def check_filters(tensors, end, gains):
    """Raise unless all tensors whose names end so are the filter that the networks have here."""
    for name, tensor in tensors.items():
        if name.endswith(end) and not (
            tensor.shape == _TAPS.shape
            and any(np.allclose(tensor, gain * _TAPS, rtol=0, atol=1e-5) for gain in gains)
        ):
            raise ValueError(f"'{name}' is another filter than that of [1, 3, 3, 1].")


def noise_name(index):
    """The name of the noise map of this number, counted from the smallest on."""
    block, convolution = divmod(index + 5, 2)
    return f"synthesis.b{2**block}.conv{convolution}.noise_const"


def network_of(names):
    """Which network has these tensors."""
    return "discriminator" if "b4.out.weight" in names else "generator"


# What a discriminator may have other than its generator.
OWN = {
    "channel_base": ("discriminator_channel_base", None),
    "channel_max": ("discriminator_channel_max", None),
    "clamp": ("discriminator_clamp", "generator"),
}
OFFICIAL = Layout(
    name="stylegan2_ada_pytorch",
    model="StyleGAN2",
    # StyleGAN3's generator is recognised, and refused by name.
    signature=("synthesis.b4.const", "b4.out.weight", "synthesis.input.*"),
    network_of=network_of,
    generator=Network(_described_generator_config, generator_rows, _generator_filters),
    discriminator=Network(
        _described_discriminator_config, discriminator_rows, _discriminator_filters
    ),
    own=OWN,
    # Constants: the taps (1, 3, 3, 1).
    ignored=(_FILTER,),
)
