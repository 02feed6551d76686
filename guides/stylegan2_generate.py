# %% [markdown]
# # What one can do with a StyleGAN2
#
# StyleGAN2 does not draw an image from a latent vector at once. A mapping network turns the latent z into a style w, and
# every layer of the synthesis network is told its style anew: the coarse layers make shapes of it, the fine ones colours.
# So an image can be pulled towards the average (truncation), take its shape from one latent and its colours from another
# (style mixing), and change without jumps (walking).
#
# The model is a preset that comes with the library: emoji of 64x64 pixels. Any other StyleGAN2 goes through the same lines:
# set PRESET to `ffhq_1024` and wait for the download. It takes less than a minute on one processor core.

# %%
import os
import pathlib

import numpy as np

import keras_gan
from keras_gan.images import make_grid, save_png

PRESET = os.environ.get("PRESET", "stylegan2_emoji_64")
OUT = pathlib.Path(os.environ.get("OUT", "stylegan2_generate"))
FRAMES = int(os.environ.get("FRAMES", 12))

gan = keras_gan.StyleGAN2.from_preset(PRESET)
print(f"{gan.image_shape} images, {gan.num_styles} styles of {gan.generator.synthesis.style_dim}")

# %% [markdown]
# ## Images from seeds
#
# The same seeds give the same images on every backend and machine.

# %%
save_png(OUT / "samples.png", make_grid(gan.generate(seeds="0-31"), columns=8))

# %% [markdown]
# ## Truncation
#
# `truncation=0.7` takes each style seven tenths of its way from the average style. At 1 there is all the variety that was
# learnt, at 0 the average alone; -0.7 is the "opposite" of an image. With `truncation_cutoff` only the first layers are
# pulled, which leaves the colours alone.

# %%
seeds = [0, 1, 2, 3, 4, 5]
rows = []
for truncation in (1.0, 0.7, 0.4, 0.0, -0.4, -0.7):
    rows.append(gan.generate(seeds=seeds, truncation=truncation))
save_png(OUT / "truncation.png", make_grid(np.concatenate(rows), columns=len(seeds)))

full, half = gan.generate(seeds=seeds), gan.generate(seeds=seeds, truncation=0.4)
coarse = gan.generate(seeds=seeds, truncation=0.4, truncation_cutoff=gan.num_styles // 2)
save_png(OUT / "cutoff.png", make_grid(np.concatenate([full, half, coarse]), columns=len(seeds)))

# %% [markdown]
# ## Noise
#
# Each layer can add noise, from which it makes details that no style determines: hair, grass, pores. It is one fixed pattern
# by default; here it is drawn anew for each image, and left out. What differs between the rows is what the network leaves
# to chance. Emoji have no such details: trained with noise, the network made blotches of it, so this preset has none
# (`use_noise=False`), and its rows are equal.

# %%
rows = [gan.generate(seeds=seeds, noise=noise) for noise in ("const", "random", "none")]
save_png(OUT / "noise.png", make_grid(np.concatenate(rows), columns=len(seeds)))
change = np.abs(rows[0].astype("float32") - rows[1]).mean()
print(f"another noise changes a pixel by {change:.2f} grey levels on average")

# %% [markdown]
# ## Style mixing
#
# The coarse styles of the column with the other styles of the row: shapes from the left, and the rest from above, would be
# the reverse. The originals stand along the edges.

# %%
coarse = f"0-{gan.num_styles // 2 - 1}"
mixture = keras_gan.latents.mix(gan, rows="0-4", columns="5-10", styles=coarse, truncation=0.8)
save_png(OUT / "mixing.png", mixture.grid())

# %% [markdown]
# ## Walking
#
# A smooth closed curve through the styles of some seeds. The command line does it, too:
# `keras-gan video --preset stylegan2_emoji_64 --seeds 0-7 --trunc 0.8 --output walk.gif`.

# %%
frames = keras_gan.latents.walk(gan, "0-7", frames=FRAMES, rows=2, columns=2, truncation=0.8)
count = keras_gan.videos.save_video(OUT / "walk.gif", frames, fps=12)
print(f"{count} frames in {OUT / 'walk.gif'}")
