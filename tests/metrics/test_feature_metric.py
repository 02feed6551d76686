import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import metrics

FEATURES = np.random.RandomState(0).randn(12, 3).astype("float32")
IMAGES = np.random.RandomState(0).randint(0, 256, (6, 2, 2, 3)).astype("uint8")
METRICS = [
    metrics.DensityCoverage(k=2, name="mine"),
    metrics.FIDInfinity(min_samples=4, points=3, seed=2, name="mine"),
    metrics.FrechetInceptionDistance(ddof=0, name="mine"),
    metrics.InceptionScore(splits=2, shuffle=False, name="mine"),
    metrics.KernelInceptionDistance(
        subsets=3, subset_size=4, kernel=metrics.RBFKernel(2.0), name="mine"
    ),
    metrics.MultiScaleSSIM(name="mine"),
    metrics.PrecisionRecall(k=2, name="mine"),
    metrics.RealismScore(k=2, name="mine"),
    metrics.RotationEquivariance(seed=3, name="mine"),
    metrics.SlicedWasserstein(patches=5, directions=6, repeats=7, seed=8, name="mine"),
    metrics.TranslationEquivariance(fractional=True, name="mine"),
]
OF_TWO_SETS = tuple(
    type(metric)
    for metric in METRICS
    if not isinstance(metric, (metrics.EquivarianceMetric, metrics.InceptionScore))
)


class Extractor:
    """Red, green and blue of each image."""

    def __init__(self):
        self.protocol = {"network": "colours"}

    def __call__(self, images):
        return ops.mean(ops.cast(ops.convert_to_tensor(images), "float32"), axis=(1, 2))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: type(metric).__name__)
def test_round_trip(metric):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(again) is type(metric) and again.get_config() == metric.get_config()
    # Without samples there is nothing to report, and that is said.
    with pytest.raises(ValueError, match=r"update_state|[Cc]all|needed|more"):
        again.result()


def test_extractor():
    metric = metrics.PrecisionRecall(Extractor(), k=2)
    metric.update_state(real=IMAGES, fake=IMAGES[:4])
    metric.update_state(fake=IMAGES[:0])
    assert (metric.real.count, metric.fake.count, metric.real.num_features) == (6, 4, 3)
    np.testing.assert_allclose(metric.real.take([5])[0], IMAGES[5].mean(axis=(0, 1)), rtol=1e-6)
    assert metric.protocol["features"] == {"network": "colours"} and metric.protocol["k"] == 2
    several = metrics.PrecisionRecall(lambda images: {"a": FEATURES, "b": FEATURES})
    with pytest.raises(ValueError, match=r"several outputs, \['a', 'b'\]"):
        several.update_state(real=IMAGES)
    with pytest.raises(ValueError, match="callable from images"):
        metrics.PrecisionRecall("inception")


def test_mask_leaves_padding_out():
    mask = np.arange(12) < 5
    metric = metrics.RealismScore()
    metric.update_state(FEATURES, FEATURES, mask=mask)
    metric.update_state(fake=FEATURES, mask=np.zeros(12))
    assert metric.real.count == metric.fake.count == 5
    np.testing.assert_array_equal(metric.fake.take(range(5)), FEATURES[:5])
    for bad in (mask[:3], np.full(12, 0.5)):
        with pytest.raises(ValueError, match="one value for each sample"):
            metric.update_state(FEATURES, mask=bad)


@pytest.mark.parametrize("metric", [m for m in METRICS if isinstance(m, OF_TWO_SETS)], ids=repr)
def test_nothing_is_kept_of_an_update_that_is_refused(metric):
    of_pixels = not isinstance(metric, metrics.FeatureMetric)
    good = np.zeros((3, 32, 32, 3), "uint8") if of_pixels else FEATURES
    bad = [good.astype("int16"), good[:, :2], np.full(good.shape, np.nan)]
    for fake in bad:
        with pytest.raises(ValueError, match=r"Received|NaN"):
            metric.update_state(real=good, fake=fake)
        assert metric.real.count == metric.fake.count == 0
    if not of_pixels:
        with pytest.raises(ValueError, match="2 features after 3"):
            metric.update_state(real=good, fake=good[:, :2])
    metric.update_state(fake=good)
    assert metric.fake.count == len(good)
    metric.reset_state()


def test_merge():
    parts = [metrics.PrecisionRecall(Extractor()) for _ in range(3)]
    for number, part in enumerate(parts):
        part.update_state(real=IMAGES[2 * number : 2 * number + 2], fake=IMAGES[number:])
    parts[0].merge_state(parts[1:])
    whole = metrics.PrecisionRecall(parts[0].extractor)
    whole.update_state(IMAGES, np.concatenate([IMAGES, IMAGES[1:], IMAGES[2:]]))
    assert parts[0].result() == whole.result()
    # Features that somebody else computed may be others.
    for other in (metrics.PrecisionRecall(), metrics.RealismScore(Extractor())):
        with pytest.raises(ValueError, match="same kind"):
            whole.merge_state([other])
    assert whole.real.count == 6
    whole.reset_state()
    assert whole.real.count == whole.fake.count == 0


@pytest.mark.parametrize(
    "features, message",
    [
        (IMAGES, "Pass `extractor=`"),
        (FEATURES[0], r"shape \(N, D\)"),
        (np.zeros((3, 0), "float32"), r"shape \(N, D\)"),
        (FEATURES.astype("int32"), "are floats"),
        (np.where(FEATURES > 1, np.nan, FEATURES), "NaN or infinite"),
        (FEATURES[:, :2], "from one extractor"),
    ],
)
@pytest.mark.parametrize("metric", [metrics.PrecisionRecall, metrics.FrechetInceptionDistance])
def test_bad_features(metric, features, message):
    metric = metric()
    metric.update_state(real=FEATURES)
    with pytest.raises(ValueError, match=message):
        metric.update_state(fake=features)
    assert metric.fake.count == 0


def test_half_precision_features():
    metric = metrics.PrecisionRecall()
    metric.update_state(real=ops.cast(ops.convert_to_tensor(FEATURES), "bfloat16"))
    metric.update_state(real=FEATURES.astype("float16"))
    np.testing.assert_allclose(metric.real.take(range(12)), FEATURES, rtol=1e-2)


def test_base_classes_say_what_is_missing():
    with pytest.raises(NotImplementedError, match="new_state"):
        metrics.SampleMetric()
    with pytest.raises(NotImplementedError, match="compare"):
        metrics.EquivarianceMetric().update_state(lambda matrix: IMAGES)
