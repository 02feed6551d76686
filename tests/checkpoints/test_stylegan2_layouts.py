"""StyleGAN2 from the files of NVIDIA and rosinality, and back."""

import pathlib
import sys

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.checkpoints import Tensors, export, load_checkpoint, read_tensors
from keras_gan.checkpoints.layouts import layout_of

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import public_checkpoints as public

SIZES = {"resolution": 16, "channel_base": 64, "channel_max": 6, "z_dim": 5, "w_dim": 4}
PREFIXES = {"generator": "G", "discriminator": "D", "ema_generator": "G_ema"}
NATIVE = keras_gan.checkpoints.LAYOUTS["stylegan2_ada_pytorch"]


def make(**arguments):
    return public.StyleGAN2(**{**SIZES, "layers": 2, **arguments})


def drawn(model):
    """What a network pickle of the model holds, by the names of the state dicts."""
    parts = {
        "G": model.generator("G"),
        "D": model.discriminator(),
        "G_ema": model.generator("G_ema"),
    }
    return {f"{p}.{name}": t for p, part in parts.items() for name, t in part[0].items()}


def native(gan):
    """The weights of a loaded model by the names of the state dicts."""
    return {
        f"{prefix}.{row.source}": row.to_source(keras.ops.convert_to_numpy(row.weight))
        for role, prefix in PREFIXES.items()
        for row in NATIVE.network(role).rows(getattr(gan, role))
    }


def assert_has(gan, tensors, tolerance=0.0):
    found = native(gan)
    expected = {name: t for name, t in tensors.items() if not name.endswith("resample_filter")}
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        np.testing.assert_allclose(found[name], tensor, rtol=0, atol=tolerance, strict=True)


def write(tmp_path, data, name="network.pkl"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_a_pickle_of_pytorch(tmp_path):
    model = make(c_dim=3, conv_clamp=256.0, group_size=2)
    path = write(tmp_path, public.stylegan2_pickle(model))
    assert layout_of(path) is NATIVE
    gan = keras_gan.StyleGAN2.from_checkpoint(path)
    config = gan.get_config()
    expected = {
        "image_shape": [16, 16, 3],
        "num_classes": 3,
        "latent_dim": 5,
        "style_dim": 4,
        "mapping_layers": 2,
        "channel_base": 64,
        "channel_max": 6,
        "clamp": 256.0,
        "group_size": 2,
        "projection_layers": 2,
    }
    assert {key: config[key] for key in expected} == expected
    assert_has(gan, drawn(model))
    assert gan.generate(seeds=[0, 1], labels=[0, 2]).std() > 10


def test_networks_of_different_sizes(tmp_path):
    model = make(conv_clamp=256.0)
    model.discriminator = make(channel_base=48, channel_max=5).discriminator
    gan = load_checkpoint(write(tmp_path, public.stylegan2_pickle(model)))
    config = gan.get_config()
    own = {
        "discriminator_channel_base": 48,
        "discriminator_channel_max": 5,
        "discriminator_clamp": None,
    }
    assert {key: config[key] for key in own} == own
    assert (config["channel_base"], config["channel_max"], config["clamp"]) == (64, 6, 256.0)
    assert_has(gan, drawn(model))
    path = tmp_path / "gan.safetensors"
    export(gan, path)
    again = load_checkpoint(path, clamp=256.0, discriminator_clamp=None)
    shared = {**again.get_config(), "name": config["name"], "seed": config["seed"]}
    assert shared == config
    with pytest.raises(ValueError, match="discriminator_channel_max=4 contradicts the discrim"):
        load_checkpoint(path, discriminator_channel_max=4)
    export(gan, path, networks="discriminator")
    alone = load_checkpoint(path, networks="discriminator").get_config()
    assert (alone["channel_base"], alone["discriminator_channel_base"]) == (48, None)
    sizes = {"channel_base": 64, "channel_max": 6}
    alone = load_checkpoint(path, networks="discriminator", **sizes, **own)
    assert [block.filters for block in alone.generator.synthesis.blocks] == [6, 6, 4]


@pytest.mark.parametrize("classes", [0, 3])
def test_a_pickle_of_tensorflow(tmp_path, classes):
    model = make(c_dim=classes, group_size=None)
    path = write(tmp_path, public.stylegan2_pickle(model, "tensorflow"))
    assert layout_of(path).name == "stylegan2_tensorflow"
    gan = keras_gan.StyleGAN2.from_checkpoint(path)
    assert gan.get_config()["group_size"] is None
    assert gan.get_config()["clamp"] is None
    # The bias of a style loses a bit when 1 is taken away and added.
    assert_has(gan, drawn(model), tolerance=1e-6)


def tensorflow(static_kwargs, function, role="discriminator"):
    model = make()
    tensors = model.discriminator()[0] if role == "discriminator" else model.generator()[0]
    described = {"static_kwargs": static_kwargs, "build_func_name": function}
    return load_checkpoint(
        Tensors(public.in_tensorflow(tensors), {"": described}), networks=(role,)
    ).get_config()


def test_what_tensorflow_leaves_to_its_build_functions():
    assert tensorflow({}, "D_stylegan2")["group_size"] == 4
    assert tensorflow({}, "D_main")["group_size"] is None
    assert tensorflow({"mbstd_group_size": 8}, "D_main")["group_size"] == 8
    assert tensorflow({"conv_clamp": 256}, "G_main", "generator")["clamp"] == 256
    assert tensorflow({"mapping_lrmul": 0.1}, "G_main", "generator")["mapping_rate"] == 0.1
    with pytest.raises(ValueError, match="nonlinearity='relu'"):
        tensorflow({"nonlinearity": "relu"}, "D_main")
    with pytest.raises(ValueError, match="resample_kernel"):
        tensorflow({"resample_kernel": [1, 1]}, "D_main")
    for name, argument in {"conv_clamp": "clamp", "mbstd_group_size": "group_size"}.items():
        with pytest.raises(ValueError, match=f"'{argument}' in the discriminator's .* at most"):
            tensorflow({name: 10**60}, "D_main")


def rosinality(model, average=True, noise=True):
    """The dict that rosinality/stylegan2-pytorch saves."""
    found = {}
    tensors, critic = (
        {n: t for n, t in part[0].items() if not n.endswith("resample_filter")}
        for part in (model.generator("G_ema"), model.discriminator())
    )
    for name, t in tensors.items():
        *path, part = name.split(".")
        if path[0] == "mapping":
            if part != "w_avg":
                found[f"g_ema.style.{int(path[1][2:]) + 1}.{part}"] = t
            elif average:
                found["latent_avg"] = t
            continue
        r, layer = int(path[1][1:]), path[2] if len(path) > 2 else None
        j = int(np.log2(r)) - 3
        at = {
            "conv0": f"g_ema.convs.{2 * j}",
            "conv1": f"g_ema.convs.{2 * j + 1}" if r > 4 else "g_ema.conv1",
            "torgb": f"g_ema.to_rgbs.{j}" if r > 4 else "g_ema.to_rgb1",
        }.get(layer)
        if part == "const":
            found["g_ema.input.input"] = t[None]
        elif part == "noise_const" and noise:
            number = 2 * j + (2 if layer == "conv1" else 1)
            found[f"g_ema.noises.noise_{number}"] = t[None, None]
        elif path[-1] == "affine":
            found[f"{at}.conv.modulation.{part}"] = t
        elif part == "weight":
            found[f"{at}.conv.weight"] = t[None]
        elif part == "noise_strength":
            found[f"{at}.noise.weight"] = t[None]
        elif part == "bias" and layer == "torgb":
            found[f"{at}.bias"] = t[None, :, None, None]
        elif part == "bias":
            found[f"{at}.activate.bias"] = t
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype("float32") / 64
    found["g_ema.convs.0.conv.blur.kernel"] = 4 * taps
    epilogue = {"conv": "final_conv.{}", "fc": "final_linear.0", "out": "final_linear.1"}
    for name, t in critic.items():
        block, layer, part = name.split(".")
        r = int(block[1:])
        at = f"d.convs.{1 + int(np.log2(model.resolution // r))}"
        index = {"weight": 0, "bias": 1}[part]
        if layer in epilogue:
            ours = epilogue[layer].format(index)
            found[f"d.{ours}.{part}"] = t
        elif layer == "fromrgb":
            found[f"d.convs.0.{index}.{part}"] = t
        elif layer == "skip":
            found[f"{at}.skip.1.weight"] = t
        elif layer == "conv0":
            found[f"{at}.conv1.{index}.{part}"] = t
        else:
            found[f"{at}.conv2.{index + 1}.{part}"] = t
            found[f"{at}.conv2.0.kernel"] = taps
    return found


def expected_of_rosinality(model):
    tensors = {n: t for n, t in drawn(model).items() if not n.startswith("G.")}
    copied = {n.replace("G_ema.", "G."): t for n, t in tensors.items() if n.startswith("G_ema.")}
    return {**copied, **tensors}


def test_rosinality(tmp_path):
    torch = pytest.importorskip("torch")
    model, path = make(), tmp_path / "stylegan2.pt"
    tree = {"latent_avg": None, "g_ema": {}, "d": {}, "args": {"size": 16}}
    for name, t in rosinality(model).items():
        role, _, short = name.partition(".")
        if short:
            tree[role][short] = torch.from_numpy(np.array(t))
        else:
            tree[role] = torch.from_numpy(t)
    tree["g_optim"] = {"state": {0: {"exp_avg": torch.ones(3)}}}
    torch.save(tree, path)
    gan = keras_gan.StyleGAN2.from_checkpoint(path)
    assert gan.get_config()["group_size"] == 4
    assert_has(gan, expected_of_rosinality(model))


def test_rosinality_without_what_trainings_do_not_save():
    model = make()
    gan = load_checkpoint(rosinality(model, average=False, noise=False))
    again = load_checkpoint(rosinality(model, average=False, noise=False))
    found, expected = native(gan), expected_of_rosinality(model)
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor, native(again)[name])
        if not name.endswith(("w_avg", "noise_const")):
            np.testing.assert_array_equal(tensor, expected[name])
    # The average is that of the network itself.
    mapping = gan.ema_generator.mapping
    z = keras_gan.latents.from_seeds(list(range(4096)), 5)
    mean = keras.ops.convert_to_numpy(mapping(z)).mean(axis=0)
    np.testing.assert_allclose(found["G_ema.mapping.w_avg"], mean, atol=1e-4)
    assert 0.8 < found["G.synthesis.b16.conv0.noise_const"].std() < 1.2


def openmmlab(model):
    """The state dict that OpenMMLab's trainings save.

    A public converter between these names and NVIDIA's attests those of the generator.
    """
    found = {"generator_ema.steps": np.array([7])}
    for name, t in rosinality(model, average=False).items():
        role, _, short = name.partition(".")
        short = short.replace("style.", "style_mapping.").replace("input.input", "X.input")
        short = short.replace("noises.noise_", "injected_noise_").replace("X", "constant_input")
        short = short.replace(".noise.", ".noise_injector.").replace(".modulation.", ".Y.")
        if t.ndim == 2 and short.endswith(".weight"):
            short = short.replace(".weight", ".linear.weight_orig")
        elif role == "d" and t.ndim == 4 and short.endswith(".weight"):
            short = short.replace(".weight", ".conv.weight_orig")
        elif t.ndim == 5:
            short = f"{short}_orig"
        if short.startswith("to_rgb") and t.ndim > 2 and not short.endswith(".kernel"):
            t = t[:, ::-1]
        elif short == "convs.0.0.conv.weight_orig":
            t = t[:, ::-1]
        short = short.replace("Y", "style_modulation")
        found[f"{ {'d': 'discriminator', 'g_ema': 'generator_ema'}[role] }.{short}"] = t
    copies = {n.replace("_ema", ""): t for n, t in found.items() if "steps" not in n}
    return {**found, **{n: t for n, t in copies.items() if n.startswith("generator.")}}


def test_openmmlab(tmp_path):
    torch = pytest.importorskip("torch")
    model, path = make(), tmp_path / "stylegan2_c2.pth"
    names = openmmlab(model)
    assert {
        "generator.style_mapping.2.linear.weight_orig",
        "generator.style_mapping.2.bias",
        "generator.constant_input.input",
        "generator.conv1.conv.weight_orig",
        "generator.conv1.conv.style_modulation.linear.weight_orig",
        "generator.conv1.conv.style_modulation.bias",
        "generator.conv1.noise_injector.weight",
        "generator.conv1.activate.bias",
        "generator.to_rgbs.0.bias",
        "generator.to_rgbs.0.conv.weight_orig",
        "generator_ema.injected_noise_0",
        "discriminator.convs.0.0.conv.weight_orig",
        "discriminator.convs.1.conv2.1.conv.weight_orig",
        "discriminator.convs.1.skip.1.conv.weight_orig",
        "discriminator.final_conv.1.bias",
        "discriminator.final_linear.1.linear.weight_orig",
    } <= set(names)
    tree = {n: torch.from_numpy(np.array(t)) for n, t in names.items()}
    # MMagic's trainings wrap the average.
    wrapped = {n.replace("generator_ema.", "generator_ema.module."): t for n, t in tree.items()}
    wrapped["generator_ema.steps"] = wrapped.pop("generator_ema.module.steps")
    optimizer = {"generator": {"state": {0: {"exp_avg": torch.ones(3)}}}}
    for state in (tree, wrapped):
        torch.save({"meta": {"iter": 5}, "state_dict": state, "optimizer": optimizer}, path)
        assert layout_of(path).name == "stylegan2_openmmlab"
        gan = keras_gan.StyleGAN2.from_checkpoint(path)
        found = {n: t for n, t in native(gan).items() if not n.endswith("w_avg")}
        for name, tensor in found.items():
            np.testing.assert_array_equal(tensor, expected_of_rosinality(model)[name], err_msg=name)


def test_studiogan(tmp_path):
    torch = pytest.importorskip("torch")
    model = make()
    files = {"generator": "G_ema", "discriminator": "D"}
    for role, prefix in files.items():
        tensors = {n: t for n, t in drawn(model).items() if n.startswith(f"{prefix}.")}
        state = {n.partition(".")[2]: torch.from_numpy(t.copy()) for n, t in tensors.items()}
        files[role] = tmp_path / f"model={prefix}-best-weights-step=970000.pth"
        weights = [torch.nn.Parameter(tensor.clone()) for tensor in state.values()]
        adam = torch.optim.Adam(weights)
        sum(weight.sum() for weight in weights).backward()
        adam.step()
        beside = {"optimizer": adam.state_dict(), "step": 5, "best_fid": np.float64(3.9)}
        torch.save({"state_dict": state, **beside}, files[role])
    assert_has(keras_gan.StyleGAN2.from_checkpoint(files), expected_of_rosinality(model))


def test_only_the_averaged_generator():
    tensors = {n: t for n, t in drawn(make()).items() if n.startswith("G_ema.")}
    gan = load_checkpoint(tensors, networks=("generator",), clamp=256.0)
    assert_has_generators = {n: t for n, t in native(gan).items() if not n.startswith("D.")}
    for name, tensor in assert_has_generators.items():
        stored = tensors[name.replace("G.", "G_ema.")]
        np.testing.assert_array_equal(tensor, stored)
    assert gan.get_config()["clamp"] == 256.0
    with pytest.raises(ValueError, match="generator"):
        load_checkpoint(tensors)


REFUSED = {
    "StyleGAN3": ({"synthesis.input.freqs": np.ones(2)}, "StyleGAN3"),
    "labels beside the latent": (
        {"mapping/LabelConcat/weight": np.ones((3, 4)), "synthesis/4x4/Const/const": np.ones(1)},
        "LabelConcat",
    ),
    "growing images": (
        {"synthesis/ToRGB_lod0/weight": np.ones(1), "synthesis/4x4/Const/const": np.ones(1)},
        "ToRGB_lod0",
    ),
    "growing critic": (
        {"FromRGB_lod3/weight": np.ones(1), "4x4/Dense0/weight": np.ones(1)},
        "FromRGB_lod3",
    ),
    "a huge latent": (
        {"style.1.weight": np.ones((1, 5000), "float32"), "style.1.bias": np.ones(1, "float32")},
        "at most 4096",
    ),
    "a huge image": (
        {
            "style.1.weight": np.ones((1, 1), "float32"),
            "style.1.bias": np.ones(1, "float32"),
            "convs.90.noise.weight": np.ones(1),
        },
        "at most 1024 px",
    ),
    "a constant of a batch": (
        {"synthesis/4x4/Const/const": np.ones((2, 3, 4, 4))},
        "axes of one entry",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_name(case):
    tensors, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        load_checkpoint(tensors, networks=("generator",))


CHANGED = {
    "missing": (lambda t: t.pop("G.synthesis.b8.conv1.bias"), "b8.conv1.bias"),
    "superfluous": (lambda t: t.update({"G.synthesis.b8.x": np.ones(1)}), "b8.x"),
    "other taps": (
        lambda t: t.update({"G.synthesis.b8.conv0.resample_filter": np.ones((4, 4))}),
        "filter",
    ),
    "other channels": (
        lambda t: t.update({"G.synthesis.b8.conv1.weight": np.ones((6, 5, 3, 3))}),
        "b8.conv1.weight",
    ),
    "a wide style": (
        lambda t: t.update({"G.synthesis.b16.conv1.affine.weight": np.ones((4, 9))}),
        "affine.weight",
    ),
    "another noise": (
        lambda t: t.update({"G.synthesis.b16.conv1.noise_const": np.ones((8, 8))}),
        "noise_const",
    ),
    "another critic": (
        lambda t: t.update({"D.b16.fromrgb.weight": np.ones((4, 1, 1, 1))}),
        "contradicts",
    ),
    "a layer left out": (lambda t: t.pop("G.mapping.fc0.weight"), "fc"),
}


@pytest.mark.parametrize("case", CHANGED)
def test_tensors_that_do_not_fit(case):
    tensors = drawn(make())
    change, message = CHANGED[case]
    change(tensors)
    with pytest.raises(ValueError, match=message):
        load_checkpoint(tensors)


DESCRIBED = {
    "another class": ("synthesis.b8", "class_name", "LegacyBlock", "LegacyBlock"),
    "another activation": ("synthesis.b8.conv0", "activation", "relu", "relu"),
    "another clamp": ("synthesis.b8.conv0", "conv_clamp", 1.0, "different conv_clamp"),
    "another size": ("", "img_resolution", 32, "img_resolution"),
    "another rate": ("mapping.fc0", "bias_gain", 0.1, "different bias_gain"),
}


@pytest.mark.parametrize("case", DESCRIBED)
def test_attributes_that_do_not_fit(case):
    path, name, value, message = DESCRIBED[case]
    tensors, described, _ = make(conv_clamp=256.0).generator()
    attributes = {at: {"class_name": kind, **more} for at, (kind, more) in described.items()}
    load_checkpoint(Tensors(tensors, attributes), networks=("generator",))
    attributes[path] = {**attributes[path], name: value}
    with pytest.raises(ValueError, match=message):
        load_checkpoint(Tensors(tensors, attributes), networks=("generator",))


@pytest.mark.parametrize("end", ["safetensors", "npz"])
def test_export_and_back(tmp_path, end):
    model = make(c_dim=3)
    gan = load_checkpoint(drawn(model))
    path = tmp_path / f"gan.{end}"
    export(gan, path, layout="stylegan2_ada_pytorch")
    # The constant filters, too: a strict `load_state_dict` of the authors' networks needs them.
    found, expected = read_tensors(path), drawn(model)
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor, strict=True)
    again = keras_gan.StyleGAN2.from_checkpoint(path)
    for ours, theirs in zip(again.get_weights(), gan.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_other_libraries_read_an_export(tmp_path):
    load_file = pytest.importorskip("safetensors.numpy").load_file
    gan = load_checkpoint(drawn(make()))
    path = tmp_path / "gan.safetensors"
    export(gan, path, networks="ema_generator")
    found = load_file(path)
    assert {name.partition(".")[0] for name in found} == {"G_ema"}
    for name, tensor in native(gan).items():
        if name in found:
            np.testing.assert_array_equal(found[name], tensor)


def test_an_export_has_the_filters_that_the_authors_list(tmp_path):
    """Their training logs list the buffers of each module: 16 for a filter of 4 x 4."""
    gan = keras_gan.StyleGAN2(
        image_shape=(16, 16, 1),
        latent_dim=4,
        style_dim=4,
        mapping_layers=1,
        channel_base=32,
        channel_max=4,
        generator_architecture="resnet",
        discriminator_architecture="skip",
    )
    export(gan, tmp_path / "x.npz", networks=("generator", "discriminator"))
    end = ".resample_filter"
    found = {name for name in read_tensors(tmp_path / "x.npz") if name.endswith(end)}
    generator = ["b4", "b4.conv1"]
    discriminator = ["b4.fromrgb", "b4.conv"]
    for block in ("b8", "b16"):
        generator += [block, *(f"{block}.{part}" for part in ("conv0", "conv1", "skip"))]
        discriminator += [block, *(f"{block}.{part}" for part in ("fromrgb", "conv0", "conv1"))]
    assert found == {
        *(f"G.synthesis.{module}{end}" for module in generator),
        *(f"D.{module}{end}" for module in discriminator),
    }


def test_exports_that_cannot_be(tmp_path):
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2)
    for arguments, message in (
        ((tmp_path / "x.pt",), "safetensors"),
        ((tmp_path / "x.npz", "stylegan2_ada_pytorch"), "dcgan_pytorch_examples"),
        ((tmp_path / "x.npz", None, ("critic",)), "networks"),
    ):
        with pytest.raises(ValueError, match=message):
            export(gan, *arguments)
    assert list(tmp_path.iterdir()) == []
    export(gan, tmp_path / "x.npz", networks=("generator", "discriminator"))
    again = keras_gan.DCGAN.from_checkpoint(tmp_path / "x.npz")
    np.testing.assert_array_equal(again.generate(seeds=[1]), gan.generate(seeds=[1]))
