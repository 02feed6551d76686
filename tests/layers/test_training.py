"""The layers in the discriminators and generators of real training steps."""

import pathlib

import keras
import numpy as np
import pytest
from keras import ops

import keras_gan
from keras_gan import layers

GOLDENS = pathlib.Path(__file__).with_name("goldens.npz")
IMAGES = np.random.RandomState(0).uniform(-1, 1, (8, 4, 4, 2)).astype("float32")


def spectral():
    """Spectral normalisation in both players, with a penalty that differentiates it twice."""
    normalized = layers.SpectralNormalization
    generator = [
        keras.Input((3,)),
        normalized(keras.layers.Dense(2 * 2 * 4)),
        keras.layers.Reshape((2, 2, 4)),
        layers.BatchNormalization(),
        normalized(layers.Conv2DTranspose(2, 4, strides=2, padding="same", activation="tanh")),
    ]
    discriminator = [
        keras.Input((4, 4, 2)),
        normalized(layers.Conv2D(4, 3, strides=2, padding="same", activation="softplus")),
        layers.MinibatchStdDev(4, 2),
        normalized(keras.layers.Conv2D(4, 2, activation="softplus"), inference="stored"),
        keras.layers.Flatten(),
        normalized(keras.layers.Dense(1)),
    ]
    return generator, discriminator, [keras_gan.regularizers.R1(1.0)]


def minibatch():
    """Virtual batch normalisation, minibatch discrimination and maxout."""
    generator = [
        keras.Input((3,)),
        layers.AddReferenceBatch(5),
        keras.layers.Dense(2 * 2 * 4),
        keras.layers.Reshape((2, 2, 4)),
        layers.VirtualBatchNormalization(5),
        layers.Conv2DTranspose(2, 4, strides=2, padding="same", activation="tanh"),
        layers.RemoveReferenceBatch(5),
    ]
    discriminator = [
        keras.Input((4, 4, 2)),
        keras.layers.Flatten(),
        layers.Maxout(6, 2),
        layers.GradientReversal(1.0),
        layers.Maxout(6, 2),
        layers.NormalizedMinibatchDiscrimination(3, 2),
        layers.MinibatchDiscrimination(3, 2),
        keras.layers.Dense(1),
    ]
    return generator, discriminator, []


def build(networks, policy, helpers):
    keras.config.set_dtype_policy(policy)
    try:
        generator, discriminator, regularizers = networks()
        gan = keras_gan.GAN(keras.Sequential(generator), keras.Sequential(discriminator), seed=3)
    finally:
        keras.config.set_dtype_policy("float32")
    for seed, network in enumerate((gan.generator, gan.discriminator, gan.ema_generator)):
        helpers.draw_weights(network, seed % 2)
    gan.compile(regularizers=regularizers)
    return gan


def numpy(x):
    return np.array(ops.convert_to_numpy(ops.cast(x, "float32")))


@pytest.mark.parametrize("networks", [spectral, minibatch])
def test_steps_are_the_same_on_every_backend_and_resume(networks, helpers, tmp_path):
    gan = build(networks, "float32", helpers)
    logs = [gan.train_on_batch(IMAGES, return_dict=True)]
    gan.save(tmp_path / "gan.keras")
    gan.reset_metrics()
    logs.append(gan.train_on_batch(IMAGES, return_dict=True))
    helpers.check_losses(networks.__name__, {str(i): log for i, log in enumerate(logs)}, GOLDENS)
    again = keras.saving.load_model(tmp_path / "gan.keras")
    for name, value in again.train_on_batch(IMAGES, return_dict=True).items():
        np.testing.assert_array_equal(value, logs[1][name], err_msg=name)
    for ours, theirs in zip(again.weights, gan.weights, strict=True):
        np.testing.assert_array_equal(numpy(ours), numpy(theirs), err_msg=theirs.path)
    # Generated images do not depend on what they are generated with.
    images = gan.generate(seeds=[1, 2, 3], output_type="float")
    np.testing.assert_allclose(gan.generate(seeds=[2], output_type="float"), images[1:2], atol=1e-6)


@pytest.mark.parametrize("networks", [spectral, minibatch])
def test_steps_in_mixed_precision(networks, helpers):
    gan = build(networks, "mixed_bfloat16", helpers)
    before = [numpy(w) for w in gan.discriminator.weights]
    log = gan.train_on_batch(IMAGES, return_dict=True)
    assert all(np.isfinite(value) for value in log.values())
    for old, weight in zip(before, gan.discriminator.weights, strict=True):
        assert np.isfinite(numpy(weight)).all()
        # All is trained, and every singular vector moves.
        assert weight.name == "scale" or not np.array_equal(numpy(weight), old), weight.path
        assert keras.backend.standardize_dtype(weight.dtype) == "float32"


def test_a_vector_moves_once_for_each_training_call(helpers):
    gan = build(spectral, "float32", helpers)
    gan.compile(
        regularizers=[keras_gan.regularizers.R1(1.0)],
        generator_optimizer=keras.optimizers.SGD(0.0),
        discriminator_optimizer=keras.optimizers.SGD(0.0),
    )
    first = gan.discriminator.layers[0]
    u, w = numpy(first.u), numpy(first.layer.kernel).reshape(-1, 4).T
    gan.train_on_batch(IMAGES)
    # Of the discriminator's update: real and generated images, and the penalty. Of the
    # generator's: generated ones.
    for _ in range(4):
        v = w.T @ u
        u = w @ (v / np.linalg.norm(v))
        u = u / np.linalg.norm(u)
    np.testing.assert_allclose(numpy(first.u), u, rtol=1e-4)
    gan.evaluate(IMAGES, verbose=0)
    np.testing.assert_allclose(numpy(first.u), u, rtol=1e-4)
