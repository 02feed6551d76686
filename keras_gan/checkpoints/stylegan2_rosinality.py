"""StyleGAN2 in rosinality/stylegan2-pytorch: tensors brought to the names of the authors."""

import re

import numpy as np

from keras_gan.checkpoints import stylegan2
from keras_gan.checkpoints.mapping import Layout, Network, Tensors, without_leading
from keras_gan.latents import from_seeds

_MAPPING_RATE = 0.01
_MAX_SIDE = 1024
_MAX_LATENT_DIM = 4096
# What stands in the layers' places, and how many leading axes of one entry it has more.
_SYNTHESIS = {
    "conv.weight": ("weight", 1),
    "conv.modulation.weight": ("affine.weight", 0),
    "conv.modulation.bias": ("affine.bias", 0),
    "noise.weight": ("noise_strength", 1),
    "activate.bias": ("bias", 0),
}
_DISCRIMINATOR = {
    "conv1.0.weight": "conv0.weight",
    "conv1.1.bias": "conv0.bias",
    "conv2.1.weight": "conv1.weight",
    "conv2.2.bias": "conv1.bias",
    "skip.1.weight": "skip.weight",
}
_EPILOGUE = {
    "final_conv.0.weight": "b4.conv.weight",
    "final_conv.1.bias": "b4.conv.bias",
    "final_linear.0.weight": "b4.fc.weight",
    "final_linear.0.bias": "b4.fc.bias",
    "final_linear.1.weight": "b4.out.weight",
    "final_linear.1.bias": "b4.out.bias",
}


def to_pytorch(parts):
    """The networks with the names and axes of NVIDIA's PyTorch networks.

    The average of w, which all generators share, lies beside them; so do the optimizers of a
    training's checkpoint.
    """
    parts = dict(parts)
    beside = parts.pop(None, {})
    average = beside.get("latent_avg")
    network = {
        name: tensor
        for name, tensor in beside.items()
        if name != "latent_avg" and not name.startswith(("g_optim.", "d_optim."))
    }
    if network:
        parts[None] = network
    return {role: _network_to_pytorch(part, average) for role, part in parts.items()}


def _network_to_pytorch(tensors, average):
    stylegan2.check_filters(tensors, ".kernel", gains=(1, 4))
    blocks = [name for name in tensors if re.fullmatch(r"convs\.\d{1,2}\.conv1\.0\.weight", name)]
    largest = 4 * 2 ** len(blocks)
    native = Tensors()
    for name, tensor in tensors.items():
        if not name.endswith(".kernel"):
            new, leading = _name_in_pytorch(name, largest)
            tensor = without_leading(name, tensor, leading)
            native[new] = tensor.reshape(-1) if new.endswith(".torgb.bias") else tensor
    if "style.1.weight" in tensors:
        native["mapping.w_avg"] = _mean_style(native) if average is None else average
        _add_noise(native)
    return native


def _name_in_pytorch(name, largest):
    """The name in PyTorch, and how many leading axes of one entry it has not there."""
    if match := re.fullmatch(r"style\.(\d{1,2})\.(weight|bias)", name):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}", 0
    if name == "input.input":
        return "synthesis.b4.const", 1
    if match := re.fullmatch(r"conv1\.(.+)", name):
        new, leading = _SYNTHESIS.get(match[1], (match[1], 0))
        return f"synthesis.b4.conv1.{new}", leading
    if match := re.fullmatch(r"to_rgb(?:1|s\.(\d{1,2}))\.(.+)", name):
        resolution = 4 if match[1] is None else 8 * 2 ** int(match[1])
        new, leading = _SYNTHESIS.get(match[2], (match[2], 0))
        return f"synthesis.b{resolution}.torgb.{new}", leading
    if match := re.fullmatch(r"noises\.noise_(\d{1,2})", name):
        return stylegan2.noise_name(int(match[1])), 2
    if name in ("convs.0.0.weight", "convs.0.1.bias"):
        return f"b{largest}.fromrgb.{name.rpartition('.')[2]}", 0
    if match := re.fullmatch(r"convs\.(\d{1,2})\.(.+)", name):
        number, part = int(match[1]), match[2]
        if part in _SYNTHESIS:
            new, leading = _SYNTHESIS[part]
            return f"synthesis.b{8 * 2 ** (number // 2)}.conv{number % 2}.{new}", leading
        if part in _DISCRIMINATOR and number:
            return f"b{largest // 2 ** (number - 1)}.{_DISCRIMINATOR[part]}", 0
    return _EPILOGUE.get(name, name), 0


def _mean_style(tensors):
    """The average w of the latents of seeds 0 to 4095, where a training's checkpoint has none."""
    latent_dim = tensors.dimensions("mapping.fc0.weight", 2)[1]
    if latent_dim > _MAX_LATENT_DIM:
        raise ValueError(f"Latents have at most {_MAX_LATENT_DIM} entries. Received: {latent_dim}")
    w = from_seeds(list(range(4096)), latent_dim)
    w = w / np.sqrt(np.mean(w**2, axis=1, keepdims=True) + 1e-8)
    i = 0
    while f"mapping.fc{i}.weight" in tensors:
        weight, bias = tensors[f"mapping.fc{i}.weight"], tensors[f"mapping.fc{i}.bias"]
        w = w @ (weight.T * (_MAPPING_RATE / np.sqrt(weight.shape[1]))) + bias * _MAPPING_RATE
        w = np.where(w < 0, 0.2 * w, w) * np.sqrt(2)
        i += 1
    return w.mean(axis=0).astype("float32")


def _add_noise(tensors):
    """Noise maps where there are none: older networks drew them whenever they were called."""
    for name in [name for name in tensors if name.endswith(".noise_strength")]:
        noise = name.replace("noise_strength", "noise_const")
        side = int(re.match(r"synthesis\.b(\d+)", name)[1])
        if side > _MAX_SIDE:
            raise ValueError(f"These networks have at most {_MAX_SIDE} px. Received: '{name}'")
        if noise not in tensors:
            drawn = np.random.RandomState(side).standard_normal((side, side))
            tensors[noise] = drawn.astype("float32")


def _generator_config(tensors):
    return {**stylegan2.generator_config(tensors), "clamp": None, "mapping_rate": _MAPPING_RATE}


def _discriminator_config(tensors):
    return {**stylegan2.discriminator_config(tensors), "clamp": None, "group_size": 4}


ROSINALITY = Layout(
    name="stylegan2_rosinality",
    model="StyleGAN2",
    signature=("style.1.weight", "final_linear.0.weight"),
    network_of=stylegan2.network_of,
    generator=Network(_generator_config, stylegan2.generator_rows),
    discriminator=Network(_discriminator_config, stylegan2.discriminator_rows),
    own=stylegan2.OWN,
    prepare=to_pytorch,
)
