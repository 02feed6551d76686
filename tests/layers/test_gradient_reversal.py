import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import backend
from keras_gan.layers import GradientReversal

X = np.random.RandomState(0).standard_normal((4, 3)).astype("float32")


def test_outputs_are_the_inputs_and_gradients_are_turned_around():
    layer = GradientReversal(0.7)
    x = keras.Variable(X)

    def gradient():
        def loss():
            y = layer(ops.convert_to_tensor(x))
            return ops.sum(ops.square(y)), y

        (_, y), (slope,) = backend.value_and_grad(loss, [x])
        np.testing.assert_array_equal(ops.convert_to_numpy(y), X)
        return ops.convert_to_numpy(slope)

    np.testing.assert_allclose(gradient(), -0.7 * 2 * X, rtol=1e-5)
    layer.scale.assign(0.0)
    np.testing.assert_array_equal(gradient(), 0.0)


def test_config_and_policy():
    layer = GradientReversal(0.5, dtype="mixed_bfloat16")
    assert not layer.trainable_variables
    assert GradientReversal.from_config(layer.get_config()).get_config() == layer.get_config()
    model = keras.Sequential([keras.Input((3,)), layer])
    assert model.output_shape == (None, 3) and model.outputs[0].dtype == "bfloat16"
    for scale in (-1.0, float("nan"), "1"):
        with pytest.raises(ValueError, match=r"`scale` is a number >= 0\. Received"):
            GradientReversal(scale)
