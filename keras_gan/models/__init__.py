"""One file for each paper."""

from keras_gan.models.dcgan import DCGAN
from keras_gan.models.unrolled_gan import UnrolledGAN
from keras_gan.models.wgan_gp import WGANGP

__all__ = ["DCGAN", "WGANGP", "UnrolledGAN"]
