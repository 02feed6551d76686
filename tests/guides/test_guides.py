"""Each guide runs from its first to its last line, in a small setting."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_gan

GUIDES = pathlib.Path(__file__).parents[2] / "guides"


def run(guide, folder, launcher=(), **environment):
    result = subprocess.run(
        [sys.executable, *launcher, GUIDES / guide],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "Agg", **environment},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_dcgan_fashion_mnist(fashion_mnist, tmp_path):
    out = tmp_path / "out"
    printed = run(
        "dcgan_fashion_mnist.py",
        tmp_path,
        FASHION_MNIST=fashion_mnist,
        OUT=str(out),
        WIDTH="2",
        EPOCHS="1",
    )
    assert "130 images of (32, 32, 1), 2 batches" in printed
    made = {path.name for path in out.iterdir()}
    assert {"reals.png", "grid.png", "balance.png", "samples", "history.jsonl", "preset"} <= made


def test_distributed(tmp_path):
    launcher = ()
    if keras.backend.backend() == "torch":
        launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    printed = run("distributed.py", tmp_path, launcher, OUT=str(tmp_path / "out"), EPOCHS="1")
    assert "2 replicas in" in printed and "Received: a batch of 15 images" in printed
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"samples", "history.jsonl", "model.keras", "snapshots"}
    assert sorted(os.listdir(tmp_path / "out" / "snapshots")) == ["step00000000", "step00000002"]


def test_diagnosis(tmp_path):
    printed = run("diagnosis.py", tmp_path, OUT=str(tmp_path / "out"), STEPS="50")
    assert printed.count("Diagnosis at step 50, after 1 probes") == 4
    assert printed.endswith("no_penalty: nothing\n")
    names = ("healthy", "imbalance", "no_diversity", "no_penalty")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{name}_{what}.png" for name in names for what in ("signals", "samples")
    }


def test_mode_collapse(tmp_path):
    printed = run("mode_collapse.py", tmp_path, OUT=str(tmp_path / "out"), STEPS="20")
    table = printed.partition("recipe ")[2].splitlines()
    assert len(table) == 7 and all("%" in line for line in table[1:])
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"plain_signals.png", "samples.png"}


def test_wgan_gp(fashion_mnist, tmp_path):
    printed = run(
        "wgan_gp.py",
        tmp_path,
        FASHION_MNIST=fashion_mnist,
        OUT=str(tmp_path / "out"),
        WIDTH="2",
        EPOCHS="3",
        STEPS="1",
        BATCH="16",
    )
    assert "117 images to train on, 13 to compare with" in printed
    assert printed.count("rank correlation with the distance") == 3
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "correlation.png",
        "samples.png",
    }


def test_evaluate(fashion_mnist, tmp_path):
    header = np.array([0x801, 130], ">u4").tobytes()
    labels = (np.arange(130) % 10).astype("uint8").tobytes()
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(header + labels)
    environment = {"FASHION_MNIST": fashion_mnist, "KERAS_GAN_HOME": str(tmp_path / "cache")}
    printed = run("evaluate.py", tmp_path, OUT=str(tmp_path / "out"), SAMPLES="60", **environment)
    assert "60 generated; 60 real; fashion_mnist_classifier" in printed
    assert printed.count(" classes: fid ") == 6 and printed.count("truncation ") == 5
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"fid.png", "filters.png"}


@pytest.fixture
def styles(tmp_path):
    """A folder with the preset of a StyleGAN2 with random weights."""
    gan = keras_gan.StyleGAN2(
        (16, 16, 3), latent_dim=6, style_dim=8, mapping_layers=1, channel_base=128, channel_max=8
    )
    for layer in gan.ema_generator.synthesis.noise_layers:
        layer.noise_strength.assign(0.3)
    gan.save_to_preset(tmp_path / "styles")
    return str(tmp_path / "styles")


def test_stylegan2_generate(styles, tmp_path):
    printed = run(
        "stylegan2_generate.py", tmp_path, PRESET=styles, OUT=str(tmp_path / "out"), FRAMES="2"
    )
    assert "(16, 16, 3) images, 6 styles of 8" in printed and "4 frames in" in printed
    assert float(printed.partition("changes a pixel by ")[2].split()[0]) > 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("samples.png", "truncation.png", "cutoff.png", "noise.png", "mixing.png", "walk.gif"),
    }


@pytest.mark.skipif(
    keras.backend.backend() != "torch",
    reason="XLA takes a minute for a step of StyleGAN2, which tests/models compiles once already",
)
def test_stylegan2_custom_data(tmp_path):
    settings = {"SIDE": "16", "CHANNELS": "8", "EPOCHS": "2", "SAMPLES": "48"}
    out = tmp_path / "out"
    environment = {"KERAS_GAN_HOME": str(tmp_path / "cache"), "OUT": str(out), **settings}
    printed = run("stylegan2_custom_data.py", tmp_path, **environment)
    assert "25 batches of 16" in printed and "at best" in printed
    assert {path.name for path in out.iterdir()} == {
        *("shapes", "real.png", "samples", "snapshots", "preset", "history.jsonl"),
        *("fid.jsonl", "best.keras", "best.png", "curves.png"),
    }
    # Called again, it is at its end at once.
    assert "Epoch" not in run("stylegan2_custom_data.py", tmp_path, **environment)


def test_projection_and_editing(styles, tmp_path):
    printed = run(
        "projection_and_editing.py",
        tmp_path,
        PRESET=styles,
        OUT=str(tmp_path / "out"),
        STEPS="3",
        SAMPLES="40",
    )
    assert "(16, 16, 3) images, 6 styles of 8" in printed
    assert printed.count("grey levels off") == 3 and "3 frames in" in printed
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("projection.png", "distances.png", "progress.webp", "components.png", "factors.png"),
        *("edit_shape.png", "edit_colour.png", "before_and_after.png", "colours.png"),
    }


def test_your_own_gan(fashion_mnist, tmp_path):
    source = (GUIDES / "your_own_gan.py").read_text()
    code = [line for line in source.splitlines() if line.strip() and not line.startswith("#")]
    run(
        "your_own_gan.py",
        tmp_path,
        FASHION_MNIST=fashion_mnist,
        OUT=str(tmp_path / "out"),
        STEPS="2",
        WIDTH="8",
    )
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"samples.png", "ebgan.keras", "preset"}
    assert len(code) < 60


def test_minimax_dance(tmp_path, browser):
    out = tmp_path / "out"
    printed = run("minimax_dance.py", tmp_path, OUT=str(out), STEPS="20")
    assert "Wasserstein distance 0.853" in printed
    (page,) = out.iterdir()
    # Nothing but itself, which its own policy enforces.
    text = page.read_text()
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in text
    assert "http:" not in text.replace("http://www.w3.org/2000/svg", "") and "https:" not in text
    browser.open(page)

    def seen(name):
        return browser.evaluate(f"document.getElementById({name!r}).textContent")

    def curve(chart, kind):
        return browser.evaluate(
            f"document.querySelector('#{chart} path.{kind}:not(.area)').getAttribute('d')"
        )

    # Five frames of 20 steps; the first is the broad hill, which has no losses yet.
    assert browser.evaluate("document.getElementById('slider').max") == "4"
    assert (seen("where"), seen("d_loss"), seen("w1")) == ("step 0", "none yet", "0.853")
    first, drawn = curve("densities", "fake"), curve("answers", "judge")
    assert len(first.split("L")) == 120
    for key, expected in (("ArrowRight", 5), ("ArrowRight", 10), ("ArrowLeft", 5)):
        browser.press(key)
        assert seen("where") == f"step {expected}"
    assert curve("densities", "fake") != first and curve("answers", "judge") != drawn
    assert 1.0 < float(seen("d_loss")) < 1.6 and 0.5 < float(seen("g_loss")) < 1.0
    cursor = curve("losses", "cursor")

    # The slider, by its own keys.
    browser.evaluate("document.getElementById('slider').focus()")
    browser.press("End")
    assert seen("where") == "step 20" and curve("losses", "cursor") != cursor
    text = browser.evaluate("document.getElementById('slider').getAttribute('aria-valuetext')")
    assert text == "step 20 of 20"
    browser.press("ArrowLeft")
    assert seen("where") == "step 15"

    # Played from the end on, it begins again, and stops where it ends.
    stopped = """new Promise(done => {
        const wait = () => playing ? setTimeout(wait, 20) : done(current);
        wait();
    })"""
    browser.press("End")
    browser.press(" ", text=" ")
    assert seen("play") == "Pause"
    assert browser.evaluate(stopped) == 4
    assert (seen("play"), seen("where")) == ("Play", "step 20")
    browser.click("#play")
    assert seen("play") == "Pause"
    browser.press(" ", text=" ")
    assert seen("play") == "Play" and browser.evaluate("current") < 4

    # On a telephone, nothing sticks out, and everything can be touched.
    browser.open(page, width=320, height=640)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 320
    assert browser.evaluate("document.getElementById('play').offsetHeight") >= 44
    width = browser.evaluate("document.getElementById('answers').getBoundingClientRect().width")
    assert browser.evaluate("document.getElementById('answers').viewBox.baseVal.width") == width

    problems = ("Runtime.exceptionThrown", "Log.entryAdded")
    assert not [event for event in browser.events if event["method"] in problems]
    asked = [e["params"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert {request["request"]["url"] for request in asked} == {page.as_uri()}
    # Each control has a name for those who do not see it, each chart a description.
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    names = {(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if "role" in n}
    assert {("button", "Play"), ("slider", "Training step")} <= names
    charts = [name for role, name in names if role in ("image", "img")]
    assert len(charts) == 3 and all("step" in name for name in charts)


def test_every_guide_has_its_test():
    tested = pathlib.Path(__file__).read_text()
    for guide in GUIDES.glob("*.py"):
        assert f'"{guide.name}"' in tested
