"""Features that are kept, for metrics of single samples."""

import numpy as np

from keras_gan.metrics.feature_arrays import check_features

# 32 MB at 2048 features; two of them give products of 64 MB.
BLOCK_ROWS = 4096


class FeatureRows:
    """All features seen, in float32, in blocks that are never copied as more come.

    Attributes:
        count: int, rows.
        num_features: int, or `None` before the first batch.

    Example:
    ```python
    rows = keras_gan.metrics.FeatureRows()
    rows.update(np.zeros((5, 3), "float32"))
    rows.take([0, 4]).shape  # (2, 3)
    ```
    """

    def __init__(self):
        self.count = 0
        self.num_features = None
        self._blocks = []

    def update(self, features):
        """Append features `(N, D)`; raises a ValueError if they are none, or of another D."""
        x = check_features(features, self.num_features)
        self.num_features = x.shape[1]
        while len(x):
            used = self.count % BLOCK_ROWS
            if not used:
                self._blocks.append(np.empty((BLOCK_ROWS, self.num_features), "float32"))
            part = x[: BLOCK_ROWS - used]
            self._blocks[-1][used : used + len(part)] = part
            self.count += len(part)
            x = x[len(part) :]

    def merge(self, other):
        """Append the rows of another `FeatureRows`."""
        # A list: it may be the same object.
        for block in list(other.blocks()):
            self.update(block)

    def blocks(self):
        """Views `(n, D)` of consecutive rows, each but the last of `BLOCK_ROWS`."""
        for number, block in enumerate(self._blocks):
            yield block[: self.count - number * BLOCK_ROWS]

    def take(self, indices):
        """The rows at integer positions, float32 `(len(indices), D)`."""
        indices = np.asarray(indices, "int64")
        rows = np.empty((len(indices), self.num_features), "float32")
        block, place = np.divmod(indices, BLOCK_ROWS)
        for number in np.unique(block):
            here = block == number
            rows[here] = self._blocks[number][place[here]]
        return rows
