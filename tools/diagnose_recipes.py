"""Train a shipped recipe under `keras_gan.callbacks.Diagnosis`: what healthy signals look like.

    KERAS_BACKEND=torch python tools/diagnose_recipes.py dcgan_fashion_mnist_32 --steps 1000
    KERAS_BACKEND=torch python tools/diagnose_recipes.py dcgan_emoji_64 --data EMOJI --from-preset

Prints the report, and what the callback cost (processor time, so that a busy machine matters less).
With `--write FILE`, the signals are put into a JSON file of runs, which
tests/diagnosis/healthy_runs.json is: there, the diagnosis must stay silent.
"""

import argparse
import json
import pathlib
import sys
import time

import keras

import keras_gan
from keras_gan.diagnosis.diseases import kind_of

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "train_presets"))
from recipes import RECIPES


class TimedDiagnosis(keras_gan.callbacks.Diagnosis):
    """The processor time of every probe."""

    def __init__(self, interval):
        super().__init__(interval)
        self.seconds = []

    def _examine(self, logs):
        start = time.process_time()
        super()._examine(logs)
        self.seconds.append(time.process_time() - start)


class StepClock(keras.callbacks.Callback):
    """The processor time of every step."""

    def on_train_begin(self, logs=None):
        """Begin."""
        self.seconds = []

    def on_train_batch_begin(self, batch, logs=None):
        """Start the clock."""
        self._start = time.process_time()

    def on_train_batch_end(self, batch, logs=None):
        """Stop it; called before the diagnosis."""
        self.seconds.append(time.process_time() - self._start)


def write_signals(path, run, diagnosis):
    """Put the signals of a run into a JSON file of runs."""
    runs = json.loads(path.read_text()) if path.exists() else {}
    rows = [
        {name: v if isinstance(v, int) else float(f"{v:.4g}") for name, v in row.items()}
        for row in diagnosis.signals
    ]
    runs[run] = {"kind": kind_of(diagnosis.model.adversarial_loss), "rows": rows}
    path.write_text(json.dumps(runs, indent=0) + "\n")


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--data", help="folder of the data, where it is not the default")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--interval", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from-preset", action="store_true", help="go on with shipped weights")
    parser.add_argument("--write", type=pathlib.Path, help="JSON file to put the signals into")
    arguments = parser.parse_args()

    recipe = RECIPES[arguments.name]
    keras.utils.set_random_seed(arguments.seed)
    gan = recipe.model(arguments.seed)
    gan.compile(**recipe.compile())
    if arguments.from_preset:
        trained = keras_gan.GAN.from_preset(arguments.name)
        for network in ("generator", "discriminator", "ema_generator"):
            getattr(gan, network).set_weights(getattr(trained, network).get_weights())
    held_in, held_out = recipe.dataset(arguments.seed, arguments.data).split(0.1)
    diagnosis, clock = TimedDiagnosis(arguments.interval), StepClock()
    gan.fit(
        held_in,
        steps_per_epoch=arguments.steps,
        validation_data=held_out,
        validation_steps=1,
        verbose=0,
        callbacks=[clock, diagnosis],
    )
    print(diagnosis.report())
    step = sorted(clock.seconds)[len(clock.seconds) // 2]
    probe = sorted(diagnosis.seconds)[len(diagnosis.seconds) // 2]
    print(
        f"A probe took {probe:.2f} s of processor time, a step {step:.2f} s: "
        f"{probe / step:.1f} steps, {probe / (100 * step):.1%} of a run at the default interval."
    )
    if arguments.write:
        kind = "going on from the preset" if arguments.from_preset else "from scratch"
        write_signals(arguments.write, f"{arguments.name}, {kind}", diagnosis)


if __name__ == "__main__":
    main()
