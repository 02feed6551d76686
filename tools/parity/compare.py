"""Compare what was computed with what a case stores, within the tolerance that it states."""

from typing import NamedTuple

import numpy as np

from parity.case import Unsupported

# Where a case states no tolerance.
_FORWARD = 1e-4  # of the output's scale
_LOSS = 1e-5  # relative
_GRADIENT = 1e-3  # of the norm

# How a case's groups of tolerances are called, by the beginning of an output's name.
_GROUPS = {
    "grad_norm": "grad_norm",
    "grad_sample": "grad_sample",
    "delta_norm": "delta_norm",
    "delta_sample": "delta_sample",
    "final": "final_buffers",
    "clipped_fraction": "clipped_fraction",
}


class Error(NamedTuple):
    """How far an output is off.

    Attributes:
        name: str, of the output.
        seen: float, the largest deviation, or the share of elements that are off.
        allowed: float, what it may be there.
    """

    name: str
    seen: float
    allowed: float

    @property
    def ratio(self):
        """`seen / allowed`: the output passes up to 1; NaN counts as infinite."""
        if self.seen == 0:
            return 0.0
        ratio = self.seen / self.allowed if self.allowed else np.inf
        return np.inf if np.isnan(ratio) else ratio


def compare(case, computed):
    """The errors of all outputs, the worst first.

    Args:
        case: `Case`.
        computed: dict of arrays with all of the case's outputs by name.

    Returns:
        List of `Error`.

    Raises:
        Unsupported: if an output that the case stores was not computed.
    """
    unknown = sorted(set(case.outputs) - set(computed))
    if unknown:
        raise Unsupported(f"no way to compute the output(s) {', '.join(unknown[:5])}")
    errors, sampled = [], []
    for name, stored in case.outputs.items():
        value = np.asarray(computed[name], "float64")
        stored = np.asarray(stored, "float64")
        if value.shape != stored.shape:
            raise ValueError(f"{name} has the shape {value.shape}, expected {stored.shape}")
        tolerance = _tolerance(case.tolerance, name)
        if "fraction" in tolerance:
            # A share of the elements of all outputs of the group together.
            sampled.append((tolerance, np.abs(value - stored).ravel()))
        else:
            errors.append(_error(name, value, stored, tolerance))
    if sampled:
        tolerance, deviations = sampled[0][0], np.concatenate([d for _, d in sampled])
        off = float(np.mean(~(deviations <= tolerance["atol"])))
        errors.append(Error("delta_sample (share off)", off, 1 - tolerance["fraction"]))
    return sorted(errors, key=lambda error: error.ratio, reverse=True)


def _tolerance(stated, name):
    kind = name.split("/")[0]
    if "rtol" in stated or "atol" in stated:
        return stated
    own = _GROUPS.get(kind.removesuffix("_d").removesuffix("_g"))
    if "rel" in stated:
        return {"rtol_of_max": stated.get("rel_by_output", {}).get(name, stated["rel"])}
    for group in (name, own, "per_step_values", "values"):
        if isinstance(stated.get(group), dict):
            return stated[group]
    if "loss" in kind:
        return {"rtol": _LOSS}
    return {"rtol_of_max": _GRADIENT if "grad" in kind else _FORWARD}


def _error(name, value, stored, tolerance):
    deviation = np.abs(value - stored)
    scale = np.abs(stored)
    allowed = tolerance.get("atol", 0.0) + tolerance.get("rtol", 0.0) * scale
    allowed = allowed + tolerance.get("rtol_of_max", 0.0) * scale.max(initial=0.0)
    ratios = [Error(name, *pair) for pair in zip(deviation.flat, allowed.flat, strict=True)]
    return max(ratios, key=lambda error: error.ratio, default=Error(name, 0.0, 0.0))
