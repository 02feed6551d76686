"""Two distributions on the line in any of three forms, as masses at common places."""

import itertools

import numpy as np

# Gauss' rule of this order on each panel, so many panels between two bounds.
_ORDER, _PANELS = 8, 512


def masses(p, q, x=None, bounds=None):
    """Probability masses of two distributions, and where they lie.

    The ratio of two densities at a node of a quadrature rule is that of the masses there, so a
    functional of ratios is a sum over masses in every form.

    Args:
        p: see `keras_gan.theory.js_divergence`.
        q: the same.
        x: the same.
        bounds: the same.

    Returns:
        `(places, p, q)`: the places are `None` for probabilities.

    Raises:
        ValueError: if the arguments are of none of the forms, or are no distributions.
    """
    if callable(p) and callable(q) and bounds is not None and x is None:
        x, weights = quadrature(bounds)
        p, q = (np.asarray(density(x), "float64") * np.ones_like(x) for density in (p, q))
        where = f"between bounds={tuple(bounds)}"
    elif callable(p) or callable(q) or bounds is not None:
        raise ValueError(
            "Distributions are two arrays of probabilities, two arrays of densities on the grid "
            "`x`, or two functions with `bounds`. Received: "
            f"p of type {type(p).__name__}, q of type {type(q).__name__}, "
            f"x={'None' if x is None else 'given'}, bounds={bounds}"
        )
    elif x is not None:
        x = increasing("x", x)
        gaps = np.diff(x)
        weights = 0.5 * (np.append(gaps, 0.0) + np.append(0.0, gaps))
        where = f"on the grid from {x[0]:g} to {x[-1]:g}"
    else:
        weights, where = None, None
    p, q = (np.asarray(density, "float64") for density in (p, q))
    if p.shape != q.shape or (x is not None and p.shape != x.shape):
        raise ValueError(
            f"`p` and `q`{' and `x`' if x is not None else ''} have the same shape. Received: "
            f"{p.shape} and {q.shape}{f' and {x.shape}' if x is not None else ''}"
        )
    return x, _normalized("p", p, weights, where), _normalized("q", q, weights, where)


def quadrature(bounds):
    """Nodes and weights that integrate functions which are smooth between the bounds."""
    bounds = increasing("bounds", bounds)
    edges = panels(bounds)
    nodes, weights = np.polynomial.legendre.leggauss(_ORDER)
    halves = np.diff(edges)[:, None] / 2
    centres = (edges[:-1, None] + edges[1:, None]) / 2
    return (centres + halves * nodes).ravel(), (halves * weights).ravel()


def panels(bounds):
    """The edges of the panels of `quadrature`."""
    pieces = [
        np.linspace(low, high, _PANELS, endpoint=False) for low, high in itertools.pairwise(bounds)
    ]
    return np.append(np.concatenate(pieces), bounds[-1])


def increasing(name, values):
    """`values` as an array of at least two finite numbers in increasing order."""
    values = np.asarray(values, "float64")
    valid = values.ndim == 1 and len(values) > 1 and np.isfinite(values).all()
    if not valid or (np.diff(values) <= 0).any():
        raise ValueError(
            f"`{name}` holds at least two finite numbers in increasing order. Received: {values}"
        )
    return values


def _normalized(name, values, weights, where):
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError(
            f"`{name}` holds finite numbers >= 0. Received: values from {values.min()} to "
            f"{values.max()}"
        )
    result = values if weights is None else values * weights
    total = result.sum()
    if weights is None and abs(total - 1) > 1e-4:
        raise ValueError(
            f"Probabilities sum to 1. Received: {name} with the sum {total:g}. Divide it by that, "
            "or pass the grid `x` of a density."
        )
    if abs(total - 1) > 1e-2:
        raise ValueError(
            f"A density integrates to 1. Received: {name}, whose integral {where} is {total:g}. "
            "Widen it, refine the grid, or make a jump of the density one of the `bounds`."
        )
    return result / total
