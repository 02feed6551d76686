# %% [markdown]
# # Your own GAN in under 60 lines
#
# A GAN is two networks and two losses. The rest, training steps, random numbers, saving, sampling, is
# the same for all, and `keras_gan.GAN` has it, on JAX, TensorFlow and PyTorch. So a new paper is a short
# file. As an example, here is the energy-based GAN of Zhao, Mathieu and LeCun (2016, arXiv:1609.03126): its
# discriminator is an autoencoder, and how badly it reconstructs an image is the image's *energy*. Real images
# should have a low one, generated images one above a margin. As everywhere in this library, the discriminator's
# output is a *score*, high for real images: here, minus the energy.
#
# On 28x28 garments this takes a few minutes on one processor core. Do not expect more of perceptrons than noisy
# garments of few kinds.

# %%
import os
import pathlib

import keras
from keras import layers, ops

import keras_gan

DATA = pathlib.Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
OUT = pathlib.Path(os.environ.get("OUT", "your_own_gan"))
STEPS = int(os.environ.get("STEPS", 2000))
WIDTH = int(os.environ.get("WIDTH", 256))


# %% [markdown]
# ## The losses
#
# A loss is a pair of functions of what the discriminator says of real and of generated images. They are written in
# `keras.ops`. Registered, they are found again when a saved model is loaded.


# %%
@keras.saving.register_keras_serializable(package="my_project")
class Energy(keras_gan.losses.AdversarialLoss):
    def __init__(self, margin=0.1):
        self.margin = margin

    def discriminator(self, real, fake):
        return ops.mean(-real) + ops.mean(ops.relu(self.margin + fake))

    def generator(self, real, fake):
        return ops.mean(-fake)

    def get_config(self):
        return {"margin": self.margin}


# %% [markdown]
# ## The model
#
# The networks are functional Keras models; `recipe` says how the paper trains them. Registered as a preset class, the
# model can be saved, uploaded and loaded by name.


# %%
@keras_gan.presets.register
class EBGAN(keras_gan.GAN):
    def __init__(self, width=256, seed=None, name=None, dtype=None):
        self.width = width
        z = keras.Input((64,))
        x = layers.BatchNormalization()(layers.Dense(width, "relu")(z))
        x = layers.BatchNormalization()(layers.Dense(2 * width, "relu")(x))
        x = layers.Reshape((28, 28, 1))(layers.Dense(784, "tanh")(x))
        image = keras.Input((28, 28, 1))
        pixels = layers.Flatten()(image)
        code = layers.Dense(32)(layers.Dense(width, "relu")(pixels))
        error = layers.Dense(784, "tanh")(layers.Dense(width, "relu")(code)) - pixels
        score = -ops.mean(ops.square(error), axis=1, keepdims=True)
        generator = keras.Model(z, x, name="generator")
        discriminator = keras.Model(image, score, name="discriminator")
        super().__init__(generator, discriminator, seed=seed, name=name, dtype=dtype)

    def recipe(self):
        return {**super().recipe(), "loss": Energy()}

    def get_config(self):
        return {**self.base_config(), "width": self.width}


# %% [markdown]
# ## Training
#
# All that the library has works with it: data sets, callbacks, the doctor.

# %%
keras.utils.set_random_seed(0)
dataset = keras_gan.data.idx(
    DATA / "train-images-idx3-ubyte.gz", image_shape=(28, 28, 1), batch_size=64, drop_remainder=True
)
gan = EBGAN(width=WIDTH, seed=0)
gan.compile()
diagnosis = keras_gan.callbacks.Diagnosis()
gan.fit(dataset, steps_per_epoch=STEPS, callbacks=[diagnosis], verbose=2)
if diagnosis.signals:
    print(diagnosis.report())

# %% [markdown]
# ## Samples, and the way back

# %%
OUT.mkdir(exist_ok=True)
samples = gan.generate(seeds="0-63")
keras_gan.images.save_png(OUT / "samples.png", keras_gan.images.make_grid(samples, columns=8))
gan.save(OUT / "ebgan.keras")
again = keras.models.load_model(OUT / "ebgan.keras")
assert (again.generate(seeds=[7]) == gan.generate(seeds=[7])).all()
gan.save_to_preset(OUT / "preset", dataset="Fashion-MNIST", licence="MIT", overwrite=True)
assert (keras_gan.GAN.from_preset(OUT / "preset").generate(seeds=[7]) == samples[7]).all()
