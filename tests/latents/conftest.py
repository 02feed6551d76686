import keras
import numpy as np
import pytest

import keras_gan


@pytest.fixture(scope="package")
def make_gan():
    """A function that makes tiny models with styles whose noise and mean style are not zero."""

    def make(channels=3, **arguments):
        gan = keras_gan.StyleGAN2(
            (16, 16, channels),
            latent_dim=5,
            style_dim=8,
            mapping_layers=2,
            channel_base=128,
            channel_max=8,
            **arguments,
        )
        random = np.random.RandomState(0)
        for weight in gan.ema_generator.weights:
            values = random.randn(*weight.shape)
            if weight.name == "noise_strength":
                values = 0.3
            elif weight.name == "bias":
                values = keras.ops.convert_to_numpy(weight) + 0.1 * values
            elif weight.path.split("/")[-2].startswith("fc"):
                values *= 100
            weight.assign(values)
        return gan

    return make


@pytest.fixture(scope="package")
def gan(make_gan):
    return make_gan()
