"""Write the preset folder of a finished run: weights in float32, samples, card.

    KERAS_BACKEND=torch python tools/train_presets/export.py NAME --run FOLDER --weaknesses TEXT

Weights that the run had earlier, FOLDER/kept/step00001190.weights.h5 and so on, are judged, too:
the card shows how FID fell. That of a StyleGAN2 has pictures of truncation and of mixed styles.
"""

import argparse
import json
import pathlib

import numpy as np
from judge import figures_of
from recipes import RECIPES
from train import grid

import keras_gan
from keras_gan.images import make_grid, save_png

PRESETS = pathlib.Path(__file__).parents[2] / "presets"


def bare(trained):
    """The model with its weights in float32, without optimizers and seed."""
    gan = type(trained).from_config({**trained.get_config(), "dtype": "float32", "seed": None})
    gan.set_weights(trained.get_weights())
    return gan


def fid_over_time(trained, run, name, data):
    """dict: a line of the card for each of the weights that the run kept."""
    found = {}
    for path in sorted((run / "kept").glob("step*.weights.h5")):
        trained.load_weights(path)
        figures, steps = figures_of(bare(trained), name, data), int(trained.step.numpy())
        found[f"FID after {steps:,} steps"] = figures["FID of the classifier's features"]
    return found


def draw_truncation(gan):
    """The same images, closer and closer to the average."""
    rows = [gan.generate(seeds="0-7", truncation=psi) for psi in (1.0, 0.7, 0.4, 0.0)]
    return make_grid(np.concatenate(rows), columns=8)


def draw_mixing(gan):
    """Images of which the first styles, and with them the shapes, are those of others."""
    return keras_gan.latents.mix(gan, "0-5", "20-27", "0-3").grid()


# Of models with styles: file of a picture, what it shows, and what draws it.
PICTURES = (
    ("truncation.png", "Truncation by 1, 0.7, 0.4 and 0", draw_truncation),
    ("mixing.png", "Layers 0 to 3 of the images on top in those at the left", draw_mixing),
)


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
    steps, policy = int(trained.step.numpy()), trained.dtype_policy.name
    gan = bare(trained)

    lines = (arguments.run / "history.jsonl").read_text().splitlines()
    history = [json.loads(line) for line in lines]
    metrics = {}
    for epoch in sorted({1, len(history) // 2, len(history)}):
        losses = history[epoch - 1]
        shown = ("d_loss", "g_loss", "real_logits", "fake_logits")
        metrics[f"losses, epoch {epoch}"] = ", ".join(f"{k} {losses[k]:.3f}" for k in shown)
    metrics.update(fid_over_time(trained, arguments.run, arguments.name, arguments.data))
    metrics.update(figures_of(gan, arguments.name, arguments.data))
    folder = (
        PRESETS / arguments.name.partition("_fashion")[0].partition("_emoji")[0] / arguments.name
    )
    drawn = PICTURES if hasattr(gan, "num_styles") else ()
    gan.save_to_preset(
        folder,
        description=recipe.description,
        dataset=recipe.data,
        dataset_licence=recipe.data_licence,
        licence="Apache-2.0",
        recipe=f"That of the paper, but: {recipe.deviations}",
        training=(
            f"{len(history)} epochs, {steps:,} steps of batches of {recipe.batch_size}, seed "
            f"{arguments.seed}, {policy}: "
            f"tools/train_presets/train.py {arguments.name}. {arguments.remark}".rstrip()
        ),
        metrics=metrics,
        weaknesses=arguments.weaknesses,
        samples="samples.png",
        overwrite=True,
        **({"pictures": {caption: file for file, caption, _ in drawn}} if drawn else {}),
    )
    save_png(folder / "samples.png", grid(gan))
    for file, _, draw in drawn:
        save_png(folder / file, draw(gan))
    print(folder)


if __name__ == "__main__":
    main()
