import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import backend
from keras_gan.layers import LeakyReLU
from keras_gan.ops import bias_act

X = np.array([[-2.0, -0.0, 0.0, 3.0]], "float32")


@pytest.mark.parametrize(
    "function", [LeakyReLU(0.2), lambda x: bias_act(x, None, "leaky_relu", gain=1.0)]
)
def test_values_and_slopes_also_at_zero(function):
    x = keras.Variable(X)

    def loss():
        y = function(ops.convert_to_tensor(x))
        return ops.sum(y), y

    (_, y), (slope,) = backend.value_and_grad(loss, [x])
    np.testing.assert_allclose(ops.convert_to_numpy(y), [[-0.4, 0.0, 0.0, 3.0]], rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(slope), [[0.2, 0.2, 0.2, 1.0]], rtol=1e-6)


def test_config_and_policy():
    layer = LeakyReLU(0.1, dtype="mixed_bfloat16")
    assert LeakyReLU.from_config(layer.get_config()).get_config() == layer.get_config()
    model = keras.Sequential([keras.Input((3,)), layer])
    assert model.output_shape == (None, 3) and model.outputs[0].dtype == "bfloat16"
    with pytest.raises(ValueError, match="negative_slope"):
        LeakyReLU(-1.0)
