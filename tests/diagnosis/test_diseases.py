"""The rules, on signals written down: those of healthy runs, and of the sick ones they are for."""

import json
import pathlib

import pytest

from keras_gan import losses
from keras_gan.diagnosis.diseases import DISEASES, Series, kind_of

# Measured by tools/diagnose_recipes.py; see its docstring.
RUNS = json.loads(pathlib.Path(__file__).with_name("healthy_runs.json").read_text())
SIGNS = {disease.name: disease.signs for disease in DISEASES}


def row(step, **signals):
    healthy = {
        "real_score": 1.0,
        "fake_score": -1.0,
        "margin": 2.0,
        "spread": 1.0,
        "bce": 0.7,
        "real_accuracy": 0.8,
        "fake_accuracy": 0.8,
        "diversity": 0.95,
        "movement": 0.1,
        "g_grad_norm": 1.0,
        "sigma/generator/dense/kernel": 1.0,
        "sigma/discriminator/dense/kernel": 1.0,
    }
    return {"step": step, "generator_updates": step, **healthy, **signals}


def names(rows, kind="bce"):
    return {name for name, signs in SIGNS.items() if signs(Series(rows, kind)) is not None}


@pytest.mark.parametrize("run", RUNS)
def test_healthy_runs_are_left_alone(run):
    rows, kind = RUNS[run]["rows"], RUNS[run]["kind"]
    for every in (1, 2):
        for end in range(every, len(rows) + 1, every):
            assert names(rows[every - 1 : end : every], kind) == set()


SICK = {
    "discriminator_wins": ("bce", {"margin": 11.0, "bce": 0.05}),
    "generator_wins": ("bce", {"margin": 0.0, "bce": 1.39, "spread": 0.01, "diversity": 0.7}),
    "mode_collapse": ("other", {"diversity": 0.5}),
    "oscillation": ("other", {"movement": 0.7}),
    "divergence": ("wasserstein", {"slope": 6.0}),
    "discriminator_overfits": ("other", {"held_out_score": -0.2}),
}


@pytest.mark.parametrize("name", SICK)
def test_a_disease_needs_time_and_is_told_from_the_others(name):
    kind, signals = SICK[name]
    rows = [row(100 * i, **{"slope": 1.0, **signals}) for i in range(1, 8)]
    first = next(n for n in range(1, 8) if names(rows[:n], kind))
    assert rows[first - 1]["step"] - rows[0]["step"] >= 200
    assert names(rows, kind) == {name}
    # One healthy moment, or a rare look, and it is not certain any more.
    swinging = [*rows[:4], row(500, slope=1.0), row(600, **{"slope": 1.0, **signals})]
    assert name == "oscillation" or names(swinging, kind) == set()
    assert names([rows[0], rows[-1]], kind) == set()


@pytest.mark.parametrize("interval", [10, 100, 500])
def test_a_disease_is_found_however_often_one_looks(interval):
    rows = [row(interval * i, diversity=0.3) for i in range(1, 1000 // interval + 2)]
    assert names(rows) == {"mode_collapse"}
    assert names(rows[:2]) == set()


def test_a_generator_that_waits_does_not_collapse():
    # WGAN's critic makes a hundred updates for each of the generator's first ones.
    waits = [row(100 * i, diversity=0.14, generator_updates=5 * i) for i in range(1, 6)]
    assert names(waits) == set()
    goes_on = [row(500 + 100 * i, diversity=0.14, generator_updates=25 + 100 * i) for i in (1, 2)]
    assert names([*waits, *goes_on]) == set()
    third = row(800, diversity=0.14, generator_updates=325)
    assert names([*waits, *goes_on, third]) == {"mode_collapse"}


def test_diversity_that_was_never_so_high_is_no_collapse():
    # The first steps of a MaxoutGAN.
    seen = [0.383, 0.380, 0.339, 0.433]
    rows = [row(100 * i, diversity=value) for i, value in enumerate(seen, 1)]
    assert names(rows) == set()
    assert names([*rows[:3], row(400, diversity=0.383)]) == {"mode_collapse"}


def test_the_saturating_loss_dies_sooner():
    rows = [row(100 * i, margin=7.0, bce=0.1) for i in range(1, 5)]
    assert names(rows, "bce") == set()
    assert names(rows, "saturating") == {"discriminator_wins"}
    # Scores of other losses are no probabilities.
    certain = [row(100 * i, margin=20.0, bce=0.0) for i in range(1, 5)]
    assert names(certain, "other") == set()


def test_a_lead_that_shrinks_is_no_disease():
    rows = [row(100 * i, margin=20.0 - 3 * i, bce=0.1) for i in range(1, 4)]
    assert names(rows) == set()


def test_the_equilibrium_is_no_disease():
    equal = {"margin": 0.0, "bce": 1.3863, "spread": 0.01, "real_score": 0.0, "fake_score": 0.0}
    assert names([row(100 * i, **equal) for i in range(1, 9)]) == set()


def test_a_fooled_discriminator_whatever_the_loss():
    rows = [row(100 * i, margin=-1.0) for i in range(1, 5)]
    assert names(rows, "other") == {"generator_wins"}


def test_diversity_that_grows_is_no_collapse():
    rows = [row(100 * i, diversity=0.05 * i) for i in range(1, 9)]
    assert names(rows) == set()
    assert names([*rows, *(row(100 * i, diversity=0.4) for i in range(9, 13))]) == {"mode_collapse"}


def test_scores_gradients_and_images_that_run_away():
    assert names([row(100 * i, real_score=500.0) for i in range(1, 5)]) == {"divergence"}
    scattered = [row(100 * i, diversity=2.0 + i) for i in range(1, 5)]
    assert names(scattered) == {"divergence"}
    steep = [row(100 * i, g_grad_norm=1.0 if i < 5 else 50.0) for i in range(1, 8)]
    assert names(steep[:6]) == set() and names(steep) == {"divergence"}


def test_an_undecided_discriminator_does_not_overfit():
    rows = [row(100 * i, margin=0.1, held_out_score=-5.0) for i in range(1, 5)]
    assert names(rows) == set()


@pytest.mark.parametrize(("start", "factor", "found"), [(0, 5, False), (0, 12, True)])
def test_singular_values_may_grow_at_the_start(start, factor, found):
    path = "sigma/generator/dense/kernel"
    rows = [row(start + 100 * i, **{path: 1 + (factor - 1) * i / 10}) for i in range(11)]
    assert names(rows) == ({"singular_values_grow"} if found else set())


def test_singular_values_may_not_double_later():
    path = "sigma/discriminator/dense/kernel"
    rows = [row(2000 + 100 * i, **{path: 1 + 0.11 * i}) for i in range(11)]
    evidence = SIGNS["singular_values_grow"](Series(rows, "other"))
    assert evidence["layer"] == "discriminator/dense/kernel"
    assert evidence["sigma"] == pytest.approx(2.1) and evidence["sigma_before"] == 1
    assert names(rows[:9]) == set()


def test_kinds_of_losses():
    kinds = {name: kind_of(losses.get(name)) for name in ("non_saturating", "minimax", "hinge")}
    assert kinds == {"non_saturating": "bce", "minimax": "saturating", "hinge": "other"}
    assert kind_of(losses.Wasserstein()) == "wasserstein"
