"""The worker's side of tools/benchmark.py: answers requests on standard input."""

import json
import resource
import sys
import time


def serve(requests):
    """Answer until the input ends.

    Args:
        requests: dict from a request to a function and the units of work that it does.
    """
    for line in sys.stdin:
        if line.strip() == "memory":
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            answer = {"value": peak}
        else:
            function, units = requests[line.strip()]
            answer = {name: t / units for name, t in timed(function).items()}
        print(json.dumps(answer), flush=True)


def timed(function):
    """dict: seconds of wall and processor time that `function()` takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
