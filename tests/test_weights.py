import keras
import numpy as np
import pytest

from keras_gan.weights import copy_weights


def network(units):
    return keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(units), keras.layers.BatchNormalization()]
    )


def test_all_weights_are_copied():
    source, target = network(3), network(3)
    source.set_weights([w + i for i, w in enumerate(source.get_weights())])
    copy_weights(source, target)
    for a, b in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError):
        copy_weights(source, network(4))
    with pytest.raises(ValueError):
        copy_weights(source, keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]))
