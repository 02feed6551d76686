import pathlib

import keras
import numpy as np
import pytest
from keras import ops

import keras_gan
from keras_gan import StyleGAN2, backend, initializers
from keras_gan.models.stylegan2 import base_and_steps, lazy_adam, recipe_for

GOLDENS = pathlib.Path(__file__).with_name("goldens.npz")
SMALL = {
    "latent_dim": 4,
    "style_dim": 5,
    "mapping_layers": 2,
    "channel_base": 32,
    "channel_max": 4,
    "projection_layers": 1,
    "seed": 11,
}


def small(image_shape=(8, 8, 3), **options):
    return StyleGAN2(image_shape, **{**SMALL, **options})


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


def count(network):
    """Parameters as PyTorch counts them: without buffers."""
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


# Networks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, generator, discriminator, noise",
    [
        # The paper's config F, and the conditional model of CIFAR-10 as NVIDIA published it.
        ({"image_shape": (1024, 1024, 3)}, 30_370_060, 29_012_513, 2_796_176),
        (
            {
                "image_shape": (32, 32, 3),
                "num_classes": 10,
                "mapping_layers": 2,
                "discriminator_architecture": "orig",
                "projection_layers": 0,
            },
            20_215_315,
            20_988_416,
            16 + 2 * (64 + 256 + 1024),
        ),
    ],
)
def test_parameter_counts(options, generator, discriminator, noise, monkeypatch):
    # Drawing this many numbers takes longer than all else.
    monkeypatch.setattr(
        initializers.RandomNormal, "__call__", lambda self, shape, dtype=None: ops.zeros(shape)
    )
    gan = StyleGAN2(**options)
    assert (count(gan.generator), count(gan.discriminator)) == (generator, discriminator)
    layers = gan.generator.synthesis.noise_layers
    assert sum(np.prod(layer.noise_const.shape) for layer in layers) == noise


@pytest.mark.parametrize(
    "shape, base, steps",
    [
        ((8, 8, 1), (4, 4), 1),
        ((32, 32, 4), (4, 4), 3),
        ((24, 16, 2), (6, 4), 2),
        ([20, 12, 3], (10, 6), 1),
        ((384, 512, 3), (6, 8), 6),
        ((1024, 1024, 3), (4, 4), 8),
    ],
)
def test_base_and_steps(shape, base, steps):
    assert base_and_steps(shape) == (base, steps)


def test_channels_and_styles():
    gan = StyleGAN2((64, 64, 1), latent_dim=4, style_dim=4, channel_base=128, channel_max=16)
    blocks = gan.generator.synthesis.blocks
    assert [block.resolution for block in blocks] == [4, 8, 16, 32, 64]
    assert [block.filters for block in blocks] == [16, 16, 8, 4, 2]
    assert gan.num_styles == 10
    assert [b.resolution for b in gan.discriminator.blocks] == [64, 32, 16, 8]
    assert gan.discriminator.epilogue.conv.filters == 16
    assert [block.conv0 is None for block in blocks] == [True] + 4 * [False]
    assert blocks[0].const.shape == (4, 4, 16)
    assert gan.generator.mapping.average.shape == (4,)


def test_a_discriminator_of_other_sizes():
    options = {"channel_base": 24, "channel_max": 6, "clamp": 0.5}
    gan = small(num_classes=2, **{f"discriminator_{name}": v for name, v in options.items()})
    assert [block.filters for block in gan.generator.synthesis.blocks] == [4, 4]
    block, epilogue = gan.discriminator.blocks[0], gan.discriminator.epilogue
    assert (block.conv0.filters, block.conv1.filters, epilogue.conv.filters) == (3, 6, 6)
    assert gan.discriminator.mapping.style_dim == 6
    assert (gan.generator.synthesis.blocks[0].conv1.clamp, block.conv0.clamp) == (None, 0.5)
    again = StyleGAN2.from_config(gan.get_config())
    assert [w.shape for w in again.weights] == [w.shape for w in gan.weights]
    unlimited = small(clamp=0.5, discriminator_clamp=None).discriminator.blocks[0].conv0
    assert unlimited.clamp is None
    assert small(clamp=0.5).discriminator.blocks[0].conv0.clamp == 0.5


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_architectures(architecture):
    gan = small(
        (16, 16, 3),
        generator_architecture=architecture,
        discriminator_architecture=architecture,
    )
    blocks = gan.generator.synthesis.blocks
    images = [block.torgb is not None for block in blocks]
    assert images == (3 * [True] if architecture == "skip" else [False, False, True])
    shortcuts = [block.skip is not None for block in blocks]
    assert shortcuts == [False] + 2 * [architecture == "resnet"]
    blocks = gan.discriminator.blocks
    assert [b.fromrgb is not None for b in blocks] == [True, architecture == "skip"]
    assert (gan.discriminator.epilogue.fromrgb is not None) == (architecture == "skip")
    assert all((b.skip is not None) == (architecture == "resnet") for b in blocks)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(policy):
    """Images, logits and styles are float32, and close to those of single precision."""
    options = {"num_classes": 3, "generator_architecture": "resnet", "clamp": 256.0}
    exact = small(**options)
    half = small(**options, dtype=policy)
    half.set_weights(exact.get_weights())
    first = half.generator.synthesis.blocks[1].conv0
    assert first.compute_dtype == policy.removeprefix("mixed_")
    styles = [g.styles_from_seeds([1, 2], labels=1) for g in (half, exact)]
    # The mapping computes in float32.
    np.testing.assert_array_equal(*styles)
    images = [g.generate(seeds=[1, 2], labels=1, output_type="float") for g in (half, exact)]
    assert images[0].dtype == np.float32
    np.testing.assert_allclose(*images, atol=0.1)
    logits = [numpy(g.discriminator([images[1], np.array([1, 1])])) for g in (half, exact)]
    assert logits[0].dtype == np.float32
    np.testing.assert_allclose(*logits, atol=0.1)


def test_frozen_layers():
    gan = small((16, 16, 3), frozen_layers=5)
    frozen = [w.path for w in gan.discriminator.weights if not w.trainable]
    assert frozen == [
        *("b16/fromrgb/kernel", "b16/fromrgb/bias", "b16/conv0/kernel", "b16/conv0/bias"),
        *("b16/conv1/kernel", "b16/conv1/bias", "b16/skip/kernel"),
        *("b8/conv0/kernel", "b8/conv0/bias"),
    ]
    again = StyleGAN2.from_config(gan.get_config())
    assert len(again.discriminator.trainable_variables) == len(gan.discriminator.weights) - 9
    again.trainable = True
    assert len(again.discriminator.trainable_variables) == len(gan.discriminator.weights) - 9
    with pytest.raises(ValueError, match="`frozen_layers` is at most 7, "):
        small((16, 16, 3), frozen_layers=8)


@pytest.mark.parametrize("num_classes", [None, 3])
def test_feature_network(num_classes):
    gan = small(num_classes=num_classes)
    gan.compile()
    features = gan.feature_network()
    assert features.output_shape == (None, 4)
    x = np.random.RandomState(0).uniform(-1, 1, (2, 8, 8, 3)).astype("float32")
    inputs = x if num_classes is None else [x, np.array([0, 2])]
    y = numpy(gan.discriminator.epilogue.output_dense(features(inputs)))
    if num_classes is not None:
        y = np.sum(y * numpy(gan.discriminator.mapping(inputs[1])), axis=1, keepdims=True) / 2
    np.testing.assert_allclose(y, numpy(gan.discriminator(inputs)), rtol=1e-4, atol=1e-5)


def test_synthesis_takes_styles_and_noise():
    synthesis = small().generator.synthesis
    for layer in synthesis.noise_layers:
        layer.noise_strength.assign(0.5)
    w = np.random.RandomState(0).standard_normal((2, 5)).astype("float32")
    ws = np.repeat(w[:, None], 4, axis=1)
    constant = numpy(synthesis(ws))
    np.testing.assert_allclose(numpy(synthesis(w)), constant, atol=1e-6)
    maps = [numpy(layer.noise_const)[None, :, :, None] for layer in synthesis.noise_layers]
    np.testing.assert_allclose(numpy(synthesis([ws, *maps])), constant, atol=1e-6)
    without = numpy(synthesis(ws, noise="none"))
    zeros = numpy(synthesis([ws, *(0 * m for m in maps)]))
    np.testing.assert_allclose(zeros, without, atol=1e-6)
    drawn = [numpy(synthesis(ws, training=True)) for _ in range(2)]
    differences = [np.abs(a - b).max() for a, b in ((constant, without), drawn)]
    assert min(differences) > 1e-3
    for inputs, options, message in (
        (ws[:, :3], {}, "An image has 4 styles. Received: ws of shape"),
        (ws, {"noise": "some"}, "`noise` is 'const', 'random' or 'none'"),
        ([ws, maps[0]], {}, "There are 3 noise maps. Received: 1"),
    ):
        with pytest.raises(ValueError, match=message):
            synthesis(inputs, **options)


# Recipes ------------------------------------------------------------------------------------

R_G, R_D = 4 / 5, 16 / 17
# Batch, group, base, mapping, rate, gamma, half-life, ramp-up.
TABLE = {
    "auto": (32, 4, 16384, 2, 0.0025, 0.0002 * 64 / 32, 10_000, 0.05),
    "stylegan2": (32, 4, 32768, 8, 0.002, 10.0, 10_000, None),
    "paper256": (64, 8, 16384, 8, 0.0025, 1.0, 20_000, None),
    "paper512": (64, 8, 32768, 8, 0.0025, 0.5, 20_000, None),
    "paper1024": (32, 4, 32768, 8, 0.002, 2.0, 10_000, None),
    "cifar": (64, 32, 32768, 2, 0.0025, 0.01, 500_000, 0.05),
}


@pytest.mark.parametrize("name", TABLE)
def test_recipes(name):
    batch, group, base, layers, rate, gamma, images, ramp_up = TABLE[name]
    gan = StyleGAN2.from_recipe(name, (8, 8, 3), latent_dim=4, style_dim=4, channel_max=4)
    gan.compile()
    config = gan.get_config()
    found = [config[k] for k in ("batch_size", "group_size", "channel_base", "mapping_layers")]
    assert found == [batch, group, base, layers] and config["clamp"] == 256
    for player, share in (("generator", R_G), ("discriminator", R_D)):
        settings = gan.optimizer.players[player].get_config()
        numbers = [settings[k] for k in ("learning_rate", "beta_1", "beta_2", "epsilon")]
        np.testing.assert_allclose(numbers, [rate * share, 0.0, 0.99**share, 1e-8], rtol=1e-6)
    penalties = {r.name: r.get_config() for r in gan.regularizers}
    assert penalties["r1"] == {"gamma": pytest.approx(gamma), "interval": 16}
    is_cifar = name == "cifar"
    assert (list(penalties) == ["r1"]) == is_cifar
    if not is_cifar:
        assert penalties["path_length"] == {
            **{"weight": 2.0, "interval": 4, "decay": 0.01, "batch_fraction": 0.5}
        }
    assert gan.ema_decay.get_config() == {
        **{"images": images, "batch_size": batch, "ramp_up": ramp_up}
    }
    assert gan.style_mixing == (0.0 if is_cifar else 0.9)
    assert (gan.discriminator.blocks[0].skip is None) == is_cifar
    assert isinstance(gan.adversarial_loss, keras_gan.losses.NonSaturating)


def test_the_average_of_a_trained_network_is_kept(tmp_path):
    gan = small((16, 16, 3), training_recipe="auto")
    gan.compile()
    assert gan.ema_decay.ramp_up == 0.05
    gan.save_to_preset(tmp_path / "trained")
    gan = StyleGAN2.from_preset(tmp_path / "trained")
    gan.compile()
    assert gan.ema_decay.ramp_up is None and float(gan.ema_decay(0)) > 0.2
    fresh = StyleGAN2.from_preset(tmp_path / "trained", load_weights=False)
    fresh.compile()
    assert fresh.ema_decay.ramp_up == 0.05


def test_pure_half_precision_is_not_trained():
    gan = small(dtype="float16")
    with pytest.raises(ValueError, match="mixed_float16"):
        gan.compile()


def test_auto_goes_by_resolution_and_batch():
    for side, batch, given, rate, base in (
        (128, 32, None, 0.0025, 16384),
        (512, 8, None, 0.0025, 32768),
        (1024, 4, None, 0.002, 32768),
        (1024, 2, 2, 0.002, 32768),
    ):
        row = recipe_for("auto", (side, side, 3), given)
        assert (row.batch_size, row.learning_rate, row.channel_base) == (batch, rate, base)
        assert row.r1_gamma == pytest.approx(0.0002 * side**2 / batch)
        assert row.group_size == min(batch, 4) and row.ema_kimg == batch * 10 / 32


def test_phases():
    gan = small()
    gan.compile()
    found = [(p.player, p.interval, p.batch_fraction) for p in gan.phases()]
    assert found == [
        *(("generator", 1, 1.0), ("generator", 4, 0.5)),
        *(("discriminator", 1, 1.0), ("discriminator", 16, 1.0)),
    ]


def test_gradients_are_made_finite_unless_the_loss_is_scaled(monkeypatch):
    """Loss scaling must see an overflow, or its factor never becomes smaller."""
    given = []
    bad = np.array([np.nan, np.inf, -np.inf, 2.0], "float32")
    monkeypatch.setattr(
        backend,
        "value_and_grad",
        lambda fn, variables, **options: ((0.0, {}), [ops.convert_to_tensor(bad)]),
    )
    monkeypatch.setattr(
        backend, "apply_gradients", lambda optimizer, gradients, _: given.append(gradients[0])
    )
    gan = small()
    for optimizer, expected in (
        (lazy_adam(0.1, 4), [0, 1e5, -1e5, 2]),
        (keras.optimizers.LossScaleOptimizer(lazy_adam(0.1, 4)), bad),
    ):
        gan.compile(generator_optimizer=optimizer)
        batch = keras_gan.Batch(ops.zeros((2, 8, 8, 3)))
        gan._update_player(gan.phases()[0], [batch])
        np.testing.assert_array_equal(numpy(given[-1]), np.asarray(expected, "float32"))


# Config -------------------------------------------------------------------------------------


def test_config():
    gan = small((24, 16, 1), num_classes=3, use_noise=False, clamp=2.0, name="s")
    config = gan.get_config()
    assert config["image_shape"] == [24, 16, 1] and config["seed"] == 11
    again = StyleGAN2.from_config(config)
    assert again.get_config() == config
    assert [w.shape for w in again.weights] == [w.shape for w in gan.weights]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"image_shape": 8}, "`image_shape` is .* Received: 8"),
        ({"image_shape": (8, 8)}, "`image_shape` is"),
        ({"image_shape": (8, 8, 5)}, "`image_shape` is"),
        ({"image_shape": (4, 4, 3)}, "`image_shape` is"),
        ({"image_shape": (36, 32, 3)}, "`image_shape` is"),
        ({"image_shape": (8192, 8192, 3)}, "`image_shape` is"),
        ({"generator_architecture": "dense"}, "`generator_architecture` is one of"),
        ({"discriminator_architecture": None}, "`discriminator_architecture` is one of"),
        ({"style_dim": 0}, "`style_dim` must be an integer >= 1. Received: 0"),
        ({"latent_dim": 10**6}, "Use a smaller `latent_dim`. Received: latent_dim=1000000"),
        ({"mapping_layers": 0}, "Without layers, w is the input of 4 numbers"),
        ({"mapping_layers": 65}, "`mapping_layers` is at most 64. Received: 65"),
        ({"latent_dim": None}, "`latent_dim` must be an integer >= 1. Received: None"),
        ({"mapping_layers": None}, "`mapping_layers` must be an integer >= 0. Received: None"),
        ({"mapping_rate": 0.0}, "`mapping_rate` must be positive. Received: 0.0"),
        ({"projection_rate": None}, "`projection_rate` must be a finite number"),
        ({"channel_base": None}, "`channel_base` must be an integer >= 1. Received: None"),
        ({"channel_max": None}, "`channel_max` must be an integer >= 1. Received: None"),
        ({"channel_base": 4}, "`channel_base` leaves no channels at 8 px. Received: 4"),
        ({"discriminator_channel_base": 4}, "`discriminator_channel_base` leaves no channels at 8"),
        ({"discriminator_channel_max": 0}, "`discriminator_channel_max` must be an integer >= 1"),
        ({"discriminator_clamp": 0}, "`discriminator_clamp` must be positive. Received: 0"),
        ({"discriminator_clamp": "no"}, "`discriminator_clamp` must be a finite number"),
        ({"group_size": 0}, "`group_size` must be an integer >= 1. Received: 0"),
        ({"num_deviations": 3}, "`num_deviations` divides the 4 channels .* Received: 3"),
        ({"packing": 2}, r"StyleGAN2 has no arguments \['packing'\]. It has \['image_shape', "),
        ({"seed": 1.5}, "`seed` is an integer in .* Received: 1.5"),
        ({"seed": -1}, "`seed` is an integer in .* Received: -1"),
        ({"num_classes": 0}, "`num_classes` must be an integer >= 1. Received: 0"),
        ({"clamp": 0}, "`clamp` must be positive. Received: 0"),
        ({"style_mixing": 1.5}, r"`style_mixing` must be .* in \[0, 1\]. Received: 1.5"),
        ({"average_decay": 1.0}, "`average_decay` must be"),
        ({"training_recipe": "ffhq"}, "`recipe` is one of .* Received: 'ffhq'"),
        ({"training_recipe": ["auto"]}, r"`recipe` is one of .* Received: \['auto'\]"),
        ({"batch_size": 0}, "`batch_size` must be an integer >= 1. Received: 0"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_refusals_of_recipes():
    for arguments, message in (
        (("ffhq", (8, 8, 3)), "`recipe` is one of"),
        (("auto", 8), "`image_shape` is"),
        (("auto", (8, 8, 3), 0.5), "`batch_size` must be an integer"),
    ):
        with pytest.raises(ValueError, match=message):
            StyleGAN2.from_recipe(*arguments)
    with pytest.raises(ValueError, match=r"StyleGAN2 has no arguments \['packing'\]. It has"):
        StyleGAN2.from_recipe("auto", (8, 8, 3), packing=2)
    with pytest.raises(ValueError, match=r"`image_shape` is .* Received: None"):
        recipe_for("auto", None)
    with pytest.raises(ValueError, match=r"`interval` must be an integer >= 1. Received: 0"):
        lazy_adam(0.002, 0)


# Styles -------------------------------------------------------------------------------------


@pytest.fixture
def generator():
    gan = small(num_classes=3)
    rng = np.random.RandomState(1)
    for network in (gan.generator, gan.ema_generator):
        network.mapping.average.assign(rng.standard_normal(5))
        for layer in network.synthesis.noise_layers:
            layer.noise_strength.assign(0.5)
    return gan


def test_truncation(generator):
    ws = generator.styles_from_seeds("3-5", labels=[0, 1, 2])
    assert ws.shape == (3, 4, 5) and ws.dtype == np.float32
    center = numpy(generator.ema_generator.mapping.average)
    truncated = generator.styles_from_seeds(
        [3, 4, 5], labels=[0, 1, 2], truncation=0.7, truncation_cutoff=3
    )
    np.testing.assert_allclose(truncated[:, :3], center + 0.7 * (ws[:, :3] - center), rtol=1e-5)
    np.testing.assert_array_equal(truncated[:, 3:], ws[:, 3:])
    images = generator.generate(
        seeds=[3, 4, 5], labels=[0, 1, 2], truncation=0.7, truncation_cutoff=3
    )
    np.testing.assert_array_equal(generator.generate_from_styles(truncated), images)
    with pytest.raises(ValueError, match="how many styles `truncation` pulls"):
        generator.generate(2, labels=0, truncation_cutoff=3)
    # The classes of the random labels are those of the seeds.
    other = generator.generate(seeds=[3, 4, 5], labels="random", ema=False)
    assert other.shape == images.shape


@pytest.mark.parametrize("noise", ["const", "random", "none"])
def test_images_do_not_depend_on_the_batch(generator, noise):
    options = {"labels": 1, "noise": noise, "output_type": "float"}
    together = generator.generate(seeds=range(5), **options)
    alone = [generator.generate(seeds=[s], **options)[0] for s in range(5)]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    in_pairs = generator.generate(seeds=range(5), batch_size=2, **options)
    np.testing.assert_allclose(together, in_pairs, atol=1e-5)


def test_noise_of_images(generator):
    images = {
        noise: generator.generate(seeds=[1, 1], labels=1, noise=noise, output_type="float")
        for noise in ("const", "random", "none")
    }
    for pair in images.values():
        np.testing.assert_array_equal(*pair)
    assert np.abs(images["const"] - images["none"]).max() > 1e-3
    assert np.abs(images["random"] - images["const"]).max() > 1e-3
    for noise in ("some", None, 3):
        with pytest.raises(ValueError, match=rf"`noise` is one of .* Received: {noise!r}"):
            generator.generate(seeds=[1], labels=1, noise=noise)
    with pytest.raises(ValueError, match=r"has no arguments \['psi'\]. It has \['truncation', "):
        generator.generate(seeds=[1], labels=1, psi=0.7)
    with pytest.raises(ValueError, match=r"`batch_size` must be an integer >= 1. Received: 0"):
        generator.styles_from_seeds([1], labels=1, batch_size=0)
    ws = generator.styles_from_seeds([1], labels=1)
    made = generator.generate_from_styles(ws, noise="random", seeds="1", output_type="float")
    np.testing.assert_allclose(made[0], images["random"][0], atol=1e-5)
    with pytest.raises(ValueError, match="one seed for each of the 1 images"):
        generator.generate_from_styles(ws, noise="random")
    with pytest.raises(ValueError, match=r"`ws` are styles of shape .* Received: shape \(1, 4\)"):
        generator.generate_from_styles(ws[:, :, 0])
    with pytest.raises(ValueError, match="no finite numbers"):
        generator.generate_from_styles(np.full_like(ws, np.nan))


def test_mixed_styles():
    """Of the first latent up to a layer that differs from batch to batch, then of another."""
    gan = small(style_mixing=1.0)
    batch = keras_gan.Batch(ops.zeros((2, 8, 8, 3)))
    z = np.random.RandomState(0).standard_normal((2, 2, 4)).astype("float32")
    first, second = (numpy(gan.generator.mapping(x)) for x in z)
    cutoffs = set()
    for _ in range(12):
        queue = [ops.convert_to_tensor(x) for x in z]
        gan.sample_latents = lambda count, queue=queue: queue.pop(0)
        before = numpy(gan.generator.mapping.average)
        ws = numpy(gan.draw_styles(batch))
        cutoff = sum(np.allclose(ws[:, i], first, atol=1e-6) for i in range(4))
        np.testing.assert_allclose(ws[:, cutoff:], np.repeat(second[:, None], 4 - cutoff, 1))
        cutoffs.add(cutoff)
        # The second latent leaves no trace in the average.
        expected = 0.995 * before + 0.005 * first.mean(axis=0)
        average = numpy(gan.generator.mapping.average)
        np.testing.assert_allclose(average, expected, rtol=1e-4, atol=1e-6)
    assert cutoffs == {1, 2, 3}
    held_out = numpy(gan.draw_styles(batch._replace(latents=ops.convert_to_tensor(z[0])), False))
    np.testing.assert_allclose(held_out, np.repeat(first[:, None], 4, 1), rtol=1e-5)
    np.testing.assert_array_equal(numpy(gan.generator.mapping.average), average)


def test_share_of_mixed_batches():
    gan = small(style_mixing=0.5)
    batch = keras_gan.Batch(ops.zeros((1, 8, 8, 3)))
    mixed = [np.ptp(numpy(gan.draw_styles(batch)), axis=1).any() for _ in range(40)]
    assert 10 <= sum(mixed) <= 30


# One step, on every backend the same ----------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(helpers):
    """A model whose weights NumPy drew, so that every backend has the same."""
    gan = small(num_classes=3, style_mixing=0.9)
    helpers.draw_weights(gan.generator, 0)
    helpers.draw_weights(gan.discriminator, 1)
    for weight in gan.generator.mapping.weights:
        # Of the size that the multiplier of the learning rate asks for.
        if "fc" in weight.path:
            weight.assign(numpy(weight) * 300)
    gan.ema_generator.set_weights(gan.generator.get_weights())
    return gan


def test_images_are_the_golden_ones(drawn, helpers):
    images = drawn.generate(seeds="0-3", labels=[0, 1, 2, 0], truncation=0.8, noise="random")
    helpers.check_images("stylegan2", images, GOLDENS)


def test_step_is_the_golden_one_and_its_state_is_saved(drawn, helpers, tmp_path):
    """All four phases are due in the first step."""
    x = np.random.RandomState(2).randint(0, 256, (4, 8, 8, 3)).astype("uint8")
    labels = np.array([0, 1, 2, 1])
    drawn.compile(
        generator_optimizer=keras.optimizers.SGD(1e-3),
        discriminator_optimizer=keras.optimizers.SGD(1e-3),
        jit_compile=keras.backend.backend() == "jax",
    )
    first = drawn.train_on_batch(x, labels, return_dict=True)
    helpers.check_losses("stylegan2", {"first": first}, GOLDENS)
    mean = drawn.regularizer_state(drawn.regularizers[1])["mean"]
    assert float(numpy(mean)) > 0 and int(drawn.step) == 1
    drawn.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    # All that the next step is a function of; to compile it once more takes long.
    states = [
        [*gan.variables, *gan.optimizer.variables, *gan._random_states().values()]
        for gan in (again, drawn)
    ]
    assert again.get_compile_config() == drawn.get_compile_config()
    for ours, theirs in zip(*states, strict=True):
        np.testing.assert_array_equal(numpy(ours), numpy(theirs), err_msg=theirs.path)
