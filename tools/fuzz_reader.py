"""Read many mutated checkpoints, and measure the most that one of them takes.

    python tools/fuzz_reader.py [--count 10000] [--kind "network pickle*"]

Each is a valid small file of one kind with a few bytes changed, cut, repeated or moved. Whatever is
not an array or a ValueError ends the run; the last file is then kept. Memory is the growth of the
process, so that one hungry file cannot hide.
"""

import argparse
import collections
import fnmatch
import pathlib
import random
import resource
import sys
import tempfile
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "checkpoints"))

from test_reader_fuzz import VALID, mutate, outcome


def fuzz(kind, count, path, seed=0):
    """Read `count` mutations: what came of them, the slowest in seconds, the growth in bytes."""
    source = random.Random(f"{kind}/{seed}")
    counts, slowest = collections.Counter(), 0.0
    for _ in range(20):
        outcome(path, VALID[kind])
    before = _peak()
    for _ in range(count):
        data = mutate(VALID[kind], source)
        start = time.perf_counter()
        counts[outcome(path, data)] += 1
        slowest = max(slowest, time.perf_counter() - start)
    return counts, slowest, _peak() - before


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(arguments=None):
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="files of each kind")
    parser.add_argument("--kind", default="*", help="pattern")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    # Of `pickletools`, on text that a mutation has damaged.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x"
        total = 0
        for kind in fnmatch.filter(VALID, options.kind):
            try:
                counts, slowest, grown = fuzz(kind, options.count, path, options.seed)
            except BaseException:
                kept = pathlib.Path("fuzz_failure")
                kept.write_bytes(path.read_bytes())
                print(f"{kind}: {kept} was neither read nor refused", file=sys.stderr)
                raise
            total += sum(counts.values())
            print(
                f"{kind:30} {len(VALID[kind]):6} bytes: {counts['read']} read, "
                f"{counts['refused']} refused, slowest {slowest:.3f} s, "
                f"memory +{grown / 2**20:.1f} MiB",
                flush=True,
            )
    print(f"{total} files")


if __name__ == "__main__":
    main()
