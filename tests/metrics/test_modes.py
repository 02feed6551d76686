import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gan
from keras_gan.metrics import (
    GaussianModes,
    HighQualitySamples,
    ModeJS,
    ModeKL,
    Modes,
    ModesCovered,
    StackedModes,
)

METRICS = [ModesCovered, HighQualitySamples, ModeKL, ModeJS]
MEANS = [[-0.5, 0.0], [0.5, 0.0], [0.0, 0.5]]
GAUSSIANS = GaussianModes(MEANS, 0.01)
# Two of the first mode, one of the second, one of none.
SAMPLES = np.float32([[-0.5, 0.02], [-0.51, 0.0], [0.52, 0.02], [0.0, 0.0]])


def results(modes, *batches):
    metrics = [cls(modes) for cls in METRICS]
    for metric in metrics:
        for batch in batches:
            metric.update_state(None, batch)
    return [float(ops.convert_to_numpy(metric.result())) for metric in metrics]


def reference(counts):
    """KL and Jensen-Shannon divergence from the uniform distribution, by their definitions."""
    p = np.asarray(counts, "float64") / np.sum(counts)
    q = np.full(len(p), 1 / len(p))

    def kl(a, b):
        return np.sum(a[a > 0] * np.log(a[a > 0] / b[a > 0]))

    return [kl(p, q), 0.5 * (kl(p, (p + q) / 2) + kl(q, (p + q) / 2))]


def labeller():
    """A classifier of gray images of one pixel: -1, 0 and 1 are the classes 0, 1 and 2."""
    model = keras.Sequential([keras.Input((1, 1, 1)), layers.Flatten(), layers.Dense(3)])
    centres = np.float32([-1, 0, 1])
    model.layers[-1].set_weights([2 * centres[None], -(centres**2)])
    return model


def test_gaussian_modes_by_hand():
    found = results(GAUSSIANS, SAMPLES)
    np.testing.assert_allclose(found, [2, 0.75, *reference([2, 1, 0])], rtol=1e-6)


def test_batches_add_up_and_can_be_images():
    images = SAMPLES.reshape(-1, 1, 1, 2)
    assert results(GAUSSIANS, images[:3], images[3:]) == results(GAUSSIANS, SAMPLES)


def test_the_threshold_is_not_reached_exactly():
    modes = GaussianModes([[0.0, 0.0]], 0.25, threshold=2.0)
    assert results(modes, np.float32([[0.5, 0.0], [0.25, 0.25]]))[:2] == [1, 0.5]


def test_no_sample_of_high_quality_is_the_worst():
    found = results(GAUSSIANS, np.zeros((5, 2), "float32"))
    np.testing.assert_allclose(found, [0, 0, np.log(3), np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(results(GAUSSIANS), [0, 0, np.log(3), np.log(2)], rtol=1e-6)


def test_the_mixture_itself():
    random = np.random.RandomState(0)
    means = np.array([(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)])
    samples = means[random.randint(25, size=20000)] + 0.05 * random.standard_normal((20000, 2))
    covered, share, kl, js = results(GaussianModes(means, 0.05), samples.astype("float32"))
    assert covered == 25
    # Within three standard deviations in the plane.
    assert share == pytest.approx(1 - np.exp(-4.5), abs=2e-3)
    # The divergence of a sample from what it is drawn from: about (K - 1) / 2N.
    assert 0 < js < kl < 3 * 24 / 40000


def test_stacked_labels_are_the_digits_of_the_mode():
    modes = StackedModes(labeller(), channels=2)
    images = np.float32([[-1, -1], [-1, 0.1], [0, -0.9], [1, 1], [0.9, 1]]).reshape(-1, 1, 1, 2)
    mode, is_high_quality = modes.assign(ops.convert_to_tensor(images))
    assert ops.convert_to_numpy(mode).tolist() == [0, 1, 3, 8, 8]
    assert ops.convert_to_numpy(is_high_quality).all() and modes.count == 9
    expected = [4, 1, *reference([1, 1, 0, 1, 0, 0, 0, 0, 2])]
    np.testing.assert_allclose(results(modes, images), expected, rtol=1e-6)


def test_stacked_channels_are_told_apart_from_rows():
    # Each channel is an image of its own: a classifier of the whole shape sees it unmixed.
    classifier = keras.Sequential([keras.Input((2, 3, 1)), layers.Flatten(), layers.Dense(6)])
    classifier.layers[-1].set_weights([np.eye(6, dtype="float32"), np.zeros(6, "float32")])
    image = np.zeros((1, 2, 3, 2), "float32")
    image[0, 0, 2, 0] = image[0, 1, 1, 1] = 1.0
    mode, _ = StackedModes(classifier, channels=2).assign(ops.convert_to_tensor(image))
    assert ops.convert_to_numpy(mode).tolist() == [2 * 6 + 4]


@pytest.mark.parametrize("cls", METRICS)
def test_round_trip(cls):
    metric = cls(GaussianModes(MEANS, 0.02, threshold=2.0), name="mine")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(again) is cls and again.name == "mine"
    assert again.modes.get_config() == metric.modes.get_config()
    metric.update_state(None, SAMPLES)
    metric.reset_state()
    assert not ops.convert_to_numpy(metric.counts).any()


def test_round_trip_of_stacked_modes():
    metric = ModesCovered(StackedModes(labeller(), channels=2))
    config = keras.saving.serialize_keras_object(metric)
    with pytest.warns(UserWarning, match="without its weights"):
        again = keras.saving.deserialize_keras_object(config)
    assert again.modes.count == 9 and again.modes.classifier.input_shape == (None, 1, 1, 1)


def test_evaluate_counts_generated_images():
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(2), layers.Reshape((1, 1, 2))])
    generator.layers[0].set_weights([np.zeros((2, 2), "float32"), np.float32([-1.0, 0.0])])
    discriminator = keras.Sequential([keras.Input((1, 1, 2)), layers.Flatten(), layers.Dense(1)])
    gan = keras_gan.GAN(generator, discriminator, image_range=(-2, 2), seed=0)
    # All samples are (-1, 0) in the networks' range: the first mean in that of the data.
    stacked = ModesCovered(StackedModes(labeller(), channels=2), name="stacked")
    gan.compile(metrics=[*(cls(GAUSSIANS) for cls in METRICS), stacked])
    real = np.float32(MEANS * 4).reshape(-1, 1, 1, 2)
    found = gan.evaluate(real, batch_size=5, return_dict=True, verbose=0)
    np.testing.assert_allclose(
        [found[cls.default_name] for cls in METRICS], [1, 1, *reference([1, 0, 0])], rtol=1e-6
    )
    assert found["stacked"] == 1


@pytest.mark.parametrize("cls", METRICS)
def test_sample_weights_are_refused(cls):
    with pytest.raises(ValueError, match="Do not pass `sample_weight`"):
        cls(GAUSSIANS).update_state(None, SAMPLES, sample_weight=np.ones(4))


def test_bad_arguments():
    with pytest.raises(ValueError, match="`means` is an array"):
        GaussianModes([1.0, 2.0], 0.1)
    with pytest.raises(ValueError, match="`means` is an array"):
        GaussianModes([[1.0, np.nan]], 0.1)
    with pytest.raises(ValueError, match="`stddev` must be a positive"):
        GaussianModes(MEANS, 0.0)
    with pytest.raises(ValueError, match="`threshold` must be a positive"):
        GaussianModes(MEANS, 0.1, threshold=-1)
    with pytest.raises(ValueError, match="`channels` must be an integer"):
        StackedModes(labeller(), channels=0)
    with pytest.raises(ValueError, match="from images"):
        StackedModes(keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten()]))
    with pytest.raises(ValueError, match="have 3 channels, not 2"):
        StackedModes(labeller(), channels=2).assign(ops.zeros((1, 1, 1, 3)))
    with pytest.raises(ValueError, match="`modes` says which mode"):
        ModesCovered(MEANS)
    with pytest.raises(NotImplementedError, match="must implement `assign`"):
        Modes().assign(None)
