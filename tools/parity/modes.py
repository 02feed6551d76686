"""Mode metrics: counts, shares and divergences of samples with known modes."""

import re

import keras
import numpy as np

from keras_gan import metrics
from parity import training
from parity.case import Unsupported

_CENTRES = {
    "ring8": lambda: [(np.cos(a), np.sin(a)) for a in 2 * np.pi * np.arange(8) / 8],
    "grid25": lambda: [(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)],
}


def gaussian(case):
    """Samples around given means, some of them far off."""
    config, inputs = case.config, case.inputs
    rule = re.search(r"std \* \((\S+) if u_out_i < (\S+) else 1\) \* base_i", config["samples"])
    if rule is None:
        raise Unsupported(f"samples = {config['samples']!r}")
    far, share = (np.float32(number) for number in rule.groups())
    means, std = np.float32(config["means"]), np.float32(config["std"])
    spread = np.where(inputs["u_out"] < share, far, np.float32(1))[:, None]
    samples = means[inputs["mode"]] + std * spread * inputs["base"]
    return _gaussian_figures(config, means, samples)


def toy(case):
    """Samples of some modes of the ring or the grid, all of them too wide or too narrow."""
    config, inputs = case.config, case.inputs
    if config["dataset"] not in _CENTRES:
        raise Unsupported(f"dataset={config['dataset']!r}")
    centres = np.array(_CENTRES[config["dataset"]]())
    allowed = np.array(config["allowed_modes"])
    chosen = centres[allowed[inputs["mode"] % len(allowed)]]
    noise = inputs["noise"].astype("float64")
    samples = (chosen + config["std"] * config["spread"] * noise).astype("float32")
    distance = np.linalg.norm(samples.astype("float64")[:, None] - centres, axis=2).min(axis=1)
    margin = np.abs(distance / config["std"] - config["threshold_std"]).min()
    return {**_gaussian_figures(config, centres, samples), "min_margin": margin}


def stacked(case):
    """Images of one pixel whose channels are labels, read by a classifier that can tell them."""
    labels = np.arange(10)
    classifier = keras.Sequential(
        [keras.Input((1, 1, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    # The nearest label has the highest score.
    classifier.layers[-1].set_weights([2.0 * labels[None], -1.0 * labels**2])
    digits = case.inputs["digits"]
    digits = np.where(digits < case.config["keep"], digits, 0)
    samples = digits[:, None, None, :].astype("float32")
    found = _figures(metrics.StackedModes(classifier, digits.shape[1]), samples)
    return {**found, "counts_head": found["counts"][:50]}


def _gaussian_figures(config, means, samples):
    modes = metrics.GaussianModes(means, config["std"], config["threshold_std"])
    return _figures(modes, samples)


def _figures(modes, samples):
    """All metrics of the samples, in two batches, under the names that the cases use."""
    found = {}
    for names, cls in (
        (["modes"], metrics.ModesCovered),
        (["high_quality"], metrics.HighQualitySamples),
        (["kl", "reverse_kl"], metrics.ModeKL),
        (["jsd", "js"], metrics.ModeJS),
    ):
        metric = cls(modes)
        for part in np.array_split(samples, [len(samples) // 3]):
            metric.update_state(None, part)
        found.update(dict.fromkeys(names, training.to_numpy(metric.result())))
    return {**found, "counts": training.to_numpy(metric.counts)}


# Of the toolbox.
CASES = {"mode_metrics": gaussian}
