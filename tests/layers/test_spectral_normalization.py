import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import backend
from keras_gan.layers import Conv2D, Conv2DTranspose, Maxout, SpectralNormalization

RNG = np.random.RandomState(0)
IMAGES = RNG.standard_normal((2, 5, 5, 3)).astype("float32")
# What to wrap, what it takes, and the axis of its kernel that counts outputs.
LAYERS = {
    "dense": (lambda: keras.layers.Dense(4), IMAGES[:, 0, 0], 1),
    "maxout": (lambda: Maxout(4, 2), IMAGES[:, 0, 0], 1),
    "conv": (lambda: Conv2D(6, 3, strides=2, padding="same"), IMAGES, 3),
    "keras_conv": (lambda: keras.layers.Conv2D(6, 3), IMAGES, 3),
    "transposed": (lambda: Conv2DTranspose(4, 4, strides=2, padding="same"), IMAGES, 2),
    "embedding": (lambda: keras.layers.Embedding(7, 4), np.int32([3, 0, 6]), 0),
}


def kernel_of(layer):
    return layer.embeddings if hasattr(layer, "embeddings") else layer.kernel


def matrix(kernel, axis):
    kernel = ops.convert_to_numpy(kernel)
    return np.moveaxis(kernel, axis, 0).reshape(kernel.shape[axis], -1)


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("inference", ["iterate", "stored"])
def test_works_with_the_kernel_over_its_largest_singular_value(name, inference):
    make, x, axis = LAYERS[name]
    layer = SpectralNormalization(make(), power_iterations=60, inference=inference)
    layer(x, training=True)
    kernel = numpy(kernel_of(layer.layer))
    sigma = np.linalg.svd(matrix(kernel, axis), compute_uv=False)[0]
    np.testing.assert_allclose(numpy(layer.normalized_kernel()), kernel / sigma, rtol=1e-3)
    # The wrapped layer with this kernel gives the same, and its weight is what it was.
    plain = make()
    plain.build(x.shape)
    plain.set_weights([kernel / sigma, *(numpy(w) for w in layer.layer.weights[1:])])
    np.testing.assert_allclose(numpy(layer(x)), numpy(plain(x)), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(numpy(kernel_of(layer.layer)), kernel)
    assert layer.u.shape == (kernel.shape[axis],)


def test_u_moves_in_training_calls_only():
    layer = SpectralNormalization(keras.layers.Dense(4))
    x = IMAGES[:, 0, 0]
    layer(x)
    first = numpy(layer.u)
    estimates = []
    for _ in range(2):
        # Inference makes one more iteration, which is that of the next training call.
        estimates.append(numpy(layer.normalized_kernel()))
        np.testing.assert_array_equal(numpy(layer.u), first)
    np.testing.assert_array_equal(*estimates)
    np.testing.assert_array_equal(numpy(layer.normalized_kernel(training=True)), estimates[0])
    w = matrix(layer.layer.kernel, 1)
    v = w.T @ first
    expected = w @ v
    np.testing.assert_allclose(numpy(layer.u), expected / np.linalg.norm(expected), rtol=1e-4)


def test_stored_vectors_are_used_as_they_are():
    layer = SpectralNormalization(keras.layers.Dense(4), inference="stored")
    layer(IMAGES[:, 0, 0], training=True)
    u, v = numpy(layer.u), numpy(layer.v)
    # The weights move on, as in an update; the vectors stay.
    w = RNG.standard_normal((3, 4)).astype("float32")
    layer.layer.kernel.assign(w)
    sigma = u @ (w.T @ v)
    np.testing.assert_allclose(numpy(layer.normalized_kernel()), w / sigma, rtol=1e-5)


def test_several_calls_in_one_loss_and_the_gradient():
    layer = SpectralNormalization(keras.layers.Dense(4, use_bias=False))
    x = IMAGES[:, 0, 0]
    layer.build(x.shape)
    u, w = numpy(layer.u), matrix(layer.layer.kernel, 1)
    probe = RNG.standard_normal((2, 4)).astype("float32")

    def loss():
        layer(x, training=True)
        y = layer(x, training=True)
        return ops.sum(y * ops.convert_to_tensor(probe)), {}

    _, (gradient,) = backend.value_and_grad(loss, [layer.layer.kernel])
    for _ in range(2):
        v = w.T @ u / np.linalg.norm(w.T @ u)
        u = w @ v / np.linalg.norm(w @ v)
    np.testing.assert_allclose(numpy(layer.u), u, rtol=1e-4)
    sigma, outer = u @ w @ v, probe.T @ x
    # The gradient of W / sigma(W) with constant singular vectors.
    expected = (outer - np.sum(outer * w) / sigma * np.outer(u, v)) / sigma
    np.testing.assert_allclose(numpy(gradient).T, expected, rtol=1e-4, atol=1e-5)


def test_gradient_penalty_through_it():
    # The logit is linear: the penalty is the squared norm of w / sigma = 1, whatever w is.
    layer = SpectralNormalization(keras.layers.Dense(1, use_bias=False))
    x = ops.convert_to_tensor(IMAGES[:, 0, 0])
    layer.build(x.shape)

    def penalty():
        _, (slope,) = backend.grads(lambda x: layer(x, training=True), [x])
        return ops.mean(ops.sum(ops.square(slope), axis=-1)), {}

    (value, _), (gradient,) = backend.value_and_grad(penalty, [layer.layer.kernel])
    np.testing.assert_allclose(numpy(value), 1.0, rtol=1e-5)
    np.testing.assert_allclose(numpy(gradient), 0.0, atol=1e-5)
    np.testing.assert_allclose(np.abs(numpy(layer.u)), 1.0, rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_sigma_is_float32_under_half_precision_policies(policy):
    layer = SpectralNormalization(keras.layers.Dense(4, dtype=policy), power_iterations=60)
    half = policy.removeprefix("mixed_")
    y = layer(ops.cast(IMAGES[:, 0, 0], half), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == half
    kernel = layer.normalized_kernel()
    assert keras.backend.standardize_dtype(kernel.dtype) == "float32"
    assert keras.backend.standardize_dtype(layer.u.dtype) == "float32"
    np.testing.assert_allclose(np.linalg.svd(numpy(kernel), compute_uv=False)[0], 1.0, rtol=1e-4)
    # The layer computes in half precision, on a kernel that was rounded once.
    model = keras.Sequential([keras.Input((3,), dtype=half), layer])
    assert model.outputs[0].dtype == half


def test_round_trip(tmp_path):
    layer = SpectralNormalization(
        Conv2D(2, 3), power_iterations=2, epsilon=1e-6, inference="stored"
    )
    model = keras.Sequential([keras.Input((5, 5, 3)), layer])
    model(IMAGES, training=True)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    config = again.layers[0].get_config()
    assert (config["power_iterations"], config["epsilon"], config["inference"]) == (
        2,
        1e-6,
        "stored",
    )
    assert isinstance(again.layers[0].layer, Conv2D) and again.layers[0].layer.filters == 2
    for ours, theirs in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(numpy(ours), numpy(theirs))
    np.testing.assert_allclose(numpy(again(IMAGES)), numpy(model(IMAGES)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ({"layer": keras.layers.DepthwiseConv2D(3)}, "for the layers"),
        ({"layer": "Dense"}, "for the layers"),
        ({"power_iterations": 0}, "power_iterations"),
        ({"epsilon": 0.0}, "epsilon"),
        ({"inference": "torch"}, "inference"),
    ],
)
def test_bad_arguments(arguments, expected):
    with pytest.raises(ValueError, match=f"{expected}.*Received"):
        SpectralNormalization(**{"layer": keras.layers.Dense(2), **arguments})
