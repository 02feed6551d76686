"""One pass of features for many metrics, and a result that says how it was made."""

import json
import pathlib
from typing import NamedTuple

import keras
import numpy as np

from keras_gan.checks import check_integer
from keras_gan.metrics import real_cache, sources
from keras_gan.metrics.density_coverage import DensityCoverage
from keras_gan.metrics.feature_metric import FeatureMetric
from keras_gan.metrics.features import FeatureExtractor
from keras_gan.metrics.fid_infinity import FIDInfinity
from keras_gan.metrics.frechet_inception_distance import FrechetInceptionDistance
from keras_gan.metrics.inception_score import InceptionScore
from keras_gan.metrics.kernel_inception_distance import KernelInceptionDistance
from keras_gan.metrics.lpips import LPIPS
from keras_gan.metrics.ms_ssim import MultiScaleSSIM
from keras_gan.metrics.path_length import PerceptualPathLength
from keras_gan.metrics.precision_recall import PrecisionRecall
from keras_gan.metrics.sample_metric import SampleMetric
from keras_gan.metrics.sliced_wasserstein import SlicedWasserstein

METRICS = {
    "dc": DensityCoverage,
    "fid": FrechetInceptionDistance,
    "fid_infinity": FIDInfinity,
    "is": InceptionScore,
    "kid": KernelInceptionDistance,
    "ms_ssim": MultiScaleSSIM,
    "pr": PrecisionRecall,
    "swd": SlicedWasserstein,
}
# Path lengths measure a generator; the others images. Arguments by name.
PATH_LENGTHS = {
    "perceptual_path_length": {"name": "ppl"},
    "ppl": {},
    **{
        f"ppl_{space}{sampling}": {"space": space, "sampling": sampling}
        for space in ("w", "z")
        for sampling in ("end", "full")
    },
}
# Gray images of up to this size are what the shipped classifier knows.
_SMALL = 32
_DEFAULT_SAMPLES = 10_000


class Evaluation(NamedTuple):
    """Numbers, and all that they depend on.

    Attributes:
        values: dict of floats by name.
        protocol: dict: extractor, metrics, counts, and the fingerprint of the real images. Numbers
            of unequal protocols are not comparable.
        subject: dict: what was evaluated.

    Example:
    ```python
    result = keras_gan.metrics.evaluate(gan, dataset, ["fid", "kid"])
    result.values["fid"], result.protocol["fake_samples"]
    result.append_to("results.jsonl")
    ```
    """

    values: dict
    protocol: dict
    subject: dict

    def difference(self, other):
        """By how much each number is above another evaluation's.

        Args:
            other: `Evaluation`.

        Returns:
            dict of floats.

        Raises:
            ValueError: if the two were not made by the same protocol; it says what differs.
        """
        if not isinstance(other, Evaluation):
            raise ValueError(f"`other` is an `Evaluation`. Received: {type(other).__name__}")
        mine, theirs = _flat(self.protocol), _flat(other.protocol)
        differing = sorted(k for k in mine | theirs if mine.get(k) != theirs.get(k))
        if differing:
            stated = "; ".join(f"{k}: {mine.get(k)} and {theirs.get(k)}" for k in differing[:5])
            raise ValueError(
                f"These numbers are not comparable, their protocols differ in {stated}. Evaluate "
                "both with the same real images, counts, extractor and metrics."
            )
        return {name: value - other.values[name] for name, value in self.values.items()}

    def append_to(self, path):
        """Append the evaluation to a file of JSON lines.

        Args:
            path: str or path; its folder is made.
        """
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a") as file:
            file.write(json.dumps(self._asdict()) + "\n")

    @classmethod
    def read_all(cls, path):
        """The evaluations of a file of JSON lines.

        Args:
            path: str or path of a file that `append_to` wrote.

        Returns:
            List of `Evaluation`.

        Raises:
            ValueError: if a line is no evaluation.
            OSError: if the file cannot be read.
        """
        found = []
        for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), start=1):
            try:
                found.append(cls(**json.loads(line)))
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"Line {number} of {path} is no evaluation ({error}). Remove it: a run that "
                    "was killed may leave the last line unfinished."
                ) from error
        return found

    def __str__(self):
        width = max(map(len, self.values), default=0)
        lines = [f"{name:{width}}  {value:.6g}" for name, value in self.values.items()]
        extractor = self.protocol["extractor"] or {}
        made = []
        if self.protocol["fake_samples"]:
            made.append(f"{self.protocol['fake_samples']} generated")
            made.append(f"{self.protocol['real_samples']} real")
        if extractor:
            made.append(f"{extractor['network']}, {extractor['output']}, {extractor['resize']}")
        for name, protocol in self.protocol["metrics"].items():
            if "space" in protocol:
                made.append(f"{name} of {protocol['num_samples']} paths in {protocol['space']}")
        return "\n".join([*lines, f"({'; '.join(made)})"])


def evaluate(
    model_or_images,
    dataset,
    metrics=("fid", "kid", "pr"),
    num_samples=None,
    num_real=None,
    extractor=None,
    seed=0,
    truncation=None,
    labels=None,
    ema=True,
    batch_size=64,
    cache=True,
    cache_dir=None,
    verbose=1,
    lpips=None,
):
    """Evaluate a generator, or images that there are, by one pass of features.

    Args:
        model_or_images: `keras_gan.GAN`; or images as `dataset`.
        dataset: real images: folder or zip (at their own sizes), IDX file or `tfds:NAME[:SPLIT]`;
            array `(N, H, W, C)` of uint8 or of floats in [-1, 1]; `keras_gan.data` set, in the
            order of its source and without flips; or any iterable of batches. `None` if there are
            only path lengths to measure.
        metrics: list of names and of metrics of `keras_gan.metrics` without an extractor of their
            own. Names are `"fid"`, `"fid_infinity"`, `"kid"`, `"is"`, `"pr"` (precision and
            recall), `"dc"` (density and coverage), `"swd"`, `"ms_ssim"`; and, of models only,
            `"ppl"` or `"perceptual_path_length"` (in z, over full paths), `"ppl_zfull"`,
            `"ppl_zend"`, `"ppl_wfull"`, `"ppl_wend"`.
        num_samples: int, generated images, and paths; by default 10,000, or all images that there
            are.
        num_real: int, the first real images that are used; by default all.
        extractor: `keras_gan.metrics.FeatureExtractor` or the name of its preset. The first output
            is what metrics compare, and the one whose name begins with `logits` is for the
            Inception score. By default `"fashion_mnist_classifier"` for gray images of up to 32 px,
            the Inception network of FID for others.
        seed: int, of the generated images.
        truncation: see `keras_gan.GAN.generate`.
        labels: the same; of a conditional model by default `"random"`.
        ema: bool, whether the averaged generator is evaluated.
        batch_size: int >= 1, images at once.
        cache: bool, whether features of real images are kept on disk, under a fingerprint of all
            pixels and of the extractor.
        cache_dir: str or path; by default KERAS_GAN_HOME, or `~/.cache/keras_gan`.
        verbose: 0, or 1 for a progress bar.
        lpips: `keras_gan.metrics.LPIPS` for path lengths by name; that of the preset by default.

    Returns:
        `keras_gan.metrics.Evaluation`.

    Raises:
        ValueError: if an argument is out of range, there are too few images, a metric has an
            extractor of its own, or a path length is to be measured without a model.
        OSError: if files cannot be read, or weights not be downloaded.

    Example:
    ```python
    gan = keras_gan.DCGAN.from_preset("dcgan_fashion_mnist_32")
    real = keras_gan.data.idx("t10k-images-idx3-ubyte.gz", image_shape=(32, 32, 1))
    print(keras_gan.metrics.evaluate(gan, real, ["fid", "pr"], num_samples=2000))
    ```

    Reference: Heusel et al. (2017), arXiv:1706.08500 (FID; the other metrics name theirs).
    """
    check_integer("batch_size", batch_size, minimum=1)
    for name, value in (("num_samples", num_samples), ("num_real", num_real)):
        if value is not None:
            check_integer(name, value, minimum=2)
    is_single = isinstance(metrics, (str, SampleMetric, PerceptualPathLength))
    listed = [metrics] if is_single else list(metrics)
    lengths = [metric for metric in listed if _is_path_length(metric)]
    metrics = [metric for metric in listed if not _is_path_length(metric)]
    if hasattr(model_or_images, "generate"):
        options = {"truncation": truncation, "labels": labels, "ema": ema}
        count = num_samples or _DEFAULT_SAMPLES
        fake = sources.Generated(model_or_images, count, seed, batch_size, **options)
    else:
        fake = sources.open_source(model_or_images, batch_size)
    if lengths:
        _check_measurable(lengths, model_or_images, truncation, ema)
        lengths = _resolve_lengths(
            lengths, lpips, num_samples or _DEFAULT_SAMPLES, batch_size, seed
        )
    real, counts = None, [_least(fake.count, num_samples)]
    if metrics or not lengths:
        real = sources.open_source(dataset, batch_size)
        counts.append(_least(real.count, num_real))
    metrics = _resolve(metrics, counts)
    names = [metric.name for metric in (*metrics, *lengths)]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"`metrics` are one or more, with names of their own. Received: {names}")

    subject, digest = dict(fake.protocol), None
    extractor = _extractor(extractor, metrics, real)
    if metrics:
        subject["real"] = real.protocol
        bar = keras.utils.Progbar(
            None if None in counts else sum(counts), verbose=verbose, unit_name="image"
        )
        digest, found = _add_real(real, num_real, metrics, extractor, bar, cache, cache_dir)
        _check_found(found, "real images", "num_real", num_real)
        made = _add_fake(fake, num_samples, metrics, extractor, bar)
        _check_found(made, "images to evaluate", "num_samples", num_samples)
        bar.update(found + made, finalize=True)
    values, protocols = {}, {}
    for metric in metrics:
        values.update(metric.numbers())
        protocols[metric.name] = metric.protocol
        # How it was computed, which changes nothing that is seen.
        if route := getattr(metric, "route", None):
            subject["route"] = route
    protocol = {
        "extractor": None if extractor is None else extractor.protocol,
        "metrics": protocols,
        "real_sha256": digest,
        "real_samples": max((p["real_samples"] for p in protocols.values()), default=0),
        "fake_samples": max((p["fake_samples"] for p in protocols.values()), default=0),
    }
    for length in lengths:
        values[length.name] = length(model_or_images).mean
        protocols[length.name] = length.protocol
    values = {name: float(value) for name, value in values.items()}
    return Evaluation(values, json.loads(json.dumps(protocol)), json.loads(json.dumps(subject)))


def _is_path_length(metric):
    if isinstance(metric, str):
        return metric in PATH_LENGTHS
    return isinstance(metric, PerceptualPathLength)


def _check_measurable(lengths, model, truncation, ema):
    if hasattr(model, "ema_generator") and truncation is None and ema:
        return
    names = [getattr(length, "name", length) for length in lengths]
    raise ValueError(
        "A path length (PPL) is that of a model's averaged generator without truncation: images "
        f"alone have none. Leave {names} out, or pass a `keras_gan.GAN` with `ema=True` and no "
        f"`truncation`. Received: {type(model).__name__}, ema={ema}, truncation={truncation}"
    )


def _resolve_lengths(lengths, lpips, count, batch_size, seed):
    """Path lengths of names and path lengths."""
    resolved = []
    for length in lengths:
        if isinstance(length, str):
            lpips = LPIPS.from_preset() if lpips is None else lpips
            options = {"name": length, **PATH_LENGTHS[length]}
            options |= {"num_samples": count, "batch_size": batch_size, "seed": seed}
            length = PerceptualPathLength(lpips, **options)
        resolved.append(length)
    return resolved


def _least(*counts):
    known = [count for count in counts if count is not None]
    return min(known, default=None)


def _resolve(metrics, counts):
    """Metrics of names and metrics, without state; counts of generated and of real images."""
    resolved = []
    for metric in metrics:
        if isinstance(metric, str) and metric in METRICS:
            options, known = {}, [count for count in counts if count is not None]
            if metric == "kid":
                # As StyleGAN's and clean-fid's code, where there are fewer images.
                options["subset_size"] = min([1000, *known])
            if metric == "fid_infinity" and counts[0] is not None:
                # Of fewer than 10,000 images, the line goes over the upper half.
                options["min_samples"] = max(2, min(5000, counts[0] // 2))
            metric = METRICS[metric](**options)
        if not isinstance(metric, SampleMetric):
            raise ValueError(
                f"Metrics are {sorted(METRICS | PATH_LENGTHS)}, or metrics of keras_gan.metrics. "
                f"Received: {metric!r}"
            )
        if getattr(metric, "extractor", None) is not None:
            raise ValueError(
                f"{type(metric).__name__} has an extractor of its own, but all metrics share one "
                "pass of features. Pass `extractor` to `evaluate` instead."
            )
        metric.reset_state()
        resolved.append(metric)
    return resolved


def _extractor(extractor, metrics, real):
    if not any(isinstance(metric, FeatureMetric) for metric in metrics):
        return None
    with_logits = any(isinstance(metric, InceptionScore) for metric in metrics)
    if extractor is None:
        extractor = _default_extractor(real)
    if isinstance(extractor, (str, pathlib.Path)):
        return FeatureExtractor.from_preset(extractor, logits=with_logits)
    if not isinstance(extractor, FeatureExtractor):
        raise ValueError(
            "`extractor` is a `keras_gan.metrics.FeatureExtractor`, or the name of a preset. "
            f"Received: {extractor!r}"
        )
    if with_logits and extractor.logits is None:
        raise ValueError(
            f"The Inception score takes an output `logits...`, which {extractor.name} lacks. Name "
            "it as another of its `output`s, or leave the score out."
        )
    return extractor


def _default_extractor(real):
    if real.is_stream:
        raise ValueError(
            "Say which `extractor` to use: images of a generator can be looked at only once."
        )
    first = next(iter(real.batches()), ())
    if not len(first):
        raise ValueError("There are 0 real images. Use more images.")
    height, width, channels = np.shape(first[0])
    is_small = channels == 1 and max(height, width) <= _SMALL
    return "fashion_mnist_classifier" if is_small else "inception_v3_2015_12_05"


def _add_real(real, count, metrics, extractor, bar, cache, cache_dir):
    """Feed real images to the metrics; their fingerprint and how many there were."""
    only_features = all(isinstance(metric, FeatureMetric) for metric in metrics)
    hashing = sources.Fingerprint()
    if extractor is None or not cache or not only_features or real.is_stream:
        for images in hashing.of(sources.first(real.batches(), count)):
            _update(metrics, "real", images, _features(extractor, images))
            bar.add(len(images))
        return hashing.hexdigest(), hashing.count
    for _ in hashing.of(sources.first(real.batches(), count)):
        pass
    stored = real_cache.Entry(hashing.hexdigest(), extractor.protocol, cache_dir)
    rows = stored.load(hashing.count)
    if rows is not None:
        _update(metrics, "real", None, rows)
        bar.add(hashing.count)
        return hashing.hexdigest(), hashing.count
    kept = []
    for images in sources.first(real.batches(), count):
        kept.append(_features(extractor, images))
        _update(metrics, "real", images, kept[-1])
        bar.add(len(images))
    if kept:
        stored.save(kept)
    return hashing.hexdigest(), hashing.count


def _add_fake(fake, count, metrics, extractor, bar):
    """Feed images that are evaluated to the metrics; how many there were."""
    found = 0
    for images in sources.first(fake.batches(), count):
        _update(metrics, "fake", images, _features(extractor, images))
        bar.add(len(images))
        found += len(images)
    return found


def _check_found(found, what, name, wanted):
    if found < (wanted or 1):
        limit = f", fewer than `{name}`: {wanted}" if wanted else ""
        raise ValueError(f"There are {found} {what}{limit}. Use more images or a smaller number.")


def _features(extractor, images):
    """What the metrics take: dict of `"features"`, and of `"logits"` if there are some."""
    if extractor is None:
        return {}
    found = extractor(images)
    if not isinstance(found, dict):
        return {"features": found}
    named = {"features": found[extractor.output[0]]}
    if extractor.logits is not None:
        named["logits"] = found[extractor.logits]
    return named


def _update(metrics, which, images, features):
    for metric in metrics:
        if isinstance(metric, InceptionScore):
            samples = features["logits"]
        else:
            samples = features["features"] if isinstance(metric, FeatureMetric) else images
        metric.update_state(**{which: samples})


def _flat(tree, prefix=""):
    if not isinstance(tree, dict):
        return {prefix: tree}
    found = {}
    for name, value in tree.items():
        found.update(_flat(value, f"{prefix}.{name}" if prefix else name))
    return found
