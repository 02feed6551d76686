"""Run the tests on JAX, TensorFlow and PyTorch, and try the wheel; exit 1 if any fails.

    python tools/run_tests.py [--jobs jax tensorflow torch wheel] [pytest arguments]

Two processes of one thread each run at a time: two jobs, or the halves of one job. What a job
prints appears when it is done.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

_PARALLEL = 2
# The last job would run alone. Where XLA compiles, processes of halves would compile twice.
_PROCESSES = {"torch": 2}


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
        command = [sys.executable, "-m", "pytest", "--durations=20"]
        if job in _PROCESSES:
            command += ["-n", str(_PROCESSES[job])]
        command += arguments
    output = tempfile.TemporaryFile("w+")
    process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    return process, output, time.monotonic()


def _busy(jobs):
    """How many processes the jobs have."""
    return sum(_PROCESSES.get(job, 1) for job in jobs)


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    jobs = ("jax", "tensorflow", "wheel", "torch")
    parser.add_argument("--jobs", nargs="+", choices=jobs, default=list(jobs))
    options, arguments = parser.parse_known_args()
    waiting, running, failed = list(options.jobs), {}, []
    while waiting or running:
        while waiting and _busy([*running, waiting[0]]) <= _PARALLEL:
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
