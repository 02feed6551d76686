# %% [markdown]
# # A DCGAN on Fashion-MNIST
#
# Train the GAN of Radford, Metz and Chintala (2015) on small pictures of clothes, watch the balance of the
# two players, and face the grid of samples. The same lines run on JAX, TensorFlow and PyTorch: set the
# environment variable `KERAS_BACKEND` before starting.
#
# The data is Fashion-MNIST: 60,000 grey pictures of 28x28 pixels, ten kinds of garments. On Debian and
# Ubuntu it comes with `apt install dataset-fashion-mnist`; elsewhere, download `train-images-idx3-ubyte.gz`
# and let `FASHION_MNIST` name its folder.
#
# This takes about half an hour on two processor cores, a minute or two on a GPU.

# %%
import os
import pathlib

import matplotlib.pyplot as plt

import keras_gan

DATA = pathlib.Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
OUT = pathlib.Path(os.environ.get("OUT", "dcgan_fashion_mnist"))
WIDTH = int(os.environ.get("WIDTH", 16))
EPOCHS = int(os.environ.get("EPOCHS", 8))

# %% [markdown]
# ## The pictures
#
# A DCGAN doubles its resolution stage by stage: 4, 8, 16, 32. So the pictures get a black border of two
# pixels. Batches are uint8; `fit` maps them to [-1, 1], where the generator's tanh lives.

# %%
dataset = keras_gan.data.idx(
    DATA / "train-images-idx3-ubyte.gz",
    image_shape=(32, 32, 1),
    fit="pad",
    batch_size=64,
    drop_remainder=True,
)
(batch,) = dataset.batch(0, 0)
OUT.mkdir(exist_ok=True)
keras_gan.images.save_png(OUT / "reals.png", keras_gan.images.make_grid(batch[:36]))
print(f"{dataset.num_images} images of {dataset.image_shape}, {len(dataset)} batches")

# %% [markdown]
# ## Two players
#
# The generator turns 100 random numbers into a picture with four transposed convolutions. The
# discriminator mirrors it and answers with one number, the logit of "this is real". Neither ever sees
# the other's weights: all that the generator learns from is the gradient of the discriminator's answer.

# %%
gan = keras_gan.DCGAN(image_shape=(32, 32, 1), width=WIDTH, discriminator_width=2 * WIDTH, seed=0)
print(f"generator: {gan.generator.count_params():,} weights")
print(f"discriminator: {gan.discriminator.count_params():,} weights")

# %% [markdown]
# ## The recipe
#
# `compile()` alone is the paper's recipe: Adam with a learning rate of 0.0002 and beta_1 = 0.5 for both, one
# update each in turn, the non-saturating loss. Here the samples come from a moving average of the
# generator, which is calmer than the generator of the moment.

# %%
gan.compile(ema_decay=0.999)

# %% [markdown]
# ## Training
#
# `SampleGrid` draws the same 36 latents again after each epoch, so that progress can be compared.

# %%
history = gan.fit(
    dataset,
    epochs=EPOCHS,
    callbacks=[
        keras_gan.callbacks.SampleGrid(OUT / "samples"),
        keras_gan.callbacks.HistoryFile(OUT / "history.jsonl"),
    ],
)

# %% [markdown]
# ## The balance
#
# A GAN's losses do not fall: each player's success is the other's failure. If the discriminator could tell
# nothing, its loss would be 2 log 2 = 1.386 and the generator's log 2 = 0.693; that is where the game ends
# in theory. In practice the discriminator stays ahead, and what to look for is a *lead that does not run
# away*: mean logits of a few units for real and generated pictures, on opposite sides of 0. A discriminator
# loss that falls to 0 while the generator's climbs means that the generator gets no useful gradient any
# more.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5))
epochs = range(1, EPOCHS + 1)
left.plot(epochs, history.history["d_loss"], label="discriminator")
left.plot(epochs, history.history["g_loss"], label="generator")
left.axhline(1.386, color="gray", linestyle=":", label="2 log 2")
left.set(title="losses", xlabel="epoch")
left.legend()
right.plot(epochs, history.history["real_logits"], label="real")
right.plot(epochs, history.history["fake_logits"], label="generated")
right.axhline(0, color="gray", linestyle=":")
right.set(title="what the discriminator answers (mean logit)", xlabel="epoch")
right.legend()
figure.tight_layout()
figure.savefig(OUT / "balance.png")

# %% [markdown]
# ## Facing the grid
#
# Numbers do not tell whether a GAN is good; look at it. Are all ten kinds of garments there? Are there
# twins? Is a shirt's sleeve attached? The seeds name the pictures: seed 7 is the same garment on every
# machine and backend.

# %%
samples = gan.generate(seeds="0-63")
keras_gan.images.save_png(OUT / "grid.png", keras_gan.images.make_grid(samples, columns=8))

# %% [markdown]
# ## Keep it
#
# A preset folder holds the weights, the configuration and a card. It is data only: nothing in it is ever
# executed by whoever loads it.

# %%
gan.save_to_preset(
    OUT / "preset",
    description="Garments from the guide.",
    dataset="Fashion-MNIST, training images padded to 32x32",
    licence="MIT",
    overwrite=True,
)
again = keras_gan.DCGAN.from_preset(OUT / "preset")
assert (again.generate(seeds=[7]) == gan.generate(seeds=[7])).all()
