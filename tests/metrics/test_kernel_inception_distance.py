from unittest import mock

import numpy as np
import pytest

from keras_gan.metrics import (
    FIDInfinity,
    InceptionScore,
    KernelInceptionDistance,
    PolynomialKernel,
    RBFKernel,
    feature_rows,
    fid_infinity,
)

RNG = np.random.RandomState(3)
REAL, FAKE = RNG.randn(31, 5).astype("float32"), RNG.randn(22, 5).astype("float32") + 0.4


def updated(metric, real=REAL, fake=FAKE):
    metric.update_state(real, fake)
    return metric


def polynomial(x, y):
    return (x.astype("float64") @ y.T.astype("float64") / 5 + 1) ** 3


def rbf(x, y):
    squares = np.square(x[:, None].astype("float64") - y[None]).sum(axis=-1)
    return np.exp(-squares / (2 * 1.5**2))


def discrepancy(kernel, x, y):
    n, m = len(x), len(y)
    within = [
        (kernel(z, z).sum() - np.trace(kernel(z, z))) / (len(z) * (len(z) - 1)) for z in (x, y)
    ]
    return sum(within) - 2 * kernel(x, y).sum() / (n * m)


@pytest.mark.parametrize(
    "kernel, reference", [(PolynomialKernel(), polynomial), (RBFKernel(1.5), rbf)]
)
def test_all_pairs_in_blocks(kernel, reference):
    with mock.patch.object(feature_rows, "BLOCK_ROWS", 7):
        metric = updated(KernelInceptionDistance(subsets=None, kernel=kernel))
        found = metric.result()
    assert found == {"kid": pytest.approx(discrepancy(reference, REAL, FAKE), abs=1e-6)}


def test_subsets_are_the_references():
    metric = updated(KernelInceptionDistance(subsets=4, subset_size=9, seed=11))
    rng, values = np.random.RandomState(11), []
    for _ in range(4):
        fake = FAKE[rng.choice(22, 9, replace=False)]
        values.append(discrepancy(polynomial, fake, REAL[rng.choice(31, 9, replace=False)]))
    found = metric.result()
    np.testing.assert_allclose(
        [found["kid"], found["kid_std"]], [np.mean(values), np.std(values)], atol=1e-6
    )
    assert metric.result() == found


def test_bad_arguments():
    with pytest.raises(ValueError, match="1000 real and fake samples"):
        updated(KernelInceptionDistance()).result()
    for arguments in ({"subsets": 0}, {"subset_size": 1}, {"seed": -1}, {"kernel": "cubic"}):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
            KernelInceptionDistance(**arguments)
    with pytest.raises(ValueError, match="`degree`"):
        PolynomialKernel(degree=0)
    with pytest.raises(ValueError, match="`gamma` must be positive"):
        PolynomialKernel(gamma=0.0)
    with pytest.raises(ValueError, match="`sigma`"):
        RBFKernel(-1.0)


def test_inception_score_of_sure_and_of_unsure_classifiers():
    metric = InceptionScore(splits=2)
    # Half of the samples for each split hold all classes: as many as the score can be.
    metric.update_state(fake=np.tile(1000 * np.eye(4, dtype="float32"), (64, 1)))
    found = metric.result()
    assert 3.8 < found["inception_score"] <= 4.0 and found["inception_score_std"] < 0.1
    metric.reset_state()
    metric.update_state(real=REAL, fake=np.zeros((8, 4), "float32"))
    assert metric.result() == {"inception_score": 1.0, "inception_score_std": 0.0}


def test_inception_score_of_parts():
    p = np.exp(FAKE.astype("float64"))
    p /= p.sum(axis=1, keepdims=True)
    scores = []
    for part in (p[:7], p[7:14], p[14:]):
        scores.append(np.exp(np.mean(np.sum(part * np.log(part / part.mean(axis=0)), axis=1))))
    found = updated(InceptionScore(splits=3, shuffle=False)).result()
    assert found["inception_score"] == pytest.approx(np.mean(scores), rel=1e-9)
    assert found["inception_score_std"] == pytest.approx(np.std(scores), rel=1e-6)
    shuffled = updated(InceptionScore(splits=3, seed=5)).result()
    order = np.random.RandomState(5).permutation(22)
    ordered = updated(InceptionScore(splits=3, shuffle=False), fake=FAKE[order]).result()
    assert shuffled == ordered != found
    with pytest.raises(ValueError, match="30 parts take"):
        updated(InceptionScore(splits=30)).result()


def test_fid_infinity_takes_the_bias_away():
    rng = np.random.RandomState(0)
    real, fake = rng.randn(3000, 4), rng.randn(400, 4)
    found = fid_infinity(real, fake, min_samples=20, points=8, seed=1)
    assert found.sizes[0] == 20 and found.sizes[-1] == 400 and found.slope > 0
    assert abs(found.value) < 0.2 * found.distances[0]
    metric = updated(FIDInfinity(min_samples=20, points=8, seed=1), real, fake)
    assert metric.result() == pytest.approx(found.value, abs=1e-4)
    with pytest.raises(ValueError, match="More than `min_samples`"):
        fid_infinity(real, fake)
    with pytest.raises(ValueError, match="from one extractor"):
        fid_infinity(real, fake[:, :2])
    with pytest.raises(ValueError, match="`points`"):
        fid_infinity(real, fake, points=1)
