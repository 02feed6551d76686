import math

import numpy as np
import pytest
from keras import ops

from keras_gan.metrics import RotationEquivariance, TranslationEquivariance
from keras_gan.metrics.equivariance import (
    fractional_translation,
    integer_translation,
    pseudo_rotation,
    psnr,
    rotation,
    rotation_matrix,
)

IMAGES = np.random.RandomState(6).randn(2, 32, 32, 3).astype("float32")
WAVES = np.random.RandomState(7).randn(8, 3)


def waves(matrix, size=32):
    """A signal of low frequencies seen through the inverse of a transformation."""
    places = (np.arange(size) + 0.5) / size - 0.5
    y, x = np.meshgrid(places, places, indexing="ij")
    x, y = (row[0] * x + row[1] * y + row[2] for row in np.asarray(matrix)[:2])
    image = sum(0.1 * np.sin(9 * (a * x + b * y) + c) for a, b, c in WAVES)
    return ops.convert_to_tensor(image[None, :, :, None].astype("float32"))


def test_whole_pixels():
    moved, mask = integer_translation(IMAGES, 3 / 32, -2 / 32)
    moved = ops.convert_to_numpy(moved)
    np.testing.assert_array_equal(moved[:, :-2, 3:], IMAGES[:, 2:, :-3])
    assert mask.sum() == 30 * 29 and not moved[:, mask == 0].any()
    far, mask = integer_translation(IMAGES, 2.0, 0.0)
    assert not ops.convert_to_numpy(far).any() and not mask.any()
    same, mask = fractional_translation(IMAGES, 3 / 32, -2 / 32)
    np.testing.assert_allclose(ops.convert_to_numpy(same)[:, :-2, 3:], moved[:, :-2, 3:], atol=1e-5)


def test_no_rotation():
    for operator in (rotation, pseudo_rotation):
        images, mask = operator(waves(np.eye(3)), 0.0)
        inside = ops.convert_to_numpy(images)[0, mask == 1]
        expected = ops.convert_to_numpy(waves(np.eye(3)))[0, mask == 1]
        np.testing.assert_allclose(inside, expected, atol=1e-2)
        assert 50 < mask.sum() < 1024


@pytest.mark.parametrize(
    "metric, least",
    [
        (TranslationEquivariance(), 100),
        (TranslationEquivariance(fractional=True), 40),
        (RotationEquivariance(), 40),
    ],
)
def test_signals_that_move_with_their_input(metric, least):
    for _ in range(2):
        metric.update_state(waves)
    value = metric.result()
    assert value > least
    # The inverse of what was asked for does not move along; an image that stays does not, either.
    for wrong in (lambda matrix: waves(np.linalg.inv(matrix)), lambda matrix: waves(np.eye(3))):
        other = type(metric).from_config(metric.get_config())
        other.update_state(wrong)
        assert other.result() < value - 10
    error = metric.error
    metric.merge_state([other])
    assert metric.error > error
    metric.reset_state()
    metric.update_state(waves)
    assert metric.result() > least


def test_ratio():
    assert psnr(4.0, 100) == pytest.approx(20.0)
    assert psnr(0.0, 3) == math.inf
    with pytest.raises(ValueError, match="No pixel"):
        RotationEquivariance().result()


def test_matrix():
    np.testing.assert_allclose(
        rotation_matrix(math.pi / 2), [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], atol=1e-15
    )


def test_bad_input():
    with pytest.raises(ValueError, match=r"\(N, S, S, C\)"):
        rotation(IMAGES[:, :16], 0.1)
    with pytest.raises(ValueError, match=r"\(N, H, W, C\)"):
        integer_translation(IMAGES[0], 0.1, 0.1)
    with pytest.raises(ValueError, match="`angle` must be a finite"):
        pseudo_rotation(IMAGES, math.inf)
    with pytest.raises(ValueError, match="`generate` is a callable"):
        TranslationEquivariance().update_state(IMAGES)
    with pytest.raises(ValueError, match="diverged"):
        TranslationEquivariance().update_state(lambda matrix: waves(matrix) * math.nan)
    with pytest.raises(ValueError, match="Metrics of one class"):
        RotationEquivariance().merge_state([TranslationEquivariance()])
