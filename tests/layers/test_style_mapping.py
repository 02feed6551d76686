import math

import numpy as np
import pytest
from keras import ops

from keras_gan.layers import StyleMapping


def draw(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def numpy(x):
    return np.asarray(ops.convert_to_numpy(x))


def normalized(x):
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-8)


def dense(layer, x, rate=1.0, slope=0.2):
    y = x @ (numpy(layer.kernel) * rate / math.sqrt(layer.kernel.shape[0]))
    y = y + numpy(layer.bias) * rate
    return np.where(y > 0, y, slope * y) * (1 if slope == 1 else math.sqrt(2))


def mapping(*arguments, **options):
    network = StyleMapping(*arguments, **options)
    for i, weight in enumerate(network.weights):
        scale = 100 if "fc" in weight.path else 1
        weight.assign(scale * draw(*weight.shape, seed=i + 3))
    return network


def test_latents():
    network = mapping(4, style_dim=5, num_layers=3, hidden_dim=6)
    assert network.embed is None
    assert [layer.kernel.shape for layer in network.dense] == [(4, 6), (6, 6), (6, 5)]
    z = draw(3, 4)
    x = normalized(z)
    for layer in network.dense:
        x = dense(layer, x, 0.01)
    np.testing.assert_allclose(numpy(network(z)), x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(numpy(network([z])), x, rtol=1e-4, atol=1e-5)
    # Only the direction of a latent matters.
    np.testing.assert_allclose(numpy(network(7 * z)), x, rtol=1e-4, atol=1e-5)


def test_latents_and_classes():
    network = mapping(4, 3, 5, 1, embedding_dim=2)
    z, labels = draw(2, 4), np.array([2, 0])
    y = normalized(dense(network.embed, np.eye(3)[labels], slope=1))
    # The latents come first.
    x = dense(network.dense[0], np.concatenate([normalized(z), y], axis=1), 0.01)
    np.testing.assert_allclose(numpy(network([z, labels])), x, rtol=1e-4, atol=1e-5)
    vectors = np.eye(3, dtype="float32")[labels]
    np.testing.assert_allclose(numpy(network([z, vectors])), x, rtol=1e-4, atol=1e-5)


def test_classes_without_layers():
    network = mapping(0, 3, 5, 0, average_decay=None)
    expected = normalized(dense(network.embed, np.eye(3)[[1]], slope=1))
    np.testing.assert_allclose(numpy(network(np.array([1]))), expected, rtol=1e-4)
    assert network.average is None and network.dense == []
    # Weights of several classes.
    mixed = np.array([[0.5, 0.5, 0.0]], "float32")
    expected = normalized(dense(network.embed, mixed, slope=1))
    np.testing.assert_allclose(numpy(network(mixed)), expected, rtol=1e-4)


def test_average_moves_in_training_only():
    network = mapping(4, style_dim=5, num_layers=1, average_decay=0.9)
    before = numpy(network.average).copy()
    w = numpy(network(draw(6, 4)))
    np.testing.assert_array_equal(numpy(network.average), before)
    np.testing.assert_allclose(numpy(network(draw(6, 4), training=True)), w, rtol=1e-6)
    expected = 0.9 * before + 0.1 * w.mean(axis=0)
    np.testing.assert_allclose(numpy(network.average), expected, rtol=1e-4, atol=1e-5)
    assert not network.average.trainable
    assert all(v is not network.average for v in network.trainable_variables)


def test_initial_average_is_zero():
    assert not numpy(StyleMapping(4, style_dim=5, num_layers=1).average).any()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"latent_dim": -1}, "`latent_dim` must be an integer >= 0"),
        ({"latent_dim": 4, "num_layers": 0}, "Without layers, w is the input of 4 numbers"),
        ({"latent_dim": 4, "num_layers": 1.5}, "`num_layers` must be an integer >= 0"),
        ({"latent_dim": 4, "style_dim": 0}, "`style_dim` must be an integer >= 1"),
        ({"latent_dim": 4, "average_decay": 1}, r"`average_decay` must be .* in \[0, 1\)"),
        ({"latent_dim": 4, "learning_rate_multiplier": 0}, "must be positive"),
        ({"latent_dim": 0}, "neither latents nor classes"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        StyleMapping(**{"style_dim": 5, "num_layers": 1, **arguments})
