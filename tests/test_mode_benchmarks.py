"""tools/benchmark_modes.py: its data, the papers' networks, runs that are kept, and the table."""

import argparse
import json
import pathlib
import sys

import keras
import numpy as np
import pytest

import keras_gan

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import benchmark_modes  # noqa: E402
from mode_benchmarks import mixtures, networks, planar, remedies, runs, stacked, tables  # noqa: E402


@pytest.mark.parametrize("name, modes", [("ring", 8), ("grid", 25), ("wide_ring", 8)])
def test_data_are_the_mixture(name, modes):
    mixture = mixtures.MIXTURES[name]
    images = mixture.images(4000, seed=0)
    assert images.shape == (4000, 1, 1, 2) and np.abs(images).max() < 1
    np.testing.assert_array_equal(images, mixture.images(4000, seed=0))
    points = images.reshape(-1, 2) * mixture.extent
    offsets = points[:, None] - mixture.means
    nearest = (offsets**2).sum(-1).argmin(1)
    assert sorted(set(nearest)) == list(range(modes))
    assert offsets[np.arange(4000), nearest].std() == pytest.approx(mixture.stddev, rel=0.05)
    metric = keras_gan.metrics.HighQualitySamples(mixture.modes())
    metric.update_state(None, images)
    assert float(metric.result()) == pytest.approx(1 - np.exp(-4.5), abs=0.01)


def test_rings_are_distinct_points_of_the_papers_radius():
    ring = mixtures.MIXTURES["ring"].means
    np.testing.assert_allclose(np.hypot(*ring.T), 1)
    assert np.linalg.norm(ring[:, None] - ring, axis=2)[~np.eye(8, dtype=bool)].min() > 0.7


@pytest.mark.parametrize("packing", [1, 4])
def test_networks_have_the_papers_sizes(packing):
    trained = networks.pacgan_generator().trainable_variables
    assert sum(np.prod(v.shape) for v in trained) == 484_802
    assert networks.pacgan_discriminator(packing).count_params() == 403_201 + 2000 * packing


def test_every_remedy_can_be_compiled():
    for name, remedy in remedies.REMEDIES.items():
        gan = remedy.build(mixtures.MIXTURES["grid"], steps=10, seed=0)
        assert gan.image_shape == (1, 1, 2), name
        assert remedy.batch_size % gan.packing == 0


def options(**changes):
    defaults = {"steps": 2, "images": None, "classifier_epochs": 1}
    return argparse.Namespace(**{**defaults, **changes})


def test_a_run_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(planar, "_TRAINING", 600)
    monkeypatch.setattr(planar, "_GENERATED", 50)
    benchmark = planar.BENCHMARKS["ring"]
    made = benchmark.run("small_packing2", 3, options(), tmp_path)
    assert made["figures"].pop("diverged_at") is None
    assert set(made["figures"]) == {"modes_covered", "high_quality_samples", "mode_kl"}
    place = tmp_path / "small_packing2_2" / "3"
    assert sorted(path.name for path in place.iterdir()) == ["run.json", "samples.npz"]
    with np.load(place / "samples.npz") as stored:
        assert stored["samples"].shape == (50, 2)

    monkeypatch.setattr(runs, "train", None)  # it would be called if the run were made again
    again = benchmark.run("small_packing2", 3, options(), tmp_path)
    assert again["figures"].items() >= made["figures"].items()
    assert "| small_packing2 | 2 | 1 |" in benchmark.table(tmp_path)
    monkeypatch.setattr(planar, "_GENERATED", 60)
    with pytest.raises(ValueError, match="another protocol"):
        benchmark.run("small_packing2", 3, options(), tmp_path)


def test_a_run_that_diverges_is_reported(tmp_path):
    images = mixtures.MIXTURES["ring"].images(600, seed=0)
    gan = remedies.REMEDIES["small_gan"].build(mixtures.MIXTURES["ring"], steps=2, seed=0)
    gan.discriminator.set_weights([np.full_like(w, 1e30) for w in gan.discriminator.get_weights()])
    diverged_at = runs.train(gan, images, 256, 2, tmp_path)
    assert diverged_at in (0, 1, 2)
    found = [
        {"protocol": {"remedy": "gan", "steps": 2}, "figures": {"diverged_at": step}}
        for step in (None, diverged_at)
    ]
    assert [name for name, _, _ in runs.grouped(found, ["gan"])] == ["gan (1 diverged)"]


def test_table():
    ours = [("gan", 400000, [(6, 98.0), (7, 99.0)]), ("best", 8000, [(8, 95.25)])]
    published = [("GAN", (6.3, 0.5), (98.2, 0.2)), ("VEEGAN", (8.0, None), (52.9, None))]
    assert tables.table(["modes of 8", "high quality %"], ours, published).split("\n") == [
        "|  | steps | seeds | modes of 8 | high quality % |",
        "| --- | --- | --- | --- | --- |",
        "| gan | 400,000 | 2 | 6.5 ± 0.5 | 98.5 ± 0.5 |",
        "| best | 8,000 | 1 | 8.0 | 95.2 |",
        "| *GAN, published* |  |  | 6.3 ± 0.5 | 98.2 ± 0.2 |",
        "| *VEEGAN, published* |  |  | 8.0 | 52.9 |",
    ]
    # Standard error: the standard deviation over the root of the number of runs.
    assert tables.summary([1.0, 3.0]) == "2.00 ± 1.00"
    assert tables.summary([0.004]) == "0.004"


def test_command(tmp_path, capsys):
    arguments = ["ring", "--results", str(tmp_path)]
    assert benchmark_modes.main([*arguments, "--table"]) == 0
    assert "| *PacGAN2, published* |  |  | 7.9 ± 0.1 |" in capsys.readouterr().out
    assert benchmark_modes.main([*arguments, "--table", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    with pytest.raises(SystemExit):
        benchmark_modes.main([*arguments, "--remedies", "prayer"])
    assert "unknown remedies ['prayer']" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        benchmark_modes.main([*arguments, "--seeds", "0"])


def test_dirac_gan_is_computed(tmp_path, capsys):
    assert benchmark_modes.main(["dirac", "--results", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    # As in the authors' code: the plain game leaves its start behind, R1 draws it in.
    assert lines[2].startswith("| GAN | 3.1 | 1.4 |")
    assert lines[5].startswith("| WGAN-GP | 1.8 | 1.2 |")
    assert lines[6].startswith("| R1, gamma 0.3 | 2.6e-06 |")


# Stacked images -----------------------------------------------------------------------------------


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(header + array.tobytes())


@pytest.fixture
def digits(tmp_path):
    """A folder of IDX files whose images are bars, at a height that is the label's."""
    random = np.random.RandomState(0)
    for part, count in (("train", 300), ("t10k", 100)):
        labels = random.randint(10, size=count).astype("uint8")
        images = np.zeros((count, 28, 28), "uint8")
        for image, label in zip(images, labels, strict=True):
            image[2 * label : 2 * label + 8] = 255
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", labels)
    return tmp_path


@pytest.mark.parametrize(
    "name, low, count",
    [("stacked", 0, 64), ("stacked_quarter", -1, 256), ("stacked_half", -1, 256)],
)
def test_stacks(name, low, count, digits):
    setting = stacked.SETTINGS[name]
    images, _ = stacked.read(digits, "train")
    data = stacked.Stacks(images, setting, packing=count // setting.batch_size, steps=7, seed=0)
    assert len(data) == (7 if setting.stacks is None else 2000)
    batch = data[5]
    assert batch.shape == (count, 28, 28, 3) and batch.dtype == np.uint8
    np.testing.assert_array_equal(batch, data[5])
    assert not np.array_equal(batch, data[6])
    # Every channel is an image of the data set, and they differ.
    bars = (batch == 255).any(axis=2).argmax(axis=1)
    assert set(np.unique(bars)) == set(range(0, 20, 2))
    assert (bars[:, 0] != bars[:, 1]).any() and (bars[:, 1] != bars[:, 2]).any()


@pytest.mark.parametrize("name", list(stacked.SETTINGS))
def test_stacked_networks_are_the_papers(name):
    setting = stacked.SETTINGS[name]
    gan = stacked.build(setting, packing=2, seed=0)
    assert gan.image_shape == (28, 28, 3) and gan.discriminator.input_shape[-1] == 6
    kernels = {
        role: [w.shape for w in getattr(gan, role).trainable_variables if len(w.shape) == 4]
        for role in ("generator", "discriminator")
    }
    if name == "stacked":
        assert [shape[-1] for shape in kernels["discriminator"]] == [64, 128, 256, 512]
        # 4, 7, 14 and 28 pixels.
        assert len(kernels["generator"]) == 4 and gan.latent_dim == 100
        # Two updates of the generator for one of the discriminator.
        assert [phase.player for phase in gan.phases()].count("generator") == 2
        z = keras.ops.convert_to_numpy(gan.sample_latents(500))
        assert -1 <= z.min() < -0.9 and 0.9 < z.max() < 1
    else:
        quarter = name == "stacked_quarter"
        filters = [shape[-1] for shape in kernels["discriminator"]]
        assert filters == ([2, 4, 8] if quarter else [4, 8, 16])
        assert len(kernels["generator"]) == 4 and gan.latent_dim == 256


def test_classifier_is_trained_once(digits, tmp_path):
    train, test = (stacked.read(digits, part) for part in ("train", "t10k"))
    _, facts = stacked.trained_classifier(train, test, 2, tmp_path / "kept")
    # 0.1 by chance.
    assert facts["classifier_accuracy"] > 0.3
    again, same = stacked.trained_classifier(None, None, 2, tmp_path / "kept")
    assert same == facts
    x = test[0][..., None].astype("float32") / 255
    right = keras.ops.convert_to_numpy(again(x)).argmax(1) == test[1]
    assert right.mean() == pytest.approx(facts["classifier_accuracy"], abs=1e-3)


def test_stacked_run(digits, tmp_path, monkeypatch):
    benchmark = stacked.Stacked("stacked_quarter")
    benchmark.setting = benchmark.setting._replace(batch_size=2, generated=20)
    monkeypatch.setattr(stacked, "_JUDGED_AT_ONCE", 10)
    found = benchmark.run("packing2", 0, options(images=digits), tmp_path / "results" / "data")
    assert 1 <= found["figures"]["modes_covered"] <= 20
    assert 0 < found["figures"]["classifier_accuracy"] <= 1
    place = tmp_path / "results" / "data" / "packing2_2" / "0"
    with np.load(place / "samples.npz") as stored:
        first, second = stored["samples"]
    assert first.shape == (28, 28, 3) and np.abs(first - second).max() > 1e-3
    assert "| packing2 | 2 | 1 |" in benchmark.table(tmp_path / "results" / "data")


def test_missing_images_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no train-images-idx3-ubyte or"):
        stacked.read(tmp_path, "train")
