"""Build the wheel, install it in a clean environment with one backend, and sample from it.

    python tools/check_wheel.py [--backend torch]

Nothing of the repository is on the path of the new environment: what the wheel lacks, this misses.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).parents[1]

_USE = """
import sys
import keras_gan
loaded = {"tensorflow", "jax", "torch"} & set(sys.modules)
assert loaded == {BACKEND}, loaded
assert "site-packages" in keras_gan.__file__, keras_gan.__file__
for name, metadata in keras_gan.list_presets().items():
    if metadata.get("source") is not None:
        continue  # Its weights are elsewhere.
    images = keras_gan.GAN.from_preset(name).generate(seeds=[0])
    assert images.std() > 20, name
    print(name, images.shape)
assert keras_gan.list_presets()
extractor = keras_gan.metrics.FeatureExtractor.from_preset("fashion_mnist_classifier")
assert extractor(images[:, ::2, ::2, :1]).std() > 0
"""


def run(*command, **options):
    """Run a command; stop on failure."""
    print("+", *command, flush=True)
    subprocess.run(command, check=True, **options)


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", choices=("torch", "jax", "tensorflow"), default="torch")
    backend = parser.parse_args().backend
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
        (wheel,) = folder.glob("*.whl")
        venv.create(folder / "env", with_pip=True)
        binaries = folder / "env" / "bin"
        # CI's version of PyTorch is a processor build; an open range would fetch one for GPUs.
        pinned = ["torch==2.13.0"] if backend == "torch" else []
        run(binaries / "pip", "install", "--quiet", f"{wheel}[{backend}]", *pinned)
        # No KERAS_BACKEND: the one that is installed must be found.
        environment = {
            k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "PYTHONPATH")
        }
        environment["KERAS_HOME"] = str(folder / "keras")
        code = _USE.replace("BACKEND", repr(backend))
        run(binaries / "python", "-c", code, cwd=folder, env=environment)
        out = folder / "out"
        command = ["generate", "--preset", "dcgan_fashion_mnist_32", "--seeds", "0-3"]
        run(binaries / "keras-gan", *command, "--outdir", out, cwd=folder, env=environment)
        assert len(list(out.iterdir())) == 5
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
