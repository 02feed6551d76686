"""Metrics on given features: distances, scores and neighbours, and their streaming states."""

import numpy as np

from keras_gan import metrics
from keras_gan.metrics import equivariance as operators
from parity import training

# Below it, float32 distances may put a sample on the other side of a ball's surface.
_MARGIN = 1e-5


def features(case):
    """All metrics of one pair of sets of features."""
    config, inputs = case.config, case.inputs
    real = inputs["real"]
    if "noise" in inputs:
        fake = real + np.float32(config["noise_scale"]) * inputs["noise"]
    else:
        fake = inputs["fake"]
    computed = _distances(real, fake)
    computed |= _discrepancies(config, real, fake)
    for name in case.outputs:
        kind, _, k = name.partition("_k")
        if kind in ("prc", "prdc", "realism") and k.isdigit():
            computed[name] = _neighbors(kind, int(k), real, fake)
    if "logits" in inputs:
        computed |= _scores(config, inputs["logits"])
    # What says how the case is made; projections that another generator drew; what the
    # reference's methods leave of an exact number where they have none.
    stored = case.outputs
    margin = stored.get("min_margin", 0.0)
    not_compared = {"min_margin", "mind"}
    not_compared |= {name for name in stored if name.startswith("fid_") and np.isnan(stored[name])}
    case.outputs = {name: value for name, value in stored.items() if name not in not_compared}
    traces = sum(np.trace(np.cov(x.astype("float64").T)) for x in (real, fake))
    # Of what must be counted, one sample may fall on the other side.
    count = 1.5 / min(len(real), len(fake)) if margin < _MARGIN else 1e-6
    case.tolerance = {name: _tolerance(name, traces, count) for name in case.outputs}
    return computed


def streaming(case):
    """Statistics from batches of given sizes, and from replicas that are merged."""
    config = case.config
    x, y = (
        values.astype("float64") * config["std_scale"] + config["offset"]
        for values in (case.inputs["x"], case.inputs["y"])
    )
    metric = metrics.FrechetInceptionDistance()
    replicas = [metrics.FrechetInceptionDistance() for _ in range(config["replicas"])]
    for side, samples in (("real", x), ("fake", y)):
        start = number = 0
        while start < len(samples):
            stop = start + config["chunks"][number % len(config["chunks"])]
            metric.update_state(**{side: samples[start:stop]})
            start, number = stop, number + 1
        for replica, part in enumerate(replicas):
            part.update_state(**{side: samples[replica :: len(replicas)]})
    replicas[0].merge_state(replicas[1:])
    found = []
    for way in (metric, replicas[0]):
        real, fake = way.real, way.fake
        traces = np.trace(real.covariance()) + np.trace(fake.covariance())
        found.append(
            {
                "mean": real.mean(),
                "cov": real.covariance(),
                "fid": way.result(),
                "trace_sum": traces,
            }
        )
    # Of both ways, the one that is further off.
    worst = {
        name: max((way[name] for way in found), key=lambda value: np.abs(value - stored).max())
        for name, stored in case.outputs.items()
    }
    traces = float(case.outputs["trace_sum"])
    case.tolerance = {
        "mean": {"rtol": 1e-12},
        "cov": {"rtol_of_max": 1e-10},
        "trace_sum": {"rtol": 1e-12},
        "fid": {"atol": 1e-9 * traces},
    }
    return worst


def fid_infinity(case):
    """FIDs of growing parts, and the line through them."""
    config, inputs = case.config, case.inputs
    found = metrics.fid_infinity(
        inputs["real"],
        inputs["fake"],
        min_samples=config["min_fake"],
        points=config["num_points"],
        seed=config["numpy_seed"],
    )
    traces = sum(np.trace(np.cov(x.astype("float64").T)) for x in inputs.values())
    case.tolerance = {name: {"atol": 1e-6 * traces} for name in ("fids", "fid_infinity")}
    # The slope is that of distances over 1 / N.
    case.tolerance |= {"points": {"atol": 0.0}}
    case.tolerance |= {"slope": {"atol": 1e-6 * traces * config["min_fake"]}}
    return {
        "points": found.sizes,
        "fids": found.distances,
        "fid_infinity": found.value,
        "slope": found.slope,
    }


def swd(case):
    """The pyramid, and distances with the reference's order of draws."""
    config, inputs = case.config, case.inputs
    rng, found = np.random.RandomState(config["numpy_seed"]), {}
    sets = {}
    for name, output in (("real", "swd_real_self"), ("fake", "swd_fake")):
        images = _images(inputs, name)
        parts = []
        for start in range(0, len(images), config["minibatch"]):
            pyramid = metrics.laplacian_pyramid(images[start : start + config["minibatch"]])
            parts.append([metrics.random_patches(level, 128, rng) for level in pyramid])
        sets[name] = [np.concatenate(level) for level in zip(*parts, strict=True)]
        pairs = zip(sets["real"], sets[name], strict=True)
        distances = [1000 * metrics.sliced_wasserstein(*pair, rng) for pair in pairs]
        found[output] = [*distances, np.mean(distances)]
    for number, level in enumerate(metrics.laplacian_pyramid(images[:2])):
        found[f"laplacian_{number}"] = np.moveaxis(level, -1, 1)[:, :, ::3, ::3]
    case.tolerance = {name: {"atol": 1e-3} for name in found}
    case.tolerance |= {"swd_fake": {"rtol": 1e-4}, "swd_real_self": {"atol": 1e-4}}
    return found


def ms_ssim(case):
    """Similarities of images and of what noise makes of them."""
    first = _images(case.inputs, "real")
    second = first.astype("int64") + np.moveaxis(case.inputs["delta"], 1, -1)
    values = metrics.ms_ssim(first, np.clip(second, 0, 255).astype("uint8"))
    case.tolerance = {"atol": 1e-4}
    return {"msssim_per_pair": values, "msssim_batch": values.mean()}


def equivariance(case):
    """Images moved and turned, their masks, and the ratio of signal and noise."""
    config = case.config
    x, y = (np.moveaxis(case.inputs[name], 1, -1) for name in ("x", "y"))
    found = {}
    for operator, name, arguments in (
        (operators.integer_translation, "int", config["translations"]),
        (operators.fractional_translation, "frac", config["translations"]),
        (operators.rotation, "rot", [[angle] for angle in config["angles"]]),
        (operators.pseudo_rotation, "pseudo", [[angle] for angle in config["angles"]]),
    ):
        for number, values in enumerate(arguments):
            images, mask = operator(x, *values)
            found[f"{name}{number}"] = np.moveaxis(training.to_numpy(images), -1, 1)
            found[f"{name}{number}_mask"] = mask
    mask = np.abs(y) > 0.3
    error = np.square(x.astype("float64") - y)[mask].sum()
    return {**found, "psnr": operators.psnr(error, mask.sum())}


def _images(inputs, name):
    """Coarse noise in blocks, and fine noise, as uint8 (N, H, W, C)."""
    coarse, fine = inputs[f"{name}_coarse"], inputs[f"{name}_fine"]
    for axis in (2, 3):
        coarse = np.repeat(coarse, fine.shape[axis] // coarse.shape[axis], axis=axis)
    return np.moveaxis(np.clip(coarse + fine, 0, 255).astype("uint8"), 1, -1)


def _distances(real, fake):
    """Our FID for each of the routes that the reference implementations take."""
    exact, population, same = (
        _updated(metrics.FrechetInceptionDistance(**options), real, other).result()
        for options, other in (({}, fake), ({"ddof": 0}, fake), ({}, real))
    )
    return {
        "fid_exact": exact,
        "fid_torch_fidelity": exact,
        "fid_pytorch_fid": exact,
        "fid_population_cov": population,
        "fid_self_torch_fidelity": same,
    }


def _discrepancies(config, real, fake):
    computed = {}
    if "kid_subsets" in config:
        options = {
            "subsets": config["kid_subsets"],
            "subset_size": config["kid_subset_size"],
            "seed": config["rng_seed"],
        }
        found = _updated(metrics.KernelInceptionDistance(**options), real, fake).result()
        computed = {"kid_mean": found["kid"], "kid_std": found["kid_std"]}
    count = min(len(real), len(fake))
    exact = metrics.KernelInceptionDistance(subsets=None)
    found = _updated(exact, real[:count], fake[:count]).result()
    return {**computed, "mmd2_unbiased_first_n": found["kid"]}


def _neighbors(kind, k, real, fake):
    if kind == "realism":
        return _updated(metrics.RealismScore(k=k), real, fake).scores()
    found = _updated(metrics.PrecisionRecall(k=k), real, fake).result()
    names = ["precision", "recall"]
    if kind == "prdc":
        found |= _updated(metrics.DensityCoverage(k=k), real, fake).result()
        names += ["density", "coverage"]
    return [found[name] for name in names]


def _scores(config, logits):
    computed = {}
    for name, options in (
        ("isc", {"splits": config["isc_splits"], "seed": config["rng_seed"]}),
        ("isc_noshuffle", {"splits": config["isc_splits"], "shuffle": False}),
        ("isc_1split", {"splits": 1, "shuffle": False}),
    ):
        found = _updated(metrics.InceptionScore(**options), None, logits).result()
        computed[name] = [found["inception_score"], found["inception_score_std"]]
    return computed


def _updated(metric, real, fake):
    """The metric after two batches."""
    for side, samples in (("real", real), ("fake", fake)):
        for part in [] if samples is None else np.array_split(samples, [len(samples) // 3]):
            metric.update_state(**{side: part})
    return metric


def _tolerance(name, traces, count):
    if name.startswith("fid"):
        return {"atol": 1e-6 * traces}
    if name.startswith("isc"):
        return {"rtol": 1e-6, "atol": 1e-9}
    if name.startswith("realism"):
        return {"rtol": 1e-4}
    if name.startswith(("prc", "prdc")):
        return {"atol": count}
    return {"atol": 1e-6, "rtol": 1e-4}
