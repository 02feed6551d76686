import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from keras_gan import cli
from keras_gan.checkpoints.layouts import NETWORK_LAYOUTS
from keras_gan.metrics import Evaluation, LPIPSNetwork

RANDOM = np.random.RandomState(0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GAN_HOME", str(tmp_path / "cache"))


def folder(path, count, high=256):
    path.mkdir()
    for i in range(count):
        pixels = RANDOM.randint(0, high, (28, 28)).astype("uint8")
        Image.fromarray(pixels).save(path / f"{i:03d}.png")
    return path


def test_two_folders(tmp_path, capsys):
    fake, real = folder(tmp_path / "fake", 12, high=100), folder(tmp_path / "real", 20)
    out = tmp_path / "results.jsonl"
    arguments = ["evaluate", "--images", str(fake), "--data", str(real), "--out", str(out)]
    assert cli.main([*arguments, "--metrics", "fid,kid,is,pr"]) == 0
    printed = capsys.readouterr().out
    assert "fid " in printed and "12 generated; 20 real; fashion_mnist_classifier" in printed
    (result,) = Evaluation.read_all(out)
    assert {"fid", "kid", "inception_score", "precision", "recall"} <= set(result.values)
    assert result.values["fid"] > 0 and result.subject["name"] == str(fake)
    assert (
        cli.main(["evaluate", "--images", str(real), "--data", str(real), "--out", str(out)]) == 0
    )
    assert Evaluation.read_all(out)[1].values["fid"] < 1e-6
    assert (tmp_path / "cache" / "features").exists()


def test_a_preset(tmp_path, capsys):
    path = tmp_path / "images-idx3-ubyte.gz"
    pixels = RANDOM.randint(0, 256, (9, 28, 28)).astype("uint8")
    path.write_bytes(gzip.compress(struct.pack(">4I", 0x803, 9, 28, 28) + pixels.tobytes()))
    out = tmp_path / "results.jsonl"
    arguments = ["--preset", "dcgan_fashion_mnist_32", "--data", str(path), "--num-samples", "6"]
    arguments += ["--metrics", "fid", "--out", str(out), "--no-cache", "--seed", "3"]
    assert cli.main(["evaluate", *arguments]) == 0
    (result,) = Evaluation.read_all(out)
    assert result.protocol["fake_samples"] == 6 and result.protocol["real_samples"] == 9
    assert result.subject["seed"] == 3
    assert not (tmp_path / "cache" / "features").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--images", "{fake}", "--data", "nowhere"], "no file or folder nowhere"),
        (["--images", "{fake}", "--data", "{fake}", "--metrics", "fid,fad"], "'fad'"),
        (["--images", "{fake}", "--data", "{fake}", "--num-samples", "5"], "There are 3 images"),
        (["--images", "{fake}", "--data", "{fake}", "--resize-rule", "clean"], "--extractor"),
        (["--images", "{fake}"], "Add --data"),
        (["--images", "{fake}", "--data", "{fake}", "--metrics", "fid,ppl"], "images alone"),
        (["--images", "{fake}", "--data", "{fake}", "--extractor", "alexnet"], "'alexnet'"),
    ],
)
def test_what_cannot_be_done(tmp_path, capsys, arguments, message):
    fake = folder(tmp_path / "fake", 3)
    assert cli.main(["evaluate", *(a.format(fake=fake) for a in arguments)]) == 1
    assert message in capsys.readouterr().err


def test_path_length_of_a_preset(tmp_path, capsys):
    network = LPIPSNetwork()
    parts = {"vgg16": {}, "lpips": {}}
    for row in NETWORK_LAYOUTS["lpips_vgg16"].rows(network):
        part = "lpips" if row.source.startswith("lin") else "vgg16"
        parts[part][row.source] = (0.02 * RANDOM.rand(*row.shape)).astype("float32")
    paths = {part: str(tmp_path / f"{part}.npz") for part in parts}
    for part, tensors in parts.items():
        np.savez(paths[part], **tensors)
    arguments = ["evaluate", "--preset", "dcgan_fashion_mnist_32", "--metrics", "ppl_zend"]
    arguments += ["--lpips-weights", paths["vgg16"], paths["lpips"], "--num-samples", "3"]
    out = tmp_path / "results.jsonl"
    assert cli.main([*arguments, "--batch-size", "4", "--out", str(out)]) == 0
    assert "ppl_zend of 3 paths in z" in capsys.readouterr().out
    (result,) = Evaluation.read_all(out)
    assert result.values["ppl_zend"] > 0 and result.protocol["fake_samples"] == 0
    assert result.protocol["metrics"]["ppl_zend"]["num_samples"] == 3


@pytest.mark.parametrize("arguments", [["--data", "x"], ["--preset", "a", "--images", "b"]])
def test_wrong_usage(arguments):
    with pytest.raises(SystemExit) as error:
        cli.main(["evaluate", *arguments])
    assert error.value.code == 2
