"""What is tried against mode collapse in the plane: each remedy is a compiled model.

Three families, in each of which the remedy is the only difference: PacGAN's networks and protocol;
those of Unrolled GANs, with names in `unrolled`; and, with names in `small_`, networks and settings
that train in a minute, to which the library's `best` belongs.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np

import keras_gan
from keras_gan.augmentation import InstanceNoise
from keras_gan.layers import MinibatchDiscrimination
from keras_gan.regularizers import DRAGAN, R1, R2, GradientPenalty
from mode_benchmarks import networks

# 400 epochs of 100,000 samples in batches of 100.
_PACGAN_STEPS = 400_000
_UNROLLED_STEPS = 25_000
_SMALL_STEPS = 8_000


class Remedy(NamedTuple):
    """A way to train.

    Attributes:
        build: function from a `Mixture`, the number of steps and the seed to a compiled model.
        steps: int, of the protocol.
        batch_size: int, samples per update.
    """

    build: Callable
    steps: int
    batch_size: int


def _pacgan(packing=1, last=None, **settings):
    """PacGAN's protocol, which updates both players on the same latents.

    Its code computes both gradients before either update; here the discriminator goes first. Where
    samples are packed, an update sees so many times more of them.
    """

    def build(mixture, steps, seed):
        gan = keras_gan.GAN(
            networks.pacgan_generator(),
            networks.pacgan_discriminator(packing, None if last is None else last()),
            image_range=(-mixture.extent, mixture.extent),
            packing=packing,
            seed=seed,
        )
        gan.compile(
            generator_optimizer=_adam(1e-4, 0.8, 0.999),
            discriminator_optimizer=_adam(1e-4, 0.8, 0.999),
            reuse_latents=settings.get("discriminator_steps", 1) == 1,
            **_made_for(steps, settings),
        )
        return gan

    return Remedy(build, _PACGAN_STEPS, 100 * packing)


def _unrolled(steps_ahead):
    """The setting of Unrolled GANs; 0 steps ahead are a plain GAN.

    The length and the batches are those of the authors' notebook.
    """

    def build(mixture, steps, seed):
        gan = keras_gan.UnrolledGAN(
            networks.unrolled_generator(),
            networks.unrolled_discriminator(),
            unrolling_steps=steps_ahead,
            image_range=(-mixture.extent, mixture.extent),
            seed=seed,
        )
        gan.compile()
        return gan

    return Remedy(build, _UNROLLED_STEPS, 512)


def _small(packing=1, **settings):
    """Three layers of 128 ReLU units in each network, learning rates that fall to 0, averages."""

    def build(mixture, steps, seed):
        # The outermost means are at 4 for the networks, in both mixtures.
        extent = 4.0 * mixture.extent / np.abs(mixture.means).max()
        gan = keras_gan.GAN(
            networks.plain_generator(latent_dim=2, width=128, depth=3),
            networks.plain_discriminator(width=128, depth=3, packing=packing),
            image_range=(-extent, extent),
            packing=packing,
            seed=seed,
        )
        falling = keras.optimizers.schedules.CosineDecay
        # A schedule counts the updates of its own player.
        updates = steps * settings.get("discriminator_steps", 1)
        gan.compile(
            generator_optimizer=_adam(falling(2e-3, steps), 0.0, 0.99),
            discriminator_optimizer=_adam(falling(2e-3, updates), 0.0, 0.99),
            ema_decay=0.999,
            **_made_for(steps, settings),
        )
        return gan

    return Remedy(build, _SMALL_STEPS, 256 * packing)


def _adam(learning_rate, beta_1, beta_2):
    return keras.optimizers.Adam(learning_rate, beta_1, beta_2, epsilon=1e-8)


def _made_for(steps, settings):
    """The settings, those that depend on the length of the run made for it."""
    return {key: value(steps) if callable(value) else value for key, value in settings.items()}


def _annealed_noise(steps):
    # From a fraction of the way between two modes to nothing, over half of the run.
    return [InstanceNoise(keras.optimizers.schedules.PolynomialDecay(0.5, max(1, steps // 2), 0.0))]


# The weight of the penalty is that of the authors' code for data in the plane.
_WGAN_GP = {
    "loss": "wasserstein",
    "regularizers": [GradientPenalty(0.1)],
    "discriminator_steps": 5,
}

REMEDIES = {
    "gan": _pacgan(),
    "packing2": _pacgan(packing=2),
    "packing3": _pacgan(packing=3),
    "packing4": _pacgan(packing=4),
    "instance_noise": _pacgan(augmentations=_annealed_noise),
    "minibatch_discrimination": _pacgan(last=MinibatchDiscrimination),
    "dragan": _pacgan(regularizers=[DRAGAN()]),
    "r1": _pacgan(regularizers=[R1(0.1)]),
    "wgan_gp": _pacgan(**_WGAN_GP),
    "unrolled0": _unrolled(0),
    "unrolled1": _unrolled(1),
    "unrolled5": _unrolled(5),
    "unrolled10": _unrolled(10),
    "small_gan": _small(),
    "small_packing2": _small(packing=2),
    "small_packing4": _small(packing=4),
    "small_instance_noise": _small(augmentations=_annealed_noise),
    "small_wgan_gp": _small(**_WGAN_GP),
    "small_r1": _small(regularizers=[R1(0.05)]),
    "best": _small(loss="relativistic", regularizers=[R1(0.05), R2(0.05)]),
}
