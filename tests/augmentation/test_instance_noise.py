import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import augmentation, random
from keras_gan.augmentation import InstanceNoise

X = np.linspace(-1, 1, 2 * 4 * 3 * 2, dtype="float32").reshape(2, 4, 3, 2)


def noise(stddev, step=0):
    noisy = InstanceNoise(stddev)(ops.convert_to_tensor(X), random.SeedGenerator(3), step)
    return ops.convert_to_numpy(noisy) - X


def test_adds_the_streams_normal_numbers():
    expected = ops.convert_to_numpy(random.normal(X.shape, random.SeedGenerator(3)))
    np.testing.assert_allclose(noise(0.5), 0.5 * expected, atol=1e-6)


def test_follows_a_schedule_of_the_training_step():
    schedule = keras.optimizers.schedules.PolynomialDecay(0.2, 10, 0.0)
    for step, share in ((0, 1.0), (5, 0.5), (10, 0.0), (20, 0.0)):
        step = ops.convert_to_tensor(step, "int32")
        np.testing.assert_allclose(noise(schedule, step), share * noise(0.2), atol=1e-6)


@pytest.mark.parametrize("stddev", [0.1, keras.optimizers.schedules.PolynomialDecay(0.2, 10, 0.0)])
def test_config(stddev):
    config = keras.saving.serialize_keras_object(InstanceNoise(stddev))
    assert keras.saving.serialize_keras_object(augmentation.get(config)) == config


@pytest.mark.parametrize("stddev", [-0.1, float("inf"), float("nan"), "0.1", None])
def test_bad_stddev(stddev):
    with pytest.raises(ValueError, match=r"`stddev` is a finite number >= 0 or.*Received"):
        InstanceNoise(stddev)


def test_get_refuses_other_things():
    with pytest.raises(ValueError, match=r"An augmentation is an object.*Received: 'color'"):
        augmentation.get("color")
    with pytest.raises(NotImplementedError, match="must implement"):
        augmentation.Augmentation()(X, random.SeedGenerator(0), 0)
