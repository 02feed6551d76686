"""The model of a StyleGAN2 case, loaded as a checkpoint is."""

import numpy as np
from keras import ops

import keras_gan
from parity.case import Unsupported
from parity.training import channels_last

_GENERATOR = {"conv_clamp": "clamp", "architecture": "generator_architecture"}
_DISCRIMINATOR = {"conv_clamp": "discriminator_clamp"}
# Told by the tensors, and compared with them.
_TOLD = {
    *("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels", "channel_base", "channel_max"),
    *("num_layers", "use_noise", "embed_features", "layer_features", "cmap_dim"),
}


def load(case, generator=None, discriminator=None, params=None):
    """The model of a case's tensors, loaded as a checkpoint is."""
    config, held = {}, []
    if generator is not None:
        held.append("generator")
        init = dict(generator)
        config.update(_renamed(init.pop("synthesis_kwargs", {}), _GENERATOR))
        mapping = init.pop("mapping_kwargs", {})
        config.update(
            _renamed(mapping, {"lr_multiplier": "mapping_rate", "w_avg_beta": "average_decay"})
        )
        config.update(_renamed(init, {}))
    if discriminator is not None:
        held.append("discriminator")
        init = dict(discriminator)
        epilogue = dict(init.pop("epilogue_kwargs", {}))
        epilogue.pop("mbstd_num_channels", None)
        mapping = init.pop("mapping_kwargs", {})
        config.update(_renamed(mapping, {"lr_multiplier": "projection_rate"}))
        config.update(_renamed(epilogue, {"mbstd_group_size": "group_size"}))
        init.pop("architecture", None)
        config["discriminator_clamp"] = None
        config.update(_renamed(init, _DISCRIMINATOR))
    if discriminator is None:
        # Not compared: as small as can be.
        config.setdefault("projection_layers", 0)
    return keras_gan.checkpoints.load_checkpoint(
        case.params if params is None else params, networks=tuple(held), **config
    )


def _renamed(settings, names):
    unknown = set(settings) - set(names) - _TOLD
    if unknown:
        raise Unsupported(f"networks with {sorted(unknown)}")
    return {names[key]: value for key, value in settings.items() if key in names}


def images(array):
    """Images `(N, C, H, W)` as a channels-last tensor."""
    return tensor(channels_last(array))


def tensor(array):
    """An array as a tensor."""
    return ops.convert_to_tensor(np.ascontiguousarray(array))
