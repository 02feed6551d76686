"""Models from the checkpoints of other projects, written here as those projects write them."""

import re

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.checkpoints import load_checkpoint
from keras_gan.checkpoints.layouts import find_layout
from keras_gan.checkpoints.mapping import Row

torch = pytest.importorskip("torch")


def write(path, state, prefix=""):
    torch.save({prefix + name: torch.from_numpy(np.array(t)) for name, t in state.items()}, path)
    return path


def norm(name, filters, rng):
    statistics = {
        f"{name}.{part}": rng.uniform(0.5, 1.5, filters).astype("float32")
        for part in ("weight", "bias", "running_mean", "running_var")
    }
    return {**statistics, f"{name}.num_batches_tracked": np.array(7)}


def dcgan_state(prefix="main", stages=2, latent_dim=5, width=3, channels=2, base=(4, 4)):
    """State dicts of `nn.Sequential`s as pytorch/examples numbers them."""
    rng = np.random.default_rng(0)

    def kernel(*shape):
        return (0.2 * rng.standard_normal(shape)).astype("float32")

    filters = [width * 2**stage for stage in range(stages)]
    generator = {f"{prefix}.0.weight": kernel(latent_dim, filters[-1], *base)}
    outputs = [*filters[::-1], channels]
    for i in range(stages):
        generator.update(norm(f"{prefix}.{3 * i + 1}", outputs[i], rng))
        generator[f"{prefix}.{3 * i + 3}.weight"] = kernel(outputs[i], outputs[i + 1], 4, 4)
    discriminator = {f"{prefix}.0.weight": kernel(width, channels, 4, 4)}
    for i in range(1, stages):
        discriminator[f"{prefix}.{3 * i - 1}.weight"] = kernel(filters[i], filters[i - 1], 4, 4)
        discriminator.update(norm(f"{prefix}.{3 * i}", filters[i], rng))
    discriminator[f"{prefix}.{3 * stages - 1}.weight"] = kernel(1, filters[-1], *base)
    return generator, discriminator


def torch_networks(stages=2):
    """The same networks in PyTorch, for `dcgan_state()` of that many stages."""
    nn = torch.nn
    generator = [nn.ConvTranspose2d(5, 3 * 2 ** (stages - 1), 4, 1, 0, bias=False)]
    discriminator = [nn.Conv2d(2, 3, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for stage in reversed(range(stages)):
        filters = 3 * 2**stage
        outputs = filters // 2 if stage else 2
        convolution = nn.ConvTranspose2d(filters, outputs, 4, 2, 1, bias=False)
        generator += [nn.BatchNorm2d(filters), nn.ReLU(), convolution]
    for stage in range(1, stages):
        filters = 3 * 2**stage
        convolution = nn.Conv2d(filters // 2, filters, 4, 2, 1, bias=False)
        discriminator += [convolution, nn.BatchNorm2d(filters), nn.LeakyReLU(0.2)]
    generator.append(nn.Tanh())
    discriminator.append(nn.Conv2d(3 * 2 ** (stages - 1), 1, 4, 1, 0, bias=False))
    return nn.Sequential(*generator).eval(), nn.Sequential(*discriminator).eval()


def without_prefix(state):
    return {name.split(".", 1)[1]: torch.from_numpy(np.array(t)) for name, t in state.items()}


def source_tensors(gan, role):
    """What the checkpoint of a loaded DCGAN must have held."""
    layout = keras_gan.checkpoints.LAYOUTS["dcgan_pytorch_examples"]
    return {
        row.source: row.to_source(to_numpy(row.weight))
        for row in layout.network(role).rows(getattr(gan, role))
    }


def to_numpy(variable):
    return keras.ops.convert_to_numpy(variable)


@pytest.fixture
def states():
    return dcgan_state()


@pytest.fixture
def files(tmp_path, states):
    generator, discriminator = states
    return {
        "generator": write(tmp_path / "netG_epoch_24.pth", generator),
        "discriminator": write(tmp_path / "netD_epoch_24.pth", discriminator),
    }


def test_two_files_of_pytorch_examples(files, states):
    gan = load_checkpoint(files)
    assert type(gan) is keras_gan.DCGAN
    assert gan.image_shape == (16, 16, 2)
    assert gan.latent_dim == 5
    for role, state in zip(("generator", "discriminator"), states, strict=True):
        loaded = source_tensors(gan, role)
        assert set(loaded) == {name for name in state if "num_batches" not in name}
        for name, tensor in loaded.items():
            np.testing.assert_array_equal(tensor, state[name])
    for average, own in zip(gan.ema_generator.weights, gan.generator.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(average), to_numpy(own))


@pytest.mark.parametrize("stages", [2, 4])
def test_images_and_logits_are_those_of_pytorch(stages, tmp_path):
    states = dcgan_state(stages=stages)
    gan = load_checkpoint(
        {
            "generator": write(tmp_path / "g.pth", states[0]),
            "discriminator": write(tmp_path / "d.pth", states[1]),
        }
    )
    generator, discriminator = torch_networks(stages)
    generator.load_state_dict(without_prefix(states[0]))
    discriminator.load_state_dict(without_prefix(states[1]))
    z = keras_gan.latents.from_seeds([1, 2, 3], 5)
    with torch.no_grad():
        images = generator(torch.from_numpy(z)[:, :, None, None])
        logits = discriminator(images).flatten().numpy()
    images = images.numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(
        gan.generate(seeds=[1, 2, 3], output_type="float"), images, atol=1e-5
    )
    ours = gan.discriminator.predict(images, verbose=0)[:, 0]
    np.testing.assert_allclose(ours, logits, rtol=1e-4, atol=1e-5)


def test_three_stages_are_counted_in_the_unit_of_four():
    generator, discriminator = dcgan_state(stages=3, width=4)
    states = {"generator": generator, "discriminator": discriminator}
    config = load_checkpoint(states).get_config()
    assert (config["width"], config["discriminator_width"]) == (2, 4)
    generator, _ = dcgan_state(stages=3, width=3)
    with pytest.raises(ValueError, match=r"2 \* width filters, not 3"):
        load_checkpoint({"generator": generator}, networks=("generator",))


@pytest.mark.parametrize(
    ("g_prefix", "d_prefix"),
    [
        ("G.", "D."),
        ("netG.", "netD."),
        ("generator.", "discriminator."),
        ("module.netG.", "module.netD."),
        ("netG.module.", "netD.module."),
    ],
)
def test_one_file_with_prefixes(g_prefix, d_prefix, tmp_path, states):
    both = {g_prefix + name: tensor for name, tensor in states[0].items()}
    both.update({d_prefix + name: tensor for name, tensor in states[1].items()})
    gan = load_checkpoint(write(tmp_path / "both.pth", both))
    np.testing.assert_array_equal(
        source_tensors(gan, "generator")["main.0.weight"], states[0]["main.0.weight"]
    )


def test_data_parallel_prefix(tmp_path, states):
    gan = load_checkpoint(
        write(tmp_path / "g.pth", states[0], prefix="module."), networks=("generator",)
    )
    assert gan.image_shape == (16, 16, 2)


def test_the_averaged_generator_of_the_checkpoint_is_kept(states):
    generator, discriminator = states
    average = {name: np.asarray(tensor + 1) for name, tensor in generator.items()}
    gan = load_checkpoint(
        {"generator": generator, "discriminator": discriminator, "ema_generator": average}
    )
    first = to_numpy(gan.generator.weights[0])
    np.testing.assert_allclose(to_numpy(gan.ema_generator.weights[0]), first + 1, rtol=1e-6)


def test_other_bases_channels_and_the_lecture_layout():
    generator, discriminator = dcgan_state("net", stages=2, base=(7, 7), channels=1)
    gan = load_checkpoint({"generator": generator, "discriminator": discriminator})
    assert gan.image_shape == (28, 28, 1)
    assert find_layout(generator).name == "dcgan_lecture"


def test_generator_only(files):
    with pytest.raises(ValueError, match=r"networks=\('generator',\)"):
        load_checkpoint(files["generator"])
    gan = load_checkpoint(files["generator"], networks=("generator",), discriminator_width=4)
    assert gan.discriminator.layers[1].kernel.shape[-1] == 4


def test_networks_must_be_those_of_the_checkpoint(files):
    with pytest.raises(ValueError, match="holds"):
        load_checkpoint(files, networks=("generator",))
    with pytest.raises(ValueError, match="`networks`"):
        load_checkpoint(files, networks=("critic",))


def test_exchanged_files(files):
    exchanged = {"generator": files["discriminator"], "discriminator": files["generator"]}
    with pytest.raises(ValueError, match="looks like a discriminator"):
        load_checkpoint(exchanged)


@pytest.mark.parametrize("name", ["main.0.weight", "main.3.weight", "main.4.running_var"])
def test_missing_tensor(name, states):
    generator, discriminator = states
    del generator[name]
    with pytest.raises(ValueError, match=r"main\.") as error:
        load_checkpoint(
            {"generator": generator, "discriminator": discriminator},
            layout="dcgan_pytorch_examples",
        )
    assert name in str(error.value)


@pytest.mark.parametrize("name", ["main.1.extra", "optimizer.step", "main.99.bias"])
def test_superfluous_tensor(name, states):
    generator, discriminator = states
    generator[name] = np.zeros(3, "float32")
    with pytest.raises(ValueError, match=f"Superfluous: {re.escape(name)}"):
        load_checkpoint({"generator": generator, "discriminator": discriminator})


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("main.1.bias", (4,)),
        ("main.3.weight", (6, 4, 4, 4)),
        ("main.6.weight", (3, 2, 5, 5)),
        ("main.0.weight", (5, 6, 4)),
        ("main.12.weight", (1, 1, 4, 4)),
    ],
)
def test_wrong_shape(name, shape, states):
    generator, discriminator = states
    generator[name] = np.zeros(shape, "float32")
    with pytest.raises(ValueError, match=r"shape|axes"):
        load_checkpoint({"generator": generator, "discriminator": discriminator})


@pytest.mark.parametrize("dtype", ["complex64", "int8", "bool"])
def test_tensors_that_are_no_real_floats(dtype, states):
    generator = {**states[0], "main.3.weight": states[0]["main.3.weight"].astype(dtype)}
    with pytest.raises(ValueError, match=f"'main.3.weight' is {dtype}"):
        load_checkpoint(generator, networks=("generator",))


@pytest.mark.parametrize("number", [np.nan, -np.inf, 1e39])
def test_numbers_that_are_not_finite(number, states):
    weight = states[0]["main.3.weight"].astype("float64")
    weight[0, 0, 0, 0] = number
    with pytest.raises(ValueError, match=r"'main\.3\.weight'.*not finite"):
        load_checkpoint({**states[0], "main.3.weight": weight}, networks=("generator",))


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_floats_of_other_sizes(dtype, states):
    stored = {name: tensor.astype(dtype) for name, tensor in states[0].items()}
    found = source_tensors(load_checkpoint(stored, networks=("generator",)), "generator")
    np.testing.assert_array_equal(found["main.3.weight"], stored["main.3.weight"].astype("float32"))


def test_unknown_layouts(states):
    with pytest.raises(ValueError, match="No known layout"):
        load_checkpoint({"layers.0.weight": np.zeros((1, 1), "float32")})
    for unknown in ("dcgan", ["dcgan_lecture"]):
        with pytest.raises(ValueError, match="`layout` is one of"):
            load_checkpoint(states[0], layout=unknown)
    with pytest.raises(ValueError, match="empty"):
        load_checkpoint({})
    with pytest.raises(ValueError, match="`source`"):
        load_checkpoint(3)


def test_config_adds_but_does_not_contradict(files):
    gan = load_checkpoint(files, name="mine", image_shape=[16, 16, 2])
    assert gan.name == "mine"
    with pytest.raises(ValueError, match="latent_dim=6 contradicts"):
        load_checkpoint(files, latent_dim=6)


def test_class(files):
    class Mine(keras_gan.DCGAN):
        pass

    assert type(load_checkpoint(files, cls=keras_gan.GAN)) is keras_gan.DCGAN
    assert type(load_checkpoint(files, cls=Mine)) is Mine
    with pytest.raises(ValueError, match="not of WGANGP"):
        load_checkpoint(files, cls=keras_gan.WGANGP)


# WGAN-GP ------------------------------------------------------------------------------------------


def wgan_gp_state(gan):
    """The checkpoint that `gan` would have come from."""
    layout = keras_gan.checkpoints.LAYOUTS["wgan_gp_improved"]
    state = {}
    for role, prefix in (("generator", "Generator."), ("discriminator", "Discriminator.")):
        for row in layout.network(role).rows(getattr(gan, role)):
            state[prefix + row.source] = row.to_source(to_numpy(row.weight))
    return state


@pytest.mark.parametrize(
    ("side", "architecture", "name"),
    [
        (28, "conv", "Generator.5.Filters"),
        (16, "resnet", "Generator.2.N1.scale"),
        (32, "resnet", "Discriminator.4.Conv2.Biases"),
        (64, "resnet", "Discriminator.Res4.BN2.offset"),
    ],
)
def test_wgan_gp_networks(side, architecture, name, tmp_path):
    original = keras_gan.WGANGP((side, side, 2), architecture, latent_dim=6, width=2, seed=1)
    state = wgan_gp_state(original)
    assert name in state
    np.savez(tmp_path / "model.npz", **state)
    gan = load_checkpoint(tmp_path / "model.npz")
    config = {**original.get_config(), "seed": None, "name": gan.name}
    assert gan.get_config() == config
    for network in ("generator", "discriminator"):
        pairs = zip(
            getattr(gan, network).trainable_variables,
            getattr(original, network).trainable_variables,
            strict=True,
        )
        for ours, theirs in pairs:
            np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))
    del state[name]
    with pytest.raises(ValueError, match=name.split(".", 1)[1]):
        load_checkpoint(state)


def test_wgan_gp_statistics_are_those_of_256_latents():
    original = keras_gan.WGANGP((16, 16, 1), "resnet", latent_dim=4, width=2)
    gan = load_checkpoint(wgan_gp_state(original))
    z = keras_gan.latents.from_seeds(list(range(256)), 4)
    trained = to_numpy(keras_gan.backend.detached(lambda: gan.generator(z, training=True)))
    evaluated = load_checkpoint(wgan_gp_state(original)).generate(
        seeds=list(range(256)), output_type="float"
    )
    # Up to the unbiased variance.
    np.testing.assert_allclose(evaluated, trained, atol=2e-3)
    assert gan.generator.get_layer("norm").momentum == 0.9


# The classic models -------------------------------------------------------------------------------


CLASSIC = {
    "wgan_original": (
        lambda: keras_gan.WGAN((16, 16, 2), 5, width=3, discriminator_width=4),
        {},
        [
            "main.initial:5-6:convt.weight",
            "main.pyramid:4-8:conv.weight",
            "main.final:8-1:conv.weight",
        ],
    ),
    "mlp_gan_pytorch_gan": (
        lambda: keras_gan.MLPGAN((5, 4, 2), 3, (6, 7, 4), (5, 3)),
        {"image_shape": (5, 4, 2)},
        ["model.6.running_var", "model.8.bias", "model.4.weight"],
    ),
    "conditional_gan_pytorch_gan": (
        lambda: keras_gan.ConditionalGAN(3, (5, 4, 2), 2, (6, 7, 4), (5, 3, 4)),
        {"image_shape": (5, 4, 2)},
        ["label_emb.weight", "label_embedding.weight", "model.8.weight"],
    ),
    "maxout_gan_pylearn2": (
        lambda: keras_gan.MaxoutGAN((5, 4, 2), 3, (6, 7), (4, 3), pieces=2),
        {"image_shape": (5, 4, 2)},
        ["h1.W", "y.b", "h0.b"],
    ),
}


def classic_state(gan, name):
    """The checkpoint that `gan` would have come from."""
    layout = keras_gan.checkpoints.LAYOUTS[name]
    return {
        f"{prefix}.{row.source}": row.to_source(to_numpy(row.weight))
        for role, prefix in (("generator", "G"), ("discriminator", "D"))
        for row in layout.network(role).rows(getattr(gan, role))
    }


@pytest.mark.parametrize("name", CLASSIC)
def test_classic_models(name, tmp_path):
    make, options, expected = CLASSIC[name]
    original = make()
    state = classic_state(original, name)
    names = {key.split(".", 1)[1] for key in state}
    assert names >= set(expected)
    assert find_layout(names).name == name
    gan = load_checkpoint(write(tmp_path / "model.pth", state), **options)
    assert type(gan) is type(original)
    for role in ("generator", "discriminator"):
        pairs = zip(getattr(gan, role).weights, getattr(original, role).weights, strict=True)
        for ours, theirs in pairs:
            np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))
    if "batch_norm_epsilon" in original.get_config():
        assert gan.get_config()["batch_norm_epsilon"] == 0.8
        gan = load_checkpoint(state, batch_norm_epsilon=1e-5, **options)
        assert gan.get_config()["batch_norm_epsilon"] == 1e-5
    for key in expected:
        full = next(full for full in state if full.split(".", 1)[1] == key)
        broken = {k: v for k, v in state.items() if k != full}
        with pytest.raises(ValueError):
            load_checkpoint(broken, layout=name, **options)
        with pytest.raises(ValueError):
            load_checkpoint({**state, full: np.zeros((2, 2, 2), "float32")}, **options)
    with pytest.raises(ValueError, match="Superfluous"):
        load_checkpoint({**state, "G.extra": np.zeros(2, "float32")}, **options)


def test_classic_models_of_another_image_shape():
    make, _, _ = CLASSIC["mlp_gan_pytorch_gan"]
    with pytest.raises(ValueError, match="have other shapes"):
        load_checkpoint(classic_state(make(), "mlp_gan_pytorch_gan"))


def test_the_critic_of_wgan_changes_its_sign():
    make, _, _ = CLASSIC["wgan_original"]
    gan = make()
    last = [layer for layer in gan.discriminator.layers if hasattr(layer, "kernel")][-1]
    stored = classic_state(gan, "wgan_original")["D.main.final:8-1:conv.weight"]
    np.testing.assert_array_equal(stored, -to_numpy(last.kernel).transpose(3, 2, 0, 1))


def test_pytorchs_matrices_are_transposed():
    class Weight:
        shape = (2, 3)

    row = Row("model.0.weight", Weight, linear=True)
    tensor = np.arange(6).reshape(3, 2)
    assert row.shape == (3, 2)
    np.testing.assert_array_equal(row.to_keras(tensor), tensor.T)
    np.testing.assert_array_equal(row.to_source(row.to_keras(tensor)), tensor)


def test_rows_there_and_back():
    class Weight:
        shape = (6, 32)

    row = Row("Input.W", Weight, (0, 2, 3, 1), (6, -1, 4, 4))
    tensor = np.arange(6 * 32).reshape(6, 32)
    value = row.to_keras(tensor)
    # Channel 1 of pixel (0, 2): 16 + 2 there, 2 * 2 + 1 here.
    assert value[0, 5] == tensor[0, 18]
    np.testing.assert_array_equal(row.to_source(value), tensor)
    kernel = Row("main.0.weight", Weight, (2, 3, 1, 0))
    tensor = np.arange(24).reshape(1, 2, 3, 4)
    assert kernel.to_keras(tensor).shape == (3, 4, 2, 1)
    np.testing.assert_array_equal(kernel.to_source(kernel.to_keras(tensor)), tensor)
