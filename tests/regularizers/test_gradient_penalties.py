import keras
import numpy as np
import pytest
from keras import ops

import keras_gan
from keras_gan import backend, random
from keras_gan.regularizers import (
    DRAGAN,
    R1,
    R2,
    GradientPenalty,
    LipschitzPenalty,
    Orthogonal,
    Regularizer,
    WGANDiv,
    get,
)

RNG = np.random.RandomState(0)
REAL, FAKE = RNG.uniform(-1, 1, (2, 6, 3, 2, 1)).astype("float32")
DIRECTION = RNG.standard_normal((6, 1)).astype("float32")
DIRECTION /= np.linalg.norm(DIRECTION)


def linear(norm):
    """A critic whose gradient has the given norm everywhere."""
    kernel = ops.convert_to_tensor(norm * DIRECTION)
    return lambda x: ops.matmul(ops.reshape(x, (-1, 6)), kernel)


def quadratic(x):
    """A critic with D(x) = |x|^2 / 2, whose gradient is x."""
    return 0.5 * ops.sum(ops.square(x), axis=(1, 2, 3))


@pytest.fixture
def penalty(helpers):
    def value(regularizer, critic):
        return float(ops.convert_to_numpy(regularizer.penalty(helpers.context(critic, REAL, FAKE))))

    return value


def squared_norms(x):
    return (x.astype("float64") ** 2).sum((1, 2, 3))


@pytest.mark.parametrize(
    "norm, two_sided, one_sided", [(1.5, 0.25, 0.25), (0.2, 0.64, 0.0), (1, 0, 0)]
)
def test_gradient_penalty_of_a_linear_critic(penalty, norm, two_sided, one_sided):
    np.testing.assert_allclose(penalty(GradientPenalty(), linear(norm)), two_sided, atol=1e-6)
    np.testing.assert_allclose(
        penalty(GradientPenalty(one_sided=True), linear(norm)), one_sided, atol=1e-6
    )


def test_gradient_penalty_of_a_flat_critic_has_a_gradient(helpers):
    # The norm is 0: a bare square root would give NaN.
    kernel = keras.Variable(np.zeros((6, 1), "float32"))

    def critic(x):
        return ops.matmul(ops.reshape(x, (-1, 6)), kernel)

    context = helpers.context(critic, REAL, FAKE)

    def loss():
        return GradientPenalty().penalty(context), {}

    (value, _), (gradient,) = backend.value_and_grad(loss, [kernel])
    np.testing.assert_allclose(float(value), 1.0, rtol=1e-5)
    assert np.isfinite(ops.convert_to_numpy(gradient)).all()


def test_one_epsilon_for_each_sample(penalty):
    epsilon = ops.convert_to_numpy(random.uniform((6, 1, 1, 1), random.SeedGenerator(3)))
    assert len(set(epsilon.reshape(-1).tolist())) == 6
    points = epsilon * REAL + (1 - epsilon) * FAKE
    expected = ((np.sqrt(squared_norms(points)) - 1) ** 2).mean()
    np.testing.assert_allclose(penalty(GradientPenalty(), quadratic), expected, rtol=1e-5)


def test_r1_and_r2(penalty):
    np.testing.assert_allclose(penalty(R1(), quadratic), squared_norms(REAL).mean(), rtol=1e-5)
    np.testing.assert_allclose(penalty(R2(), quadratic), squared_norms(FAKE).mean(), rtol=1e-5)
    assert penalty(R1(), linear(1.5)) == pytest.approx(2.25, rel=1e-5)
    # gamma / 2 times the expectation.
    assert R1(gamma=10.0).weight == 5.0


def test_patch_logits_are_summed(penalty):
    # The gradient of one sample's logits: those of a patch discriminator add up.
    def patches(x):
        return ops.concatenate([linear(1.0)(x), linear(1.0)(x)], axis=-1)

    np.testing.assert_allclose(penalty(GradientPenalty(), patches), 1.0, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_logits(penalty, dtype):
    def half(x):
        return ops.cast(linear(1.5)(x), dtype)

    np.testing.assert_allclose(penalty(GradientPenalty(), half), 0.25, atol=5e-3)


def test_second_order_gradient(helpers):
    # The penalty (|w| - 1)^2 of D(x) = w x has the gradient 2 (|w| - 1) w / |w|.
    kernel = keras.Variable((1.5 * DIRECTION).astype("float32"))

    def critic(x):
        return ops.matmul(ops.reshape(x, (-1, 6)), kernel)

    context = helpers.context(critic, REAL, FAKE)

    def loss():
        return GradientPenalty().penalty(context), {}

    _, (gradient,) = backend.value_and_grad(loss, [kernel])
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), DIRECTION, atol=1e-5)


@pytest.mark.parametrize(
    "regularizer",
    [
        GradientPenalty(2.0, one_sided=True, target=0.5, interval=4),
        LipschitzPenalty(3.0, interval=2),
        DRAGAN(4.0),
        R1(3.0, interval=16),
        R2(0.5),
        WGANDiv(3.0, p=4.0, interval=2),
    ],
)
def test_round_trip(regularizer):
    again = get(keras.saving.serialize_keras_object(regularizer))
    assert type(again) is type(regularizer) and vars(again) == vars(regularizer)
    assert get(regularizer) is regularizer


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), "10", None])
def test_bad_weight(weight):
    with pytest.raises(ValueError, match="finite number >= 0"):
        GradientPenalty(weight)


@pytest.mark.parametrize("interval", [0, -1, 1.5, True, None])
def test_bad_interval(interval):
    with pytest.raises(ValueError, match="`interval` must be an integer >= 1"):
        R1(interval=interval)


@pytest.mark.parametrize("bad", ["r1", None, R1])
def test_get_refuses(bad):
    with pytest.raises(ValueError, match="A regularizer is an object such as"):
        get(bad)


def test_base_class():
    with pytest.raises(NotImplementedError, match="must implement `penalty`"):
        Regularizer(1.0).penalty(None)


def test_a_regularizer_of_an_unknown_player_is_refused():
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=2, width=2)
    with pytest.raises(ValueError, match=r"\['generator', 'discriminator'\].*player 'critic'"):
        gan.compile(regularizers=[Orthogonal(player="critic")])


def test_zero_centred_penalty_is_the_squared_norm(penalty):
    centred = GradientPenalty(target=0.0)
    for norm in (0.0, 0.2, 1.5):
        np.testing.assert_allclose(penalty(centred, linear(norm)), norm**2, atol=1e-6)


@pytest.mark.parametrize("norm, expected", [(1.5, 0.25), (0.2, 0.0)])
def test_lipschitz_penalty_is_one_sided(penalty, norm, expected):
    np.testing.assert_allclose(penalty(LipschitzPenalty(), linear(norm)), expected, atol=1e-6)


def test_dragan_looks_near_the_data(penalty):
    seed = random.SeedGenerator(3)
    alpha = ops.convert_to_numpy(random.uniform((6, 1, 1, 1), seed))
    u = ops.convert_to_numpy(random.uniform(REAL.shape, seed))
    points = REAL + alpha * 0.5 * REAL.std() * u
    expected = ((np.sqrt(squared_norms(points)) - 1) ** 2).mean()
    np.testing.assert_allclose(penalty(DRAGAN(), quadratic), expected, rtol=1e-5)


@pytest.mark.parametrize("p", [2, 3.5, 6])
def test_wgan_div_is_a_power_of_the_norms(penalty, p):
    expected = (squared_norms(REAL) ** (p / 2) + squared_norms(FAKE) ** (p / 2)).mean()
    np.testing.assert_allclose(penalty(WGANDiv(p=p), quadratic), expected, rtol=1e-5)
    assert WGANDiv(k=2.0).weight == 1.0


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: GradientPenalty(target=-1), "`target` must be a finite number >= 0"),
        (lambda: R1(gamma="10"), "`gamma` must be a finite number >= 0"),
        (lambda: WGANDiv(p=1), "`p` must be a finite number >= 2"),
        (lambda: WGANDiv(k=float("nan")), "`k` must be a finite number >= 0"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
