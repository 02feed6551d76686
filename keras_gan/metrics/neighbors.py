"""Nearest neighbours among features, block by block.

Two sets of 50,000 samples have 2.5e9 distances: blocks of `BLOCK_ROWS` rows on either side are
computed and dropped again, so that memory is that of the features and of a few blocks.
"""

import numpy as np

# Multiples of the products' rounding that a square of a distance must exceed to be one.
_ROUNDINGS = 32


def squared_distances(x, y, center):
    """Squares of the distances between rows, float32 `(N, M)`.

    Products of rows around a common centre leave less rounding behind. What is no larger than
    that is zero, so that duplicates are at no distance from each other.

    Args:
        x: float32 array `(N, D)`.
        y: float32 array `(M, D)`.
        center: float32 array `(D,)`, somewhere in the middle.
    """
    x, y = x - center, y - center
    norms = [np.einsum("nd,nd->n", z, z) for z in (x, y)]
    squares = x @ y.T
    squares *= -2.0
    sums = norms[0][:, None] + norms[1]
    squares += sums
    sums *= np.float32(_ROUNDINGS * np.finfo("float32").eps)
    squares[squares <= sums] = 0.0
    return squares


def center_of(rows):
    """The mean of the first block, float32 `(D,)`: near enough to the middle."""
    return next(rows.blocks()).mean(axis=0)


def blocks_of_squares(rows, others):
    """Squares of distances between all rows of two `FeatureRows`.

    Yields:
        Triple `(i, j, squares)`: slices of both sets and the float32 array of their distances.
    """
    center, start = center_of(others), 0
    for block in rows.blocks():
        here, place = slice(start, start + len(block)), 0
        for other in others.blocks():
            there = slice(place, place + len(other))
            yield here, there, squared_distances(block, other, center)
            place = there.stop
        start = here.stop


def squared_radii(rows, k):
    """The square of each sample's distance to its k-th nearest other sample of the set.

    Args:
        rows: `FeatureRows`.
        k: int >= 1.

    Returns:
        float32 array `(N,)`.

    Raises:
        ValueError: if there are no more than `k` samples.
    """
    if rows.count <= k:
        raise ValueError(
            f"A k-th nearest neighbour takes more than k = {k} samples. Received: {rows.count}. "
            "Add more real and fake samples by `update_state`, or lower `k`."
        )
    nearest = np.full((rows.count, k), np.inf, "float32")
    for here, there, squares in blocks_of_squares(rows, rows):
        if here == there:
            np.fill_diagonal(squares, np.inf)
        candidates = np.concatenate([nearest[here], squares], axis=1)
        nearest[here] = np.partition(candidates, k - 1, axis=1)[:, :k]
    return nearest.max(axis=1)
