from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_gan
from keras_gan.metrics import FeatureStatistics, feature_statistics

FEATURES = np.random.RandomState(0).randn(23, 4) + 100.0


def collected(*parts):
    statistics = FeatureStatistics()
    for part in parts:
        statistics.update(part)
    return statistics


def check(statistics, features=FEATURES):
    assert statistics.count == len(features)
    np.testing.assert_allclose(statistics.mean(), features.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(statistics.covariance(), np.cov(features.T), atol=1e-11)
    np.testing.assert_allclose(statistics.covariance(0), np.cov(features.T, ddof=0), atol=1e-11)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 23), max_size=6), st.permutations(range(4)), st.integers(1, 9))
def test_batches_and_replicas_make_no_difference(places, order, min_rows):
    with mock.patch.object(feature_statistics, "_MIN_ROWS", min_rows):
        parts = np.split(FEATURES, sorted(places))
        check(collected(*parts))
        # Replicas hold parts of their own, some of them nothing.
        replicas = [collected(*parts[i::4]) for i in range(4)]
        first, *others = (replicas[i] for i in order)
        for other in others:
            first.merge(other)
        check(first)


def test_rows_are_kept_as_long_as_they_are_few():
    statistics = collected(np.eye(3, 5))
    factor = statistics.factor()
    np.testing.assert_allclose(factor @ factor.T, statistics.covariance(), atol=1e-12)
    statistics.update(np.eye(3, 5))
    assert statistics.factor() is None


def test_the_caller_may_reuse_its_array():
    features = FEATURES.copy()
    statistics = collected(features)
    features[:] = 0
    check(statistics)


def test_files(tmp_path):
    path = tmp_path / "real.npz"
    collected(FEATURES).save(path, protocol={"network": "mine"})
    with np.load(path) as arrays:
        np.testing.assert_allclose(arrays["sigma"], np.cov(FEATURES.T), atol=1e-11)
    again = FeatureStatistics.load(path)
    assert again.protocol == {"network": "mine"}
    check(again)
    # What was loaded can be added to.
    again.update(FEATURES + 1.0)
    check(again, np.concatenate([FEATURES, FEATURES + 1.0]))
    with pytest.raises(ValueError, match="are stored in an"):
        again.save(tmp_path / "real.pt")


def test_files_of_others_tell_no_count(tmp_path):
    path = tmp_path / "ttur.npz"
    np.savez(path, mu=FEATURES.mean(axis=0), sigma=np.cov(FEATURES.T))
    statistics = FeatureStatistics.load(path)
    assert statistics.count is None
    np.testing.assert_allclose(statistics.covariance(), np.cov(FEATURES.T))
    for use in (
        lambda: statistics.update(FEATURES),
        lambda: collected(FEATURES).merge(statistics),
        lambda: statistics.covariance(ddof=0),
    ):
        with pytest.raises(ValueError, match="does not tell of how many"):
            use()


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"mu": np.zeros(2)}, "lacks a part"),
        ({"mu": np.zeros(2), "sigma": np.eye(3)}, "shapes"),
        ({"mu": np.array([0, np.nan]), "sigma": np.eye(2)}, "NaN"),
        ({"mu": np.zeros(2), "sigma": np.array([[1.0, 1], [0, 1]])}, "no covariance"),
        ({"mu": np.zeros(2), "sigma": -np.eye(2)}, "no covariance"),
        ({"mu": np.zeros(2), "sigma": np.eye(2), "n": np.int64(1)}, "1 samples"),
        ({"mu": np.zeros(2), "sigma": np.eye(2), "protocol": np.zeros(3, "uint8")}, "lacks"),
    ],
)
def test_files_that_hold_something_else(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        FeatureStatistics.load(tmp_path / "bad.npz")


def test_damaged_file(tmp_path):
    path = tmp_path / "real.npz"
    collected(FEATURES).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        FeatureStatistics.load(path)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="damaged"):
        FeatureStatistics.load(path)


def test_too_few_samples():
    with pytest.raises(ValueError, match="no samples yet"):
        keras_gan.metrics.FeatureStatistics().mean()
    with pytest.raises(ValueError, match="two samples or more"):
        collected(FEATURES[:1]).covariance()
    other = collected(FEATURES[:, :2])
    with pytest.raises(ValueError, match="one extractor"):
        other.merge(collected(FEATURES))
