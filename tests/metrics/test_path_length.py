import itertools
import types

import keras
import numpy as np
import pytest
from keras import layers

import keras_gan
from keras_gan.metrics import (
    PerceptualPathLength,
    lerp,
    path_length,
    slerp,
    slerp_any,
    slerp_unit,
)


def vectors(count=4, size=6, seed=0):
    rng = np.random.RandomState(seed)
    return rng.standard_normal((2, count, size)).astype("float32")


@keras.saving.register_keras_serializable(package="tests")
class MeanSquares:
    """A distance that can be computed by hand."""

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    protocol = {"network": "mean squares"}  # noqa: RUF012

    def distances(self, first, second):
        return np.square(first - second).mean(axis=(1, 2, 3))


def generator(latent_dim=3, num_classes=None):
    """Images that are linear in the latent: pixel = 0.1 z_0 + 0.2 z_1 + ..., plus the class."""
    z = keras.Input((latent_dim,))
    value = layers.Dense(16, use_bias=False)(z)
    inputs = z
    if num_classes is not None:
        labels = keras.Input((), dtype="int32")
        inputs = [z, labels]
        value = value + layers.Embedding(num_classes, 16)(labels)
    network = keras.Model(inputs, layers.Reshape((4, 4, 1))(value))
    kernel = 0.1 * np.arange(1, latent_dim + 1)[:, None] * np.ones((1, 16))
    for weight in network.weights:
        is_kernel = weight.shape == kernel.shape
        weight.assign(kernel if is_kernel else np.full(weight.shape, 0.25))
    return network


def gan(network, latent_dim=3, num_classes=None):
    """The part of a GAN that is measured."""
    return types.SimpleNamespace(
        ema_generator=network,
        image_shape=(4, 4, 1),
        num_classes=num_classes,
        # What `backend.sync` calls on JAX.
        jax_state_sync=lambda: None,
        latents_from_seeds=lambda seeds: np.stack(
            [np.random.RandomState(s).randn(latent_dim).astype("float32") for s in seeds]
        ),
        from_network_range=lambda x: x,
    )


def measured(model, **arguments):
    arguments = {"num_samples": 10, "batch_size": 4, "epsilon": 0.1, **arguments}
    return PerceptualPathLength(MeanSquares(), **arguments)(model)


def test_slerp_stays_on_the_sphere_at_a_constant_speed():
    a, b = vectors()
    points = [slerp(a, b, t) for t in (0.0, 0.25, 0.5, 1.0)]
    for point in points:
        np.testing.assert_allclose(np.linalg.norm(point, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(points[0], a / np.linalg.norm(a, axis=1)[:, None], atol=1e-6)
    np.testing.assert_allclose(points[3], b / np.linalg.norm(b, axis=1)[:, None], atol=1e-6)
    angles = [np.arccos((p * q).sum(1)) for p, q in itertools.pairwise(points)]
    np.testing.assert_allclose(angles[1], angles[0], rtol=1e-4)
    np.testing.assert_allclose(angles[2], 2 * angles[0], rtol=1e-4)


def test_slerp_any_keeps_lengths():
    a, b = vectors()
    np.testing.assert_allclose(slerp_any(a, b, 0.0), a, atol=1e-6)
    np.testing.assert_allclose(slerp_any(a, b, 1.0), b, atol=1e-6)
    middle = slerp_any(a, b, 0.5)
    directions = middle / np.linalg.norm(middle, axis=1)[:, None]
    np.testing.assert_allclose(slerp_unit(a, b, 0.5), directions, rtol=1e-6)


def test_collinear_ends_are_joined_by_a_line():
    a, _ = vectors()
    for b in (2 * a, -a, a):
        np.testing.assert_allclose(slerp_any(a, b, 0.25), lerp(a, b, 0.25), rtol=1e-5)
    assert np.isfinite(slerp(a, a, 0.5)).all()
    assert np.isfinite(slerp_unit(a, -a, 0.5)).all()


def test_trimmed_mean_is_bounded_by_order_statistics():
    found = path_length.trimmed_mean(np.arange(1001.0)[::-1])
    assert (found.low, found.high, found.kept) == (10, 990, 981)
    assert found.mean == 500
    found = path_length.trimmed_mean([0.0, 1.0, 5.0])
    assert (found.low, found.high, found.mean) == (0, 5, 2)
    with pytest.raises(ValueError, match="diverged"):
        path_length.trimmed_mean([1.0, np.nan])


def test_crop_and_box():
    images = np.arange(16 * 16.0).reshape(1, 16, 16, 1)
    face = path_length.crop_face(images)
    np.testing.assert_array_equal(face, images[:, 6:14, 4:12])
    boxes = path_length.box_mean(images, 4)
    assert boxes.shape == (1, 4, 4, 1)
    assert boxes[0, 1, 2, 0] == images[0, 4:8, 8:12].mean()


@pytest.mark.parametrize("num_classes", [None, 5])
def test_length_of_lines_through_a_linear_generator(num_classes):
    model = gan(generator(num_classes=num_classes), num_classes=num_classes)
    found = measured(model, interpolation="lerp")
    seeds = path_length.latents.draw_seeds(20, 0)
    ends = model.latents_from_seeds(seeds[:10]), model.latents_from_seeds(seeds[10:])
    speeds = np.square(127.5 * ((ends[1] - ends[0]) @ [0.1, 0.2, 0.3]))
    expected = path_length.trimmed_mean(speeds)
    assert found.kept == expected.kept == 10
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-4)
    # Wherever on a line: the batches and the positions do not matter.
    for arguments in ({"batch_size": 3}, {"sampling": "end"}):
        again = measured(model, interpolation="lerp", **arguments)
        np.testing.assert_allclose(again.mean, found.mean, rtol=1e-4)


def test_arcs_depend_on_the_position():
    model = gan(generator())
    full, end = measured(model), measured(model, sampling="end")
    assert full.mean > 0 and end.mean > 0 and abs(full.mean / end.mean - 1) > 1e-3
    assert measured(model).mean == full.mean
    assert measured(model, seed=1).mean != full.mean
    assert measured(model, interpolation="slerp").mean != full.mean


def test_space_w():
    z = keras.Input((3,))
    mapping = keras.Model(z, layers.Dense(2, use_bias=False, kernel_initializer="ones")(z))
    synthesis = generator(latent_dim=2)
    network = keras.Model(z, synthesis(mapping(z)))
    with pytest.raises(ValueError, match="space='z'"):
        measured(gan(network), space="w")
    network.mapping, network.synthesis = mapping, synthesis
    found = measured(gan(network), space="w")
    # All of it is linear, so lines in w are images of lines in z.
    expected = measured(gan(network), interpolation="lerp")
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-4)


def test_saved_and_made_again():
    metric = PerceptualPathLength(MeanSquares(), space="w", crop=True, seed=3)
    again = PerceptualPathLength.from_config(metric.get_config())
    assert again.protocol == metric.protocol and again.batch_size == metric.batch_size


def test_protocol_and_arguments():
    protocol = PerceptualPathLength(MeanSquares(), space="w", crop=True).protocol
    assert protocol["interpolation"] == "lerp" and protocol["crop"]
    assert protocol["num_samples"] == 50_000 and protocol["percentiles"] == [1, 99]
    for arguments in (
        {"space": "p"},
        {"sampling": "middle"},
        {"interpolation": "cubic"},
        {"epsilon": 0},
        {"epsilon": 2},
        {"num_samples": 1},
        {"batch_size": 0},
        {"seed": -1},
    ):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            PerceptualPathLength(MeanSquares(), **arguments)


@pytest.mark.parametrize("space", ["z", "w"])
def test_noise_is_another_in_each_batch_and_the_same_at_both_ends(space):
    model = keras_gan.StyleGAN2(
        (8, 8, 1), latent_dim=4, style_dim=4, mapping_layers=1, channel_base=32, channel_max=4
    )
    for layer in model.ema_generator.synthesis.noise_layers:
        layer.noise_strength.assign(1.0)
    length = PerceptualPathLength(MeanSquares(), space, num_samples=2)
    same = (np.zeros((2, 1)),) * 2
    first, second = (length._images(model, [1, 2], [3, 4], same, number) for number in (0, 1))
    np.testing.assert_array_equal(*first)
    assert np.abs(first[0] - second[0]).mean() > 0.1
    np.testing.assert_array_equal(length._images(model, [1, 2], [3, 4], same, 0), first)
    for layer in model.ema_generator.synthesis.noise_layers:
        layer.noise_strength.assign(0.0)
    ours = length._images(model, [1, 2], [3, 4], same, 0)[0]
    if space == "w":
        # The ends of the paths are the seeds' own images.
        made = model.generate(seeds=[1, 2], output_type="float")
        np.testing.assert_allclose(ours, (made + 1) * 127.5, atol=1e-2)
