"""Features of real images on disk, so that they are computed once."""

import contextlib
import hashlib
import json
import warnings

import numpy as np

from keras_gan.checkpoints import read_tensors
from keras_gan.files import atomic_file
from keras_gan.presets.download import cache_folder


class Entry:
    """The place of the features of one set of images by one extractor.

    Args:
        digest: str, fingerprint of the images.
        protocol: dict of JSON values, that of the extractor.
        cache_dir: str or path of another cache.
    """

    def __init__(self, digest, protocol, cache_dir=None):
        text = json.dumps([digest, protocol], sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()
        self._path = cache_folder(cache_dir) / "features" / f"{key}.npz"

    def load(self, count):
        """Dict of float32 arrays `(count, D)` by output; `None` if there is no undamaged file."""
        if not self._path.exists():
            return None
        try:
            arrays = read_tensors(self._path)
            for array in arrays.values():
                if array.ndim != 2 or len(array) != count or not np.isfinite(array).all():
                    raise ValueError(f"{self._path} does not hold the features of {count} images.")
            return arrays
        except (OSError, ValueError) as error:
            warnings.warn(f"Cached features are damaged and are computed again: {error}")
            with contextlib.suppress(OSError):
                self._path.unlink()
            return None

    def save(self, batches):
        """Write the features, a list of such dicts; a warning if that is not possible."""
        arrays = {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(self._path) as temporary:
                np.savez(temporary, **arrays)
        except OSError as error:
            # The evaluation has not failed.
            warnings.warn(f"The features could not be kept in {self._path}: {error}")
