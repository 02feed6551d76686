"""The birthday paradox: how many different images a generator makes, from duplicates among few."""

import math

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_integer


@keras.saving.register_keras_serializable(package="keras_gan")
class BirthdayParadox(keras.metrics.Metric):
    """Support size of a generator: pairs of samples looked at for each pair of near duplicates.

    Two samples from N equally likely ones are the same with probability 1 / N, so a batch of s has
    `s (s - 1) / (2 N)` pairs of duplicates on average and, if these are few, at least one with
    probability `1 - exp(-s (s - 1) / (2 N))`. For samples that are not equally likely the result
    is an effective number (the inverse of the collision probability), which never exceeds that of
    the samples that differ. Only samples of one batch are compared: use large batches.

    Args:
        distance: float > 0. Samples that are closer than this (L2, all numbers of an image) count
            as duplicates. Look at `keras_gan.metrics.nearest_pairs` to choose it.
        name: str.
        dtype: dtype of the metric.

    Attributes:
        pairs: float32 variable, pairs compared.
        duplicates: float32 variable, those that are near duplicates.

    Raises:
        ValueError: if `distance` is not positive.

    Example:
    ```python
    gan.compile(metrics=[keras_gan.metrics.BirthdayParadox(distance=2.0)])
    gan.evaluate(images, batch_size=500)
    ```

    Reference: Arora, Zhang (2017), Do GANs actually learn the distribution? An empirical study,
    arXiv:1706.08224.
    """

    def __init__(self, distance, name="birthday_paradox", dtype=None):
        super().__init__(name=name, dtype=dtype)
        if not 0 < distance < math.inf:
            raise ValueError(f"`distance` must be a positive number. Received: {distance!r}")
        self.distance = float(distance)
        self.pairs = self.add_variable((), "zeros", dtype="float32", name="pairs")
        self.duplicates = self.add_variable((), "zeros", dtype="float32", name="duplicates")

    def update_state(self, real, generated, sample_weight=None):
        """Compare all pairs of generated samples; real ones are not looked at.

        Args:
            real: ignored, may be `None`.
            generated: float tensor `(N, ...)`.
            sample_weight: refused: a pair counts once.

        Raises:
            ValueError: if `sample_weight` is given.
        """
        if sample_weight is not None:
            raise ValueError("Duplicates are counted in pairs. Do not pass `sample_weight`.")
        x = ops.cast(ops.convert_to_tensor(generated), "float32")
        x = ops.reshape(x, (ops.shape(x)[0], -1))
        # Around their mean, less cancels in the differences of products.
        x = x - ops.mean(x, axis=0)
        norms = ops.sum(ops.square(x), axis=1)
        squares = norms[:, None] + norms[None] - 2.0 * ops.matmul(x, ops.transpose(x))
        count = ops.cast(ops.shape(x)[0], "float32")
        position = ops.arange(ops.shape(x)[0])
        close = ops.logical_and(squares < self.distance**2, position[:, None] < position[None])
        self.pairs.assign_add(count * (count - 1.0) / 2.0)
        self.duplicates.assign_add(ops.sum(ops.cast(close, "float32")))

    def result(self):
        """float32 scalar: the estimate, infinite as long as there was no duplicate."""
        estimate = self.pairs / ops.maximum(self.duplicates, 1.0)
        return ops.where(self.duplicates > 0, estimate, math.inf)

    def get_config(self):
        """The constructor's arguments."""
        return {"distance": self.distance, "name": self.name, "dtype": self.dtype}


def support_size(batch_size, probability=0.5):
    """The support for which a batch holds a duplicate with this probability.

    The paper's test: if half of the batches of `batch_size` samples hold a duplicate, the
    generator makes at most about `batch_size**2 / (2 log 2)` different images.

    Args:
        batch_size: int >= 2.
        probability: float in (0, 1), the share of batches with a duplicate.

    Returns:
        float, the number N with `1 - exp(-s (s - 1) / (2 N)) = probability`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    keras_gan.metrics.support_size(500)  # 179,974: a DCGAN of CelebA
    ```

    Reference: Arora, Zhang (2017), arXiv:1706.08224.
    """
    check_integer("batch_size", batch_size, minimum=2)
    if not 0 < probability < 1:
        raise ValueError(f"`probability` lies in (0, 1). Received: {probability!r}")
    return batch_size * (batch_size - 1) / (-2.0 * math.log1p(-probability))


def nearest_pairs(images, count=20):
    """The pairs of images that are nearest to each other: candidates to look at.

    Args:
        images: array `(N, ...)` of two or more.
        count: int >= 1, how many pairs.

    Returns:
        Pair `(indices, distances)`: int array `(count, 2)` and float array `(count,)` of L2
        distances, the smallest first; fewer if there are not so many pairs.

    Raises:
        ValueError: if there are fewer than two images.

    Example:
    ```python
    images = gan.generate(500, output_type="float")
    pairs, distances = keras_gan.metrics.nearest_pairs(images, count=10)
    keras_gan.images.make_grid(images[pairs.reshape(-1)], columns=2)
    ```

    Reference: Arora, Zhang (2017), arXiv:1706.08224.
    """
    check_integer("count", count, minimum=1)
    x = np.asarray(images, "float64").reshape(len(images), -1)
    if len(x) < 2:
        raise ValueError(f"Two images or more have pairs. Received: {len(x)}")
    x = x - x.mean(axis=0)
    norms = np.square(x).sum(axis=1)
    first, second = np.triu_indices(len(x), 1)
    squares = (norms[:, None] + norms[None] - 2.0 * x @ x.T)[first, second]
    nearest = np.argsort(squares, kind="stable")[:count]
    indices = np.stack([first[nearest], second[nearest]], axis=1)
    # Of the few, by differences: exact for duplicates.
    distances = np.linalg.norm(x[indices[:, 0]] - x[indices[:, 1]], axis=1)
    order = np.argsort(distances, kind="stable")
    return indices[order], distances[order]
