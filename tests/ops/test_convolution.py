"""The fast forms are the plain ones: outputs, gradients and second gradients."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import backend
from keras_gan.ops import conv, conv_transpose, tiles

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
    "one output": (4, 5, 3, 2, (4, 5), 1, "valid"),
    "one tap": (5, 4, 3, 2, 1, 1, "same"),
    "oblong kernel": (6, 6, 2, 3, (3, 2), 1, "same"),
}


@pytest.fixture(params=[False, True], ids=["as the backend chooses", "tiles"], autouse=True)
def everything_by_tiles(request, monkeypatch):
    """Each case once more by `tiles`, which as a rule JAX chooses on the CPU for many channels."""
    if request.param:
        monkeypatch.setattr(backend, "prefers_tiles", lambda: True)
        monkeypatch.setattr("keras_gan.ops.convolution._MIN_CHANNELS", 1)
        monkeypatch.setattr("keras_gan.ops.convolution._MIN_TILES", 0)


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
        return ops.conv_transpose(x, kernel, stride, padding, data_format="channels_last")

    fast = derivatives(lambda x, kernel: conv_transpose(x, kernel, stride, padding), x, kernel)
    assert_same(fast, derivatives(plain, x, kernel))


def test_tiles_are_chosen_where_they_repay(monkeypatch):
    seen = []
    for name in ("conv", "conv_transpose"):
        function = getattr(tiles, name)
        monkeypatch.setattr(tiles, name, lambda *a, f=function, n=name: (seen.append(n), f(*a))[1])
    monkeypatch.setattr(backend, "prefers_tiles", lambda: True)
    monkeypatch.setattr("keras_gan.ops.convolution._MIN_CHANNELS", 32)
    monkeypatch.setattr("keras_gan.ops.convolution._MIN_TILES", 128)
    many, few = draw(8, 16, 16, 32), draw(1, 16, 16, 32)
    for x, filters, dtype in ((many, 32, "float32"), (few, 32, "float32"), (many, 3, "float32")):
        conv(ops.cast(x, dtype), draw(4, 4, 32, filters), 2, "same")
        conv_transpose(ops.cast(x, dtype), draw(4, 4, filters, 32), 2, "same")
    half = ops.cast(many, "bfloat16"), ops.cast(draw(4, 4, 32, 32), "bfloat16")
    assert keras.backend.standardize_dtype(conv(*half, 2, "same").dtype) == "bfloat16"
    assert seen == ["conv", "conv_transpose"]
