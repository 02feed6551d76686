import numpy as np
import pytest

from keras_gan.metrics import (
    MultiScaleSSIM,
    SlicedWasserstein,
    laplacian_pyramid,
    ms_ssim,
    random_patches,
    sliced_wasserstein,
)

RNG = np.random.RandomState(5)
IMAGES = RNG.randint(0, 256, (6, 32, 32, 3)).astype("uint8")
OTHERS = (IMAGES // 2).astype("uint8")


def swd(**arguments):
    return SlicedWasserstein(**{"patches": 16, "directions": 8, "repeats": 2, **arguments})


def test_pyramid_of_a_constant_and_of_a_sum():
    flat = laplacian_pyramid(np.full((1, 64, 64, 1), 7.0))
    assert [level.shape[1] for level in flat] == [64, 32, 16]
    np.testing.assert_allclose(flat[2], 7.0, rtol=1e-6)
    # Zero insertion in front of a mirror: constant up to the last rows and columns.
    np.testing.assert_allclose(flat[0][:, :-2, :-2], 0.0, atol=1e-5)
    parts = zip(laplacian_pyramid(IMAGES), laplacian_pyramid(OTHERS), strict=True)
    both = laplacian_pyramid(IMAGES.astype("float32") + OTHERS)
    for whole, pair in zip(both, parts, strict=True):
        np.testing.assert_allclose(whole, sum(pair), atol=1e-3)
    with pytest.raises(ValueError, match="16 pixels or more"):
        laplacian_pyramid(IMAGES[:, :8])
    with pytest.raises(ValueError, match="halved down"):
        laplacian_pyramid(np.zeros((1, 66, 66, 1)))


def test_patches_are_parts_of_their_image():
    marked = np.arange(2 * 20 * 24).reshape(2, 20, 24, 1)
    patches = random_patches(marked, 5, np.random.RandomState(0))
    assert patches.shape == (10, 1, 7, 7)
    # Columns first, of an image of 24 columns; five of each image.
    assert (np.diff(patches, axis=2) == 24**0).all() and (np.diff(patches, axis=3) == 24).all()
    assert ((patches[:5] < 480).all(), (patches[5:] >= 480).all()) == (True, True)


def test_distance_ignores_brightness_and_contrast():
    patches = random_patches(IMAGES, 20, np.random.RandomState(0)).astype("float32")
    for other in (patches, patches[::-1], 3 * patches + 10):
        assert sliced_wasserstein(patches, other, np.random.RandomState(0)) < 1e-5
    noise = np.random.RandomState(1).randn(*patches.shape) ** 3
    assert sliced_wasserstein(patches, noise, np.random.RandomState(0)) > 0.05
    with pytest.raises(ValueError, match="as many patches"):
        sliced_wasserstein(patches, patches[:3], np.random.RandomState(0))
    with pytest.raises(ValueError, match="one value"):
        sliced_wasserstein(patches, 0 * patches, np.random.RandomState(0))


def test_metric_of_sets():
    metric = swd()
    metric.update_state(real=IMAGES)
    metric.update_state(fake=OTHERS[:2])
    metric.update_state(fake=OTHERS[2:])
    found = metric.result()
    assert set(found) == {"swd_32", "swd_16", "swd"}
    assert found["swd"] == pytest.approx((found["swd_32"] + found["swd_16"]) / 2)
    assert metric.result() == found
    other_order = swd()
    other_order.update_state(fake=OTHERS[:2])
    other_order.update_state(fake=OTHERS[2:])
    other_order.update_state(real=IMAGES)
    assert other_order.result() == found
    other = swd(seed=100)
    other.update_state(OTHERS, OTHERS)
    metric.merge_state([other])
    assert metric.real.count == metric.fake.count == 12 and metric.result()["swd"] > 0


def test_gray_images_are_three_equal_channels():
    found = []
    for images in (IMAGES[..., :1], np.repeat(IMAGES[..., :1], 3, axis=-1)):
        metric = swd()
        metric.update_state(images, images[::-1])
        found.append(metric.result())
    assert found[0] == found[1]


@pytest.mark.parametrize("metric", [swd, MultiScaleSSIM])
def test_bad_images(metric):
    metric = metric()
    with pytest.raises(ValueError, match="to_uint8"):
        metric.update_state(fake=IMAGES / 127.5 - 1)
    with pytest.raises(ValueError, match="1 or 3 channels"):
        metric.update_state(fake=IMAGES[..., :2])
    metric.update_state(fake=IMAGES[:1])
    with pytest.raises(ValueError, match="one size"):
        metric.update_state(fake=np.zeros((1, 64, 64, 3), "uint8"))


def test_sets_of_other_counts_or_sizes():
    metric = swd()
    metric.update_state(IMAGES, IMAGES[:2])
    with pytest.raises(ValueError, match="Received: 6 and 2"):
        metric.result()
    metric.reset_state()
    metric.update_state(IMAGES, IMAGES[:, :16, :16])
    with pytest.raises(ValueError, match="have one size"):
        metric.result()
    with pytest.raises(ValueError, match="`patches`"):
        swd(patches=0)


def test_similarity():
    assert ms_ssim(IMAGES, IMAGES) == pytest.approx(1.0)
    near = np.clip(IMAGES.astype(int) + 10, 0, 255).astype("uint8")
    shuffled = IMAGES[::-1]
    assert (ms_ssim(IMAGES, near) > ms_ssim(IMAGES, shuffled)).all()
    np.testing.assert_allclose(ms_ssim(IMAGES, near), ms_ssim(near, IMAGES))
    with pytest.raises(ValueError, match="one shape"):
        ms_ssim(IMAGES, IMAGES[:1])
    with pytest.raises(ValueError, match="multiples of 32"):
        ms_ssim(IMAGES[:, :16], IMAGES[:, :16])


@pytest.mark.parametrize("places", [[], [1], [3, 4], [1, 2, 3, 4, 5]])
def test_pairs_do_not_depend_on_batches(places):
    metric = MultiScaleSSIM()
    for part in np.split(IMAGES, places):
        metric.update_state(fake=part)
    expected = ms_ssim(IMAGES[::2], IMAGES[1::2]).mean()
    assert metric.result() == {"ms_ssim": pytest.approx(expected)}
    # The images without a partner become a pair.
    halves = [MultiScaleSSIM(), MultiScaleSSIM()]
    halves[0].update_state(IMAGES, IMAGES[:3])
    halves[1].update_state(fake=IMAGES[3:])
    halves[0].merge_state(halves[1:])
    assert (halves[0].fake.count, halves[0].fake.pairs) == (6, 3)
    assert halves[0].result()["ms_ssim_real"] == pytest.approx(expected)
