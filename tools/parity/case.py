"""One golden case: its tensors, rebuilt from a seed and their names, and the reference's outputs.

A case is a folder `<family>/<case>/` with `manifest.json` (seed, config, params, inputs, outputs,
tolerance) and `outputs.npz`. Every parameter and input is a draw that its own name and the seed
determine, so that only outputs are stored.
"""

import json
import pathlib
import zlib

import numpy as np


class Unsupported(Exception):
    """The case asks for something that the tool or the library does not do."""


class Case:
    """A case read from its folder.

    Args:
        folder: path.

    Attributes:
        name: str, `"<family>/<case>"`.
        family: str.
        config: dict of the reference's settings.
        params: dict of arrays by the names of the reference's checkpoint.
        inputs: dict of arrays.
        outputs: dict of arrays that the reference computed.
        tolerance: dict as stated, may be empty.
    """

    def __init__(self, folder):
        folder = pathlib.Path(folder).resolve()
        manifest = json.loads((folder / "manifest.json").read_text())
        self.family = folder.parent.name
        self.name = f"{self.family}/{folder.name}"
        self.config = manifest["config"]
        self.tolerance = manifest.get("tolerance") or {}
        self._seed, self._params, self._inputs = (
            manifest[key] for key in ("seed", "params", "inputs")
        )
        with np.load(folder / "outputs.npz", allow_pickle=False) as stored:
            self.outputs = {name: stored[name] for name in stored.files}

    @property
    def params(self):
        """The tensors of the checkpoint (drawn at each access: they can be large)."""
        return {name: draw(self._seed, name, **spec) for name, spec in self._params.items()}

    @property
    def inputs(self):
        """The inputs by name."""
        return {
            name: draw(self._seed, f"input/{name}", **spec) for name, spec in self._inputs.items()
        }


def draw(seed, name, shape, dist="normal", mean=0.0, std=1.0, low=0, high=1):
    """The tensor called `name` of the case with this seed.

    NumPy promises that `RandomState` never changes its numbers.

    Args:
        seed: int.
        name: str; inputs have the prefix `"input/"`.
        shape: list of int.
        dist: `"normal"`, `"positive"` (`mean + std * |n|`), `"uniform"` in `[low, high)`,
            `"integer"` in `[low, high)` or `"constant"` (`mean`).
        mean: float.
        std: float.
        low: number.
        high: number.

    Returns:
        float32 array, int64 for integers.
    """
    random = np.random.RandomState(zlib.crc32(f"{seed}/{name}".encode()))
    if dist == "integer":
        return random.randint(low, high, shape).astype("int64")
    if dist == "uniform":
        return random.uniform(low, high, shape).astype("float32")
    if dist == "constant":
        return np.full(shape, mean, "float32")
    if dist not in ("normal", "positive"):
        raise Unsupported(f"tensor '{name}' is drawn from an unknown distribution '{dist}'")
    normal = random.standard_normal(shape)
    values = mean + std * (np.abs(normal) if dist == "positive" else normal)
    # A single number is drawn as a float.
    return np.asarray(values, "float32")


def find(root, family="*", pattern="*"):
    """Folders of the cases below `root`, in the order of their names.

    Args:
        root: path.
        family: str, glob for the family.
        pattern: str, glob for the case's name or for `family/case`.

    Returns:
        List of paths.
    """
    found = sorted(path.parent for path in pathlib.Path(root).glob("*/*/manifest.json"))
    return [folder for folder in found if folder.parent.match(family) and folder.match(pattern)]
