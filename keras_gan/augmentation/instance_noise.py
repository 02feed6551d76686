"""Noise on the discriminator's inputs."""

import math

import keras
from keras import ops

from keras_gan import random
from keras_gan.augmentation.base import Augmentation


@keras.saving.register_keras_serializable(package="keras_gan")
class InstanceNoise(Augmentation):
    """Adds normal noise to real and generated images, so that their distributions overlap.

    Where they do not, a discriminator can be perfect and its gradient tells the generator nothing.
    The noise is usually annealed: `PolynomialDecay(0.1, 10_000, 0.0)` falls linearly from 0.1 to 0
    over the first 10,000 training steps.

    Args:
        stddev: float >= 0, or a `keras.optimizers.schedules.LearningRateSchedule` that gives it for
            the model's training step.

    Call arguments:
        images: float32 tensor `(N, H, W, C)`.
        seed: `keras_gan.random.SeedGenerator`.
        step: integer tensor, training steps made.

    Raises:
        ValueError: if `stddev` is neither.

    Example:
    ```python
    noise = keras_gan.augmentation.InstanceNoise(
        keras.optimizers.schedules.PolynomialDecay(0.1, decay_steps=10_000, end_learning_rate=0.0)
    )
    noisy = noise(images, keras_gan.random.SeedGenerator(7), step=5_000)
    ```

    References: Sonderby et al. (2016), Amortised MAP Inference for Image Super-resolution,
    arXiv:1610.04490; Arjovsky, Bottou (2017), Towards Principled Methods for Training Generative
    Adversarial Networks, arXiv:1701.04862.
    """

    def __init__(self, stddev=0.1):
        schedule = isinstance(stddev, keras.optimizers.schedules.LearningRateSchedule)
        if not schedule and not (isinstance(stddev, (int, float)) and 0 <= stddev < math.inf):
            raise ValueError(
                "`stddev` is a finite number >= 0 or a "
                f"`keras.optimizers.schedules.LearningRateSchedule`. Received: {stddev!r}"
            )
        self.stddev = stddev
        self._schedule = stddev if schedule else None

    def __call__(self, images, seed, step):
        """Add the noise of this step."""
        stddev = self.stddev if self._schedule is None else self._schedule(step)
        noise = random.normal(ops.shape(images), seed)
        return images + ops.cast(stddev, images.dtype) * noise

    def get_config(self):
        """The constructor's arguments."""
        if self._schedule is None:
            return {"stddev": self.stddev}
        return {"stddev": keras.optimizers.schedules.serialize(self._schedule)}

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        stddev = config["stddev"]
        if isinstance(stddev, dict):
            stddev = keras.optimizers.schedules.deserialize(stddev)
        return cls(stddev)
