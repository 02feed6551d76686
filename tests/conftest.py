"""Settings of the frameworks for short tests on a small machine, made before any is imported."""

import os
import pathlib

import numpy as np
import pytest

# One thread: runs of several backends share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Compiling dwarfs running at this size: compile fast, and only once.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(pathlib.Path.home() / ".cache" / "keras_gan" / "jax")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


def draw_weights(network, seed):
    """Give a network weights that NumPy draws, the same on every backend."""
    rng = np.random.RandomState(seed)
    values = []
    for weight in network.weights:
        value = 0.2 * rng.standard_normal(weight.shape)
        # Scales and variances are positive.
        positive = weight.name in ("gamma", "moving_variance")
        values.append((1 + np.abs(value) if positive else value).astype("float32"))
    network.set_weights(values)


def assert_same_weights(a, b, **tolerance):
    """Compare the variables of two models, random streams included."""
    assert len(a.variables) == len(b.variables)
    for ours, theirs in zip(a.variables, b.variables, strict=True):
        ours, theirs = (np.array(v.value if hasattr(v, "numpy") else v) for v in (ours, theirs))
        np.testing.assert_allclose(ours, theirs, **{"rtol": 0, "atol": 0, **tolerance})


@pytest.fixture(scope="session")
def helpers():
    """The functions above, for test modules (which pytest imports without a package)."""
    import types

    return types.SimpleNamespace(
        draw_weights=draw_weights, assert_same_weights=assert_same_weights
    )
