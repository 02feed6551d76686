import numpy as np
import pytest

from keras_gan.theory import dirac_gan


def distance(method, **options):
    """Of the players from the equilibrium, at the end."""
    return np.linalg.norm(dirac_gan.simulate(method, **options)[-1])


@pytest.mark.parametrize(
    "method, together, in_turn",
    [
        (dirac_gan.gan(), 3.1, 1.42),
        (dirac_gan.non_saturating(), 0.64, 0.28),
        (dirac_gan.wgan(1.0), None, 1.0),
        (dirac_gan.wgan_gp(0.7), 1.8, 1.2),
    ],
)
def test_without_a_zero_centred_penalty_nobody_arrives(method, together, in_turn):
    if together is not None:
        assert distance(method) == pytest.approx(together, rel=0.05)
    assert distance(method, discriminator_steps=1) == pytest.approx(in_turn, rel=0.05)


@pytest.mark.parametrize(
    "method, distance_left",
    [
        (dirac_gan.gan(0.3), 1e-5),
        (dirac_gan.gan(1.0), 1e-11),
        (dirac_gan.non_saturating(0.3), 1e-5),
        (dirac_gan.consensus(1.0), 1e-9),
    ],
)
@pytest.mark.parametrize("discriminator_steps", [None, 1, 5])
def test_what_damps_arrives(method, distance_left, discriminator_steps):
    assert distance(method, discriminator_steps=discriminator_steps) < distance_left


def test_eigenvalues():
    for method in (dirac_gan.gan(), dirac_gan.non_saturating()):
        np.testing.assert_allclose(dirac_gan.eigenvalues(method), [-0.5j, 0.5j], atol=1e-6)
    np.testing.assert_allclose(dirac_gan.eigenvalues(dirac_gan.wgan()), [-1j, 1j], atol=1e-6)
    # R1: -g/2 +- sqrt(g^2/4 - 1/4); from g = 1 on, nothing turns.
    for gamma in (0.3, 1.0, 2.0):
        root = np.emath.sqrt(gamma**2 / 4 - 0.25)
        expected = np.sort_complex(np.array([-gamma / 2 - root, -gamma / 2 + root], complex))
        found = dirac_gan.eigenvalues(dirac_gan.gan(gamma))
        np.testing.assert_allclose(found, expected, atol=1e-4)
    # Steps of length h multiply the distance by |1 + h e|.
    path = dirac_gan.simulate(dirac_gan.gan(), steps=50, learning_rate=0.2, start=(1e-4, 0))
    growth = np.linalg.norm(path[-1]) / np.linalg.norm(path[0])
    assert growth == pytest.approx(abs(1 + 0.1j) ** 50, rel=1e-3)


def test_period_of_the_orbit():
    path = dirac_gan.simulate(
        dirac_gan.gan(), steps=630, start=(1e-3, 0), discriminator_steps=1, learning_rate=0.2
    )
    turns = np.unwrap(np.arctan2(path[:, 1], path[:, 0]))
    assert 2 * np.pi * 630 / abs(turns[-1] - turns[0]) == pytest.approx(2 * np.pi / 0.1, rel=0.01)
    # It neither grows nor shrinks: players that move in turn circle.
    assert np.linalg.norm(path[-1]) == pytest.approx(1e-3, rel=0.15)


def test_clipping():
    path = dirac_gan.simulate(dirac_gan.wgan(0.05), steps=100)
    assert np.abs(path[1:, 1]).max() == 0.05


def test_start_and_steps():
    path = dirac_gan.simulate(dirac_gan.gan(), steps=0, start=(2, 3))
    np.testing.assert_array_equal(path, [[2.0, 3.0]])
    # In turn, the discriminator answers the generator's new place.
    together, in_turn = (
        dirac_gan.simulate(dirac_gan.wgan(9.0), steps=1, discriminator_steps=n) for n in (None, 1)
    )
    np.testing.assert_allclose(together[1], [0.8, 1.2])
    np.testing.assert_allclose(in_turn[1], [0.8, 1.16])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: dirac_gan.gan(-1.0), "`r1_gamma` is a finite number >= 0. Received: -1.0"),
        (lambda: dirac_gan.wgan(0.0), "`clip` is a number > 0"),
        (lambda: dirac_gan.wgan_gp(1.0, -1.0), "`target`"),
        (lambda: dirac_gan.consensus(float("nan")), "`weight`"),
        (lambda: dirac_gan.simulate(dirac_gan.gan(), steps=-1), "`steps`"),
        (lambda: dirac_gan.simulate(dirac_gan.gan(), learning_rate=0), "`learning_rate`"),
        (lambda: dirac_gan.simulate(dirac_gan.gan(), discriminator_steps=0), "discriminator_"),
        (lambda: dirac_gan.simulate(dirac_gan.gan(), start=(1,)), "`start` is a pair"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
