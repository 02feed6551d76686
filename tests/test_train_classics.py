"""tools/train_classics.py: from the command to pictures, figures and signals."""

import json
import pathlib
import sys

import keras
import numpy as np
import pytest

import keras_gan

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import train_classics  # noqa: E402
from train_classics import SHAPE, Classic  # noqa: E402


def small(seed):
    return keras_gan.ConditionalGAN(
        10, SHAPE, generator_units=(8,), discriminator_units=(8,), seed=seed
    )


@pytest.fixture(autouse=True)
def data(fashion_mnist, monkeypatch):
    monkeypatch.setattr(train_classics, "FASHION_MNIST", pathlib.Path(fashion_mnist))


def test_a_run_leaves_samples_by_class_figures_and_signals(monkeypatch, tmp_path):
    monkeypatch.setitem(train_classics.CLASSICS, "conditional_gan", Classic(small, 16))
    monkeypatch.setattr(train_classics, "SAMPLES", 20)
    signals = tmp_path / "signals.json"
    arguments = ["--seconds", "0", "--outdir", tmp_path, "--interval", 1, "--write", signals]
    monkeypatch.setattr(sys, "argv", ["", "conditional_gan", *map(str, arguments)])
    train_classics.main()

    facts = json.loads((tmp_path / "conditional_gan.json").read_text())
    # No second: the first step is the last one.
    assert [line["step"] for line in facts["lines"]] == [1]
    assert facts["findings"] == [] and facts["config"]["num_classes"] == 10
    by_class = facts["class accuracy by class"].values()
    assert facts["class accuracy"] == pytest.approx(np.mean([*by_class]), abs=1e-3)
    run = json.loads(signals.read_text())["conditional_gan, from scratch"]
    assert run["kind"] == "other" and [row["step"] for row in run["rows"]] == [1]
    assert "held_out_score" in run["rows"][0]

    gan = small(1)
    gan.load_weights(tmp_path / "conditional_gan.weights.h5")
    grid = keras.utils.load_img(tmp_path / "conditional_gan.png", color_mode="grayscale")
    grid = keras.utils.img_to_array(grid)[..., 0]
    height, width, _ = SHAPE
    assert grid.shape == (10 * height, 10 * width)
    shoe = gan.generate(seeds=[3], labels=7)[0, ..., 0]
    np.testing.assert_allclose(grid[7 * height :, 3 * width :][:height, :width], shoe, atol=1)
    sheet = keras.utils.img_to_array(keras.utils.load_img(tmp_path / "sheet.png"))[..., 0]
    np.testing.assert_allclose(sheet, grid[:, : train_classics.COLUMNS * width], atol=16)


def test_every_model_is_built_with_the_data_it_needs():
    for name, classic in train_classics.CLASSICS.items():
        gan = classic.model(0)
        assert gan.image_shape == SHAPE, name
        gan.check_batch(train_classics.held_out(gan, count=4))
