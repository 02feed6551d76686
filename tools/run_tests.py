"""Run the tests on TensorFlow, PyTorch and JAX, side by side; non-zero exit if any fails.

    python tools/run_tests.py [--backends torch jax] [pytest arguments]

Each backend is a process of its own with one thread, so two cores are kept busy. Everything printed goes
to the screen when a backend is done.
"""

import argparse
import os
import subprocess
import sys
import time

BACKENDS = ("jax", "tensorflow", "torch")
_PARALLEL = 2


def start(backend, arguments):
    """Start pytest under one backend; its output is read when it has finished."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", "pytest", "--durations=20", "-p", "no:cacheprovider"]
    output = open(f".test-output-{backend}.txt", "w+")
    process = subprocess.Popen(
        [*command, *arguments], env=environment, stdout=output, stderr=subprocess.STDOUT
    )
    return process, output, time.monotonic()


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    options, arguments = parser.parse_known_args()
    waiting, running, failed = list(options.backends), {}, []
    while waiting or running:
        while waiting and len(running) < _PARALLEL:
            backend = waiting.pop(0)
            running[backend] = start(backend, arguments)
        for backend, (process, output, began) in list(running.items()):
            if process.poll() is None:
                continue
            del running[backend]
            output.seek(0)
            print(output.read(), flush=True)
            output.close()
            os.remove(output.name)
            minutes = (time.monotonic() - began) / 60
            print(f"== {backend}: exit {process.returncode} after {minutes:.1f} min\n", flush=True)
            if process.returncode:
                failed.append(backend)
        time.sleep(0.2)
    if failed:
        print(f"failed on: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
