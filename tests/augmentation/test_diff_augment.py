import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_gan import augmentation, backend, random
from keras_gan.augmentation import DiffAugment

X = np.random.RandomState(0).uniform(-1, 1, (5, 6, 9, 3)).astype("float32")


def augment(policy, images=X, seed=3, **ratios):
    drawn = DiffAugment(policy, **ratios)(
        ops.convert_to_tensor(images), random.SeedGenerator(seed), 0
    )
    return ops.convert_to_numpy(drawn)


def fixed(monkeypatch, *draws):
    """Let `random.uniform` give these numbers, one after the other."""
    queue = iter(draws)
    monkeypatch.setattr(
        random, "uniform", lambda shape, seed, **_: np.full(shape, next(queue), "float32")
    )


def test_middle_draws_are_the_identity(monkeypatch):
    # The middle one of 2 * 1 + 1 translations, of rows and of columns, is none.
    fixed(monkeypatch, 0.5, 0.5, 0.5, 0.5, 0.5)
    np.testing.assert_allclose(augment("color,translation"), X, atol=1e-6)


def test_translation_brings_in_zeros(monkeypatch):
    # Rows by 1, columns by -1.
    fixed(monkeypatch, 0.99, 0.0)
    expected = np.zeros_like(X)
    expected[:, :-1, 1:] = X[:, 1:, :-1]
    np.testing.assert_array_equal(augment("translation"), expected)


def test_boxes_shrink_at_the_border(monkeypatch):
    # Boxes of 3 of 6 rows and 5 of 9 columns: round(4.5) upwards.
    fixed(monkeypatch, 0.0, 0.99)
    expected = X.copy()
    expected[:, :2, 6:] = 0
    np.testing.assert_array_equal(augment("cutout"), expected)


@settings(max_examples=20, deadline=None)
@given(side=st.integers(1, 12), ratio=st.floats(0.01, 1.0), seed=st.integers(0, 99), data=st.data())
def test_every_image_loses_one_box(side, ratio, seed, data):
    width = data.draw(st.integers(1, 12))
    images = np.ones((3, side, width, 1), "float32")
    kept = augment("cutout", images, seed, cutout_ratio=ratio)[..., 0]
    for image in kept:
        rows, columns = np.nonzero(image == 0)
        sizes = [int(ratio * n + 0.5) for n in image.shape]
        if 0 in sizes:
            assert rows.size == 0
            continue
        heights, widths = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert heights <= sizes[0] and widths <= sizes[1]
        # A full box: all of its pixels, and nothing else.
        assert rows.size == heights * widths


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_order_of_the_policy_and_draws_per_image(channels):
    images = np.ones((4, 8, 4, channels), "float32")
    first, last = augment("cutout,color", images), augment("color,cutout", images)
    assert first.shape == last.shape == images.shape
    # Colour moves the box away from 0, and does not where it came before.
    assert (first != 0).all() and (last == 0).any(axis=(1, 2, 3)).all()
    assert len({image.tobytes() for image in last}) == 4
    np.testing.assert_array_equal(last, augment("color,cutout", images))
    assert not np.array_equal(last, augment("color,cutout", images, seed=4))


def test_a_penalty_through_it_has_a_gradient():
    # What R1 takes: the second derivative by the discriminator's weights.
    weight = keras.Variable(np.float32(0.5))
    transform = DiffAugment()

    def penalty():
        def score(x):
            y = transform(x, random.SeedGenerator(3), 0)
            return ops.sum(weight * ops.square(y), axis=(1, 2, 3))

        _, (slope,) = backend.grads(score, [ops.convert_to_tensor(X)])
        return ops.sum(ops.square(slope)), {}

    (value, _), (gradient,) = backend.value_and_grad(penalty, [weight])
    value, gradient = (float(ops.convert_to_numpy(x)) for x in (value, gradient))
    assert value > 0
    # The penalty is a multiple of weight**2.
    np.testing.assert_allclose(gradient, 2 * value / 0.5, rtol=1e-5)


def test_config():
    again = augmentation.get(keras.saving.serialize_keras_object(DiffAugment("color", 0.25, 0.3)))
    assert isinstance(again, DiffAugment)
    assert again.get_config() == {
        "policy": "color",
        "translation_ratio": 0.25,
        "cutout_ratio": 0.3,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        {"policy": ""},
        {"policy": "color,flip"},
        {"policy": ["color"]},
        {"translation_ratio": 1.0},
        {"translation_ratio": "half"},
        {"cutout_ratio": 0},
        {"cutout_ratio": 1.5},
    ],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`.*Received"):
        DiffAugment(**arguments)
