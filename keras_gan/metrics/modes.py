"""How many of the data's modes a generator covers, where these are known.

A `Modes` object tells the mode of a sample: the nearest mean of a mixture (`GaussianModes`), or
what a classifier sees in the channels of an image (`StackedModes`). The metrics count samples per
mode: `ModesCovered`, `HighQualitySamples`, `ModeKL` and `ModeJS`.

Reference: Srivastava et al. (2017), VEEGAN, arXiv:1705.07761; Lin et al. (2017), PacGAN,
arXiv:1712.04086.
"""

import math
import warnings

import keras
import numpy as np
from keras import ops

from keras_gan.checks import check_integer


class Modes:
    """Base class: assigns samples to modes.

    A subclass sets `count`, the number of modes, and implements `assign` and `get_config`.
    """

    count = None

    def assign(self, samples):
        """The mode of each sample.

        Args:
            samples: float32 tensor `(N, ...)`.

        Returns:
            Pair of tensors `(N,)`: int32, the modes in `[0, count)`, and bool, whether the sample
            is of high quality. Others count for no mode.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `assign`.")

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_gan")
class GaussianModes(Modes):
    """The components of a mixture of Gaussians of equal, isotropic spread.

    A sample belongs to the nearest mean and is of high quality if its Euclidean distance from that
    is less than `threshold` standard deviations. Of samples of the mixture itself, 98.9 % are in
    two dimensions (`1 - exp(-4.5)`): a higher share means modes that are too narrow.

    Args:
        means: array-like `(K, D)`.
        stddev: float > 0, in the units of the samples that the metric is given: `evaluate` gives
            it those of the data, in [-1, 1].
        threshold: float > 0, in standard deviations.

    Raises:
        ValueError: if `means` is not a finite matrix or a number is not positive.

    Example:
    ```python
    modes = keras_gan.metrics.GaussianModes([[-0.5, 0.0], [0.5, 0.0]], stddev=0.01)
    gan.compile(metrics=[keras_gan.metrics.ModesCovered(modes)])
    ```

    Reference: Srivastava et al. (2017), VEEGAN, arXiv:1705.07761.
    """

    def __init__(self, means, stddev, threshold=3.0):
        self.means = np.asarray(means, "float32")
        if self.means.ndim != 2 or not self.means.size or not np.isfinite(self.means).all():
            raise ValueError(
                "`means` is an array (modes, dimensions) of finite numbers. Received: shape "
                f"{self.means.shape}"
            )
        for name, value in (("stddev", stddev), ("threshold", threshold)):
            if not 0 < value < np.inf:
                raise ValueError(f"`{name}` must be a positive number. Received: {value!r}")
        self.stddev = float(stddev)
        self.threshold = float(threshold)
        self.count = len(self.means)

    def assign(self, samples):
        """Nearest mean, and whether it is near enough."""
        points = ops.reshape(ops.cast(samples, "float32"), (-1, self.means.shape[1]))
        # Differences, not products: those of the usual trick cancel far from the origin.
        squares = ops.sum(ops.square(points[:, None] - ops.convert_to_tensor(self.means)), axis=-1)
        distance = ops.sqrt(ops.min(squares, axis=1)) / self.stddev
        return ops.cast(ops.argmin(squares, axis=1), "int32"), distance < self.threshold

    def get_config(self):
        """The constructor's arguments."""
        return {
            "means": self.means.tolist(),
            "stddev": self.stddev,
            "threshold": self.threshold,
        }


@keras.saving.register_keras_serializable(package="keras_gan")
class StackedModes(Modes):
    """Images whose channels are independent images of a labelled data set: "stacked MNIST".

    A classifier labels every channel; the labels are the digits of the mode's number, the first
    channel's in front. Three channels of ten classes are 1000 modes. Every sample counts as one of
    high quality.

    Args:
        classifier: built `keras.Model` from images `(N, H, W, 1)` in [-1, 1] to scores
            `(N, classes)`.
        channels: int >= 1.

    Raises:
        ValueError: if the classifier does not map gray images to scores.

    Example:
    ```python
    modes = keras_gan.metrics.StackedModes(classifier, channels=3)
    metrics = [keras_gan.metrics.ModesCovered(modes), keras_gan.metrics.ModeKL(modes)]
    ```

    Reference: Metz et al. (2016), Unrolled Generative Adversarial Networks, arXiv:1611.02163.
    """

    def __init__(self, classifier, channels=3):
        check_integer("channels", channels, minimum=1)
        images = getattr(classifier, "input_shape", None) or ()
        scores = getattr(classifier, "output_shape", None) or ()
        if len(images) != 4 or images[-1] != 1 or len(scores) != 2:
            raise ValueError(
                "`classifier` is a built `keras.Model` from images (N, H, W, 1) to scores "
                f"(N, classes). Received: {classifier!r} from {images} to {scores}"
            )
        self.classifier = classifier
        self.channels = channels
        self.classes = scores[-1]
        self.count = self.classes**channels

    def assign(self, samples):
        """The labels of the channels, as one number."""
        _, height, width, channels = samples.shape
        if channels != self.channels:
            raise ValueError(f"The images have {channels} channels, not {self.channels}.")
        gray = ops.reshape(ops.transpose(samples, (0, 3, 1, 2)), (-1, height, width, 1))
        labels = ops.argmax(self.classifier(gray, training=False), axis=-1)
        places = [self.classes**place for place in range(channels - 1, -1, -1)]
        labels = ops.reshape(ops.cast(labels, "int32"), (-1, channels))
        mode = ops.sum(labels * ops.convert_to_tensor(places, "int32"), axis=1)
        return mode, ops.ones_like(mode, dtype="bool")

    def get_config(self):
        """The constructor's arguments."""
        return {
            "classifier": keras.saving.serialize_keras_object(self.classifier),
            "channels": self.channels,
        }

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`, which leaves the classifier's weights out."""
        classifier = keras.saving.deserialize_keras_object(config["classifier"])
        warnings.warn(
            "The classifier of `StackedModes` was made anew, without its weights. Load them with "
            "`modes.classifier.load_weights(...)`, or compile the model with new metrics."
        )
        return cls(classifier, config["channels"])


class _ModeCounts(keras.metrics.Metric):
    """Counts generated samples per mode.

    Attributes:
        counts: float32 variable `(modes.count,)`, samples of high quality (exact up to 2^24).
        total: float32 variable, all samples.
    """

    def __init__(self, modes, name=None, dtype=None):
        super().__init__(name=name or self.default_name, dtype=dtype)
        if not isinstance(modes, Modes):
            raise ValueError(
                "`modes` says which mode a sample belongs to: a `keras_gan.metrics.GaussianModes` "
                f"or `StackedModes`. Received: {modes!r}"
            )
        self.modes = modes
        self.counts = self.add_variable((modes.count,), "zeros", dtype="float32", name="counts")
        self.total = self.add_variable((), "zeros", dtype="float32", name="total")

    def update_state(self, real, generated, sample_weight=None):
        """Count generated samples; real ones are not looked at.

        Args:
            real: ignored, may be `None`.
            generated: float tensor `(N, ...)`.
            sample_weight: refused: a sample counts once.

        Raises:
            ValueError: if `sample_weight` is given.
        """
        if sample_weight is not None:
            raise ValueError("Modes are counted in samples. Do not pass `sample_weight`.")
        mode, is_high_quality = self.modes.assign(ops.convert_to_tensor(generated))
        hits = ops.one_hot(mode, self.modes.count, dtype="float32")
        hits = hits * ops.cast(is_high_quality, "float32")[:, None]
        self.counts.assign_add(ops.sum(hits, axis=0))
        self.total.assign_add(ops.cast(ops.shape(mode)[0], "float32"))

    def _shares(self):
        """Each mode's share of the samples of high quality: 0 where there are none."""
        return self.counts / ops.maximum(ops.sum(self.counts), 1.0)

    def get_config(self):
        """The constructor's arguments."""
        modes = keras.saving.serialize_keras_object(self.modes)
        return {"modes": modes, "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls(**{**config, "modes": keras.saving.deserialize_keras_object(config["modes"])})


@keras.saving.register_keras_serializable(package="keras_gan")
class ModesCovered(_ModeCounts):
    """The number of modes that got at least one sample of high quality.

    Args:
        modes: `keras_gan.metrics.Modes`.
        name: str.
        dtype: dtype of the metric.

    Example:
    ```python
    metric = keras_gan.metrics.ModesCovered(keras_gan.metrics.GaussianModes([[0, 0], [1, 0]], 0.1))
    metric.update_state(None, [[0.1, 0.0], [0.2, 0.1], [0.5, 0.0]])
    metric.result()  # 1.0
    ```

    Reference: Srivastava et al. (2017), VEEGAN, arXiv:1705.07761.
    """

    default_name = "modes_covered"

    def result(self):
        """float32 scalar in `[0, modes.count]`."""
        return ops.sum(ops.cast(self.counts > 0, "float32"))


@keras.saving.register_keras_serializable(package="keras_gan")
class HighQualitySamples(_ModeCounts):
    """The share of samples of high quality.

    Args:
        modes: `keras_gan.metrics.Modes`.
        name: str.
        dtype: dtype of the metric.

    Example:
    ```python
    metric = keras_gan.metrics.HighQualitySamples(
        keras_gan.metrics.GaussianModes([[0, 0], [1, 0]], 0.1)
    )
    metric.update_state(None, [[0.1, 0.0], [0.2, 0.1], [0.5, 0.0]])
    metric.result()  # 2 / 3
    ```

    Reference: Srivastava et al. (2017), VEEGAN, arXiv:1705.07761.
    """

    default_name = "high_quality_samples"

    def result(self):
        """float32 scalar in [0, 1]."""
        return ops.sum(self.counts) / ops.maximum(self.total, 1.0)


@keras.saving.register_keras_serializable(package="keras_gan")
class ModeKL(_ModeCounts):
    """KL(modes of the samples of high quality || uniform), in nats: the papers' "reverse KL".

    0 where all modes are equally frequent, `log(modes.count)` where there is only one, and also,
    as nothing is worse, where no sample is of high quality.

    Args:
        modes: `keras_gan.metrics.Modes`.
        name: str.
        dtype: dtype of the metric.

    Example:
    ```python
    metric = keras_gan.metrics.ModeKL(keras_gan.metrics.GaussianModes([[0, 0], [1, 0]], 0.1))
    metric.update_state(None, [[0.1, 0.0], [0.2, 0.1], [0.5, 0.0]])
    metric.result()  # log 2
    ```

    Reference: Lin, Khetan, Fanti, Oh (2017), PacGAN, arXiv:1712.04086.
    """

    default_name = "mode_kl"

    def result(self):
        """float32 scalar in `[0, log(modes.count)]`."""
        # Without samples of high quality the entropy is 0, which gives the worst value.
        return ops.maximum(math.log(self.modes.count) - _entropy(self._shares()), 0.0)


@keras.saving.register_keras_serializable(package="keras_gan")
class ModeJS(_ModeCounts):
    """Jensen-Shannon divergence of the same distribution from the uniform one, in nats.

    `ModeKL`'s symmetric companion, bounded by log 2 for any number of modes.

    Args:
        modes: `keras_gan.metrics.Modes`.
        name: str.
        dtype: dtype of the metric.

    Example:
    ```python
    metric = keras_gan.metrics.ModeJS(keras_gan.metrics.GaussianModes([[0, 0], [1, 0]], 0.1))
    metric.update_state(None, [[0.1, 0.0], [0.2, 0.1], [0.5, 0.0]])
    metric.result()  # 0.2158
    ```

    Reference: Lin, Khetan, Fanti, Oh (2017), PacGAN, arXiv:1712.04086.
    """

    default_name = "mode_js"

    def result(self):
        """float32 scalar in [0, log 2]; the largest where no sample is of high quality."""
        shares, count = self._shares(), self.modes.count
        mixture = _entropy(0.5 * (shares + 1.0 / count))
        divergence = mixture - 0.5 * (_entropy(shares) + math.log(count))
        return ops.where(ops.sum(shares) > 0, divergence, math.log(2.0))


def _entropy(shares):
    # 0 log 0 is 0.
    return -ops.sum(shares * ops.log(ops.where(shares > 0, shares, 1.0)))
