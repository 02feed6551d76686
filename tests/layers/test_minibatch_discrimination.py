import keras
import numpy as np
import pytest
from keras import ops

from keras_gan.layers import (
    JointMinibatchDiscrimination,
    MinibatchDiscrimination,
    NormalizedMinibatchDiscrimination,
)

X = np.random.RandomState(0).standard_normal((6, 5)).astype("float32")
FORMS = [MinibatchDiscrimination, NormalizedMinibatchDiscrimination, JointMinibatchDiscrimination]


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


def distances(x, kernel):
    mapped = np.einsum("na,abc->nbc", x.astype("float64"), kernel)
    return np.abs(mapped[:, None] - mapped[None]).sum(-1)


def test_copies_are_as_close_as_there_are_samples():
    layer = MinibatchDiscrimination(3, 2)
    y = numpy(layer(np.repeat(X[:1], 7, axis=0)))
    np.testing.assert_allclose(y[:, 5:], 7.0, rtol=1e-6)
    np.testing.assert_array_equal(y[:, :5], np.repeat(X[:1], 7, axis=0))


def test_paper_form():
    layer = MinibatchDiscrimination(3, 2, kernel_initializer=keras.initializers.RandomNormal())
    y = numpy(layer(X))
    expected = np.exp(-distances(X, numpy(layer.kernel))).sum(1)
    np.testing.assert_allclose(y[:, 5:], expected, rtol=1e-5)


def test_joint_form_divides_by_the_pairs_that_contribute():
    layer = JointMinibatchDiscrimination(3, 2)
    # Real samples are copies of one another, generated ones of another: all pairs within a half
    # are at distance 0, and pairs across so far apart that they add nothing.
    y = numpy(layer(np.float32([[100.0] * 5] * 3 + [[-100.0] * 5] * 3)))
    pairs = 6 * 3 - 3
    np.testing.assert_allclose(y[:3, 5:8], 2 / pairs, rtol=1e-5)
    np.testing.assert_allclose(y[3:, 8:], 2 / pairs, rtol=1e-5)
    assert y.shape == (6, 11) and (y[:3, 8:] < 0.1).all()


def test_adapt_puts_neighbours_at_distance_one_and_the_mean_at_zero():
    layer = NormalizedMinibatchDiscrimination(3, 2)
    layer.adapt(X)
    scale = np.exp(numpy(layer.log_scale)) / np.linalg.norm(numpy(layer.kernel), axis=0)
    d = distances(X, numpy(layer.kernel) * scale)
    d[np.arange(6), np.arange(6)] = np.inf
    np.testing.assert_allclose(0.5 * d.min(1).mean(0), 1.0, rtol=1e-5)
    y = numpy(layer(X))[:, 5:]
    np.testing.assert_allclose(y.mean(0), 0.0, atol=1e-5)
    np.testing.assert_allclose(y, np.exp(-d).sum(1) + numpy(layer.bias), rtol=1e-4, atol=1e-5)
    # The kernel's length does not matter, so a second time nothing changes.
    layer.kernel.assign(3.0 * layer.kernel)
    before = numpy(layer.log_scale)
    layer.adapt(X)
    np.testing.assert_allclose(numpy(layer.log_scale), before, atol=1e-5)


def test_adapt_needs_samples_that_differ():
    for features, expected in ((X[:1], "at least two samples"), (X[[0, 0]], "copy of itself")):
        with pytest.raises(ValueError, match=expected):
            NormalizedMinibatchDiscrimination(3, 2).adapt(features)


def test_adapt_within_a_network():
    inputs = keras.Input((2, 2, 3))
    layer = NormalizedMinibatchDiscrimination(4, 2)
    network = keras.Model(inputs, keras.layers.Dense(1)(layer(keras.layers.Conv2D(2, 2)(inputs))))
    features = keras.Model(network.inputs, layer.input)
    images = np.random.RandomState(1).standard_normal((5, 2, 2, 3)).astype("float32")
    layer.adapt(features(images))
    y = numpy(keras.Model(network.inputs, layer.output)(images))
    assert y.shape == (5, 2 + 4)
    np.testing.assert_allclose(y[:, 2:].mean(0), 0.0, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_shapes_config_and_policy(form):
    appended = 8 if form is JointMinibatchDiscrimination else 4
    layer = form(4, 2, dtype="mixed_bfloat16")
    model = keras.Sequential([keras.Input((3, 2)), layer])
    assert model.output_shape == (None, 6 + appended)
    y = layer(np.ones((4, 3, 2), "float32"))
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16" and y.shape == (4, 6 + appended)
    assert {keras.backend.standardize_dtype(v.dtype) for v in layer.weights} == {"float32"}
    assert form.from_config(layer.get_config()).get_config() == layer.get_config()
    for arguments in ((0, 2), (2, 0), (2.5, 2)):
        with pytest.raises(ValueError, match=r"integer >= 1\. Received"):
            form(*arguments)
