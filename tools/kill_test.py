"""Kill a training run at random moments, let it go on, and compare it with one left in peace.

    KERAS_BACKEND=jax python tools/kill_test.py [--kills 30] [--seed 0] [--folder FOLDER]

Each run is a process of its own that is killed with SIGKILL at a random time between the beginning
of `fit` and its end: while it compiles, trains, writes samples or a snapshot. It is started again
until it ends. Then weights, averages, optimizer states, random states, history and sample
grids must be those of the undisturbed run, bit for bit. Exit 1 if not.
"""

import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

STEPS_PER_EPOCH, EPOCHS = 8, 6


def train(folder):
    """The run: a small DCGAN on arrays, with everything that a run can write."""
    import keras
    import numpy as np

    import keras_gan
    from keras_gan.callbacks import HistoryFile, SampleGrid, Snapshot

    keras.utils.set_random_seed(1)
    images = np.random.RandomState(0).randint(0, 256, (8 * STEPS_PER_EPOCH, 16, 16, 1))
    dataset = keras_gan.data.arrays(images.astype("uint8"), batch_size=8, seed=5, flip=True)
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), width=2, latent_dim=4, seed=3)
    gan.compile(ema_decay=0.9, jit_compile=keras.backend.backend() == "jax")

    gan.fit(
        dataset,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[
            HistoryFile(folder / "history.jsonl"),
            Snapshot(folder / "snapshots", every_steps=3),
            SampleGrid(folder / "samples", seeds="0-3", every_steps=4),
            keras.callbacks.LambdaCallback(
                on_train_batch_begin=lambda batch, logs: report(folder, gan),
            ),
        ],
    )
    variables = [*gan.variables, *gan.optimizer.variables]
    np.savez(folder / "end.npz", *(keras.ops.convert_to_numpy(v) for v in variables))


def report(folder, gan):
    """Tell the killer which step begins, and give it time."""
    from keras_gan import backend

    backend.sync(gan)
    (folder / "step").write_text(str(int(gan.step.numpy())))
    time.sleep(0.01)


def start(folder):
    """Start a run in a process of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "step").unlink(missing_ok=True)
    command = [sys.executable, __file__, "--folder", str(folder), "--run"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process):
    """Wait for a run to end well."""
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"a run ended with {process.returncode}:\n{errors}")


def contents(folder):
    """dict: everything that a run leaves, but for its times and the bytes of HDF5 files."""
    import numpy as np

    with np.load(folder / "end.npz") as file:
        found = {f"variable {name}": file[name].tobytes() for name in file.files}
    for i, line in enumerate((folder / "history.jsonl").read_text().splitlines()):
        values = {k: v for k, v in json.loads(line).items() if k != "seconds"}
        found[f"history line {i}"] = json.dumps(values)
    for path in (folder / "samples").iterdir():
        found[path.name] = path.read_bytes()
    found["snapshots"] = sorted(path.name for path in (folder / "snapshots").iterdir())
    return found


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--folder", type=pathlib.Path, help="of the runs (default: temporary)")
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        train(arguments.folder)
        return 0

    folder = arguments.folder or pathlib.Path(tempfile.mkdtemp())
    finish(start(folder / "undisturbed"))
    expected = contents(folder / "undisturbed")
    moments, kills, runs = random.Random(arguments.seed), 0, 0
    while kills < arguments.kills:
        runs += 1
        run = folder / f"run{runs}"
        process, target = start(run), 0
        while kills < arguments.kills:
            target += moments.randint(0, STEPS_PER_EPOCH)
            while step(run) < target and process.poll() is None:
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 0.05))
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            print(
                f"run {runs}, kill {kills}: in step {step(run)}, on disk {on_disk(run)}", flush=True
            )
            process = start(run)
        finish(process)
        found = contents(run)
        keys = expected.keys() | found.keys()
        differing = [key for key in keys if expected.get(key) != found.get(key)]
        if differing:
            print(f"run {runs} differs from the undisturbed one in {sorted(differing)[:10]}")
            return 1
    print(f"{os.environ.get('KERAS_BACKEND', 'default backend')}: {kills} kills, all equal")
    return 0


def step(run):
    """The step that a run has begun; -1 before its first one."""
    try:
        return int((run / "step").read_text() or -1)
    except FileNotFoundError:
        return -1


def on_disk(run):
    """The snapshots that a killed run had got to."""
    return ", ".join(sorted(path.name for path in (run / "snapshots").glob("*"))) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
