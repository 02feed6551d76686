"""Which remedy keeps a GAN from losing modes, on data whose modes are known.

    KERAS_BACKEND=jax python tools/benchmark_modes.py ring --remedies gan packing2 best --seeds 10
    KERAS_BACKEND=jax python tools/benchmark_modes.py grid --remedies all --seeds 3 --steps 10000
    KERAS_BACKEND=jax python tools/benchmark_modes.py stacked --remedies dcgan packing2 --steps 2000

Every run of a remedy with a seed is kept in the folder of --results; what is there is not made
again, and a run that was killed goes on. Ends with the table of all runs in the folder, means and
standard errors over the seeds, beside the published ones. --table prints that without running.

Data:
    ring: 8 Gaussians of standard deviation 0.01 on a circle of radius 1 (VEEGAN, PacGAN).
    grid: 25 Gaussians of standard deviation 0.05, two apart (VEEGAN, PacGAN).
    wide_ring: 8 of 0.02 on a circle of radius 2 (Unrolled GANs).
    stacked: three gray images as the channels of one, 1000 modes, counted by a classifier that is
        trained first; VEEGAN's networks and protocol. stacked_quarter and stacked_half: those of
        Unrolled GANs, whose discriminators are a quarter and half as wide as the generator.
    dirac: two players with one parameter each; nothing is trained, the table is computed.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from mode_benchmarks import dirac, planar, stacked

# Data -> what runs it.
BENCHMARKS = {**planar.BENCHMARKS, **stacked.BENCHMARKS, **dirac.BENCHMARKS}


def main(arguments=None):
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", choices=BENCHMARKS)
    parser.add_argument("--remedies", nargs="+", default=["all"], help="names, or 'all'")
    parser.add_argument("--seeds", type=int, default=10, help="runs of each, with seeds 0, 1, ...")
    parser.add_argument("--steps", type=int, help="training steps, instead of the protocol's")
    parser.add_argument("--results", type=pathlib.Path, default=pathlib.Path("mode_benchmarks"))
    parser.add_argument(
        "--images", default="/usr/share/datasets/fashion-mnist", help="folder of four IDX files"
    )
    parser.add_argument("--classifier-epochs", type=int, default=20, help="of stacked data")
    parser.add_argument("--table", action="store_true", help="print the table, run nothing")
    parser.add_argument("--json", action="store_true", help="print the runs as JSON instead")
    options = parser.parse_args(arguments)
    benchmark = BENCHMARKS[options.data]
    known = list(benchmark.remedies)
    chosen = known if options.remedies == ["all"] else options.remedies
    if unknown := sorted(set(chosen) - set(known)):
        parser.error(f"unknown remedies {unknown}; there are {known}")
    if options.seeds < 1 or (options.steps is not None and options.steps < 1):
        parser.error("--seeds and --steps are at least 1")
    folder = options.results / options.data
    if not options.table:
        for seed in range(options.seeds):
            for name in chosen:
                run = benchmark.run(name, seed, options, folder)
                print(f"{options.data} {name} seed {seed}: {run['figures']}", flush=True)
    print(json.dumps(benchmark.stored(folder)) if options.json else benchmark.table(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
