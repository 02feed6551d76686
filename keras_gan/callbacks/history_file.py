"""The history of a run as a file that other programs can follow."""

import json
import os
import pathlib
import time

import keras

from keras_gan import backend


class HistoryFile(keras.callbacks.Callback):
    """Appends one JSON object per epoch to a file: epoch, step, seconds and all logged values.

    With `keras_gan.callbacks.Snapshot`, a run that goes on removes the lines of epochs that it
    repeats. In a distributed run, one process writes.

    Args:
        path: str or path of the file, for example `history.jsonl`; its folder must exist.

    Example:
    ```python
    gan.fit(dataset, epochs=25, callbacks=[keras_gan.callbacks.HistoryFile("history.jsonl")])
    ```
    """

    def __init__(self, path):
        super().__init__()
        self.path = pathlib.Path(path)

    def get_state(self):
        """The length of the file, for `keras_gan.callbacks.Snapshot`."""
        return self.path.stat().st_size if self.path.exists() else 0

    def set_state(self, state):
        """Cut the file to the length that it had."""
        if backend.is_chief() and self.get_state() > state:
            os.truncate(self.path, state)

    def on_epoch_begin(self, epoch, logs=None):
        """Start the clock."""
        self._start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Append a line."""
        if not backend.is_chief():
            return
        line = {
            "epoch": epoch + 1,
            "step": int(self.model.step.numpy()),
            "seconds": round(time.monotonic() - self._start, 3),
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
