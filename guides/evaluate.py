# %% [markdown]
# # What moves a FID
#
# The Frechet inception distance compares two clouds of features by their means and covariances. It is one number, and it
# depends on more than the generator: on how many images were drawn, on how they were resized, on the network that
# looked at them. `keras_gan.metrics.evaluate` records all of that beside the number, and refuses to subtract numbers that
# were made otherwise.
#
# This guide moves a FID in four ways, on purpose: by the number of samples, by the filter of a resize, by the truncation
# of the latents, and by the loss of modes. The generator is a preset of garments, and features come from the small
# classifier of garments that the library ships, so that nothing is downloaded. It takes a few minutes on one processor core.

# %%
import os
import pathlib
import warnings

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import keras_gan
from keras_gan import metrics

DATA = pathlib.Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
OUT = pathlib.Path(os.environ.get("OUT", "evaluate"))
SAMPLES = int(os.environ.get("SAMPLES", 5000))
PRESET = os.environ.get("PRESET", "dcgan_fashion_mnist_32")
OUT.mkdir(exist_ok=True)
# They say that few samples are few, which is what is shown here.
warnings.filterwarnings("ignore", message="A Frechet distance from")

# %% [markdown]
# ## The numbers
#
# Real images are those of the training set. Their features are computed once and kept on disk, under a fingerprint of all
# pixels and of the network. The second evaluation below does not look at them again.

# %%
gan = keras_gan.GAN.from_preset(PRESET)
images = keras_gan.data.read_idx(DATA / "train-images-idx3-ubyte.gz")
real = np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None][: 2 * SAMPLES]
other_real, real = real[: len(real) // 2], real[len(real) // 2 :]

result = metrics.evaluate(gan, real, ["fid", "kid", "is", "pr", "dc"], num_samples=SAMPLES)
print(result)
floor = metrics.evaluate(other_real, real, ["fid", "kid", "pr", "dc"])
print(f"\nother real images:\n{floor}")

# %% [markdown]
# KID has no bias, so that of the other real images is zero but for noise. FID is not zero there: that is its bias, and the
# reason why two FIDs can be compared only if they were made of equally many images.
#
# ## By the number of samples
#
# The bias is close to proportional to 1 / N. A straight line through FIDs at several sizes, read off where 1 / N is zero,
# is FID infinity (Chong and Forsyth, 2020).

# %%
sizes = [max(len(real) // n, 2) for n in (32, 16, 8, 4, 2, 1)]
sizes = sorted(set(sizes))
samples = gan.generate(len(real), seed=1)


def fid(fake, reference=real):
    return metrics.evaluate(fake, reference, ["fid"], verbose=0).values["fid"]


by_size = [fid(samples[:size]) for size in sizes]
slope, intercept = np.polyfit(1 / np.array(sizes), by_size, 1)
for size, value in zip(sizes, by_size, strict=True):
    print(f"{size:6} samples: FID {value:.3f}")
print(f"without end: about {intercept:.3f}")

# %% [markdown]
# ## By the filter of a resize
#
# The same real images, made half as large and large again by four filters of Pillow, against themselves untouched. A
# person hardly sees the difference between some of them; the network does. (Most published FIDs of one model that differ
# do so for such a reason: Parmar, Zhang and Zhu, 2022.)

# %%
filters = ("NEAREST", "BILINEAR", "BICUBIC", "LANCZOS")
shown = [real[:8]]
by_filter = []
for name in filters:
    kind = Image.Resampling[name]
    resized = [
        np.array(Image.fromarray(image[..., 0]).resize((16, 16), kind).resize((32, 32), kind))
        for image in real
    ]
    resized = np.stack(resized)[..., None]
    shown.append(resized[:8])
    by_filter.append(fid(resized))
    print(f"{name.lower():10} FID {by_filter[-1]:.3f}")
keras_gan.images.save_png(
    OUT / "filters.png", keras_gan.images.make_grid(np.concatenate(shown), columns=8)
)

# %% [markdown]
# ## By truncation
#
# Latents near zero give images that are more alike: recall falls. Precision rises with truncation as long as what is left
# is typical (0.84 at 1.0 against 0.82, with 2,000 samples), and falls when nearly nothing is left. FID, which wants both,
# has its best in between.

# %%
truncations = [0.5, 1.0, 1.5, 2.0, None]
by_truncation = []
for truncation in truncations:
    found = metrics.evaluate(
        gan, real, ["fid", "pr"], num_samples=SAMPLES, truncation=truncation, verbose=0
    )
    by_truncation.append(found.values)
    print(f"truncation {truncation}: " + ", ".join(f"{k} {v:.3f}" for k, v in found.values.items()))

# %% [markdown]
# ## By the loss of modes
#
# Real images without some of their classes: a generator that draws perfectly and has forgotten garments. FID and recall
# tell; precision does not, since all that is drawn is real.

# %%
labels = keras_gan.data.read_idx(DATA / "train-labels-idx1-ubyte.gz")[: len(other_real)]
by_classes = []
for kept in (10, 8, 6, 4, 2, 1):
    found = metrics.evaluate(other_real[labels < kept], real, ["fid", "pr"], verbose=0)
    by_classes.append((kept, found.values))
    print(f"{kept:2} classes: " + ", ".join(f"{k} {v:.3f}" for k, v in found.values.items()))

# %%
figure, axes = plt.subplots(1, 4, figsize=(17, 3.8))
axes[0].plot(1 / np.array(sizes), by_size, "o")
axes[0].plot([0, 1 / sizes[0]], [intercept, intercept + slope / sizes[0]], "--")
axes[0].set(title="number of samples", xlabel="1 / N", ylabel="FID")
axes[0].locator_params(axis="x", nbins=4)
axes[1].bar([name.lower() for name in filters], by_filter)
axes[1].set(title="resize to a half and back", ylabel="FID")
places = [3 if t is None else t for t in truncations]
for key in ("fid", "precision", "recall"):
    axes[2].plot(places, [values[key] for values in by_truncation], "o-", label=key)
axes[2].set(title="truncation (3: none)", xlabel="largest latent")
axes[2].set_yscale("log")
axes[2].legend()
for key in ("fid", "precision", "recall"):
    axes[3].plot([kept for kept, _ in by_classes], [v[key] for _, v in by_classes], "o-", label=key)
axes[3].set(title="classes that are left", xlabel="of 10")
axes[3].set_yscale("symlog", linthresh=0.1)
axes[3].legend()
figure.tight_layout()
figure.savefig(OUT / "fid.png")
