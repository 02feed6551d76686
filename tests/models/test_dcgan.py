import pathlib

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import DCGAN

GOLDENS = pathlib.Path(__file__).with_name("goldens.npz")
BACKENDS = ["jax", "tensorflow", "torch"]


def count(network):
    """Parameters as PyTorch counts them: without the moving statistics."""
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


@pytest.mark.parametrize(
    "options, generator, discriminator",
    [
        # The lecture's and pytorch/examples'.
        ({"image_shape": (32, 32, 3)}, 3_448_576, 663_296),
        ({"image_shape": (64, 64, 3)}, 3_576_704, 2_765_568),
    ],
)
def test_parameter_counts(options, generator, discriminator):
    gan = DCGAN(**options)
    assert (count(gan.generator), count(gan.discriminator)) == (generator, discriminator)


@pytest.mark.parametrize(
    "shape, base",
    [
        ((16, 16, 1), 4),
        ((28, 28, 1), 7),
        ((32, 32, 4), 4),
        ((48, 48, 2), 6),
        ((128, 128, 3), 4),
        ([64, 128, 3], (4, 8)),
    ],
)
def test_shapes(shape, base):
    gan = DCGAN(image_shape=shape, latent_dim=5, width=2)
    assert gan.image_shape == tuple(shape) and gan.latent_dim == 5
    assert gan.generator.output_shape == (None, *shape)
    assert gan.discriminator.output_shape == (None, 1)
    first = gan.generator.layers[2]
    assert first.output.shape[1:3] == ((base, base) if isinstance(base, int) else base)


def test_layers():
    gan = DCGAN(image_shape=(32, 32, 3), width=4)
    weights = [*gan.generator.weights, *gan.discriminator.weights]
    assert not any(v.name == "bias" for v in weights)
    # Normalised everywhere but at the generator's output and the discriminator's input.
    assert sum(v.name == "gamma" for v in gan.generator.weights) == 3
    assert sum(v.name == "gamma" for v in gan.discriminator.weights) == 2


def test_initial_weights():
    keras.utils.set_random_seed(0)
    gan = DCGAN(image_shape=(32, 32, 3), width=16)
    for network in (gan.generator, gan.discriminator):
        for v in network.trainable_variables:
            x = keras.ops.convert_to_numpy(v)
            mean = {"kernel": 0.0, "gamma": 1.0, "beta": 0.0}[v.name]
            assert abs(x.mean() - mean) < 0.01
            assert x.std() == pytest.approx(0.0 if v.name == "beta" else 0.02, rel=0.4)


def test_recipe():
    gan = DCGAN(image_shape=(16, 16, 1), width=2)
    gan.compile()
    for optimizer in gan.optimizer.players.values():
        config = optimizer.get_config()
        assert isinstance(optimizer, keras.optimizers.Adam)
        numbers = [config[name] for name in ("learning_rate", "beta_1", "beta_2", "epsilon")]
        np.testing.assert_allclose(numbers, [2e-4, 0.5, 0.999, 1e-8], rtol=1e-5)
    assert isinstance(gan.adversarial_loss, keras_gan.losses.NonSaturating)
    assert (gan.discriminator_steps, gan.regularizers, gan.ema_decay) == (1, [], 0.0)


def test_config():
    gan = DCGAN(
        image_shape=(16, 32, 1), latent_dim=5, width=2, discriminator_width=3, seed=4, name="d"
    )
    config = gan.get_config()
    assert config["discriminator_width"] == 3 and config["seed"] == 4
    again = DCGAN.from_config(config)
    assert again.get_config() == config
    assert [w.shape for w in again.weights] == [w.shape for w in gan.weights]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"image_shape": 32}, "`image_shape` is .* Received: 32"),
        ({"image_shape": (32, 32)}, r"`image_shape` is .* Received: \(32, 32\)"),
        ({"image_shape": (30, 30, 3)}, "`image_shape` is"),
        ({"image_shape": (8, 8, 3)}, "`image_shape` is"),
        ({"image_shape": (32, 256, 3)}, "`image_shape` is"),
        ({"image_shape": (32, 32, 5)}, "`image_shape` is"),
        ({"image_shape": (32, 32, 0)}, "`image_shape` is"),
        ({"image_shape": (32.0, 32, 3)}, "`image_shape` is"),
        ({"width": 0}, "`width` must be an integer >= 1. Received: 0"),
        ({"latent_dim": 1.5}, "`latent_dim` must be an integer >= 1. Received: 1.5"),
        ({"discriminator_width": 0}, "`discriminator_width` must be an integer >= 1. Received: 0"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        DCGAN(**options)


# One step, on every backend the same
# ---------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(helpers):
    """A model whose weights NumPy drew, so that every backend has the same."""
    gan = DCGAN(image_shape=(16, 16, 3), latent_dim=6, width=4, seed=11)
    helpers.draw_weights(gan.generator, 0)
    helpers.draw_weights(gan.discriminator, 1)
    gan.ema_generator.set_weights(gan.generator.get_weights())
    return gan


def test_images_are_the_golden_ones(drawn, helpers):
    images = drawn.generate(seeds="0-3")
    helpers.check_images("dcgan", images, GOLDENS)


def test_weights_go_to_another_backend(drawn, tmp_path, helpers):
    drawn.save_weights(tmp_path / "dcgan.weights.h5")
    script = """
import sys
import numpy as np
import keras_gan
gan = keras_gan.DCGAN(image_shape=(16, 16, 3), latent_dim=6, width=4)
gan.compile()
gan.load_weights(sys.argv[1] + "/dcgan.weights.h5")
state = keras_gan.random.state_as(gan.seed_generator.state.numpy(), "uint32")
assert state.tolist() == [11, 0], state
np.save(sys.argv[1] + "/images.npy", gan.generate(seeds="0-3"))
"""
    other = BACKENDS[(BACKENDS.index(keras.backend.backend()) + 1) % 3]
    helpers.run_python(script, str(tmp_path), backend=other)
    images = np.load(tmp_path / "images.npy")
    assert np.abs(images.astype(int) - drawn.generate(seeds="0-3")).max() <= 1


def test_losses_of_the_first_step_are_the_golden_ones(drawn, helpers):
    x = np.random.RandomState(2).randint(0, 256, (8, 16, 16, 3)).astype("uint8")
    drawn.compile(ema_decay=0.5)
    held_out = drawn.evaluate(x, batch_size=8, verbose=0, return_dict=True)
    first = drawn.train_on_batch(x, return_dict=True)
    helpers.check_losses("dcgan", {"held_out": held_out, "first": first}, GOLDENS)
    # One step of Adam moves every weight by its rate; statistics have moved.
    assert int(drawn.step) == 1
