"""Each disease is provoked in a tiny GAN on points around a circle, and must be named in time."""

import math
import sys

import keras
import numpy as np
import pytest
from keras import layers

import keras_gan
from keras_gan.callbacks import Diagnosis


def ring(count, seed=0):
    """Points near 8 modes on a circle, as images of one pixel with two channels."""
    rng = np.random.RandomState(seed)
    angles = 2 * np.pi * rng.randint(0, 8, count) / 8
    points = np.stack([np.cos(angles), np.sin(angles)], 1) + 0.01 * rng.randn(count, 2)
    return (0.5 * points).astype("float32").reshape(count, 1, 1, 2)


def tiny_gan(noise=1.0, width=32, image_shape=(1, 1, 2), **arguments):
    # Layers are named alike in every run: a snapshot compares them.
    keras.utils.clear_session(free_memory=False)
    generator = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Rescaling(noise),
            layers.Dense(width, "relu"),
            layers.Dense(width, "relu"),
            layers.Dense(math.prod(image_shape)),
            layers.Reshape(image_shape),
        ],
        name="generator",
    )
    discriminator = keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Flatten(),
            layers.Rescaling(4.0),
            layers.Dense(width, "relu"),
            layers.Dense(width, "relu"),
            layers.Dense(1),
        ],
        name="discriminator",
    )
    # The same weights on every backend.
    rng = np.random.RandomState(0)
    for network in (generator, discriminator):
        shapes = [weight.shape for weight in network.weights]
        network.set_weights(
            [rng.standard_normal(s) * np.sqrt(2 / s[0]) * (len(s) > 1) for s in shapes]
        )
    gan = keras_gan.GAN(generator, discriminator, seed=0)
    gan.compile(**arguments)
    return gan


def adam(rate, beta=0.5):
    return keras.optimizers.Adam(rate, beta, 0.999, epsilon=1e-8)


def rates(generator, discriminator, beta=0.5):
    return {
        "generator_optimizer": adam(generator, beta),
        "discriminator_optimizer": adam(discriminator, beta),
    }


def watch(gan, steps, images=None, interval=25, **options):
    diagnosis = Diagnosis(interval, samples=128, **options)
    gan.fit(
        ring(1024) if images is None else images,
        batch_size=64,
        steps_per_epoch=steps,
        verbose=0,
        callbacks=[diagnosis],
    )
    return {finding.name: finding for finding in diagnosis.findings}, diagnosis


# The model, the recipe, and the steps within which each disease must be named.
PROVOKED = [
    # Too high a rate for one player.
    ({}, rates(1e-6, 1e-2), {"discriminator_wins": 400}),
    ({}, rates(1e-3, 1e-6), {"generator_wins": 250}),
    # Next to no noise: a point that chases the modes.
    ({"noise": 0.02}, rates(3e-3, 3e-3), {"mode_collapse": 450, "oscillation": 550}),
    # No penalty.
    ({}, {**rates(1e-3, 1e-2), "loss": "wasserstein"}, {"divergence": 250}),
    # A rate that grows.
    (
        {},
        rates(*[keras.optimizers.schedules.ExponentialDecay(1e-4, 50, 4.0)] * 2),
        {"singular_values_grow": 350},
    ),
]


@pytest.mark.parametrize(("model", "recipe", "expected"), PROVOKED)
def test_a_provoked_disease_is_named_in_time(model, recipe, expected, capsys):
    found, diagnosis = watch(tiny_gan(**model, **recipe), max(expected.values()))
    printed = capsys.readouterr().out
    for name, within in expected.items():
        finding = found[name]
        assert 200 <= finding.step <= within
        assert finding.ended is None and finding.evidence and "gan.compile(" in finding.action
        # Said once, and in the report.
        assert printed.count(f"Diagnosis: {name} at step {finding.step}: {finding.words}") == 1
        assert f"{name} at step {finding.step}" in diagnosis.report()


def noise_images(count, seed):
    return np.tanh(np.random.RandomState(seed).randn(count, 4, 4, 1)).astype("float32")


def noise_generator():
    """Makes images of the same distribution, so that there is nothing to tell."""
    z = keras.Input((16,))
    x = layers.Dense(16, "tanh", kernel_initializer="identity")(z)
    return keras.Model(z, layers.Reshape((4, 4, 1))(x), name="generator")


@pytest.mark.parametrize("given", ["callback", "fit"])
def test_a_discriminator_that_overfits_is_found_out(given):
    # It can learn 64 images of noise by heart, and nothing else about them.
    discriminator = tiny_gan(width=64, image_shape=(4, 4, 1)).discriminator
    gan = keras_gan.GAN(noise_generator(), discriminator, seed=0)
    gan.compile(**rates(1e-6, 3e-3))
    held_out = noise_images(128, seed=1)
    diagnosis = Diagnosis(25, samples=128, held_out=held_out if given == "callback" else None)
    gan.fit(
        noise_images(64, seed=0),
        batch_size=64,
        steps_per_epoch=300,
        verbose=0,
        callbacks=[diagnosis],
        validation_data=None if given == "callback" else held_out,
        validation_steps=None if given == "callback" else 1,
    )
    found = {finding.name: finding for finding in diagnosis.findings}
    evidence = found["discriminator_overfits"].evidence
    assert evidence["real_score"] > evidence["held_out_score"]
    assert "augmentations" in found["discriminator_overfits"].action


def infinite_after(steps):
    schedules = keras.optimizers.schedules
    return adam(schedules.PiecewiseConstantDecay([steps], [1e-3, 1e30]))


def test_nan_stops_training_and_the_last_good_state_comes_back(capsys):
    gan = tiny_gan(generator_optimizer=infinite_after(24), discriminator_optimizer=adam(1e-3))
    found, diagnosis = watch(gan, 100, interval=10)
    assert set(found) == {"not_finite"} and found["not_finite"].step == 30
    assert "again as it was at step 20" in capsys.readouterr().out
    assert int(gan.step.numpy()) == 20
    for variable in [*gan.weights, *gan.optimizer.variables]:
        assert np.isfinite(keras.ops.convert_to_numpy(variable)).all()
    assert [row["step"] for row in diagnosis.signals] == [10, 20]


def test_with_a_snapshot_the_snapshot_restores(tmp_path):
    gan = tiny_gan(generator_optimizer=infinite_after(24), discriminator_optimizer=adam(1e-3))
    snapshot = keras_gan.callbacks.Snapshot(tmp_path, every_steps=15)
    diagnosis = Diagnosis(10, samples=64)
    with pytest.warns(UserWarning, match="Training stopped"):
        gan.fit(ring(640), batch_size=64, epochs=10, verbose=0, callbacks=[diagnosis, snapshot])
    assert diagnosis.findings[0].name == "not_finite"
    assert int(gan.step.numpy()) == 15 and snapshot.diverged_at == 30


class PatientGAN(keras_gan.GAN):
    """The generator is updated in every second step."""

    def phases(self):
        return [
            phase._replace(interval=2) if phase.player == "generator" else phase
            for phase in super().phases()
        ]


def test_signals_are_logged_and_a_run_that_goes_on_keeps_them(monkeypatch, tmp_path):
    monkeypatch.setattr(keras_gan, "GAN", PatientGAN)

    def run(epochs):
        gan = tiny_gan(**rates(1e-3, 1e-3), loss="wasserstein")
        diagnosis = Diagnosis(10, samples=64)
        snapshot = keras_gan.callbacks.Snapshot(tmp_path)
        history = gan.fit(
            ring(256), batch_size=64, epochs=epochs, verbose=0, callbacks=[diagnosis, snapshot]
        )
        return diagnosis, history.history

    first, history = run(5)
    # Epochs of 4 steps: the first has no probe of its own, and is looked at when it ends.
    assert [row["step"] for row in first.signals] == [4, 10, 20]
    logged = {"diversity", "margin", "g_grad_norm", "slope", "sigma_generator"}
    assert logged < set(history) and all(len(history[name]) == 5 for name in logged)
    assert history["margin"][-1] == first.signals[-1]["margin"]
    second, history = run(8)
    assert second.signals[:3] == first.signals
    assert [row["step"] for row in second.signals[3:]] == [24, 30]
    assert [row["generator_updates"] for row in second.signals] == [2, 5, 10, 12, 15]
    assert len(history["diversity"]) == 8


def collapsed():
    """The state of a run whose samples were all alike up to step 400."""
    finding = {"name": "mode_collapse", "step": 300, "words": "w", "evidence": {}, "action": "a"}
    signals = [
        {"step": step, "diversity": 0.1, "margin": 1.0, "bce": 1.0, "spread": 1.0}
        | {"real_score": 1.0, "fake_score": 0.0, "g_grad_norm": 1.0, "sigma/generator/a": 2.0}
        | {"generator_updates": step}
        for step in (100, 200, 300, 400)
    ]
    return {"signals": signals, "findings": [finding], "quiet": {"mode_collapse": 0}}


def test_a_finding_ends(capsys):
    gan = tiny_gan(**rates(1e-5, 1e-5))
    gan.step.assign(400)
    diagnosis = Diagnosis(10, samples=64)
    diagnosis.set_state(collapsed())
    gan.fit(ring(640), batch_size=64, epochs=6, verbose=0, callbacks=[diagnosis])
    assert [(f.name, f.ended) for f in diagnosis.findings] == [("mode_collapse", 450)]
    assert "Diagnosis: mode_collapse is over at step 450" in capsys.readouterr().out


def test_the_plot_shows_signals_and_findings(tmp_path):
    diagnosis = Diagnosis()
    with pytest.raises(ValueError, match="Nothing has been measured"):
        diagnosis.plot()
    with pytest.raises(ValueError, match="Nothing has been measured"):
        diagnosis.report()
    state = collapsed()
    diagnosis.set_state(state)
    figure = diagnosis.plot()
    diversity = figure.axes[2]
    np.testing.assert_array_equal(diversity.lines[0].get_ydata(), 4 * [0.1])
    assert "mode_collapse" in [text.get_text() for text in figure.axes[0].get_legend().texts]
    figure.savefig(tmp_path / "signals.png")
    assert "until now: mode_collapse" in diagnosis.report()
    assert diagnosis.get_state()["signals"] == state["signals"]


def test_a_plot_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    diagnosis = Diagnosis()
    diagnosis.set_state(collapsed())
    with pytest.raises(ImportError, match=r"keras-gan\[plot\]"):
        diagnosis.plot()


@pytest.mark.parametrize("arguments", [{"interval": 0}, {"interval": 1.5}, {"samples": 1}])
def test_arguments_out_of_range(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Diagnosis(**arguments)


def test_held_out_images_of_another_shape():
    gan = tiny_gan()
    diagnosis = Diagnosis(held_out=np.zeros((4, 8, 8, 3), "uint8"))
    with pytest.raises(ValueError, match="Expected images of shape"):
        gan.fit(ring(64), batch_size=64, verbose=0, callbacks=[diagnosis])
