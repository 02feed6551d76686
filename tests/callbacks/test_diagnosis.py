"""Each disease is provoked in a tiny GAN on points around a circle, and must be named in time."""

import math

import keras
import numpy as np
import pytest
from keras import layers

import keras_gan
from keras_gan.callbacks import Diagnosis


def ring(count, seed=0):
    """Points near 8 modes on a circle, as images of one pixel with two channels."""
    rng = np.random.RandomState(seed)
    angles = 2 * np.pi * rng.randint(0, 8, count) / 8
    points = np.stack([np.cos(angles), np.sin(angles)], 1) + 0.01 * rng.randn(count, 2)
    return (0.5 * points).astype("float32").reshape(count, 1, 1, 2)


def tiny_gan(noise=1.0, width=32, image_shape=(1, 1, 2), **arguments):
    generator = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Rescaling(noise),
            layers.Dense(width, "relu"),
            layers.Dense(width, "relu"),
            layers.Dense(math.prod(image_shape)),
            layers.Reshape(image_shape),
        ],
        name="generator",
    )
    discriminator = keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Flatten(),
            layers.Rescaling(4.0),
            layers.Dense(width, "relu"),
            layers.Dense(width, "relu"),
            layers.Dense(1),
        ],
        name="discriminator",
    )
    # The same weights on every backend.
    rng = np.random.RandomState(0)
    for network in (generator, discriminator):
        shapes = [weight.shape for weight in network.weights]
        network.set_weights(
            [rng.standard_normal(s) * np.sqrt(2 / s[0]) * (len(s) > 1) for s in shapes]
        )
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    gan.compile(**arguments)
    return gan


def adam(rate, beta=0.5):
    return keras.optimizers.Adam(rate, beta, 0.999, epsilon=1e-8)


def rates(generator, discriminator, beta=0.5):
    return {
        "generator_optimizer": adam(generator, beta),
        "discriminator_optimizer": adam(discriminator, beta),
    }


def watch(gan, steps, images=None, interval=25, **options):
    diagnosis = Diagnosis(interval, samples=128, **options)
    gan.fit(
        ring(1024) if images is None else images,
        batch_size=64,
        steps_per_epoch=steps,
        verbose=0,
        callbacks=[diagnosis],
    )
    return {finding.name: finding for finding in diagnosis.findings}, diagnosis


PROVOKED = {
    # Too high a rate for one player; a generator whose noise is next to nothing; no penalty.
    "discriminator_wins": ({}, rates(1e-6, 1e-2), 400),
    "generator_wins": ({}, rates(1e-3, 1e-6), 250),
    "mode_collapse": ({"noise": 0.02}, rates(1e-3, 1e-3), 350),
    "oscillation": ({"noise": 0.02}, rates(3e-3, 3e-3), 600),
    "divergence": ({}, {**rates(1e-3, 1e-2), "loss": "wasserstein"}, 250),
    "singular_values_grow": ({}, {**rates(1e-3, 1e-2), "loss": "wasserstein"}, 500),
}


@pytest.mark.parametrize("name", PROVOKED)
def test_a_provoked_disease_is_named(name, capsys):
    model, recipe, within = PROVOKED[name]
    found, diagnosis = watch(tiny_gan(**model, **recipe), within)
    print([(f.name, f.step, f.evidence) for f in diagnosis.findings])
    for row in diagnosis.signals:
        print({k: round(v, 2) for k, v in row.items()})
    assert found[name].step <= within
