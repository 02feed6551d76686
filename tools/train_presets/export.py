"""Write the preset folder of a finished run: weights in float32, samples, card.

KERAS_BACKEND=torch python tools/train_presets/export.py NAME --run FOLDER --weaknesses TEXT
"""

import argparse
import json
import pathlib

from judge import figures_of
from recipes import RECIPES
from train import grid

from keras_gan.images import save_png

PRESETS = pathlib.Path(__file__).parents[2] / "presets"


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--data", help="folder of the data, where it is not the default")
    parser.add_argument("--seed", type=int, default=0, help="that the run was trained with")
    parser.add_argument("--weaknesses", required=True, help="what a critical eye sees")
    parser.add_argument("--remark", default="", help="what else the card says of the training")
    arguments = parser.parse_args()

    recipe = RECIPES[arguments.name]
    trained = recipe.model(arguments.seed)
    *_, newest = sorted((arguments.run / "snapshots").glob("step*"))
    trained.load_weights(newest / "model.weights.h5")
    gan = type(trained).from_config({**trained.get_config(), "dtype": "float32", "seed": None})
    gan.set_weights(trained.get_weights())

    lines = (arguments.run / "history.jsonl").read_text().splitlines()
    history = [json.loads(line) for line in lines]
    metrics = {}
    for epoch in sorted({1, len(history) // 2, len(history)}):
        losses = history[epoch - 1]
        shown = ("d_loss", "g_loss", "real_logits", "fake_logits")
        metrics[f"losses, epoch {epoch}"] = ", ".join(f"{k} {losses[k]:.3f}" for k in shown)
    metrics.update(figures_of(gan, arguments.name, arguments.data))
    folder = (
        PRESETS / arguments.name.partition("_fashion")[0].partition("_emoji")[0] / arguments.name
    )
    gan.save_to_preset(
        folder,
        description=recipe.description,
        dataset=recipe.data,
        dataset_licence=recipe.data_licence,
        licence="Apache-2.0",
        recipe=f"That of the paper, but: {recipe.deviations}",
        training=(
            f"{len(history)} epochs, {int(trained.step.numpy()):,} steps of batches of 64, seed "
            f"{arguments.seed}, {trained.dtype_policy.name}: "
            f"tools/train_presets/train.py {arguments.name}. {arguments.remark}".rstrip()
        ),
        metrics=metrics,
        weaknesses=arguments.weaknesses,
        samples="samples.png",
        overwrite=True,
    )
    save_png(folder / "samples.png", grid(gan))
    print(folder)


if __name__ == "__main__":
    main()
