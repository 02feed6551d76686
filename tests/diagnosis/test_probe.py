import keras
import numpy as np
import pytest
from keras import layers

import keras_gan
from keras_gan import backend
from keras_gan.callbacks import Diagnosis
from keras_gan.diagnosis.probe import Probe


@pytest.fixture(scope="module")
def gan():
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2, seed=0)
    gan.compile()
    return gan


@pytest.fixture(scope="module")
def images():
    return np.random.RandomState(0).randint(0, 256, (32, 16, 16, 1)).astype("uint8")


def values(gan):
    variables = [*gan.variables, *gan.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def test_signals_are_those_of_the_networks_and_leave_no_trace(gan, images):
    before = values(gan)
    probe = Probe(gan, (images,), (images[:8],), batch_size=8)
    signals, again = probe.measure(), probe.measure()
    for old, new in zip(before, values(gan), strict=True):
        np.testing.assert_array_equal(old, new)
    assert all(np.array_equal(signals[name], again[name]) for name in signals)
    # The first batch of training has the statistics of those 8 images.
    x = images.astype("float32") / 127.5 - 1
    real = [
        keras.ops.convert_to_numpy(
            backend.without_updates(lambda i=i: gan.discriminator(x[i : i + 8], training=True))
        )
        for i in range(0, 32, 8)
    ]
    np.testing.assert_allclose(signals["real_score"], np.mean(real), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(signals["held_out_score"], real[0].mean(), rtol=1e-4, atol=1e-7)
    assert signals["real_accuracy"] == np.mean(np.concatenate(real) > 0)
    difference = signals["real_score"] - signals["fake_score"]
    np.testing.assert_allclose(signals["margin"], difference, rtol=1e-4, atol=1e-6)
    assert "slope" not in signals
    for player in ("generator", "discriminator"):
        for v in getattr(gan, player).trainable_variables:
            if len(v.shape) > 1:
                kernel = keras.ops.convert_to_numpy(v).reshape(-1, v.shape[-1])
                exact = np.linalg.svd(kernel, compute_uv=False)[0]
                estimate = signals[f"sigma/{player}/{v.path}"]
                assert 0.9 * exact < estimate < 1.0001 * exact


def test_samples_that_are_the_data_are_as_diverse(images):
    # Both are tanh of normal numbers: the same distances, and nothing to tell apart.
    z = keras.Input((16,))
    points = layers.Dense(16, "tanh", kernel_initializer="identity")(z)
    generator = keras.Model(z, layers.Reshape((4, 4, 1))(points), name="generator")
    image = keras.Input((4, 4, 1))
    y = layers.Dense(1, kernel_initializer="zeros")(layers.Flatten()(image))
    gan = keras_gan.GAN(generator, keras.Model(image, y, name="discriminator"), seed=0)
    gan.compile()
    real = np.tanh(np.random.RandomState(0).randn(256, 4, 4, 1)).astype("float32")
    signals = Probe(gan, (real,), None, 64).measure()
    assert abs(signals["diversity"] - 1) < 0.05
    np.testing.assert_allclose(signals["bce"], 2 * np.log(2), rtol=1e-5)
    assert signals["margin"] == 0 and signals["g_grad_norm"] == 0
    one = Probe(gan, (0.25 * real,), None, 64).measure()
    assert abs(one["diversity"] - 4 * signals["diversity"]) < 0.01


def test_slope_is_the_norm_of_a_linear_critic():
    image = keras.Input((2, 2, 1))
    y = layers.Dense(1, kernel_initializer="ones")(layers.Flatten()(image))
    z = keras.Input((4,))
    gan = keras_gan.GAN(
        keras.Model(z, layers.Reshape((2, 2, 1))(layers.Dense(4)(z)), name="generator"),
        keras.Model(image, y, name="discriminator"),
        seed=0,
    )
    gan.compile(loss="wasserstein")
    real = np.zeros((8, 2, 2, 1), "float32")
    np.testing.assert_allclose(Probe(gan, (real,), None, 8).measure()["slope"], 2.0, rtol=1e-5)


def test_conditional_models_are_compared_class_by_class_and_packs_as_packs():
    z, label = keras.Input((4,)), keras.Input((), dtype="int32")
    # The image is its class, and nothing else: without labels, as diverse as the data.
    x = layers.Embedding(2, 4, embeddings_initializer="ones")(label)
    x = layers.Add()([x, layers.Dense(4, kernel_initializer="zeros")(z)])
    image = keras.Input((2, 2, 2))
    y = layers.Dense(1)(layers.Flatten()(image))
    gan = keras_gan.GAN(
        keras.Model([z, label], layers.Reshape((2, 2, 1))(x), name="generator"),
        keras.Model(image, y, name="discriminator"),
        num_classes=2,
        packing=2,
        seed=0,
    )
    gan.compile()
    table = next(v for v in gan.generator.weights if "embeddings" in v.path)
    table.assign(np.array([[1.0] * 4, [-1.0] * 4]))
    labels = np.arange(64) % 2
    noise = 0.1 * np.random.RandomState(0).randn(64, 2, 2, 1)
    real = np.clip(np.where(labels, -0.8, 0.8)[:, None, None, None] + noise, -1, 1)
    data = (real.astype("float32"), labels)
    assert Probe(gan, data, None, 17).measure()["diversity"] < 1e-3


def test_a_run_ends_with_the_same_bits_with_and_without_diagnosis(images):
    def trained(callbacks):
        gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2, seed=0)
        gan.generator.set_weights([0.05 * np.ones(w.shape) for w in gan.generator.weights])
        gan.discriminator.set_weights([0.05 * np.ones(w.shape) for w in gan.discriminator.weights])
        gan.compile()
        gan.fit(images, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
        return values(gan)

    diagnosis = Diagnosis(interval=2, samples=16)
    for one, other in zip(trained([]), trained([diagnosis]), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [row["step"] for row in diagnosis.signals] == [2, 4, 6, 8]
