"""Models whose images belong to classes."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gan
from keras_gan.layers import BatchNormalization
from keras_gan.regularizers import R1, GradientPenalty

RNG = np.random.RandomState(0)
X = RNG.randint(0, 256, (24, 4, 4, 1)).astype("uint8")
LABELS = (np.arange(24) % 3).astype("uint8")


def networks(sees_labels=True):
    z, label = keras.Input((3,)), keras.Input((), dtype="int32")
    x = layers.Concatenate()([z, layers.Embedding(3, 2)(label)])
    x = BatchNormalization()(layers.Dense(16)(x))
    image = layers.Reshape((4, 4, 1))(layers.Activation("tanh")(x))
    generator = keras.Model([z, label], image, name="generator")
    image = keras.Input((4, 4, 1))
    x = layers.Flatten()(image)
    if sees_labels:
        x = layers.Concatenate()([x, layers.Embedding(3, 2)(label)])
    x = layers.Dense(1)(layers.Dense(8, activation="tanh")(x))
    inputs = [image, label] if sees_labels else image
    return generator, keras.Model(inputs, x, name="discriminator")


def make(sees_labels=True, **options):
    keras.utils.set_random_seed(1)
    gan = keras_gan.GAN(*networks(sees_labels), num_classes=3, seed=5)
    gan.compile(**options)
    return gan


@pytest.fixture(scope="module")
def plain():
    """A compiled model that tests may train further; none relies on its weights."""
    return make()


@pytest.fixture(scope="module")
def full():
    """Labels everywhere at once: groups, accumulation, penalties, averages, validation, metrics."""
    gan = make(
        discriminator_steps=2,
        accumulation_steps=2,
        regularizers=[GradientPenalty(1.0), R1(0.5, interval=2)],
        ema_decay=0.5,
        metrics=[keras.metrics.MeanSquaredError(name="distance")],
    )
    history = gan.fit(
        X,
        LABELS,
        batch_size=3,
        epochs=2,
        validation_data=(X[:7], LABELS[:7]),
        verbose=0,
    )
    return gan, history


def test_fit_and_evaluate(full):
    gan, history = full
    assert int(gan.step) == 4
    for name in ("d_loss", "g_loss", "r1", "val_d_loss", "val_distance"):
        assert np.isfinite(history.history[name]).all()
    first, second = (gan.evaluate(X, LABELS, batch_size=5, verbose=0) for _ in range(2))
    np.testing.assert_allclose(first, second)
    # Other labels, other losses: both networks see them.
    assert gan.evaluate(X, LABELS[::-1], batch_size=5, verbose=0)[0] != first[0]


def test_saved_and_loaded(full, tmp_path):
    gan, _ = full
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert again.num_classes == 3
    expected = gan.generate(4, seed=1, labels="random")
    np.testing.assert_array_equal(again.generate(4, seed=1, labels="random"), expected)
    logs = [
        model.train_on_batch(X[:12], LABELS[:12], return_dict=True)["d_loss"]
        for model in (gan, again)
    ]
    np.testing.assert_allclose(*logs, rtol=1e-6)


def test_a_data_set_yields_labels(plain):
    dataset = keras_gan.data.arrays(X, labels=LABELS, batch_size=8, drop_remainder=True)
    assert np.isfinite(plain.fit(dataset, verbose=0).history["d_loss"]).all()
    with pytest.raises(ValueError, match="labels from 0 to 3"):
        # Not only the first batch is looked at.
        plain.fit(keras_gan.data.arrays(X, labels=np.repeat([0, 3], 12), batch_size=8), verbose=0)


@keras.saving.register_keras_serializable(package="test_conditional")
class Compares(keras_gan.GAN):
    """Logs how far the level of an image is from its label."""

    def log_names(self):
        return [*super().log_names(), "distance"]

    def discriminator_loss(self, batch, training=True):
        loss, logs = super().discriminator_loss(batch, training)
        level = (batch.images[:, 0, 0, 0] + 1) * 127.5
        return loss, {
            **logs,
            "distance": ops.mean(ops.abs(level - ops.cast(batch.labels, "float32"))),
        }


def test_images_and_labels_stay_together():
    gan = Compares(*networks(), num_classes=3)
    gan.compile(discriminator_steps=2, accumulation_steps=2)
    images = np.broadcast_to(LABELS[:, None, None, None], X.shape).astype("uint8")
    history = gan.fit(images, LABELS, batch_size=2, verbose=0)
    assert history.history["distance"][0] < 1e-4
    shifted = gan.train_on_batch(images[:8], LABELS[1:9], return_dict=True)
    assert shifted["distance"] > 0.5


@pytest.mark.parametrize("options", [{"reuse_latents": True}, {"generator_first": True}])
def test_shared_latents(options):
    gan = make(**options)
    logs = gan.train_on_batch(X[:8], LABELS[:8], return_dict=True)
    assert np.isfinite(list(logs.values())).all()


def test_a_discriminator_that_sees_no_labels():
    gan = make(sees_labels=False)
    gan.fit(X, LABELS, batch_size=8, verbose=0)
    assert gan.generate(2, seed=0, labels=1).shape == (2, 4, 4, 1)


def test_generate(plain):
    images = plain.generate(seeds=[3, 4, 5], labels=[0, 2, 1], output_type="float")
    for i, (seed, label) in enumerate(zip([3, 4, 5], [0, 2, 1], strict=True)):
        alone = plain.generate(seeds=[seed], labels=label, output_type="float")
        np.testing.assert_allclose(images[i], alone[0], atol=1e-6)
        z = np.random.RandomState(seed).randn(1, 3).astype("float32")
        called = plain([z, np.array([label], "int32")])
        np.testing.assert_allclose(ops.convert_to_numpy(called), alone, atol=1e-6)
    same_class = plain.generate(seeds=[3, 4], labels=2)
    np.testing.assert_array_equal(same_class, plain.generate(seeds=[3, 4], labels=np.array([2, 2])))
    assert (same_class != plain.generate(seeds=[3, 4], labels=0)).any()


def test_random_labels_belong_to_the_seeds(plain):
    labels = keras_gan.latents.labels_from_seeds(list(range(300)), 3)
    assert np.bincount(labels, minlength=3).min() > 70
    # Not a function of the latent, and none of its truncation.
    z = keras_gan.latents.from_seeds(list(range(300)), 1)[:, 0]
    assert abs(np.corrcoef(z, labels)[0, 1]) < 0.2
    images = plain.generate(seeds=[7, 8, 9], labels="random", truncation=1.0)
    expected = plain.generate(seeds=[7, 8, 9], labels=labels[7:10], truncation=1.0)
    np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize(
    "labels, message",
    [
        (None, "images of 3 classes: pass .*labels=2"),
        (3, r"lies in \[0, 2\].*Received: 3"),
        (-1, r"lies in \[0, 2\].*Received: -1"),
        ([0, 1, 2], "3 labels for 2 images"),
        ([], "0 labels for 2 images"),
        (1.0, "is a class id.*Received: 1.0"),
        (True, "is a class id.*Received: True"),
        ("all", "is a class id.*Received: 'all'"),
        (np.eye(3)[:2], "is a class id"),
    ],
)
def test_generate_refuses(plain, labels, message):
    with pytest.raises(ValueError, match=message):
        plain.generate(2, seed=0, labels=labels)


@pytest.mark.parametrize(
    "labels, message",
    [
        (None, "images without labels"),
        (np.eye(3)[LABELS].astype("int32"), "argmax"),
        (LABELS[:, None], r"labels\[:, 0\]"),
        (LABELS.astype("float32"), "float32.*astype"),
        (LABELS + 1, r"lie in \[0, 2\].*from 1 to 3"),
        (LABELS.astype("int8") - 1, "from -1 to 1"),
    ],
)
def test_labels_that_would_be_misread(plain, labels, message):
    with pytest.raises(ValueError, match=message):
        plain.fit(X, labels, batch_size=8, verbose=0)
    with pytest.raises(ValueError, match=message):
        plain.evaluate(X, labels, batch_size=8, verbose=0)


def test_networks_that_are_not_conditional():
    generator, discriminator = networks()
    with pytest.raises(ValueError, match=r"generator must .* one input.*Pass `num_classes`"):
        keras_gan.GAN(generator, discriminator)
    plain = keras.Sequential([keras.Input((3,)), layers.Dense(16), layers.Reshape((4, 4, 1))])
    with pytest.raises(ValueError, match=r"generator must .* two inputs, the second being class"):
        keras_gan.GAN(plain, discriminator, num_classes=3)
    with pytest.raises(ValueError, match=r"`num_classes` must be an integer >= 1. Received: 0"):
        keras_gan.GAN(generator, discriminator, num_classes=0)
