"""The unrolled generator's gradient through the discriminator's steps, and without them."""

from unittest import mock

import keras

import keras_gan
from keras_gan import backend, losses
from parity import training
from parity.case import Unsupported

_NETWORKS = {
    "generator": "linear(zd->h) tanh linear(h->2)",
    "discriminator": "linear(2->h) tanh linear(h->1)",
}
_OBJECTIVES = {"saddle": losses.ZeroSum("non_saturating"), "ns": losses.NonSaturating()}


def run(case):
    """The case's outputs as this library computes them."""
    config, params, inputs = case.config, case.params, case.inputs
    for role, description in _NETWORKS.items():
        if config[role] != description:
            raise Unsupported(f"{role} '{config[role]}'")
    batch = keras_gan.Batch(
        keras.ops.convert_to_tensor(inputs["real"]),
        latents=keras.ops.convert_to_tensor(inputs["z"]),
    )
    computed = {}
    for inner in config["inner"]:
        for k in config["k"]:
            gan = keras_gan.UnrolledGAN(
                _mlp("G", params), _mlp("D", params), unrolling_steps=k, seed=0
            )
            for objective, loss in _OBJECTIVES.items():
                gan.compile(loss=loss, discriminator_optimizer=_optimizer(inner))
                prefix = f"{inner['name']}/k{k}"
                value, gradients, ahead = _unroll(gan, batch)
                computed[f"{prefix}/{objective}_loss"] = value
                computed[f"{prefix}/d_loss"] = ahead.pop("d_loss")
                computed.update({f"{prefix}/{name}": x for name, x in ahead.items()})
                computed.update({f"{prefix}/{objective}_grad/{n}": g for n, g in gradients.items()})
                with mock.patch.object(backend, "variable_grads", _constant_gradients):
                    _, gradients, _ = _unroll(gan, batch)
                computed.update(
                    {f"{prefix}/{objective}_grad_first_order/{n}": g for n, g in gradients.items()}
                )
    return computed


def _unroll(gan, batch):
    """The generator's loss and gradients, and the discriminator on which it was taken."""
    generator, discriminator = (_variables(x) for x in (gan.generator, gan.discriminator))

    def loss():
        value, _ = gan.generator_loss(batch)
        fake = gan.generate_fakes(batch)
        with gan.steps_ahead(fake, batch):
            logits = [gan.discriminate(x, batch) for x in (batch.images, fake)]
            ahead = {f"D.{name}": v.value for name, v in discriminator.items()}
            ahead["d_loss"] = losses.NonSaturating().discriminator(*logits)
        return value, ahead

    (value, ahead), gradients = backend.value_and_grad(loss, list(generator.values()))
    ahead = {name: _as_source(name, x) for name, x in ahead.items()}
    names = [f"G.{name}" for name in generator]
    gradients = {n: _as_source(n, g) for n, g in zip(names, gradients, strict=True)}
    return training.to_numpy(value), gradients, ahead


def _constant_gradients(fn, variables):
    return backend.detached(lambda: _VARIABLE_GRADS(fn, variables))


_VARIABLE_GRADS = backend.variable_grads


def _mlp(role, params):
    """A network of two layers with the case's weights `<role>.<layer>.<weight or bias>`."""
    width, size = params[f"{role}.0.weight"].shape
    network = keras.Sequential(
        [
            keras.Input((size,)),
            keras.layers.Dense(width, activation="tanh"),
            keras.layers.Dense(len(params[f"{role}.1.bias"])),
        ]
    )
    for name, variable in _variables(network).items():
        variable.assign(_as_source(name, params[f"{role}.{name}"]))
    return network


def _variables(network):
    return {
        f"{i}.{name}": variable
        for i, layer in enumerate(network.layers)
        for name, variable in (("weight", layer.kernel), ("bias", layer.bias))
    }


def _as_source(name, x):
    """Kernels are transposed in the reference; its own inverse."""
    x = training.to_numpy(x)
    return x.T if name.endswith("weight") else x


def _optimizer(config):
    if config["name"] == "sgd":
        return keras.optimizers.SGD(config["lr"])
    if config["name"] != "adam":
        raise Unsupported(f"inner optimizer '{config['name']}'")
    return keras.optimizers.Adam(
        config["lr"], config["beta_1"], config["beta_2"], epsilon=config["epsilon"]
    )
