import numpy as np
import pytest

import keras_gan
from keras_gan import latents


def test_rows_and_columns(gan):
    mixture = latents.mix(gan, "3,4", [5, 6, 7], "0-1", truncation=0.7, batch_size=4)
    assert mixture.images.shape == (2, 3, 16, 16, 3) and mixture.images.dtype == np.uint8
    np.testing.assert_array_equal(mixture.rows, gan.generate(seeds=[3, 4], truncation=0.7))
    np.testing.assert_array_equal(mixture.columns, gan.generate(seeds=[5, 6, 7], truncation=0.7))
    ws = gan.styles_from_seeds([4, 6], truncation=0.7)
    ws[0, :2] = ws[1, :2]
    np.testing.assert_array_equal(mixture.images[1, 1], gan.generate_from_styles(ws[:1])[0])
    grid = mixture.grid()
    assert grid.shape == (3 * 16, 4 * 16, 3)
    assert not grid[:16, :16].any()
    np.testing.assert_array_equal(grid[16:32, :16], mixture.rows[0])
    np.testing.assert_array_equal(grid[:16, 48:], mixture.columns[2])
    np.testing.assert_array_equal(grid[32:, 32:48], mixture.images[1, 1])


def test_all_styles_and_none_of_them(gan):
    mixture = latents.mix(gan, [3], [5], range(6), noise="none")
    np.testing.assert_array_equal(mixture.images[0], mixture.columns)
    # The finest style only colours.
    mixture = latents.mix(gan, [3], [5], [5], noise="none")
    assert (mixture.images[0] != mixture.columns).any()
    assert (mixture.images[0] != mixture.rows).any()


def test_random_noise_is_that_of_the_row(gan):
    mixture = latents.mix(gan, [3, 4], [5], "0-5", noise="random", batch_size=2)
    ws = gan.styles_from_seeds([5])
    expected = gan.generate_from_styles(ws, noise="random", seeds=[4])
    np.testing.assert_array_equal(mixture.images[1], expected)


@pytest.fixture
def conditional(make_gan):
    return make_gan(num_classes=3)


def test_classes(conditional):
    mixture = latents.mix(conditional, [3], [5], "0-5", label=2)
    np.testing.assert_array_equal(mixture.rows, conditional.generate(seeds=[3], labels=2))
    with pytest.raises(ValueError, match="labels=2"):
        latents.mix(conditional, [3], [5], "0-5")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"styles": "0-6"}, "styles 0-5, from the coarsest"),
        ({"styles": "some"}, "styles 0-5"),
        ({"styles": [-1]}, "styles 0-5"),
        ({"rows": []}, "No seeds given"),
        ({"columns": "x"}, "numbers and ranges"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"noise": "loud"}, "`noise` is one of"),
        ({"truncation": float("nan")}, "`truncation`"),
        ({"label": 1}, "not conditional"),
    ],
)
def test_bad_input(gan, arguments, message):
    with pytest.raises(ValueError, match=message):
        latents.mix(gan, **{"rows": [1], "columns": [2], "styles": "0-1", **arguments})


def test_models_without_styles():
    dcgan = keras_gan.DCGAN(image_shape=(16, 16, 1), width=2)
    for tool in (
        lambda: latents.mix(dcgan, [1], [2]),
        lambda: latents.walk(dcgan, [1, 2]),
        lambda: latents.sefa(dcgan),
        lambda: latents.pca(dcgan),
        lambda: latents.project(dcgan, np.zeros((16, 16, 1), "uint8")),
    ):
        with pytest.raises(ValueError, match=r"DCGAN has no styles w\. Use"):
            tool()
