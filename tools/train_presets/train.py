"""Train one of the shipped presets; run it again to go on where it stopped.

    KERAS_BACKEND=torch python tools/train_presets/train.py dcgan_fashion_mnist_32 --run runs/dcgan

`--data` names the folder of emoji for dcgan_emoji_64 (img/google/64 of the npm package
emoji-datasource-google), and that of the package for stylegan2_emoji_64. The run folder gets
snapshots/, history.jsonl and a grid of samples after every epoch.
"""

import argparse
import pathlib

import keras
from recipes import RECIPES

from keras_gan.callbacks import HistoryFile, SampleGrid, Snapshot
from keras_gan.images import make_grid


class LowerLearningRates(keras.callbacks.Callback):
    """Lets the learning rates fall linearly to 0 over the last third."""

    def __init__(self, epochs, optimizer):
        super().__init__()
        self.epochs = epochs
        players = optimizer.players.values()
        self.rates = [(player, float(player.learning_rate.numpy())) for player in players]

    def on_epoch_begin(self, epoch, logs=None):
        share = min(1.0, 3 * (self.epochs - epoch) / self.epochs)
        for optimizer, rate in self.rates:
            optimizer.learning_rate = rate * share


def grid(gan):
    """64 samples that are the same latents every time."""
    return make_grid(gan.generate(seeds="0-63"), columns=8)


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--run", type=pathlib.Path, required=True, help="folder of the run")
    parser.add_argument("--data", help="folder of the data, where it is not the default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument(
        "--weights", help="a snapshot's model.weights.h5 of another run to go on from"
    )
    arguments = parser.parse_args()

    recipe = RECIPES[arguments.name]
    arguments.run.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(arguments.seed)
    gan = recipe.model(arguments.seed)
    epochs = arguments.epochs or recipe.epochs
    # Before `compile`: the file may hold optimizers, whose rates would replace the recipe's.
    if arguments.weights:
        gan.load_weights(arguments.weights)
    gan.compile(**recipe.compile())
    # Made before `fit` brings a snapshot with lowered rates.
    lower = LowerLearningRates(epochs, gan.optimizer)
    gan.fit(
        recipe.dataset(arguments.seed, arguments.data),
        epochs=epochs,
        callbacks=[
            lower,
            *recipe.callbacks(),
            HistoryFile(arguments.run / "history.jsonl"),
            SampleGrid(arguments.run / "samples", seeds="0-63"),
            Snapshot(arguments.run / "snapshots"),
        ],
        verbose=2,
    )


if __name__ == "__main__":
    main()
