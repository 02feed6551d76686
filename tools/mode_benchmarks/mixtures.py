"""Mixtures of Gaussians in the plane, as images of one pixel and two channels."""

from typing import NamedTuple

import numpy as np

from keras_gan import metrics


class Mixture(NamedTuple):
    """Equally likely Gaussians.

    `fit` takes images in [-1, 1]; networks see the papers' own units, by `image_range`.

    Attributes:
        means: array `(K, 2)`.
        stddev: float.
    """

    means: np.ndarray
    stddev: float

    @property
    def extent(self):
        """float, what 1 in the data stands for: ten standard deviations beyond the outermost."""
        return float(np.abs(self.means).max() + 10 * self.stddev)

    def points(self, count, seed):
        """Array `(count, 2)` of samples, in the papers' units."""
        random = np.random.default_rng(seed)
        chosen = self.means[random.integers(len(self.means), size=count)]
        return chosen + self.stddev * random.standard_normal((count, 2))

    def images(self, count, seed):
        """The samples as float32 images `(count, 1, 1, 2)` in [-1, 1]."""
        return (self.points(count, seed) / self.extent).astype("float32").reshape(-1, 1, 1, 2)

    def modes(self):
        """`keras_gan.metrics.Modes` of such images."""
        return metrics.GaussianModes(self.means / self.extent, self.stddev / self.extent)


def ring(radius=1.0, stddev=0.01, count=8):
    """Modes on a circle."""
    angle = 2 * np.pi * np.arange(count) / count
    return Mixture(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), stddev)


def grid(stddev=0.05, coordinates=(-4, -2, 0, 2, 4)):
    """Modes on a square grid."""
    return Mixture(np.array([(x, y) for x in coordinates for y in coordinates], "float64"), stddev)


# As in VEEGAN and PacGAN; the wide ring is that of Unrolled GANs.
MIXTURES = {"ring": ring(), "grid": grid(), "wide_ring": ring(2.0, 0.02)}
