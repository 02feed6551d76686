"""DCGAN: both networks in both modes, and optimizer steps in both orders."""

import numpy as np

import keras_gan
from keras_gan import backend
from parity import training
from parity.case import Unsupported

# What the model fixes; a case with other values needs another model.
_FIXED = {
    "batch_norm_eps": 1e-5,
    "batch_norm_momentum_torch": 0.1,
    "leaky_slope": 0.2,
}


def run(case):
    """The case's outputs as this library computes them."""
    for key, value in _FIXED.items():
        if case.config.get(key, value) != value:
            raise Unsupported(f"{key}={case.config[key]}, only {value}")
    params = case.params
    size = case.config["image_size"]
    gan = keras_gan.checkpoints.load_checkpoint(
        params,
        image_shape=(size, size, case.config["nc"]),
        latent_dim=case.config["nz"],
    )
    names = training.Names(gan, params)
    return (_steps if "steps" in case.config else _forward)(case, gan, names)


def _forward(case, gan, names):
    z = _latents(case.inputs["z"])
    real = training.channels_last(case.inputs["real"])

    def critic(x, **mode):
        return training.sigmoid(_constant(gan.discriminator, x, **mode))[:, 0]

    generated = _constant(gan.generator, z)
    computed = {
        "g_eval": training.channels_first(generated),
        "d_eval_real": critic(real),
        "d_eval_fake": critic(generated),
        "g_train": training.channels_first(_constant(gan.generator, z, training=True)),
        "d_train_real": critic(real, training=True),
    }
    after = names.values()
    return {**computed, **{f"after_one_pass/{name}": value for name, value in after.items()}}


def _steps(case, gan, names):
    inputs, config = case.inputs, case.config
    reuse = "z/0" in inputs
    step = training.Steps(
        gan,
        loss=keras_gan.losses.NonSaturating(),
        reuse_latents=reuse,
        **training.optimizers(config["optimizer"]),
    )
    before = names.values()
    computed = {}
    for i in range(config["steps"]):
        draws = [f"z/{i}"] if reuse else [f"z_d/{i}", f"z_g/{i}"]
        d, g = step(
            training.channels_last(inputs[f"real/{i}"]),
            normal=[_latents(inputs[name]) for name in draws],
        )
        real, fake = d.logits
        values = {
            "loss_d": d.logs["d_loss"],
            "loss_d_real": np.mean(_softplus(-real)),
            "loss_d_fake": np.mean(_softplus(fake)),
            "d_x": np.mean(training.sigmoid(real)),
            "d_g_z1": np.mean(training.sigmoid(fake)),
            "grad_norm_d": d.norm,
            "loss_g": g.logs["g_loss"],
            "d_g_z2": np.mean(training.sigmoid(g.logits[-1])),
            "grad_norm_g": g.norm,
        }
        for name, value in values.items():
            computed.setdefault(name, []).append(value)
    return {**computed, **training.changes(before, names.values(), case.outputs)}


def _constant(network, x, training=False):
    return backend.detached(lambda: network(x, training=training))


def _latents(z):
    return z.reshape(len(z), -1)


def _softplus(logits):
    return np.logaddexp(0, np.asarray(logits, "float64"))
