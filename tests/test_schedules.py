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
