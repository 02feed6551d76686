"""The lecture's worked numbers, and what holds for all distributions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_gan import theory

LOG_2 = math.log(2)
X = np.linspace(-12, 16, 4001)


def bell(mean=0.0, std=1.0):
    return lambda x: np.exp(-(((x - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))


def box(start, width=1.0):
    return lambda x: ((x >= start) & (x < start + width)) / width


positive = st.lists(st.floats(1e-3, 10), min_size=4, max_size=4).map(lambda w: np.array(w) / sum(w))
places = st.lists(st.floats(-5, 5), min_size=1, max_size=6).map(np.array)


def test_optimal_discriminator():
    d = theory.optimal_discriminator([0.9, 0.05, 0.4, 0, 0], [0.1, 0.95, 0.4, 0, 2])
    np.testing.assert_allclose(d, [0.9, 0.05, 0.5, 0.5, 0])
    logits = theory.optimal_logit([0.9, 0.4, 0, 0, 1], [0.1, 0.4, 0, 2, 0])
    np.testing.assert_allclose(logits, [math.log(9), 0, 0, -np.inf, np.inf])


def test_value_of_the_game():
    same = [0.2, 0.3, 0.5]
    assert theory.value(same, same) == pytest.approx(-math.log(4)) == pytest.approx(-1.386294, 1e-6)
    assert theory.value([1, 0], [0, 1]) == 0
    # The lecture's: D(x) = 0.7, D(G(z)) = 0.2.
    assert theory.value([1, 0], [0, 1], [0.7, 0.2]) == pytest.approx(-0.5798, abs=1e-4)
    assert theory.value(bell(), bell(2), lambda x: 0 * x + 0.5, bounds=(-12, 14)) == pytest.approx(
        -math.log(4)
    )
    # Certain, and wrong.
    assert theory.value([0.5, 0.5], [0.5, 0.5], [0.0, 1.0]) == -math.inf


@given(positive, positive, st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4))
def test_no_discriminator_beats_the_optimal_one(p, q, answers):
    best = theory.value(p, q)
    assert theory.value(p, q, answers) <= best + 1e-12
    assert best == pytest.approx(-math.log(4) + 2 * theory.js_divergence(p, q), abs=1e-12)


@given(positive, positive)
def test_divergences(p, q):
    jsd = theory.js_divergence(p, q)
    assert -1e-12 <= jsd <= LOG_2 + 1e-12
    assert jsd == pytest.approx(theory.js_divergence(q, p), abs=1e-12)
    assert theory.kl_divergence(p, q) >= jsd - 1e-12
    assert theory.js_divergence(p, p) == theory.kl_divergence(p, p) == 0


@pytest.mark.parametrize("theta", [0.1, 0.5, 1.0, 3.0])
def test_jsd_is_blind_to_distance_and_wasserstein_is_not(theta):
    assert theory.js_divergence([1, 0], [0, 1]) == pytest.approx(LOG_2)
    assert theory.wasserstein_1([0.0], [theta]) == pytest.approx(theta)
    bounds = sorted({0.0, theta, 1.0, 1.0 + theta})
    pair = box(0.0), box(theta)
    assert theory.js_divergence(*pair, bounds=bounds) == pytest.approx(min(theta, 1) * LOG_2)
    assert theory.wasserstein_1_of_densities(*pair, bounds=bounds) == pytest.approx(theta)
    pair = bell(), bell(theta)
    assert theory.wasserstein_1_of_densities(*pair, bounds=(-10, 14)) == pytest.approx(theta)
    assert theory.js_divergence(*pair, bounds=(-10, 14)) < LOG_2


def test_every_form_gives_the_same():
    p, q = bell(-1, 0.8), bell(2.5, 1.3)
    forms = [
        ((p, q), {"bounds": (-12, 16)}),
        ((p(X), q(X)), {"x": X}),
        ((p(X) / p(X).sum(), q(X) / q(X).sum()), {}),
    ]
    # KL of Gaussians in closed form.
    kl = math.log(1.3 / 0.8) + (0.8**2 + 3.5**2) / (2 * 1.3**2) - 0.5
    for arguments, options in forms:
        assert theory.kl_divergence(*arguments, **options) == pytest.approx(kl, rel=1e-6)
    jsd = [theory.js_divergence(*arguments, **options) for arguments, options in forms]
    np.testing.assert_allclose(jsd, jsd[0], rtol=1e-9)
    w1 = [theory.wasserstein_1_of_densities(*a, **options) for a, options in forms[:2]]
    w1.append(theory.wasserstein_1(X, X, *forms[2][0]))
    np.testing.assert_allclose(w1, w1[0], rtol=1e-4)


def test_distribution_functions_that_cross():
    # Half a unit of mass moves each way: |F - G| is two triangles of height 1/4 and base 1.
    narrow, wide = box(-0.5), box(-1, 2)
    bounds = (-1, -0.5, 0.5, 1)
    assert theory.wasserstein_1_of_densities(narrow, wide, bounds=bounds) == pytest.approx(0.25)
    x = np.linspace(-3, 3, 2001)
    grid = theory.wasserstein_1_of_densities(bell(0, 0.2)(x), bell(0, 0.4)(x), x=x)
    # The mean of |x| grows by as much.
    assert grid == pytest.approx(0.2 * math.sqrt(2 / math.pi), rel=1e-4)
    # An odd number of points: F - G changes sign between two of them.
    coarse = np.linspace(-3, 3, 50)
    assert theory.wasserstein_1_of_densities(
        bell(0, 0.3)(coarse), bell(0, 0.6)(coarse), x=coarse
    ) == pytest.approx(0.3 * math.sqrt(2 / math.pi), rel=0.02)


@given(places, places, st.floats(-3, 3))
def test_wasserstein_is_a_distance(a, b, shift):
    w1 = theory.wasserstein_1(a, b)
    assert w1 == pytest.approx(theory.wasserstein_1(b, a), abs=1e-9)
    assert theory.wasserstein_1(a, a[::-1]) == pytest.approx(0, abs=1e-9)
    assert theory.wasserstein_1(a, a + shift) == pytest.approx(abs(shift), abs=1e-9)
    assert w1 >= abs(a.mean() - b.mean()) - 1e-9
    if len(a) == len(b):
        sorted_pairs = np.abs(np.sort(a) - np.sort(b)).mean()
        assert w1 == pytest.approx(sorted_pairs, abs=1e-9)
    # A place given twice weighs twice, in any unit.
    assert theory.wasserstein_1(np.append(a, a[0]), b) == pytest.approx(
        theory.wasserstein_1(a, b, np.append(8.0, np.full(len(a) - 1, 4.0)), np.full(len(b), 2.0)),
        abs=1e-9,
    )


def test_frechet_distance():
    assert theory.frechet_distance(0.0, 1.0, 3.0, 4.0) == pytest.approx(10)
    a, b = (np.random.RandomState(seed).randn(5, 5) for seed in (0, 1))
    a, b = a @ a.T, b @ b.T
    mean = np.arange(5.0)
    # tr (AB)^(1/2), by the eigenvalues of the product.
    overlap = np.sqrt(np.linalg.eigvals(a @ b).real).sum()
    expected = 30 + np.trace(a) + np.trace(b) - 2 * overlap
    assert theory.frechet_distance(mean, a, 0 * mean, b) == pytest.approx(expected)
    assert theory.frechet_distance(mean, a, mean, a) == pytest.approx(0, abs=1e-9)
    # One that has no width in a direction.
    flat = np.diag([1.0, 0.0])
    assert theory.frechet_distance([0, 0], flat, [0, 0], np.eye(2)) == pytest.approx(1)


@settings(max_examples=30)
@given(
    st.integers(1, 9), st.integers(1, 7), st.integers(1, 4), st.integers(0, 3), st.integers(0, 2)
)
def test_transposed_convolution_inverts_the_convolution(size, kernel, stride, padding, extra):
    extra = min(extra, stride - 1)
    if (size - 1) * stride - 2 * padding + kernel + extra < 1:
        with pytest.raises(ValueError, match=f"padding of {padding} leaves nothing"):
            theory.transposed_convolution_size(size, kernel, stride, padding, extra)
        return
    larger = theory.transposed_convolution_size(size, kernel, stride, padding, extra)
    assert (larger + 2 * padding - kernel) // stride + 1 == size


def test_sizes_of_the_lecture():
    size = theory.transposed_convolution_size(1, 4)
    assert size == 4
    for expected in (8, 16, 32, 64):
        size = theory.transposed_convolution_size(size, 4, stride=2, padding=1)
        assert size == expected
    with pytest.raises(ValueError, match="`stride` must be an integer >= 1"):
        theory.transposed_convolution_size(4, 4, stride=0)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: theory.js_divergence([0.5, 0.4], [0.5, 0.5]), "p with the sum 0.9. Divide"),
        (lambda: theory.js_divergence([0.5, 0.5], [1.0]), r"\(2,\) and \(1,\)"),
        (lambda: theory.js_divergence([1.5, -0.5], [0.5, 0.5]), "`p` holds finite numbers >= 0"),
        (lambda: theory.js_divergence([np.nan, 1], [0.5, 0.5]), "`p` holds finite numbers >= 0"),
        (lambda: theory.js_divergence(bell(), bell()), "two functions with `bounds`"),
        (lambda: theory.js_divergence(bell(), [1.0], bounds=(0, 1)), "two functions with"),
        (lambda: theory.js_divergence([1.0], [1.0], bounds=(0, 1)), "two functions with"),
        (lambda: theory.js_divergence(bell(), bell(), bounds=(0, 9)), "is 0.5. Widen it"),
        (lambda: theory.js_divergence(bell(), bell(), bounds=(9, -9)), "in increasing order"),
        (lambda: theory.kl_divergence(bell()(X), bell()(X), x=X[::-1]), "in increasing order"),
        (lambda: theory.kl_divergence([1.0], [1.0], x=[0.0, 1.0]), r"and \(1,\) and \(2,\)"),
        (lambda: theory.value([1, 0], [0, 1], [2.0, 0.0]), "from 0.0 to 2.0"),
        (lambda: theory.value([1, 0], [0, 1], [0.5]), r"shape \(1,\)"),
        (lambda: theory.value([1, 0], [0, 1], lambda x: x), "as an array"),
        (lambda: theory.optimal_logit([1.0], [1.0, 2.0]), r"\(1,\) and \(2,\)"),
        (lambda: theory.optimal_discriminator([-1.0], [1.0]), "`p` holds finite numbers >= 0"),
        (lambda: theory.wasserstein_1([], [1.0]), "at least one"),
        (lambda: theory.wasserstein_1([0.0], [1.0], b_weights=[0.0]), "not all of them 0"),
        (lambda: theory.wasserstein_1([0.0], [1.0], [1.0, 2.0]), "each of the 1 places"),
        (lambda: theory.wasserstein_1_of_densities([0.5, 0.5], [1, 0]), "places, places, p, q"),
        (lambda: theory.frechet_distance([0, 0], 1.0, [0, 0], np.eye(2)), r"`covariance_p`"),
        (lambda: theory.frechet_distance(0, 1, [0, 0], np.eye(2)), "same dimension"),
        (lambda: theory.frechet_distance(0, -1, 0, 1), "no negative eigenvalue"),
        (lambda: theory.frechet_distance([0, 0], [[1, 2], [0, 1]], 0, 1), "not symmetric"),
    ],
)
def test_what_is_no_distribution(call, message):
    with pytest.raises(ValueError, match=message):
        call()
