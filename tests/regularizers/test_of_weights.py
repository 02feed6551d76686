import types

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gan
from keras_gan import backend
from keras_gan.regularizers import HistoricalAveraging, Orthogonal, get

RNG = np.random.RandomState(0)


def number(x):
    return float(ops.convert_to_numpy(x))


def products(filters):
    squares = np.square(filters @ filters.T)
    return squares.sum() - np.trace(squares)


def network():
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            keras_gan.layers.Conv2D(5, 3, name="conv"),
            keras_gan.layers.BatchNormalization(),
            keras_gan.layers.Conv2DTranspose(2, 4, strides=2, padding="same", name="deconv"),
            keras.Sequential([layers.Flatten(), layers.Dense(4, name="dense")], name="inner"),
        ]
    )
    for weight in model.weights:
        weight.assign(RNG.standard_normal(weight.shape))
    return model


def orthogonal(model, **options):
    return Orthogonal(**options).penalty(types.SimpleNamespace(networks=[model]))


def test_orthogonal_multiplies_filters_of_all_kinds_of_layers():
    model = network()
    conv, deconv = (model.get_layer(name).kernel for name in ("conv", "deconv"))
    dense = model.get_layer("inner").get_layer("dense").kernel
    conv, deconv, dense = (ops.convert_to_numpy(kernel) for kernel in (conv, deconv, dense))
    expected = [
        products(conv.reshape(-1, 5).T),
        # (height, width, out, in)
        products(deconv.transpose(2, 0, 1, 3).reshape(2, -1)),
        products(dense.T),
    ]
    np.testing.assert_allclose(number(orthogonal(model)), sum(expected), rtol=1e-5)
    some = orthogonal(model, exclude=["conv"])
    np.testing.assert_allclose(number(some), expected[2], rtol=1e-5)


def test_orthogonal_takes_an_embedding_by_its_entries():
    embedding = layers.Embedding(3, 2)
    embedding.build(())
    model = types.SimpleNamespace(layers=[embedding])
    expected = products(ops.convert_to_numpy(embedding.embeddings))
    np.testing.assert_allclose(number(orthogonal(model)), expected, rtol=1e-5)


def test_orthogonal_filters_cost_nothing():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.layers[0].kernel.assign(7.0 * np.eye(4)[:, :3])
    assert number(orthogonal(model)) == 0.0


def test_historical_averaging_pulls_to_the_mean_of_the_past():
    values = RNG.standard_normal((4, 3)).astype("float32")
    variable = keras.Variable(values[0])
    regularizer = HistoricalAveraging()
    state = {
        name: keras.Variable(value, dtype=str(value.dtype), trainable=False)
        for name, value in regularizer.initial_state([variable]).items()
    }
    context = types.SimpleNamespace(variables=[variable], state=lambda _: state)
    for i, value in enumerate(values):
        variable.assign(value)
        (penalty, _), (gradient,) = backend.value_and_grad(
            lambda: (regularizer.penalty(context), {}), [variable]
        )
        distance = value - values[:i].mean(0) if i else np.zeros(3)
        np.testing.assert_allclose(number(penalty), (distance**2).sum(), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(ops.convert_to_numpy(gradient), 2 * distance, atol=1e-5)
        regularizer.observe(state, [variable])


@pytest.mark.parametrize(
    "regularizer",
    [HistoricalAveraging(2.0, "generator", interval=3), Orthogonal(0.1, "discriminator", ["x"], 2)],
)
def test_round_trip(regularizer):
    again = get(keras.saving.serialize_keras_object(regularizer))
    assert type(again) is type(regularizer) and vars(again) == vars(regularizer)
    assert again.name.startswith(again.player)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"`exclude` is a list of parts .* Received: 'shared'"):
        Orthogonal(exclude="shared")
