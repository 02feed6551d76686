"""WGAN: steps with clipped weights; WGAN-GP: networks, second-order gradients, and steps."""

import keras
import numpy as np

import keras_gan
from parity import training
from parity.case import Unsupported

_KINDS = {
    "mnist28": ("conv", 28),
    "resnet32": ("resnet", 32),
    "resnet64": ("resnet", 64),
}


class _NoLoss(keras_gan.losses.AdversarialLoss):
    """Leaves the penalty alone in the critic's loss."""

    def discriminator(self, real, fake):
        return 0.0 * keras.ops.mean(real)

    def generator(self, real, fake):
        return 0.0 * keras.ops.mean(fake)


def run(case):
    """The case's outputs as this library computes them."""
    config = case.config
    if "clip" in config:
        return _clipped_steps(case)
    if config.get("kind") not in _KINDS:
        raise Unsupported(f"kind={config.get('kind')!r}")
    architecture, side = _KINDS[config["kind"]]
    params = case.params
    gan = keras_gan.checkpoints.load_checkpoint(
        params, architecture=architecture, width=config["dim"], latent_dim=config["latent_dim"]
    )
    if gan.image_shape[0] != side:
        raise ValueError(f"Loaded a model of {gan.image_shape[0]} px, expected {side}.")
    names = training.Names(gan, params)
    return (_steps if "n_critic" in config else _losses)(case, gan, names)


def _clipped_steps(case):
    inputs, config = case.inputs, case.config
    if not config["clip_order"].startswith("after"):
        raise Unsupported(f"clip_order={config['clip_order']!r}, only after each critic update")
    params = case.params
    # The case's critic is high on real images, a checkpoint's is low.
    flipped = [name for name in params if name.startswith("D.main.final")]
    gan = keras_gan.checkpoints.load_checkpoint(
        {name: -tensor if name in flipped else tensor for name, tensor in params.items()},
        clip=config["clip"],
        long_critic_steps=0,
    )
    names = training.Names(gan, params)

    def values():
        found = names.values()
        return {name: -value if name in flipped else value for name, value in found.items()}

    step = training.Steps(
        gan,
        discriminator_steps=config["n_critic"],
        **training.optimizers(config["optimizer"]),
    )
    before = values()
    critic, generator = [], []
    for i in range(config["outer_steps"]):
        at = [f"{i}/{j}" for j in range(config["n_critic"])]
        real = np.concatenate([inputs[f"real/{a}"] for a in at])
        draws = [*(inputs[f"z_d/{a}"] for a in at), inputs[f"z_g/{i}"]]
        *updates, last = step(
            training.channels_last(real), normal=[z.reshape(len(z), -1) for z in draws]
        )
        critic += updates
        generator.append(last)
    after = values()
    return {
        "d_loss": [u.logs["d_loss"] for u in critic],
        "grad_norm_d": [u.norm for u in critic],
        "g_loss": [u.logs["g_loss"] for u in generator],
        "grad_norm_g": [u.norm for u in generator],
        **training.changes(before, after, case.outputs),
        **{
            f"clipped_fraction/{name}": np.mean(np.abs(value) >= np.float32(config["clip"]))
            for name, value in after.items()
        },
    }


def _losses(case, gan, names):
    inputs, outputs = case.inputs, case.outputs
    real = training.channels_last(inputs["real"], gan.image_shape)

    def update(loss, weight):
        """Both players' losses and gradients, from the training step at learning rate 0."""
        step = training.Steps(
            gan,
            loss=loss,
            regularizers=[keras_gan.regularizers.GradientPenalty(weight)],
            discriminator_steps=1,
            reuse_latents=True,
            **training.frozen(),
        )
        epsilon = _epsilon(inputs["epsilon"])
        return step(_as_data(gan, real), normal=[inputs["z"]], uniform=[epsilon])

    d, g = update(keras_gan.losses.Wasserstein(), case.config["gp_weight"])
    penalty, _ = update(_NoLoss(), 1.0)
    ((interpolated, (gradient,)),) = d.penalized
    computed = {
        "g_train": training.channels_first(d.fakes[0]),
        "d_real": d.logits[0][:, 0],
        "d_fake": d.logits[1][:, 0],
        "d_interp": interpolated[:, 0],
        "slopes": np.sqrt(np.sum(gradient.astype("float64") ** 2, axis=(1, 2, 3))),
        "gp": d.logs["gradient_penalty"],
        "wasserstein_term": d.logs["fake_logits"] - d.logs["real_logits"],
        "d_loss": d.logs["d_loss"],
        "g_loss": g.logs["g_loss"],
    }
    for loss, recorded in (("d_loss", d), ("gp", penalty), ("g_loss", g)):
        for name, gradient in names.gradients(recorded).items():
            computed[f"grad_norm/{loss}/{name}"] = np.linalg.norm(gradient.astype("float64"))
            if (key := f"grad_sample/{loss}/{name}") in outputs:
                computed[key] = training.sample(gradient, outputs[key].size)
    return computed


def _steps(case, gan, names):
    inputs, config = case.inputs, case.config
    step = training.Steps(
        gan,
        loss=keras_gan.losses.Wasserstein(),
        regularizers=[keras_gan.regularizers.GradientPenalty(config["gp_weight"])],
        discriminator_steps=config["n_critic"],
        **training.optimizers(config["optimizer"]),
    )
    before = names.values()
    critic, generator = [], []
    for i in range(config["outer_steps"]):
        at = [f"{i}/{j}" for j in range(config["n_critic"])]
        real = np.concatenate([inputs[f"real/{a}"] for a in at])
        *updates, last = step(
            _as_data(gan, training.channels_last(real, gan.image_shape)),
            normal=[*(inputs[f"z_d/{a}"] for a in at), inputs[f"z_g/{i}"]],
            uniform=[_epsilon(inputs[f"epsilon/{a}"]) for a in at],
        )
        critic += updates
        generator.append(last)
    return {
        "d_loss": [u.logs["d_loss"] for u in critic],
        "gp": [u.logs["gradient_penalty"] for u in critic],
        "wasserstein_term": [u.logs["fake_logits"] - u.logs["real_logits"] for u in critic],
        "grad_norm_d": [u.norm for u in critic],
        "g_loss": [u.logs["g_loss"] for u in generator],
        "grad_norm_g": [u.norm for u in generator],
        **training.changes(before, names.values(), case.outputs),
    }


def _epsilon(epsilon):
    """The reference goes from real to fake, `GradientPenalty` from fake to real."""
    return 1 - epsilon.reshape(-1, 1, 1, 1)


def _as_data(gan, images):
    """Images in the networks' range as `fit` takes them."""
    return training.to_numpy(gan.from_network_range(keras.ops.convert_to_tensor(images)))
