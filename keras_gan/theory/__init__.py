"""What is known about the game on paper, as pure functions of NumPy arrays in float64."""

from keras_gan.theory import dirac_gan
from keras_gan.theory.convolution import transposed_convolution_size
from keras_gan.theory.divergences import (
    frechet_distance,
    js_divergence,
    kl_divergence,
    wasserstein_1,
    wasserstein_1_of_densities,
)
from keras_gan.theory.game import optimal_discriminator, optimal_logit, value

__all__ = [
    "dirac_gan",
    "frechet_distance",
    "js_divergence",
    "kl_divergence",
    "optimal_discriminator",
    "optimal_logit",
    "transposed_convolution_size",
    "value",
    "wasserstein_1",
    "wasserstein_1_of_densities",
]
