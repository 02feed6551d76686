"""The first GAN: one function for each kind of case."""

from parity import dance, losses, theory
from parity.case import Unsupported

# What computes a case's outputs, by the beginning of the case's name.
CASES = {"dance": dance.run, "losses": losses.run, "theory": theory.facts}


def run(case):
    """The case's outputs as this library computes them."""
    name = case.name.split("/")[1]
    for kind, function in CASES.items():
        if name.startswith(kind):
            return function(case)
    raise Unsupported(f"no runner for '{name}' of the first GAN")
