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
    return with_error(values.mean(), error, small=3)


def with_error(mean, error, small=2):
    """`mean ± error`, with one decimal from 5 on, two below, and `small` of them below 0.1."""
    digits = 1 if abs(mean) >= 5 else 2 if abs(mean) >= 0.1 else small
    return f"{mean:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")
