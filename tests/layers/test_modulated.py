import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import random
from keras_gan.layers import SynthesisLayer, ToImage
from keras_gan.ops import bias_act, modulated_conv, setup_filter


def draw(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def numpy(x):
    return np.asarray(ops.convert_to_numpy(ops.cast(x, "float32")))


def drawn(layer, inputs):
    """The layer with other weights than the initial ones, of which some are 0."""
    layer.build([x.shape for x in inputs])
    for i, weight in enumerate(layer.weights):
        weight.assign(draw(*weight.shape, seed=i + 7))
    return layer


def affine(layer, w):
    kernel = numpy(layer.affine.kernel)
    return w @ (kernel / math.sqrt(len(kernel))) + numpy(layer.affine.bias)


INPUTS = draw(2, 4, 6, 3), draw(2, 5, seed=1)


@pytest.mark.parametrize("up", [1, 2])
@pytest.mark.parametrize("clamp", [None, 1.0])
def test_synthesis_layer(up, clamp):
    x, w = INPUTS
    layer = drawn(SynthesisLayer(4, up, gain=0.5, clamp=clamp), INPUTS)
    assert layer.kernel.shape == ((3, 3, 4, 3) if up == 2 else (3, 3, 3, 4))
    y = numpy(
        modulated_conv(
            x, layer.kernel, affine(layer, w), taps=setup_filter((1, 3, 3, 1)) if up == 2 else None
        )
    )
    sides = 4 * up, 6 * up
    given = draw(2, *sides, 1, seed=2)
    assert layer.noise_const.shape == sides
    for noise, added in (
        ("none", 0),
        ("const", numpy(layer.noise_const)[None, :, :, None]),
        (given, given),
        (given[:1], given[:1]),
    ):
        # Noise is added before the bias and the activation.
        expected = bias_act(
            y + added * numpy(layer.noise_strength),
            numpy(layer.bias),
            "leaky_relu",
            gain=0.5 * math.sqrt(2),
            clamp=clamp and 0.5 * clamp,
        )
        found = numpy(layer(INPUTS, noise=noise))
        np.testing.assert_allclose(found, numpy(expected), atol=1e-5)
    assert layer.compute_output_shape([x.shape, w.shape]) == found.shape


def test_random_noise_is_new_for_each_sample_and_call():
    layer = SynthesisLayer(2, seed_generator=random.SeedGenerator(3))
    same = tuple(np.repeat(x[:1], 2, axis=0) for x in INPUTS)
    layer(same)
    np.testing.assert_array_equal(*numpy(layer(same, noise="random")))
    layer.noise_strength.assign(1.0)
    first, second = (numpy(layer(same, noise="random")) for _ in range(2))
    assert len({v.tobytes() for v in (*first, *second)}) == 4


def test_without_noise():
    layer = SynthesisLayer(2, use_noise=False)
    outputs = [numpy(layer(INPUTS, noise=noise)) for noise in ("const", "random", "none")]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])
    assert [w.path.split("/", 1)[1] for w in layer.weights] == [
        *("kernel", "bias", "affine/kernel", "affine/bias")
    ]


def test_to_image():
    x, w = INPUTS
    layer = drawn(ToImage(4, clamp=1.5), INPUTS)
    # Styles are scaled, kernels are not, and nothing is demodulated.
    styles = affine(layer, w) / math.sqrt(3)
    y = np.einsum("nhwc,nc,cd->nhwd", x, styles, numpy(layer.kernel)[0, 0]) + numpy(layer.bias)
    np.testing.assert_allclose(numpy(layer(INPUTS)), np.clip(y, -1.5, 1.5), atol=1e-5)
    assert np.abs(y).max() > 1.5
    assert layer.compute_output_shape([x.shape, w.shape]) == y.shape


def test_initial_weights():
    layer = SynthesisLayer(3, up=2)
    layer.build([x.shape for x in INPUTS])
    assert float(numpy(layer.noise_strength)) == 0 and not numpy(layer.bias).any()
    np.testing.assert_array_equal(numpy(layer.affine.bias), 1)
    assert not layer.noise_const.trainable and layer.noise_strength.trainable


@pytest.mark.parametrize(
    "layer",
    [SynthesisLayer(4, 2, False, 0.5, 3.0, (1, 2, 1)), SynthesisLayer(2), ToImage(3, clamp=2.0)],
)
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_config_and_half_precision(layer, policy):
    config = layer.get_config()
    assert type(layer).from_config(config).get_config() == config
    half = drawn(type(layer).from_config({**config, "dtype": policy}), INPUTS)
    exact = drawn(type(layer).from_config(config), INPUTS)
    found = half(INPUTS)
    # Images are float32 under every policy.
    expected = "float32" if isinstance(layer, ToImage) else half.compute_dtype
    assert keras.backend.standardize_dtype(found.dtype) == expected
    symbolic = half([keras.KerasTensor(x.shape) for x in INPUTS])
    assert symbolic.dtype == expected
    np.testing.assert_allclose(numpy(found), numpy(exact(INPUTS)), atol=0.1)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: SynthesisLayer(0), "`filters` must be an integer >= 1. Received: 0"),
        (lambda: SynthesisLayer(1, up=4), "`up` is 1 or 2. Received: 4"),
        (lambda: SynthesisLayer(1, clamp=0), "`clamp` must be positive. Received: 0"),
        (lambda: SynthesisLayer(1, gain=0), "`gain` must be positive. Received: 0"),
        (lambda: ToImage(0), "`channels` must be an integer >= 1. Received: 0"),
        (lambda: ToImage(3, clamp=-1), "`clamp` must be a finite number"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()
