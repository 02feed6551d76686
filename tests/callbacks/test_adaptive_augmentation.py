import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.augmentation import ADA, DiffAugment
from keras_gan.callbacks import AdaptiveAugmentation, Snapshot
from keras_gan.regularizers import R1

IMAGES = np.random.RandomState(0).randint(0, 256, (40, 16, 16, 3)).astype("uint8")


class Interrupt(keras.callbacks.Callback):
    """Ends a run in the middle."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        self.steps -= 1
        if self.steps == 0:
            raise KeyboardInterrupt


class Opinion(keras.layers.Layer):
    """A logit that depends on nothing but a weight."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(1, 1))

    def call(self, x):
        return 0.0 * keras.ops.mean(x, axis=(1, 2, 3))[:, None] + self.kernel


def opinionated(logit, **options):
    """A GAN whose discriminator gives every image the same logit."""
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(12), keras.layers.Reshape((2, 2, 3))]
    )
    discriminator = keras.Sequential([keras.Input((2, 2, 3)), Opinion()])
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    discriminator.layers[-1].kernel.assign([[logit]])
    still = {f"{p}_optimizer": keras.optimizers.SGD(0.0) for p in ("generator", "discriminator")}
    gan.compile(augmentations=[ADA("noise", probability=0.1)], **still, **options)
    return gan


def probability(gan):
    return keras.ops.convert_to_numpy(
        gan.augmentation_state(gan.augmentations[0])["probability"]
    ).item()


def fit(gan, *callbacks, images=40, epochs=2, **options):
    x = np.zeros((images, 2, 2, 3), "uint8")
    return gan.fit(
        x, batch_size=4, epochs=epochs, verbose=0, callbacks=list(callbacks), **options
    ).history


@pytest.mark.parametrize("logit, sign", [(1.0, 1), (-1.0, -1)])
def test_p_follows_the_signs(logit, sign):
    gan = opinionated(logit)
    # 20 steps: 6 changes by 3 steps of 4 images.
    history = fit(gan, AdaptiveAugmentation(interval=3, kimg=1.2))
    np.testing.assert_allclose(probability(gan), 0.1 + sign * 6 * 12 / 1200, rtol=1e-5)
    np.testing.assert_allclose(
        history["ada_probability"], 0.1 + sign * np.array([3, 6]) * 12 / 1200, rtol=1e-5
    )
    assert history["ada_r_t"] == [sign, sign]
    # Another call of `fit` goes on where the last one was: two of three steps are made.
    fit(gan, AdaptiveAugmentation(interval=3, kimg=1.2), images=4, epochs=1)
    np.testing.assert_allclose(probability(gan), 0.1 + sign * 7 * 12 / 1200, rtol=1e-5)


def test_p_is_not_negative_and_may_exceed_one():
    gan = opinionated(-1.0)
    fit(gan, AdaptiveAugmentation(interval=1, kimg=0.1))
    assert probability(gan) == 0
    gan = opinionated(1.0)
    fit(gan, AdaptiveAugmentation(interval=1, kimg=0.05))
    np.testing.assert_allclose(probability(gan), 0.1 + 80 / 50, rtol=1e-5)


def test_the_target_is_a_threshold():
    gan = opinionated(1.0)
    fit(gan, AdaptiveAugmentation(target=1.0))
    assert probability(gan) == pytest.approx(0.1)


def test_all_batches_of_a_step_count():
    gan = opinionated(1.0, discriminator_steps=2, accumulation_steps=2)
    # Two steps of four batches an epoch.
    history = fit(gan, AdaptiveAugmentation(interval=1, kimg=1), images=32)
    np.testing.assert_allclose(history["ada_probability"], [0.132, 0.164], rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="refused on PyTorch")
def test_several_steps_per_execution():
    gan = opinionated(1.0, steps_per_execution=3)
    # Called after steps 3, 6, 9, 10: p moves at 3, 6, 9 or, in the interval of 4, at 6, 9.
    fit(gan, AdaptiveAugmentation(interval=4, kimg=1), epochs=1)
    moved = probability(gan) - 0.1
    np.testing.assert_allclose(moved, 9 * 4 / 1000, rtol=1e-4)


def test_training_before_it_is_not_judged():
    gan = opinionated(1.0)
    fit(gan)
    fit(gan, AdaptiveAugmentation(interval=10, kimg=1), epochs=1)
    np.testing.assert_allclose(probability(gan), 0.1 + 40 / 1000, rtol=1e-5)


def test_training_between_is_not_judged():
    gan = opinionated(1.0)
    fit(gan, AdaptiveAugmentation(interval=10, kimg=1), epochs=1)
    fit(gan)
    fit(gan, AdaptiveAugmentation(interval=10, kimg=1), epochs=1)
    np.testing.assert_allclose(probability(gan), 0.1 + 80 / 1000, rtol=1e-5)


def test_a_run_goes_on_with_the_same_settings(tmp_path):
    gan = opinionated(1.0)
    fit(gan, AdaptiveAugmentation(0.6), Snapshot(tmp_path), epochs=1)
    with pytest.raises(ValueError, match=r"had {'target': 0.6.*Received: {'target': 0.9"):
        fit(gan, AdaptiveAugmentation(0.9), Snapshot(tmp_path))


def train(folder=None, interrupt=None, epochs=2):
    """A run of DCGAN with all that belongs to it, or `None` if it was interrupted."""
    keras.utils.set_random_seed(1)
    gan = keras_gan.DCGAN(image_shape=(16, 16, 3), width=2, latent_dim=4, seed=3)
    gan.compile(
        augmentations=[ADA("bgc")],
        regularizers=[R1(1.0, interval=16)],
        jit_compile=keras.backend.backend() == "jax",
    )
    callbacks = [AdaptiveAugmentation(target=-0.5, interval=4, kimg=0.1)]
    if folder is not None:
        callbacks.append(Snapshot(folder, every_steps=3))
    if interrupt is not None:
        callbacks.append(Interrupt(interrupt))
    try:
        history = gan.fit(IMAGES, batch_size=4, epochs=epochs, callbacks=callbacks, verbose=0)
    except KeyboardInterrupt:
        return None
    return gan, history.history


def test_an_interrupted_run_ends_with_the_same_bits(tmp_path):
    gan, history = train()
    assert len(set(history["ada_probability"])) == 2 and history["ada_probability"][-1] > 0
    assert np.isfinite(history["r1"]).all()
    # In the middle of an interval: the snapshots are of steps 6 and 12.
    assert train(tmp_path, interrupt=7) is None
    assert train(tmp_path, interrupt=7) is None
    again, history_again = train(tmp_path)
    assert history_again == history
    states = [
        [keras.ops.convert_to_numpy(v) for v in [*model.variables, *model.optimizer.variables]]
        for model in (gan, again)
    ]
    for a, b in zip(*states, strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_needs_one_ada():
    for augmentations in ([], [DiffAugment()], [ADA(), ADA("noise")]):
        gan = opinionated(0.0)
        gan.compile(augmentations=augmentations)
        with pytest.raises(ValueError, match=r"one `keras_gan.augmentation.ADA`.*Received: aug"):
            fit(gan, AdaptiveAugmentation())
    with pytest.raises(ValueError, match="takes one `AdaptiveAugmentation`"):
        fit(opinionated(0.0), AdaptiveAugmentation(), AdaptiveAugmentation())


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"target": 1.5}, r"`target` must be a finite number in \[-1, 1\]"),
        ({"interval": 0}, "`interval` must be an integer >= 1"),
        ({"kimg": 0}, "`kimg` must be above 0"),
        ({"kimg": -1}, "`kimg` must be a finite number >= 0"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        AdaptiveAugmentation(**arguments)
