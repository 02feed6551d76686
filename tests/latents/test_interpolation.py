import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_gan import latents


@given(st.integers(1, 6), st.integers(0, 1000))
def test_a_closed_smooth_curve_through_all_points(count, seed):
    points = np.random.RandomState(seed).randn(count, 2, 3)
    np.testing.assert_allclose(latents.spline(points, np.arange(count)), points, atol=1e-12)
    np.testing.assert_allclose(latents.spline(points, [-1, count]), points[[-1, 0]], atol=1e-12)
    # First and second derivatives agree on both sides of each point, the first one included.
    h = 1e-3
    for at in range(count):
        before = latents.spline(points, at - h * np.arange(4))
        after = latents.spline(points, at + h * np.arange(4))
        slopes = [(-11 * y[0] + 18 * y[1] - 9 * y[2] + 2 * y[3]) / 6 for y in (before, after)]
        np.testing.assert_allclose(-slopes[0] / h, slopes[1] / h, atol=1e-6)
        bends = [(2 * y[0] - 5 * y[1] + 4 * y[2] - y[3]) / h**2 for y in (before, after)]
        np.testing.assert_allclose(*bends, atol=1e-3)


def test_a_circle():
    angles = 2 * np.pi * np.arange(8) / 8
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    curve = latents.spline(points, np.linspace(0, 8, 100))
    np.testing.assert_allclose(np.linalg.norm(curve, axis=1), 1, atol=2e-3)


def test_the_curve_is_that_of_scipy():
    interpolate = pytest.importorskip("scipy.interpolate")
    points = np.random.RandomState(0).randn(5, 4)
    closed = np.concatenate([points, points[:1]])
    positions = np.linspace(0, 5, 37)
    expected = interpolate.CubicSpline(np.arange(6), closed, bc_type="periodic")(positions)
    np.testing.assert_allclose(latents.spline(points, positions), expected, atol=1e-12)


def test_a_point_just_below_zero():
    points = np.arange(3.0)[:, None]
    np.testing.assert_allclose(latents.spline(points, [-1e-20]), [[0.0]], atol=1e-12)


def test_no_points():
    with pytest.raises(ValueError, match="at least one point"):
        latents.spline(np.zeros((0, 2)), [0.0])
    with pytest.raises(ValueError, match="`points` has"):
        latents.spline([[0.0], [np.nan]], [0.0])


def test_frames_pass_the_seeds_of_each_place(gan):
    seeds = [3, 4, 5, 6]
    frames = list(latents.walk(gan, seeds, 3, rows=2, truncation=0.7, batch_size=4))
    assert len(frames) == 6
    assert all(frame.shape == (32, 16, 3) and frame.dtype == np.uint8 for frame in frames)
    expected = gan.generate(seeds=seeds, truncation=0.7).astype(int)
    for index, (above, below) in ((0, (0, 2)), (3, (1, 3))):
        assert np.abs(frames[index][:16] - expected[above]).max() <= 1
        assert np.abs(frames[index][16:] - expected[below]).max() <= 1
    assert (frames[1] != frames[0]).any()


def test_batches_do_not_matter(gan):
    walks = [list(latents.walk(gan, [3, 4], 2, batch_size=n)) for n in (1, 3, 64)]
    for frames in walks[1:]:
        assert np.abs(np.stack(frames).astype(int) - np.stack(walks[0])).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": [1]}, "two or more"),
        ({"seeds": [1, 2, 3], "columns": 2}, "equally many"),
        ({"frames": 0}, "`frames`"),
        ({"rows": 0}, "`rows`"),
        ({"noise": "random"}, "'const' or 'none'"),
        ({"truncation": "much"}, "`truncation`"),
    ],
)
def test_bad_input_is_told_before_the_first_frame(gan, arguments, message):
    with pytest.raises(ValueError, match=message):
        latents.walk(gan, **{"seeds": [1, 2], **arguments})


@pytest.mark.parametrize("positions", [1.0, [[0.0]], [np.nan]])
def test_positions_that_are_none(positions):
    with pytest.raises(ValueError, match="`positions`"):
        latents.spline(np.ones((2, 3)), positions)
