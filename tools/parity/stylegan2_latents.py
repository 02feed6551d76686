"""StyleGAN2: projection of an image, and path lengths, by features that stand in for VGG16."""

from unittest import mock

import numpy as np
from keras import ops

from keras_gan import latents, metrics
from keras_gan.latents import projection
from parity.case import Unsupported
from parity.stylegan2_model import load
from parity.training import channels_last, to_numpy

_CELLS = 8
_STAND_IN = ("stand-in", "8x8 grid", "tanh", "C,H,W")
_SAME = "as in the projector cases"


def _projector(case):
    config, inputs = case.config, case.inputs
    _check_features(config)
    gan = load(case, generator=config["init"])
    known = {"kind", "init", "num_steps", "w_avg_samples", "noise_order", "features", "note"}
    if set(config) - known:
        raise Unsupported(f"a projection with {sorted(set(config) - known)}")
    target = channels_last(inputs["target"][None])
    steps, names = config["num_steps"], config["noise_order"]
    draws = [inputs[f"noise_init/{name}"][None, :, :, None] for name in names]
    draws += [inputs[f"step{step}/w_noise"] for step in range(steps)]
    # A case's target is no picture: its values are not whole.
    with mock.patch.object(projection, "read_target", lambda *_: target[0]):
        projector = projection.Projector(
            gan,
            None,
            "w",
            steps,
            distance=_features,
            label=None,
            learning_rate=0.1,
            style_noise=0.05,
            noise_weight=1e5,
            samples=config["w_avg_samples"],
        )
    found = projector.run(_Given(draws))
    computed = {"w": found.path[:, 0]}
    for name, noise in zip(names, found.noise, strict=True):
        computed[f"noise_final/{name}"] = noise[0, :, :, 0]
    return computed


class _Given:
    """Draws of a case, in order."""

    def __init__(self, arrays):
        self._arrays = iter(arrays)

    def standard_normal(self, shape):
        array = next(self._arrays)
        if array.shape != tuple(shape):
            raise ValueError(f"The projection draws {tuple(shape)} numbers, not {array.shape}.")
        return array


def _path_lengths(case):
    config, inputs = case.config, case.inputs
    _check_features(config)
    labels = np.array(config.get("labels") or [], "int32")
    gan = load(case, generator=config["init"])
    z, count = inputs["z"], len(inputs["z"]) // 2
    t = inputs["t"][:, None].astype("float64")
    maps = [inputs[f"noise/{name}"][None, :, :, None] for name in config["noise_order"]]
    computed = {"slerp": metrics.slerp(z[:count], z[count:], t)}
    for settings in config["cases"]:
        settings = dict(settings)
        name, space = settings.pop("name"), settings.pop("space")
        length = metrics.PerceptualPathLength(
            _Distances(),
            space,
            interpolation="slerp" if space == "z" else "lerp",
            num_samples=count,
            **settings,
        )
        positions = t if settings["sampling"] == "full" else np.zeros_like(t)
        halves = iter([z[:count], z[count:]])
        with (
            mock.patch.object(gan, "latents_from_seeds", lambda _, halves=halves: next(halves)),
            mock.patch.object(latents, "labels_from_seeds", lambda *_: labels),
            mock.patch.object(length, "_noise", lambda *_: maps),
        ):
            pair = length._images(gan, [0] * count, [0] * count, _ends(positions, length.epsilon))
        computed[name] = length.lpips.distances(*pair) / length.epsilon**2
    return computed


def _ends(positions, epsilon):
    return positions, positions + epsilon


class _Distances:
    """The features as a distance of pixels."""

    protocol: dict = {}  # noqa: RUF012

    def distances(self, first, second):
        features = [to_numpy(_features(ops.convert_to_tensor(x))) for x in (first, second)]
        return np.sum(np.square(features[0] - features[1], dtype="float64"), axis=1)


def _features(pixels):
    """Means over 8x8 cells, in C, H, W order."""
    height, width = pixels.shape[1:3]
    size = (height // _CELLS, width // _CELLS)
    means = ops.average_pool(
        (pixels - 127.5) / 127.5, size, strides=size, data_format="channels_last"
    )
    return ops.reshape(ops.tanh(ops.transpose(means, (0, 3, 1, 2))), (pixels.shape[0], -1))


def _check_features(config):
    stated = config["features"]
    if stated != _SAME and not all(part in stated for part in _STAND_IN):
        raise Unsupported(f"features={stated!r}")


KINDS = {"projector": _projector, "ppl": _path_lengths}
