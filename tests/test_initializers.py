import keras
import numpy as np
import pytest
from keras import ops

from keras_gan.initializers import RandomNormal, RandomUniform


@pytest.mark.parametrize("initializer", [RandomNormal(1.0, 0.5, 3), RandomUniform(-1.0, 3.0, 3)])
def test_draws(initializer):
    draws = ops.convert_to_numpy(initializer((50, 40), "float32"))
    assert draws.dtype == np.float32 and draws.shape == (50, 40)
    assert draws.mean() == pytest.approx(1.0, abs=0.06)
    spread = 0.5 if isinstance(initializer, RandomNormal) else 4 / 12**0.5
    assert draws.std() == pytest.approx(spread, rel=0.05)
    # Layers that share an initializer begin with different weights.
    assert not np.array_equal(draws, ops.convert_to_numpy(initializer((50, 40))))
    again = keras.initializers.get(keras.initializers.serialize(initializer))
    np.testing.assert_array_equal(ops.convert_to_numpy(again((50, 40))), draws)


def test_the_global_seed_determines_them():
    def draw():
        keras.utils.set_random_seed(5)
        return ops.convert_to_numpy(RandomNormal()((4,)))

    np.testing.assert_array_equal(draw(), draw())
