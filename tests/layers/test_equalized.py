import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_gan.layers import EqualizedConv2D, EqualizedDense
from keras_gan.ops import bias_act, conv, conv_downsample, conv_upsample, setup_filter


def draw(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def numpy(x):
    return np.asarray(ops.convert_to_numpy(x))


def with_bias(layer, inputs):
    layer.build(inputs.shape)
    layer.bias.assign(draw(*layer.bias.shape, seed=5))
    return layer, numpy(layer.kernel), numpy(layer.bias)


def test_dense():
    x = draw(4, 3, 6)
    layer, kernel, bias = with_bias(EqualizedDense(5, "leaky_relu", 0.1), x)
    y = x @ (kernel * 0.1 / math.sqrt(6)) + bias * 0.1
    expected = math.sqrt(2) * np.where(y > 0, y, 0.2 * y)
    np.testing.assert_allclose(numpy(layer(x)), expected, atol=1e-6)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_initial_weights():
    """Outputs of variance 1 for inputs of variance 1, whatever the width and the multiplier."""
    keras.utils.set_random_seed(0)
    dense = EqualizedDense(400, learning_rate_multiplier=0.01, bias_initial=1.0)
    y = numpy(dense(draw(200, 300)))
    assert numpy(dense.kernel).std() == pytest.approx(100, rel=0.02)
    # The bias is not divided by the multiplier.
    np.testing.assert_array_equal(numpy(dense.bias), 1)
    assert y.std() == pytest.approx(1, rel=0.05)
    convolution = EqualizedConv2D(64, 3)
    y = numpy(convolution(draw(4, 12, 12, 32)))[:, 1:-1, 1:-1]
    assert numpy(convolution.kernel).std() == pytest.approx(1, rel=0.02)
    assert y.std() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("up, down", [(1, 1), (2, 1), (1, 2), (4, 1), (1, 3)])
def test_convolution(size, up, down):
    x = draw(2, 8, 6, 3)
    layer = EqualizedConv2D(4, size, "leaky_relu", up=up, down=down, gain=0.5, clamp=0.8)
    layer, kernel, bias = with_bias(layer, x)
    assert kernel.shape == (size, size, *((4, 3) if up > 1 and size == 3 else (3, 4)))
    kernel = kernel / np.float32(math.sqrt(3 * size * size))
    taps = setup_filter((1, 3, 3, 1))
    if up > 1:
        kernel = kernel if size == 3 else np.transpose(kernel, (0, 1, 3, 2))
        y = conv_upsample(ops.convert_to_tensor(x), ops.convert_to_tensor(kernel), taps, up)
    elif down > 1:
        y = conv_downsample(x, kernel, taps, down)
    else:
        y = conv(x, kernel, padding="same")
    # The gain multiplies that of the activation, and the clamp.
    expected = numpy(bias_act(y, bias, "leaky_relu", gain=0.5 * math.sqrt(2), clamp=0.4))
    found = numpy(layer(x))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(found).max() == pytest.approx(0.4)
    assert layer.compute_output_shape((None, 8, 6, 3)) == (None, *found.shape[1:])


@pytest.mark.parametrize(
    "layer, shape",
    [
        (EqualizedDense(3, "tanh", 0.5, 1.0), (2, 4)),
        (EqualizedConv2D(3, 3, "relu", False, 1, 2, 0.5, 2.0, (1, 2, 1)), (2, 4, 4, 2)),
    ],
)
def test_config_and_half_precision(layer, shape):
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    x = draw(*shape)
    y = layer(x)
    again.build(shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(numpy(again(x)), numpy(y))
    half = type(layer).from_config({**config, "dtype": "mixed_float16"})
    y = half(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert half.kernel.dtype == "float32"


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: EqualizedDense(0), "`units` must be an integer >= 1. Received: 0"),
        (lambda: EqualizedDense(1, "gelu"), "`activation` is one of"),
        (lambda: EqualizedDense(1, "relu", 0), "`learning_rate_multiplier` must be positive"),
        (lambda: EqualizedConv2D(1, 2), "`kernel_size` is odd. Received: 2"),
        (lambda: EqualizedConv2D(1.5, 3), "`filters` must be an integer >= 1. Received: 1.5"),
        (
            lambda: EqualizedConv2D(1, 3, up=2, down=2),
            "One of `up` and `down` is 1. Received: up=2",
        ),
        (lambda: EqualizedConv2D(1, 3, down=0), "`down` must be an integer >= 1. Received: 0"),
        (lambda: EqualizedConv2D(1, 3, clamp=0), "`clamp` must be positive. Received: 0"),
        (lambda: EqualizedConv2D(1, 3, gain=-1.0), "`gain` must be a finite number"),
        (lambda: EqualizedConv2D(1, 3, resample_filter=()), "A filter is a list of numbers"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()
