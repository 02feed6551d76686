import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.callbacks import MetricEvaluator
from keras_gan.metrics import FeatureExtractor
from keras_gan.metrics.evaluation import Evaluation

RNG = np.random.RandomState(0)
IMAGES = RNG.randint(0, 256, (16, 16, 16, 1)).astype("uint8")


@pytest.fixture
def gan():
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2, seed=0)
    gan.compile()
    return gan


@pytest.fixture
def options(tmp_path):
    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [keras.Input((16, 16, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    extractor = FeatureExtractor.from_model(network, value_range=(-1, 1), name="tiny")
    return {"extractor": extractor, "cache_dir": tmp_path / "cache", "num_samples": 8}


def test_numbers_in_logs_history_and_file(gan, options, tmp_path):
    log = tmp_path / "metrics.jsonl"
    evaluator = MetricEvaluator(IMAGES, ["fid"], every_epochs=2, log=log, **options)
    history = gan.fit(IMAGES, batch_size=8, epochs=4, verbose=0, callbacks=[evaluator])
    assert [step for step, _ in evaluator.evaluations] == [4, 8]
    values = [result.values["fid"] for _, result in evaluator.evaluations]
    assert history.history["fid"] == values and values[0] != values[1]
    assert [e.subject["step"] for e in Evaluation.read_all(log)] == [4, 8]
    again = keras_gan.metrics.evaluate(gan, IMAGES, ["fid"], verbose=0, **options)
    assert again.values["fid"] == pytest.approx(values[-1], rel=1e-5)


def test_training_is_not_changed(gan, options):
    gan.fit(IMAGES, batch_size=8, epochs=2, verbose=0)
    expected = gan.generate(seeds=[0], output_type="float")
    other = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2, seed=0)
    other.compile()
    evaluator = MetricEvaluator(IMAGES, ["fid"], **options)
    other.fit(IMAGES, batch_size=8, epochs=2, verbose=0, callbacks=[evaluator])
    np.testing.assert_array_equal(other.generate(seeds=[0], output_type="float"), expected)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_best_model_is_kept(gan, options, tmp_path, mode):
    best = tmp_path / "runs" / "best.keras"
    evaluator = MetricEvaluator(IMAGES, ["fid"], best=best, mode=mode, **options)
    gan.fit(IMAGES, batch_size=4, epochs=3, verbose=0, callbacks=[evaluator])
    values = [result.values["fid"] for _, result in evaluator.evaluations]
    wanted = {"min": min, "max": max}[mode](values)
    assert evaluator.best_value == wanted
    kept = keras.models.load_model(best)
    found = keras_gan.metrics.evaluate(kept, IMAGES, ["fid"], verbose=0, **options)
    assert found.values["fid"] == pytest.approx(wanted, rel=1e-4)
    assert int(keras.ops.convert_to_numpy(kept.step)) == 4 * (values.index(wanted) + 1)


def test_the_best_of_a_run_before_is_kept(gan, options, tmp_path):
    best = tmp_path / "best.keras"
    best.write_text("of the run before")
    (tmp_path / ".partial-abcbest.keras").write_text("half, of a run that was killed")
    (tmp_path / ".partial-abcother.keras").write_text("somebody else's")
    evaluator = MetricEvaluator(IMAGES, best=best, initial_value_threshold=0.0, **options)
    gan.fit(IMAGES, batch_size=8, verbose=0, callbacks=[evaluator])
    assert best.read_text() == "of the run before"
    assert [path.name for path in tmp_path.glob(".partial-*")] == [".partial-abcother.keras"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"mode": "least"}, "`mode`"),
        ({"best": "best.h5"}, ".keras file"),
        ({"num_samples": 1}, "num_samples"),
        ({"every_epochs": 0}, "every_epochs"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        MetricEvaluator(IMAGES, **arguments)


def test_an_unknown_monitor(gan, options):
    with pytest.raises(ValueError, match=r"one of .*'fid'.*Received: 'accuracy'"):
        gan.fit(
            IMAGES,
            batch_size=8,
            verbose=0,
            callbacks=[MetricEvaluator(IMAGES, monitor="accuracy", **options)],
        )
