"""Layers and augmentations of the toolbox: outputs and gradients on given weights and draws."""

import keras
import numpy as np
from keras import ops

import keras_gan
from keras_gan import backend, layers
from parity import training
from parity.case import Unsupported

# Iterations after which the largest singular value of a kernel no longer moves.
_CONVERGED = 300


def minibatch_discrimination(case):
    """Closeness of samples in its three forms, and gradients."""
    config, params, features = case.config, case.params, case.inputs["features"]
    sizes = (config["num_kernels"], config["dim_per_kernel"])
    if features.shape != (config["batch"], config["features"]):
        raise Unsupported(f"features of the shape {features.shape}")
    probe = ops.convert_to_tensor(case.inputs["probe"])
    computed = {}

    def record(name, layer, weights):
        layer.build(features.shape)
        for variable, value in weights.items():
            getattr(layer, variable).assign(value)
        count = features.shape[1]
        output, gradients = _output_and_gradients(
            layer, features, lambda y: ops.sum(y[:, count:] * probe), [layer.kernel]
        )
        computed[f"{name}/out"] = output
        computed[f"{name}/f"] = computed[f"{name}/o"] = output[:, count:]
        computed[f"{name}/grad_features"], computed[f"{name}/grad_theta"] = gradients

    kernel = {"kernel": params["theta"]}
    record("paper", layers.MinibatchDiscrimination(*sizes), kernel)
    normalized = {**kernel, "log_scale": params["log_weight_scale"], "bias": params["b"]}
    record("openai", layers.NormalizedMinibatchDiscrimination(*sizes), normalized)
    joint = layers.JointMinibatchDiscrimination(*sizes)
    joint.build(features.shape)
    joint.kernel.assign(params["theta"])
    computed["imagenet/f"] = training.to_numpy(joint(features))[:, features.shape[1] :]
    return computed


def minibatch_stddev(case):
    """The appended channels and their gradient, for each group size and number of channels."""
    x = training.channels_last(case.inputs["x"])
    probe = training.channels_last(case.inputs["probe"])
    computed = {}
    for arguments in case.config["cases"]:
        size, channels = arguments["group_size"], arguments["num_channels"]
        layer = layers.MinibatchStdDev(size, channels)
        count = x.shape[-1]
        weights = ops.convert_to_tensor(probe[..., :channels])
        output, (gradient,) = _output_and_gradients(
            layer, x, lambda y, w=weights, n=count: ops.sum(y[..., n:] * w)
        )
        if not np.array_equal(output[..., :count], x):
            raise ValueError("The first channels are not the inputs.")
        name = f"g{size}_f{channels}"
        computed[f"{name}/extra"] = training.channels_first(output[..., count:])
        computed[f"{name}/grad"] = training.channels_first(gradient)
    return computed


def spectral_norm(case):
    """Singular values over three training calls, the normalised kernel, its gradient, inference."""
    if case.config.get("iterations_per_call", 1) != 1:
        raise Unsupported(f"{case.config['iterations_per_call']} iterations for each call")
    params, inputs = case.params, case.inputs
    computed = {}
    for name in ("conv", "dense"):
        weight, x = params[f"{name}.weight"], inputs[f"x_{name}"]
        if name == "conv":
            padded = case.outputs["conv/y_eval"].shape[2:] == x.shape[2:]
            padding = "same" if padded else "valid"
            layer = layers.Conv2D(weight.shape[0], weight.shape[2:], padding=padding)
            x = training.channels_last(x)
            to_ours, to_theirs = (2, 3, 1, 0), (3, 2, 0, 1)
        else:
            layer = keras.layers.Dense(weight.shape[0])
            to_ours = to_theirs = (1, 0)
        layer = layers.SpectralNormalization(layer)
        layer.build(x.shape)
        kernel, bias = layer.layer.kernel, layer.layer.bias
        kernel.assign(weight.transpose(to_ours))
        bias.assign(params[f"{name}.bias"])
        layer.u.assign(params[f"{name}.sn_u"][0])
        probe = ops.convert_to_tensor(inputs[f"probe_{name}"].transpose(to_ours))
        for call in (1, 2, 3):

            def loss(layer=layer, probe=probe):
                normalized = layer.normalized_kernel(training=True)
                return ops.sum(normalized * probe), normalized

            (_, normalized), (gradient,) = backend.value_and_grad(loss, [kernel])
            normalized = training.to_numpy(normalized).transpose(to_theirs)
            if call == 1:
                computed[f"{name}/w_sn_1"] = normalized
                computed[f"{name}/grad_1"] = training.to_numpy(gradient).transpose(to_theirs)
            sigma = np.linalg.norm(weight) / np.linalg.norm(normalized)
            computed[f"{name}/sigma_{call}"] = sigma.reshape(1)
            computed[f"{name}/u_{call}"] = training.to_numpy(layer.u)[None]
        y = training.to_numpy(layer(x))
        computed[f"{name}/y_eval"] = training.channels_first(y) if name == "conv" else y
        for _ in range(_CONVERGED):
            normalized = layer.normalized_kernel(training=True)
        computed[f"{name}/sigma_svd"] = np.linalg.norm(weight) / np.linalg.norm(
            training.to_numpy(normalized)
        )
    return computed


def virtual_batch_norm(case):
    """The reference batch and samples, normalised, and the gradient by the samples."""
    params, inputs = case.params, case.inputs
    reference, x = inputs["reference"], inputs["x"]
    size = case.config["reference_batch"]
    add = layers.AddReferenceBatch(size)
    add.adapt(reference)
    normalize = layers.VirtualBatchNormalization(size, epsilon=case.config["epsilon"])
    normalize.build(x.shape)
    normalize.gamma.assign(params["gamma"])
    normalize.beta.assign(params["beta"])
    remove = layers.RemoveReferenceBatch(size)
    probe = ops.convert_to_tensor(inputs["probe"])
    output, (gradient,) = _output_and_gradients(
        lambda x: normalize(add(x)), x, lambda y: ops.sum(remove(y) * probe)
    )
    return {
        "reference_out": output[:size],
        "out": training.to_numpy(remove(ops.convert_to_tensor(output))),
        "grad": gradient,
    }


def diffaugment(case):
    """Images after each part of the policy, by the case's draws, and the gradient."""
    config, inputs = case.config, case.inputs
    x = training.channels_last(inputs["x"])
    probe = ops.convert_to_tensor(training.channels_last(inputs["probe"]))
    computed, names, draws = {}, [], []
    for name in config["policy"].split(","):
        names.append(name)
        draws.extend(_augmentation_draws(name, config, inputs, x.shape))
        augmentation = keras_gan.augmentation.DiffAugment(
            ",".join(names), config["translation_ratio"], config["cutout_ratio"]
        )

        def augment(images, augmentation=augmentation):
            return augmentation(images, keras_gan.random.SeedGenerator(0), 0)

        with training.fed("uniform", draws):
            output, (gradient,) = _output_and_gradients(augment, x, lambda y: ops.sum(y * probe))
        computed["contrast" if name == "color" else name] = training.channels_first(output)
    computed["grad"] = training.channels_first(gradient)
    return computed


def _augmentation_draws(name, config, inputs, shape):
    """The uniform numbers that one part of the policy makes of the case's draws."""
    count, *sides, _ = shape
    if name == "color":
        parts = ("brightness", "saturation", "contrast")
        return [inputs[f"u_{part}"].reshape(count, 1, 1, 1) for part in parts]
    if name == "translation":
        lows = [-config[f"shift_{axis}"] for axis in ("rows", "cols")]
        numbers = [1 - 2 * low for low in lows]
        prefix = "t"
    elif name == "cutout":
        lows = (0, 0)
        boxes = [config[f"cutout_{axis}"] for axis in ("rows", "cols")]
        numbers = [side + 1 - box % 2 for side, box in zip(sides, boxes, strict=True)]
        prefix = "cut"
    else:
        raise Unsupported(f"the augmentation '{name}'")
    # The middle of the interval that becomes the integer.
    return [
        ((inputs[f"{prefix}_{axis}"] - low + 0.5) / number).astype("float32").reshape(count, 1)
        for axis, low, number in zip(("rows", "cols"), lows, numbers, strict=True)
    ]


def _output_and_gradients(function, x, objective, variables=()):
    """Arrays: `function(x)`, and the gradients of `objective` of it by `x` and by variables."""
    x = keras.Variable(x)

    def loss():
        output = function(ops.convert_to_tensor(x))
        return objective(output), output

    (_, output), gradients = backend.value_and_grad(loss, [x, *variables])
    return training.to_numpy(output), [training.to_numpy(gradient) for gradient in gradients]


CASES = {
    "diffaugment": diffaugment,
    "minibatch_discrimination": minibatch_discrimination,
    "minibatch_stddev": minibatch_stddev,
    "spectral_norm": spectral_norm,
    "virtual_batch_norm": virtual_batch_norm,
}
