"""Models from the checkpoints of other projects."""

import fnmatch
import os

import numpy as np

from keras_gan.checkpoints import (
    conditional_gan,
    dcgan,
    feature_networks,
    mlp_gan,
    stylegan2,
    stylegan2_openmmlab,
    stylegan2_rosinality,
    stylegan2_tensorflow,
    wgan,
    wgan_gp,
)
from keras_gan.checkpoints.mapping import Tensors, shortened
from keras_gan.checkpoints.reader import mapped_tensors
from keras_gan.presets import download
from keras_gan.presets.config import check_config
from keras_gan.presets.registry import registered_class
from keras_gan.weights import copy_weights

# Every layout that can be read, by name.
LAYOUTS = {
    layout.name: layout
    for layout in (
        dcgan.PYTORCH_EXAMPLES,
        dcgan.LECTURE,
        wgan_gp.IMPROVED,
        wgan.ORIGINAL,
        mlp_gan.PYTORCH_GAN,
        mlp_gan.PYLEARN2,
        conditional_gan.PYTORCH_GAN,
        stylegan2.OFFICIAL,
        stylegan2_tensorflow.TENSORFLOW,
        stylegan2_rosinality.ROSINALITY,
        stylegan2_openmmlab.OPENMMLAB,
    )
}

# Those of the networks that metrics look through.
NETWORK_LAYOUTS = {
    layout.name: layout
    for layout in (
        feature_networks.INCEPTION,
        feature_networks.VGG16,
        feature_networks.LPIPS,
    )
}

# First parts of names: around a network, and of a network.
_WRAPPERS = {"module", "state_dict"}
_PREFIXES = {
    **dict.fromkeys(("G", "g", "netG", "generator", "Generator"), "generator"),
    **dict.fromkeys(("D", "d", "netD", "discriminator", "Discriminator"), "discriminator"),
    **dict.fromkeys(
        ("G_ema", "g_ema", "Gs", "netG_ema", "ema_generator", "generator_ema"), "ema_generator"
    ),
}
_ROLES = ("generator", "discriminator", "ema_generator")


def load_checkpoint(
    source,
    layout=None,
    cls=None,
    networks=("generator", "discriminator"),
    sha256=None,
    cache_dir=None,
    **config,
):
    """A model with the weights of another project's checkpoint, read without executing it.

    The layout is recognised by the tensors' names, and the model's sizes are taken from their
    shapes. Every tensor of the checkpoint must find its weight and every weight its tensor.
    Prefixes `module.`, `netG.`, `netD.`, `G.`, `D.`, `generator.` and `discriminator.` are
    understood. The averaged generator gets the generator's weights unless the checkpoint has its
    own (`G_ema.`), and the other way round.

    Layouts:

    - `"dcgan_pytorch_examples"`: `main.*`, the DCGAN of pytorch/examples and its descendants, which
      saves two files. Any number of stages. `num_batches_tracked` is not used.
    - `"dcgan_lecture"`: the same with `net.*`.
    - `"wgan_gp_improved"`: `Generator.*` and `Discriminator.*`, the MNIST, CIFAR-10 ResNet and
      64 px ResNet networks of igul222/improved_wgan_training. They have no moving statistics; the
      generator gets those of one training-mode pass over the latents of seeds 0 to 255, so that
      `generate` is deterministic.
    - `"wgan_original"`: `main.initial:100-512:convt.weight` and so on, the convolutional networks
      of martinarjovsky/WassersteinGAN without extra layers. Their critic is low on real images: the
      sign of its last kernel is changed.
    - `"mlp_gan_pytorch_gan"`: `model.*`, gan.py of eriklindernoren/PyTorch-GAN, whose batch
      normalisation has `batch_norm_epsilon=0.8`. Tensors do not tell the sides of images: pass
      `image_shape` unless it is (28, 28, 1).
    - `"conditional_gan_pytorch_gan"`: the same with `label_emb.weight` or `label_embedding.weight`,
      its cgan.py; `image_shape` as before.
    - `"maxout_gan_pylearn2"`: `h0.W`, `h0.b`, ..., `y.W`, `y.b` in each network, the MNIST model of
      goodfeli/adversarial; `image_shape` as before.
    - `"stylegan2_ada_pytorch"`: `synthesis.b4.const`, `b4.out.weight` and so on, StyleGAN2 in
      NVlabs/stylegan2-ada-pytorch and stylegan3 (`cfg=stylegan2`), as the network pickles of these
      projects or as state dicts, those of POSTECH-CVLab/PyTorch-StudioGAN among them. Only the
      pickle tells the clamp of activations, the group size of the minibatch standard deviation and
      the learning rate multipliers of the mapping networks: with state dicts, pass `clamp` and so
      on.
    - `"stylegan2_tensorflow"`: `synthesis/4x4/Const/const` and so on, the network pickles of
      NVlabs/stylegan2 (configurations E and F) and NVlabs/stylegan2-ada.
    - `"stylegan2_rosinality"`: `style.1.weight` and so on, StyleGAN2 in
      rosinality/stylegan2-pytorch. Where a training's checkpoint has no `latent_avg`, it becomes
      the mean w of the latents of seeds 0 to 4095.
    - `"stylegan2_openmmlab"`: `style_mapping.1.bias` and so on, StyleGAN2 in OpenMMLab's
      MMGeneration and MMagic. Blue is the first channel there; it becomes the last.

    Args:
        source: path or address of the file, or dict with those of `"generator"` and
            `"discriminator"`. An address is `https://...` or `hf://user/repo/file@revision`, see
            `keras_gan.presets.download.local_files`. `Tensors`, or a dict of arrays, stand for a
            file that has been read.
        layout: str, one of `keras_gan.checkpoints.LAYOUTS`; recognised by default.
        cls: class of the model to be: the layout's own (the default), a base of it, or a subclass.
        networks: tuple of str, the networks that the checkpoint holds. With `("generator",)` the
            discriminator is a fresh one.
        sha256: str, or dict by network: the 64 hexadecimal digits of the SHA-256 that the file must
            have. Without it, there is a warning that a downloaded file is unverified.
        cache_dir: str or path of the folder for what is downloaded; the Hub's cache or
            `~/.cache/keras_gan` (KERAS_GAN_HOME) by default.
        **config: arguments of the constructor that the tensors do not tell, such as `name` or
            `dtype`.

    Returns:
        The model.

    Raises:
        ValueError: if the layout is not known, networks or tensors are missing, superfluous or of
            another shape, `config` contradicts the tensors, or the file is not that of `sha256`.
        OSError: if it cannot be downloaded.

    Example:
    ```python
    gan = keras_gan.checkpoints.load_checkpoint(
        {"generator": "netG_epoch_24.pth", "discriminator": "netD_epoch_24.pth"}
    )
    images = gan.generate(16, seed=0)
    ```
    """
    if not isinstance(source, Tensors):
        source = download.local_files(source, sha256, cache_dir)
    parts = _by_network(source)
    layout = find_layout([name for tensors in parts.values() for name in tensors], layout)
    if layout.prepare is not None:
        parts = layout.prepare(parts)
    parts = _with_roles(parts, layout)
    _check_networks(parts, networks)
    config = {**layout.defaults, **config}
    told = {role: layout.network(role).config(tensors) for role, tensors in parts.items()}
    _separate(told, config, layout.own)
    for role, derived in told.items():
        check_config(derived, registered_class(layout.model), f"the {role}'s checkpoint")
        _merge(config, derived, f"the {role}'s tensors")
    gan = _model_class(layout, cls)(**config)
    for role, tensors in parts.items():
        network = getattr(gan, role)
        _assign(
            network,
            tensors,
            list(layout.network(role).rows(network)),
            f"{role} of {layout.model} (layout '{layout.name}')",
            layout.computed(network),
            layout.ignored,
        )
    for role in parts:
        layout.finish(getattr(gan, role))
    if "ema_generator" not in parts:
        copy_weights(gan.generator, gan.ema_generator)
    elif "generator" not in parts:
        copy_weights(gan.ema_generator, gan.generator)
    gan.is_pretrained = True
    return gan


def load_network(source, layout, sha256=None, cache_dir=None):
    """A feature network with the weights of another project's checkpoint.

    Args:
        source: path or address of the file, a dict of arrays, or a dict of several of these, which
            together hold the tensors.
        layout: str, one of `keras_gan.checkpoints.layouts.NETWORK_LAYOUTS`.
        sha256: str or dict as `source`: the SHA-256 that the file must have.
        cache_dir: str or path of another cache for what is downloaded.

    Returns:
        The model: every tensor has found its weight and every weight its tensor.

    Raises:
        ValueError: if the layout is not known, tensors are missing, superfluous or of another
            shape, or a file is not that of `sha256`.
        OSError: if it cannot be downloaded.

    Example:
    ```python
    keras_gan.checkpoints.layouts.load_network("vgg16-397923af.pth", "vgg16_torchvision")
    ```
    """
    if not isinstance(layout, str) or layout not in NETWORK_LAYOUTS:
        raise ValueError(f"`layout` is one of {list(NETWORK_LAYOUTS)}. Received: {layout!r}")
    layout = NETWORK_LAYOUTS[layout]
    found = download.local_files(source, sha256, cache_dir)
    is_one = not isinstance(found, dict) or any(isinstance(t, np.ndarray) for t in found.values())
    tensors = Tensors()
    for part in [found] if is_one else found.values():
        tensors.update((n, t) for n, t in _read(part).items() if not n.startswith(layout.ignored))
    model = registered_class(layout.model)()
    rows = list(layout.rows(model))
    _assign(model, layout.prepare(tensors), rows, f"{layout.model} (layout '{layout.name}')")
    return model


def layout_of(source, layout=None):
    """The layout of a checkpoint, recognised by the names of its tensors.

    Args:
        source: path, dict of paths by network, or dict of arrays, as for `load_checkpoint`.
        layout: str, the name of the layout that it must be, or `None`.

    Returns:
        `keras_gan.checkpoints.mapping.Layout`.

    Raises:
        ValueError: if the file is damaged, or none or several layouts fit.

    Example:
    ```python
    keras_gan.checkpoints.layouts.layout_of("ffhq.pkl").name  # "stylegan2_ada_pytorch"
    ```
    """
    parts = _by_network(source)
    return find_layout([name for tensors in parts.values() for name in tensors], layout)


def find_layout(names, layout=None):
    """The layout of tensors with these names (without prefixes), or the one called `layout`.

    Args:
        names: list of str.
        layout: str or `None`.

    Returns:
        `keras_gan.checkpoints.mapping.Layout`.

    Raises:
        ValueError: if none or several fit.

    Example:
    ```python
    keras_gan.checkpoints.layouts.find_layout(["main.0.weight"]).name  # "dcgan_pytorch_examples"
    ```
    """
    if layout is not None:
        if not isinstance(layout, str) or layout not in LAYOUTS:
            raise ValueError(f"`layout` is one of {list(LAYOUTS)}. Received: {layout!r}")
        return LAYOUTS[layout]
    fitting = [
        each
        for each in LAYOUTS.values()
        if any(fnmatch.filter(names, pattern) for pattern in each.signature)
        and not set(each.absent) & set(names)
    ]
    if len(fitting) == 1:
        return fitting[0]
    raise ValueError(
        f"{'Several layouts fit' if fitting else 'No known layout has'} tensors named like these: "
        f"{shortened(names)}. Known are {list(LAYOUTS)}; pass one as `layout` if it is meant."
    )


def _by_network(source):
    """dict: network, or `None` where names do not tell, to its `Tensors` without prefixes."""
    stated = source if isinstance(source, dict) and set(source) <= set(_ROLES) else {None: source}
    if not stated:
        raise ValueError("The checkpoint holds no tensors: `source` is an empty dict.")
    parts = {}
    for expected, where in stated.items():
        found = _read(where)
        for path, known in found.attributes.items():
            role, short = _strip(f"{path}.")
            part = parts.setdefault(expected or role, Tensors())
            part.attributes[short.rstrip(".")] = known
        is_training = any(name.startswith("state_dict.") for name in found)
        for name, tensor in found.items():
            # What lies beside the networks so that their training can go on.
            if is_training and name.startswith("optimizer."):
                continue
            role, short = _strip(name)
            if expected and role and role != expected:
                raise ValueError(f"The {expected}'s checkpoint holds '{name}', of the {role}.")
            tensors = parts.setdefault(expected or role, Tensors())
            if short in tensors:
                raise ValueError(f"The checkpoint holds '{short}' twice, once as '{name}'.")
            tensors[short] = tensor
    return parts


def _read(where):
    if isinstance(where, (str, os.PathLike)):
        return mapped_tensors(where)
    if isinstance(where, dict) and all(isinstance(t, np.ndarray) for t in where.values()):
        return where if isinstance(where, Tensors) else Tensors(where)
    received = f"a dict of {shortened(where)}" if isinstance(where, dict) else repr(where)[:200]
    raise ValueError(
        "`source` is the path of a checkpoint, or a dict with the paths of 'generator' and "
        f"'discriminator'. Received: {received}"
    )


def _strip(name):
    role, parts = None, name.split(".")
    while len(parts) > 1 and (parts[0] in _WRAPPERS or (role is None and parts[0] in _PREFIXES)):
        role = role or _PREFIXES.get(parts[0])
        parts = parts[1:]
    return role, ".".join(parts)


def _with_roles(parts, layout):
    """`parts` with the network that the layout sees in the unnamed one, if there is any."""
    named = {}
    for role, tensors in parts.items():
        seen = layout.network_of(tensors)
        if role is not None and seen != role.removeprefix("ema_"):
            raise ValueError(
                f"What is given as the {role} looks like a {seen} of layout '{layout.name}': "
                f"{shortened(tensors)}. Exchange the files, or complete them."
            )
        if (role or seen) in named:
            raise ValueError(
                f"Some tensors of the {seen} have a prefix and some have not: {shortened(tensors)}"
            )
        named[role or seen] = tensors
    return named


def _check_networks(parts, networks):
    allowed = ("generator", "discriminator")
    networks = (networks,) if isinstance(networks, str) else tuple(networks)
    if not networks or not set(networks) <= set(allowed):
        raise ValueError(f"`networks` are some of {list(allowed)}. Received: {networks}")
    held = {role.removeprefix("ema_") for role in parts}
    if held == set(networks):
        return
    names = tuple(sorted(held, reverse=True))
    remedy = f"pass networks={names} (--networks {','.join(names)}) if that is what you want"
    if set(networks) - held and len(held) == 1:
        remedy += ', or both files as {"generator": path, "discriminator": path}'
        remedy += " (--discriminator FILE)" if "generator" in held else ""
    raise ValueError(f"The checkpoint holds {sorted(held)}, not {sorted(networks)}: {remedy}.")


def _separate(told, config, own):
    """Put what the discriminator has other than the generator under its own argument."""
    discriminator = told.get("discriminator", {})
    generator = told.get("generator") or told.get("ema_generator") or {}
    for name, (argument, same) in own.items():
        if name not in discriminator:
            continue
        value = discriminator[name]
        if generator.get(name, value) != value or config.get(argument, same) != same:
            discriminator[argument] = discriminator.pop(name)


def _merge(config, derived, origin):
    for key, value in derived.items():
        given = config.setdefault(key, value)
        if (tuple(given) if isinstance(given, list) else given) != value:
            raise ValueError(f"{key}={given!r} contradicts {origin}, which have {key}={value!r}.")


def _model_class(layout, cls):
    own = registered_class(layout.model)
    if cls is None or issubclass(own, cls):
        return own
    if issubclass(cls, own):
        return cls
    raise ValueError(
        f"The checkpoint's layout '{layout.name}' is one of {layout.model}, not of {cls.__name__}. "
        f"Call `keras_gan.{layout.model}.from_checkpoint`."
    )


def _assign(network, tensors, rows, what, computed=(), ignored=()):
    filled = {id(row.weight) for row in rows} | {id(v) for v in computed}
    without_row = [v.path for v in network.weights if id(v) not in filled]
    missing = [row.source for row in rows if row.source not in tensors] + without_row
    used = {row.source for row in rows}
    superfluous = [n for n in tensors if n not in used and not n.endswith(ignored)]
    if missing or superfluous:
        raise ValueError(
            f"The checkpoint does not fit the {what}. Missing: {shortened(missing)}. Superfluous: "
            f"{shortened(superfluous)}."
        )
    wrong = [
        f"'{row.source}' is {tensors[row.source].shape}, expected {row.shape}"
        for row in rows
        if tensors[row.source].shape != row.shape
    ]
    if wrong:
        raise ValueError(f"Tensors of the {what} have other shapes: {shortened(wrong)}.")
    odd = [
        f"'{row.source}' is {tensors[row.source].dtype}"
        for row in rows
        if not np.issubdtype(tensors[row.source].dtype, np.floating)
    ]
    if odd:
        raise ValueError(f"Tensors of the {what} are no real floating numbers: {shortened(odd)}.")
    for row in rows:
        # Copied, since it may be mapped, and let go: memory holds the model and one tensor.
        value = np.array(row.to_keras(tensors.pop(row.source)), order="C")
        with np.errstate(over="ignore"):
            finite = np.isfinite(value.astype("float32", copy=False)).all()
        if not finite:
            raise ValueError(
                f"'{row.source}' of the {what} holds numbers that are not finite in float32. Take "
                "a checkpoint from before the training diverged."
            )
        row.weight.assign(value)
