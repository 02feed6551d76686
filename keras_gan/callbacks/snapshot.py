"""Snapshots of a training run, from which it goes on as if it had never stopped."""

import hashlib
import json
import math
import pathlib
import re
import shutil
import warnings
import zipfile

import keras
import numpy as np

from keras_gan import backend
from keras_gan.checks import check_integer
from keras_gan.files import atomic_folder, remove_partial, sha256

FORMAT_VERSION = 1
WEIGHTS, METRICS, STATE = "model.weights.h5", "metrics.npz", "state.json"
# Reading the losses waits for the device; NaN stays in their means, so now and then is enough.
_STEPS_PER_CHECK = 50


class Snapshot(keras.callbacks.Callback):
    """Saves the whole run now and then; the same `fit` after a crash goes on where it stopped.

    A snapshot is a folder `step00001000/` with the weights, averages, optimizer states, random
    states and step counter, the means of the current epoch, the position in the data, and the
    history. It is written completely or not at all. The run that goes on ends with the bits of one
    that was never interrupted, on the same backend and machine, if its data is arrays,
    `keras_gan.data`, or a `PyDataset` whose batches depend only on their index and on the calls
    of its `on_epoch_begin` and `on_epoch_end`. `tf.data`, `DataLoader`, Grain and generators are
    read from their start up to the position: exact if they yield the same in every pass and
    every process. Data of unknown length needs `steps_per_epoch`.

    A snapshot that is damaged is left aside for the one before. Where a loss or a weight becomes
    NaN or infinite, training stops, and the model gets the weights of the last snapshot back.

    In a distributed run one process writes, and all of them read: the directory must be one that
    they share.

    Other callbacks take part with two methods, `get_state()`, which returns a JSON-able value, and
    `set_state(state)`, called before training goes on; `HistoryFile` does.

    Args:
        directory: str or path of a folder for the snapshots of one run.
        every_steps: int, steps from one snapshot to the next; `None` for epochs instead. There is
            also one at the beginning and one at the end.
        every_epochs: int, epochs from one to the next, where `every_steps` is `None`.
        keep: int >= 1, how many snapshots stay: the newest ones. With one, a damaged file ends a
            run.
        resume: bool. Go on from the newest snapshot in `directory`; begin anew if there is none.
            With `False` a directory that holds snapshots is refused.

    Attributes:
        diverged_at: int, the step at which a NaN or infinite value was found, or `None`.

    Raises:
        ValueError: if an argument is out of range; in `fit`, if the snapshots are of another model,
            recipe or data set, or none of them can be read.

    Example:
    ```python
    snapshot = keras_gan.callbacks.Snapshot("run/snapshots", every_steps=1000)
    gan.fit(dataset, epochs=25, callbacks=[snapshot])  # killed? run the program again
    ```
    """

    def __init__(self, directory, every_steps=None, every_epochs=1, keep=2, resume=True):
        super().__init__()
        if every_steps is not None:
            check_integer("every_steps", every_steps, minimum=1)
        check_integer("every_epochs", every_epochs, minimum=1)
        check_integer("keep", keep, minimum=1)
        self.directory = pathlib.Path(directory)
        self.every_steps = every_steps
        self.every_epochs = every_epochs
        self.keep = keep
        self.resume = resume
        self.diverged_at = None

    # Called by `fit` --------------------------------------------------------------------------

    def begin(self, gan, data, callbacks, initial_epoch):
        """Find out where the run stands, and put the model and the data there.

        Args:
            gan: compiled `keras_gan.GAN`.
            data: `keras_gan.training_batches.TrainingBatches`.
            callbacks: list of the callbacks of `fit`.
            initial_epoch: int, the epoch to begin with where there is no snapshot.

        Returns:
            int, the epoch to begin with.

        Raises:
            ValueError: see the class.
        """
        if data.steps_per_epoch is None:
            raise ValueError(
                "A snapshot records the position in an epoch, and the length of this data is not "
                "known. Pass `steps_per_epoch` to `fit`."
            )
        self.diverged_at = None
        self._settings = _settings(gan)
        self._data = data
        self._callbacks = [c for c in callbacks if hasattr(c, "get_state")]
        self._epoch, self._epoch_steps, self._offset = initial_epoch, 0, 0
        self._first_step = int(keras.ops.convert_to_numpy(gan.step))
        self._history, self._metrics = None, None
        self.directory.mkdir(parents=True, exist_ok=True)
        if backend.is_chief():
            remove_partial(self.directory)
        found = _snapshots(self.directory)
        if found and not self.resume:
            raise ValueError(
                f"{self.directory} holds the snapshots of a run already. Choose another directory, "
                "or pass `resume=True` to go on with that run."
            )
        # A run that begins here has its first state to go back to.
        self._due = not found
        if found:
            self._restore(gan, *self._newest(found))
        return self._epoch

    def _newest(self, found):
        damaged = []
        for folder in reversed(found):
            try:
                state = _read_state(folder)
            except (OSError, ValueError) as error:
                damaged.append(str(error))
                continue
            if damaged:
                warnings.warn(
                    f"{' '.join(damaged)} Going on from the snapshot before it, {folder.name}."
                )
            return folder, state
        raise ValueError(
            f"None of the snapshots in {self.directory} can be read: {' '.join(damaged)} Begin a "
            "new run in another directory."
        )

    def _restore(self, gan, folder, state):
        old, new = state["settings"], self._settings
        changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
        if changed:
            listed = "; ".join(f"{k} was {old.get(k)} and is {new.get(k)}" for k in changed[:5])
            raise ValueError(
                f"{folder} is a snapshot of another model or recipe: {listed}. Use the same "
                "arguments to go on with that run, or another directory for a new one."
            )
        self._data.resume(state["data"], state["step"] - state["first_step"])
        self._first_step = state["first_step"]
        gan.load_weights(folder / WEIGHTS)
        self._metrics = _arrays(folder / METRICS)
        self._history = state["history"]
        self._epoch, self._offset = state["epoch"], state["epoch_steps"]
        self._epoch_steps = self._offset
        for callback, (kind, own) in zip(self._callbacks, state["callbacks"], strict=False):
            if type(callback).__name__ == kind:
                callback.set_state(own)

    # Called by Keras --------------------------------------------------------------------------
    # A snapshot is taken when the next step or epoch begins: by then every other callback has done
    # its work for the one before, and it does not have to be done again.

    def on_epoch_begin(self, epoch, logs=None):
        """Take the snapshot that is due; in the first epoch, put back what the last one had."""
        self._epoch = epoch
        if self._metrics is not None:
            for variable, value in zip(self.model.metrics_variables, self._metrics, strict=True):
                variable.assign(value)
            self._metrics = None
        self._put_back_history()
        self._take_if_due()

    def on_train_batch_begin(self, batch, logs=None):
        """Take the snapshot that is due."""
        # TensorFlow finds out that an epoch has ended when it asks for one more batch.
        if self._epoch_steps < self._data.steps_per_epoch:
            self._take_if_due()

    def on_train_batch_end(self, batch, logs=None):
        """Count; look for NaN."""
        before, self._epoch_steps = self._epoch_steps, self._offset + batch + 1
        steps = self._epoch * self._data.steps_per_epoch
        if self.every_steps:
            period = self.every_steps
            now, then = steps + self._epoch_steps, steps + before
            self._due = self._due or now // period > then // period
        if self._due or self._epoch_steps // _STEPS_PER_CHECK > before // _STEPS_PER_CHECK:
            self._check(logs)

    def on_epoch_end(self, epoch, logs=None):
        """Count; look for NaN."""
        if self._epoch_steps >= self._data.steps_per_epoch:
            self._epoch, self._epoch_steps = epoch + 1, 0
        self._offset = 0
        if not self.every_steps and (epoch + 1) % self.every_epochs == 0:
            self._due = True
        self._check(logs)

    def on_train_end(self, logs=None):
        """Take the last snapshot."""
        self._put_back_history()
        self._due = self._newest_step() != int(self.model.step.numpy())
        self._check(logs)
        self._take_if_due()

    def _put_back_history(self):
        if self._history is not None:
            self.model.history.epoch[:] = self._history["epoch"]
            self.model.history.history.update(self._history["history"])
            self._history = None

    def _check(self, logs):
        logs = {k: v for k, v in (logs or {}).items() if not k.startswith("val_")}
        bad = [k for k, v in logs.items() if not math.isfinite(float(v))]
        if self._due:
            backend.sync(self.model)
            bad += [v.path for v in self.model.weights if not _is_finite(v)]
        if bad and self.diverged_at is None:
            self._stop(bad)

    def _stop(self, bad):
        backend.sync(self.model)
        self.diverged_at = int(self.model.step.numpy())
        self.model.stop_training = True
        folder, _ = self._newest(_snapshots(self.directory))
        self.model.load_weights(folder / WEIGHTS)
        warnings.warn(
            f"Training stopped at step {self.diverged_at}: {bad[:5]} became NaN or infinite. The "
            f"model has the weights of the last snapshot before that, {folder}, again. A lower "
            "learning rate, a regularizer, or bfloat16 instead of float16 may help."
        )

    def _take_if_due(self):
        if self._due and self.diverged_at is None and backend.is_chief():
            self._take()
        self._due = False

    def _take(self):
        gan = self.model
        backend.sync(gan)
        step = int(gan.step.numpy())
        history = gan.history
        with atomic_folder(self.directory / f"step{step:08d}") as temporary:
            gan.save_weights(temporary / WEIGHTS)
            metrics = [keras.ops.convert_to_numpy(v) for v in gan.metrics_variables]
            np.savez(temporary / METRICS, *metrics)
            _write_state(
                temporary,
                {
                    "format_version": FORMAT_VERSION,
                    "step": step,
                    "first_step": self._first_step,
                    "epoch": self._epoch,
                    "epoch_steps": self._epoch_steps,
                    "settings": self._settings,
                    "data": self._data.get_state(),
                    "history": {"epoch": history.epoch, "history": history.history},
                    "callbacks": [[type(c).__name__, c.get_state()] for c in self._callbacks],
                },
            )
        for old in _snapshots(self.directory)[: -self.keep]:
            shutil.rmtree(old)

    def _newest_step(self):
        found = _snapshots(self.directory)
        return _step(found[-1]) if found else None


def _snapshots(directory):
    """The snapshot folders of a run, oldest first."""
    found = [path for path in directory.iterdir() if re.fullmatch(r"step\d{8,}", path.name)]
    return sorted(found, key=_step)


def _step(folder):
    return int(folder.name.removeprefix("step"))


def _settings(gan):
    """dict: dotted name to value of what must not change in a run."""
    found = {"class_name": type(gan).__name__}
    pending = [(key, value) for key, value in gan.get_config().items()]
    pending += [(f"compile.{key}", value) for key, value in gan.get_compile_config().items()]
    while pending:
        key, value = pending.pop()
        if isinstance(value, dict):
            # Names and modules of parts say nothing, and differ from process to process.
            skipped = ("name", "module", "registered_name", "build_config")
            pending += [(f"{key}.{k}", v) for k, v in value.items() if k not in skipped]
        elif key != "name":
            found[key] = value
    return _json(found)


def _is_finite(variable):
    value = keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32"))
    return np.isfinite(value).all()


def _json(value):
    """What `value` is after it was written as JSON and read again."""
    return json.loads(json.dumps(value, default=float))


def _digest(state):
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _write_state(folder, state):
    state = _json(state)
    state["sha256"] = {name: sha256(folder / name) for name in (WEIGHTS, METRICS)}
    text = json.dumps({"digest": _digest(state), "state": state}, indent=1)
    (folder / STATE).write_text(text + "\n", encoding="utf-8")


def _read_state(folder):
    """The state of a snapshot that is sound, or a ValueError or OSError."""
    try:
        content = json.loads((folder / STATE).read_text(encoding="utf-8"))
        state = content["state"]
        if content["digest"] != _digest(state):
            raise ValueError(f"{STATE} does not have the digest that it states")
        for name, expected in state["sha256"].items():
            if sha256(folder / name) != expected:
                raise ValueError(f"{name} is truncated or was changed")
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ValueError(f"The snapshot {folder} is damaged: {error}.") from None
    if state["format_version"] != FORMAT_VERSION:
        raise ValueError(
            f"The snapshot {folder} has format_version {state['format_version']}; this keras_gan "
            f"reads {FORMAT_VERSION}."
        )
    return state


def _arrays(path):
    try:
        with np.load(path) as file:
            return [file[f"arr_{i}"] for i in range(len(file.files))]
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
