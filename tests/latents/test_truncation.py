import numpy as np
import pytest

from keras_gan import latents

WS = np.random.RandomState(0).randn(2, 6, 4).astype("float32")
CENTER = np.arange(4.0)


def test_towards_the_center():
    found = latents.truncate(WS, CENTER, np.float32(0.5), cutoff=2)
    np.testing.assert_allclose(found[:, :2], (WS[:, :2] + CENTER) / 2, rtol=1e-5)
    np.testing.assert_array_equal(found[:, 2:], WS[:, 2:])
    found = latents.truncate(WS[:, 0], CENTER, 0.5)
    np.testing.assert_allclose(found, (WS[:, 0] + CENTER) / 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((WS, CENTER, "a"), "`truncation`"),
        ((WS, CENTER, 0.5, -1), "`truncation_cutoff`"),
        ((WS, CENTER[:1], 0.5), "Received: ws of shape .2, 6, 4., center of shape .1,."),
        ((WS, 0.0, 0.5), "towards a vector"),
        ((WS[:, 0], CENTER, 0.5, 2), "towards a vector"),
        ((WS, np.nan * CENTER, 0.5), "`center` has"),
        ((WS * np.inf, CENTER, 0.5), "`ws` has"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        latents.truncate(*arguments)
