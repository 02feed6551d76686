import json
import os
import shutil
import time

import h5py
import numpy as np
import pytest

import keras_gan
from keras_gan.presets import folder as preset_folder
from keras_gan.presets import registry


def tiny(**arguments):
    return keras_gan.DCGAN(**{"image_shape": (16, 16, 1), "latent_dim": 4, "width": 2, **arguments})


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model and the preset folder written from it."""
    gan = tiny(seed=5)
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    gan.save_to_preset(
        folder,
        description="Nothing much.",
        dataset="noise",
        licence="MIT",
        metrics={"FID": 12.5},
        samples="samples.png",
    )
    return gan, folder


@pytest.fixture
def copy(saved, tmp_path):
    """A copy of that folder to damage."""
    return shutil.copytree(saved[1], tmp_path / "tiny")


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_folder_gives_the_same_model_back(saved):
    gan, folder = saved
    for cls in (keras_gan.GAN, keras_gan.DCGAN):
        again = cls.from_preset(folder)
        assert type(again) is keras_gan.DCGAN
        assert again.get_config() == {**gan.get_config(), "name": again.name}
        for ours, theirs in zip(again.get_weights(), gan.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["config.json", "metadata.json", "model.weights.h5", "README.md"]
    )


def test_a_compiled_model_is_saved_without_its_optimizers(saved, tmp_path):
    gan = tiny()
    gan.compile()
    gan.save_to_preset(tmp_path / "compiled")
    with h5py.File(tmp_path / "compiled" / "model.weights.h5") as file:
        assert "optimizer" not in file
    ours = keras_gan.DCGAN.from_preset(tmp_path / "compiled").get_weights()
    for a, b in zip(ours, gan.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_metadata_and_card(saved):
    metadata = json.loads((saved[1] / "metadata.json").read_text())
    assert metadata["format_version"] == 1
    assert metadata["image_shape"] == [16, 16, 1]
    assert metadata["parameters"]["generator"] == saved[0].generator.count_params()
    assert metadata["sha256"] == preset_folder.sha256(saved[1] / "model.weights.h5")
    card = (saved[1] / "README.md").read_text()
    for text in (
        "license: mit",
        "Nothing much.",
        "noise",
        "| FID | 12.5 |",
        "![samples](samples.png)",
    ):
        assert text in card


def test_fresh_weights_and_overrides(saved):
    gan, folder = saved
    fresh = keras_gan.DCGAN.from_preset(folder, load_weights=False, width=3, seed=9)
    assert fresh.get_config()["width"] == 3
    assert fresh.seed == 9
    other = keras_gan.DCGAN.from_preset(folder, load_weights=False)
    assert not np.array_equal(other.generator.get_weights()[0], gan.generator.get_weights()[0])
    assert keras_gan.DCGAN.from_preset(folder, dtype="mixed_bfloat16").dtype_policy.name == (
        "mixed_bfloat16"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 3}, "do not fit"),
        ({"depth": 3}, "no arguments \\['depth'\\]"),
        ({"latent_dim": 10**6}, "at most 8192"),
    ],
)
def test_overrides_that_cannot_be(saved, arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_gan.DCGAN.from_preset(saved[1], **arguments)


def test_numbers_of_numpy(tmp_path):
    gan = keras_gan.ACGAN(2, (32, 32, 1), width=2, class_loss_weight=np.float32(0.5))
    gan.save_to_preset(tmp_path / "preset")
    assert keras_gan.GAN.from_preset(tmp_path / "preset").get_config()["class_loss_weight"] == 0.5


def test_the_class_is_checked(saved):
    with pytest.raises(ValueError, match="is a DCGAN"):
        keras_gan.WGANGP.from_preset(saved[1])


def test_unknown_presets_name_those_there_are(tmp_path):
    with pytest.raises(ValueError) as error:
        keras_gan.GAN.from_preset("stylegan2_emoij_64")
    message = str(error.value)
    assert "Did you mean 'stylegan2_emoji_64'" in message and len(message) < 400
    with pytest.raises(ValueError, match=r"No preset 'x'\. A preset .*`keras-gan presets`"):
        keras_gan.GAN.from_preset("x")
    with pytest.raises(ValueError, match=r"has no config.json"):
        keras_gan.GAN.from_preset(tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"class_name": "Popen"}, "No class named 'Popen'"),
        ({"class_name": ["DCGAN"]}, "No class named"),
        ({"config": {"image_shape": [16, 16, 1], "module": "os"}}, "no arguments \\['module'\\]"),
        ({"config": {"image_shape": {"class_name": "Lambda"}}}, "must be a number"),
        ({"config": {"image_shape": [[16], 16, 1]}}, "must be a number"),
        ({"config": {"image_shape": [1 << 30, 16, 1]}}, "at most 8192"),
        ({"config": {"width": float("nan")}}, "at most 8192"),
        ({"config": {"dtype": "complex64"}}, "'dtype' .* is one of .*'mixed_bfloat16'"),
        ({"config": {"dtype": ["float32"]}}, "'dtype' .* is one of"),
        ({"class_name": "StyleGAN2", "config": {"use_noise": "no"}}, "'use_noise' .* boolean"),
        ({"config": [1]}, "must be a JSON object"),
        ({"module": "os"}, "exactly 'class_name' and 'config'"),
    ],
)
def test_configs_are_plain_data_of_known_classes(copy, config, message):
    edit(copy / "config.json", **config)
    with pytest.raises(ValueError, match=message):
        keras_gan.GAN.from_preset(copy)


@pytest.mark.parametrize("name", ["config.json", "metadata.json"])
@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b" " * (1 << 21)])
def test_files_that_are_not_json(copy, name, content):
    (copy / name).write_bytes(content)
    with pytest.raises(ValueError, match=name):
        keras_gan.GAN.from_preset(copy)


def test_missing_files(copy):
    (copy / "model.weights.h5").unlink()
    with pytest.raises(ValueError, match="load_weights=False"):
        keras_gan.GAN.from_preset(copy)
    keras_gan.GAN.from_preset(copy, load_weights=False)
    (copy / "metadata.json").unlink()
    with pytest.raises(ValueError, match="incomplete"):
        keras_gan.GAN.from_preset(copy)


def test_a_newer_format_is_refused(copy):
    edit(copy / "metadata.json", format_version=2)
    with pytest.raises(ValueError, match=r"format_version 2.*Update keras_gan"):
        keras_gan.GAN.from_preset(copy)


def test_damaged_weights_are_refused_by_their_hash(copy):
    path = copy / "model.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"sha256 is [0-9a-f]{64}, but.*[0-9a-f]{64}"):
        keras_gan.GAN.from_preset(copy)


def damaged(copy, change):
    """Change the weights file and its hash with it."""
    path = copy / "model.weights.h5"
    change(path)
    edit(copy / "metadata.json", sha256=preset_folder.sha256(path))
    return copy


def in_h5(change):
    def apply(path):
        with h5py.File(path, "r+") as file:
            change(file)

    return apply


def replace(file, **arguments):
    group = file["generator/layers/batch_normalization/vars"]
    del group["0"]
    group.create_dataset("0", **arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-400]), "not a complete file"),
        (lambda path: path.write_bytes(b"nothing"), "not a complete file"),
        (in_h5(lambda f: f.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/"))), "link"),
        (in_h5(lambda f: f.__setitem__("x", h5py.SoftLink("/generator"))), "link"),
        (in_h5(lambda f: f.__setitem__("x", f["/generator"])), "do not fit"),
        (in_h5(lambda f: f.__setitem__("x", f["/"])), "nested more than"),
        (in_h5(lambda f: replace(f, shape=(7,), dtype="f4")), "do not fit"),
        (in_h5(lambda f: replace(f, data=np.array([b"abcd"] * 4))), "do not fit"),
        (
            in_h5(lambda f: f.create_dataset("x", (1 << 40,), "f4", chunks=(1 << 10,))),
            "the bound for its size",
        ),
        (
            in_h5(lambda f: f.create_dataset("x", (4,), "f4", external=[("/etc/passwd", 0, 16)])),
            "in other files",
        ),
    ],
)
def test_weights_files_that_are_not_only_weights(copy, change, message):
    with pytest.raises(ValueError, match=message):
        keras_gan.GAN.from_preset(damaged(copy, change))


def test_a_folder_is_replaced_only_when_asked_for(saved, tmp_path):
    gan = saved[0]
    gan.save_to_preset(tmp_path / "a")
    with pytest.raises(ValueError, match="overwrite=True"):
        gan.save_to_preset(tmp_path / "a")
    gan.save_to_preset(tmp_path / "a", description="again", overwrite=True)
    assert "again" in (tmp_path / "a" / "README.md").read_text()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("x")
    with pytest.raises(ValueError, match="not a preset folder"):
        gan.save_to_preset(precious, overwrite=True)
    assert (precious / "thesis.txt").exists()


def test_replacing_a_preset_keeps_what_is_not_its_own(saved, tmp_path):
    folder = tmp_path / "a"
    saved[0].save_to_preset(folder, description="first")
    (folder / "backup").mkdir()
    others = ["gan.pkl", "samples.png", "backup/config.json"]
    for name in others:
        (folder / name).write_text(name)
    saved[0].save_to_preset(folder, description="second", overwrite=True)
    assert [(folder / name).read_text() for name in others] == others
    assert keras_gan.presets.metadata(folder)["description"] == "second"


def test_a_link_is_written_through(saved, tmp_path):
    (tmp_path / "link").symlink_to("a")
    for overwrite in (False, True):
        saved[0].save_to_preset(tmp_path / "link", overwrite=overwrite)
        assert (tmp_path / "link").is_symlink()
        assert keras_gan.presets.metadata(tmp_path / "a")["class_name"] == "DCGAN"


def test_what_killed_saves_leave_is_removed_after_a_day(saved, tmp_path):
    for name, age in ((".partial-1a", 2), (".partial-2a", 0.5), (".partial-1b", 2)):
        (tmp_path / name).mkdir()
        then = time.time() - age * 24 * 3600
        os.utime(tmp_path / name, (then, then))
    saved[0].save_to_preset(tmp_path / "a")
    assert sorted(os.listdir(tmp_path)) == [".partial-1b", ".partial-2a", "a"]


def test_a_failed_save_leaves_nothing(saved, tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(preset_folder.card, "render", full_disk)
    with pytest.raises(OSError, match="No space"):
        saved[0].save_to_preset(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_classes_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_CLASSES", dict(registry._CLASSES))

    class Own(keras_gan.DCGAN):
        """Somebody's class."""

    gan = Own(image_shape=(16, 16, 1), latent_dim=4, width=2)
    with pytest.raises(ValueError, match=r"presets.register"):
        gan.save_to_preset(tmp_path / "own")
    assert list(tmp_path.iterdir()) == []
    keras_gan.presets.register(Own)
    gan.save_to_preset(tmp_path / "own")
    assert type(keras_gan.GAN.from_preset(tmp_path / "own")) is Own
    keras_gan.presets.register(Own)

    class DCGAN(keras_gan.DCGAN):
        """A name that is taken."""

    with pytest.raises(ValueError, match="registered already"):
        keras_gan.presets.register(DCGAN)


def test_list_presets():
    every = keras_gan.list_presets()
    own = {"dcgan_emoji_64", "dcgan_fashion_mnist_32", "wgan_gp_fashion_mnist_32"}
    assert own | {"stylegan2_emoji_64"} <= set(every)
    assert list(keras_gan.list_presets("dcgan*")) == [n for n in every if n.startswith("dcgan")]
    assert keras_gan.list_presets("nothing*") == {}
    for metadata in every.values():
        for key in ("description", "dataset", "dataset_licence", "licence", "recipe"):
            assert metadata[key]
        # Of some networks of others no figure was published.
        assert metadata["metrics"] or metadata["source"]


def with_weights():
    every = keras_gan.list_presets().items()
    return [name for name, metadata in every if metadata.get("source") is None]


@pytest.mark.parametrize("name", with_weights())
def test_shipped_presets_load_and_generate(name):
    metadata = keras_gan.list_presets(name)[name]
    gan = keras_gan.GAN.from_preset(name)
    images = gan.generate(seeds=[0, 1])
    assert images.shape == (2, *metadata["image_shape"])
    # Trained images have structure: neither flat nor noise.
    assert images.std() > 20
    folder = registry.builtin_folders()[name]
    pictures = metadata.get("pictures") or {}
    for picture in (metadata["samples"], *pictures.values()):
        assert (folder / picture).is_file()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 16e6
