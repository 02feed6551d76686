"""Random weights drawn on the host.

Keras' initializers run on the backend, where XLA compiles a program for every shape: most of the
time that a GAN of a dozen shapes takes to its first image.
"""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gan")
class RandomNormal(keras.initializers.RandomNormal):
    """Weights from a normal distribution, as `keras.initializers.RandomNormal`, but by NumPy.

    One initializer draws other numbers each time it is called, so several layers may share it. The
    numbers are the same on every backend.

    Args:
        mean: float.
        stddev: float.
        seed: int, or `None` for one that `keras.utils.set_random_seed` determines.

    Example:
    ```python
    initializer = keras_gan.initializers.RandomNormal(0.0, 0.02)
    layer = keras_gan.layers.Conv2D(64, 4, kernel_initializer=initializer)
    ```
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(mean, stddev, seed)
        self._generator = np.random.default_rng(self.seed)

    def __call__(self, shape, dtype=None):
        """Weights of a shape."""
        draws = self._generator.standard_normal(shape, "float32")
        return ops.convert_to_tensor(self.mean + self.stddev * draws, dtype)


@keras.saving.register_keras_serializable(package="keras_gan")
class RandomUniform(keras.initializers.RandomUniform):
    """Weights uniform in an interval, as `keras.initializers.RandomUniform`, but by NumPy.

    See `RandomNormal`.

    Args:
        minval: float.
        maxval: float.
        seed: int, or `None` for one that `keras.utils.set_random_seed` determines.

    Example:
    ```python
    initializer = keras_gan.initializers.RandomUniform(-0.1, 0.1)
    layer = keras_gan.layers.Conv2D(64, 4, kernel_initializer=initializer)
    ```
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        super().__init__(minval, maxval, seed)
        self._generator = np.random.default_rng(self.seed)

    def __call__(self, shape, dtype=None):
        """Weights of a shape."""
        draws = self._generator.random(shape, "float32")
        return ops.convert_to_tensor(self.minval + (self.maxval - self.minval) * draws, dtype)
