"""The fast forms are the plain ones: outputs, gradients and second gradients."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import backend
from keras_gan.ops import conv, conv_transpose, products, tiles

RNG = np.random.RandomState(0)

# Height, width, input channels, filters, kernel size, stride, padding.
GEOMETRIES = {
    "dcgan": (8, 12, 3, 4, 4, 2, "same"),
    "odd size": (7, 9, 3, 2, 4, 2, "same"),
    "wgan_gp": (14, 7, 2, 3, 5, 2, "same"),
    "stride 1": (6, 5, 2, 3, 3, 1, "same"),
    "stride 1 valid": (7, 6, 2, 3, 3, 1, "valid"),
    "stride 2 valid": (9, 8, 2, 3, 4, 2, "valid"),
    "large stride": (8, 8, 2, 3, 5, 3, "same"),
    "gaps": (5, 4, 2, 3, 2, 3, "valid"),
    "one output": (4, 5, 3, 2, (4, 5), 1, "valid"),
    "one tap": (5, 4, 3, 2, 1, 1, "same"),
    "oblong kernel": (6, 6, 2, 3, (3, 2), 1, "same"),
}


@pytest.fixture(params=["framework", "tiles", "products"], autouse=True)
def form(request, monkeypatch):
    """Each case in every form, whichever the backend would choose."""
    monkeypatch.setattr(backend, "prefers_tiles", lambda: request.param == "tiles")
    monkeypatch.setattr(backend, "prefers_products", lambda: request.param == "products")
    monkeypatch.setattr("keras_gan.ops.convolution._MIN_CHANNELS", 1)
    monkeypatch.setattr("keras_gan.ops.convolution._MIN_TILES", 0)
    monkeypatch.setattr("keras_gan.ops.convolution._MAX_PIXELS", 1000)


def draw(*shape):
    return RNG.standard_normal(shape).astype("float32")


def derivatives(operation, x, kernel):
    """Output, gradients, and gradients of the squared norm of the gradient for the images."""
    x, kernel = keras.Variable(x), keras.Variable(kernel)
    shape = operation(x, kernel).shape
    weights = ops.cos(ops.reshape(ops.arange(np.prod(shape), dtype="float32"), shape))

    def score(x):
        # Not linear, so that no second derivative vanishes.
        return ops.sum(weights * ops.tanh(operation(x, kernel)))

    def penalty():
        _, (slope,) = backend.grads(score, [ops.convert_to_tensor(x) * 1.0])
        return ops.sum(ops.square(slope)), ()

    _, first = backend.value_and_grad(lambda: (score(x), ()), [x, kernel])
    _, second = backend.value_and_grad(penalty, [x, kernel])
    return [ops.convert_to_numpy(v) for v in (operation(x, kernel), *first, *second)]


def assert_same(fast, plain):
    for ours, theirs in zip(fast, plain, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, atol=3e-5 * max(np.abs(theirs).max(), 1))


@pytest.mark.parametrize("name", GEOMETRIES)
def test_conv(name):
    height, width, channels, filters, size, stride, padding = GEOMETRIES[name]
    size = (size, size) if isinstance(size, int) else size
    x, kernel = draw(2, height, width, channels), 0.3 * draw(*size, channels, filters)

    def plain(x, kernel):
        return ops.conv(x, kernel, stride, padding, data_format="channels_last")

    fast = derivatives(lambda x, kernel: conv(x, kernel, stride, padding), x, kernel)
    assert_same(fast, derivatives(plain, x, kernel))


@pytest.mark.parametrize("name", GEOMETRIES)
def test_conv_transpose(name):
    height, width, channels, filters, size, stride, padding = GEOMETRIES[name]
    if name == "one output":
        height, width = 1, 1
    size = (size, size) if isinstance(size, int) else size
    x, kernel = draw(2, height, width, channels), 0.3 * draw(*size, filters, channels)

    def plain(x, kernel):
        y = ops.conv_transpose(x, kernel, stride, padding, data_format="channels_last")
        if padding == "same":
            return y
        # Keras puts zeros after the last pixels where the stride is larger than the kernel.
        return y[:, : (height - 1) * stride + size[0], : (width - 1) * stride + size[1]]

    fast = derivatives(lambda x, kernel: conv_transpose(x, kernel, stride, padding), x, kernel)
    assert_same(fast, derivatives(plain, x, kernel))


@pytest.mark.parametrize(
    "shape, filters, dtype, expected",
    [
        ((8, 16, 16, 32), 32, "float32", ["conv by tiles", "conv_transpose by tiles"]),
        ((8, 16, 16, 32), 3, "float32", []),
        ((8, 16, 16, 32), 32, "bfloat16", []),
        ((1, 16, 16, 32), 32, "float32", []),
        ((1, 8, 8, 32), 32, "float32", ["conv_transpose by products"]),
        ((1, 8, 8, 32), 3, "float32", ["conv_transpose by products"]),
        ((1, 8, 8, 32), 32, "bfloat16", []),
    ],
)
def test_forms_are_chosen_where_they_repay(shape, filters, dtype, expected, monkeypatch):
    seen = []

    def spy(module, name, label):
        function = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a: (seen.append(label), function(*a))[1])

    spy(tiles, "conv", "conv by tiles")
    spy(tiles, "conv_transpose", "conv_transpose by tiles")
    spy(products, "conv_transpose", "conv_transpose by products")
    monkeypatch.setattr(backend, "prefers_tiles", lambda: True)
    monkeypatch.setattr(backend, "prefers_products", lambda: True)
    monkeypatch.setattr("keras_gan.ops.convolution._MIN_CHANNELS", 32)
    monkeypatch.setattr("keras_gan.ops.convolution._MIN_TILES", 128)
    monkeypatch.setattr("keras_gan.ops.convolution._MAX_PIXELS", 64)
    x = ops.cast(draw(*shape), dtype)
    for function, kernel in (
        (conv, draw(4, 4, shape[-1], filters)),
        (conv_transpose, draw(4, 4, filters, shape[-1])),
    ):
        y = function(x, ops.cast(kernel, dtype), 2, "same")
        assert keras.backend.standardize_dtype(y.dtype) == dtype
    assert seen == expected


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX has two forms of these")
@pytest.mark.parametrize("form", ["framework"], indirect=True)  # Once: no form changes these.
@pytest.mark.parametrize("name", ["odd size", "stride 2 valid", "oblong kernel"])
def test_derivatives_on_accelerators_are_those_on_cpus(name, monkeypatch):
    from keras_gan.backend import jax as jax_backend

    height, width, channels, filters, size, stride, padding = GEOMETRIES[name]
    size = (size, size) if isinstance(size, int) else size
    x, kernel = draw(2, height, width, channels), draw(*size, channels, filters)
    y = draw(*jax_backend.conv(x, kernel, stride, padding).shape)

    def derivatives():
        return (
            jax_backend._conv_images(y, kernel, stride, padding, (height, width)),
            jax_backend._conv_kernel(x, y, stride, padding, size),
        )

    on_cpu = derivatives()
    monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    assert_same([ops.convert_to_numpy(v) for v in derivatives()], [np.asarray(v) for v in on_cpu])
