"""The controller of ADA: as much augmentation as keeps the discriminator from overfitting."""

import keras
import numpy as np

from keras_gan import augmentation, backend
from keras_gan.checks import check_integer, check_number


class AdaptiveAugmentation(keras.callbacks.Callback):
    """Moves the probability p of `keras_gan.augmentation.ADA` in the course of training.

    A discriminator that overfits is sure of the real images that it trains on: `r_t`, the mean sign
    of their logits, goes from 0 towards 1. Every `interval` steps, p grows if `r_t` since the last
    time was above `target`, and else falls (not below 0), by the images of these steps over
    `kimg * 1000`.

    p and the sums behind `r_t` belong to the compiled model: they are saved with it, and a
    `keras_gan.callbacks.Snapshot` resumes them exactly, in the middle of an interval too. The
    epoch's logs get `ada_probability` and `ada_r_t`, the last ones.

    With `steps_per_execution` above 1, Keras calls back after so many steps only: p then is moved
    at the first call after each `interval` steps, by the images of all steps since the last time.
    A smaller last batch of an epoch counts as a full one.

    Args:
        target: float in [-1, 1], the `r_t` to keep to.
        interval: int >= 1, training steps from one change of p to the next.
        kimg: float > 0, thousands of images over which p goes from 0 to 1 (100 in the paper's
            transfer learning).

    Raises:
        ValueError: if an argument is out of range; in `fit`, if the model was not compiled with one
            `keras_gan.augmentation.ADA`, or a `Snapshot` goes on with a run of other arguments.

    Example:
    ```python
    gan.compile(augmentations=[keras_gan.augmentation.ADA("bgc")])
    gan.fit(images, epochs=100, callbacks=[keras_gan.callbacks.AdaptiveAugmentation(target=0.6)])
    ```

    Reference: Karras, Aittala, Hellsten, Laine, Lehtinen, Aila (2020), Training Generative
    Adversarial Networks with Limited Data, arXiv:2006.06676.
    """

    def __init__(self, target=0.6, interval=4, kimg=500):
        super().__init__()
        check_number("target", target, minimum=-1, maximum=1)
        check_integer("interval", interval, minimum=1)
        check_number("kimg", kimg)
        if not kimg:
            raise ValueError(f"`kimg` must be above 0. Received: {kimg!r}")
        self.target = target
        self.interval = interval
        self.kimg = kimg

    def get_state(self):
        """What a run must go on with."""
        return {"target": self.target, "interval": self.interval, "kimg": self.kimg}

    def set_state(self, state):
        """Raise unless this callback has the settings of `get_state`."""
        if state != self.get_state():
            raise ValueError(
                f"The run's `AdaptiveAugmentation` had {state}. Received: {self.get_state()}. Use "
                "the same to go on with that run, or another directory for a new one."
            )

    # Called by `fit` --------------------------------------------------------------------------

    def begin(self, gan, data):
        """Find what there is to control.

        Args:
            gan: compiled `keras_gan.GAN`.
            data: `keras_gan.training_batches.TrainingBatches`.

        Raises:
            ValueError: see the class.
        """
        found = [a for a in gan.augmentations if isinstance(a, augmentation.ADA)]
        if len(found) != 1:
            raise ValueError(
                "`AdaptiveAugmentation` controls one `keras_gan.augmentation.ADA`: call for "
                'example `gan.compile(augmentations=[keras_gan.augmentation.ADA("bgc")])`. '
                f"Received: augmentations={gan.augmentations}"
            )
        self._state = gan.augmentation_state(found[0])
        self._step_size = data.step_size

    # Called by Keras --------------------------------------------------------------------------

    def on_train_begin(self, logs=None):
        """Count from the model's own step."""
        self._steps_before_epoch = self._steps = self._steps_made()
        # Before the first interval, or steps that were made without this callback: what was seen
        # is not judged.
        if self._read("updated_at") // self.interval != self._steps // self.interval:
            self._begin_interval()

    def on_train_batch_end(self, batch, logs=None):
        """Move p if `interval` steps have passed."""
        before, self._steps = self._steps, self._steps_before_epoch + batch + 1
        if self._steps // self.interval > before // self.interval:
            # Of the last steps of an epoch, with `steps_per_execution`, there may be fewer.
            self._steps = self._steps_made()
            if self._steps // self.interval > before // self.interval:
                self._update()

    def on_epoch_end(self, epoch, logs=None):
        """Add p and `r_t` to the logs."""
        self._steps_before_epoch = self._steps = self._steps_made()
        if logs is not None:
            logs["ada_probability"] = self._read("probability")
            logs["ada_r_t"] = self._read("r_t")

    def _steps_made(self):
        # A backend may hold the state elsewhere until it is asked.
        backend.sync(self.model)
        return int(self.model.step.numpy())

    def _update(self):
        r_t = self._read("signs") / self._read("evaluations")
        images = (self._steps - self._read("updated_at")) * self._step_size
        change = np.sign(r_t - self.target) * images / (self.kimg * 1000)
        self._state["probability"].assign(max(self._read("probability") + change, 0.0))
        self._state["r_t"].assign(r_t)
        self._begin_interval()

    def _begin_interval(self):
        self._state["updated_at"].assign(self._steps)
        self._state["signs"].assign(0.0)
        self._state["evaluations"].assign(0.0)

    def _read(self, name):
        return keras.ops.convert_to_numpy(self._state[name]).item()
