"""How fast keras_gan's metrics are beside torch-fidelity and pytorch-fid, and how close.

    pip install --no-deps --target others torch-fidelity pytorch-fid tqdm torchvision==0.28.0
    KERAS_BACKEND=torch python tools/benchmark_metrics.py --others others
    KERAS_BACKEND=torch python tools/benchmark_metrics.py --others others --cases frechet

Every measurement is a process of its own, which reports the time after its imports and its peak
memory; the contenders take turns, round after round. A ratio is the faster other's time divided by
ours, the median over the rounds. The network's weights are drawn (those of the parity cases, no
download): the numbers are no FIDs of anything, but equal ones.

Cases:
    end_to_end: FID of two folders of PNG images: network loaded, images decoded and resized,
        features, distance.
    frechet: the distance alone at 2048 dimensions, of statistics of twice as many samples; the
        other is SciPy's sqrtm as pytorch-fid uses it.
    frechet_singular: the same of 1,000 samples each, whose covariances are singular.
    large: ours alone, 50,000 features of 2048 dimensions: streaming statistics against two passes
        in float64, with the times.
    neighbors: ours alone, precision and recall of 50,000 features of 4096 dimensions.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
CASES = ("end_to_end", "frechet", "frechet_singular", "large", "neighbors")
CONTENDERS = {
    "end_to_end": ("ours", "torch_fidelity", "pytorch_fid"),
    "frechet": ("ours", "pytorch_fid"),
    "frechet_singular": ("ours", "pytorch_fid"),
    "large": ("ours",),
    "neighbors": ("ours",),
}
DIMENSIONS = 2048


# What the processes do ----------------------------------------------------------------------------


def end_to_end(contender, folder, options):
    """A function that computes the FID of two folders."""
    real, fake, weights = folder / "real", folder / "fake", folder / "inception.pth"
    if contender == "ours":
        from keras_gan import metrics

        def ours():
            extractor = metrics.FeatureExtractor.from_preset(
                "inception_v3_2015_12_05", weights=weights, batch_size=50
            )
            result = metrics.evaluate(
                fake, real, ["fid"], extractor=extractor, batch_size=50, cache=False, verbose=0
            )
            return {"fid": result.values["fid"]}

        return ours
    _others(options)
    if contender == "torch_fidelity":
        import torch_fidelity

        def torch_fid():
            found = torch_fidelity.calculate_metrics(
                input1=str(fake),
                input2=str(real),
                fid=True,
                cuda=False,
                cache=False,
                verbose=False,
                batch_size=50,
                feature_extractor_weights_path=str(weights),
            )
            return {"fid": found["frechet_inception_distance"]}

        return torch_fid
    import torch
    from pytorch_fid import fid_score, inception

    inception.load_state_dict_from_url = lambda *_, **__: torch.load(weights)

    def pytorch_fid():
        paths = [str(fake), str(real)]
        return {"fid": fid_score.calculate_fid_given_paths(paths, 50, "cpu", DIMENSIONS, 0)}

    return pytorch_fid


def frechet(contender, folder, options, count=2 * DIMENSIONS):
    """A function that computes a distance of given statistics."""
    del folder
    # What the others compute of float32 is a float32 mean.
    rows = [_features(seed, count, DIMENSIONS).astype("float64") for seed in (0, 1)]
    if contender == "ours":
        from keras_gan.metrics import FeatureStatistics, frechet_distance

        sets = [FeatureStatistics(), FeatureStatistics()]
        for state, x in zip(sets, rows, strict=True):
            state.update(x)
            state.covariance()

        def ours():
            value, route = frechet_distance(*sets)
            return {"fid": value, "route": route}

        return ours
    _others(options)
    from pytorch_fid import fid_score

    moments = [m for x in rows for m in (x.mean(0), np.cov(x, rowvar=False))]
    return lambda: {"fid": float(fid_score.calculate_frechet_distance(*moments))}


def frechet_singular(contender, folder, options):
    """The same of fewer samples than features."""
    return frechet(contender, folder, options, count=1000)


def large(contender, folder, options):
    """A function that streams many features, and says how far the result is off."""
    del contender, folder
    from keras_gan.metrics import FrechetInceptionDistance, frechet_distance

    count = options.large_count
    rows = {"real": _features(0, count, DIMENSIONS), "fake": _features(1, count, DIMENSIONS)}

    def run():
        metric = FrechetInceptionDistance()
        for side, x in rows.items():
            for start in range(0, count, 50):
                metric.update_state(**{side: x[start : start + 50]})
        return {"fid": metric.result(), "route": metric.route}

    def with_error():
        found = run()
        moments = []
        for x in rows.values():
            mean = x.mean(axis=0, dtype="float64")
            scatter = np.zeros((DIMENSIONS, DIMENSIONS))
            for start in range(0, count, 5000):
                centred = x[start : start + 5000].astype("float64") - mean
                scatter += centred.T @ centred
            moments.append((mean, scatter / (count - 1)))
        two_pass = frechet_distance(*(_Moments(*pair) for pair in moments)).value
        return {**found, "relative_error": abs(found["fid"] - two_pass) / two_pass}

    # The second pass is not part of the time.
    return run, with_error


def neighbors(contender, folder, options):
    """A function that computes precision and recall of many features."""
    del contender, folder
    from keras_gan.metrics import PrecisionRecall

    metric = PrecisionRecall()
    for side, seed in (("real", 0), ("fake", 1)):
        for start in range(0, options.large_count, 5000):
            rows = _features(100 * seed + start, min(5000, options.large_count - start), 4096)
            metric.update_state(**{side: rows})
    return metric.result


class _Moments:
    """Given moments in the form in which `frechet_distance` takes them."""

    count = None

    def __init__(self, mean, covariance):
        self.num_features = len(mean)
        self.mean, self.covariance = lambda: mean, lambda ddof: covariance

    def factor(self, ddof):
        """None: there are no rows."""
        del ddof


def _features(seed, count, dimensions):
    """Rows as Inception's: positive, correlated, of decreasing variance."""
    rng = np.random.RandomState(seed)
    x = rng.standard_normal((count, dimensions)).astype("float32")
    x *= np.linspace(1.0, 0.05, dimensions, dtype="float32")
    x[:, 1:] += 0.5 * x[:, :-1]
    return np.maximum(x + np.float32(0.4 + 0.02 * (seed % 2)), 0)


def _others(options):
    sys.path.append(str(options.others))
    import torch

    # torchvision's operators are built for one build of torch; the networks need none of them.
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    options.keep = library


def work(options):
    """Measure once, in this process."""
    import keras  # noqa: F401 - not part of anybody's time

    cases = (end_to_end, frechet, frechet_singular, large, neighbors)
    chosen = {f.__name__: f for f in cases}[options.cases[0]]
    made = chosen(options.worker, options.folder, options)
    timed, check = made if isinstance(made, tuple) else (made, None)
    begin = time.perf_counter()
    found = timed()
    found["seconds"] = time.perf_counter() - begin
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if check is not None:
        found["relative_error"] = check()["relative_error"]
    print(json.dumps(found))


# The rounds ---------------------------------------------------------------------------------------


def prepare(folder, options):
    """Images and weights that all contenders read."""
    import torch
    from PIL import Image

    sys.path.insert(0, str(ROOT / "tools"))
    from parity.case import Case

    rng = np.random.RandomState(0)
    for name, high in (("real", 256), ("fake", 200)):
        (folder / name).mkdir()
        coarse = rng.randint(0, high, (options.images, 8, 8, 3))
        images = coarse.repeat(options.size // 8, 1).repeat(options.size // 8, 2)
        for i, image in enumerate(images.astype("uint8")):
            Image.fromarray(image).save(folder / name / f"{i:05d}.png")
    case = Case(ROOT / "tests" / "goldens" / "metrics" / "inception_v3")
    tensors = {name: torch.from_numpy(array) for name, array in case.params.items()}
    torch.save(tensors, folder / "inception.pth")


def main():
    """Run the cases and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", choices=CASES, default=["end_to_end", "frechet"])
    parser.add_argument("--others", type=pathlib.Path, required=True, help="where they are")
    parser.add_argument("--images", type=int, default=200, help="images of each set")
    parser.add_argument("--size", type=int, default=64, help="pixels, a multiple of 8")
    parser.add_argument("--large-count", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options)
        return
    with tempfile.TemporaryDirectory() as temporary:
        if "end_to_end" in options.cases:
            prepare(pathlib.Path(temporary), options)
        for case in options.cases:
            found = {name: [] for name in CONTENDERS[case]}
            for _ in range(options.repeats):
                for name, results in found.items():
                    results.append(_measured(case, name, temporary))
            _report(case, found)


def _measured(case, contender, folder):
    arguments = [*sys.argv[1:], "--cases", case, "--worker", contender, "--folder", folder]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, __file__, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def _report(case, found):
    print(case)
    for name, results in found.items():
        seconds = statistics.median(result["seconds"] for result in results)
        peak = max(result["peak_mb"] for result in results)
        rest = {k: v for k, v in results[-1].items() if k not in ("seconds", "peak_mb")}
        print(f"  {name:16}{seconds:9.2f} s {peak:8.0f} MB  {rest}")
    others = [results for name, results in found.items() if name != "ours"]
    if others:
        rounds = zip(found["ours"], *others, strict=True)
        ratios = [
            min(other["seconds"] for other in rest) / ours["seconds"] for ours, *rest in rounds
        ]
        print(f"  faster other / ours: {statistics.median(ratios):.2f}", flush=True)


if __name__ == "__main__":
    main()
