"""StyleGAN2 and StyleGAN2-ADA."""

from parity import stylegan2_ada
from parity.case import Unsupported

# What computes a case's outputs, by its kind.
_KINDS = {**stylegan2_ada.KINDS}


def run(case):
    """The case's outputs as this library computes them."""
    kind = case.config["kind"]
    if kind not in _KINDS:
        raise Unsupported(f"the kind '{kind}'")
    return _KINDS[kind](case)
