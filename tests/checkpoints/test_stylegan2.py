"""StyleGAN2's networks from state dicts as its authors name and arrange the tensors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_gan import StyleGAN2
from keras_gan.checkpoints import LAYOUTS, load_checkpoint, stylegan2

OPTIONS = {
    "latent_dim": 3,
    "style_dim": 5,
    "mapping_layers": 2,
    "channel_base": 64,
    "channel_max": 6,
    "projection_layers": 1,
}


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


def state_of(gan):
    """The tensors of a checkpoint, and the constants that one also holds."""
    state = {}
    for role, prefix in (("generator", "G."), ("discriminator", "D.")):
        rows = LAYOUTS["stylegan2_ada_pytorch"].network(role).rows(getattr(gan, role))
        state.update((prefix + row.source, row.to_source(numpy(row.weight))) for row in rows)
    state["G.synthesis.b8.conv0.resample_filter"] = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
    return state


def without_prefix(state):
    return {
        role: {name[2:]: t.astype("float32") for name, t in state.items() if name[0] == prefix}
        for role, prefix in (("generator", "G"), ("discriminator", "D"))
    }


CASES = {
    "plain": {"image_shape": (16, 16, 3)},
    "conditional": {"num_classes": 4, "embedding_dim": 2, "hidden_dim": 7, "projection_dim": 3},
    "resnet and skip": {
        "generator_architecture": "resnet",
        "discriminator_architecture": "skip",
        "image_shape": (16, 16, 1),
    },
    "orig": {"generator_architecture": "orig", "discriminator_architecture": "orig"},
    "without noise and deviations": {"use_noise": False, "num_deviations": 0},
    "narrow": {"channel_base": 20, "mapping_layers": 1, "image_shape": (16, 16, 4)},
    "another discriminator": {"discriminator_channel_base": 40, "discriminator_channel_max": 5},
    "other sides": {"image_shape": (20, 12, 2), "num_deviations": 2},
    "labels without layers": {"num_classes": 4, "projection_layers": 0},
    "labels of other sizes": {
        "num_classes": 4,
        "projection_layers": 2,
        "projection_embedding_dim": 2,
        "projection_hidden_dim": 7,
    },
    "latents without layers": {"num_classes": 4, "mapping_layers": 0, "embedding_dim": 2},
}


@pytest.mark.parametrize("name", CASES)
def test_round_trip(name, helpers):
    options = {**OPTIONS, "image_shape": (8, 8, 3), **CASES[name]}
    gan = StyleGAN2(**options)
    helpers.draw_weights(gan.generator, 0)
    helpers.draw_weights(gan.discriminator, 1)
    networks = without_prefix(state_of(gan))
    again = load_checkpoint(networks)
    found, expected = again.get_config(), gan.get_config()
    # These say the same of the networks' shapes in more than one way.
    for told in ("channel_base", "channel_max", "embedding_dim", "hidden_dim", "projection_dim"):
        found.pop(told), expected.pop(told)
    for unknown in ("name", "seed"):
        found.pop(unknown), expected.pop(unknown)
    if "num_classes" not in options:
        found.pop("projection_layers"), expected.pop("projection_layers")
    assert found == {**expected, "image_shape": list(expected["image_shape"])}
    for ours, theirs in zip(
        [*again.generator.weights, *again.discriminator.weights],
        [*gan.generator.weights, *gan.discriminator.weights],
        strict=True,
    ):
        np.testing.assert_array_equal(numpy(ours), numpy(theirs), err_msg=theirs.path)
    averaged = [numpy(w) for w in again.ema_generator.weights]
    for ours, theirs in zip(averaged, gan.generator.weights, strict=True):
        np.testing.assert_array_equal(ours, numpy(theirs))


def test_orientations(helpers):
    """What a torch tensor means: dense kernels are transposed, pixels flattened behind channels."""
    gan = StyleGAN2((8, 8, 3), **OPTIONS)
    helpers.draw_weights(gan.generator, 0)
    helpers.draw_weights(gan.discriminator, 1)
    state = state_of(gan)
    conv0 = gan.generator.synthesis.blocks[1].conv0
    np.testing.assert_array_equal(
        state["G.synthesis.b8.conv0.weight"], numpy(conv0.kernel).transpose(2, 3, 0, 1)
    )
    conv1 = gan.generator.synthesis.blocks[1].conv1
    np.testing.assert_array_equal(
        state["G.synthesis.b8.conv1.weight"], numpy(conv1.kernel).transpose(3, 2, 0, 1)
    )
    maps = np.random.RandomState(2).standard_normal((2, 4, 4, 6)).astype("float32")
    dense = gan.discriminator.epilogue.dense
    ours = maps.reshape(2, -1) @ numpy(dense.kernel)
    theirs = maps.transpose(0, 3, 1, 2).reshape(2, -1) @ state["D.b4.fc.weight"].T
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda g, d: g.pop("synthesis.b8.conv0.bias"), "synthesis.b8.conv0.bias"),
        (lambda g, d: d.pop("b4.fc.weight"), "b4.fc.weight"),
        (lambda g, d: g.update(extra=np.zeros(1)), "extra"),
        (lambda g, d: g.update({"mapping.w_avg": np.zeros(4)}), "mapping.w_avg"),
        (
            lambda g, d: g.update({"synthesis.b8.conv0.weight": np.zeros((5, 6, 3, 3))}),
            "synthesis.b8.conv0.weight",
        ),
        (lambda g, d: g.update({"synthesis.b32.conv1.weight": np.zeros((1, 1, 3, 3))}), "blocks"),
    ],
)
def test_refusals(change, message):
    networks = without_prefix(state_of(StyleGAN2((8, 8, 3), **OPTIONS)))
    change(networks["generator"], networks["discriminator"])
    with pytest.raises(ValueError, match=message):
        load_checkpoint(networks)


@settings(max_examples=50, deadline=None)
@given(base=st.integers(64, 4000), largest=st.integers(1, 64), steps=st.integers(2, 5))
def test_channels_tell_their_limits(base, largest, steps):
    widths = [min(base // (4 * 2**i), largest) for i in range(steps)]
    config = stylegan2._width_config(widths)
    assert config["channel_max"] == max(widths)
    found = [min(config["channel_base"] // (4 * 2**i), max(widths)) for i in range(steps)]
    assert found == widths


def test_channels_that_no_limits_give():
    with pytest.raises(ValueError, match="The channels of StyleGAN2's maps are"):
        stylegan2._width_config([4, 6, 4])
