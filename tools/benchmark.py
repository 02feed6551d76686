"""How fast keras_gan is beside compact plain PyTorch code, on the backend of KERAS_BACKEND.

    KERAS_BACKEND=jax python tools/benchmark.py
    KERAS_BACKEND=torch python tools/benchmark.py --cases dcgan_64 generate --threads 1

Each contender runs in a process of its own, so that frameworks do not share threads, and all are
timed in turn, round after round: what else the machine does meets all of them. The counterpart is
eager PyTorch with contiguous and with channels-last memory, of which the faster counts. A ratio is
the counterpart's time divided by ours, the median over the rounds, with the quartiles beside it:
1.0 or more means that keras_gan is at least as fast.

Cases:
    dcgan_64: one training step of DCGAN at 64x64x3 (a batch for the discriminator, one for the
        generator).
    wgan_gp: one training step of WGAN-GP at 28x28x1 (five critic updates with gradient penalty and
        one of the generator).
    generate: images of DCGAN-64 from seeds, one and a batch at a time.
    stylegan2: generation by StyleGAN2 of 256 px (channel_base 16384) and 1024 px (32768), one and
        four images from seeds, and training iterations: four, with their lazy phases, at 64 px
        (batches of 8) and 256 px (of 4).
    startup: `import keras_gan` beside `import keras`, and the first image of a shipped preset
        beside `import keras` and one compiled forward pass.
"""

import argparse
import functools
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "benchmarking"))

from protocol import STYLEGAN2_GENERATION, STYLEGAN2_TRAINING  # noqa: E402

ROOT = HERE.parent
CASES = ("dcgan_64", "wgan_gp", "generate", "stylegan2", "startup")
LAYOUTS = ("contiguous", "channels_last")


class Worker:
    """A contender in a process of its own, which answers requests for measurements.

    Args:
        script: str, a file of tools/benchmarking.
        case: str.
        options: parsed command line.
        arguments: further arguments of the script.
    """

    def __init__(self, script, case, options, *arguments):
        self.clock = options.clock
        self.process = subprocess.Popen(
            [sys.executable, HERE / "benchmarking" / script, case, str(options.batch), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(options.threads),
            preexec_fn=functools.partial(pin, options.threads),
        )
        self.first = self.ask("run")

    def ask(self, request):
        """Seconds that one unit of work took; or what else the request asks for."""
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            # Frameworks may print, too.
            if line.startswith("{"):
                answer = json.loads(line)
                return answer.get(self.clock, answer.get("value"))
        raise SystemExit(f"A contender died: {' '.join(map(str, self.process.args))}")

    def close(self):
        """End the process; its peak memory in MB."""
        peak = self.ask("memory")
        self.process.stdin.close()
        self.process.wait()
        return peak


def environment(threads):
    """The same number of threads for every framework."""
    flags = os.environ.get("XLA_FLAGS", "")
    if threads == 1:
        flags += " --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_FLAGS": flags,
    }


def pin(threads):
    """Keep this process to so many processors: XLA has threads that heed no setting."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def compare(name, case, options):
    """Time ours and the counterparts in turn and print a line."""
    ours = Worker("ours.py", case, options)
    plain = {layout: Worker("plain_torch.py", case, options, layout) for layout in LAYOUTS}
    times = {key: [] for key in ("ours", "fit", *LAYOUTS)}
    trains = case in ("dcgan_64", "wgan_gp")
    for _ in range(options.repeats):
        times["ours"].append(ours.ask("run"))
        for layout in LAYOUTS:
            times[layout].append(plain[layout].ask("run"))
        if trains:
            times["fit"].append(ours.ask("fit"))
    fastest = min(LAYOUTS, key=lambda layout: statistics.median(times[layout]))
    ratios = [b / a for a, b in zip(times["ours"], times[fastest], strict=True)]
    steady = statistics.median(times["ours"])
    peak, plain_peaks = ours.close(), {layout: plain[layout].close() for layout in LAYOUTS}
    overhead = ""
    if trains:
        extra = [f / s - 1 for f, s in zip(times["fit"], times["ours"], strict=True)]
        overhead = f"{statistics.median(extra):+.1%}"
    low, middle, high = quartiles(ratios)
    theirs, compiling = statistics.median(times[fastest]), ours.first - steady
    print(
        f"{name:<12} {middle:>6.2f} {f'{low:.2f}-{high:.2f}':>11} {1000 * steady:>9.1f} "
        f"{1000 * theirs:>9.1f} {fastest:>14} {compiling:>10.1f} {overhead:>7} {peak:>8.0f} "
        f"{plain_peaks[fastest]:>9.0f}",
        flush=True,
    )


def quartiles(values):
    """First quartile, median and third quartile."""
    return statistics.quantiles(values, n=4) if len(values) > 1 else values * 3


def startup(options):
    """Time fresh processes in turn and print two lines."""
    names = ("import_keras", "import_keras_gan", "forward", "first_image")
    times = {name: [] for name in names}
    for _ in range(options.repeats):
        for name in names:
            command = [sys.executable, HERE / "benchmarking" / "startup.py", name]
            result = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env=environment(options.threads),
                preexec_fn=functools.partial(pin, options.threads),
            )
            if result.returncode:
                raise SystemExit(result.stderr)
            times[name].append(json.loads(result.stdout.splitlines()[-1])[options.clock])
    pairs = zip(times["import_keras"], times["import_keras_gan"], strict=True)
    low, middle, high = quartiles([b - a for a, b in pairs])
    print(f"\nimport keras_gan adds {middle:.2f} s ({low:.2f} to {high:.2f}) to import keras")
    pairs = zip(times["forward"], times["first_image"], strict=True)
    low, middle, high = quartiles([b / a for a, b in pairs])
    print(
        f"first image of a preset: {middle:.2f} times ({low:.2f} to {high:.2f}) import keras and "
        f"a compiled forward pass ({statistics.median(times['forward']):.1f} s)"
    )


def main():
    """Run the cases and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--repeats", type=int, default=7, help="rounds (7)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each contender")
    parser.add_argument("--batch", type=int, default=64, help="images in a batch (64)")
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="'cpu' counts processor time: with --threads 1 the measure on a busy machine",
    )
    options = parser.parse_args()
    print(
        f"backend {os.environ.get('KERAS_BACKEND', 'of keras.json')}, {options.threads} threads, "
        f"{options.clock} time, {options.repeats} rounds\n"
    )
    print(
        f"{'case':<12} {'ratio':>6} {'quartiles':>11} {'ours ms':>9} {'plain ms':>9} "
        f"{'plain layout':>14} {'compile s':>10} {'fit':>7} {'ours MB':>8} {'plain MB':>9}"
    )
    for case in options.cases:
        if case == "startup":
            startup(options)
        elif case == "stylegan2":
            for name in (*STYLEGAN2_GENERATION, *STYLEGAN2_TRAINING):
                compare(name.removeprefix("style"), name, options)
        elif case == "generate":
            compare("generate 1", "generate_1", options)
            compare(f"generate {options.batch}", "generate", options)
        else:
            compare(case, case, options)


if __name__ == "__main__":
    main()
