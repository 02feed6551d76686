# %% [markdown]
# # Projection and editing
#
# A StyleGAN2 turns styles into images. Projection goes the other way: it looks for the styles whose image is most like a
# given one. Once a picture has styles, it can be edited: moved along directions in the space of styles that change one
# thing, or mixed with the styles of another picture.
#
# The model is a preset that comes with the library: emoji of 64x64 pixels. Any other StyleGAN2 goes through the same lines:
# set PRESET to `ffhq_1024`, and TARGET to the photo of a face. It takes some minutes on one processor core.

# %%
import os
import pathlib

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

import keras_gan
from keras_gan import latents
from keras_gan.images import make_grid, save_png

PRESET = os.environ.get("PRESET", "stylegan2_emoji_64")
OUT = pathlib.Path(os.environ.get("OUT", "projection_and_editing"))
TARGET = os.environ.get("TARGET")
STEPS = int(os.environ.get("STEPS", 300))
SAMPLES = int(os.environ.get("SAMPLES", 10_000))
LPIPS = os.environ.get("LPIPS") == "1"
OUT.mkdir(parents=True, exist_ok=True)

gan = keras_gan.StyleGAN2.from_preset(PRESET)
height, width, channels = gan.image_shape
print(f"{gan.image_shape} images, {gan.num_styles} styles of {gan.generator.synthesis.style_dim}")

# %% [markdown]
# ## What "alike" means
#
# Published projections compare images by LPIPS, the maps of a network that has seen a million photos; its weights are
# downloaded (80 MB): `LPIPS=1`. What is compared can also be any Keras model of images, or a function in `keras.ops`.
# `latents.pixel_pyramid` has no weights: it gives the pixels, averages over 2x2 of them, over 4x4 and so on, so that a shape
# in the wrong place is told from a missing one.

# %%
distance = keras_gan.metrics.LPIPS.from_preset() if LPIPS else latents.pixel_pyramid

# %% [markdown]
# ## An image that the model can draw
#
# First a test whose answer is known: the image of a seed, which the model certainly can draw. Projection does not know
# the seed. It begins with the mean style and finds its way, in the space w (one vector for all layers).

# %%
known = gan.generate(seeds=[7], truncation=0.7)[0]
found = latents.project(gan, known, "w", STEPS, distance=distance, samples=SAMPLES)
error = np.abs(found.image.astype("float32") - known).mean()
print(f"the image of a seed: {error:.1f} grey levels off on average")

# %% [markdown]
# ## A picture from outside
#
# Then one that it has never seen: a person drawn with a few lines of Pillow, unless TARGET names a file, whose centre is
# cropped. In w the projection stays among the images that the model makes; in w+ (a vector for each layer) it comes closer
# to the picture, but styles that never occurred together in training take edits less well.


# %%
def drawn(side=256):
    picture = Image.new("RGB", (side, side), "white")
    pen, unit = ImageDraw.Draw(picture), side / 16
    for color, box in (
        ("#2f80d0", (2, 11, 14, 21)),  # shoulders
        ("#4a3022", (3.5, 0.5, 12.5, 9)),  # hair
        ("#c68a62", (4, 2, 12, 12)),  # face
        ("#3a2211", (5.6, 6, 6.8, 7.4)),  # eyes
        ("#3a2211", (9.2, 6, 10.4, 7.4)),
    ):
        pen.ellipse([unit * place for place in box], color)
    pen.chord([unit * place for place in (6, 6.5, 10, 10.5)], 20, 160, "#3a2211")
    return picture


target = drawn() if TARGET is None else TARGET
in_w, in_w_plus = (
    latents.project(gan, target, space, STEPS, distance=distance, samples=SAMPLES)
    for space in ("w", "w+")
)
save_png(
    OUT / "projection.png",
    make_grid(
        np.stack([known, found.image, in_w.target, in_w.image, in_w_plus.target, in_w_plus.image]),
        columns=2,
    ),
)
for name, result in (("w", in_w), ("w+", in_w_plus)):
    error = np.abs(result.image.astype("float32") - result.target).mean()
    print(f"the picture in {name}: {error:.1f} grey levels off on average")

# %% [markdown]
# The distance falls in three parts: while w is noisy it wanders, then it settles, and in the last quarter the learning rate
# goes to zero. `latents.progress` gives the image after each step, for a video; an animated WebP needs nothing but Pillow.

# %%
figure, axes = plt.subplots(figsize=(6, 3.5))
for name, result in (("of a seed", found), ("w", in_w), ("w+", in_w_plus)):
    axes.semilogy(result.distances, label=name)
axes.set(xlabel="step", ylabel="distance")
axes.legend()
figure.tight_layout()
figure.savefig(OUT / "distances.png")
count = keras_gan.videos.save_video(OUT / "progress.webp", latents.progress(gan, in_w), fps=30)
print(f"{count} frames in {OUT / 'progress.webp'}")

# %% [markdown]
# On the command line:
#
# ```shell
# keras-gan project --preset stylegan2_emoji_64 --target photo.png --extractor pixels --outdir out --save-video webp
# keras-gan generate --preset stylegan2_emoji_64 --projected-w out/projected_w.npz  # the same image, with its noise
# ```
#
# ## Directions
#
# Two ways to find directions that change one thing, both without labels. GANSpace takes the principal components of many
# styles w: the directions in which the model's images differ most. SeFa looks at the weights alone: the directions that
# the layers which read w stretch most. Which of them is "rounder" or "darker", one has to see.

# %%
components = latents.pca(gan, count=4, samples=SAMPLES)
factors = latents.sefa(gan, count=4)
print("standard deviations of the components:", np.round(components.scales, 2))


def strip(ws, directions, strength, layers=None):
    """A row for each direction: the same image, moved along it by -2 to 2 times `strength`."""
    rows = []
    for vector, scale in zip(directions.vectors, strength, strict=True):
        steps = np.array([-2, -1, 0, 1, 2]) * scale
        edited = latents.edit(np.repeat(ws, len(steps), axis=0), vector, steps, layers)
        rows.append(gan.generate_from_styles(edited))
    return make_grid(np.concatenate(rows), columns=5)


ws = gan.styles_from_seeds([7], truncation=0.7)
save_png(OUT / "components.png", strip(ws, components, components.scales))
# A step in a direction of SeFa that is as long as one in the strongest component.
save_png(OUT / "factors.png", strip(ws, factors, [components.scales[0]] * 4))

# %% [markdown]
# ## An edit of the picture
#
# The projected picture is edited like any other. `layers` says which styles are moved: the first half shapes, the second
# half colours. The noise that was found with the styles is kept.

# %%
half = gan.num_styles // 2
for name, layers in (("shape", f"0-{half - 1}"), ("colour", f"{half}-{gan.num_styles - 1}")):
    save_png(OUT / f"edit_{name}.png", strip(in_w.ws, components, components.scales, layers))

edited = latents.edit(in_w.ws, components.vectors[0], components.scales[0])
images = gan.generate_from_styles(np.concatenate([in_w.ws, edited]), noise=in_w.noise)
save_png(OUT / "before_and_after.png", make_grid(images))

# %% [markdown]
# ## The picture's colours for others
#
# Styles are exchanged layer by layer: the fine styles of the picture, the coarse ones of some seeds.

# %%
others = gan.styles_from_seeds("0-4", truncation=0.7)
others[:, half:] = in_w.ws[:, half:]
save_png(OUT / "colours.png", make_grid(gan.generate_from_styles(others), columns=5))
