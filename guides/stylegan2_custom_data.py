# %% [markdown]
# # A StyleGAN2 of your own images
#
# From a folder of pictures to a preset that others can load: the data set, the configuration, adaptive augmentation (ADA)
# because there are few images, the FID as it falls, and the model with the best one.
#
# It runs as it is on a folder of your own (`DATA=photos/`); without one it makes a set of its own, coloured shapes, so that
# every line works offline. With the settings below it takes some minutes on one processor core and shows that the parts
# work together; for good images train for hours, on a GPU for large ones.

# %%
import json
import os
import pathlib

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

import keras_gan
from keras_gan.callbacks import (
    AdaptiveAugmentation,
    HistoryFile,
    MetricEvaluator,
    SampleGrid,
    Snapshot,
)
from keras_gan.images import make_grid, save_png

OUT = pathlib.Path(os.environ.get("OUT", "stylegan2_custom_data"))
DATA = os.environ.get("DATA")
SIDE = int(os.environ.get("SIDE", 32))
EPOCHS = int(os.environ.get("EPOCHS", 8))
CHANNELS = int(os.environ.get("CHANNELS", 48))
SAMPLES = int(os.environ.get("SAMPLES", 400))
BATCH = 16
OUT.mkdir(parents=True, exist_ok=True)


def draw_shapes(folder, count=400):
    """A folder of pictures of circles, squares and triangles."""
    random = np.random.RandomState(0)
    folder.mkdir(exist_ok=True)
    for number in range(count):
        picture = Image.new("RGB", (64, 64), tuple(random.randint(180, 256, 3)))
        pen, color = ImageDraw.Draw(picture), tuple(random.randint(0, 180, 3))
        x, y, r = *random.randint(22, 42, 2), random.randint(10, 22)
        kind = number % 3
        if kind == 0:
            pen.ellipse((x - r, y - r, x + r, y + r), color)
        elif kind == 1:
            pen.rectangle((x - r, y - r, x + r, y + r), color)
        else:
            pen.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], color)
        picture.save(folder / f"{number:03}.png")


if DATA is None:
    DATA = OUT / "shapes"
    draw_shapes(DATA)

# %% [markdown]
# ## The data
#
# Pictures of any size are cropped to squares and resized. Mirrored copies double a small set, if left and right do not
# matter in it.

# %%
dataset = keras_gan.data.image_folder(
    DATA, image_shape=(SIDE, SIDE, 3), batch_size=BATCH, flip=True, drop_remainder=True, cache=True
)
print(f"{len(dataset)} batches of {BATCH}")
real = np.concatenate([dataset[i][0] for i in range(len(dataset))])
save_png(OUT / "real.png", make_grid(real[:64], columns=16))

# %% [markdown]
# ## The model
#
# `from_recipe("auto", ...)` chooses learning rate, R1's weight and the average's half-life by resolution and batch size, as
# StyleGAN2-ADA does. The networks are made much smaller here, for a processor. Leave `channel_base` and `channel_max` out
# on a GPU.
#
# To start from a trained model instead: `keras_gan.StyleGAN2.from_preset("ffhq_256", frozen_layers=10,
# training_recipe="auto", batch_size=16)`. Its average goes on from where it was, and `AdaptiveAugmentation(kimg=100)` finds
# its p sooner, as in the paper.

# %%
gan = keras_gan.StyleGAN2.from_recipe(
    "auto",
    (SIDE, SIDE, 3),
    batch_size=BATCH,
    channel_base=CHANNELS * SIDE // 2,
    channel_max=CHANNELS,
    latent_dim=64,
    style_dim=64,
    seed=0,
)
gan.compile(augmentations=[keras_gan.augmentation.ADA("bgc")])

# %% [markdown]
# ## Training
#
# `AdaptiveAugmentation` raises the probability of augmentations when the discriminator becomes sure of the few images that
# it has seen too often. `Snapshot` lets a run that was killed go on where it stopped: call the script again.
# `MetricEvaluator` measures the FID, here in the features of a small network (the numbers compare with each other, not with
# published ones: those need Inception's features, `FeatureExtractor.from_preset("inception_v3_2015_12_05")`), and keeps the
# best model.


# %%
def recorded():
    """What each epoch so far has logged, in this call of the script or an earlier one."""
    path = OUT / "history.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


evaluator = MetricEvaluator(
    dataset,
    ["fid"],
    num_samples=SAMPLES,
    extractor=os.environ.get("EXTRACTOR", "emoji_classifier"),
    best=OUT / "best.keras",
    initial_value_threshold=min((entry["fid"] for entry in recorded()), default=None),
    log=OUT / "fid.jsonl",
)
gan.fit(
    dataset,
    epochs=EPOCHS,
    callbacks=[
        # A hundred thousand images from p = 0 to 1; the paper's 500 are for runs of many millions.
        AdaptiveAugmentation(target=0.6, kimg=100),
        evaluator,
        HistoryFile(OUT / "history.jsonl"),
        SampleGrid(OUT / "samples", seeds="0-31"),
        Snapshot(OUT / "snapshots"),
    ],
    verbose=2,
)

# %% [markdown]
# ## How it went
#
# The FID falls while p, the probability of augmentations, follows what the discriminator knows by heart.

# %%
history = recorded()
best_fid = min(entry["fid"] for entry in history)
epochs = [entry["epoch"] for entry in history]
figure, axes = plt.subplots(1, 2, figsize=(10, 3.5))
axes[0].plot(epochs, [entry["fid"] for entry in history], "o-")
axes[0].set(title="FID", xlabel="epoch", yscale="log")
for name in ("ada_probability", "ada_r_t"):
    axes[1].plot(epochs, [entry[name] for entry in history], label=name)
axes[1].set(title="augmentation", xlabel="epoch")
axes[1].legend()
figure.tight_layout()
figure.savefig(OUT / "curves.png")
print(f"FID {history[0]['fid']:.2f} after the first epoch, {best_fid:.2f} at best")

# %% [markdown]
# ## The preset
#
# The best model as a folder that `from_preset` reads, here or, after `keras_gan.upload_preset("hf://me/shapes", folder)`,
# anywhere.

# %%
best = keras.saving.load_model(OUT / "best.keras")
best.save_to_preset(
    OUT / "preset",
    description="Coloured shapes, by a small StyleGAN2 with ADA.",
    dataset=f"{len(dataset) * BATCH} pictures of {SIDE}x{SIDE} pixels",
    licence="CC0-1.0",
    metrics={"FID": {"value": best_fid, "protocol": f"{SAMPLES} samples"}},
    overwrite=True,
)
again = keras_gan.StyleGAN2.from_preset(OUT / "preset")
save_png(OUT / "best.png", make_grid(again.generate(seeds="0-31", truncation=0.8), columns=8))
