"""The GANs of dense layers: networks in both modes, and optimizer steps."""

import keras
import numpy as np

import keras_gan
from keras_gan import backend
from parity import training
from parity.case import Unsupported

# What the models fix; a case with other values needs another model.
_FIXED = {
    "batch_norm_momentum_torch": 0.1,
    "leaky_slope": 0.2,
    "d_dropout": 0.4,
}


def run(case):
    """The case's outputs as this library computes them."""
    config, params = case.config, case.params
    for key, value in _FIXED.items():
        if config.get(key, value) != value:
            raise Unsupported(f"{key}={config[key]}, only {value}")
    if "G.h0.W" in params:
        return _maxout(case, params)
    side = config["img_size"]
    gan = keras_gan.checkpoints.load_checkpoint(
        params,
        image_shape=(side, side, config["channels"]),
        latent_dim=config["latent_dim"],
        batch_norm_epsilon=config["batch_norm_eps"],
    )
    names = training.Names(gan, params)
    return (_steps if "steps" in config else _forward)(case, gan, names)


def _forward(case, gan, names):
    inputs = case.inputs
    labels = [keras.ops.convert_to_tensor(inputs["labels"])] if "labels" in inputs else []

    def call(network, x, is_training=False):
        return backend.detached(
            lambda: network(
                [keras.ops.convert_to_tensor(x), *labels] if labels else x, training=is_training
            )
        )

    def judge(x):
        logits = training.to_numpy(call(gan.discriminator, x))
        # A conditional model's discriminator ends in scores, an unconditional one's in a sigmoid.
        return logits if labels else training.sigmoid(logits)

    real = training.channels_last(inputs["real"])
    generated = call(gan.generator, inputs["z"])
    computed = {
        "g_eval": training.channels_first(generated),
        "d_eval_real": judge(real),
        "d_eval_fake": judge(generated),
        # Without dropout, training mode is no other: the unconditional discriminator has none.
        "d_train_real": judge(real),
        "g_train": training.channels_first(call(gan.generator, inputs["z"], is_training=True)),
    }
    after = names.values()
    return {**computed, **{f"after_one_pass/{name}": value for name, value in after.items()}}


def _steps(case, gan, names):
    config, inputs = case.config, case.inputs
    step = training.Steps(gan, **training.optimizers(config["optimizer"]))
    before = names.values()
    computed = {}
    for i in range(config["steps"]):
        g, d = step(
            training.channels_last(inputs[f"real/{i}"]),
            normal=[inputs[f"z/{i}"]],
        )
        values = {
            "g_loss": g.logs["g_loss"],
            "grad_norm_g": g.norm,
            "d_loss": d.logs["d_loss"],
            "grad_norm_d": d.norm,
        }
        for name, value in values.items():
            computed.setdefault(name, []).append(value)
    return {**computed, **training.changes(before, names.values(), case.outputs)}


def _maxout(case, params):
    inputs = case.inputs
    pixels = inputs["real"].shape[-1]
    side = int(np.sqrt(pixels))
    if side * side != pixels:
        raise Unsupported(f"images of {pixels} numbers, which are not square and gray")
    gan = keras_gan.checkpoints.load_checkpoint(params, image_shape=(side, side, 1))
    if gan.get_config()["pieces"] != case.config["maxout_pieces"]:
        raise ValueError(f"Loaded units of {gan.get_config()['pieces']} pieces.")

    def judge(x):
        return training.to_numpy(backend.detached(lambda: gan.discriminator(x)))[:, 0]

    generated = backend.detached(lambda: gan.generator(inputs["z"]))
    return {
        "g": training.to_numpy(generated).reshape(-1, pixels),
        "d_fake_logit": judge(generated),
        "d_real_logit": judge(inputs["real"].reshape(-1, side, side, 1)),
    }
