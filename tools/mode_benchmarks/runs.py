"""Runs that are kept: one folder each, complete or to be made."""

import json
import platform
import shutil
import time

import keras
import numpy as np

import keras_gan
from keras_gan.files import atomic_file

_SNAPSHOTS = "snapshots"


def load_or_make(folder, protocol, make):
    """The figures of a run: those of the folder, or of `make()`, which are stored there.

    Args:
        folder: path.
        protocol: JSON-able dict of all that the figures depend on.
        make: function without arguments to `(figures, samples)`: a JSON-able dict, and an array to
            look at.

    Returns:
        dict with `protocol`, `figures` and `made_by`.

    Raises:
        ValueError: if the folder holds a run of another protocol.
    """
    path = folder / "run.json"
    if path.exists():
        run = json.loads(path.read_text())
        if run["protocol"] != protocol:
            raise ValueError(
                f"{folder} holds a run of another protocol: {run['protocol']}. Received: "
                f"{protocol}. Use another --results folder, or remove this one."
            )
        return run
    folder.mkdir(parents=True, exist_ok=True)
    start = time.process_time()
    figures, samples = make()
    run = {
        "protocol": protocol,
        "figures": figures,
        "made_by": {
            "backend": keras.backend.backend(),
            "keras": keras.__version__,
            "keras_gan": keras_gan.__version__,
            "python": platform.python_version(),
            "cpu_seconds": round(time.process_time() - start),
        },
    }
    with atomic_file(folder / "samples.npz") as temporary:
        np.savez_compressed(temporary, samples=samples)
    # Last: it is what says that the run is complete.
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(run, indent=1) + "\n")
    shutil.rmtree(folder / _SNAPSHOTS, ignore_errors=True)
    return run


def stored(folder):
    """All complete runs below a folder, in the order of their names."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("**/run.json"))]


def grouped(found, names):
    """The figures of the runs by remedy and length.

    Args:
        found: list of runs.
        names: list of str, the remedies in their order.

    Returns:
        List of (remedy, steps, list of figures); the remedy says how many of its runs diverged.
    """
    groups = {}
    for run in found:
        key = (run["protocol"]["remedy"], run["protocol"]["steps"])
        groups.setdefault(key, []).append(run["figures"])
    order = sorted(groups, key=lambda key: (names.index(key[0]), key[1]))
    rows = []
    for name, steps in order:
        figures = groups[name, steps]
        diverged = sum(f["diverged_at"] is not None for f in figures)
        rows.append((f"{name} ({diverged} diverged)" if diverged else name, steps, figures))
    return rows


def train(gan, images, batch_size, steps, folder):
    """`fit` for a number of steps; a run that was killed goes on from its last snapshot.

    Returns:
        int, the step at which a loss or weight became NaN or infinite, or `None`. The model is then
        that of the last snapshot before.
    """
    snapshot = keras_gan.callbacks.Snapshot(folder / _SNAPSHOTS, every_steps=5000)
    gan.fit(
        images,
        batch_size=batch_size,
        # One epoch, whatever the number of passes over the images.
        steps_per_epoch=steps,
        epochs=1,
        verbose=0,
        callbacks=[snapshot],
    )
    return snapshot.diverged_at
