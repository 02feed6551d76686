"""Kernels of the maximum mean discrepancy."""

import keras
import numpy as np

from keras_gan.checks import check_integer, check_number, check_positive
from keras_gan.metrics.neighbors import squared_distances


@keras.saving.register_keras_serializable(package="keras_gan")
class PolynomialKernel:
    """`k(x, y) = (gamma x.y + offset)^degree`.

    Args:
        degree: int >= 1.
        gamma: float > 0, or `None` for 1 / D.
        offset: float >= 0.

    Raises:
        ValueError: if a number is out of range.

    Example:
    ```python
    keras_gan.metrics.KernelInceptionDistance(kernel=keras_gan.metrics.PolynomialKernel(degree=2))
    ```

    Reference: Binkowski et al. (2018), Demystifying MMD GANs, arXiv:1801.01401.
    """

    def __init__(self, degree=3, gamma=None, offset=1.0):
        check_integer("degree", degree, minimum=1)
        check_number("offset", offset)
        check_positive("gamma", 1.0 if gamma is None else gamma)
        self.degree, self.gamma, self.offset = degree, gamma, offset

    def __call__(self, x, y):
        """The matrix `(N, M)` of kernels of float32 arrays `(N, D)` and `(M, D)`."""
        gamma = 1.0 / x.shape[1] if self.gamma is None else self.gamma
        values = x @ y.T
        values *= np.float32(gamma)
        values += np.float32(self.offset)
        return values**self.degree

    def get_config(self):
        """The constructor's arguments."""
        return {"degree": self.degree, "gamma": self.gamma, "offset": self.offset}

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_gan")
class RBFKernel:
    """`k(x, y) = exp(-|x - y|^2 / (2 sigma^2))`.

    Args:
        sigma: float > 0, in units of the features' distances.

    Raises:
        ValueError: if `sigma` is not positive.

    Example:
    ```python
    keras_gan.metrics.KernelInceptionDistance(kernel=keras_gan.metrics.RBFKernel(sigma=10.0))
    ```

    Reference: Gretton et al. (2012), A kernel two-sample test, JMLR 13.
    """

    def __init__(self, sigma=10.0):
        check_positive("sigma", sigma)
        self.sigma = sigma

    def __call__(self, x, y):
        """The matrix `(N, M)` of kernels of float32 arrays `(N, D)` and `(M, D)`."""
        squares = squared_distances(x, y, x.mean(axis=0))
        squares *= np.float32(-0.5 / self.sigma**2)
        return np.exp(squares, out=squares)

    def get_config(self):
        """The constructor's arguments."""
        return {"sigma": self.sigma}

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls(**config)
