import keras
import numpy as np
import pytest
from keras import ops

from keras_gan.ops import activation_gain, bias_act

X = np.linspace(-3, 3, 12, dtype="float32").reshape(2, 2, 3)
BIAS = np.array([0.5, -1.0, 0.25], "float32")
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

DEFINITIONS = {
    "linear": (lambda x: x, 1.0),
    "relu": (lambda x: np.maximum(x, 0), 2**0.5),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.2 * x), 2**0.5),
    "tanh": (np.tanh, 1.0),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), 1.0),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), 1.0),
    "selu": (lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x)), 1.0),
    "softplus": (lambda x: np.log1p(np.exp(x)), 1.0),
    "swish": (lambda x: x / (1 + np.exp(-x)), 2**0.5),
}


def numpy(x):
    return np.asarray(ops.convert_to_numpy(x))


@pytest.mark.parametrize("activation", DEFINITIONS)
def test_is_the_definition(activation):
    function, gain = DEFINITIONS[activation]
    assert activation_gain(activation) == pytest.approx(gain)
    x, biased = X.astype("float64"), X.astype("float64") + BIAS
    for found, expected in (
        (bias_act(X, BIAS, activation), function(biased) * gain),
        (bias_act(X, None, activation, gain=0.5), function(x) * 0.5),
        # The clamp comes after the gain.
        (bias_act(X, BIAS, activation, clamp=0.9), np.clip(function(biased) * gain, -0.9, 0.9)),
    ):
        np.testing.assert_allclose(numpy(found), expected, rtol=1e-5, atol=1e-6)


def test_slope_and_precision():
    found = bias_act(X, None, "leaky_relu", negative_slope=0.5, gain=1.0)
    np.testing.assert_allclose(numpy(found), np.where(X > 0, X, 0.5 * X))
    half = ops.cast(X, "float16")
    assert keras.backend.standardize_dtype(bias_act(half, half[0, 0]).dtype) == "float16"


def test_unknown_activation():
    for function in (activation_gain, lambda name: bias_act(X, activation=name)):
        with pytest.raises(ValueError, match="`activation` is one of"):
            function("gelu")
