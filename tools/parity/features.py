"""Feature networks and what is done to images before them, and the geometry of path lengths."""

import re

import numpy as np

from keras_gan import backend, checkpoints, metrics
from keras_gan.metrics import path_length
from parity.case import Unsupported
from parity.training import to_numpy

_CHANNELS_LAST, _CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def images_of(case, name):
    """The uint8 images `(N, H, W, C)` of a set: coarse blocks and fine noise."""
    inputs = case.inputs
    coarse, fine = inputs[f"{name}_coarse"], inputs[f"{name}_fine"]
    return np.clip(_enlarged(coarse, fine) + fine, 0, 255).astype("uint8").transpose(_CHANNELS_LAST)


def _enlarged(coarse, fine):
    for axis in (2, 3):
        coarse = coarse.repeat(fine.shape[axis] // coarse.shape[axis], axis)
    return coarse


def inception_v3(case):
    """All outputs of all sets of images."""
    network = checkpoints.load_network(case.params, "inception_v3_pytorch_fid").network
    extractor = metrics.FeatureExtractor(network, "inception", _outputs(case))
    return {
        f"{name}.{output}": rows
        for name in case.config["sets"]
        for output, rows in extractor(images_of(case, name)).items()
    }


def inception_float_input(case):
    """Rounded and unrounded images."""
    coarse, fine = case.inputs["coarse"], case.inputs["fine"]
    images = np.clip(_enlarged(coarse, fine) + fine, -1, 1).transpose(_CHANNELS_LAST)
    network = checkpoints.load_network(case.params, "inception_v3_pytorch_fid").network
    found = {}
    for path, quantization in (("uint8", "half_up"), ("float", None)):
        extractor = metrics.FeatureExtractor(
            network, "inception", _outputs(case), quantization=quantization
        )
        for output, rows in extractor(images, value_range=(-1, 1)).items():
            found[f"{path}.{output}"] = rows
    return found


def _outputs(case):
    """The network's outputs that the case has, behind the names of its sets of images."""
    return sorted({name.partition(".")[2] for name in case.outputs})


def vgg16_fc2(case):
    """Both outputs of all sets of images."""
    network = checkpoints.load_network(case.params, "vgg16_torchvision").network
    extractor = metrics.FeatureExtractor(network, "vgg16", _outputs(case))
    return {
        f"{name}.{output}": rows
        for name in case.config["sets"]
        for output, rows in extractor(images_of(case, name)).items()
    }


def lpips_vgg16(case):
    """Distances with and without resizing, and what each slice contributes."""
    network = checkpoints.load_network(case.params, "lpips_vgg16")
    found = {}
    for name in case.config["sets"]:
        first = images_of(case, name)
        delta = case.inputs[f"{name}_delta"].transpose(_CHANNELS_LAST)
        second = np.clip(first + delta, 0, 255).astype("uint8")
        for output in case.outputs:
            wanted = re.fullmatch(rf"{name}\.lpips_resize_(None|\d+)", output)
            if wanted:
                sized = network
                if wanted[1] != "None":
                    sized = metrics.LPIPSNetwork(int(wanted[1]))
                    sized.set_weights(network.get_weights())
                found[output] = metrics.LPIPS(sized)(first, second)
        found[f"{name}.per_layer"] = backend.predict(network, [first, second], len(first))
    return found


def tf1_resize(case):
    """Parts and moments of images resized as TensorFlow 1 does."""
    if case.config.get("antialias") or "TF1" not in case.config["method"]:
        raise Unsupported(f"method={case.config['method']!r}")
    stride = case.config["stride"]
    found = {}
    for name, images in case.inputs.items():
        x = _resized(images, case.config["size"], "tf1")
        height, width = x.shape[2:]
        middle = (slice(height // 2 - 8, height // 2 + 8), slice(width // 2 - 8, width // 2 + 8))
        found[f"{name}.strided"] = x[:, :, ::stride, ::stride]
        found[f"{name}.crop_tl"] = x[:, :, :16, :16]
        found[f"{name}.crop_br"] = x[:, :, -16:, -16:]
        found[f"{name}.crop_mid"] = x[(slice(None), slice(None), *middle)]
        found[f"{name}.mean"] = x.mean(axis=(2, 3), dtype="float64")
        found[f"{name}.std"] = x.std(axis=(2, 3), dtype="float64")
    return found


def clean_resize(case):
    """Parts and means of images resized by the rules of clean-fid."""
    found = {}
    for name, images in case.inputs.items():
        for key, rule in (("clean", "clean"), ("legacy_pytorch", "pytorch")):
            x = _resized(images, case.config["size"], rule)[0]
            found[f"{name}.{key}.strided"] = x[:, ::13, ::13]
            found[f"{name}.{key}.crop"] = x[:, :16, :16]
            found[f"{name}.{key}.mean"] = x.mean(axis=(1, 2), dtype="float64")
    return found


def _resized(images, size, rule):
    pixels = images.astype("uint8").transpose(_CHANNELS_LAST)
    return to_numpy(metrics.resize(pixels, size, rule)).transpose(_CHANNELS_FIRST)


def uint8_conversion(case):
    """Floats as grey levels, by all rules."""
    x = np.clip(case.inputs["x"] * np.float32(case.config["scale"]), -1, 1)
    images = x.transpose(_CHANNELS_LAST)
    rules = {"stylegan": "half_up", "round_half_even": "half_even", "trunc": "truncate"}
    found = {
        name: metrics.to_pixels(images, (-1, 1), rule).transpose(_CHANNELS_FIRST)
        for name, rule in rules.items()
    }
    gray = metrics.to_pixels(images[..., :1], (-1, 1))
    found["grey_to_rgb"] = np.repeat(gray, 3, axis=3).transpose(_CHANNELS_FIRST)
    return found


def ppl_units(case):
    """Interpolations, the mean without outliers, and the crop around a face."""
    a, b, t = (case.inputs[name] for name in ("a", "b", "t"))
    low, high = case.config["percentiles"]
    length = path_length.trimmed_mean(case.inputs["dist"], low, high)
    images = case.inputs["img"].transpose(_CHANNELS_LAST)
    images = path_length.box_mean(path_length.crop_face(images), case.config["factor"])
    return {
        "slerp_stylegan": metrics.slerp(a, b, t),
        "slerp_unit": metrics.slerp_unit(a, b, t),
        "slerp_any": metrics.slerp_any(a, b, t),
        "lerp": metrics.lerp(a, b, t),
        "ppl": np.array([length.mean, length.std, length.low, length.high, length.kept]),
        "crop_box": ((images + 1) * 127.5).transpose(_CHANNELS_FIRST),
    }
