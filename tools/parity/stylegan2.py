"""StyleGAN2: its operations, layers and networks."""

import numpy as np
from keras import ops

import keras_gan
from keras_gan import backend
from keras_gan import ops as our_ops
from keras_gan.checkpoints import stylegan2 as layout
from keras_gan.layers import EqualizedConv2D, MinibatchStdDev, StyleMapping
from keras_gan.ops import resampling
from parity import (
    stylegan2_ada,
    stylegan2_checkpoints,
    stylegan2_latents,
    stylegan2_training,
)
from parity.case import Unsupported
from parity.stylegan2_model import images, load, tensor
from parity.training import channels_first, compiled, to_numpy

_ACTIVATIONS = {"lrelu": "leaky_relu"}
_FACTORS = {"upsample2d": "up", "downsample2d": "down"}


def run(case):
    """The case's outputs as this library computes them."""
    kind = case.config.get("kind")
    if kind not in KINDS:
        raise Unsupported(f"kind={kind!r}")
    return KINDS[kind](case)


# Operations ---------------------------------------------------------------------------------------


def _upfirdn2d(case):
    x = images(case.inputs["x"])
    filters = {name: our_ops.setup_filter(t) for name, t in case.config["filters"].items()}
    computed = {}
    for settings in case.config["cases"]:
        settings = dict(settings)
        name, taps = settings.pop("name"), settings.pop("filter")
        operation = settings.pop("op", "upfirdn2d")
        if _FACTORS.get(operation) in settings:
            settings["factor"] = settings.pop(_FACTORS[operation])
        settings["flip"] = settings.pop("flip_filter", False)
        function = getattr(our_ops, operation)
        computed[name] = channels_first(function(x, filters.get(taps), **settings))
    return computed


def _bias_act(case):
    x, b = (tensor(case.inputs[name]) for name in ("x", "b"))
    computed = {}
    for settings in case.config["cases"]:
        act = settings["act"]
        y = our_ops.bias_act(
            ops.transpose(x, (0, 2, 3, 1)),
            b if settings.get("bias", True) else None,
            _ACTIVATIONS.get(act, act),
            settings.get("alpha", 0.2),
            settings.get("gain"),
            settings.get("clamp"),
        )
        computed[settings["name"]] = channels_first(y)
    return computed


def _conv2d_resample(case):
    x = images(case.inputs["x"])
    params, computed = case.params, {}
    for settings in case.config["cases"]:
        weight = params[settings["weight"]]
        up, down = settings.get("up", 1), settings.get("down", 1)
        padding, size = settings.get("padding", 0), weight.shape[2]
        is_fused = padding == size // 2 and min(up, down) == 1
        # Ours correlates, and its transposed form is the adjoint of a correlation.
        if settings.get("flip_weight", True) == (is_fused and up > 1 and size > 1):
            weight = weight[:, :, ::-1, ::-1]
        taps = None
        if settings["filter"] is not None:
            taps = our_ops.setup_filter(case.config["filters"][settings["filter"]])
            if settings.get("flip_filter", False):
                taps = np.flip(taps)
        kernel = tensor(weight.transpose(2, 3, 1, 0))
        if not is_fused:
            y = _composed(x, kernel, taps, up, down, padding)
        elif up > 1:
            y = our_ops.conv_upsample(x, ops.transpose(kernel, (0, 1, 3, 2)), taps, up)
        elif down > 1:
            y = our_ops.conv_downsample(x, kernel, taps, down)
        else:
            y = our_ops.conv(x, kernel, padding="same")
        computed[settings["name"]] = channels_first(y)
    return computed


def _composed(x, kernel, taps, up, down, padding):
    """Pixels between the pixels, all zeros around them, the convolution, and fewer pixels."""
    if down > 1:
        padding = resampling._around(padding, taps, resampling._of_downsampling, (down, down))
    y = our_ops.upsample2d(x, taps if up > 1 else None, up, padding)
    y = our_ops.conv(y, kernel)
    return our_ops.upfirdn2d(y, taps, down=down) if down > 1 else y


def _conv2d_layer(case):
    x = images(case.inputs["x"])
    params, computed = case.params, {}
    for settings in case.config["cases"]:
        init = dict(settings["init"])
        activation = init.pop("activation", "linear")
        layer = EqualizedConv2D(
            init.pop("out_channels"),
            init.pop("kernel_size"),
            _ACTIVATIONS.get(activation, activation),
            use_bias=init.pop("bias", True),
            up=init.pop("up", 1),
            down=init.pop("down", 1),
            gain=settings["gain"],
            clamp=init.pop("conv_clamp", None),
        )
        if set(init) - {"in_channels"}:
            raise Unsupported(f"a layer with {sorted(init)}")
        layer.build(x.shape)
        weight = params[f"{settings['prefix']}weight"]
        transposed = layer.up > 1 and layer.kernel_size > 1
        layer.kernel.assign(weight.transpose((2, 3, 0, 1) if transposed else (2, 3, 1, 0)))
        if layer.bias is not None:
            layer.bias.assign(params[f"{settings['prefix']}bias"])
        computed[settings["name"]] = channels_first(layer(x))
    return computed


def _modulated_conv2d(case):
    inputs, params, computed = case.inputs, case.params, {}
    taps = our_ops.setup_filter(case.config["resample_filter"])
    for settings in case.config["cases"]:
        name, up = settings["name"], settings.get("up", 1)
        if up > 2:
            raise Unsupported(f"a modulated convolution to images {up} times as large")
        flipped = settings.get("flip_weight", True) == (up > 1)
        weight = params[settings["weight"]]
        axes = (2, 3, 0, 1) if up > 1 else (2, 3, 1, 0)
        cotangent = images(inputs[settings["cotangent"]])
        noise = images(inputs[settings["noise"]]) if "noise" in settings else 0.0

        def convolved(x, styles, kernel, settings=settings, up=up, noise=noise):
            return noise + our_ops.modulated_conv(
                x, kernel, styles, settings["demodulate"], taps if up > 1 else None
            )

        kernel = weight[:, :, ::-1, ::-1] if flipped else weight
        values = [
            images(inputs["x"]),
            tensor(inputs["styles"]),
            tensor(np.ascontiguousarray(kernel.transpose(axes))),
        ]
        y = convolved(*values)
        _, gradients = backend.grads(lambda *v, f=convolved, c=cotangent: f(*v) * c, values)
        d_x, d_styles, d_kernel = gradients
        d_weight = to_numpy(d_kernel).transpose(np.argsort(axes))
        computed[name] = channels_first(y)
        computed[f"{name}/grad_x"] = channels_first(d_x)
        computed[f"{name}/grad_styles"] = to_numpy(d_styles)
        computed[f"{name}/grad_weight"] = d_weight[:, :, ::-1, ::-1] if flipped else d_weight
    return computed


def _minibatch_std(case):
    computed = {}
    for settings in case.config["cases"]:
        name, count = settings["name"], settings["num_channels"]
        layer = MinibatchStdDev(settings["group_size"], count)
        x = images(case.inputs[settings["input"]])
        computed[name] = to_numpy(layer(x))[:, 0, 0, -count:]
        _, (gradient,) = backend.grads(lambda x, layer=layer: ops.square(layer(x)), [x])
        computed[f"{name}/grad"] = channels_first(gradient)
    return computed


# Networks -----------------------------------------------------------------------------------------


def _mapping_network(init, params):
    init = dict(init)
    init.pop("num_ws")
    style_dim = init.pop("w_dim")
    network = StyleMapping(
        init.pop("z_dim"),
        init.pop("c_dim"),
        style_dim,
        init.pop("num_layers", 8),
        embedding_dim=init.pop("embed_features", None),
        hidden_dim=init.pop("layer_features", None),
        learning_rate_multiplier=init.pop("lr_multiplier", 0.01),
        average_decay=init.pop("w_avg_beta", 0.995),
    )
    if init:
        raise Unsupported(f"a mapping network with {sorted(init)}")
    rows = list(layout.mapping_rows(network))
    for row in rows:
        row.weight.assign(row.to_keras(params[row.source.removeprefix("mapping.")]))
    if network.average is not None:
        network.average.assign(params["w_avg"])
    return network, rows


def _mapping_inputs(case):
    return [tensor(case.inputs[name]) for name in ("z", "c") if name in case.inputs]


def _mapping(case):
    config = case.config
    network, _ = _mapping_network(config["init"], case.params)
    inputs = _mapping_inputs(case)
    w, count = to_numpy(network(inputs)), config["init"]["num_ws"]
    computed = {"w": w if count is None else np.repeat(w[:, None], count, axis=1)}
    for settings in config["truncation"]:
        computed[settings["name"]] = keras_gan.latents.truncate(
            computed["w"], to_numpy(network.average), settings["psi"], settings["cutoff"]
        )
    if network.average is not None:
        network(inputs, training=True)
        computed["w_avg_after"] = to_numpy(network.average)
    return computed


def _mapping_grad(case):
    network, rows = _mapping_network(case.config["init"], case.params)
    inputs, v = _mapping_inputs(case), tensor(case.inputs["v"])
    weights = [row.weight for row in rows]
    _, (grad_z,) = backend.grads(lambda z: network([z, *inputs[1:]]) * v, inputs[:1])
    _, gradients = backend.variable_grads(lambda: network(inputs) * v, weights)
    computed = {"w": to_numpy(network(inputs)), "grad_z": to_numpy(grad_z)}
    for row, gradient in zip(rows, gradients, strict=True):
        name = row.source.removeprefix("mapping.")
        computed[f"grad/{name}"] = row.to_source(to_numpy(gradient))
    return computed


def _labels(case):
    labels = case.config.get("labels")
    return None if labels is None else np.asarray(labels, "int32")


def _generator(case):
    config, inputs = case.config, case.inputs
    gan = load(case, generator=config["init"])
    network = gan.ema_generator
    mapping, synthesis = network.mapping, network.synthesis
    z = tensor(inputs["z"])
    labels = _labels(case)
    w = to_numpy(mapping(z if labels is None else [z, tensor(labels)]))
    computed = {"w": w}
    all_ws = np.repeat(w[:, None], synthesis.num_styles, axis=1)
    average = to_numpy(mapping.average)
    for call in config["calls"]:
        ws = all_ws
        if call.get("truncation_psi", 1) != 1:
            cutoff = call.get("truncation_cutoff")
            ws = keras_gan.latents.truncate(ws, average, call["truncation_psi"], cutoff)
        if "mix_layers" in call:
            layers = call["mix_layers"]
            ws = (
                ws[:1].copy()
                if len(ws) < 2
                else np.where(
                    np.isin(np.arange(ws.shape[1]), layers)[None, :, None], ws[1:2], ws[:1]
                )
            )
        noise = call["noise_mode"]
        arguments = [tensor(ws)]
        if noise == "random":
            names = [
                f"noise/b{block.resolution}.{layer.name}"
                for block in synthesis.blocks
                for layer in block.convolutions
                if layer.use_noise
            ]
            arguments += [images(inputs[name])[: len(ws)] for name in names]
            made = synthesis(arguments)
        else:
            made = synthesis(arguments[0], noise=noise)
        computed[call["name"]] = channels_first(made)
    blocks = {f"b{block.resolution}": block for block in synthesis.blocks}
    computed.update(_features(_noted(blocks, lambda: synthesis(tensor(all_ws), noise="const"))))
    return computed


def _discriminator(case):
    gan = load(case, discriminator=case.config["init"])
    network, labels = gan.discriminator, _labels(case)
    shown = images(case.inputs["img"])

    def logits(x):
        return network(x if labels is None else [x, tensor(labels)])

    blocks = {f"b{block.resolution}": block for block in network.blocks}
    mapped = {} if labels is None else {"cmap": to_numpy(network.mapping(tensor(labels)))}
    (values, (gradient,)), features = compiled(
        gan, lambda: (backend.grads(logits, [shown]), _noted(blocks, lambda: logits(shown)))
    )
    gradient = channels_first(gradient)
    return {
        **mapped,
        "logits": values,
        "grad_img": gradient[:2],
        "grad_img_sq": np.sum(gradient.astype("float64") ** 2, axis=(1, 2, 3)),
        **_features(features),
    }


def _noted(blocks, call):
    """dict: name of a block to what leaves it while `call` runs."""
    found = {}
    originals = {name: block.call for name, block in blocks.items()}

    def noted(name):
        def call_and_note(*args, **kwargs):
            found[name] = originals[name](*args, **kwargs)
            return found[name]

        return call_and_note

    try:
        for name, block in blocks.items():
            block.call = noted(name)
        call()
    finally:
        for name, block in blocks.items():
            block.call = originals[name]
    return found


def _features(found):
    """Means and corners of what left each block."""
    computed = {}
    for name, features in found.items():
        features = channels_first(features)
        computed[f"features/{name}_mean"] = features.mean(axis=(2, 3), dtype="float64")
        computed[f"features/{name}_corner"] = features[:, :4, :4, :4]
    return computed


KINDS = {
    "upfirdn2d": _upfirdn2d,
    "bias_act": _bias_act,
    "conv2d_resample": _conv2d_resample,
    "conv2d_layer": _conv2d_layer,
    "modulated_conv2d": _modulated_conv2d,
    "minibatch_std": _minibatch_std,
    "mapping": _mapping,
    "mapping_grad": _mapping_grad,
    "generator": _generator,
    "discriminator": _discriminator,
    **stylegan2_ada.KINDS,
    **stylegan2_checkpoints.KINDS,
    **stylegan2_training.KINDS,
    **stylegan2_latents.KINDS,
}
