"""The diseases of a GAN in training: how each is told from its vital signs, and what helps.

A disease is judged by what `keras_gan.diagnosis.probe.Probe` measured over some hundred steps,
never by one moment: healthy GANs swing. The thresholds lie between what sick and healthy runs were
seen to do (lowest .. highest of probes in every 50th step, from the first on; every 100th of the
runs of tools/classic_runs.md, on Fashion-MNIST 28):

| run | margin | bce | diversity | movement | slope |
|---|---|---|---|---|---|
| DCGAN, Fashion-MNIST 32, steps 1-1000 | 3.5 .. 6.3 | .15 .. .79 | .14 .. .95 | .14 .. .37 | |
| the same, 250 steps from the preset | 4.4 .. 4.9 | .35 .. 1.3 | 1.0 .. 1.04 | .05 .. .09 | |
| DCGAN, emoji 64, steps 1-300 | 6.5 .. 10.6 | .02 .. .17 | .05 .. .32 | .19 .. .25 | |
| the same, 250 steps from the preset | 6.4 .. 8.1 | .08 .. .16 | .95 .. .99 | .07 .. .11 | |
| WGAN-GP, Fashion-MNIST 32, steps 1-450 | 4.9 .. 23 | | .72 .. .95 | .06 .. .37 | 1.2 .. 1.7 |
| ConditionalDCGAN, steps 1-1200 | .74 .. 3.1 | .55 .. 1.1 | .70 .. .93 | .12 .. .21 | |
| ACGAN, steps 1-570 | 1.3 .. 2.3 | .88 .. 1.2 | .28 .. .76 | .19 .. .56 | |
| MLPGAN, steps 1-1500 | .68 .. 3.2 | .46 .. 1.6 | .68 .. .91 | .31 .. .49 | |
| MaxoutGAN, steps 1-1500 | .61 .. 8.0 | .46 .. 1.2 | .09 .. .75 | .22 .. .45 | |
| LSGAN, steps 1-900 | .15 .. .38 | | .79 .. .99 | .08 .. .20 | |
| ConditionalGAN, steps 1-1200 | .20 .. .73 | | .65 .. .84 | .35 .. .58 | |
| WGAN, steps 1-1500 | .03 .. .10 | | .14 .. .47 | .02 .. .17 | .01 |
| ring, R1 | .03 .. .12 | 1.3 .. 1.4 | .69 .. .95 | .02 .. .19 | |
| ring, D 200 times as fast, 5 steps | 11 .. 28 | .03 .. .28 | .42 .. .61 | .02 .. .42 | |
| ring, G 100 times as fast | -6.3 .. .55 | 1.2 .. 7.1 | .06 .. 21 | .01 .. 113 | |
| ring, plain, both 1e-3 | -.21 .. .77 | 1.1 .. 1.6 | .12 .. .56 | .4 .. 2.0 | |
| ring, generator without noise | | | .02 .. .04 | .87 .. 1.7 | |
| ring, Wasserstein without penalty | -600 .. 330 | | .15 .. 1.9 | .27 .. 4.7 | 7 .. 1240 |

What a healthy run does at its start is the hardest to tell from a disease: samples are all alike,
the discriminator is far ahead and singular values grow several times over. So diversity that
rises, a lead that shrinks and a growth less than tenfold in the first 1000 steps are left alone;
and WGAN's generator makes 25 updates in its first 500 steps, so that it is judged by those.
"""

import dataclasses
import statistics
from collections.abc import Callable

import keras

from keras_gan import losses

# Steps over which a sign must last, and probes that must have seen it.
_WINDOW, _MIN_PROBES = 200, 3
# Networks start with small weights that grow fast at first.
_STARTUP = 1000
# The lag of the signal "movement".
MOVEMENT_STEPS = 100


class Series:
    """The signals of a run, oldest first.

    Args:
        rows: list of dicts, `"step"` and the signals that a probe measured at it.
        kind: `"bce"`, `"saturating"`, `"wasserstein"` or `"other"`: what the scores mean.
    """

    def __init__(self, rows, kind):
        self.rows = rows
        self.kind = kind

    @property
    def step(self):
        """int, the step of the last probe."""
        return self.rows[-1]["step"]

    def last(self, steps=_WINDOW, count="step"):
        """The rows of the last `steps` steps, at least three; none if the run is shorter.

        Args:
            steps: int.
            count: `"step"`, or `"generator_updates"` to count those instead.
        """
        now = self.rows[-1][count]
        rows = [row for row in self.rows if row[count] >= now - steps]
        rows = rows if len(rows) >= _MIN_PROBES else self.rows[-_MIN_PROBES:]
        long_enough = now - self.rows[0][count] >= steps
        return rows if long_enough and len(rows) >= _MIN_PROBES else []

    def before(self, steps):
        """The rows of before the last `steps` steps."""
        return [row for row in self.rows if row["step"] < self.step - steps]

    def throughout(self, sick, steps=_WINDOW):
        """Whether every row of the last `steps` steps is `sick`."""
        rows = self.last(steps)
        return bool(rows) and all(sick(row) for row in rows)


def kind_of(loss):
    """What the scores of a discriminator that is trained with `loss` mean, for a `Series`."""
    if isinstance(loss, losses.Minimax):
        return "saturating"
    if isinstance(loss, losses.NonSaturating):
        return "bce"
    return "wasserstein" if isinstance(loss, losses.Wasserstein) else "other"


@dataclasses.dataclass(frozen=True)
class Disease:
    """A disease.

    Attributes:
        name: str.
        words: str, what is happening, in plain words.
        signs: function from a `Series` to the dict of numbers that give it away, or `None`.
        remedy: function from the model and that dict to a str, the next action.
    """

    name: str
    words: str
    signs: Callable
    remedy: Callable


def _evidence(row, *names):
    return {name: row[name] for name in names if name in row}


# The discriminator wins ---------------------------------------------------------------------------


def _discriminator_wins(series):
    if series.kind not in ("bce", "saturating"):
        return None
    # The saturating loss has next to no gradient left there; the other one points at a cliff.
    margin = 6 if series.kind == "saturating" else 10
    rows = series.last()
    # It may be far ahead at the start; a generator that learns catches up.
    lasting = rows and rows[-1]["margin"] > 0.9 * rows[0]["margin"]
    if lasting and all(row["margin"] > margin and row["bce"] < 0.4 for row in rows):
        names = ("bce", "margin", "real_accuracy", "fake_accuracy", "g_grad_norm")
        return _evidence(series.rows[-1], *names)
    return None


def _rates(gan):
    players = gan.optimizer.players
    return [
        float(keras.ops.convert_to_numpy(players[name].learning_rate))
        for name in ("generator", "discriminator")
    ]


def _slow_down_discriminator(gan, evidence):
    del evidence
    generator, discriminator = _rates(gan)
    name = type(gan.optimizer.players["discriminator"]).__name__
    actions = []
    if isinstance(gan.adversarial_loss, losses.Minimax):
        actions.append('Use the loss that does not saturate: `gan.compile(loss="non_saturating")`.')
    if discriminator > generator:
        actions.append(
            "Give both the same learning rate: `gan.compile(discriminator_optimizer="
            f"keras.optimizers.{name}({generator:g}))` or a higher one to the generator."
        )
    else:
        actions.append(
            "Lower the discriminator's learning rate: `gan.compile(discriminator_optimizer="
            f"keras.optimizers.{name}({discriminator / 4:g}))`."
        )
    if gan.discriminator_steps > 1:
        actions.append("Let it take one step in turn: `gan.compile(discriminator_steps=1)`.")
    actions.append(
        "In a discriminator without batch normalisation, a gradient penalty helps as well: "
        "`gan.compile(regularizers=[keras_gan.regularizers.R1(gamma=1.0)])`."
    )
    return " ".join(actions)


# The generator wins -------------------------------------------------------------------------------


def _generator_wins(series):
    def fooled(row):
        return row["margin"] < -0.5 * row["spread"]

    def blind(row):
        guesses = row["margin"] <= 0.05 and row["bce"] >= 1.38 and row["spread"] < 0.3
        # Where samples are as diverse as the data, this is the equilibrium.
        return series.kind in ("bce", "saturating") and guesses and not _is_diverse(row)

    if series.throughout(fooled) or series.throughout(blind):
        return _evidence(series.rows[-1], "margin", "spread", "bce", "diversity")
    return None


def _is_diverse(row):
    return 0.8 <= row["diversity"] <= 1.2


def _strengthen_discriminator(gan, evidence):
    del evidence
    generator, discriminator = _rates(gan)
    name = type(gan.optimizer.players["discriminator"]).__name__
    return (
        "Let the discriminator learn faster: `gan.compile(discriminator_optimizer="
        f"keras.optimizers.{name}({max(4 * discriminator, generator):g}))`, or more often: "
        f"`gan.compile(discriminator_steps={gan.discriminator_steps + 1})`. If it stays blind, "
        "give it more layers or filters."
    )


# Modes collapse -----------------------------------------------------------------------------------


def _modes_collapse(series):
    # A generator that waits for its critic cannot get better: its own updates count.
    rows = series.last(300, "generator_updates")
    if not rows or max(row["diversity"] for row in rows) >= 0.6:
        return None
    # Training begins with images that are all alike: wait as long as that gets better.
    half = len(rows) // 2
    earlier = statistics.fmean(row["diversity"] for row in rows[:half])
    later = statistics.fmean(row["diversity"] for row in rows[-half:])
    best = max(row["diversity"] for row in rows[:-1])
    if later > 1.05 * earlier or rows[-1]["diversity"] > 1.05 * best:
        return None
    return {**_evidence(rows[-1], "diversity"), "diversity_before": rows[0]["diversity"]}


def _restore_diversity(gan, evidence):
    del evidence
    penalty = (
        "`gan.compile(regularizers=[keras_gan.regularizers.GradientPenalty(10.0)])`"
        if isinstance(gan.adversarial_loss, losses.Wasserstein)
        else "`gan.compile(regularizers=[keras_gan.regularizers.R1(gamma=1.0)])`"
    )
    actions = []
    if not gan.regularizers:
        actions.append(
            f"Penalise the discriminator's gradient: {penalty} (in a discriminator without batch "
            "normalisation)."
        )
    if gan.packing == 1:
        actions.append(
            "Let the discriminator see several images at once: make the model with `packing=2`, or "
            "put a `keras_gan.layers.MinibatchStdDev()` before its last layers."
        )
    actions.append("Larger batches help, too. Look at the samples for twins.")
    return " ".join(actions)


# Oscillation and divergence -----------------------------------------------------------------------


def _oscillates(series):
    rows = [row for row in series.last(500) if "movement" in row]
    if len(rows) < _MIN_PROBES or not series.throughout(lambda row: "movement" in row, 400):
        return None
    movement = statistics.median(row["movement"] for row in rows)
    if movement < 0.6:
        return None
    return {
        "movement": movement,
        "margin_lowest": min(row["margin"] for row in rows),
        "margin_highest": max(row["margin"] for row in rows),
        "g_grad_norm": rows[-1]["g_grad_norm"],
    }


def _calm_down(gan, evidence):
    del evidence
    generator, discriminator = _rates(gan)
    return (
        "Damp the game: `gan.compile(regularizers=[keras_gan.regularizers.R1(gamma=1.0)])` (in a "
        "discriminator without batch normalisation), Adam with beta_1=0 and lower learning rates "
        f"for both (they are {generator:g} and {discriminator:g}), and sample from an average of "
        "the generator: `gan.compile(ema_decay=0.999)`."
    )


def _diverges(series):
    def far(row):
        return max(abs(row["real_score"]), abs(row["fake_score"])) > 100

    last = series.rows[-1]
    if series.kind == "wasserstein":
        # Scores of a Wasserstein critic have no zero: how steep it is counts.
        if series.throughout(lambda row: row["slope"] > 5):
            return _evidence(last, "slope", "margin")
    elif series.throughout(far):
        return _evidence(last, "real_score", "fake_score", "bce")
    scatter = [row["diversity"] for row in series.last()]
    if scatter and min(scatter) > 2 and scatter[-1] > 1.1 * scatter[0]:
        return _evidence(last, "diversity", "margin")
    earlier = [row["g_grad_norm"] for row in series.before(_WINDOW)]
    if len(earlier) >= _MIN_PROBES:
        usual = statistics.median(earlier)
        if series.throughout(lambda row: row["g_grad_norm"] > 20 * usual > 0):
            return {**_evidence(last, "g_grad_norm"), "g_grad_norm_usual": usual}
    return None


def _bound(gan, evidence):
    if "slope" in evidence:
        return (
            'A Wasserstein critic must have slope 1: `gan.compile(loss="wasserstein", '
            "regularizers=[keras_gan.regularizers.GradientPenalty(10.0)])`. If it has the penalty "
            "already, raise its weight or lower the critic's learning rate."
        )
    return "Divide both learning rates by 4 or more. " + _calm_down(gan, evidence)


# The discriminator overfits -----------------------------------------------------------------------


def _discriminator_overfits(series):
    def sick(row):
        # As long as it tells nothing apart, the ratio means nothing.
        tells_apart = row["margin"] > 0.5 * row["spread"]
        gap = row["real_score"] - row.get("held_out_score", row["real_score"])
        return tells_apart and gap > 0.5 * row["margin"]

    if not series.throughout(sick):
        return None
    return _evidence(series.rows[-1], "real_score", "held_out_score", "fake_score")


def _feed_discriminator(gan, evidence):
    del gan, evidence
    return (
        "The generator can only get worse from here: stop, and use the weights of before. More "
        "images help most; mirrored ones count (`keras_gan.data.image_folder(..., flip=True)`). "
        "Augment what the discriminator sees: `gan.compile(augmentations=["
        "keras_gan.augmentation.DiffAugment()])`. A smaller discriminator, or `R1` with a larger "
        "gamma, also delays it."
    )


# Singular values grow -----------------------------------------------------------------------------


def _singular_values_grow(series):
    last = series.rows[-1]
    rows = [row for row in series.rows if row["step"] >= series.step - 1000]
    if len(rows) < _MIN_PROBES:
        return None
    first = rows[0]
    limit = 2 if first["step"] >= _STARTUP else 10
    paths = [name for name in last if name.startswith("sigma/")]
    ratios = {path: last[path] / max(first[path], 1e-12) for path in paths if path in first}
    path = max(ratios, key=ratios.get, default=None)
    if path is None or ratios[path] < limit:
        return None
    return {
        "layer": path.removeprefix("sigma/"),
        "sigma": last[path],
        "sigma_before": first[path],
        "steps": last["step"] - first["step"],
    }


def _hold_weights(gan, evidence):
    player = evidence["layer"].partition("/")[0]
    rate = _rates(gan)[player == "discriminator"]
    name = type(gan.optimizer.players[player]).__name__
    return (
        "In large models this comes before a collapse: keep several snapshots "
        "(`keras_gan.callbacks.Snapshot(..., keep=5)`) and go back to one of before if the samples "
        f"get worse. Lower the {player}'s learning rate: `gan.compile({player}_optimizer="
        f"keras.optimizers.{name}({rate / 4:g}))`, or bound the layer: "
        "`keras_gan.layers.SpectralNormalization`."
    )


DISEASES = [
    Disease(
        "discriminator_wins",
        "The discriminator wins: it is certain of nearly every image, and the generator learns "
        "little from an opponent whom nothing impresses.",
        _discriminator_wins,
        _slow_down_discriminator,
    ),
    Disease(
        "generator_wins",
        "The generator wins: the discriminator does not tell its images from real ones, though "
        "they are not like them. What it teaches is noise.",
        _generator_wins,
        _strengthen_discriminator,
    ),
    Disease(
        "mode_collapse",
        "Modes collapse: the generator makes few kinds of images, much more alike than the real "
        "ones are.",
        _modes_collapse,
        _restore_diversity,
    ),
    Disease(
        "oscillation",
        "The players go round in circles: what the generator makes as a whole is another thing "
        "every hundred steps, instead of improving.",
        _oscillates,
        _calm_down,
    ),
    Disease(
        "divergence",
        "The game runs away: scores, gradients or images grow without a bound.",
        _diverges,
        _bound,
    ),
    Disease(
        "discriminator_overfits",
        "The discriminator overfits: it knows the training images by heart, and takes other real "
        "images for generated ones.",
        _discriminator_overfits,
        _feed_discriminator,
    ),
    Disease(
        "singular_values_grow",
        "The weights of a layer explode: its largest singular value has multiplied.",
        _singular_values_grow,
        _hold_weights,
    ),
]
