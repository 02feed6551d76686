"""The augmentations of StyleGAN2-ADA, on given draws."""

import inspect
import re

import numpy as np
from keras import ops
from scipy import special

import keras_gan
from parity import training
from parity.case import Unsupported

_MAGNITUDES = set(inspect.signature(keras_gan.augmentation.ADA).parameters)


def filters(case):
    """The taps of the filters."""
    del case
    return {
        "Hz_geom": keras_gan.ops.low_pass(),
        "Hz_fbank": keras_gan.ops.band_filters(),
    }


def percentiles(case):
    """Transformations by the amount at a percentile of its distribution, for all images alike."""
    computed = {}
    for entry in case.config["cases"]:
        for percentile in entry["percentiles"]:
            given = {"noise_image": case.inputs["noise_image"]}
            computed[f"{entry['name']}/{percentile}"] = _transformed(
                entry["init"], 1.0, case.inputs["images"], _AtPercentile(percentile, given)
            )
    return computed


def random(case):
    """Transformations by given random numbers."""
    config, inputs = case.config, case.inputs
    drawn = {}
    for kind, name in config["draws"]:
        operation, part = name.split("/")
        if kind not in ("rand", "randn"):
            raise Unsupported(f"draws by {kind}")
        # Each band of frequencies has its own.
        operation = re.sub(r"^imgfilter\d$", "imgfilter", operation)
        if part == "image":
            drawn["noise_image"] = inputs[name]
        else:
            table = drawn.setdefault(operation, ([], []))
            table[part == "gate"].append(inputs[name].reshape(len(inputs[name]), -1))
    return {"images_out": _transformed(config["init"], config["p"], inputs["images"], drawn)}


KINDS = {"ada_filters": filters, "ada": percentiles, "ada_random": random}


class _AtPercentile:
    """The numbers that the reference's debugging mode has in the place of random ones."""

    def __init__(self, percentile, given):
        self._percentile = percentile
        self._given = given

    def __getitem__(self, name):
        if name in self._given:
            return self._given[name]
        # The reference leaves out the factor sqrt(2) of a normal distribution.
        normal = special.erfinv(2 * self._percentile - 1)
        number = {"noise": special.erfinv(self._percentile)}.get(name, normal)
        if name in ("xflip", "rotate90", "xint", "rotate_pre", "lumaflip", "hue", "cutout"):
            number = self._percentile
        # A gate of -1 is below any probability, 2 is above; the second rotation is left out.
        return [np.full((1, 4), number)], [np.full((1, 4), 2.0 if name == "rotate_post" else -1.0)]


def _transformed(init, probability, images, draws):
    """The images `(N, C, H, W)`, transformed by what `draws` has for each transformation."""
    options = {name: value for name, value in init.items() if name in _MAGNITUDES}
    strengths = {name: value for name, value in init.items() if name not in _MAGNITUDES}
    ada = keras_gan.augmentation.ADA(strengths, **options)
    images = training.channels_last(images)
    drawn = {}
    for name, tables in ada.draw(images.shape, keras_gan.random.SeedGenerator(0)).items():
        if name == "noise_image":
            drawn[name] = ops.convert_to_tensor(training.channels_last(draws[name]))
            continue
        parts = [np.concatenate(part, axis=1) for part in draws[name]]
        drawn[name] = tuple(
            ops.convert_to_tensor(np.broadcast_to(part[:, : own.shape[1]], own.shape), "float32")
            for part, own in zip(parts, tables, strict=True)
        )
    amounts = ada.amounts(drawn, probability)
    return training.channels_first(ada.transform(ops.convert_to_tensor(images), amounts))
