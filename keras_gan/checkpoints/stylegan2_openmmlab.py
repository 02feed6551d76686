"""StyleGAN2 in OpenMMLab's MMGeneration and MMagic: the modules of rosinality's, renamed."""

import re

import numpy as np

from keras_gan.checkpoints import stylegan2, stylegan2_rosinality
from keras_gan.checkpoints.mapping import Layout, Tensors

# What the parts of a name are called there, in this order.
_NAMES = (
    (r"^style_mapping\.", "style."),
    (r"^constant_input\.", "input."),
    (r"^injected_noise_", "noises.noise_"),
    (r"\.noise_injector\.", ".noise."),
    (r"\.style_modulation\.", ".modulation."),
    # The parameters of layers with an equalized learning rate: those of the discriminator's
    # convolutions and of all dense layers lie in a module of their own.
    (r"^(convs\.\d+\.\w+(?:\.\d+)?|final_conv\.\d+)\.conv\.weight_orig$", r"\1.weight"),
    (r"\.(?:linear\.)?weight_orig$", ".weight"),
)


def _to_pytorch(parts):
    """The networks with the names and axes of NVIDIA's PyTorch networks."""
    renamed = {
        role: Tensors({_rename(name): tensor for name, tensor in tensors.items()})
        for role, tensors in parts.items()
    }
    return {
        role: Tensors({name: _to_rgb(name, tensor) for name, tensor in tensors.items()})
        for role, tensors in stylegan2_rosinality.to_pytorch(renamed).items()
    }


def _rename(name):
    for pattern, replacement in _NAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _to_rgb(name, tensor):
    """Their images are loaded by OpenCV: blue comes first."""
    if re.search(r"\.torgb\.(weight|bias)$", name):
        return np.ascontiguousarray(tensor[::-1])
    if name.endswith(".fromrgb.weight"):
        return np.ascontiguousarray(tensor[:, ::-1])
    return tensor


OPENMMLAB = Layout(
    name="stylegan2_openmmlab",
    model="StyleGAN2",
    signature=("style_mapping.1.bias", "final_linear.0.linear.weight_orig"),
    network_of=stylegan2.network_of,
    generator=stylegan2_rosinality.ROSINALITY.generator,
    discriminator=stylegan2_rosinality.ROSINALITY.discriminator,
    own=stylegan2.OWN,
    # The average's count of updates.
    ignored=("steps",),
    prepare=_to_pytorch,
)
