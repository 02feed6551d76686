"""Numbers that may change over training: a float, or a Keras schedule of the training step."""

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from keras_gan.checks import check_integer, check_number, check_positive


@keras.saving.register_keras_serializable(package="keras_gan")
class WarmUpDecay(LearningRateSchedule):
    """A moving average's decay that begins low: `min(decay, (1 + t) / (10 + t))` at update t.

    The average then forgets the initial weights sooner than with the final decay.

    Args:
        decay: float in [0, 1), the decay in the end.

    Raises:
        ValueError: if `decay` is out of range.

    Example:
    ```python
    gan.compile(ema_decay=keras_gan.schedules.WarmUpDecay(0.999))
    ```
    """

    def __init__(self, decay=0.999):
        check_number("decay", decay, below=1)
        self.decay = float(decay)

    def __call__(self, step):
        """The decay of the update at the end of training step `step`."""
        # Updates are counted from 1, steps from 0.
        update = ops.cast(step, "float32") + 1.0
        return ops.minimum(self.decay, (1.0 + update) / (10.0 + update))

    def get_config(self):
        """The constructor's arguments."""
        return {"decay": self.decay}


@keras.saving.register_keras_serializable(package="keras_gan")
class HalfLife(LearningRateSchedule):
    """A moving average's decay by the number of images in which a weight's share halves.

    Args:
        images: float >= 0, in the end; 0 for a copy.
        batch_size: int >= 1, images per training step.
        ramp_up: float > 0, or `None`. The half-life is at most this share of the images seen so
            far: the average of a young network forgets sooner, and begins as a copy.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    gan.compile(ema_decay=keras_gan.schedules.HalfLife(10_000, batch_size=32, ramp_up=0.05))
    ```

    Reference: Karras et al. (2020), Training Generative Adversarial Networks with Limited Data,
    arXiv:2006.06676.
    """

    def __init__(self, images, batch_size, ramp_up=None):
        check_number("images", images)
        check_integer("batch_size", batch_size, minimum=1)
        if ramp_up is not None:
            check_positive("ramp_up", ramp_up)
        self.images = images
        self.batch_size = batch_size
        self.ramp_up = ramp_up

    def __call__(self, step):
        """The decay of the update at the end of training step `step`."""
        images = float(self.images)
        if self.ramp_up is not None:
            images = ops.minimum(images, ops.cast(step, "float32") * self.batch_size * self.ramp_up)
        return 0.5 ** (self.batch_size / ops.maximum(images, 1e-8))

    def get_config(self):
        """The constructor's arguments."""
        return {"images": self.images, "batch_size": self.batch_size, "ramp_up": self.ramp_up}


def check(name, number, **limits):
    """Raises a ValueError unless `number` is a schedule, or within the limits of `check_number`.

    What a schedule gives is not checked.
    """
    if isinstance(number, LearningRateSchedule):
        return
    try:
        check_number(name, number, **limits)
    except ValueError as error:
        raise ValueError(
            f"{error}, which is no `keras.optimizers.schedules.LearningRateSchedule` either."
        ) from None


def value(number, step):
    """The float32 scalar that `number` is at a training step."""
    if isinstance(number, LearningRateSchedule):
        number = number(step)
    return ops.cast(number, "float32")


def serialize(number):
    """`number` for a config."""
    if isinstance(number, LearningRateSchedule):
        return keras.optimizers.schedules.serialize(number)
    return number


def deserialize(config):
    """The inverse of `serialize`."""
    if isinstance(config, dict):
        return keras.optimizers.schedules.deserialize(config)
    return config
