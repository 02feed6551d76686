import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import backend
from keras_gan.layers import BatchNormalization

X = np.random.RandomState(0).standard_normal((4, 3, 3, 2)).astype("float32") * 3 + 1


def weights(layer):
    return {v.name: ops.convert_to_numpy(v) for v in layer.weights}


def test_normalises_by_the_batch_and_moves_the_unbiased_variance():
    layer = BatchNormalization(momentum=0.75)
    y = ops.convert_to_numpy(layer(X, training=True))
    mean, variance = X.mean((0, 1, 2)), X.var((0, 1, 2))
    np.testing.assert_allclose(y, (X - mean) / np.sqrt(variance + 1e-5), atol=1e-5)
    moved = weights(layer)
    np.testing.assert_allclose(moved["moving_mean"], 0.25 * mean, rtol=1e-5)
    unbiased = X.var((0, 1, 2), ddof=1)
    np.testing.assert_allclose(moved["moving_variance"], 0.75 + 0.25 * unbiased, rtol=1e-5)


def test_inference_uses_the_moving_statistics_and_leaves_them():
    layer = BatchNormalization()
    layer(X, training=True)
    before = weights(layer)
    y = ops.convert_to_numpy(layer(X))
    expected = (X - before["moving_mean"]) / np.sqrt(before["moving_variance"] + 1e-5)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    for name, value in weights(layer).items():
        np.testing.assert_array_equal(value, before[name])


def test_freezing_does_not_switch_to_inference():
    layer = BatchNormalization()
    expected = ops.convert_to_numpy(layer(X, training=True))
    layer.trainable = False
    assert not layer.trainable_variables
    before = weights(layer)["moving_mean"]
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(X, training=True)), expected)
    assert not np.array_equal(weights(layer)["moving_mean"], before)


def test_one_value_per_channel_has_no_unbiased_variance():
    layer = BatchNormalization()
    y = ops.convert_to_numpy(layer(np.float32([[1.0, 5.0]]), training=True))
    np.testing.assert_allclose(y, 0.0, atol=1e-4)
    assert np.isfinite(weights(layer)["moving_variance"]).all()


def test_second_order_gradient_is_the_numeric_one():
    # What a gradient penalty differentiates. TensorFlow's `moments` would get it wrong.
    layer = BatchNormalization()
    x = X[:, :1, :2].astype("float32")
    layer(x)
    mask = ops.convert_to_tensor(
        np.random.RandomState(1).standard_normal(x.shape).astype("float32")
    )

    def penalty(x):
        def score(x):
            return ops.sum(ops.tanh(layer(x, training=True)) * mask)

        _, (slope,) = backend.grads(score, [x])
        return ops.sum(ops.square(slope))

    variable = keras.Variable(x)
    _, (gradient,) = backend.value_and_grad(lambda: (penalty(variable * 1.0), {}), [variable])
    gradient, h = ops.convert_to_numpy(gradient), 1e-2
    for index in [(0, 0, 0, 0), (2, 0, 1, 1), (3, 0, 0, 1)]:
        e = np.zeros_like(x)
        e[index] = h
        high, low = (
            float(ops.convert_to_numpy(penalty(ops.convert_to_tensor(x + s * e)))) for s in (1, -1)
        )
        np.testing.assert_allclose(gradient[index], (high - low) / (2 * h), rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_statistics_are_float32_under_half_precision_policies(policy):
    layer = BatchNormalization(dtype=policy)
    # Squares of 1000 overflow float16.
    y = layer(ops.cast(300 * X, policy.removeprefix("mixed_")), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    assert {keras.backend.standardize_dtype(v.dtype) for v in layer.weights} == {"float32"}
    moved = weights(layer)
    assert np.isfinite(ops.convert_to_numpy(ops.cast(y, "float32"))).all()
    np.testing.assert_allclose(
        moved["moving_variance"], 0.9 + 0.1 * (300 * X).var((0, 1, 2), ddof=1), rtol=2e-2
    )


def test_round_trip():
    layer = BatchNormalization(
        momentum=0.5, epsilon=0.8, scale_initializer=keras.initializers.RandomNormal(1.0, 0.02)
    )
    again = BatchNormalization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    model = keras.Sequential([keras.Input((3,)), layer])
    assert model.output_shape == (None, 3)


def test_statistics_of_a_large_batch_are_precise():
    # Frameworks' own kernels add up 65,536 numbers one by one: errors of 5e-5.
    x = np.random.RandomState(0).standard_normal((64, 32, 32, 4)) + 1.0
    y = ops.convert_to_numpy(BatchNormalization()(x.astype("float32"), training=True))
    expected = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    assert np.abs(y - expected).max() < 2.5e-5
