"""Numbers that may change over training: a float, or a Keras schedule of the training step."""

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from keras_gan.checks import check_number


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
