"""Models as the checkpoints of other projects."""

import os
import zipfile

import keras
import numpy as np

from keras_gan import backend
from keras_gan.checkpoints.layouts import LAYOUTS
from keras_gan.checkpoints.safetensors_file import write_safetensors
from keras_gan.files import atomic_file

_PREFIXES = {"generator": "G", "discriminator": "D", "ema_generator": "G_ema"}


def export(gan, path, layout=None, networks=tuple(_PREFIXES)):
    """Write a model's weights under the names and with the axes of another project.

    The file is read again by `from_checkpoint`, with the same weights bit by bit; what tensors do
    not tell, such as StyleGAN2's `clamp`, is passed again. The tensors are those of the project's
    state dicts, with `G.`, `D.` or `G_ema.` before their names:

    ```python
    tensors = safetensors.torch.load_file("gan.safetensors")
    state = {k.removeprefix("G_ema."): v for k, v in tensors.items() if k.startswith("G_ema.")}
    G_ema.load_state_dict(state)
    ```

    Args:
        gan: `keras_gan.GAN` of a layout's class.
        path: str or path, which ends with `.safetensors` or `.npz`.
        layout: str, one of `keras_gan.checkpoints.LAYOUTS` whose tensors are stored as its project
            names them; by default the first one of the model's class.
        networks: tuple of some of `"generator"`, `"discriminator"` and `"ema_generator"`.

    Raises:
        ValueError: if there is no such layout of the model, or another end of the path.
        OSError: if the file cannot be written.

    Example:
    ```python
    gan = keras_gan.StyleGAN2.from_preset("stylegan2_emoji_64")
    keras_gan.checkpoints.export(gan, "emoji.safetensors", layout="stylegan2_ada_pytorch")
    ```
    """
    layout = _layout(gan, layout)
    networks = (networks,) if isinstance(networks, str) else tuple(networks)
    if not networks or not set(networks) <= set(_PREFIXES):
        raise ValueError(f"`networks` are some of {list(_PREFIXES)}. Received: {networks}")
    end = os.path.splitext(path)[1]
    if end not in (".safetensors", ".npz"):
        raise ValueError(f"`path` ends with .safetensors or .npz. Received: {os.fspath(path)!r}")
    # In the middle of `fit` a backend may hold the weights elsewhere.
    backend.sync(gan)
    tensors = {}
    for role in networks:
        network, stored = getattr(gan, role), layout.network(role)
        for row in stored.rows(network):
            tensors[f"{_PREFIXES[role]}.{row.source}"] = row.shape, _of_weight(row)
        for name, constant in stored.constants(network).items():
            tensors[f"{_PREFIXES[role]}.{name}"] = constant.shape, constant.copy
    if end == ".safetensors":
        shapes = {name: shape for name, (shape, _) in tensors.items()}
        write_safetensors(path, shapes, (array() for _, array in tensors.values()))
    else:
        with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, (_, array) in tensors.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.save(member, array(), allow_pickle=False)


def _of_weight(row):
    """A function that makes the tensor, so that no more than one is in memory."""
    return lambda: row.to_source(keras.ops.convert_to_numpy(row.weight)).astype("float32")


def _layout(gan, name):
    fitting = {
        each.name: each
        for each in LAYOUTS.values()
        if each.model in [cls.__name__ for cls in type(gan).__mro__] and each.prepare is None
    }
    if not fitting or name not in (None, *fitting):
        raise ValueError(
            f"A {type(gan).__name__} can be written in the layouts {list(fitting)}. Received: "
            f"layout={name!r}"
        )
    return next(iter(fitting.values())) if name is None else fitting[name]
