"""Train a classic model on Fashion-MNIST by its default recipe, for so many seconds of processor.

    KERAS_BACKEND=torch python tools/train_classics.py mlp_gan --seconds 300 --outdir runs

Writes NAME.png (samples; a row for each class where the model is conditional), NAME.json (steps,
losses, what `keras_gan.callbacks.Diagnosis` found, what a classifier thinks of 2000 samples) and
NAME.weights.h5 into the folder, and sheet.png, the samples of all models that have been trained
there. tools/classic_runs.md tells what came out.
"""

import argparse
import dataclasses
import json
import pathlib
import sys
import time
from collections.abc import Callable

import keras
import numpy as np
from diagnose_recipes import write_signals

import keras_gan
from keras_gan.images import make_grid, save_png

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "train_presets"))
import judge
from recipes import FASHION_MNIST

SHAPE = (28, 28, 1)
SAMPLES = 2000
# Of each model in the sheet.
COLUMNS, ROWS = 4, 10


@dataclasses.dataclass
class Classic:
    """A model that one core can train within minutes, and the batches of its recipe."""

    model: Callable
    batch_size: int = 64


CLASSICS = {
    "mlp_gan": Classic(lambda seed: keras_gan.MLPGAN(SHAPE, seed=seed)),
    "maxout_gan": Classic(lambda seed: keras_gan.MaxoutGAN(SHAPE, seed=seed), 100),
    "lsgan": Classic(lambda seed: keras_gan.LSGAN(SHAPE, latent_dim=128, width=16, seed=seed)),
    "wgan": Classic(lambda seed: keras_gan.WGAN(SHAPE, width=16, seed=seed)),
    "conditional_gan": Classic(lambda seed: keras_gan.ConditionalGAN(10, SHAPE, seed=seed)),
    "conditional_dcgan": Classic(
        lambda seed: keras_gan.ConditionalDCGAN(10, SHAPE, width=32, seed=seed)
    ),
    "acgan": Classic(
        lambda seed: keras_gan.ACGAN(10, SHAPE, width=32, discriminator_width=8, seed=seed), 100
    ),
}


class Budget(keras.callbacks.Callback):
    """Stops training after so many seconds of processor time, the compilation among them.

    Args:
        seconds: float.
        every_steps: int, steps from one printed line to the next.
    """

    def __init__(self, seconds, every_steps=500):
        super().__init__()
        self.seconds = seconds
        self.every_steps = every_steps
        self.lines = []

    def on_train_begin(self, logs=None):
        """Start the clock."""
        self._start = time.process_time()
        self._steps = 0

    def on_train_batch_end(self, batch, logs=None):
        """Print the losses now and then, and stop where the time is over."""
        self._steps += 1
        used = time.process_time() - self._start
        if used > self.seconds:
            self.model.stop_training = True
        if used > self.seconds or self._steps % self.every_steps == 0:
            values = {name: round(float(value), 4) for name, value in logs.items()}
            self.lines.append({"step": self._steps, "seconds": round(used), **values})
            print(self.lines[-1], flush=True)


def paths(part, gan):
    """Files of images, and of their labels if the model is conditional."""
    names = ("images-idx3", "labels-idx1") if gan.num_classes else ("images-idx3",)
    return [FASHION_MNIST / f"{part}-{name}-ubyte.gz" for name in names]


def held_out(gan, count=256):
    """Test images, with labels if the model is conditional, as `Diagnosis` takes them."""
    images, *labels = [keras_gan.data.read_idx(path)[:count] for path in paths("t10k", gan)]
    return (images[..., None], *[part.astype("int32") for part in labels])


def figures(gan):
    """What the classifier of the presets thinks of the samples."""
    labels = None if gan.num_classes is None else np.arange(SAMPLES) % gan.num_classes
    samples = gan.generate(SAMPLES, seed=0, labels=labels)
    samples = np.pad(samples, ((0, 0), (2, 2), (2, 2), (0, 0)))
    found = judge.probabilities_of(samples)
    result = judge.clarity(found)
    if labels is not None:
        right = found.argmax(1) == labels
        result["class accuracy"] = round(float(right.mean()), 4)
        per_class = {name: right[labels == i].mean() for i, name in enumerate(judge.GARMENTS)}
        result["class accuracy by class"] = {k: round(float(v), 3) for k, v in per_class.items()}
    return result


def grid(gan, columns):
    """Ten rows of samples, of one class each where there are classes."""
    if gan.num_classes is None:
        return make_grid(gan.generate(seeds=range(ROWS * columns)), columns)
    labels = np.arange(ROWS).repeat(columns)
    return make_grid(gan.generate(seeds=[*range(columns)] * ROWS, labels=labels), columns)


def write_sheet(folder):
    """The first columns of all grids of the folder, side by side, in the order of `CLASSICS`.

    Sixteen grey levels are enough there, and make a file of half the size.
    """
    from PIL import Image

    grids = [folder / f"{name}.png" for name in CLASSICS if (folder / f"{name}.png").exists()]
    width = COLUMNS * SHAPE[1]
    parts = [np.asarray(Image.open(path))[:, :width] for path in grids]
    gap = np.full((parts[0].shape[0], 8), 255, "uint8")
    sheet = np.concatenate([x for part in parts for x in (gap, part)][1:], axis=1)
    save_png(folder / "sheet.png", (sheet // 17 * 17)[..., None])


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=CLASSICS)
    parser.add_argument("--seconds", type=float, default=300, help="of processor time")
    parser.add_argument("--outdir", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval", type=int, default=100, help="steps between two probes")
    parser.add_argument("--write", type=pathlib.Path, help="JSON file to put the signals into")
    arguments = parser.parse_args()

    classic = CLASSICS[arguments.name]
    keras.utils.set_random_seed(arguments.seed)
    gan = classic.model(arguments.seed)
    gan.compile()
    diagnosis = keras_gan.callbacks.Diagnosis(arguments.interval, held_out=held_out(gan))
    budget = Budget(arguments.seconds)
    data = keras_gan.data.idx(
        *paths("train", gan),
        batch_size=classic.batch_size,
        seed=arguments.seed,
        drop_remainder=True,
    )
    # As many epochs as there is time for.
    gan.fit(data, epochs=10**6, verbose=0, callbacks=[budget, diagnosis])
    print(diagnosis.report())
    folder = arguments.outdir
    folder.mkdir(parents=True, exist_ok=True)
    gan.save_weights(folder / f"{arguments.name}.weights.h5")
    save_png(folder / f"{arguments.name}.png", grid(gan, 10))
    write_sheet(folder)
    facts = {
        "config": gan.get_config(),
        "backend": keras.backend.backend(),
        "seed": arguments.seed,
        "batch_size": classic.batch_size,
        "lines": budget.lines,
        "findings": [str(finding) for finding in diagnosis.findings],
        **figures(gan),
    }
    (folder / f"{arguments.name}.json").write_text(json.dumps(facts, indent=1) + "\n")
    print({name: facts[name] for name in facts if name not in ("config", "lines")})
    if arguments.write:
        write_signals(arguments.write, f"{arguments.name}, from scratch", diagnosis)


if __name__ == "__main__":
    main()
