import math

import keras
import numpy as np
import pytest
from keras import ops

import keras_gan
from keras_gan.regularizers import PathLength, get

# A linear generator: its Jacobian is this matrix, whatever the styles.
COUNT, STYLES, DIM, SIDES = 3, 2, 4, (3, 2)
MATRIX = np.random.RandomState(0).standard_normal((STYLES * DIM, 6)).astype("float32")
WS = np.random.RandomState(1).standard_normal((COUNT, STYLES, DIM)).astype("float32")


def numpy(x):
    return np.asarray(ops.convert_to_numpy(x))


@pytest.fixture
def penalty(helpers):
    def value(regularizer, state, seed=3, scale=None):
        def synthesize(ws):
            # Each sample's Jacobian may have a length of its own.
            y = ops.matmul(ops.reshape(ws, (-1, STYLES * DIM)), MATRIX)
            y = y if scale is None else y * scale[:, None]
            return ops.reshape(y, (-1, *SIDES, 1))

        context = helpers.context(
            None, WS, WS, "generator", seed=seed, regularizer_state=lambda regularizer: state
        )
        context.styles = lambda: (ops.convert_to_tensor(WS), synthesize)
        return float(numpy(regularizer.penalty(context)))

    return value


def state_of(regularizer, mean=0.0):
    assert numpy(regularizer.initial_state([])["mean"]) == 0
    return {"mean": keras.Variable(np.float32(mean), trainable=False)}


def lengths(seed=3, scale=1.0):
    shape = (COUNT, *SIDES, 1)
    noise = numpy(keras_gan.random.normal(shape, keras_gan.random.SeedGenerator(seed)))
    noise = noise.reshape(COUNT, 6) / math.sqrt(math.prod(SIDES))
    slopes = (scale * (noise @ MATRIX.T).T).T.reshape(COUNT, STYLES, DIM)
    # The sum over a style's numbers, the mean over styles.
    return np.sqrt(np.mean(np.sum(slopes**2, axis=2), axis=1))


@pytest.mark.parametrize("mean, decay", [(0.0, 0.01), (1.5, 0.25), (1.5, 1.0)])
def test_is_the_definition(mean, decay, penalty):
    regularizer = PathLength(2.0, decay=decay)
    state = state_of(regularizer, mean)
    found = penalty(regularizer, state)
    # The mean that has moved is what lengths are compared with.
    moved = mean + decay * (lengths().mean() - mean)
    np.testing.assert_allclose(numpy(state["mean"]), moved, rtol=1e-5)
    np.testing.assert_allclose(found, np.mean((lengths() - moved) ** 2), rtol=1e-4)


def test_mean_approaches_the_lengths(penalty):
    regularizer = PathLength(decay=0.1)
    state = state_of(regularizer)
    values = [penalty(regularizer, state, seed) for seed in range(60)]
    expected = np.mean([lengths(seed).mean() for seed in range(30, 60)])
    np.testing.assert_allclose(numpy(state["mean"]), expected, rtol=0.1)
    assert np.mean(values[-10:]) < 0.5 * values[0]


def test_gradients_flow_through_the_new_mean(helpers, penalty):
    """With a decay of 1 the mean is that of the batch, and moves with each of its lengths."""
    scale = np.array([1.0, 2.0, 0.5], "float32")
    regularizer = PathLength(decay=1.0)
    variable = keras.Variable(scale)
    state = state_of(regularizer)

    def loss():
        def synthesize(ws):
            y = ops.matmul(ops.reshape(ws, (-1, STYLES * DIM)), MATRIX) * variable[:, None]
            return ops.reshape(y, (-1, *SIDES, 1))

        context = helpers.context(
            None, WS, WS, "generator", regularizer_state=lambda regularizer: state
        )
        context.styles = lambda: (ops.convert_to_tensor(WS), synthesize)
        return regularizer.penalty(context), ()

    (value, _), (gradient,) = keras_gan.backend.value_and_grad(loss, [variable])
    each = lengths() * scale
    centred = each - each.mean()
    np.testing.assert_allclose(numpy(value), np.mean(centred**2), rtol=1e-4)
    expected = 2 / COUNT * centred * lengths()
    np.testing.assert_allclose(numpy(gradient), expected, rtol=1e-3, atol=1e-5)


def test_config_and_refusals(penalty):
    regularizer = PathLength(3.0, 8, 0.5, 0.25)
    config = regularizer.get_config()
    assert config == {"weight": 3.0, "interval": 8, "decay": 0.5, "batch_fraction": 0.25}
    again = get(keras.saving.serialize_keras_object(regularizer))
    assert type(again) is PathLength and again.get_config() == config
    for arguments, message in (
        ({"weight": -1}, "`weight` must be"),
        ({"interval": 0}, "`interval` must be an integer >= 1"),
        ({"decay": 0}, "`decay` must be positive"),
        ({"batch_fraction": 1.5}, r"`batch_fraction` must be .* in \[0, 1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            PathLength(**arguments)


def test_a_generator_without_styles_is_refused():
    gan = keras_gan.DCGAN((16, 16, 1), latent_dim=2, width=1)
    gan.compile(regularizers=[PathLength(interval=1)], jit_compile=False)
    context = gan.context_class(gan, "generator", keras_gan.Batch(np.zeros((2, 16, 16, 1))))
    with pytest.raises(ValueError, match="The generator of DCGAN has no space of styles"):
        gan.regularizers[0].penalty(context)
