"""Metrics of generated samples, one case for each."""

from parity import evaluation, features, modes, statistics
from parity.case import Unsupported

_CASES = {
    "clean_resize": features.clean_resize,
    "e2e": evaluation.e2e,
    "equivariance": statistics.equivariance,
    "features": statistics.features,
    "fid_infinity": statistics.fid_infinity,
    "inception_float_input": features.inception_float_input,
    "inception_v3": features.inception_v3,
    "lpips_vgg16": features.lpips_vgg16,
    "ms_ssim": statistics.ms_ssim,
    "ppl_units": features.ppl_units,
    "stacked_mnist": modes.stacked,
    "streaming": statistics.streaming,
    "swd": statistics.swd,
    "tf1_resize": features.tf1_resize,
    "toy": modes.toy,
    "uint8_conversion": features.uint8_conversion,
    "vgg16_fc2": features.vgg16_fc2,
}


def run(case):
    """The case's outputs as this library computes them."""
    name = case.name.split("/")[-1]
    # Variants of a case are called after it.
    fitting = [known for known in _CASES if name.startswith(known)]
    if not fitting:
        raise Unsupported(f"the metric '{name}'")
    return _CASES[max(fitting, key=len)](case)
