"""One file for each paper."""

from keras_gan.models.acgan import ACGAN
from keras_gan.models.conditional_gan import ConditionalDCGAN, ConditionalGAN
from keras_gan.models.dcgan import DCGAN
from keras_gan.models.lsgan import LSGAN
from keras_gan.models.mlp_gan import MLPGAN, MaxoutGAN
from keras_gan.models.stylegan2 import StyleGAN2
from keras_gan.models.unrolled_gan import UnrolledGAN
from keras_gan.models.wgan import WGAN
from keras_gan.models.wgan_gp import WGANGP

__all__ = [
    "ACGAN",
    "DCGAN",
    "LSGAN",
    "MLPGAN",
    "WGAN",
    "WGANGP",
    "ConditionalDCGAN",
    "ConditionalGAN",
    "MaxoutGAN",
    "StyleGAN2",
    "UnrolledGAN",
]
