import json
import os
import pathlib
import shutil
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan.callbacks import HistoryFile, SampleGrid, Snapshot

IMAGES = np.random.RandomState(0).randint(0, 256, (70, 16, 16, 1)).astype("uint8")


class Interrupt(keras.callbacks.Callback):
    """Ends a run in the middle, without a word to the other callbacks."""

    def __init__(self, step):
        super().__init__()
        self.left = step

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def make(**recipe):
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), width=2, latent_dim=4, seed=3)
    recipe = {"discriminator_steps": 2, "ema_decay": 0.9, **recipe}
    gan.compile(**recipe, jit_compile=keras.backend.backend() == "jax")
    return gan


def train(folder, interrupt=None, epochs=3, recipe=None, x=IMAGES, batch_size=5, **options):
    """A run that is interrupted after some steps (`None`), or its `(gan, history)`."""
    keras.utils.set_random_seed(1)
    gan = make(**recipe or {})
    folder.mkdir(exist_ok=True)
    callbacks = [
        HistoryFile(folder / "history.jsonl"),
        Snapshot(folder / "snapshots", every_steps=3),
        SampleGrid(folder / "samples", seeds="0-1", every_steps=4),
    ]
    if interrupt:
        callbacks.append(Interrupt(interrupt))
    try:
        history = gan.fit(
            x, batch_size=batch_size, epochs=epochs, callbacks=callbacks, verbose=0, **options
        )
    except KeyboardInterrupt:
        return None
    return gan, history


def contents(folder):
    """What a run has left behind, without its times."""
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    samples = {path.name: path.read_bytes() for path in (folder / "samples").iterdir()}
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines], samples


def state(gan):
    return [keras.ops.convert_to_numpy(v) for v in [*gan.variables, *gan.optimizer.variables]]


@pytest.mark.parametrize(
    "interrupts, options",
    [
        ((5, 4, 1, 6), {}),
        # The data goes on from epoch to epoch: 7 steps to a pass.
        ((7, 5), {"steps_per_epoch": 5}),
    ],
)
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path, interrupts, options):
    gan, history = train(tmp_path / "whole", **options)
    for step in interrupts:
        assert train(tmp_path / "parts", step, **options) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        again, history_again = train(tmp_path / "parts", **options)
    for a, b in zip(state(gan), state(again), strict=True):
        np.testing.assert_array_equal(a, b)
    assert history.history == history_again.history and history.epoch == history_again.epoch
    assert contents(tmp_path / "whole") == contents(tmp_path / "parts")
    assert sorted(os.listdir(tmp_path / "parts" / "snapshots")) == sorted(
        os.listdir(tmp_path / "whole" / "snapshots")
    )
    # A finished run has nothing left to do, and more epochs go on.
    done, history_again = train(tmp_path / "parts", **options)
    assert int(done.step) == int(gan.step) and history_again.history == history.history


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that was interrupted after 8 steps: snapshots of steps 3 and 6."""
    folder = tmp_path_factory.mktemp("run")
    assert train(folder, 8) is None
    assert sorted(os.listdir(folder / "snapshots")) == ["step00000003", "step00000006"]
    return folder


@pytest.fixture
def copy(run, tmp_path):
    return pathlib.Path(shutil.copytree(run, tmp_path / "run"))


def begin(folder, gan, x=IMAGES, batch_size=5, **options):
    gan.fit(x, batch_size=batch_size, verbose=0, callbacks=[Snapshot(folder, **options)])


@pytest.mark.parametrize("name", ["model.weights.h5", "metrics.npz", "state.json"])
@pytest.mark.parametrize("damage", ["truncate", "flip", "remove", "empty"])
def test_a_damaged_snapshot_falls_back_to_the_one_before(copy, name, damage):
    path = copy / "snapshots" / "step00000006" / name
    content = path.read_bytes()
    if damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    snapshot = Snapshot(copy / "snapshots")
    gan = make()
    data = keras_gan.batches.for_training(IMAGES, batch_size=5, group=2)
    with pytest.warns(UserWarning, match=r"step00000006 is damaged.*step00000003"):
        assert snapshot.begin(gan, data, [], 0) == 0
    assert int(gan.step.numpy()) == 3


def test_no_sound_snapshot(copy):
    for path in (copy / "snapshots").iterdir():
        (path / "state.json").write_text("{}")
    with pytest.raises(ValueError, match=r"None of the snapshots in .* can be read"):
        begin(copy / "snapshots", make())


@pytest.mark.parametrize(
    "recipe, options, message",
    [
        ({"ema_decay": 0.5}, {}, "ema_decay was 0.9 and is 0.5"),
        (
            {"generator_optimizer": keras.optimizers.Adam(1e-3, 0.5)},
            {},
            "generator_optimizer.config.learning_rate was 0.0001999",
        ),
        ({}, {"batch_size": 7}, "batch_size was 5, and is 7"),
        ({}, {"x": IMAGES[:60]}, "steps_per_epoch was 7, and is 6"),
    ],
)
def test_another_run_is_refused_and_loses_nothing(run, recipe, options, message):
    before = contents(run)
    with pytest.raises(ValueError, match=message):
        begin(run / "snapshots", make(**recipe), **options)
    assert contents(run) == before
    assert sorted(os.listdir(run / "snapshots")) == ["step00000003", "step00000006"]


def test_another_model_is_refused(run):
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), width=3, latent_dim=4, seed=3)
    gan.compile(discriminator_steps=2, ema_decay=0.9)
    with pytest.raises(ValueError, match="width was 2 and is 3"):
        begin(run / "snapshots", gan)


def test_a_newer_format_is_refused(copy, monkeypatch):
    monkeypatch.setattr("keras_gan.callbacks.snapshot.FORMAT_VERSION", 0)
    with pytest.raises(ValueError, match="has format_version 1; this keras_gan reads 0"):
        begin(copy / "snapshots", make())


def test_resume_false_refuses_old_snapshots(run):
    with pytest.raises(ValueError, match="holds the snapshots of a run already"):
        begin(run / "snapshots", make(), resume=False)


def test_what_a_killed_process_left_is_removed(copy):
    partial = copy / "snapshots" / ".partial-abc"
    partial.mkdir()
    (partial / "model.weights.h5").write_bytes(b"half")
    data = keras_gan.batches.for_training(IMAGES, batch_size=5, group=2)
    Snapshot(copy / "snapshots").begin(make(), data, [], 0)
    assert not partial.exists()


def test_data_of_unknown_length_needs_steps_per_epoch(tmp_path):
    batches = (IMAGES[i : i + 5] for i in range(0, 70, 5))
    with pytest.raises(ValueError, match="Pass `steps_per_epoch`"):
        begin(tmp_path, make(), x=batches, batch_size=None)


def test_two_snapshots_are_refused(tmp_path):
    with pytest.raises(ValueError, match="one `Snapshot`"):
        make().fit(IMAGES, callbacks=[Snapshot(tmp_path / "a"), Snapshot(tmp_path / "b")])


class Poison(keras.callbacks.Callback):
    """Makes a weight NaN after some steps."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        self.step -= 1
        if self.step == 0:
            keras_gan.backend.sync(self.model)
            weight = self.model.generator.trainable_variables[0]
            weight.assign(weight * np.nan)


def test_nan_stops_training_and_the_last_good_state_is_back(tmp_path):
    gan = make()
    snapshot = Snapshot(tmp_path, every_steps=3)
    with pytest.warns(UserWarning, match="Training stopped at step .*NaN or infinite"):
        history = gan.fit(
            IMAGES, batch_size=5, epochs=4, verbose=0, callbacks=[snapshot, Poison(8)]
        )
    # Found when the snapshot of step 9 is due.
    assert snapshot.diverged_at == 9 and history.epoch == [0, 1]
    assert int(gan.step.numpy()) == 6
    assert all(np.isfinite(value).all() for value in gan.get_weights())
    assert sorted(os.listdir(tmp_path)) == ["step00000003", "step00000006"]


@pytest.mark.parametrize(
    "arguments", [{"every_steps": 0}, {"every_epochs": 0}, {"keep": 0}, {"every_steps": 2.5}]
)
def test_arguments_out_of_range(arguments, tmp_path):
    with pytest.raises(ValueError, match="must be an integer >= 1"):
        Snapshot(tmp_path, **arguments)


def test_two_kills(tmp_path):
    """SIGKILL at two random moments."""
    tool = pathlib.Path(__file__).parents[2] / "tools" / "kill_test.py"
    result = subprocess.run(
        [sys.executable, tool, "--kills", "2", "--seed", "4", "--folder", tmp_path],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tool.parents[1])},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 kills, all equal" in result.stdout
