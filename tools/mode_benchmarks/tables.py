"""The runs as a table, beside the published one."""

import math

import numpy as np


def table(head, ours, published):
    """A Markdown table.

    Args:
        head: list of str, the columns after the first two.
        ours: list of (name, steps, list of rows of numbers, one per seed).
        published: list of (name, pair (mean, standard error) for each column).

    Returns:
        str.
    """
    rows = [["", "steps", "seeds", *head], ["---"] * (len(head) + 3)]
    for name, steps, runs in ours:
        cells = [summary(column) for column in zip(*runs, strict=True)]
        rows.append([name, f"{steps:,}", str(len(runs)), *cells])
    for name, *pairs in published:
        cells = ["" if pair is None else with_error(*pair) for pair in pairs]
        rows.append([f"*{name}, published*", "", "", *cells])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def summary(values):
    """Mean and standard error, as the papers print them."""
    values = np.asarray(values, "float64")
    error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else None
    return with_error(values.mean(), error)


def with_error(mean, error):
    """`mean ± error`, the error with two digits at most."""
    digits = 2 if abs(mean) < 5 else 1
    return f"{mean:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")
