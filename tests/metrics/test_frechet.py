import warnings

import keras
import numpy as np
import pytest

from keras_gan.metrics import FeatureStatistics, FrechetInceptionDistance, frechet_distance

RNG = np.random.RandomState(1)
REAL, FAKE = RNG.randn(600, 6), 1.5 * RNG.randn(700, 6) + 0.3


def collected(features):
    statistics = FeatureStatistics()
    statistics.update(features)
    return statistics


def reference(real, fake):
    """From the definition: eigenvalues of the covariances' product."""
    s, t = np.cov(real.T), np.cov(fake.T)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(s @ t).real, 0)).sum()
    gap = np.square(real.mean(axis=0) - fake.mean(axis=0)).sum()
    return gap + np.trace(s) + np.trace(t) - 2 * roots


def updated(metric, real=REAL, fake=FAKE):
    metric.update_state(real, fake)
    return metric


def result(metric):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return metric.result()


def test_full_rank_takes_the_fast_route():
    found = frechet_distance(collected(REAL), collected(FAKE))
    assert found.route == "cholesky"
    assert found.value == pytest.approx(reference(REAL, FAKE), rel=1e-10)


def test_lost_dimensions_take_the_exact_route():
    # Two features are sums of others in one set, and differently so in the other.
    real, fake = REAL.copy(), FAKE.copy()
    real[:, 4:] = real[:, :2] + real[:, 2:4]
    fake[:, :2] = fake[:, 2:4] - fake[:, 4:]
    found = frechet_distance(collected(real), collected(fake))
    assert found.route == "eigh"
    assert found.value == pytest.approx(reference(real, fake), abs=1e-6)
    # A basis in which the singular directions are axes leaves the roots of the rest.
    same = frechet_distance(collected(real), collected(real))
    assert same.route == "eigh" and same.value < 1e-12


def test_small_eigenvalues_are_not_left_to_rounding():
    # L' S L has a condition of 1e24: what the fast route made of it would be noise.
    scales = 10.0 ** -np.arange(6.0)
    real, fake = REAL * scales**1.2, FAKE * scales[::-1] ** 1.2
    found = frechet_distance(collected(real), collected(fake))
    assert found.value == pytest.approx(reference(real, fake), rel=1e-6)
    assert np.isfinite(found.value)


@pytest.mark.parametrize("count", [2, 5, 10])
def test_few_samples_are_exact(count):
    rng = np.random.RandomState(2)
    real, fake = rng.randn(count, 10), rng.randn(10, 10)
    found = frechet_distance(collected(real), collected(fake))
    assert found.route == "samples"
    # The same numbers without the rows.
    files = [collected(x) for x in (real, fake)]
    for statistics in files:
        statistics._fold()
    other = frechet_distance(*files)
    assert other.route == "eigh"
    assert found.value == pytest.approx(other.value, rel=1e-9)
    assert found.value == pytest.approx(reference(real, fake), rel=1e-6)


def test_equal_and_nearly_equal_sets():
    for scale in (1.0, 1e6, 1e-6):
        found = frechet_distance(collected(REAL * scale), collected(REAL * scale))
        assert 0 <= found.value < 1e-9 * scale**2
    near = frechet_distance(collected(REAL), collected(REAL + 1e-4)).value
    assert near == pytest.approx(6e-8, rel=1e-4)
    constant = collected(np.ones((9, 3)))
    assert frechet_distance(constant, constant).value == 0.0


def test_metric():
    metric = updated(FrechetInceptionDistance())
    assert metric.route is None
    with pytest.warns(UserWarning, match="600 samples"):
        value = metric.result()
    assert value == pytest.approx(reference(REAL, FAKE), rel=1e-10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric.result()
    assert metric.route == "cholesky" and metric.protocol["ddof"] == 1
    assert (metric.protocol["real_samples"], metric.protocol["fake_samples"]) == (600, 700)
    population = result(updated(FrechetInceptionDistance(ddof=0), FAKE[:600]))
    scaled = result(updated(FrechetInceptionDistance(), FAKE[:600]))
    assert population != scaled


def test_tensors_of_the_backend():
    real, fake = (keras.ops.convert_to_tensor(x.astype("float32")) for x in (REAL, FAKE))
    value = result(updated(FrechetInceptionDistance(), real, fake))
    assert value == pytest.approx(reference(REAL, FAKE), rel=1e-6)


def test_statistics_of_a_file(tmp_path):
    path = str(tmp_path / "real.npz")
    collected(REAL).save(path)
    # Real samples are not looked at.
    metric = updated(FrechetInceptionDistance(real_statistics=path), real=FAKE)
    expected = reference(REAL, FAKE)
    assert result(metric) == pytest.approx(expected, rel=1e-10)
    parts = [updated(FrechetInceptionDistance(real_statistics=path), None, x) for x in (FAKE, REAL)]
    parts[0].merge_state(parts[1:])
    both = np.concatenate([FAKE, REAL])
    assert result(parts[0]) == pytest.approx(reference(REAL, both), rel=1e-10)
    metric.reset_state()
    metric.update_state(fake=FAKE)
    assert result(metric) == pytest.approx(expected, rel=1e-10)
    again = FrechetInceptionDistance.from_config(metric.get_config())
    assert again.real.count == 600
    with pytest.raises(ValueError, match="same kind"):
        metric.merge_state([FrechetInceptionDistance()])


def test_file_of_another_protocol(tmp_path):
    class Extractor:
        def __init__(self):
            self.protocol = {"network": "mine"}

        def __call__(self, images):
            return images.reshape(len(images), -1).astype("float32")

    path = tmp_path / "real.npz"
    collected(REAL).save(path, protocol={"network": "another"})
    with pytest.raises(ValueError, match="made otherwise"):
        FrechetInceptionDistance(Extractor(), real_statistics=path)
    collected(REAL).save(path, protocol=Extractor().protocol)
    assert FrechetInceptionDistance(Extractor(), real_statistics=path).real.count == 600


def test_errors():
    with pytest.raises(ValueError, match="`ddof` is 0 or 1"):
        FrechetInceptionDistance(ddof=2)
    with pytest.raises(ValueError, match="no samples yet"):
        FrechetInceptionDistance().result()
    with pytest.raises(ValueError, match="two samples or more"):
        updated(FrechetInceptionDistance(), REAL[:1]).result()
    with pytest.raises(ValueError, match="features of one extractor"):
        frechet_distance(collected(REAL), collected(FAKE[:, :3]))
