"""Metrics of generated samples, one case for each."""

from parity import modes, statistics
from parity.case import Unsupported

_CASES = {
    "equivariance": statistics.equivariance,
    "features": statistics.features,
    "fid_infinity": statistics.fid_infinity,
    "ms_ssim": statistics.ms_ssim,
    "stacked_mnist": modes.stacked,
    "streaming": statistics.streaming,
    "swd": statistics.swd,
    "toy": modes.toy,
}


def run(case):
    """The case's outputs as this library computes them."""
    name = case.name.split("/")[-1]
    # Variants of a case are called after it.
    fitting = [known for known in _CASES if name.startswith(known)]
    if not fitting:
        raise Unsupported(f"the metric '{name}'")
    return _CASES[max(fitting, key=len)](case)
