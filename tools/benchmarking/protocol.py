"""The worker's side of tools/benchmark.py: answers requests on standard input."""

import json
import resource
import sys
import time

# Side of the images, channel_base and images in a batch of the cases of StyleGAN2.
STYLEGAN2_GENERATION = {
    f"stylegan2_{side}_b{count}": (side, base, count)
    for side, base in ((256, 16384), (1024, 32768))
    for count in (1, 4)
}
STYLEGAN2_TRAINING = {
    "stylegan2_train_64": (64, 8192, 8),
    "stylegan2_train_256": (256, 8192, 4),
}
# Of four iterations, one has the phase of path lengths; of sixteen, one that of R1.
STYLEGAN2_ITERATIONS = 4

# So many seconds are measured at least: one image takes milliseconds, and the first one after
# another process has run takes longer than the next.
_LEAST = 0.5


def serve(requests):
    """Answer until the input ends: the first request of a kind with one call, which compiles.

    Args:
        requests: dict from a request to a function and the units of work that it does.
    """
    seen = set()
    for line in sys.stdin:
        if line.strip() == "memory":
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            answer = {"value": peak}
        else:
            function, units = requests[line.strip()]
            answer = {name: t / units for name, t in timed(function, line in seen).items()}
            seen.add(line)
        print(json.dumps(answer), flush=True)


def timed(function, repeat=False):
    """dict: seconds of wall and processor time that `function()` takes."""
    wall, cpu, calls = time.perf_counter(), time.process_time(), 0
    while not calls or (repeat and time.perf_counter() - wall < _LEAST):
        function()
        calls += 1
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return {clock: seconds / calls for clock, seconds in took.items()}
