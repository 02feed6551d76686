import gzip
import hashlib
import json
import signal
import struct
import sys

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gan
from keras_gan import cli
from keras_gan.presets import folder as preset_folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "photos"
    (folder / "deep").mkdir(parents=True)
    random = np.random.RandomState(0)
    for i in range(20):
        pixels = random.randint(0, 256, (16 + i, 20, 3)).astype("uint8")
        Image.fromarray(pixels).save(folder / "deep" / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory):
    """A finished run of two epochs."""
    outdir = tmp_path_factory.mktemp("runs")
    arguments = "--resolution 16 --epochs 2 --batch 8 --width 2 --mirror --ema-decay 0.5".split()
    assert cli.main(["train", "--data", str(photos), "--outdir", str(outdir), *arguments]) == 0
    (folder,) = outdir.iterdir()
    return folder


def test_a_run_folder(run):
    assert run.name == "00000-photos-dcgan"
    options = json.loads((run / "options.json").read_text())
    assert options["config"]["image_shape"] == [16, 16, 3]
    assert options["data"]["flip"] is True
    assert options["compile"]["ema_decay"] == 0.5
    assert options["backend"] == keras.backend.backend()
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert [p.name for p in sorted((run / "samples").iterdir())] == [
        "fakes00000002.png",
        "fakes00000004.png",
        "fakes_init.png",
    ]
    assert Image.open(run / "reals.png").size == (48, 48)
    assert sorted(p.name for p in (run / "checkpoints").iterdir()) == [
        "step00000002",
        "step00000004",
    ]


def test_the_checkpoint_and_the_preset_are_the_same_model(run):
    preset = keras_gan.GAN.from_preset(run / "preset")
    checkpoint = keras_gan.GAN.from_preset(run / "preset", load_weights=False)
    checkpoint.load_weights(run / "checkpoints" / "step00000004" / "model.weights.h5")
    np.testing.assert_array_equal(preset.generate(seeds=[1]), checkpoint.generate(seeds=[1]))
    assert int(checkpoint.step.numpy()) == 4


def test_resume(run, photos, capsys):
    """A finished run of the same options goes on to more epochs; other options begin a new one."""
    arguments = ["train", "--data", str(photos), "--outdir", str(run.parent), "--resume"]
    same = "--resolution 16 --batch 8 --width 2 --mirror --ema-decay 0.5".split()
    (run / ".partial-abcreals.png").write_bytes(b"left by a process that was killed")
    assert cli.main([*arguments, *same, "--epochs", "3"]) == 0
    assert [path.name for path in run.parent.iterdir()] == [run.name]
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["step"]) for line in lines] == [(1, 2), (2, 4), (3, 6)]
    assert sorted(p.name for p in (run / "checkpoints").iterdir()) == [
        "step00000004",
        "step00000006",
    ]
    assert not list(run.glob(".partial-*"))
    # Another recipe for the same data is refused rather than mixed in.
    assert cli.main([*arguments, *same[:-2], "--epochs", "3"]) == 1
    assert "ema_decay was 0.5 and is 0.0" in capsys.readouterr().err
    assert cli.main([*arguments, *same, "--epochs", "1", "--seed", "5"]) == 0
    assert len(list(run.parent.iterdir())) == 2


def test_generate(run, tmp_path, capsys):
    arguments = ["--preset", str(run / "preset"), "--seeds", "3-5,85", "--batch-size", "3"]
    assert cli.main(["generate", *arguments, "--outdir", str(tmp_path / "out")]) == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["grid.png", "seed0003.png", "seed0004.png", "seed0005.png", "seed0085.png"]
    image = np.asarray(Image.open(tmp_path / "out" / "seed0085.png"))
    expected = keras_gan.GAN.from_preset(run / "preset").generate(seeds=[85])[0]
    assert np.abs(image.astype(int) - expected).max() <= 1
    assert "4 images" in capsys.readouterr().out
    assert (
        cli.main(["generate", *arguments, "--trunc", "0.5", "--outdir", str(tmp_path / "t")]) == 0
    )
    truncated = np.asarray(Image.open(tmp_path / "t" / "seed0085.png"))
    assert (truncated != image).any()


def test_labels(run, tmp_path, capsys):
    photos = tmp_path / "photos"
    random = np.random.RandomState(0)
    for name in ("cats", "dogs"):
        (photos / name).mkdir(parents=True)
        for i in range(4):
            pixels = random.randint(0, 256, (8, 8, 3)).astype("uint8")
            Image.fromarray(pixels).save(photos / name / f"{i}.png")
    train = ["train", "--data", str(photos), "--outdir", str(tmp_path / "runs")]
    train += "--model conditional_gan --resolution 8 --latent-dim 3 --batch 4 --epochs 1".split()
    assert cli.main(train) == 1
    assert "--labels folders" in capsys.readouterr().err
    assert cli.main([*train, "--labels", "folders", "--width", "3"]) == 1
    assert "no --width" in capsys.readouterr().err
    assert cli.main([*train, "--labels", "folders"]) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    preset = folder / "preset"
    assert keras_gan.GAN.from_preset(preset).num_classes == 2
    # A row for each class.
    assert Image.open(folder / "samples" / "fakes_init.png").size == (80, 16)

    generate = ["generate", "--preset", str(preset), "--seeds", "3-5"]
    assert cli.main([*generate, "--labels", "0-1", "--outdir", str(tmp_path / "out")]) == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["grid.png", *(f"seed000{s}-label{c}.png" for s in (3, 4, 5) for c in (0, 1))]
    assert Image.open(tmp_path / "out" / "grid.png").size == (24, 16)
    image = np.asarray(Image.open(tmp_path / "out" / "seed0004-label1.png")).astype(int)
    expected = keras_gan.GAN.from_preset(preset).generate(seeds=[4], labels=1)[0]
    assert np.abs(image - expected).max() <= 1
    assert cli.main([*generate, "--labels", "random", "--outdir", str(tmp_path / "any")]) == 0
    assert len(list((tmp_path / "any").iterdir())) == 4
    assert cli.main([*generate, "--outdir", str(tmp_path / "none")]) == 1
    assert "--class 0-1, or --class random" in capsys.readouterr().err
    assert cli.main([*generate, "--labels", "2", "--outdir", str(tmp_path / "none")]) == 1
    plain = ["generate", "--preset", str(run / "preset"), "--seeds", "1"]
    assert cli.main([*plain, "--labels", "0", "--outdir", str(tmp_path / "none")]) == 1
    assert "knows no classes" in capsys.readouterr().err


def test_train_goes_on_from_a_preset(run, photos, tmp_path):
    arguments = ["train", "--data", str(photos), "--outdir", str(tmp_path)]
    more = ["--preset", str(run / "preset"), "--epochs", "1", "--batch", "8"]
    assert cli.main([*arguments, *more, "--dry-run"]) == 0
    assert not list(tmp_path.iterdir())
    assert cli.main([*arguments, *more, "--width", "3"]) == 1
    assert cli.main([*arguments, *more, "--resolution", "32"]) == 1


def test_train_stylegan2(photos, tmp_path, capsys):
    def train(*arguments):
        common = ["train", "--data", str(photos), "--outdir", str(tmp_path), "--batch", "4"]
        return cli.main([*common, "--resolution", "16", "--dry-run", *arguments])

    def options():
        return json.loads(capsys.readouterr().out.rpartition("}")[0] + "}")

    assert train("--model", "stylegan2", "--cfg", "cifar", "--aug", "ada", "--gamma", "2") == 0
    found = options()
    assert found["config"]["training_recipe"] == "cifar" and found["config"]["batch_size"] == 4
    assert found["config"]["discriminator_architecture"] == "orig" and found["target"] == 0.6
    (penalty,) = found["compile"]["regularizers"]
    assert penalty["config"] == {"gamma": 2.0, "interval": 16}
    (augmentation,) = found["compile"]["augmentations"]
    assert augmentation["class_name"] == "ADA"

    for gamma in ("2", "0"):
        assert train("--model", "dcgan", "--gamma", gamma) == 1
        assert "['--gamma'] are of stylegan2" in capsys.readouterr().err
    assert train("--model", "stylegan2", "--target", "0.5") == 1
    assert "add --aug ada" in capsys.readouterr().err
    assert train("--model", "stylegan2", "--augpipe", "bg") == 1
    assert "['--augpipe'] are of --aug ada" in capsys.readouterr().err
    assert train("--model", "stylegan2", "--aug", "ada", "--channels", "4") == 0
    (augmentation,) = options()["compile"]["augmentations"]
    assert augmentation["config"]["pipeline"] == "bg"
    assert train("--model", "stylegan2", "--labels", "folders") == 1
    assert "add --cond" in capsys.readouterr().err
    # Known before there is a run folder.
    assert train("--model", "stylegan2", "--aug", "ada", "--target", "nan") == 1
    assert "`target` must be a finite number in [-1, 1]" in capsys.readouterr().err
    assert train("--model", "stylegan2", "--freezed", "3") == 1
    assert "add --preset" in capsys.readouterr().err

    gan = keras_gan.StyleGAN2((16, 16, 3), latent_dim=4, style_dim=4, channel_max=4, seed=0)
    gan.save_to_preset(tmp_path / "trained")
    assert train("--preset", str(tmp_path / "trained"), "--freezed", "3") == 0
    found = options()
    assert found["config"]["frozen_layers"] == 3 and found["config"]["training_recipe"] == "auto"
    assert train("--preset", str(tmp_path / "trained"), "--cond") == 1
    assert "comes from the preset" in capsys.readouterr().err


def test_batches_are_those_of_the_configuration(photos, tmp_path, capsys):
    train = ["train", "--data", str(photos), "--outdir", str(tmp_path), "--dry-run"]
    train += ["--model", "stylegan2", "--resolution", "16", "--cfg"]
    for name, message in (("paper1024", "no batch of 32"), ("cifar", "no batch of 64")):
        assert cli.main([*train, name]) == 1
        assert message in capsys.readouterr().err


def test_train_on_idx_files(tmp_path, capsys):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    pixels = np.random.RandomState(0).randint(0, 256, (9, 28, 28)).astype("uint8")
    path.write_bytes(gzip.compress(struct.pack(">IIII", 0x803, 9, 28, 28) + pixels.tobytes()))
    arguments = ["train", "--data", str(path), "--outdir", str(tmp_path), "--batch", "4"]
    for model, shape in (("dcgan", [28, 28, 1]), ("wgan_gp", [28, 28, 1])):
        assert cli.main([*arguments, "--model", model, "--width", "2", "--dry-run"]) == 0
        printed = capsys.readouterr().out
        assert "9 images, 2 batches" in printed
        assert json.loads(printed[: printed.rindex("}") + 1])["config"]["image_shape"] == shape


def test_prepare_and_train_on_the_zip(photos, tmp_path, capsys):
    out = tmp_path / "photos.zip"
    options = "--resolution 24x16 --channels 1 --crop pad --resample box --background red".split()
    assert cli.main(["prepare", str(photos), str(out), *options, "--labels", "folders"]) == 0
    assert "20 images of 24x16 with 1 channels and labels of 1 classes" in capsys.readouterr().out
    dataset = keras_gan.data.image_zip(out, labels="dataset.json")
    assert dataset.image_shape == (16, 24, 1) and dataset.class_names == ["deep"]
    prepared = dataset.protocol["prepared"]
    assert prepared["crop"] == "pad" and prepared["resample"] == "box"
    assert prepared["background"] == [255, 0, 0]
    assert cli.main(["prepare", str(photos), str(out), *options]) == 1
    assert "--force" in capsys.readouterr().err
    force = ["--force", "--resolution", "16", "--labels", "none", "--resize-filter", "bicubic"]
    assert cli.main(["prepare", str(photos), str(out), *force]) == 0
    assert keras_gan.data.image_zip(out, labels="auto").labels is None
    assert "and no labels in" in capsys.readouterr().out
    train = ["train", "--data", str(out), "--outdir", str(tmp_path), "--batch", "4", "--dry-run"]
    for more, shape in (([], [16, 16, 3]), (["--channels", "1"], [16, 16, 1])):
        assert cli.main([*train, "--width", "2", *more]) == 0
        printed = capsys.readouterr().out
        options = json.loads(printed[: printed.rindex("}") + 1])
        assert options["config"]["image_shape"] == shape
        assert options["data"]["prepared"]["resample"] == "bicubic"


def test_handles_reach_tfds(monkeypatch, tmp_path, capsys):
    def container(name, split):
        raise ValueError(f"data set {name}, split {split}")

    monkeypatch.setattr("keras_gan.data.handles.Tfds", container)
    for command in (
        ["train", "--outdir", str(tmp_path), "--data", "tfds:mnist/config:3.0.1:train[:10%]"],
        ["prepare", "tfds:mnist/config:3.0.1:train[:10%]", str(tmp_path / "a.zip")],
    ):
        assert cli.main(command) == 1
        assert "data set mnist/config:3.0.1, split train[:10%]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "{tmp}/missing", "{tmp}/a.zip"], "missing"),
        (["prepare", "{photos}", "{tmp}/a.zip"], "--resolution 64"),
        (["prepare", "{photos}", "{tmp}/a.tar"], "zip"),
        (["train", "--data", "{photos}/deep/0.png", "--outdir", "{tmp}/out"], "none of these"),
        (["generate", "--preset", "nobody", "--outdir", "{tmp}"], "No preset 'nobody'"),
        (["train", "--data", "{tmp}/missing", "--outdir", "{tmp}/out"], "missing"),
        (["train", "--data", "{tmp}", "--outdir", "{tmp}/out"], "{tmp}"),
        (["train", "--data", "{photos}", "--outdir", "{tmp}/out"], "batch"),
        (
            "train --data {photos} --outdir {tmp}/out --batch 4 --resolution 17".split(),
            "image_shape",
        ),
        (["generate", "--preset", "{photos}/deep/0.png"], "keras-gan convert {photos}/deep/0.png"),
        (["convert", "net.pkl", "{photos}/deep/0.png/out"], "{photos}/deep/0.png is a file"),
        (["presets", "nobody*"], "no preset matches"),
    ],
)
def test_what_cannot_be_done_says_why_and_exits_with_1(
    arguments, message, tmp_path, photos, capsys
):
    places = {"tmp": str(tmp_path), "photos": str(photos)}
    assert cli.main([argument.format(**places) for argument in arguments]) == 1
    error = capsys.readouterr().err
    assert message.format(**places) in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["generate"],
        ["generate", "--preset", "x", "--seeds", "5-1"],
        ["generate", "--preset", "x", "--seeds", "-1"],
        ["train", "--data", "x", "--outdir", "y", "--epochs", "0"],
        ["train", "--data", "x", "--outdir", "y", "--resolution", "64x"],
        ["train", "--data", "x", "--outdir", "y", "--model", "vae"],
        ["prepare", "x"],
        ["prepare", "x", "y.zip", "--crop", "middle"],
        ["prepare", "x", "y.zip", "--channels", "2"],
    ],
)
def test_wrong_usage_exits_with_2(arguments):
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2


def test_help(capsys):
    for command in ([], ["generate"], ["train"], ["prepare"], ["presets"]):
        with pytest.raises(SystemExit) as exit_:
            cli.main([*command, "--help"])
        assert exit_.value.code == 0
    assert "keras-gan generate --preset" in capsys.readouterr().out


def test_presets(capsys):
    assert cli.main(["presets", "dcgan*"]) == 0
    assert "dcgan_fashion_mnist_32" in capsys.readouterr().out
    assert cli.main(["presets", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(keras_gan.list_presets())


def exported(path, networks=("generator", "discriminator")):
    """A DCGAN that was written as a checkpoint."""
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2)
    keras_gan.checkpoints.export(gan, path, networks=networks)
    return gan


def test_convert(tmp_path, capsys):
    path, out = tmp_path / "gan.safetensors", tmp_path / "preset"
    gan = exported(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    facts = ["--licence", "CC-BY-NC-4.0", "--dataset", "my photos"]
    convert = ["convert", str(path), str(out)]
    assert cli.main([*convert, "--sha256", "0" * 64]) == 1
    assert digest in capsys.readouterr().err and not out.exists()
    assert cli.main([*convert, "--networks", "generator"]) == 1
    assert cli.main([*convert, "--layout", "stylegan2_ada_pytorch"]) == 1
    assert not out.exists()
    assert cli.main([*convert, *facts, "--sha256", digest]) == 0
    metadata = keras_gan.presets.metadata(out)
    assert metadata["licence"] == "CC-BY-NC-4.0" and metadata["dataset"] == "my photos"
    assert metadata["converted_from"] == {
        "source": path.name,
        "sha256": digest,
        "layout": "dcgan_pytorch_examples",
    }
    assert digest in (out / "README.md").read_text()
    converted = keras_gan.GAN.from_preset(out)
    np.testing.assert_array_equal(converted.generate(seeds=[1]), gan.generate(seeds=[1]))
    assert cli.main(convert) == 1
    assert "--force" in capsys.readouterr().err
    assert cli.main([*convert, "--force"]) == 0
    assert "No licence" in capsys.readouterr().out


def test_convert_two_files(tmp_path):
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2)
    names = {"generator": tmp_path / "netG.npz", "discriminator": tmp_path / "netD.npz"}
    for role, path in names.items():
        keras_gan.checkpoints.export(gan, path, networks=role)
    out = tmp_path / "preset"
    arguments = ["convert", str(names["generator"]), str(out)]
    assert cli.main([*arguments, "--discriminator", str(names["discriminator"])]) == 0
    origin = keras_gan.presets.metadata(out)["converted_from"]
    assert origin["source"] == "netG.npz, netD.npz"
    converted = keras_gan.GAN.from_preset(out)
    np.testing.assert_array_equal(converted.generate(seeds=[1]), gan.generate(seeds=[1]))


def test_convert_one_network(tmp_path, capsys):
    path, out = tmp_path / "netG.npz", tmp_path / "preset"
    exported(path, networks=("generator",))
    convert = ["convert", str(path), str(out)]
    assert cli.main(convert) == 1
    error = capsys.readouterr().err
    assert "--networks generator" in error and "--discriminator FILE" in error
    assert cli.main([*convert, "--networks", "generator"]) == 0
    assert "no discriminator: that of the preset is random" in capsys.readouterr().out
    assert keras_gan.presets.metadata(out)["converted_from"]["networks"] == "generator"
    assert "networks generator" in (out / "README.md").read_text()


def test_convert_by_a_signed_address(tmp_path, monkeypatch):
    exported(tmp_path / "gan.npz")
    monkeypatch.setattr(cli, "local_files", lambda *_: {"generator": tmp_path / "gan.npz"})
    out = tmp_path / "preset"
    assert cli.main(["convert", "https://host/a/gan.npz?sig=SECRET#SECRET", str(out)]) == 0
    assert keras_gan.presets.metadata(out)["converted_from"]["source"] == "https://host/a/gan.npz"
    assert not any("SECRET" in (out / n).read_text() for n in ("README.md", "metadata.json"))


def test_convert_does_not_replace_what_it_reads(tmp_path, capsys):
    out = tmp_path / "preset"
    exported(tmp_path / "gan.npz").save_to_preset(out)
    path = (tmp_path / "gan.npz").rename(out / "gan.npz")
    for place in (out, tmp_path / "preset" / ".." / "preset"):
        assert cli.main(["convert", str(path), str(place), "--force"]) == 1
        assert "gan.npz lies in" in capsys.readouterr().err
    assert path.exists()


def test_a_terminated_convert_leaves_nothing(tmp_path, monkeypatch, capsys):
    path = tmp_path / "gan.npz"
    exported(path)

    def end(*_):
        raise AssertionError("SIGTERM is not handled")

    monkeypatch.setattr(
        preset_folder, "save_weights_file", lambda *_: signal.raise_signal(signal.SIGTERM)
    )
    monkeypatch.setattr(sys, "argv", ["keras-gan", "convert", str(path), str(tmp_path / "preset")])
    before = signal.signal(signal.SIGTERM, end)
    try:
        assert cli.main() == 130
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "interrupted" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["gan.npz"]
