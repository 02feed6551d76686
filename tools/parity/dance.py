"""Training steps of the one-dimensional game."""

import keras
import numpy as np

import keras_gan
from parity import training
from parity.case import Unsupported

_FIXED = {
    "generator": "1.5 z + MLP(z)",
    "mlp": "linear relu linear relu linear",
    "real": "side*4-2 + 0.5 eps",
}
# Wide enough for every sample, and a power of two: scaling by it rounds nothing.
_RANGE = 16


def run(case):
    """The case's outputs as this library computes them."""
    config, params, inputs = case.config, case.params, case.inputs
    for key, value in _FIXED.items():
        if config[key] != value:
            raise Unsupported(f"{key} '{config[key]}'")
    latents = keras.Input((1,))
    moved = _mlp("G", params)(latents)
    generator = keras.Model(latents, keras.layers.Rescaling(1.5)(latents) + moved)
    gan = keras_gan.GAN(generator, _mlp("D", params), image_range=(-_RANGE, _RANGE), seed=0)
    step = training.Steps(
        gan,
        loss="non_saturating",
        regularizers=[keras_gan.regularizers.R1(config["r1_gamma"])],
        **_optimizers(config["optimizer"]),
    )
    weights = _weights(gan)
    before = _values(weights)
    for name, value in before.items():
        np.testing.assert_array_equal(value, params[name])
    rows = []
    for i in range(config["steps"]):
        real = inputs[f"side/{i}"] * 4.0 - 2.0 + 0.5 * inputs[f"eps/{i}"]
        d, g = step(
            (real / _RANGE).astype("float32"), normal=[inputs[f"z_d/{i}"], inputs[f"z_g/{i}"]]
        )
        r1 = d.logs["r1"]
        rows.append(
            {
                "d_loss": d.logs["d_loss"] - config["r1_gamma"] / 2 * r1,
                "r1": r1,
                "grad_norm_d": d.norm,
                "g_loss": g.logs["g_loss"],
                "grad_norm_g": g.norm,
            }
        )
    computed = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {**computed, **training.changes(before, _values(weights), case.outputs)}


def _mlp(role, params):
    """The network of the case's weights `<role>.<0, 2, 4>.<weight or bias>`."""
    network = keras.Sequential(
        [
            keras.Input((params[f"{role}.0.weight"].shape[1],)),
            *(
                keras.layers.Dense(len(params[f"{role}.{i}.bias"]), activation=activation)
                for i, activation in ((0, "relu"), (2, "relu"), (4, None))
            ),
        ]
    )
    for layer, i in zip(network.layers, (0, 2, 4), strict=True):
        layer.set_weights([params[f"{role}.{i}.weight"].T, params[f"{role}.{i}.bias"]])
    return network


def _weights(gan):
    """The weights by the names of their tensors."""
    networks = {"G": gan.generator, "D": gan.discriminator}
    return {
        f"{role}.{2 * i}.{name}": weight
        for role, network in networks.items()
        for i, pair in enumerate(
            zip(network.trainable_variables[::2], network.trainable_variables[1::2], strict=True)
        )
        for name, weight in zip(("weight", "bias"), pair, strict=True)
    }


def _values(weights):
    """Their present values by name, in the reference's shape."""
    return {
        name: training.to_numpy(w).T if name.endswith("weight") else training.to_numpy(w)
        for name, w in weights.items()
    }


def _optimizers(config):
    betas = {name: config[name] for name in ("beta_1", "beta_2", "epsilon")}
    if config["name"] != "Adam":
        raise Unsupported(f"optimizer '{config['name']}'")
    return {
        f"{player}_optimizer": keras.optimizers.Adam(config[key], **betas)
        for player, key in (("generator", "lr_g"), ("discriminator", "lr_d"))
    }
