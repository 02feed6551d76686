import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import backend
from keras_gan.regularizers import LeCam, get

RNG = np.random.RandomState(0)
REAL, FAKE = RNG.standard_normal((2, 5, 1)).astype("float32")


def state_of(regularizer, **values):
    state = {**regularizer.initial_state([]), **values}
    return {
        name: keras.Variable(v, dtype=str(np.asarray(v).dtype), trainable=False)
        for name, v in state.items()
    }


def number(x):
    return float(ops.convert_to_numpy(x))


@pytest.fixture
def penalty(helpers):
    def value(regularizer, state, step, real=REAL, fake=FAKE):
        # The discriminator's inputs are its logits.
        return regularizer.penalty(
            helpers.context(
                lambda x: x, real, fake, step=step, regularizer_state=lambda regularizer: state
            )
        )

    return value


def test_averages_before_the_start_are_the_batchs_and_nothing_is_penalised(penalty):
    regularizer = LeCam(decay=0.9, start=2)
    state = state_of(regularizer)
    assert number(state["real"]) == 1000.0
    for step in (0, 1):
        assert number(penalty(regularizer, state, step, REAL + step)) == 0.0
        np.testing.assert_allclose(number(state["real"]), (REAL + step).mean(), rtol=1e-5)
        np.testing.assert_allclose(number(state["fake"]), FAKE.mean(), rtol=1e-5)
    # From step 2 on they average; from step 3 on the penalty counts.
    assert number(penalty(regularizer, state, 2)) == 0.0
    np.testing.assert_allclose(number(state["real"]), REAL.mean() + 0.9, rtol=1e-5)
    real, fake = REAL.mean() + 0.81, FAKE.mean()
    expected = (np.maximum(REAL - fake, 0) ** 2).mean() + (np.maximum(real - FAKE, 0) ** 2).mean()
    np.testing.assert_allclose(number(penalty(regularizer, state, 3)), expected, rtol=1e-5)


def test_zero_debias_averages_over_the_past_alone(penalty):
    regularizer = LeCam(decay=0.5, start=0, zero_debias=True)
    state = state_of(regularizer)
    for step in range(3):
        assert number(penalty(regularizer, state, step, REAL + step)) > 0
    weights = np.array([0.25, 0.5, 1.0])
    expected = REAL.mean() + (weights * [0, 1, 2]).sum() / weights.sum()
    np.testing.assert_allclose(number(state["real"]), expected, rtol=1e-5)


def test_logits_within_the_averages_are_free():
    regularizer = LeCam()
    state = state_of(regularizer, real=np.float32(-1.0), fake=np.float32(1.0))
    logits = {"real": ops.convert_to_tensor([0.9, 1.0]), "fake": ops.convert_to_tensor([-1.0, 2.0])}
    assert number(regularizer.excess(state, logits)) == 0.0


def test_the_averages_are_constants_of_the_gradient():
    # At first they are the batch's means, through which a gradient could flow.
    regularizer = LeCam(start=0, zero_debias=True)
    state = state_of(regularizer)
    shift = keras.Variable(np.float32(0.0))
    real, fake = (ops.convert_to_tensor(logits) for logits in (REAL, FAKE))

    def loss():
        logits = {"real": real + shift.value, "fake": fake}
        regularizer.update(state, logits, 0)
        return regularizer.excess(state, logits), {}

    _, (gradient,) = backend.value_and_grad(loss, [shift])
    expected = (2 * np.maximum(REAL - FAKE.mean(), 0)).mean()
    np.testing.assert_allclose(number(gradient), expected, rtol=1e-5)


def test_round_trip():
    regularizer = LeCam(0.1, decay=0.99, start=0, initial=-2.0, zero_debias=True, interval=3)
    again = get(keras.saving.serialize_keras_object(regularizer))
    assert type(again) is LeCam and vars(again) == vars(regularizer)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"decay": 1.0}, r"`decay` must be a finite number in \[0, 1\)"),
        ({"start": -1}, "`start` must be an integer >= 0"),
        ({"initial": float("nan")}, "`initial` must be a finite number"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        LeCam(**options)
