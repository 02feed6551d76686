"""The models before DCGAN and beside it, one test for what all share; then what is their own."""

import pathlib

import keras
import numpy as np
import pytest
from keras import ops

import keras_gan

GOLDENS = pathlib.Path(__file__).with_name("goldens.npz")
RNG = np.random.RandomState(0)
SMALL = {
    "mlp_gan": lambda **o: keras_gan.MLPGAN((5, 4, 2), 3, (6, 5, 4), (5, 4), **o),
    "maxout_gan": lambda **o: keras_gan.MaxoutGAN((5, 4, 2), 3, (6, 5), (4, 3), pieces=2, **o),
    "lsgan": lambda **o: keras_gan.LSGAN((16, 16, 2), 3, width=2, **o),
    "wgan": lambda **o: keras_gan.WGAN((16, 16, 2), 3, width=2, long_critic_steps=0, **o),
    "conditional_gan": lambda **o: keras_gan.ConditionalGAN(3, (5, 4, 2), 3, (6, 5), (5, 4), **o),
    "conditional_dcgan": lambda **o: keras_gan.ConditionalDCGAN(3, (16, 16, 2), 3, width=2, **o),
    "acgan": lambda **o: keras_gan.ACGAN(
        3, (16, 16, 2), 3, width=2, discriminator_width=2, class_loss_weight=0.5, **o
    ),
}


def count(network):
    """Parameters as PyTorch counts them: without the moving statistics."""
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def batch(gan, size):
    images = RNG.randint(0, 256, (size, *gan.image_shape)).astype("uint8")
    return (images, np.arange(size) % 3) if gan.num_classes else (images,)


def labels(gan):
    return {} if gan.num_classes is None else {"labels": "random"}


# What all of them do --------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_train_save_and_go_on(name, tmp_path, helpers):
    gan = SMALL[name](seed=11)
    helpers.draw_weights(gan.generator, 0)
    helpers.draw_weights(gan.discriminator, 1)
    gan.ema_generator.set_weights(gan.generator.get_weights())
    # The same images and losses on every backend.
    helpers.check_images(name, gan.generate(seeds="0-3", **labels(gan)), GOLDENS)
    gan.compile()
    data = batch(gan, 4 * gan.discriminator_steps)
    data = tuple(RandomBatch(name).like(part) for part in data)
    held_out = gan.evaluate(*data, batch_size=4, verbose=0, return_dict=True)
    first = gan.train_on_batch(*data, return_dict=True)
    helpers.check_losses(name, {"held_out": held_out, "first": first}, GOLDENS)
    assert int(gan.step) == 1
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert again.get_config() == gan.get_config()
    logs = [model.train_on_batch(*data, return_dict=True) for model in (gan, again)]
    for log, value in logs[0].items():
        np.testing.assert_allclose(value, logs[1][log], rtol=1e-5, atol=1e-6, err_msg=log)


class RandomBatch:
    """The same images and labels whatever tests ran before."""

    def __init__(self, name):
        self.random = np.random.RandomState(len(name))

    def like(self, part):
        if part.ndim == 1:
            return part
        return self.random.randint(0, 256, part.shape).astype("uint8")


@pytest.mark.parametrize("name", SMALL)
def test_presets(name, tmp_path):
    gan = SMALL[name](seed=3)
    gan.save_to_preset(tmp_path / "preset")
    again = keras_gan.GAN.from_preset(tmp_path / "preset")
    assert type(again) is type(gan)
    expected = gan.generate(2, seed=0, **labels(gan))
    np.testing.assert_array_equal(again.generate(2, seed=0, **labels(gan)), expected)
    fresh = keras_gan.GAN.from_preset(tmp_path / "preset", load_weights=False, seed=4)
    assert fresh.seed == 4


@pytest.mark.parametrize("name", SMALL)
def test_half_precision(name):
    gan = SMALL[name](dtype="mixed_bfloat16")
    gan.compile()
    data = batch(gan, 4 * gan.discriminator_steps)
    logs = gan.train_on_batch(*data, return_dict=True)
    assert np.isfinite(list(logs.values())).all()
    assert gan.discriminator.output.dtype == "float32"


@pytest.mark.parametrize("name", [name for name in SMALL if "conditional" not in name][:4])
def test_packing(name):
    gan = SMALL[name](packing=2)
    gan.compile(discriminator_steps=1)
    assert gan.discriminator.input_shape[-1] == 4
    assert np.isfinite(gan.train_on_batch(*batch(gan, 4))).all()


@pytest.mark.parametrize(
    "model, options, message",
    [
        ("MLPGAN", {"image_shape": (28, 28)}, r"`image_shape` is .* Received: \(28, 28\)"),
        ("MLPGAN", {"image_shape": (2048, 2048, 3)}, "at most"),
        ("MLPGAN", {"latent_dim": 0}, "`latent_dim` must be an integer >= 1. Received: 0"),
        ("MLPGAN", {"generator_units": 128}, "`generator_units` are .* Received: 128"),
        ("MLPGAN", {"generator_units": ()}, "`generator_units` are"),
        ("MLPGAN", {"discriminator_units": (8, 0)}, "`discriminator_units` must be an integer"),
        ("MLPGAN", {"generator_units": (10**6,)}, "generator_units"),
        ("MLPGAN", {"batch_norm_epsilon": 0}, "`batch_norm_epsilon` is a number > 0"),
        ("MaxoutGAN", {"pieces": 0}, "`pieces` must be an integer >= 1. Received: 0"),
        ("LSGAN", {"image_shape": (30, 30, 3)}, "`image_shape` is"),
        ("LSGAN", {"width": 0}, "`width` must be an integer >= 1"),
        ("WGAN", {"clip": 0}, "is a finite number > 0. Received: 0"),
        ("WGAN", {"long_critic_steps": -1}, "`long_critic_steps` must be an integer >= 0"),
        ("WGAN", {"image_shape": (8, 8, 3)}, "`image_shape` is"),
        ("ConditionalGAN", {"num_classes": 0}, "`num_classes` must be an integer >= 1"),
        ("ConditionalGAN", {"num_classes": 3, "image_shape": 28}, "`image_shape` is"),
        ("ConditionalDCGAN", {"num_classes": 1.5}, "`num_classes` must be an integer >= 1"),
        ("ConditionalDCGAN", {"num_classes": 3, "width": 10**5}, "Use a smaller `width`"),
        ("ACGAN", {"num_classes": 3, "image_shape": (30, 30, 1)}, "`image_shape` is"),
        ("ACGAN", {"num_classes": 3, "class_loss_weight": -1}, "`class_loss_weight` must be"),
    ],
)
def test_refusals(model, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(keras_gan, model)(**options)


# Sizes and recipes of the papers -------------------------------------------------------------


def test_parameter_counts():
    mlp = keras_gan.MLPGAN()
    assert (count(mlp.generator), count(mlp.discriminator)) == (1_510_032, 533_505)
    conditional = keras_gan.ConditionalGAN(10, image_shape=(32, 32, 1))
    assert count(conditional.generator) == 1_757_412
    assert count(conditional.discriminator) == 1_055_845
    wgan = keras_gan.WGAN((64, 64, 3))
    assert (count(wgan.generator), count(wgan.discriminator)) == (3_576_704, 2_765_568)
    maxout = keras_gan.MaxoutGAN()
    # 1200, 1200 and 784 units; 240 units of 5 pieces twice.
    assert count(maxout.generator) == 101 * 1200 + 1201 * 1200 + 1201 * 784
    assert count(maxout.discriminator) == 785 * 1200 + 241 * 1200 + 241


def test_acgan_is_the_papers_for_cifar():
    gan = keras_gan.ACGAN(10)
    kernels = [
        tuple(layer.kernel.shape)
        for network in (gan.generator, gan.discriminator)
        for layer in network.layers
        if hasattr(layer, "kernel")
    ]
    assert kernels == [
        (110, 4 * 4 * 384),
        (5, 5, 192, 384),
        (5, 5, 96, 192),
        (5, 5, 3, 96),
        (3, 3, 3, 16),
        (3, 3, 16, 32),
        (3, 3, 32, 64),
        (3, 3, 64, 128),
        (3, 3, 128, 256),
        (3, 3, 256, 512),
        (4 * 4 * 512, 11),
    ]


def test_lsgan_is_the_papers_for_scenes():
    gan = keras_gan.LSGAN(width=2, latent_dim=4)
    kernels = [layer for layer in gan.generator.layers if hasattr(layer, "kernel")]
    # In units of width 64: 256 four times, 128, 64, and the image.
    assert [tuple(layer.kernel.shape) for layer in kernels] == [
        (4, 7 * 7 * 8),
        *[(3, 3, 8, 8)] * 4,
        (3, 3, 4, 8),
        (3, 3, 2, 4),
        (3, 3, 3, 2),
    ]
    assert [layer.strides[0] for layer in kernels[1:]] == [2, 1, 2, 1, 2, 2, 1]
    strides = [layer.strides[0] for layer in gan.discriminator.layers if hasattr(layer, "strides")]
    assert strides == [2] * 4


@pytest.mark.parametrize(
    "name, optimizer, numbers, loss",
    [
        ("mlp_gan", "Adam", {"learning_rate": 2e-4, "beta_1": 0.5}, "NonSaturating"),
        ("maxout_gan", "SGD", {"momentum": 0.5}, "NonSaturating"),
        ("lsgan", "Adam", {"learning_rate": 1e-3, "beta_1": 0.5}, "LeastSquares"),
        ("wgan", "RMSprop", {"learning_rate": 5e-5, "rho": 0.99}, "Wasserstein"),
        ("conditional_gan", "Adam", {"learning_rate": 2e-4, "beta_1": 0.5}, "LeastSquares"),
        ("acgan", "Adam", {"learning_rate": 2e-4, "beta_1": 0.5}, "NonSaturating"),
    ],
)
def test_recipes(name, optimizer, numbers, loss):
    gan = SMALL[name]()
    gan.compile()
    for player in gan.optimizer.players.values():
        config = player.get_config()
        assert type(player).__name__ == optimizer
        np.testing.assert_allclose([config[key] for key in numbers], list(numbers.values()), 1e-5)
    assert type(gan.adversarial_loss).__name__ == loss
    assert gan.discriminator_steps == (5 if name == "wgan" else 1)
    assert gan.generator_first == (name in ("mlp_gan", "conditional_gan"))


# MLPGAN and MaxoutGAN -------------------------------------------------------------------------


def test_the_generator_goes_first_and_the_discriminator_sees_its_images_from_before():
    """Goldens prove the numbers; this, that both matter."""
    losses = []
    for options in ({}, {"generator_first": False, "reuse_latents": True}):
        keras.utils.set_random_seed(3)
        gan = SMALL["mlp_gan"](seed=1)
        rate = {f"{p}_optimizer": keras.optimizers.SGD(1.0) for p in ("generator", "discriminator")}
        gan.compile(**rate, **options)
        before = gan.generator.get_weights()
        logs = gan.train_on_batch(*(RandomBatch("x").like(p) for p in batch(gan, 4)))
        losses.append(dict(zip(gan.metrics_names, logs, strict=True)))
        assert any((a != b).any() for a, b in zip(before, gan.generator.get_weights(), strict=True))
    # D's loss is on the same images, with the same weights; G's is before or after D's update.
    np.testing.assert_allclose(losses[0]["d_loss"], losses[1]["d_loss"], rtol=1e-5)
    assert abs(losses[0]["g_loss"] - losses[1]["g_loss"]) > 1e-4


def test_the_order_needs_as_many_updates_of_both():
    gan = SMALL["mlp_gan"]()
    with pytest.raises(ValueError, match="`generator_first=True` needs as many"):
        gan.compile(discriminator_steps=2)


def test_latents_of_the_maxout_gan_are_uniform():
    gan = SMALL["maxout_gan"](seed=1)
    drawn = ops.convert_to_numpy(gan.sample_latents(500))
    z = gan.latents_from_seeds(list(range(500)))
    for latents in (drawn, z):
        assert np.abs(latents).max() <= 3**0.5
        assert latents.std() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(z[7], np.random.RandomState(7).uniform(-(3**0.5), 3**0.5, 3), 1e-6)
    assert np.abs(gan.latents_from_seeds([1, 2], truncation=0.5)).max() <= 0.5
    for truncation in (0, "a"):
        with pytest.raises(ValueError, match="`truncation`"):
            gan.generate(1, truncation=truncation)
    assert gan.image_range == (0, 1)


# WGAN -------------------------------------------------------------------------------------------


def test_all_of_the_critic_is_clipped():
    gan = keras_gan.WGAN((16, 16, 1), 2, width=2, clip=0.003, long_critic_steps=0)
    gan.compile()
    gan.train_on_batch(*batch(gan, 20))
    for v in gan.discriminator.trainable_variables:
        assert np.abs(ops.convert_to_numpy(v)).max() <= 0.003
    # The scales, which begin around 1, among them; the generator's are not clipped.
    scales = [v for v in gan.discriminator.trainable_variables if v.name == "gamma"]
    assert scales
    assert any(np.abs(ops.convert_to_numpy(v)).max() > 0.5 for v in gan.generator.weights)


def generator_updates(length, steps):
    gan = keras_gan.WGAN((16, 16, 1), 2, width=2, long_critic_steps=length)
    gan.compile(discriminator_steps=5)
    *_, phase = gan.phases()
    if phase.due is None:
        return list(range(steps))
    due = phase.due(ops.arange(steps))
    return np.flatnonzero(ops.convert_to_numpy(due)).tolist()


def test_the_critic_is_trained_for_longer_at_first_and_now_and_then():
    """Critic updates before each update of the generator, as the paper's code counts them."""
    for length, blocks in ((100, 20), (12, 3)):
        updates = generator_updates(length, 25 * blocks + 2000)
        spent = np.diff([-1, *updates])
        expected = [blocks if i < 25 or i % 500 == 0 else 1 for i in range(len(spent))]
        assert len(spent) > 1000
        np.testing.assert_array_equal(spent, expected)
    assert generator_updates(0, 30) == list(range(30))
    assert generator_updates(5, 30) == list(range(30))


def test_the_generator_waits():
    gan = keras_gan.WGAN((16, 16, 1), 2, width=2, long_critic_steps=2, seed=1)
    gan.compile(discriminator_steps=1)
    data = batch(gan, 4)
    counts = []
    for _ in range(4):
        gan.train_on_batch(*data)
        counts.append(int(gan.optimizer.players["generator"].iterations))
    assert counts == [0, 1, 1, 2]
    assert int(gan.optimizer.players["discriminator"].iterations) == 4


# Conditional models -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["conditional_gan", "conditional_dcgan", "acgan"])
def test_images_depend_on_the_class(name):
    gan = SMALL[name]()
    images = [gan.generate(seeds=[1, 2], labels=c, output_type="float") for c in range(3)]
    assert np.abs(images[0] - images[1]).max() > 1e-6
    assert np.abs(images[1] - images[2]).max() > 1e-6


def test_the_discriminator_of_the_conditional_models_sees_the_class():
    for name in ("conditional_gan", "conditional_dcgan"):
        gan = SMALL[name]()
        images = ops.zeros((2, *gan.image_shape))
        logits = gan.discriminator([images, ops.convert_to_tensor([0, 2])])
        first, second = ops.convert_to_numpy(logits)[:, 0]
        assert first != second
    # That of AC-GAN tells it instead.
    assert len(SMALL["acgan"]().discriminator.inputs) == 1


def test_acgan_losses():
    gan = SMALL["acgan"](seed=0)
    images, classes = batch(gan, 6)
    gan.compile()
    logs = gan.evaluate(images, classes, batch_size=6, verbose=0, return_dict=True)
    x = ops.convert_to_tensor(images / 127.5 - 1, "float32")
    outputs = ops.convert_to_numpy(gan.discriminator(x, training=False)).astype("float64")
    z = ops.convert_to_numpy(keras_gan.random.normal((6, 3), keras_gan.random.SeedGenerator(0)))
    fakes = gan.generator([ops.convert_to_tensor(z), ops.convert_to_tensor(classes)])
    told = ops.convert_to_numpy(gan.discriminator(fakes, training=False)).astype("float64")

    def cross_entropy(logits):
        log_sum = np.log(np.exp(logits).sum(axis=1))
        return np.mean(log_sum - logits[np.arange(6), classes])

    auxiliary = cross_entropy(outputs[:, 1:]) + cross_entropy(told[:, 1:])
    adversarial = np.mean(np.logaddexp(0, -outputs[:, 0])) + np.mean(np.logaddexp(0, told[:, 0]))
    np.testing.assert_allclose(logs["d_class_loss"], auxiliary, rtol=1e-4)
    np.testing.assert_allclose(logs["d_loss"], adversarial + 0.5 * auxiliary, rtol=1e-4)
    accuracy = np.mean(outputs[:, 1:].argmax(axis=1) == classes)
    assert logs["class_accuracy"] == pytest.approx(accuracy)
    # The generator's latents are the next draw.
    assert logs["g_class_loss"] > 0 and logs["g_loss"] > 0.5 * logs["g_class_loss"]


def test_acgan_takes_penalties_of_the_logit():
    gan = SMALL["acgan"](seed=0)
    gan.compile(regularizers=[keras_gan.regularizers.R1(1.0)])
    logs = gan.train_on_batch(*batch(gan, 4), return_dict=True)
    assert np.isfinite(logs["r1"]) and logs["r1"] > 0
