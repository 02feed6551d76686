"""What changes the players' objectives: penalties, generator losses, packing, averages."""

import types

import keras
import numpy as np
from keras import layers, ops

import keras_gan
from keras_gan import backend, losses, regularizers, schedules
from parity import training
from parity.case import Unsupported


def _gradient_penalties(case):
    network = _discriminator(case)
    images = {
        name: training.channels_last(case.inputs[name]) for name in ("real", "fake", "u_dragan")
    }
    # The reference goes from real to fake, `GradientPenalty` from fake to real.
    epsilon = case.inputs["epsilon"]
    to_real = [1 - epsilon]
    penalties = {
        "gp": (regularizers.GradientPenalty(), to_real),
        "gp_one_sided": (regularizers.LipschitzPenalty(), to_real),
        "gp_zero": (regularizers.GradientPenalty(target=0.0), to_real),
        "r1": (regularizers.R1(), []),
        "r2": (regularizers.R2(), []),
        "dragan": (regularizers.DRAGAN(), [epsilon, images["u_dragan"]]),
        "wgan_div": (regularizers.WGANDiv(), []),
    }
    computed = {}
    for name, (regularizer, uniform) in penalties.items():
        context = _context(images["real"], images["fake"], network)
        with training.fed("uniform", uniform):
            (value, _), gradients = backend.value_and_grad(
                lambda r=regularizer, c=context: (r.penalty(c), {}), network.trainable_variables
            )
        computed[name] = training.to_numpy(value)
        for key, gradient in zip(case.params, gradients, strict=True):
            computed[f"grad/{name}/{key}"] = _to_torch(training.to_numpy(gradient))
    points = epsilon * case.inputs["fake"] + (1 - epsilon) * case.inputs["real"]
    _, (gradient,) = backend.grads(network, [_tensor(training.channels_last(points))])
    squares = np.sum(training.to_numpy(gradient).astype("float64") ** 2, axis=(1, 2, 3))
    return {**computed, "slopes_interp": np.sqrt(squares)}


_DISCRIMINATOR = (
    "conv1 3x3 stride 2 pad 1 -> leaky relu 0.2 -> conv2 3x3 stride 2 pad 1 -> softplus -> flatten "
    "(C,H,W) -> linear"
)


def _discriminator(case):
    config, params = case.config, case.params
    names = [
        f"{layer}.{kind}" for layer in ("conv1", "conv2", "out") for kind in ("weight", "bias")
    ]
    if not config["discriminator"].startswith(_DISCRIMINATOR) or list(params) != names:
        raise Unsupported(f"discriminator '{config['discriminator']}'")
    first, second = (params[f"conv{i}.weight"] for i in (1, 2))
    network = keras.Sequential(
        [
            keras.Input((config["image_size"], config["image_size"], config["channels"])),
            layers.ZeroPadding2D(1),
            keras_gan.layers.Conv2D(first.shape[0], first.shape[2:], strides=2),
            layers.LeakyReLU(0.2),
            layers.ZeroPadding2D(1),
            keras_gan.layers.Conv2D(second.shape[0], second.shape[2:], strides=2),
            layers.Activation("softplus"),
            layers.Permute((3, 1, 2)),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    network.set_weights([_from_torch(value) for value in params.values()])
    return network


def _from_torch(value):
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T


def _to_torch(value):
    return value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T


def _lecam(case):
    config, inputs = case.config, case.inputs
    regularizer = regularizers.LeCam(
        decay=config["decay"], start=config["start_iteration"], initial=config["initial"]
    )
    state = _state(regularizer, [])
    computed = {}
    for i in range(len(inputs) // 2):
        logits = {kind: _tensor(inputs[f"{kind}/{i}"]) for kind in ("real", "fake")}
        regularizer.update(state, logits, np.int32(i))
        computed[f"ema/{i}"] = np.stack([training.to_numpy(state[kind]) for kind in logits])

        def excess(real, fake):
            return regularizer.excess(state, {"real": real, "fake": fake})

        computed[f"reg/{i}"], *gradients = _value_and_grads(excess, list(logits.values()))
        computed[f"grad_real/{i}"], computed[f"grad_fake/{i}"] = gradients
    return computed


def _feature_matching(case):
    features = [_tensor(case.inputs[f"{kind}_features"]) for kind in ("real", "fake")]
    computed = {}
    for name, distance in (("l1", "absolute"), ("l2", "squared")):
        loss = losses.FeatureMatching(distance=distance)
        computed[name], _, computed[f"{name}_grad"] = _value_and_grads(loss.generator, features)
    return computed


def _historical_averaging(case):
    values = {}
    for name, value in case.inputs.items():
        _, tensor, step = name.split("/")
        values.setdefault(int(step), {})[int(tensor)] = value
    variables = [keras.Variable(value) for _, value in sorted(values[0].items())]
    regularizer = regularizers.HistoricalAveraging()
    state = _state(regularizer, variables)
    context = types.SimpleNamespace(variables=variables, state=lambda _: state)
    computed = {}
    for step in sorted(values):
        for i, variable in enumerate(variables):
            variable.assign(values[step][i])
        (penalty, _), gradients = backend.value_and_grad(
            lambda: (regularizer.penalty(context), {}), variables
        )
        regularizer.observe(state, variables)
        computed[f"penalty/{step}"] = training.to_numpy(penalty)
        for i, gradient in enumerate(gradients):
            computed[f"grad/{i}/{step}"] = training.to_numpy(gradient)
    for i in range(len(variables)):
        computed[f"average/{i}"] = training.to_numpy(state[f"mean_{i}"])
    return computed


def _misc(case):
    config, inputs = case.config, case.inputs
    fake = _tensor(inputs["fake_logits"])
    share = config["k"] / fake.shape[0]
    top_k = losses.TopK("non_saturating", share, minimum=0.0)
    value, gradient = _value_and_grads(lambda logits: top_k.best(logits, share), [fake])
    context = _context(inputs["d_real"], inputs["d_fake"], lambda logits: logits)
    consistency = regularizers.ConsistencyRegularization(10.0, _Replaced(inputs["d_real_aug"]))
    balanced = regularizers.BalancedConsistencyRegularization(
        10.0, 10.0, _Replaced(inputs["d_real_aug"], inputs["d_fake_aug"])
    )
    return {
        "pack": training.to_numpy(keras_gan.ops.pack(_tensor(inputs["x"]), config["pack"])),
        "topk_loss": value,
        "topk_grad": gradient,
        **{
            name: training.to_numpy(regularizer.weight * regularizer.penalty(context))
            for name, regularizer in (("cr", consistency), ("bcr", balanced))
        },
        "ema": _averaged(inputs, 0.9),
        "ema_ramp": _averaged(inputs, schedules.WarmUpDecay(0.999)),
    }


class _Replaced(keras_gan.augmentation.Augmentation):
    """An augmentation whose results are given."""

    def __init__(self, *results):
        self.results = list(results)

    def __call__(self, images, seed, step):
        return _tensor(self.results.pop(0))


def _averaged(inputs, decay):
    """The average of a generator's kernel as a training step updates it."""
    kernels = [inputs[name] for name in sorted(n for n in inputs if n.startswith("w/"))]
    dense = layers.Dense(kernels[0].shape[1], use_bias=False)
    generator = keras.Sequential([keras.Input((kernels[0].shape[0],)), dense])
    generator.set_weights(kernels[:1])
    discriminator = keras.Sequential([keras.Input((kernels[0].shape[1],)), layers.Dense(1)])
    gan = keras_gan.GAN(generator, discriminator)
    gan.compile(ema_decay=decay)
    for kernel in kernels[1:]:
        dense.kernel.assign(kernel)
        gan.update_averages()
        gan.step.assign_add(1)
    return training.to_numpy(gan.ema_generator.weights[0])


def _context(real, fake, discriminator):
    """The context of an update of a discriminator, given its inputs."""
    model = types.SimpleNamespace(
        shown=lambda images, training: images,
        discriminate=lambda images, batch, training: discriminator(images),
        packing=1,
        observe_real_logits=lambda logits: None,
        step=_tensor(np.int32(0)),
        seed_generator=keras_gan.random.SeedGenerator(0),
        constant_fakes=lambda batch, training: batch.fakes,
    )
    batch = keras_gan.Batch(_tensor(real), fakes=_tensor(fake))
    return keras_gan.Context(model, "discriminator", batch)


def _state(regularizer, variables):
    """What a regularizer remembers, as the optimizer holds it."""
    state = regularizer.initial_state(variables)
    return {
        name: keras.Variable(value, dtype=str(value.dtype), trainable=False)
        for name, value in state.items()
    }


def _value_and_grads(function, tensors):
    """`[value, *gradients]` as arrays."""
    value, gradients = backend.grads(function, tensors)
    return [training.to_numpy(x) for x in backend.detached(lambda: (value, *gradients))]


def _tensor(array):
    return ops.convert_to_tensor(array)


CASES = {
    "gradient_penalties": _gradient_penalties,
    "lecam": _lecam,
    "feature_matching": _feature_matching,
    "historical_averaging": _historical_averaging,
    "misc": _misc,
}
