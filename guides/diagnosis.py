# %% [markdown]
# # A doctor for sick training
#
# A GAN does not say what is wrong with it. Its losses go up and down whether it learns or not. The callback
# `keras_gan.callbacks.Diagnosis` looks at other signs, such as how diverse the samples are, how steep the
# discriminator is and how far it is ahead, and says in plain words what it finds, with the numbers and the
# next thing to try.
#
# Here four small GANs are trained on the same data, points around a circle. One is healthy. The others are
# made sick on purpose, each in another way. It takes a few minutes on one processor core, on any backend.

# %%
import os
import pathlib

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_gan

OUT = pathlib.Path(os.environ.get("OUT", "diagnosis"))
STEPS = int(os.environ.get("STEPS", 1000))
OUT.mkdir(exist_ok=True)

# %% [markdown]
# ## The data: eight modes on a circle
#
# A point is an image of one pixel with two channels.

# %%
rng = np.random.RandomState(0)
angles = 2 * np.pi * rng.randint(0, 8, 20_480) / 8
points = 0.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + 0.01 * rng.randn(20_480, 2)
points = points.astype("float32").reshape(-1, 1, 1, 2)


# %% [markdown]
# ## A patient
#
# Both players are small perceptrons. `noise` scales the latents: with next to nothing of it, a generator cannot
# make different points however long it is trained.


# %%
def make_gan(noise=1.0):
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [
            keras.Input((16,)),
            keras.layers.Rescaling(noise),
            keras.layers.Dense(128, "relu"),
            keras.layers.Dense(128, "relu"),
            keras.layers.Dense(2),
            keras.layers.Reshape((1, 1, 2)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((1, 1, 2)),
            keras.layers.Flatten(),
            keras.layers.Rescaling(4.0),
            keras.layers.Dense(128, "relu"),
            keras.layers.Dense(128, "relu"),
            keras.layers.Dense(1),
        ]
    )
    return keras_gan.GAN(generator, discriminator, seed=0)


def examine(name, gan):
    """Train, with a probe in every 50th step, and write two pictures."""
    diagnosis = keras_gan.callbacks.Diagnosis(interval=50)
    print(f"\n=== {name}")
    gan.fit(points, batch_size=256, steps_per_epoch=STEPS, verbose=0, callbacks=[diagnosis])
    print(diagnosis.report())
    diagnosis.plot().savefig(OUT / f"{name}_signals.png")
    samples = gan.generate(1000, seed=0, output_type="float").reshape(-1, 2)
    figure, axis = plt.subplots(figsize=(4, 4))
    axis.plot(*points[:1000, 0, 0].T, ".", color="lightgray", label="data")
    axis.plot(*samples.T, ".", alpha=0.3, label="samples")
    axis.set(title=name.replace("_", " "), aspect="equal", xlim=(-0.9, 0.9), ylim=(-0.9, 0.9))
    axis.legend(loc="upper right")
    figure.savefig(OUT / f"{name}_samples.png")
    plt.close(figure)
    return [finding.name for finding in diagnosis.findings]


def adam(learning_rate, beta_1=0.0):
    return keras.optimizers.Adam(learning_rate, beta_1, 0.99)


# %% [markdown]
# ## Healthy
#
# A penalty on the discriminator's gradient at real points (R1) and Adam without momentum. The diversity goes
# to 1: samples are as far from each other as real points are. The doctor has nothing to say.

# %%
found = {}
gan = make_gan()
gan.compile(adam(5e-4), adam(2e-3), regularizers=[keras_gan.regularizers.R1(gamma=0.5)])
found["healthy"] = examine("healthy", gan)

# %% [markdown]
# ## Learning rates out of balance
#
# The discriminator learns two hundred times as fast as the generator, and takes five steps for each of the
# generator's. Soon it is certain of everything: scores of real and of generated points are ten and more apart, and go
# on growing. The advice names the rates.

# %%
gan = make_gan()
gan.compile(adam(1e-5, 0.5), adam(2e-3, 0.5), discriminator_steps=5)
found["imbalance"] = examine("imbalance", gan)

# %% [markdown]
# ## No diversity
#
# A generator that has next to no noise to work with makes one point, and moves it to wherever the discriminator
# believes the data to be at the moment. The mean sample jumps from mode to mode: that is what oscillation looks
# like, and the diversity tells that there is but one.

# %%
gan = make_gan(noise=0.02)
gan.compile(adam(1e-3, 0.5), adam(1e-3, 0.5))
found["no_diversity"] = examine("no_diversity", gan)

# %% [markdown]
# ## No penalty
#
# A Wasserstein critic estimates a distance only if it is nowhere steeper than 1. Nothing holds this one: its slope
# goes to hundreds, and with it the generator's gradient.

# %%
gan = make_gan()
gan.compile(adam(1e-3, 0.5), adam(1e-3, 0.5), loss="wasserstein", discriminator_steps=5)
found["no_penalty"] = examine("no_penalty", gan)

# %% [markdown]
# ## What was found
#
# A disease is named when its signs have lasted for some hundred steps, never for one bad moment. The signals are
# in the `History` too, so TensorBoard shows them if its callback comes after the doctor.

# %%
for name, findings in found.items():
    print(f"{name}: {', '.join(findings) or 'nothing'}")
