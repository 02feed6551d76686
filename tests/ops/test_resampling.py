"""Resampling by filters: all forms are the definition, and so are their derivatives."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_gan import backend
from keras_gan.ops import (
    conv_downsample,
    conv_upsample,
    downsample2d,
    filter2d,
    resampling,
    setup_filter,
    upfirdn2d,
    upsample2d,
)

BINOMIAL = np.array([1, 3, 3, 1]) / 8


FORMS = ["depthwise", "matrices", "slices"]


def choose(form, monkeypatch):
    monkeypatch.setattr(backend, "prefers_depthwise", lambda: form == "depthwise")
    monkeypatch.setattr(resampling, "_MAX_MATRIX_SIDE", 1000 if form == "matrices" else 0)


@pytest.fixture(params=FORMS)
def form(request, monkeypatch):
    """Every form, whichever the backend prefers."""
    choose(request.param, monkeypatch)
    return request.param


def definition(x, taps, up, down, padding, flip, gain):
    """`upfirdn2d` step by step, in float64; `up` and `down` as (x, y)."""
    taps = np.ones((1, 1)) if taps is None else np.asarray(taps, "float64")
    taps = gain * (np.outer(taps, taps) if taps.ndim == 1 else taps)
    taps = taps if flip else taps[::-1, ::-1]
    count, height, width, channels = x.shape
    spread = np.zeros((count, height * up[1], width * up[0], channels))
    spread[:, :: up[1], :: up[0]] = x
    left, right, top, bottom = padding
    padded = np.pad(spread, [(0, 0), *(2 * [(50, 50)]), (0, 0)])
    rows = slice(50 - top, 50 + spread.shape[1] + bottom)
    padded = padded[:, rows, 50 - left : 50 + spread.shape[2] + right]
    sides = [n - k + 1 for n, k in zip(padded.shape[1:3], taps.shape, strict=True)]
    y = np.zeros((count, *sides, channels))
    for i, row in enumerate(taps):
        for j, tap in enumerate(row):
            y += tap * padded[:, i : i + sides[0], j : j + sides[1]]
    return y[:, :: down[1], :: down[0]]


def draw(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def numpy(x):
    return np.asarray(ops.convert_to_numpy(x))


def along(axis, values, taps, **options):
    """`upfirdn2d` of a single row or column."""
    shape = (1, 1, -1, 1) if axis == "x" else (1, -1, 1, 1)
    padding = options.pop("padding", (0, 0))
    factors = {name: (n, 1) if axis == "x" else (1, n) for name, n in options.items() if n in (2,)}
    options = {**options, **factors}
    options["padding"] = (*padding, 0, 0) if axis == "x" else (0, 0, *padding)
    if taps is not None:
        taps = np.reshape(taps, (1, -1) if axis == "x" else (-1, 1))
    values = np.reshape(np.asarray(values, "float32"), shape)
    return numpy(upfirdn2d(values, taps, **options)).ravel()


@pytest.mark.parametrize("axis", ["x", "y"])
def test_one_axis_by_hand(axis, form):
    x = [1, 2, 3, 4]
    cases = [
        # Two taps meet each pixel of the doubled axis: 3/4 of the nearer one, 1/4 of the other.
        (
            along(axis, np.array(x) * 2.0, BINOMIAL, up=2, padding=(2, 1)),
            [0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 3.0],
        ),
        (along(axis, x, BINOMIAL, down=2, padding=(1, 1)), [1.5, 2.875]),
        (along(axis, x, None, padding=(-1, 1)), [2, 3, 4, 0]),
        (along(axis, [0, 0, 1, 0, 0], [1, 2, 5, 3], padding=(1, 2)), [1, 2, 5, 3, 0]),
        (along(axis, [0, 0, 1, 0, 0], [1, 2, 5, 3], padding=(1, 2), flip=True), [3, 5, 2, 1, 0]),
        (along(axis, [0, 1, 0], [1, 2, 5, 3], up=2, padding=(2, 1)), [0, 1, 2, 5, 3, 0]),
    ]
    for found, expected in cases:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_gain_is_that_of_both_axes(form):
    x = draw(1, 6, 5, 2)
    for taps in (np.outer(BINOMIAL, BINOMIAL), BINOMIAL):
        np.testing.assert_allclose(
            numpy(upfirdn2d(x, taps, gain=4.0)), 4 * numpy(upfirdn2d(x, taps)), rtol=1e-5, atol=1e-6
        )


factor = st.integers(1, 3)
pad = st.integers(-2, 4)


@settings(max_examples=40, deadline=None)
@given(
    sides=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    shape=st.sampled_from([None, (1,), (3,), (4,), (9,), (2, 3), (4, 4), (1, 5)]),
    factors=st.one_of(
        st.tuples(factor, factor, st.just(1), st.just(1)),
        st.tuples(st.just(1), st.just(1), factor, factor),
        st.tuples(factor, factor, factor, factor),
    ),
    padding=st.tuples(pad, pad, pad, pad),
    flip=st.booleans(),
    form=st.sampled_from(FORMS),
    seed=st.integers(0, 99),
)
def test_is_the_definition(sides, shape, factors, padding, flip, form, seed):
    x = draw(2, *sides, 2, seed=seed)
    taps = None if shape is None else draw(*shape, seed=seed + 1)
    up, down = factors[:2], factors[2:]
    with pytest.MonkeyPatch.context() as patch:
        choose(form, patch)

        def compute():
            return upfirdn2d(x, taps, up, down, padding, flip, gain=1.5)

        lengths = np.ones(2, int) if shape is None else np.broadcast_to(shape, 2)
        left = [
            n * u + padding[2 - 2 * i] + padding[3 - 2 * i] - k + 1
            for i, (n, u, k) in enumerate(zip(sides, up[::-1], lengths, strict=True))
        ]
        if min(left) < 1:
            with pytest.raises(ValueError, match="No pixel would be left"):
                compute()
            return
        expected = definition(x, taps, up, down, padding, flip, 1.5)
        found = numpy(compute())
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=3e-5 * max(np.abs(expected).max(), 1))


@pytest.mark.parametrize(
    "options",
    [
        {"up": 2, "padding": (2, 1, 2, 1)},
        {"down": 2, "padding": 1},
        {"up": (2, 1), "padding": (2, 1, 1, 2)},
        {"down": (1, 2), "padding": (0, 3, 1, 2)},
        # Pixels at the end that no tap reaches.
        {"down": 3, "padding": (1, 0, 0, 0)},
        {"padding": (-1, 2, 3, -2), "flip": True},
    ],
)
def test_derivatives_are_those_of_the_definition(options, monkeypatch):
    taps = draw(4, 4, seed=2)
    x = draw(2, 6, 7, 2)
    derivatives = {}
    for form in FORMS:
        choose(form, monkeypatch)
        variable = keras.Variable(x)
        y = upfirdn2d(variable, taps, **options)
        weights = np.cos(np.arange(np.prod(y.shape), dtype="float32")).reshape(tuple(y.shape))

        def slope(weights=weights, variable=variable):
            # Not linear, so that the second derivative does not vanish.
            _, (slope,) = backend.grads(
                lambda x: ops.sum(ops.multiply(ops.sin(upfirdn2d(x, taps, **options)), weights)),
                [ops.convert_to_tensor(variable) * 1.0],
            )
            return ops.sum(ops.square(slope)) / 2, slope

        (_, first), (second,) = backend.value_and_grad(slope, [variable])
        derivatives[form] = numpy(first), numpy(second)

    # The Jacobian, column by column.
    factors = options.get("up", 1), options.get("down", 1)
    factors = [(n, n) if np.ndim(n) == 0 else n for n in factors]
    padding = options["padding"]
    padding = (padding,) * 4 if np.ndim(padding) == 0 else padding
    flip = options.get("flip", False)
    basis = np.eye(6 * 7).reshape(-1, 6, 7, 1)
    columns = definition(basis, taps, *factors, padding, flip, 1.0).reshape(6 * 7, -1)
    y = np.einsum("nic,io->noc", x.reshape(2, 42, 2), columns)
    weights = weights.reshape(y.shape)
    first = np.einsum("noc,io->nic", weights * np.cos(y), columns)
    second = np.einsum(
        "noc,io->nic", -weights * np.sin(y) * np.einsum("nic,io->noc", first, columns), columns
    )
    for found in derivatives.values():
        for ours, expected in zip(found, (first, second), strict=True):
            atol = 3e-5 * np.abs(expected).max()
            np.testing.assert_allclose(ours, expected.reshape(x.shape), rtol=0, atol=atol)


@settings(max_examples=25, deadline=None)
@given(
    sides=st.tuples(st.integers(4, 7), st.integers(4, 7)),
    shape=st.sampled_from([(2,), (3,), (4,), (5,), (8,), (12,), (3, 6)]),
    factor=st.integers(2, 3),
)
def test_wrappers_keep_brightness_and_position(sides, shape, factor):
    taps = setup_filter(np.abs(draw(*shape)) + 0.1)
    constant = np.ones((1, *sides, 1), "float32")
    larger = numpy(upsample2d(constant, taps, factor))
    assert larger.shape[1:3] == (sides[0] * factor, sides[1] * factor)
    smaller = numpy(downsample2d(larger, taps, factor))
    assert smaller.shape[1:3] == sides
    assert numpy(filter2d(constant, taps)).shape == constant.shape
    # Each pixel of the doubled image sees only some of the taps; a symmetric filter's middle stays
    # in place, so mirroring commutes with it (an even filter at odd factors has no middle pixel).
    even = np.add(taps, np.flip(taps))
    length = even.shape[0]
    if even.ndim == 1 or even.shape[0] == even.shape[1]:
        x = draw(1, *sides, 1)
        for operation, suits in ((upsample2d, (length - factor) % 2 == 0), (filter2d, length % 2)):
            if suits:
                arguments = (factor,) if operation is upsample2d else ()
                plain = numpy(operation(x, even, *arguments))
                mirrored = numpy(operation(x[:, ::-1, ::-1], even, *arguments))
                np.testing.assert_allclose(mirrored[:, ::-1, ::-1], plain, atol=1e-5)


def test_wrappers_take_padding_and_gain():
    x, taps = draw(1, 5, 6, 1), setup_filter((1, 3, 3, 1))
    cases = [
        (upsample2d(x, taps, (2, 1), 1, gain=0.5), (2, 1), (1, 1), (3, 2, 3, 2), 1.0),
        (downsample2d(x, taps, 2, (1, 0), gain=2.0), (1, 1), (2, 2), (2, 2, 1, 1), 2.0),
        (filter2d(x, taps, (0, 1, 2, 3)), (1, 1), (1, 1), (2, 2, 4, 4), 1.0),
    ]
    for found, up, down, padding, gain in cases:
        expected = definition(x, taps, up, down, padding, False, gain)
        np.testing.assert_allclose(numpy(found), expected, atol=1e-5)


def test_setup_filter():
    np.testing.assert_allclose(setup_filter((1, 3, 3, 1)), np.outer(BINOMIAL, BINOMIAL))
    assert setup_filter(range(1, 9)).shape == (8,)
    np.testing.assert_allclose(setup_filter([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]]) / 10)
    for bad in ([], [1, -1], [[[1.0]]]):
        with pytest.raises(ValueError, match="A filter is a list of numbers"):
            setup_filter(bad)


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2, 1), (1, 1)])
def test_convolutions_that_resample(taps, size, factor):
    """They are the plain convolution of the enlarged image, and the reduced plain convolution."""
    x, taps = draw(2, 8, 6, 2), setup_filter(taps)
    kernel = draw(size, size, 2, 3, seed=1)
    pads = [(0, 0), (size // 2,) * 2, (size // 2,) * 2, (0, 0)]

    def correlate(x, kernel):
        x = np.pad(x, pads)
        sides = x.shape[1] - size + 1, x.shape[2] - size + 1
        return sum(
            np.einsum("nhwc,cd->nhwd", x[:, i : i + sides[0], j : j + sides[1]], kernel[i, j])
            for i in range(size)
            for j in range(size)
        )

    n, p = len(taps), size // 2
    # In a transposed convolution the kernel is mirrored.
    found = numpy(conv_upsample(x, np.transpose(kernel, (0, 1, 3, 2)), taps, factor))
    up = (n + factor - 1) // 2 + p, (n - factor) // 2 + p
    larger = definition(x, taps, (factor, factor), (1, 1), up * 2, False, factor**2)
    expected = correlate(larger, kernel[::-1, ::-1])[:, p : -p or None, p : -p or None]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    found = numpy(conv_downsample(x, kernel, taps, factor))
    down = (n - factor + 1) // 2 + p, (n - factor) // 2 + p
    filtered = definition(x, taps, (1, 1), (1, 1), down * 2, False, 1.0)
    expected = correlate(filtered, kernel)[:, p : -p or None, p : -p or None]
    expected = expected[:, ::factor, ::factor]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"up": 0}, "`up` is an integer >= 1, or a pair"),
        ({"down": (1, 2, 3)}, "`down` is an integer >= 1, or a pair"),
        ({"up": 1.5}, r"`up` is .* Received: 1.5"),
        ({"padding": (1, 2, 3)}, r"`padding` is an integer, a pair .* Received: \(1, 2, 3\)"),
        ({"padding": 0.5}, "`padding` is an integer, a pair"),
        ({"padding": (-2, -2, 0, 0)}, r"No pixel would be left.* Received: images of \(4, 4\)"),
    ],
)
def test_refusals(options, message, form):
    with pytest.raises(ValueError, match=message):
        upfirdn2d(draw(1, 4, 4, 1), np.ones((1, 1)), **options)


def test_half_precision_stays(form):
    x = ops.cast(draw(2, 4, 4, 3), "float16")
    y = upsample2d(x, setup_filter((1, 3, 3, 1)))
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
