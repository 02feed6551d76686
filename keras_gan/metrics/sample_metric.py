"""The base of metrics that collect real and generated samples on the host."""

import keras

from keras_gan.metrics.feature_arrays import masked, to_host


class SampleMetric(keras.metrics.Metric):
    """Base class: a set of real and one of generated samples, kept on the host.

    A subclass sets `default_name` and `settings`, the names of those of its arguments that results
    depend on, says what it keeps of a set in `new_state`, and implements `result`. States live in
    NumPy, so `update_state` is called outside of compiled steps: float64 is there on every
    backend, and no metric's memory is part of a training step.

    Args:
        name: str.
        dtype: dtype of the metric; states and results do not depend on it.

    Attributes:
        real: state of the real samples.
        fake: state of the generated samples.
    """

    default_name = None
    settings = ()

    def __init__(self, name=None, dtype=None):
        super().__init__(name=name or self.default_name, dtype=dtype)
        self.reset_state()

    def new_state(self):
        """What is kept of a set: an object with `count`, `update(samples)` and `merge(other)`.

        Its `checked(samples)` returns what `update` takes, or raises a ValueError.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `new_state`.")

    def reset_state(self):
        """Forget all samples."""
        self.real, self.fake = self.new_state(), self.new_state()

    def update_state(self, real=None, fake=None, mask=None):
        """Add samples of either set, or of both; if one is refused, neither is kept.

        Args:
            real: array or tensor `(N, ...)`.
            fake: the same of generated samples.
            mask: bool array `(N,)`, false for padding, of the set or sets that are given.

        Raises:
            ValueError: if these are not what the metric takes.
        """
        given = [
            (state, masked(to_host(samples), mask))
            for state, samples in ((self.real, real), (self.fake, fake))
            if samples is not None
        ]
        for state, samples in self._checked(given):
            state.update(samples)

    def _checked(self, given):
        """Pairs of a state and what is added to it, of which nothing will be refused."""
        return [(state, state.checked(samples)) for state, samples in given]

    def merge_state(self, metrics):
        """Add the samples of other metrics of this class, such as those of other replicas.

        Args:
            metrics: list of metrics.

        Raises:
            ValueError: if one is of another class, or its samples come from elsewhere.
        """
        metrics = list(metrics)
        for metric in metrics:
            if type(metric) is not type(self) or metric._origin() != self._origin():
                raise ValueError(
                    "Only metrics of one class with samples of the same kind can be merged. "
                    f"Received: {type(metric).__name__} of {_described(metric)} for "
                    f"{type(self).__name__} of {_described(self)}"
                )
        for metric in metrics:
            self._merge(metric)

    def numbers(self):
        """The result as a dict of numbers by name."""
        result = self.result()
        return result if isinstance(result, dict) else {self.name: result}

    def _origin(self):
        """What the samples of metrics that are merged have in common."""
        return None

    def _merge(self, other):
        self.real.merge(other.real)
        self.fake.merge(other.fake)

    @property
    def protocol(self):
        """Dict: what a number depends on besides the images. Compare only what agrees in it."""
        counts = {"real_samples": self.real.count, "fake_samples": self.fake.count}
        return {"metric": type(self).__name__, **self._settings(), **counts}

    def _settings(self):
        serialize = keras.saving.serialize_keras_object
        return {setting: serialize(getattr(self, setting)) for setting in self.settings}

    def get_config(self):
        """The constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype, **self._settings()}


def _described(metric):
    origin = metric._origin() if hasattr(metric, "_origin") else None
    return "samples as they are given" if origin is None else repr(origin)
