"""Compare the library with what reference implementations computed.

    KERAS_BACKEND=jax python tools/check_parity.py FOLDER [--family F] [--case PATTERN]

FOLDER holds cases `<family>/<case>/{manifest.json,outputs.npz}` (tests/goldens is such a folder).
One line for each says how far the worst output was off and how far it may be; exit status 1 if a
case failed or is not supported.
"""

import argparse
import pathlib
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from parity import dcgan, gan, metrics, stylegan2, toolbox, wgan
from parity.case import Case, Unsupported, find
from parity.compare import compare

# What computes the outputs of a family's cases.
RUNNERS = {
    "dcgan": dcgan.run,
    "gan": gan.run,
    "metrics": metrics.run,
    "stylegan2": stylegan2.run,
    "toolbox": toolbox.run,
    "wgan": wgan.run,
}


def check(folder):
    """The errors of one case, the worst first.

    Args:
        folder: path of the case.

    Returns:
        List of `parity.compare.Error`.

    Raises:
        Unsupported: if the tool does not know the family or an output.
    """
    case = Case(folder)
    if case.family not in RUNNERS:
        raise Unsupported(f"no runner for the family '{case.family}'")
    return compare(case, RUNNERS[case.family](case))


def main(arguments=None):
    """Check the cases that the command line names; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--family", default="*", help="name or pattern")
    parser.add_argument("--case", default="*", help="pattern of the case's name")
    parser.add_argument("--verbose", action="store_true", help="every output; tracebacks")
    options = parser.parse_args(arguments)
    folders = find(options.folder, options.family, options.case)
    if not folders:
        parser.error(f"no case in {options.folder} fits")
    counts = {"passed": 0, "failed": 0, "unsupported": 0}
    for folder in folders:
        name = f"{folder.parent.name}/{folder.name}"
        errors = []
        try:
            errors = check(folder)
            worst = errors[0]
            outcome = "passed" if worst.ratio <= 1 else "failed"
            detail = f"{worst.name}: error {worst.seen:.2e}, tolerance {worst.allowed:.2e}"
        except Unsupported as error:
            outcome, detail = "unsupported", str(error)
        except Exception as error:
            outcome, detail = "failed", f"{type(error).__name__}: {error}"
            if options.verbose:
                traceback.print_exc()
        counts[outcome] += 1
        print(f"{outcome:12}{name:32}{detail}", flush=True)
        if options.verbose:
            for error in errors:
                print(f"    {error.name}: {error.seen:.2e} of {error.allowed:.2e}")
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return int(counts["failed"] + counts["unsupported"] > 0)


if __name__ == "__main__":
    sys.exit(main())
