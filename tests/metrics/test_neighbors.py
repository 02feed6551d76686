from unittest import mock

import numpy as np
import pytest

from keras_gan.metrics import DensityCoverage, PrecisionRecall, RealismScore, feature_rows

RNG = np.random.RandomState(4)
REAL, FAKE = RNG.randn(30, 6), 0.8 * RNG.randn(23, 6) + 0.5


def updated(metric, real=REAL, fake=FAKE):
    metric.update_state(real, fake)
    return metric


def distances(x, y):
    return np.linalg.norm(x[:, None] - y[None], axis=-1)


def radii(x, k):
    # The nearest is the sample itself.
    return np.sort(distances(x, x), axis=1)[:, k]


@pytest.mark.parametrize("block", [7, 4096])
@pytest.mark.parametrize("k", [1, 4])
def test_against_all_distances_at_once(block, k):
    between = distances(FAKE, REAL)
    real, fake = radii(REAL, k), radii(FAKE, k)
    with mock.patch.object(feature_rows, "BLOCK_ROWS", block):
        found = updated(PrecisionRecall(k=k)).result()
        precision = (between <= real).any(axis=1).mean()
        recall = (between <= fake[:, None]).any(axis=0).mean()
        assert found["precision"] == pytest.approx(precision)
        assert found["recall"] == pytest.approx(recall)
        assert found["f_score"] == pytest.approx(2 * precision * recall / (precision + recall))
        found = updated(DensityCoverage(k=k)).result()
        assert found["density"] == pytest.approx((between < real).sum() / (k * len(FAKE)))
        assert found["coverage"] == pytest.approx((between < real).any(axis=0).mean())
        metric = updated(RealismScore(k=k))
        kept = np.where(real <= np.median(real), real, 0)
        scores = (kept**2 / (between**2 + 1e-5)).max(axis=1)
        np.testing.assert_allclose(metric.scores(), scores, rtol=1e-4)
        assert metric.result() == pytest.approx(scores.mean(), rel=1e-4)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_duplicates_are_at_no_distance(offset):
    # A generator of one image, far from the origin: float32 products would see it spread out.
    sample = np.float32(RNG.randn(1, 64) + offset)
    real = np.concatenate([np.repeat(sample, 5, axis=0), np.float32(RNG.randn(9, 64) + offset)])
    metric = updated(PrecisionRecall(k=3), real, np.repeat(sample, 20, axis=0))
    found = metric.result()
    # On the surface of balls of no size.
    assert found["precision"] == 1.0
    assert found["recall"] == pytest.approx(5 / 14)
    assert updated(DensityCoverage(k=3), real, real[:5]).result()["coverage"] <= 9 / 14


def test_no_sample_among_the_others():
    found = updated(PrecisionRecall(), REAL, FAKE + 100).result()
    assert found == {"precision": 0.0, "recall": 0.0, "f_score": 0.0}
    found = updated(DensityCoverage(), REAL, FAKE + 100).result()
    assert found == {"density": 0.0, "coverage": 0.0}


def test_equal_sets():
    found = updated(PrecisionRecall(), REAL, REAL).result()
    assert found == {"precision": 1.0, "recall": 1.0, "f_score": 1.0}


@pytest.mark.parametrize("cls", [PrecisionRecall, DensityCoverage, RealismScore])
def test_too_few_samples(cls):
    with pytest.raises(ValueError, match=r"more than k = 3 samples. Received: 3"):
        updated(cls(k=3), REAL[:3]).result()
    metric = cls(k=3)
    metric.update_state(real=REAL)
    with pytest.raises(ValueError, match=r"no fake samples|Received: 0"):
        metric.result()
    with pytest.raises(ValueError, match="`k` must be an integer"):
        cls(k=0)
