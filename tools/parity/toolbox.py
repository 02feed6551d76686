"""What makes GANs converge, one case for each tool."""

from parity import modes, theory, toolbox_layers, toolbox_objectives, unrolled
from parity.case import Unsupported

# What computes a case's outputs, by the beginning of the case's name.
_CASES = {
    "dirac_gan": theory.dirac,
    "unrolled": unrolled.run,
    **modes.CASES,
    **toolbox_layers.CASES,
    **toolbox_objectives.CASES,
}


def run(case):
    """The case's outputs as this library computes them."""
    name = case.name.split("/")[-1]
    # Variants of a case are called after it.
    fitting = [known for known in _CASES if name.startswith(known)]
    if not fitting:
        raise Unsupported(f"the tool '{name}'")
    return _CASES[max(fitting, key=len)](case)
