import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import schedules

HALVES = keras.optimizers.schedules.ExponentialDecay(1.0, 10, 0.5, staircase=True)


def test_a_number_or_a_schedule_of_the_step():
    step = keras.Variable(25, dtype="int32", trainable=False)
    assert float(ops.convert_to_numpy(schedules.value(0.3, step))) == pytest.approx(0.3)
    assert float(ops.convert_to_numpy(schedules.value(HALVES, step))) == pytest.approx(0.25)


def test_configs():
    assert schedules.deserialize(schedules.serialize(0.3)) == 0.3
    again = schedules.deserialize(schedules.serialize(HALVES))
    assert again.get_config() == HALVES.get_config()
    decay = schedules.deserialize(schedules.serialize(schedules.WarmUpDecay(0.9)))
    assert type(decay) is schedules.WarmUpDecay and decay.decay == 0.9


def test_warm_up():
    found = [float(ops.convert_to_numpy(schedules.WarmUpDecay(0.9)(step))) for step in range(200)]
    expected = [min(0.9, (1 + t) / (10 + t)) for t in range(1, 201)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_check():
    schedules.check("share", HALVES, maximum=1)
    schedules.check("share", 1, maximum=1)
    for bad in (1.5, "half", None, True):
        with pytest.raises(ValueError, match=r"`share` .*in \[0, 1\].*LearningRateSchedule"):
            schedules.check("share", bad, maximum=1)


def test_half_life():
    """After `images` images, half of a weight is left; a young average forgets sooner."""

    def decays(schedule, steps):
        step = keras.Variable(0, dtype="int32", trainable=False)
        found = []
        for value in steps:
            step.assign(value)
            found.append(float(ops.convert_to_numpy(schedules.value(schedule, step))))
        return found

    constant = decays(schedules.HalfLife(1000, batch_size=20), range(0, 99, 7))
    np.testing.assert_allclose(constant, 0.5 ** (1 / 50), rtol=1e-6)
    assert decays(schedules.HalfLife(0, batch_size=20), [0, 5]) == [0.0, 0.0]
    ramp = decays(
        schedules.HalfLife(1000, batch_size=20, ramp_up=0.05), [0, 1, 10, 999, 1000, 5000]
    )
    # The first update makes a copy; at step t, 20 t images have been seen.
    expected = [0.0, *(0.5 ** (20 / min(1000, 20 * t * 0.05)) for t in (1, 10, 999, 1000, 5000))]
    np.testing.assert_allclose(ramp, expected, rtol=1e-5)
    schedule = schedules.HalfLife(1000, 20, 0.05)
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is schedules.HalfLife and again.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((-1, 1), "`images` must be a finite number >= 0. Received: -1"),
        ((10, 0), "`batch_size` must be an integer >= 1"),
        ((10, 1, 0), "`ramp_up` must be positive. Received: 0"),
        ((10, 1, -1), "`ramp_up` must be a finite number"),
    ],
)
def test_half_life_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        schedules.HalfLife(*arguments)
