"""The warp is the one of its description, written out slowly in float64; so are its derivatives."""

import numpy as np
import pytest
from keras import ops
from scipy import ndimage

from keras_gan import backend
from keras_gan.ops import band_filters, low_pass, warp

RNG = np.random.RandomState(0)


def slowly(image, matrix):
    """One image `(H, W)` under one matrix, with all of its reflections."""
    taps = low_pass()
    height, width = image.shape
    continued = np.pad(image, [(height - 1,) * 2, (width - 1,) * 2], mode="reflect")
    doubled = np.zeros([2 * n for n in continued.shape])
    doubled[::2, ::2] = 4 * continued
    for axis in (0, 1):
        # Six zeros before and five behind: as many pixels as there were.
        pads = [(6, 5) if i == axis else (0, 0) for i in (0, 1)]
        doubled = np.apply_along_axis(np.convolve, axis, np.pad(doubled, pads), taps, "valid")
    rows, columns = np.mgrid[: 2 * (height + 6), : 2 * (width + 6)]
    x, y = (columns - width - 5) / 2, (rows - height - 5) / 2
    x, y = (row[0] * x + row[1] * y + row[2] for row in matrix)
    places = [2 * y + 3 * (height - 1), 2 * x + 3 * (width - 1)]
    result = ndimage.map_coordinates(doubled, places, order=1, mode="grid-constant")
    for axis in (0, 1):
        result = result[(slice(None),) * axis + (slice(1, -1),)]
        result = np.apply_along_axis(np.correlate, axis, result, taps, "valid")
    return result[::2, ::2]


def warped(images, matrices):
    tensors = [ops.convert_to_tensor(x, "float32") for x in (images, matrices)]
    return ops.convert_to_numpy(warp(*tensors))


# From the smallest, all of whose reflections are kept, to one of which a period is.
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (9, 17), (32, 21)])
def test_the_definition(size):
    images = RNG.standard_normal((6, *size, 2))
    # Down to a fifth: all reflections are in sight, their ends and what is beyond.
    matrices = RNG.standard_normal((6, 2, 3)) * np.array([2.0, 2.0, max(size)])
    matrices[0] = np.eye(2, 3)
    matrices[1] = [[5.0, 0.0, 0.3], [0.0, 5.0, -0.4]]
    matrices[2] = [[0.0, -1.0, 2.5], [1.0, 0.0, 1e6]]
    found = warped(images, matrices)
    for image, matrix, result in zip(images, matrices, found, strict=True):
        for channel in range(2):
            expected = slowly(image[..., channel], matrix)
            np.testing.assert_allclose(result[..., channel], expected, atol=3e-4)
    np.testing.assert_array_equal(found[2], 0.0)


def test_the_identity():
    images = RNG.standard_normal((2, 19, 12, 3))
    found = warped(images, np.broadcast_to(np.eye(2, 3), (2, 2, 3)))
    np.testing.assert_allclose(found, images, atol=2e-4)


def spot(x, y):
    """A batch of one smooth image with a maximum off the middle."""
    rows, columns = np.mgrid[:24, :24] - 11.5
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)[None, :, :, None]


def test_smooth_images_are_turned_and_moved():
    # The result at (x, y) is the image at (y, -x): what was on the right is below.
    turned = warped(spot(3, 0), [[[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]])
    np.testing.assert_allclose(turned, spot(0, 3), atol=0.03)
    moved = warped(spot(3, 0), [[[1.0, 0.0, 3.0], [0.0, 1.0, -1.5]]])
    # Reflections come in from the right.
    np.testing.assert_allclose(moved[:, :, :-4], spot(0, 1.5)[:, :, :-4], atol=0.03)


def test_derivatives_of_first_and_second_order():
    images = ops.convert_to_tensor(RNG.standard_normal((2, 20, 18, 1)), "float32")
    weights = ops.convert_to_tensor(RNG.standard_normal((2, 20, 18, 1)), "float32")
    matrices = ops.convert_to_tensor(RNG.standard_normal((2, 2, 3)), "float32")

    def slope(weights):
        return backend.grads(lambda x: ops.sum(weights * warp(x, matrices)), [images])

    # The warp A is linear: A'w is its gradient, and 2 A A'w that of the square of A'w.
    total, (first,) = slope(weights)
    np.testing.assert_allclose(
        *map(ops.convert_to_numpy, (total, ops.sum(images * first))), rtol=1e-4
    )
    _, (second,) = backend.grads(lambda w: ops.sum(ops.square(slope(w)[1][0])), [weights])
    np.testing.assert_allclose(
        *map(ops.convert_to_numpy, (second, 2.0 * warp(first, matrices))), rtol=1e-3, atol=1e-3
    )


def test_the_low_pass_filter_is_a_wavelets():
    # Shifted by even numbers, it is orthogonal to itself.
    products = np.correlate(low_pass(), low_pass(), "full")[1::2] * 2
    np.testing.assert_allclose(products, np.eye(1, 11, 5)[0], atol=1e-9)


def test_the_bands_add_up_to_the_signal():
    filters = band_filters()
    np.testing.assert_allclose(filters.sum(0), np.eye(1, 43, 21)[0], atol=1e-9)
    np.testing.assert_allclose(filters.sum(1), [1, 0, 0, 0], atol=1e-9)
    # Each has its octave: the gain at its middle is the largest of the four.
    middles = np.array([0.03, 0.09, 0.18, 0.4]) * 2 * np.pi
    gains = abs(filters @ np.exp(1j * np.outer(np.arange(43), middles)))
    assert gains.argmax(0).tolist() == [0, 1, 2, 3]
