"""The GAN zoo for Keras 3: the original papers' numbers on TensorFlow, PyTorch and JAX."""

from keras_gan import data, images, latents, layers, losses, models, optimizers, random, regularizers
from keras_gan.gan import GAN, Batch, Phase
from keras_gan.models import DCGAN, WGANGP

__version__ = "0.1.0"

__all__ = [
    "DCGAN",
    "GAN",
    "WGANGP",
    "Batch",
    "Phase",
    "data",
    "images",
    "latents",
    "layers",
    "losses",
    "models",
    "optimizers",
    "random",
    "regularizers",
]
