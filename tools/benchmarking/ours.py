"""keras_gan as a contender of tools/benchmark.py: `ours.py CASE BATCH`."""

import sys

import keras
import numpy as np
from protocol import (
    STYLEGAN2_GENERATION,
    STYLEGAN2_ITERATIONS,
    STYLEGAN2_TRAINING,
    serve,
)

import keras_gan

FIT_STEPS = 5


def bare_step(gan, images):
    """A function that makes one compiled training step and waits for its result."""
    gan.make_train_function()
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        groups = ("trainable", "non_trainable", "optimizer", "metrics")
        # Copies: the step may overwrite its arguments, and `fit` wants the model's own.
        state = jax.tree.map(
            jax.numpy.copy, gan._get_jax_state(**{f"{name}_variables": True for name in groups})
        )
        batch = (jax.numpy.asarray(images),)

        def step():
            nonlocal state
            logs, state = gan.train_function(state, iter([batch]))
            jax.block_until_ready(logs)

    elif backend == "tensorflow":
        import tensorflow as tf

        # Batches of an open length, as `fit` has them: one trace for both.
        data = tf.data.Dataset.from_tensor_slices((images,)).repeat().batch(len(images))
        batches = iter(data.prefetch(2))

        def step():
            float(gan.train_function(batches)["d_loss"])

    else:
        import torch

        batch = (torch.tensor(images),)

        def step():
            gan.train_function([batch])

    return step


def training(gan, batch):
    """The requests of a training case."""
    gan.compile()
    per_step = batch * gan.discriminator_steps
    images = np.random.RandomState(0).randint(
        0, 256, (FIT_STEPS * per_step, *gan.image_shape), "uint8"
    )

    def fit():
        gan.fit(images, batch_size=batch, epochs=1, verbose=0)

    return {"run": (bare_step(gan, images[:per_step]), 1), "fit": (fit, FIT_STEPS)}


def generation(count):
    """The requests of a generation case."""
    gan = keras_gan.DCGAN(image_shape=(64, 64, 3), seed=0)
    return {"run": (lambda: gan.generate(seeds=range(count), batch_size=count), 1)}


def stylegan2_training(side, base, count):
    """The requests of a training case of StyleGAN2."""
    gan = keras_gan.StyleGAN2.from_recipe(
        "auto", (side, side, 3), batch_size=count, channel_base=base, seed=0
    )
    gan.compile()
    images = np.random.RandomState(0).randint(0, 256, (count, *gan.image_shape), "uint8")
    step = bare_step(gan, images)

    def run():
        for _ in range(STYLEGAN2_ITERATIONS):
            step()

    return {"run": (run, STYLEGAN2_ITERATIONS)}


def stylegan2_generation(side, base, count):
    """The requests of a generation case of StyleGAN2."""
    gan = keras_gan.StyleGAN2((side, side, 3), channel_base=base, clamp=256.0, seed=0)
    seeds = list(range(count))
    return {
        "run": (lambda: gan.generate(seeds=seeds, truncation=0.7, batch_size=count), 1),
    }


case, batch = sys.argv[1], int(sys.argv[2])
if case == "dcgan_64":
    serve(training(keras_gan.DCGAN(image_shape=(64, 64, 3), seed=0), batch))
elif case == "wgan_gp":
    serve(training(keras_gan.WGANGP(image_shape=(28, 28, 1), seed=0), batch))
elif case in STYLEGAN2_TRAINING:
    serve(stylegan2_training(*STYLEGAN2_TRAINING[case]))
elif case in STYLEGAN2_GENERATION:
    serve(stylegan2_generation(*STYLEGAN2_GENERATION[case]))
else:
    serve(generation(1 if case == "generate_1" else batch))
