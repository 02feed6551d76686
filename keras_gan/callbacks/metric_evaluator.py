"""Metrics of generated images throughout training, and the best model kept."""

import pathlib

import keras

from keras_gan import backend
from keras_gan.checks import check_integer
from keras_gan.files import atomic_file, remove_partial
from keras_gan.metrics.evaluation import evaluate

# Where more is better.
_GROWING = ("coverage", "density", "f_score", "inception_score", "precision", "recall")


class MetricEvaluator(keras.callbacks.Callback):
    """Evaluates the averaged generator as training goes on, and keeps the best model.

    The numbers are added to the epoch's logs, so that they are in `History`, and in callbacks that
    follow in the list. Evaluating draws nothing from training's random streams.

    Args:
        dataset: real images, see `keras_gan.metrics.evaluate`. Their features are computed once.
        metrics: list of names or metrics, see there.
        num_samples: int, generated images; 50,000 for FIDs to publish, fewer to watch a run.
        every_epochs: int >= 1, epochs from one evaluation to the next.
        best: str or path of a `.keras` file for the model with the best `monitor`, or `None`.
        initial_value_threshold: float, what `monitor` must be better than to be kept: the best of
            the run that this one continues.
        monitor: str, one of the numbers; by default the first metric's first.
        mode: `"min"` or `"max"`, which is better; by default known by the name.
        log: str or path of a file of JSON lines, one `keras_gan.metrics.Evaluation` each, or
            `None`.
        **options: `num_real`, `extractor`, `seed`, `truncation`, `labels`, `batch_size`, `cache`,
            `cache_dir`, `lpips` of `keras_gan.metrics.evaluate`.

    Attributes:
        evaluations: list of `(step, Evaluation)`.
        best_value: float, the best so far, or `None` before the first evaluation.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    evaluator = keras_gan.callbacks.MetricEvaluator(
        dataset, ["fid"], num_samples=5000, best="best.keras"
    )
    gan.fit(dataset, epochs=25, callbacks=[evaluator])
    ```
    """

    def __init__(
        self,
        dataset,
        metrics=("fid",),
        num_samples=5000,
        every_epochs=1,
        best=None,
        initial_value_threshold=None,
        monitor=None,
        mode=None,
        log=None,
        **options,
    ):
        super().__init__()
        check_integer("num_samples", num_samples, minimum=2)
        check_integer("every_epochs", every_epochs, minimum=1)
        if mode not in (None, "min", "max"):
            raise ValueError(f"`mode` is 'min', 'max' or None. Received: {mode!r}")
        if best is not None and pathlib.Path(best).suffix != ".keras":
            raise ValueError(f"`best` is the path of a .keras file. Received: {best!r}")
        self.dataset = dataset
        self.metrics = metrics
        self.num_samples = num_samples
        self.every_epochs = every_epochs
        self.best = None if best is None else pathlib.Path(best)
        self.monitor = monitor
        self.mode = mode
        self.log = log
        self.options = {"verbose": 0, **options}
        self.evaluations = []
        self.best_value = initial_value_threshold

    def on_train_begin(self, logs=None):
        """Remove what a run that was killed left of `best`."""
        if self.best is not None and backend.is_chief():
            remove_partial(self.best.parent, self.best.name)

    def on_epoch_end(self, epoch, logs=None):
        """Evaluate if `every_epochs` epochs have passed."""
        if (epoch + 1) % self.every_epochs or not backend.is_chief():
            return
        result = evaluate(self.model, self.dataset, self.metrics, self.num_samples, **self.options)
        step = int(self.model.step.numpy())
        result = result._replace(subject={**result.subject, "step": step})
        self.evaluations.append((step, result))
        if logs is not None:
            logs.update(result.values)
        if self._is_best(result.values):
            self._save()
        if self.log is not None:
            result.append_to(self.log)

    def _is_best(self, values):
        monitor = next(iter(values)) if self.monitor is None else self.monitor
        if monitor not in values:
            raise ValueError(f"`monitor` is one of {list(values)}. Received: {self.monitor!r}")
        value = values[monitor]
        grows = self.mode == "max" or (self.mode is None and monitor in _GROWING)
        if self.best_value is not None and not (
            value > self.best_value if grows else value < self.best_value
        ):
            return False
        self.best_value = value
        return True

    def _save(self):
        if self.best is None:
            return
        self.best.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(self.best) as temporary:
            self.model.save(temporary)
