"""The mixtures in the plane: one run of a remedy, and the table."""

import keras
import numpy as np

from keras_gan import metrics
from mode_benchmarks import published, remedies, runs, tables
from mode_benchmarks.mixtures import MIXTURES

_TRAINING = 100_000
_GENERATED = 2_500


class Planar:
    """A mixture as a benchmark.

    Args:
        name: str, of the mixture.
    """

    remedies = remedies.REMEDIES

    def __init__(self, name):
        self.name = name
        self.mixture = MIXTURES[name]

    def run(self, remedy, seed, options, folder):
        """The run of a remedy with a seed, made or loaded: a dict, see `runs.load_or_make`."""
        chosen = self.remedies[remedy]
        steps = options.steps or chosen.steps
        protocol = {
            "data": self.name,
            "remedy": remedy,
            "seed": seed,
            "steps": steps,
            "batch_size": chosen.batch_size,
            "training_samples": _TRAINING,
            "generated_samples": _GENERATED,
        }
        place = folder / f"{remedy}_{steps}" / str(seed)

        def make():
            keras.utils.set_random_seed(seed)
            gan = chosen.build(self.mixture, steps, seed)
            # The seed of the samples differs from that of the model's own draws.
            images = self.mixture.images(_TRAINING, [seed, 0])
            diverged_at = runs.train(gan, images, chosen.batch_size, steps, place)
            figures, samples = self._judge(gan)
            return {**figures, "diverged_at": diverged_at}, samples

        return runs.load_or_make(place, protocol, make)

    def _judge(self, gan):
        seeds = np.arange(_GENERATED)
        samples = gan.generate(seeds=seeds, output_type="float", batch_size=_GENERATED)
        modes = self.mixture.modes()
        figures = {}
        for metric in (
            metrics.ModesCovered(modes),
            metrics.HighQualitySamples(modes),
            metrics.ModeKL(modes),
        ):
            metric.update_state(None, samples)
            figures[metric.name] = float(metric.result())
        return figures, samples.reshape(-1, 2) * np.float32(self.mixture.extent)

    def stored(self, folder):
        """All runs of the folder."""
        return runs.stored(folder)

    def table(self, folder):
        """The table of all runs of the folder, as Markdown."""
        groups = runs.grouped(self.stored(folder), list(self.remedies))
        ours = [
            (name, steps, [_row(figures) for figures in every]) for name, steps, every in groups
        ]
        head = [f"modes of {len(self.mixture.means)}", "high quality %", "reverse KL"]
        return tables.table(head, ours, published.MIXTURES[self.name])


def _row(figures):
    share = 100 * figures["high_quality_samples"]
    return figures["modes_covered"], share, figures["mode_kl"]


BENCHMARKS = {name: Planar(name) for name in MIXTURES}
