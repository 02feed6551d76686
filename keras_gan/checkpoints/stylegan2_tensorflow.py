"""StyleGAN2 and StyleGAN2-ADA in TensorFlow: variables brought to the names of PyTorch."""

import re

from keras_gan.checkpoints import stylegan2
from keras_gan.checkpoints.mapping import Layout, Network, Tensors, without_leading

# A layer's path there and here.
_LAYERS = {
    r"(?:mapping/)?LabelEmbed": "mapping.embed",
    r"(?:mapping/Dense|Mapping)(\d+)": r"mapping.fc\1",
    r"synthesis/(\d+)x\1/Conv0_up": r"synthesis.b\1.conv0",
    r"synthesis/(\d+)x\1/Conv1?": r"synthesis.b\1.conv1",
    r"synthesis/(\d+)x\1/ToRGB": r"synthesis.b\1.torgb",
    r"synthesis/(\d+)x\1/Skip": r"synthesis.b\1.skip",
    r"(\d+)x\1/FromRGB": r"b\1.fromrgb",
    r"(\d+)x\1/Conv0": r"b\1.conv0",
    r"(\d+)x\1/Conv1_down": r"b\1.conv1",
    r"(\d+)x\1/Skip": r"b\1.skip",
    r"4x4/Conv": "b4.conv",
    r"4x4/Dense0": "b4.fc",
    r"Output": "b4.out",
}
_REFUSED = {
    "LabelConcat": "the class is put beside the latent before both are normalised",
    "ToRGB_lod": "it grows progressively (configurations A to D)",
    "FromRGB_lod": "it grows progressively (configurations A to D)",
}
# How many images are compared where it is not stated: all in the later release.
_GROUP_SIZES = {"D_stylegan2": 4, "D_main": None}
# Learning rate multipliers of the mapping networks, where no other is stated.
_GENERATOR_RATE = 0.01
_DISCRIMINATOR_RATE = 0.1


def _to_pytorch(parts):
    """The networks with the names and axes of NVIDIA's PyTorch networks."""
    return {role: _network_to_pytorch(tensors) for role, tensors in parts.items()}


def _network_to_pytorch(tensors):
    for name in tensors:
        for part, reason in _REFUSED.items():
            if part in name:
                raise ValueError(f"The TensorFlow network has '{name}': {reason}. It is not read.")
    # The level of detail is a constant of networks that have grown.
    used = [name for name in tensors if name.rpartition("/")[2] != "lod"]
    native = dict(_variable_to_pytorch(name, tensors[name]) for name in used)
    if len(native) != len(used):
        raise ValueError("Two variables of the TensorFlow network are of one name in PyTorch.")
    return Tensors(native, tensors.attributes)


def _variable_to_pytorch(name, tensor):
    """The name and the tensor in PyTorch; the same where there is none."""
    if name == "dlatent_avg":
        return "mapping.w_avg", tensor
    if name == "synthesis/4x4/Const/const":
        return "synthesis.b4.const", without_leading(name, tensor, 1)
    if match := re.fullmatch(r"synthesis/noise(\d{1,2})", name):
        return stylegan2.noise_name(int(match[1])), without_leading(name, tensor, 2)
    layer, _, part = name.rpartition("/")
    for pattern, path in _LAYERS.items():
        if match := re.fullmatch(pattern, layer):
            at = match.expand(path)
            if part == "mod_weight":
                return f"{at}.affine.weight", tensor.T
            if part == "mod_bias":
                return f"{at}.affine.bias", tensor + 1
            if part != "weight" or tensor.ndim != 4:
                return f"{at}.{part}", tensor.T
            # Convolutions that double the sides have mirrored kernels there.
            kernel = tensor[::-1, ::-1] if layer.endswith("Conv0_up") else tensor
            return f"{at}.weight", kernel.transpose(3, 2, 0, 1)
    return name, tensor


def _generator_config(tensors):
    return {
        **stylegan2.generator_config(tensors),
        **_described(tensors, mapping_rate=_GENERATOR_RATE),
    }


def _discriminator_config(tensors):
    config = {
        **stylegan2.discriminator_config(tensors),
        **_described(tensors, projection_rate=_DISCRIMINATOR_RATE),
    }
    function = tensors.attributes.get("", {}).get("build_func_name")
    if "mbstd_group_size" in _stated(tensors):
        config["group_size"] = _stated(tensors)["mbstd_group_size"]
    elif function in _GROUP_SIZES:
        config["group_size"] = _GROUP_SIZES[function]
    return config


def _described(tensors, **rate):
    """What the arguments tell that a network was built with; `rate` is that of its mapping."""
    if not tensors.attributes:
        return {}
    stated = _stated(tensors)
    stylegan2.check_stated(stated, nonlinearity="lrelu", resample_kernel=[1, 3, 3, 1])
    ((argument, default),) = rate.items()
    return {
        "clamp": stated.get("conv_clamp"),
        argument: stated.get("mapping_lrmul", default),
    }


def _stated(tensors):
    return tensors.attributes.get("", {}).get("static_kwargs", {})


TENSORFLOW = Layout(
    name="stylegan2_tensorflow",
    model="StyleGAN2",
    signature=("synthesis/4x4/Const/const", "4x4/Dense0/weight"),
    network_of=stylegan2.network_of,
    generator=Network(_generator_config, stylegan2.generator_rows),
    discriminator=Network(_discriminator_config, stylegan2.discriminator_rows),
    own=stylegan2.OWN,
    prepare=_to_pytorch,
)
