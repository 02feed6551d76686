"""Consistency regularisation: the same opinion of an image however it is shown."""

import keras
from keras import ops

from keras_gan import augmentation as augmentations
from keras_gan import random
from keras_gan.checks import check_number
from keras_gan.regularizers.base import Regularizer


@keras.saving.register_keras_serializable(package="keras_gan")
class ConsistencyRegularization(Regularizer):
    """CR: `E (D(x) - D(T(x)))^2` over real images x and random augmentations T.

    The adversarial loss still sees the images without T. Gradients flow through both logits.

    Args:
        weight: float >= 0 (10).
        augmentation: `keras_gan.augmentation.Augmentation`; flips and shifts by default.
        interval: int >= 1, see `keras_gan.regularizers`.

    Example:
    ```python
    gan.compile(
        loss="hinge", regularizers=[keras_gan.regularizers.ConsistencyRegularization(10.0)]
    )
    ```

    Reference: Zhang, Zhang, Odena, Lee (2019), Consistency Regularization for Generative
    Adversarial Networks, arXiv:1910.12027.
    """

    name = "consistency"

    def __init__(self, weight=10.0, augmentation=None, interval=1):
        super().__init__(weight, interval)
        if augmentation is None:
            augmentation = augmentations.FlipShift()
        self.augmentation = augmentations.get(augmentation)

    def penalty(self, context):
        """The mean squared difference for real images."""
        return self.difference(context, context.real_images, context.real_logits)

    def difference(self, context, images, logits):
        """The mean squared difference between `logits` and those of the augmented images."""
        augmented = self.augmentation(images, context.seed, context.step)
        return _mean_square(context.discriminate(context.show(augmented)), logits)

    def get_config(self):
        """The constructor's arguments."""
        augmentation = keras.saving.serialize_keras_object(self.augmentation)
        return {**super().get_config(), "augmentation": augmentation}


@keras.saving.register_keras_serializable(package="keras_gan")
class BalancedConsistencyRegularization(ConsistencyRegularization):
    """bCR: consistency for real and for generated images.

    It logs the weighted sum of both terms.

    Args:
        real_weight: float >= 0 (10).
        fake_weight: float >= 0 (10).
        augmentation: `keras_gan.augmentation.Augmentation`; flips and shifts by default.
        interval: int >= 1, see `keras_gan.regularizers`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    gan.compile(
        loss="hinge", regularizers=[keras_gan.regularizers.BalancedConsistencyRegularization()]
    )
    ```

    Reference: Zhao et al. (2020), Improved Consistency Regularization for GANs, arXiv:2002.04724.
    """

    name = "balanced_consistency"

    def __init__(self, real_weight=10.0, fake_weight=10.0, augmentation=None, interval=1):
        super().__init__(1.0, augmentation, interval)
        check_number("real_weight", real_weight)
        check_number("fake_weight", fake_weight)
        self.real_weight = float(real_weight)
        self.fake_weight = float(fake_weight)

    def penalty(self, context):
        """The weighted sum of the mean squared differences."""
        real = self.difference(context, context.real_images, context.real_logits)
        fake = self.difference(context, context.fake_images, context.fake_logits)
        return self.real_weight * real + self.fake_weight * fake

    def get_config(self):
        """The constructor's arguments."""
        config = {**super().get_config()}
        del config["weight"]
        return {**config, "real_weight": self.real_weight, "fake_weight": self.fake_weight}


class _Latents(Regularizer):
    """What a small step in latent space changes."""

    def __init__(self, weight, stddev, interval):
        super().__init__(weight, interval)
        check_number("stddev", stddev)
        self.stddev = float(stddev)

    def pair(self, context):
        """Images for latents `z`, and for `z` plus noise."""
        z = context.sample_latents()
        noise = random.normal(ops.shape(z), context.seed, stddev=self.stddev)
        return context.generate(z), context.generate(z + noise)

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev}


@keras.saving.register_keras_serializable(package="keras_gan")
class LatentConsistency(_Latents):
    """zCR, the discriminator's term: `E (D(G(z)) - D(G(z + noise)))^2`.

    Args:
        weight: float >= 0 (5).
        stddev: float >= 0 of the noise (0.03).
        interval: int >= 1, see `keras_gan.regularizers`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    regularizers = keras_gan.regularizers
    gan.compile(
        loss="hinge",
        regularizers=[regularizers.LatentConsistency(5.0), regularizers.LatentDiversity(0.5)],
    )
    ```

    Reference: Zhao et al. (2020), Improved Consistency Regularization for GANs, arXiv:2002.04724.
    """

    name = "latent_consistency"

    def __init__(self, weight=5.0, stddev=0.03, interval=1):
        super().__init__(weight, stddev, interval)

    def penalty(self, context):
        """The mean squared difference of the logits."""
        near, far = (context.discriminate(context.show(x)) for x in self.pair(context))
        return _mean_square(near, far)


@keras.saving.register_keras_serializable(package="keras_gan")
class LatentDiversity(_Latents):
    """zCR, the generator's term: `-E (G(z) - G(z + noise))^2`, averaged over pixels.

    Alone among the penalties it is negative: the generator is to react to its latents, while
    `LatentConsistency` forbids the discriminator to notice.

    Args:
        weight: float >= 0 (0.5).
        stddev: float >= 0 of the noise (0.03).
        interval: int >= 1, see `keras_gan.regularizers`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    regularizers = keras_gan.regularizers
    gan.compile(
        loss="hinge",
        regularizers=[regularizers.LatentConsistency(5.0), regularizers.LatentDiversity(0.5)],
    )
    ```

    Reference: Zhao et al. (2020), Improved Consistency Regularization for GANs, arXiv:2002.04724.
    """

    name = "latent_diversity"
    player = "generator"

    def __init__(self, weight=0.5, stddev=0.03, interval=1):
        super().__init__(weight, stddev, interval)

    def penalty(self, context):
        """Minus the mean squared difference of the images."""
        return -_mean_square(*self.pair(context))


def _mean_square(a, b):
    return ops.mean(ops.square(ops.cast(a, "float32") - ops.cast(b, "float32")))
