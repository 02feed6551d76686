import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import backend, losses

REAL = np.array([[2.0], [-1.0], [0.5], [-3.0]], "float32")
FAKE = np.array([[-0.5], [1.5], [-2.0], [0.25]], "float32")
HALVING = keras.optimizers.schedules.ExponentialDecay(1.0, 10, 0.5, staircase=True)


def sp(x):
    return np.log1p(np.exp(x))


def relu(x):
    return np.maximum(x, 0)


def closed_forms():
    r, f = REAL.astype("float64"), FAKE.astype("float64")
    mr, mf = r.mean(), f.mean()
    return {
        "non_saturating": (sp(-r).mean() + sp(f).mean(), sp(-f).mean()),
        "minimax": (sp(-r).mean() + sp(f).mean(), -sp(f).mean()),
        "wasserstein": (f.mean() - r.mean(), -f.mean()),
        "hinge": (relu(1 - r).mean() + relu(1 + f).mean(), -f.mean()),
        "least_squares": (
            0.5 * (((r - 1) ** 2).mean() + (f**2).mean()),
            0.5 * ((f - 1) ** 2).mean(),
        ),
        "relativistic": (sp(f - r).mean(), sp(r - f).mean()),
        "relativistic_average": (
            0.5 * (sp(-(r - mf)).mean() + sp(f - mr).mean()),
            0.5 * (sp(r - mf).mean() + sp(-(f - mr)).mean()),
        ),
        "ralsgan": (
            0.5 * (((r - mf - 1) ** 2).mean() + ((f - mr + 1) ** 2).mean()),
            0.5 * (((r - mf + 1) ** 2).mean() + ((f - mr - 1) ** 2).mean()),
        ),
        "rahinge": (
            0.5 * (relu(1 - (r - mf)).mean() + relu(1 + (f - mr)).mean()),
            0.5 * (relu(1 + (r - mf)).mean() + relu(1 - (f - mr)).mean()),
        ),
    }


def make(name):
    kinds = {"ralsgan": "least_squares", "rahinge": "hinge"}
    return losses.RelativisticAverage(kinds[name]) if name in kinds else losses.get(name)


def both(loss, real, fake):
    real, fake = ops.convert_to_tensor(real), ops.convert_to_tensor(fake)
    for_generator = real if loss.generator_uses_real else None
    return [
        float(ops.convert_to_numpy(x))
        for x in (loss.discriminator(real, fake), loss.generator(for_generator, fake))
    ]


def gradients(loss, real, fake):
    """Of D's loss for real and fake, and of G's loss for fake."""
    real, fake = ops.convert_to_tensor(real), ops.convert_to_tensor(fake)
    _, (d_real, d_fake) = backend.grads(loss.discriminator, [real, fake])
    _, (g_fake,) = backend.grads(lambda f: loss.generator(real, f), [fake])
    return [ops.convert_to_numpy(g) for g in (d_real, d_fake, g_fake)]


@pytest.mark.parametrize("name", closed_forms())
def test_closed_form(name):
    np.testing.assert_allclose(both(make(name), REAL, FAKE), closed_forms()[name], rtol=2e-6)


@pytest.mark.parametrize("name", closed_forms())
def test_gradients_match_differences(name):
    loss, h = make(name), 1e-2
    d_real, d_fake, g_fake = gradients(loss, REAL, FAKE)
    for i in range(len(REAL)):
        e = np.zeros_like(REAL)
        e[i] = h
        plus, minus = both(loss, REAL + e, FAKE), both(loss, REAL - e, FAKE)
        np.testing.assert_allclose(d_real[i], (plus[0] - minus[0]) / (2 * h), atol=1e-3)
        plus, minus = both(loss, REAL, FAKE + e), both(loss, REAL, FAKE - e)
        np.testing.assert_allclose(d_fake[i], (plus[0] - minus[0]) / (2 * h), atol=1e-3)
        np.testing.assert_allclose(g_fake[i], (plus[1] - minus[1]) / (2 * h), atol=1e-3)


@pytest.mark.parametrize("name", closed_forms())
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_extremes_stay_finite(name, dtype):
    # (300 - 1)^2 and 300 - -300 overflow or lose digits in half precision.
    extremes = np.array([-300.0, -200.0, 0.125, 200.0, 300.0], "float32")
    real, fake = (np.repeat(extremes, 5), np.tile(extremes, 5))
    real, fake = (ops.cast(ops.convert_to_tensor(x), dtype) for x in (real, fake))
    loss = make(name)
    for value in (loss.discriminator(real, fake), loss.generator(real, fake)):
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
        assert np.isfinite(ops.convert_to_numpy(value))
    expected = both(loss, *(ops.convert_to_numpy(ops.cast(x, "float32")) for x in (real, fake)))
    np.testing.assert_allclose(float(loss.discriminator(real, fake)), expected[0], rtol=1e-5)
    assert all(
        np.isfinite(g).all() for g in gradients(loss, np.tile(extremes, 5), extremes.repeat(5))
    )


def test_saturation():
    # At D(G(z)) = 0.01 the original game's gradient is 99 times weaker.
    logit = np.array([np.log(0.01 / 0.99)], "float32")
    for name, expected in (("minimax", -0.01), ("non_saturating", -0.99)):
        *_, gradient = gradients(losses.get(name), logit, logit)
        np.testing.assert_allclose(gradient, [expected], rtol=1e-5)


def test_equilibrium():
    zeros = np.zeros((4, 1), "float32")
    np.testing.assert_allclose(
        both(losses.NonSaturating(), zeros, zeros), [2 * np.log(2), np.log(2)], rtol=1e-6
    )


def test_label_smoothing_is_one_sided():
    r, f = REAL.astype("float64"), FAKE.astype("float64")
    smoothed = losses.NonSaturating(label_smoothing=0.1)
    expected = (0.9 * sp(-r) + 0.1 * sp(r)).mean() + sp(f).mean()
    np.testing.assert_allclose(both(smoothed, REAL, FAKE), [expected, sp(-f).mean()], rtol=1e-6)
    # Its optimum is the logit of 0.9.
    best = np.full((1, 1), np.log(9), "float32")
    np.testing.assert_allclose(gradients(smoothed, best, best)[0], [[0.0]], atol=1e-7)
    for bad in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
            losses.NonSaturating(label_smoothing=bad)


def test_least_squares_labels():
    loss = losses.LeastSquares(-1, 1, 0)
    expected = [0.5 * (((REAL - 1) ** 2).mean() + ((FAKE + 1) ** 2).mean()), 0.5 * (FAKE**2).mean()]
    np.testing.assert_allclose(both(loss, REAL, FAKE), expected, rtol=1e-6)


def test_logits_of_any_shape():
    rng = np.random.RandomState(0)
    real, fake = rng.standard_normal((2, 4, 3, 3, 1)).astype("float32")
    loss = losses.get("hinge")
    np.testing.assert_allclose(
        both(loss, real, fake), both(loss, real.reshape(-1), fake.reshape(-1)), rtol=1e-6
    )


@pytest.mark.parametrize(
    "loss",
    [losses.get(name) for name in losses._BY_NAME]
    + [
        losses.NonSaturating(0.25),
        losses.LeastSquares(-1, 1, 0),
        losses.RelativisticAverage("hinge"),
        losses.TopK("hinge", HALVING, minimum=0.25),
        losses.TopK(losses.LeastSquares(-1, 1, 0), 0.75),
        losses.FeatureMatching(-3, "hinge", "absolute"),
    ],
    ids=lambda loss: f"{type(loss).__name__}{loss.get_config()}",
)
def test_round_trip(loss):
    again = losses.get(keras.saving.serialize_keras_object(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    assert losses.get(loss) is loss


@pytest.mark.parametrize("bad", ["bce", None, 3, losses.Hinge, keras.losses.BinaryCrossentropy()])
def test_get_refuses(bad):
    with pytest.raises(ValueError, match=r"one of the names .*non_saturating.* Received"):
        losses.get(bad)


def test_unknown_kind():
    with pytest.raises(ValueError, match=r"`kind` must be one of .* Received: 'wasserstein'"):
        losses.RelativisticAverage("wasserstein")


@pytest.mark.parametrize("name", ["non_saturating", "minimax", "hinge", "least_squares"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_top_k_is_the_loss_on_the_best(name, count):
    loss = losses.TopK(name, minimum=0.0)
    # Highest logits first.
    order = np.argsort(-FAKE[:, 0])
    fake = ops.convert_to_tensor(FAKE)
    value, (gradient,) = backend.grads(lambda logits: loss.best(logits, count / 4), [fake])
    value, gradient = backend.detached(lambda: (value, gradient))
    best = ops.convert_to_tensor(FAKE[order[:count]])
    expected, (of_best,) = backend.grads(lambda logits: loss.loss.generator(None, logits), [best])
    expected, of_best = backend.detached(lambda: (expected, of_best))
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (value, expected)), rtol=1e-5)
    gradient = ops.convert_to_numpy(gradient)
    np.testing.assert_allclose(gradient[order[:count]], ops.convert_to_numpy(of_best), rtol=1e-5)
    assert not gradient[order[count:]].any()


def test_top_k_takes_whole_images_and_at_least_one():
    # Patches of three images, the second of which scores best on average.
    logits = np.float32([[0, 0], [-1, 5], [1, 1]])[:, :, None]
    loss = losses.TopK("wasserstein", minimum=0.0)
    assert float(ops.convert_to_numpy(loss.best(ops.convert_to_tensor(logits), 0.0))) == -2.0
    assert float(ops.convert_to_numpy(loss.best(ops.convert_to_tensor(logits), 2 / 3))) == -1.5


@pytest.mark.parametrize("step, count", [(0, 4), (9, 4), (10, 2), (20, 1), (30, 1)])
def test_top_k_anneals_down_to_a_minimum(helpers, step, count):
    loss = losses.TopK("wasserstein", HALVING, minimum=0.25)
    context = helpers.context(lambda x: x, REAL, FAKE, "generator", step=step)
    expected = -np.sort(FAKE[:, 0])[::-1][:count].mean()
    value = ops.convert_to_numpy(loss.generator_loss(context))
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    # The discriminator sees all of them.
    np.testing.assert_allclose(
        ops.convert_to_numpy(loss.discriminator_loss(context)), FAKE.mean() - REAL.mean(), rtol=1e-5
    )


@pytest.mark.parametrize("distance", ["squared", "absolute"])
def test_feature_matching(distance):
    real, fake = np.random.RandomState(0).standard_normal((2, 5, 2, 3)).astype("float32")
    difference = real.mean(0) - fake.mean(0)
    expected = (difference**2).sum() if distance == "squared" else np.abs(difference).mean()
    loss = losses.FeatureMatching(distance=distance)
    value = loss.generator(ops.convert_to_tensor(real), ops.convert_to_tensor(fake))
    np.testing.assert_allclose(ops.convert_to_numpy(value), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: losses.TopK("relativistic"), "mean over generated images. Received: Relativistic"),
        (lambda: losses.TopK(share=1.5), r"`share` must be a finite number in \[0, 1\]"),
        (lambda: losses.TopK(minimum=2), r"`minimum` must be a finite number in \[0, 1\]"),
        (lambda: losses.FeatureMatching(distance="l2"), "`distance` must be one of .* 'l2'"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
