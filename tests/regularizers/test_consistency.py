import keras
import numpy as np
import pytest
from keras import ops

import keras_gan
from keras_gan import backend
from keras_gan.augmentation import Augmentation, FlipShift
from keras_gan.regularizers import (
    BalancedConsistencyRegularization,
    ConsistencyRegularization,
    LatentConsistency,
    LatentDiversity,
    get,
)

RNG = np.random.RandomState(0)
REAL, FAKE = RNG.uniform(-1, 1, (2, 6, 3, 2, 1)).astype("float32")


class Brighter(Augmentation):
    def __call__(self, images, seed, step):
        return images + 0.5


def total(x):
    return ops.sum(x, axis=(1, 2, 3))


def number(x):
    return float(ops.convert_to_numpy(x))


def test_consistency_is_about_real_images(helpers):
    context = helpers.context(total, REAL, FAKE)
    # Each of the six numbers of an image is brighter by 0.5.
    penalty = ConsistencyRegularization(augmentation=Brighter()).penalty(context)
    np.testing.assert_allclose(number(penalty), 9.0, rtol=1e-5)


def test_balanced_consistency_weighs_both_kinds(helpers):
    context = helpers.context(lambda x: total(x) * total(x), REAL, FAKE)
    regularizer = BalancedConsistencyRegularization(2.0, 3.0, Brighter())
    expected = [
        (((x.sum((1, 2, 3)) + 3) ** 2 - x.sum((1, 2, 3)) ** 2) ** 2).mean() for x in (REAL, FAKE)
    ]
    np.testing.assert_allclose(
        number(regularizer.penalty(context)), 2 * expected[0] + 3 * expected[1], rtol=1e-4
    )
    assert regularizer.weight == 1.0


def test_gradients_flow_through_both_logits(helpers):
    # (w s(x) - w s(T x))^2 = 9 w^2.
    scale = keras.Variable(np.float32(2.0))
    context = helpers.context(lambda x: scale.value * total(x), REAL, FAKE)
    regularizer = ConsistencyRegularization(augmentation=Brighter())
    _, (gradient,) = backend.value_and_grad(lambda: (regularizer.penalty(context), {}), [scale])
    np.testing.assert_allclose(number(gradient), 36.0, rtol=1e-4)


def latent_model(helpers, player):
    """Images are the latents."""
    return helpers.context(
        total,
        REAL,
        FAKE,
        player,
        sample_latents=lambda count: keras_gan.random.normal(
            (4096, 1, 1, 2), keras_gan.random.SeedGenerator(5)
        ),
        generate_fakes=lambda batch, training: batch.latents,
    )


def test_latent_terms(helpers):
    # Two normal numbers of deviation 0.5 are added up by the discriminator, averaged as pixels.
    context = latent_model(helpers, "discriminator")
    penalty = LatentConsistency(stddev=0.5).penalty(context)
    np.testing.assert_allclose(number(penalty), 0.5, rtol=0.1)
    context = latent_model(helpers, "generator")
    penalty = LatentDiversity(stddev=0.5).penalty(context)
    np.testing.assert_allclose(number(penalty), -0.25, rtol=0.1)


@pytest.mark.parametrize(
    "regularizer",
    [
        ConsistencyRegularization(3.0, FlipShift(1, flip=False), interval=2),
        BalancedConsistencyRegularization(3.0, 4.0, FlipShift(1)),
        LatentConsistency(2.0, stddev=0.1, interval=2),
        LatentDiversity(2.0, stddev=0.1),
    ],
)
def test_round_trip(regularizer):
    again = get(keras.saving.serialize_keras_object(regularizer))
    assert type(again) is type(regularizer) and again.get_config() == regularizer.get_config()
    assert again.interval == regularizer.interval


def test_bad_arguments():
    with pytest.raises(ValueError, match="An augmentation is an object"):
        ConsistencyRegularization(augmentation="flip")
    with pytest.raises(ValueError, match="`fake_weight` must be a finite number >= 0"):
        BalancedConsistencyRegularization(fake_weight=-1)
    with pytest.raises(ValueError, match="`stddev` must be a finite number >= 0"):
        LatentDiversity(stddev=-1)
