"""The family `gan`: the game's facts, its losses, and its networks of dense layers."""

from parity import dance, losses, mlp, theory
from parity.case import Unsupported

# The first tensor of each kind of networks.
_NETWORKS = {"G.model.0.weight", "G.h0.W"}
# What computes the other cases, by the beginning of the case's name.
_CASES = {"dance": dance.run, "losses": losses.run, "theory": theory.facts}


def run(case):
    """The case's outputs as this library computes them."""
    if _NETWORKS & set(case.params):
        return mlp.run(case)
    name = case.name.split("/")[-1]
    for kind, function in _CASES.items():
        if name.startswith(kind):
            return function(case)
    raise Unsupported(f"no runner for '{name}'")
