"""Run the tests on JAX, TensorFlow and PyTorch, and try the wheel; exit 1 if any fails.

    python tools/run_tests.py [--jobs jax tensorflow torch wheel] [pytest arguments]

Each job is a process of its own with one thread, two at a time. What a job prints appears when it
is done.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

_BACKENDS = ("jax", "tensorflow", "torch")
_PARALLEL = 2


def start(job, arguments):
    """Start a job: `(process, file with its output, time)`."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    if job == "wheel":
        command = [sys.executable, "tools/check_wheel.py"]
    else:
        environment["KERAS_BACKEND"] = job
        command = [sys.executable, "-m", "pytest", "--durations=20", *arguments]
    output = tempfile.TemporaryFile("w+")
    process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    return process, output, time.monotonic()


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    jobs = (*_BACKENDS, "wheel")
    parser.add_argument("--jobs", nargs="+", choices=jobs, default=list(jobs))
    options, arguments = parser.parse_known_args()
    waiting, running, failed = list(options.jobs), {}, []
    while waiting or running:
        while waiting and len(running) < _PARALLEL:
            running[waiting[0]] = start(waiting[0], arguments)
            del waiting[0]
        for job, (process, output, began) in list(running.items()):
            if process.poll() is None:
                continue
            del running[job]
            output.seek(0)
            print(output.read())
            output.close()
            minutes = (time.monotonic() - began) / 60
            print(f"== {job}: exit {process.returncode} after {minutes:.1f} min\n", flush=True)
            if process.returncode:
                failed.append(job)
        time.sleep(0.2)
    print(f"failed: {', '.join(failed)}" if failed else f"all passed: {', '.join(options.jobs)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
