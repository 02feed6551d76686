import keras
import numpy as np
import pytest
from keras import ops

from keras_gan.layers import Maxout

X = np.random.RandomState(0).standard_normal((4, 3)).astype("float32")


def test_a_units_pieces_are_consecutive_columns():
    layer = Maxout(5, pieces=2, bias_initializer=keras.initializers.RandomNormal(stddev=1.0))
    y = ops.convert_to_numpy(layer(X))
    kernel, bias = (ops.convert_to_numpy(v) for v in layer.weights)
    assert kernel.shape == (3, 10) and bias.shape == (10,)
    linear = X @ kernel + bias
    np.testing.assert_allclose(y, np.maximum(linear[:, ::2], linear[:, 1::2]), rtol=1e-5, atol=1e-6)


def test_one_piece_is_a_dense_layer():
    layer, dense = Maxout(4, pieces=1), keras.layers.Dense(4)
    layer.build(X.shape), dense.build(X.shape)
    dense.set_weights(layer.get_weights())
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(X)), ops.convert_to_numpy(dense(X)), rtol=1e-6
    )


def test_shapes_config_and_policy():
    model = keras.Sequential([keras.Input((7, 3)), Maxout(4, 5, dtype="mixed_bfloat16")])
    assert model.output_shape == (None, 7, 4)
    assert ops.convert_to_numpy(ops.cast(model(np.ones((2, 7, 3))), "float32")).shape == (2, 7, 4)
    layer = Maxout(4, 5, kernel_initializer=keras.initializers.RandomUniform(-0.005, 0.005))
    assert Maxout.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize("arguments", [(0, 2), (2, 0), (2.0, 2), (2, True)])
def test_bad_sizes(arguments):
    with pytest.raises(ValueError, match=r"integer >= 1\. Received"):
        Maxout(*arguments)
