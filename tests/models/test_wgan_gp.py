import pathlib

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import WGANGP
from keras_gan.regularizers import GradientPenalty

GOLDENS = pathlib.Path(__file__).with_name("goldens.npz")


def count(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


@pytest.mark.parametrize(
    "options, generator, critic",
    [
        ({"image_shape": (28, 28, 1)}, 1_554_177, 1_030_145),
        (
            {"image_shape": (32, 32, 3), "architecture": "resnet", "width": 128},
            1_204_483,
            1_053_825,
        ),
        ({"image_shape": (64, 64, 3), "architecture": "resnet"}, 8_540_483, 7_491_841),
    ],
)
def test_parameter_counts(options, generator, critic):
    gan = WGANGP(**options)
    assert (count(gan.generator), count(gan.discriminator)) == (generator, critic)


@pytest.mark.parametrize(
    "options",
    [
        {"image_shape": (16, 16, 1)},
        {"image_shape": (64, 64, 4)},
        {"image_shape": (28, 28, 3)},
        {"image_shape": (16, 16, 3), "architecture": "resnet"},
        {"image_shape": [64, 64, 1], "architecture": "resnet"},
    ],
)
def test_shapes_and_critics_without_batch_norm(options):
    gan = WGANGP(**options, width=2, latent_dim=5)
    assert gan.generator.output_shape == (None, *options["image_shape"])
    assert gan.discriminator.output_shape == (None, 1)
    assert not any("moving" in v.name for v in gan.discriminator.weights)
    # The critic takes each image for itself.
    x = np.random.RandomState(0).uniform(-1, 1, (3, *options["image_shape"])).astype("float32")
    together = keras.ops.convert_to_numpy(gan.discriminator(x, training=True))
    alone = keras.ops.convert_to_numpy(gan.discriminator(x[1:2], training=True))
    np.testing.assert_allclose(together[1:2], alone, rtol=1e-4, atol=1e-5)


def test_mnist_networks_work_in_0_to_1():
    gan = WGANGP(width=2)
    assert gan.image_range == (0, 1)
    assert not any("moving" in v.name for v in gan.generator.weights)
    images = gan.generate(2, seed=0, output_type="float")
    # A sigmoid of small numbers is grey, not white.
    assert abs(images.mean()) < 0.2
    assert WGANGP(image_shape=(32, 32, 1), width=2).image_range == (-1, 1)


def test_recipe():
    gan = WGANGP(image_shape=(16, 16, 1), width=2)
    gan.compile()
    for optimizer in gan.optimizer.players.values():
        config = optimizer.get_config()
        numbers = [config[name] for name in ("learning_rate", "beta_1", "beta_2", "epsilon")]
        np.testing.assert_allclose(numbers, [1e-4, 0.0, 0.9, 1e-8], rtol=1e-5)
    assert isinstance(gan.adversarial_loss, keras_gan.losses.Wasserstein)
    (penalty,) = gan.regularizers
    assert isinstance(penalty, GradientPenalty)
    assert (penalty.weight, penalty.one_sided, penalty.interval) == (10.0, False, 1)
    assert gan.discriminator_steps == 5


def test_config():
    gan = WGANGP(image_shape=(32, 32, 1), architecture="resnet", latent_dim=5, width=2, seed=3)
    again = WGANGP.from_config(gan.get_config())
    assert again.get_config() == gan.get_config()
    assert [w.shape for w in again.weights] == [w.shape for w in gan.weights]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"architecture": "mlp"}, r"one of \['conv', 'resnet'\]. Received: 'mlp'"),
        ({"image_shape": 32}, "`image_shape` is square"),
        ({"image_shape": (28, 28, 1), "architecture": "resnet"}, "`image_shape` is square"),
        ({"image_shape": (16, 32, 1)}, "`image_shape` is square"),
        ({"image_shape": (8, 8, 1)}, "`image_shape` is square"),
        ({"image_shape": (24, 24, 1)}, "`image_shape` is square"),
        ({"image_shape": (32, 32, 5)}, "`image_shape` is square"),
        ({"image_shape": (64, 64, 3), "width": 4096}, "A layer of 32768 filters"),
        ({"width": 0}, "`width` must be an integer >= 1"),
        ({"latent_dim": "64"}, "`latent_dim` must be an integer >= 1"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        WGANGP(**options)


@pytest.fixture(scope="module")
def drawn(helpers):
    gan = WGANGP(image_shape=(16, 16, 1), latent_dim=6, width=4, seed=12)
    helpers.draw_weights(gan.generator, 3)
    helpers.draw_weights(gan.discriminator, 4)
    gan.ema_generator.set_weights(gan.generator.get_weights())
    return gan


def test_images_are_the_golden_ones(drawn, helpers):
    helpers.check_images("wgan_gp", drawn.generate(seeds="0-3"), GOLDENS)


def test_losses_of_the_first_step_are_the_golden_ones(drawn, helpers):
    # Two critic steps, second-order gradients, one epsilon for each sample.
    x = np.random.RandomState(2).randint(0, 256, (8, 16, 16, 1)).astype("uint8")
    drawn.compile(discriminator_steps=2)
    first = drawn.train_on_batch(x, return_dict=True)
    assert int(drawn.optimizer.players["discriminator"].iterations) == 2
    helpers.check_losses("wgan_gp", {"first": first}, GOLDENS)
