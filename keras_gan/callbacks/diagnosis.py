"""A doctor for sick training."""

import dataclasses
import json
import math
import statistics

import keras
import numpy as np

from keras_gan import backend
from keras_gan.checks import check_integer
from keras_gan.diagnosis.diseases import DISEASES, MOVEMENT_STEPS, Series, kind_of
from keras_gan.diagnosis.probe import Probe

# Probes without a sign of a disease before it counts as over.
_PROBES_TO_RECOVER = 5
# Signals of the report, and what healthy runs showed.
_SIGNALS = {
    "real_score": "",
    "fake_score": "",
    "margin": "below 10; 0 where D knows nothing",
    "bce": "0.1 to 1.3; 1.39 where D knows nothing",
    "real_accuracy": "",
    "fake_accuracy": "",
    "diversity": "0.8 to 1.2, less at first",
    "movement": "below 0.6",
    "g_grad_norm": "steady or falling",
    "slope": "0.9 to 1.7 with a gradient penalty",
    "held_out_score": "near real_score",
    "sigma_generator": "grows less than twofold in 1000 steps",
    "sigma_discriminator": "grows less than twofold in 1000 steps",
}
_LOGGED = ("diversity", "movement", "margin", "g_grad_norm", "slope", "held_out_score")
_NOT_FINITE = (
    "A value became NaN or infinite; from here on, every weight would. Training stops.",
    "Use lower learning rates, a regularizer, or bfloat16 instead of float16; then go on.",
)


@dataclasses.dataclass
class Finding:
    """What `keras_gan.callbacks.Diagnosis` has found.

    Attributes:
        name: str, such as `"mode_collapse"`.
        step: int, when it was found.
        words: str, what is happening.
        evidence: dict from the name of a signal to its value at that step.
        action: str, what to do next.
        ended: int, the step at which it was over, or `None`.
    """

    name: str
    step: int
    words: str
    evidence: dict
    action: str
    ended: int | None = None

    def __str__(self):
        numbers = ", ".join(f"{name} {_number(value)}" for name, value in self.evidence.items())
        return f"{self.name} at step {self.step}: {self.words} [{numbers}] {self.action}"


class Diagnosis(keras.callbacks.Callback):
    """Watches a run, and says in plain words when it gets sick, why, and what to do.

    Every `interval` steps it measures the model's vital signs on a fixed sample of the training
    images and as many generated ones, and judges how they went over the last steps:

    - `discriminator_wins`: it is certain of all images (cross-entropy losses only).
    - `generator_wins`: the discriminator is fooled, or blind, by images that are not like the data.
    - `mode_collapse`: samples are much more alike than real images. The loss of half of many modes
      leaves distances as they are: count modes for that.
    - `oscillation`: what is generated as a whole changes again and again instead of improving.
    - `divergence`: scores, slope, gradients or images run away.
    - `discriminator_overfits`: real images that it was not trained on look generated to it. Needs
      `validation_data` in `fit`, or `held_out`.
    - `singular_values_grow`: a layer's weights explode.
    - `not_finite`: NaN or infinity. Training stops. With a `keras_gan.callbacks.Snapshot` in the
      same `fit`, that one puts the last good state back; else the model gets the state of the last
      probe, which this callback keeps (a copy of all variables in the host's memory).

    A finding is printed when it appears and when it is over. The signals are added to the epoch's
    logs, so `History` has them, and callbacks after this one, such as TensorBoard's. The signals:
    `margin`, the mean score (logit) of real images minus that of generated ones; `spread`, the
    standard deviation of scores; `bce`, the cross-entropy of telling them apart; `diversity`, the
    mean distance between samples over that between real images (of one class, where there are
    labels), as seen at no more than 32 pixels; `movement`, how far the mean sample moved in 100
    steps, in the same unit; `g_grad_norm`, of the generator's gradient; `slope`, the norm of a
    Wasserstein critic's gradient between real and generated images; `sigma/...`, the largest
    singular value of each kernel, by power iteration; `generator_updates`, how many there were.

    The probe leaves no trace: a run ends with the same bits with and without it. It costs about two
    training steps each time, and on JAX and TensorFlow a compilation.

    Args:
        interval: int >= 1, steps from one probe to the next. A disease is named after at least 200
            steps and three probes.
        samples: int >= 2, real and generated images that are compared.
        held_out: images that are not trained on, as `fit` takes them, or a pair with their labels;
            those of `validation_data` by default, if it is an array or a `keras_gan.data` set.

    Attributes:
        findings: list of `Finding`, oldest first.
        signals: list of dicts, one for each probe: `"step"` and the signals by name.

    Raises:
        ValueError: if an argument is out of range; in `fit`, if `held_out` does not fit the model.

    Example:
    ```python
    diagnosis = keras_gan.callbacks.Diagnosis()
    gan.fit(dataset, epochs=25, callbacks=[diagnosis])
    print(diagnosis.report())
    diagnosis.plot().savefig("signals.png")
    ```

    References: Brock, Donahue, Simonyan (2018), BigGAN, arXiv:1809.11096 (singular values); Karras
    et al. (2020), Training GANs with Limited Data, arXiv:2006.06676 (held-out scores); Gulrajani et
    al. (2017), Improved Training of Wasserstein GANs, arXiv:1704.00028 (slope).
    """

    def __init__(self, interval=100, samples=256, held_out=None):
        super().__init__()
        check_integer("interval", interval, minimum=1)
        check_integer("samples", samples, minimum=2)
        self.interval = interval
        self.samples = samples
        self.held_out = held_out
        self._forget()

    def _forget(self):
        self.findings = []
        self.signals = []
        self._quiet = {}
        self._mean_images = []
        self._good = None

    # Called by `fit` --------------------------------------------------------------------------

    def begin(self, gan, data, held_out, has_snapshot):
        """Get to know the patient.

        Args:
            gan: compiled `keras_gan.GAN`.
            data: `keras_gan.training_batches.TrainingBatches`.
            held_out: function from a count to a tuple of arrays, so many images that are not
                trained on (or to `None`); or `None`.
            has_snapshot: bool, whether another callback keeps the last good state.
        """
        if self.model is not None and self.model is not gan:
            self._forget()
        # A mean score needs fewer images than distances.
        count = -(-self.samples // 2)
        self._held_out = None if held_out is None else held_out(count)
        if self.held_out is not None:
            parts = self.held_out if isinstance(self.held_out, tuple) else (self.held_out,)
            gan.check_batch(parts)
            self._held_out = tuple(part[:count] for part in parts)
        data.keep_first(self.samples)
        self._data = data
        self._has_snapshot = has_snapshot
        self._kind = kind_of(gan.adversarial_loss)
        self._probe = None

    def get_state(self):
        """Signals and findings, for `keras_gan.callbacks.Snapshot`."""
        findings = [dataclasses.asdict(finding) for finding in self.findings]
        return {"signals": self.signals, "findings": findings, "quiet": self._quiet}

    def set_state(self, state):
        """Go on with the signals and findings of `get_state`."""
        state = json.loads(json.dumps(state))
        self.signals, self._quiet = state["signals"], state["quiet"]
        self.findings = [Finding(**finding) for finding in state["findings"]]

    # Called by Keras --------------------------------------------------------------------------

    def on_train_begin(self, logs=None):
        """Count from the model's own step."""
        self._steps_before_epoch = self._steps = int(self.model.step.numpy())
        self._updates = self._generator_updates()

    def on_train_batch_end(self, batch, logs=None):
        """Examine the model if `interval` steps have passed."""
        before, self._steps = self._steps, self._steps_before_epoch + batch + 1
        if self._steps // self.interval > before // self.interval:
            self._examine(logs)

    def on_epoch_end(self, epoch, logs=None):
        """Add the last signals to the logs."""
        self._steps_before_epoch = self._steps
        if self._probe is None:
            # A short epoch: the logs of all epochs have the same names.
            self._examine(logs)
        if logs is not None and self.signals and not self._is_stopped():
            last = {**self.signals[-1], **_largest_sigmas(self.signals[-1])}
            names = (*_LOGGED, "sigma_generator", "sigma_discriminator")
            logs.update({name: last[name] for name in names if name in last})

    # The examination --------------------------------------------------------------------------

    def _examine(self, logs):
        if self._is_stopped():
            return
        if self._probe is None:
            real = self._data.kept
            if len(real[0]) < max(2, self.model.packing):
                return
            self._probe = Probe(self.model, real, self._held_out, self._data.share_size)
        row = {"step": self._steps, **self._probe.measure()}
        self._follow(row)
        before, self._updates = self._updates, self._generator_updates()
        # Another `compile` begins to count anew: what is added up is right for all of the run.
        counted = self.signals[-1]["generator_updates"] if self.signals else 0
        row["generator_updates"] = counted + self._updates - before
        losses = {name: float(value) for name, value in (logs or {}).items()}
        bad = {k: v for k, v in {**losses, **row}.items() if not math.isfinite(v)}
        if bad:
            self._stop(bad)
            return
        self.signals.append(row)
        self._judge()
        if not self._has_snapshot:
            self._good = [np.array(keras.ops.convert_to_numpy(v)) for v in self._all_variables()]

    def _generator_updates(self):
        updates = self.model.optimizer.players["generator"].iterations
        return int(keras.ops.convert_to_numpy(updates))

    def _follow(self, row):
        """Replace the mean image by how far it has moved."""
        image = row.pop("mean_image")
        old = [i for step, i in self._mean_images if step <= self._steps - MOVEMENT_STEPS]
        if old:
            row["movement"] = float(np.linalg.norm(image - old[-1]))
        self._mean_images.append((self._steps, image))
        # Those of the last steps, and one before them.
        while len(old) > 1:
            old.pop()
            del self._mean_images[0]

    def _judge(self):
        series = Series(self.signals, self._kind)
        for disease in DISEASES:
            evidence = disease.signs(series)
            current = self._current(disease.name)
            if evidence is not None:
                self._quiet[disease.name] = 0
                if current is None:
                    action = disease.remedy(self.model, evidence)
                    self._report_finding(disease.name, disease.words, evidence, action)
            elif current is not None:
                self._quiet[disease.name] += 1
                if self._quiet[disease.name] >= _PROBES_TO_RECOVER:
                    current.ended = self._steps
                    _print(f"{disease.name} is over at step {self._steps}.")

    def _current(self, name):
        found = [f for f in self.findings if f.name == name and f.ended is None]
        return found[0] if found else None

    def _report_finding(self, *content):
        name, words, evidence, action = content
        self.findings.append(Finding(name, self._steps, words, evidence, action))
        _print(str(self.findings[-1]))

    # NaN --------------------------------------------------------------------------------------

    def _stop(self, bad):
        words, action = _NOT_FINITE
        if self._has_snapshot:
            action = f"The model gets the weights of the last snapshot back. {action}"
        elif self._good is not None:
            for variable, value in zip(self._all_variables(), self._good, strict=True):
                variable.assign(value)
            step = self.signals[-1]["step"]
            action = f"The model is again as it was at step {step}. {action}"
        self.model.stop_training = True
        self._report_finding("not_finite", words, bad, action)

    def _is_stopped(self):
        return self._current("not_finite") is not None

    def _all_variables(self):
        return [*self.model.variables, *self.model.optimizer.variables]

    # For the reader ---------------------------------------------------------------------------

    def report(self):
        """The signals and findings of the run as a table.

        Returns:
            str, to be printed.

        Raises:
            ValueError: if nothing has been measured yet.
        """
        rows = self._rows()
        lines = [
            f"Diagnosis at step {rows[-1]['step']}, after {len(rows)} probes",
            f"{'signal':<20} {'lowest':>9} {'median':>9} {'highest':>9} {'now':>9}  healthy",
        ]
        for name, healthy in _SIGNALS.items():
            values = [row[name] for row in rows if name in row]
            if values:
                figures = (min(values), statistics.median(values), max(values), values[-1])
                columns = " ".join(f"{_number(figure):>9}" for figure in figures)
                lines.append(f"{name:<20} {columns}  {healthy}".rstrip())
        lines.append("Findings:" if self.findings else "Findings: none")
        for finding in self.findings:
            until = "now" if finding.ended is None else f"step {finding.ended}"
            lines.append(f"- until {until}: {finding}")
        return "\n".join(lines)

    def plot(self):
        """The curves of the signals, with the time of each finding shaded. Needs matplotlib.

        Returns:
            `matplotlib.figure.Figure`; save it with `.savefig(path)`.

        Raises:
            ValueError: if nothing has been measured yet.
            ImportError: if matplotlib is not installed.
        """
        rows = self._rows()
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise ImportError(
                "`plot` needs matplotlib: pip install keras-gan[plot]. `report()` needs nothing."
            ) from None
        figure = Figure(figsize=(12, 6), layout="constrained")
        axes = figure.subplots(2, 3, sharex=True).flat
        for axis, (title, (names, log, level)) in zip(axes, _PANELS.items(), strict=True):
            for name in names:
                points = [(row["step"], row[name]) for row in rows if name in row]
                if points:
                    axis.plot(*zip(*points, strict=True), marker=".", label=name)
            axis.set_title(title)
            axis.set_yscale("log" if log else "linear")
            if level is not None:
                axis.axhline(level, color="gray", linestyle=":")
            for number, finding in enumerate(self.findings):
                end = rows[-1]["step"] if finding.ended is None else finding.ended
                label = finding.name if axis is figure.axes[0] else None
                color = f"C{(number + 4) % 10}"
                axis.axvspan(finding.step, end, color=color, alpha=0.15, label=label)
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize="small")
        for axis in figure.axes[3:]:
            axis.set_xlabel("step")
        return figure

    def _rows(self):
        if not self.signals:
            raise ValueError(
                "Nothing has been measured yet: pass this callback to `fit` with more steps than "
                f"its interval. Received: interval={self.interval}"
            )
        return [{**row, **_largest_sigmas(row)} for row in self.signals]


# Title to the signals of a panel, whether its axis is logarithmic, and a level to compare with.
_PANELS = {
    "mean scores (logits)": (("real_score", "fake_score", "held_out_score"), False, 0),
    "share told right": (("real_accuracy", "fake_accuracy"), False, 0.5),
    "diversity of samples / of real images": (("diversity",), False, 1),
    "movement of the mean sample in 100 steps": (("movement",), False, None),
    "gradients": (("g_grad_norm", "slope"), True, None),
    "largest singular values": (("sigma_generator", "sigma_discriminator"), True, None),
}


def _largest_sigmas(row):
    """The largest of all layers of a player, which are many."""
    return {
        f"sigma_{player}": max(values)
        for player in ("generator", "discriminator")
        if (values := [v for name, v in row.items() if name.startswith(f"sigma/{player}/")])
    }


def _number(value):
    return value if isinstance(value, str) else f"{value:.3g}"


def _print(message):
    if backend.is_chief():
        print(f"\nDiagnosis: {message}", flush=True)
