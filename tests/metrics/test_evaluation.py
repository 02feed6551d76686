import json
import pathlib
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

import keras_gan
from keras_gan import metrics
from keras_gan.metrics.evaluation import METRICS, Evaluation, evaluate

RNG = np.random.RandomState(0)
REAL = RNG.randint(0, 256, (40, 8, 8, 3)).astype("uint8")
FAKE = RNG.randint(0, 200, (30, 8, 8, 3)).astype("uint8")


@pytest.fixture(scope="module")
def extractor():
    """A fixed network with features and logits."""
    keras.utils.set_random_seed(3)
    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(5, "tanh", name="features"),
            keras.layers.Dense(4, name="logits"),
        ]
    )
    return metrics.FeatureExtractor.from_model(
        network, ["features", "logits"], value_range=(-1, 1), name="tiny"
    )


@pytest.fixture(scope="module")
def gan():
    return keras_gan.DCGAN(image_shape=(16, 16, 3), latent_dim=4, width=2, seed=0)


@pytest.fixture
def options(extractor, tmp_path):
    return {"extractor": extractor, "cache_dir": tmp_path / "cache", "verbose": 0}


def test_numbers_are_those_of_the_metrics_on_the_features(extractor, options):
    names = ["fid", "fid_infinity", "kid", "is", "pr", "dc"]
    result = evaluate(FAKE, REAL, names, batch_size=7, **options)
    real, fake = extractor(REAL), extractor(FAKE)
    for name, output in (
        ("fid", "features"),
        ("fid_infinity", "features"),
        ("kid", "features"),
        ("is", "logits"),
        ("pr", "features"),
        ("dc", "features"),
    ):
        # As there are few samples.
        of_few = {"kid": {"subset_size": 30}, "fid_infinity": {"min_samples": 15}}
        metric = METRICS[name](**of_few.get(name, {}))
        metric.update_state(real=real[output], fake=fake[output])
        expected = metric.result()
        expected = expected if isinstance(expected, dict) else {name: expected}
        for key, value in expected.items():
            np.testing.assert_allclose(result.values[key], value, rtol=1e-5, err_msg=key)
    assert result.protocol["real_samples"] == 40 and result.protocol["fake_samples"] == 30
    assert result.protocol["extractor"]["network"] == "tiny"


def test_pixels_metrics_take_images(options):
    images = RNG.randint(0, 256, (8, 32, 32, 3)).astype("uint8")
    arguments = {"patches": 8, "repeats": 1}
    result = evaluate(
        images[:4], images, [metrics.SlicedWasserstein(**arguments)], num_real=4, **options
    )
    metric = metrics.SlicedWasserstein(**arguments)
    metric.update_state(real=images[:4], fake=images[:4])
    assert result.values == metric.result() and result.protocol["extractor"] is None


def test_counts(options):
    result = evaluate(FAKE, REAL, ["fid"], num_samples=11, num_real=13, **options)
    assert result.protocol["real_samples"] == 13 and result.protocol["fake_samples"] == 11
    same = evaluate(FAKE[:11], REAL[:13], ["fid"], **options)
    assert same.values == result.values
    assert same.difference(result) == {"fid": 0.0}
    with pytest.raises(ValueError, match="30 images to evaluate, fewer than `num_samples`: 31"):
        evaluate(FAKE, REAL, ["fid"], num_samples=31, **options)
    with pytest.raises(ValueError, match="40 real images, fewer than `num_real`: 41"):
        evaluate(FAKE, REAL, ["is"], num_real=41, **options)


def test_generators_give_the_same_numbers_again(gan, options):
    first = evaluate(gan, REAL, ["fid"], num_samples=9, batch_size=4, **options)
    again = evaluate(gan, REAL, ["fid"], num_samples=9, batch_size=9, **options)
    np.testing.assert_allclose(first.values["fid"], again.values["fid"], rtol=1e-4)
    assert first.subject["seed"] == 0 and first.subject["model"] == "DCGAN"
    other = evaluate(gan, REAL, ["fid"], num_samples=9, seed=1, **options)
    assert other.values != again.values
    # The seed belongs to what was evaluated.
    assert other.difference(again)


def test_classes_of_a_conditional_model_are_drawn(options):
    gan = keras_gan.ConditionalDCGAN(3, image_shape=(16, 16, 3), latent_dim=4, width=2, seed=0)
    result = evaluate(gan, REAL, ["fid"], num_samples=6, **options)
    assert result.subject["labels"] == "random"
    one_each = evaluate(gan, REAL, ["fid"], num_samples=6, labels=[0, 1, 2] * 2, **options)
    assert one_each.values != result.values


def test_sources_of_images_agree(tmp_path, options):
    folder = tmp_path / "images"
    folder.mkdir()
    for i, image in enumerate(REAL):
        Image.fromarray(image).save(folder / f"{i:03d}.png")
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as file:
        for path in sorted(folder.iterdir()):
            file.write(path, path.name)
    expected = evaluate(FAKE, REAL, ["fid"], **options)
    batches = [REAL[i : i + 8] for i in range(0, 40, 8)]
    for source in (
        folder,
        tmp_path / "images.zip",
        keras_gan.data.arrays(REAL, batch_size=16, flip=True, seed=5),
        (REAL / 127.5 - 1).astype("float32"),
        batches,
        iter(batches),
    ):
        result = evaluate(FAKE, source, ["fid"], **options)
        assert result.protocol == expected.protocol
        np.testing.assert_allclose(result.values["fid"], expected.values["fid"], rtol=1e-6)


def test_floats_that_look_like_another_range_are_warned_of(options):
    with pytest.warns(UserWarning, match=r"\[0, 1\]"):
        evaluate((FAKE / 255).astype("float32"), REAL, ["fid"], **options)


def test_folders_of_mixed_sizes_and_modes(tmp_path, options):
    for i, size in enumerate(((8, 8), (5, 9), (20, 6))):
        Image.fromarray(RNG.randint(0, 256, (*size, 3)).astype("uint8")).save(tmp_path / f"{i}.png")
    Image.fromarray(REAL[0, ..., 0]).save(tmp_path / "gray.png")
    result = evaluate(tmp_path, REAL, ["fid"], **options)
    assert result.protocol["fake_samples"] == 4 and np.isfinite(result.values["fid"])


class Squares:
    """A distance without a network."""

    protocol = {"network": "squares"}  # noqa: RUF012

    def distances(self, first, second):
        return np.square(first - second).mean(axis=(1, 2, 3))


class TestPathLength:
    def test_beside_other_metrics(self, gan, options):
        mine = metrics.PerceptualPathLength(Squares(), num_samples=5, name="mine")
        result = evaluate(gan, REAL, ["fid", "ppl", mine], 6, lpips=Squares(), **options)
        same = metrics.PerceptualPathLength(Squares(), num_samples=6)
        assert result.values["ppl"] == pytest.approx(same(gan).mean, rel=1e-4)
        assert result.values["mine"] == pytest.approx(mine(gan).mean, rel=1e-4)
        assert result.protocol["metrics"]["mine"] == mine.protocol
        assert result.protocol["fake_samples"] == 6 and "fid" in result.values
        # They are compared as other numbers are.
        with pytest.raises(ValueError, match=r"metrics\.ppl"):
            result.difference(evaluate(gan, REAL, ["fid", mine], 6, **options))

    def test_alone_it_needs_no_images(self, gan):
        names = ["perceptual_path_length", "ppl_zend"]
        result = evaluate(gan, None, names, 4, lpips=Squares(), verbose=0)
        assert set(result.values) == {"ppl", "ppl_zend"} and result.protocol["real_sha256"] is None
        assert result.protocol["metrics"]["ppl_zend"]["sampling"] == "end"
        assert "ppl of 4 paths in z" in str(result)

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"model_or_images": FAKE}, r"images alone have none.*Received: ndarray"),
            ({"truncation": 0.5}, "truncation=0.5"),
            ({"ema": False}, "ema=False"),
            ({"metrics": "ppl_wfull"}, "space='z'"),
            ({"metrics": ["ppl", "perceptual_path_length"]}, "names of their own"),
            ({"metrics": ["ppl", "fid"]}, "Images are a folder"),
        ],
    )
    def test_what_cannot_be_measured(self, gan, arguments, message):
        defaults = {"model_or_images": gan, "metrics": ["ppl"], "lpips": Squares(), "verbose": 0}
        with pytest.raises(ValueError, match=message):
            evaluate(dataset=None, num_samples=3, **{**defaults, **arguments})


class TestCache:
    def test_features_of_real_images_are_computed_once(self, extractor, options, monkeypatch):
        seen = []
        call = type(extractor).__call__
        monkeypatch.setattr(
            type(extractor), "__call__", lambda self, x: seen.append(len(x)) or call(self, x)
        )
        first = evaluate(FAKE, REAL, ["fid", "is"], **options)
        assert sum(seen) == 70
        again = evaluate(FAKE, REAL, ["is", "fid"], batch_size=16, **options)
        assert sum(seen) == 100
        assert again.values == pytest.approx(first.values, rel=1e-5)
        changed = REAL.copy()
        changed[3, 2, 1, 0] ^= 1
        evaluate(FAKE, changed, ["fid"], **options)
        assert sum(seen) == 170

    def test_a_damaged_file_is_noticed(self, options):
        expected = evaluate(FAKE, REAL, ["fid"], **options)
        (path,) = pathlib.Path(options["cache_dir"]).rglob("*.npz")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        for damaged in (bytes(content), bytes(content[:100]), b""):
            path.write_bytes(damaged)
            with pytest.warns(UserWarning, match="computed again"):
                result = evaluate(FAKE, REAL, ["fid"], **options)
            assert result == expected
        np.savez(path, features=np.zeros((39, 5), "float32"), logits=np.zeros((40, 4), "float32"))
        with pytest.warns(UserWarning, match="computed again.*features of 40 images"):
            assert evaluate(FAKE, REAL, ["fid"], **options) == expected

    def test_a_place_that_cannot_be_written(self, extractor, tmp_path):
        (tmp_path / "file").write_text("")
        options = {"extractor": extractor, "cache_dir": tmp_path / "file", "verbose": 0}
        with pytest.warns(UserWarning, match="could not be kept"):
            evaluate(FAKE, REAL, ["fid"], **options)

    def test_none(self, options):
        evaluate(FAKE, REAL, ["fid"], cache=False, **options)
        assert not pathlib.Path(options["cache_dir"]).exists()


class TestEvaluation:
    def test_lines_of_json(self, tmp_path, options):
        result = evaluate(FAKE, REAL, ["fid"], **options)
        path = tmp_path / "deep" / "results.jsonl"
        result.append_to(path)
        result.append_to(path)
        assert Evaluation.read_all(path) == [result, result]
        assert json.loads(path.read_text().splitlines()[0])["values"] == result.values
        with open(path, "a") as file:
            file.write('{"values": {')
        with pytest.raises(ValueError, match="Line 3 of"):
            Evaluation.read_all(path)

    def test_unequal_protocols_are_not_compared(self, options):
        result = evaluate(FAKE, REAL, ["fid"], **options)
        for other, what in (
            (evaluate(FAKE, REAL[:39], ["fid"], **options), "real_s"),
            (evaluate(FAKE[:29], REAL, ["fid"], **options), "fake_samples: 30 and 29"),
            (evaluate(FAKE, REAL, [metrics.FrechetInceptionDistance(ddof=0)], **options), "ddof"),
        ):
            with pytest.raises(ValueError, match=f"not comparable.*{what}"):
                result.difference(other)

    def test_text(self, options):
        text = str(evaluate(FAKE, REAL, ["fid"], **options))
        assert "fid" in text and "30 generated; 40 real; tiny" in text


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"metrics": ["ppl2"]}, "Metrics are .*Received: 'ppl2'"),
        ({"metrics": []}, "one or more"),
        ({"metrics": ["fid", "fid"]}, "names of their own"),
        ({"metrics": [metrics.FrechetInceptionDistance(lambda x: x)]}, "extractor of its own"),
        ({"num_samples": 1}, "num_samples"),
        ({"batch_size": 0}, "batch_size"),
        ({"extractor": 3}, "FeatureExtractor"),
        ({"model_or_images": FAKE.astype("int32")}, "dtype int32"),
        ({"model_or_images": FAKE.astype("float32")}, r"\[-1, 1\]"),
        ({"model_or_images": FAKE[0]}, "Images are"),
        ({"dataset": 7}, "Images are a folder"),
        ({"dataset": []}, "0 real images"),
        ({"dataset": REAL[:0], "extractor": None}, "0 real images"),
        ({"model_or_images": FAKE[:0]}, "0 images to evaluate"),
        ({"dataset": REAL[:1]}, "[Tt]wo samples"),
    ],
)
def test_bad_arguments(arguments, message, options):
    defaults = {"model_or_images": FAKE, "dataset": REAL, "metrics": ["fid"], **options}
    with pytest.raises(ValueError, match=message):
        evaluate(**{**defaults, **arguments})


def test_a_broken_file_is_named(tmp_path, options):
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(OSError, match=r"broken\.png"):
        evaluate(tmp_path, REAL, ["fid"], **options)


class TestCompiledMetrics:
    def test_evaluate(self, gan, extractor):
        single = metrics.FeatureExtractor.from_model(
            keras.Model(extractor.network.input, extractor.network.output["features"]),
            name="tiny",
        )
        real = RNG.randint(0, 256, (12, 16, 16, 3)).astype("uint8")
        fid = metrics.FrechetInceptionDistance(single)
        gan.compile(metrics=[fid, metrics.PrecisionRecall(single)])
        logs = gan.evaluate(real, batch_size=4, return_dict=True, verbose=0)
        assert {"d_loss", "fid", "precision", "recall"} <= set(logs)
        assert fid.real.count == fid.fake.count == 12
        assert gan.evaluate(real, batch_size=6, return_dict=True, verbose=0)["fid"] == (
            pytest.approx(logs["fid"], rel=1e-5)
        )
        assert gan.evaluate(real, batch_size=4, verbose=0)[-4:-3] == [
            pytest.approx(logs["fid"], rel=1e-5)
        ]
        gan.evaluate(real, batch_size=4, steps=2, verbose=0)
        assert fid.real.count == fid.fake.count == 8
        history = gan.fit(real, batch_size=4, validation_data=real, verbose=0)
        assert "val_fid" in history.history and "fid" not in history.history

    def test_data_that_can_be_read_once(self, gan, extractor):
        gan.compile(metrics=[metrics.FrechetInceptionDistance(extractor)])
        real = RNG.randint(0, 256, (4, 16, 16, 3)).astype("uint8")
        with pytest.raises(ValueError, match="read once"):
            gan.evaluate(iter([(real,)]), verbose=0)
