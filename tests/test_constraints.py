import keras
import numpy as np
import pytest
from keras import ops

import keras_gan
from keras_gan.constraints import WeightClip, constrain


def critic():
    return keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            keras_gan.layers.Conv2D(2, 3),
            keras_gan.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )


def test_clips_every_weight_of_the_critic_after_each_update():
    generator = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(16), keras.layers.Reshape((4, 4, 1))]
    )
    gan = keras_gan.GAN(generator, critic(), seed=0)
    constrain(gan.discriminator, WeightClip(0.01))
    gan.compile(
        loss="wasserstein",
        generator_optimizer=keras.optimizers.SGD(0.1),
        discriminator_optimizer=keras.optimizers.SGD(0.1),
        discriminator_steps=1,
        regularizers=[],
    )
    images = np.random.RandomState(0).uniform(-1, 1, (4, 4, 4, 1)).astype("float32")
    gan.train_on_batch(images)
    weights = [ops.convert_to_numpy(v) for v in gan.discriminator.trainable_variables]
    assert len(weights) == 6
    # float32 of the limit.
    assert all((np.abs(w) <= np.float32(0.01)).all() for w in weights)
    # The scales began at 1: their place is the limit.
    gamma = next(v for v in gan.discriminator.trainable_variables if v.name == "gamma")
    np.testing.assert_allclose(ops.convert_to_numpy(gamma), 0.01, rtol=1e-6)
    # The other player and the statistics are free.
    assert np.abs(ops.convert_to_numpy(generator.trainable_variables[0])).max() > 0.02
    moving = next(v for v in gan.discriminator.weights if v.name == "moving_variance")
    assert ops.convert_to_numpy(moving).max() > 0.02


def test_constraints_can_be_lifted_and_need_weights():
    network = critic()
    constrain(network, WeightClip(0.5))
    assert all(v.constraint.limit == 0.5 for v in network.trainable_variables)
    constrain(network, None)
    assert all(v.constraint is None for v in network.trainable_variables)
    with pytest.raises(ValueError, match=r"no trainable weights to constrain. Build it first"):
        constrain(keras.Sequential([keras.layers.Dense(1)]), WeightClip())


def test_config():
    config = keras.saving.serialize_keras_object(WeightClip(0.25))
    assert keras.saving.deserialize_keras_object(config).get_config() == {"limit": 0.25}
    for limit in (0, -1.0, float("inf"), float("nan"), "0.01"):
        with pytest.raises(ValueError, match=r"`limit` is a finite number > 0\. Received"):
            WeightClip(limit)
