import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import random
from keras_gan.layers import Dropout

ONES = np.ones((4, 50), "float32")


def test_mask_is_the_streams():
    layer = Dropout(0.25, seed=3)
    seed = random.SeedGenerator(3)
    for _ in range(2):
        kept = ops.convert_to_numpy(random.uniform((4, 50), seed)) >= 0.25
        y = ops.convert_to_numpy(layer(ONES, training=True))
        np.testing.assert_allclose(y, kept / 0.75, rtol=1e-6)
    assert 0.15 < 1 - kept.mean() < 0.35


def test_outside_training_nothing_is_drawn():
    layer = Dropout(0.25, seed=3)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(ONES)), ONES)
    assert ops.convert_to_numpy(layer.seed_generator.state.value).tolist() == [3, 0]
    np.testing.assert_array_equal(ops.convert_to_numpy(Dropout(0)(ONES, training=True)), ONES)


def test_config_and_policy():
    layer = Dropout(0.5, seed=3, dtype="mixed_bfloat16")
    assert Dropout.from_config(layer.get_config()).get_config() == layer.get_config()
    y = layer(ops.cast(ONES, "bfloat16"), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    for rate in (-0.1, 1.0, "half", None):
        with pytest.raises(ValueError, match=r"in \[0, 1\). Received"):
            Dropout(rate)
