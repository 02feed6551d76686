"""Latents: from seeds to vectors, and what can be done with the styles of style-based models."""

from keras_gan.latents.directions import Directions, edit, pca, sefa
from keras_gan.latents.interpolation import spline, walk
from keras_gan.latents.mixing import Mixture, mix
from keras_gan.latents.perceptual import pixel_pyramid
from keras_gan.latents.projection import Projection, progress, project
from keras_gan.latents.seeds import (
    draw_seeds,
    from_seeds,
    labels_from_seeds,
    parse_labels,
    parse_seeds,
    uniform_from_seeds,
)
from keras_gan.latents.truncation import truncate

__all__ = [
    "Directions",
    "Mixture",
    "Projection",
    "draw_seeds",
    "edit",
    "from_seeds",
    "labels_from_seeds",
    "mix",
    "parse_labels",
    "parse_seeds",
    "pca",
    "pixel_pyramid",
    "progress",
    "project",
    "sefa",
    "spline",
    "truncate",
    "uniform_from_seeds",
    "walk",
]
