"""Settings of the frameworks for short tests on a small machine, made before any is imported."""

import importlib.util
import os
import pathlib
import subprocess
import sys
import types

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


def check_images(name, images, goldens):
    """Generated images are the stored ones up to one grey level."""
    expected = _golden(f"{name}/images", images, goldens)
    assert images.shape == expected.shape and expected.std() > 10
    assert np.abs(images.astype(int) - expected).max() <= 1


def check_losses(name, losses, goldens):
    """A dict of dicts of losses is the stored one to 1e-5 relative."""
    for part, logs in losses.items():
        for log, value in logs.items():
            expected = _golden(f"{name}/{part}/{log}", np.float64(value), goldens)
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6, err_msg=log)


def _golden(key, value, path):
    # KERAS_GAN_WRITE_GOLDENS=1 stores what is computed now, to be compared by the other backends.
    stored = dict(np.load(path)) if path.exists() else {}
    if os.environ.get("KERAS_GAN_WRITE_GOLDENS"):
        np.savez_compressed(path, **{**stored, key: value})
        return value
    return stored[key]


def run_python(script, *arguments, backend):
    """What a script prints under another backend."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    root = pathlib.Path(__file__).parents[1]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(root)}
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def context(critic, real, fake, player="discriminator", step=0, seed=3, **model):
    """The `keras_gan.Context` of an update of a model that has these parts only."""
    from keras import ops

    import keras_gan

    real, fake = ops.convert_to_tensor(real), ops.convert_to_tensor(fake)
    parts = {
        "shown": lambda images, training: images,
        "discriminate": lambda x, batch, training: critic(x),
        "constant_fakes": lambda batch, training: fake,
        "generate_fakes": lambda batch, training: fake,
        "observe_real_logits": lambda logits: None,
        "packing": 1,
        "step": ops.convert_to_tensor(np.int32(step)),
        "seed_generator": keras_gan.random.SeedGenerator(seed),
    }
    model = types.SimpleNamespace(**{**parts, **model})
    return keras_gan.Context(model, player, keras_gan.Batch(real))


@pytest.fixture(scope="session")
def helpers():
    """The functions above, for test modules (which pytest imports without a package)."""
    functions = (draw_weights, check_images, check_losses, run_python, context)
    return types.SimpleNamespace(**{function.__name__: function for function in functions})


@pytest.fixture
def fashion_mnist(tmp_path):
    """A folder with the IDX files of Fashion-MNIST, of 130 images each."""
    random = np.random.RandomState(0)
    for part in ("train", "t10k"):
        pixels = random.randint(0, 256, (130, 28, 28), "uint8")
        labels = (np.arange(130) % 10).astype("uint8")
        for name, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            header = np.array([0x800 + array.ndim, *array.shape], ">u4").tobytes()
            # The reader tells gzip by the content.
            (tmp_path / f"{part}-{name}-ubyte.gz").write_bytes(header + array.tobytes())
    return str(tmp_path)
