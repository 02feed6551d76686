# %% [markdown]
# # Mode collapse: see it, diagnose it, cure it
#
# A generator that makes one good picture fools its discriminator as well as one that makes a thousand, for a
# while. Nothing in a GAN's loss says that a batch must be diverse, because the discriminator judges one image at a
# time. So generators drop parts of the data. On photographs it is hard to say which; here the data are eight
# points on a circle, and one can count.
#
# The guide trains the same two small networks with the plain recipe and with five remedies, each for the same
# number of steps, and prints what each covers. It takes a few minutes on one processor core.

# %%
import os
import pathlib

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_gan

OUT = pathlib.Path(os.environ.get("OUT", "mode_collapse"))
STEPS = int(os.environ.get("STEPS", 1000))
OUT.mkdir(exist_ok=True)

# %% [markdown]
# ## Eight modes
#
# The standard deviation of a mode is 0.02 of the circle's radius. A point is an image of one pixel with two
# channels, in [-1, 1].

# %%
MEANS = [(0.5 * np.cos(a), 0.5 * np.sin(a)) for a in 2 * np.pi * np.arange(8) / 8]
STDDEV = 0.01
rng = np.random.RandomState(0)
points = np.array(MEANS)[rng.randint(0, 8, 20_480)] + STDDEV * rng.randn(20_480, 2)
points = points.astype("float32").reshape(-1, 1, 1, 2)


# %%
def make_gan(packing=1):
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [
            keras.Input((16,)),
            keras.layers.Dense(128, "relu"),
            keras.layers.Dense(128, "relu"),
            keras.layers.Dense(2),
            keras.layers.Reshape((1, 1, 2)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((1, 1, 2 * packing)),
            keras.layers.Flatten(),
            keras.layers.Rescaling(4.0),
            keras.layers.Dense(128, "relu"),
            keras.layers.Dense(128, "relu"),
            keras.layers.Dense(1),
        ]
    )
    return keras_gan.GAN(generator, discriminator, packing=packing, seed=0)


def adam(learning_rate, beta_1=0.5, beta_2=0.999):
    return keras.optimizers.Adam(learning_rate, beta_1, beta_2)


results, pictures = {}, {}


def run(name, gan):
    """Train, count the modes of 2,500 samples, and keep the samples."""
    diagnosis = keras_gan.callbacks.Diagnosis(interval=100)
    print(f"\n=== {name}")
    gan.fit(points, batch_size=256, steps_per_epoch=STEPS, verbose=0, callbacks=[diagnosis])
    samples = gan.generate(2500, seed=0, output_type="float")
    modes = keras_gan.metrics.GaussianModes(MEANS, STDDEV)
    figures = [keras_gan.metrics.ModesCovered(modes), keras_gan.metrics.HighQualitySamples(modes)]
    for metric in figures:
        metric.update_state(points[:2500], samples)
    covered, quality = [float(metric.result()) for metric in figures]
    diversity = diagnosis.signals[-1]["diversity"] if diagnosis.signals else float("nan")
    found = [finding.name for finding in diagnosis.findings]
    results[name] = (covered, quality, diversity, found)
    pictures[name] = samples.reshape(-1, 2)
    return diagnosis


# %% [markdown]
# ## See it
#
# The plain recipe: the non-saturating loss, Adam with the same rate for both players.

# %%
gan = make_gan()
gan.compile(adam(1e-3), adam(1e-3))
diagnosis = run("plain", gan)

# %% [markdown]
# ## Diagnose it
#
# The losses look fine, they always do. What gives it away is the *diversity*, the mean distance between
# samples divided by that between real points: K equal modes of which m are covered give about
# (1 - 1/m) / (1 - 1/K), so 0 for one of eight, 0.57 for two, 0.76 for three. It has a blind spot, of course: of many
# modes, half can be lost and the distances stay.

# %%
print(diagnosis.report())
diagnosis.plot().savefig(OUT / "plain_signals.png")

# %% [markdown]
# ## Cure it, five ways
#
# 1. **R1**: a penalty on the discriminator's gradient at real points. A discriminator that is flat around the data
#    does not chase the generator from mode to mode.

# %%
gan = make_gan()
gan.compile(
    adam(5e-4, 0.0, 0.99),
    adam(2e-3, 0.0, 0.99),
    regularizers=[keras_gan.regularizers.R1(gamma=0.5)],
)
run("R1", gan)

# %% [markdown]
# 2. **WGAN-GP**: a critic that estimates the distance between the two distributions, which grows with every mode that
#    is missing. For points in the plane the penalty's weight is 0.1.

# %%
gan = make_gan()
gan.compile(
    adam(5e-4, 0.5, 0.9),
    adam(5e-4, 0.5, 0.9),
    loss="wasserstein",
    regularizers=[keras_gan.regularizers.GradientPenalty(0.1)],
    discriminator_steps=3,
)
run("WGAN-GP", gan)

# %% [markdown]
# 3. **Packing**: the discriminator judges two points together, both real or both generated. Two that are always of one
#    mode give themselves away.

# %%
gan = make_gan(packing=2)
gan.compile(adam(1e-3), adam(1e-3))
run("packing 2", gan)

# %% [markdown]
# 4. **Instance noise**: both real and generated points are blurred before the discriminator sees them, less and less.
#    The modes touch at first, so the discriminator's gradient leads from one to the next.

# %%
noise = keras.optimizers.schedules.PolynomialDecay(0.3, STEPS, 0.0)
gan = make_gan()
gan.compile(adam(1e-3), adam(1e-3), augmentations=[keras_gan.augmentation.InstanceNoise(noise)])
run("instance noise", gan)

# %% [markdown]
# 5. **A relativistic loss with R1 and R2**: each generated point is compared with a real one, so the generator must
#    follow the data everywhere, and both penalties keep the game damped.

# %%
gan = make_gan()
gan.compile(
    adam(5e-4, 0.0, 0.99),
    adam(2e-3, 0.0, 0.99),
    loss="relativistic",
    regularizers=[keras_gan.regularizers.R1(gamma=0.25), keras_gan.regularizers.R2(gamma=0.25)],
)
run("relativistic", gan)

# %% [markdown]
# ## What each covers
#
# "High quality" is within three standard deviations of a mode. With 1000 steps, PyTorch printed
#
#     recipe           modes  high quality  diversity  found
#     plain                0         0.0%        0.36  mode_collapse, oscillation
#     R1                   8         2.8%        0.99  -
#     WGAN-GP              8         5.3%        0.93  -
#     packing 2            8        21.4%        1.00  -
#     instance noise       8        11.8%        1.00  oscillation
#     relativistic         8         3.2%        0.97  -
#
# All five spread the samples over the circle; how sharply they hit the modes is a matter of more steps. This is one seed:
# no remedy is judged by it. `tools/benchmark_modes.py` runs many seeds, at the length and with the networks of the papers,
# and has more remedies.

# %%
table = [f"{'recipe':<16}{'modes':>6}{'high quality':>14}{'diversity':>11}  found"]
for name, (covered, quality, diversity, found) in results.items():
    table.append(
        f"{name:<16}{covered:>6.0f}{quality:>13.1%}{diversity:>12.2f}  {', '.join(found) or '-'}"
    )
print("\n".join(table))

figure, axes = plt.subplots(2, 3, figsize=(11, 7.5))
for axis, (name, samples) in zip(axes.flat, pictures.items(), strict=True):
    axis.plot(*points[:1000, 0, 0].T, ".", color="lightgray")
    axis.plot(*samples[:1000].T, ".", alpha=0.3)
    axis.set(title=f"{name}: {results[name][0]:.0f} modes", aspect="equal")
    axis.set(xlim=(-0.9, 0.9), ylim=(-0.9, 0.9))
figure.tight_layout()
figure.savefig(OUT / "samples.png")
