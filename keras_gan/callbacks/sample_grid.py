"""Pictures of the same latents throughout training."""

import pathlib

import keras

from keras_gan import backend, images, latents
from keras_gan.checks import check_integer
from keras_gan.files import remove_partial


class SampleGrid(keras.callbacks.Callback):
    """Writes a grid of generated images as training goes on, always of the same latents.

    The grid of a conditional model has a row for each class, with the same latents in all rows.

    The files are `fakes_init.png`, from before the first step, and `fakes00001000.png` and so on,
    numbered by the model's step counter. In a distributed run, one process writes them.

    Args:
        directory: str or path of the folder for the PNG files; created when training begins.
        seeds: list of int or str such as `"0-35"`: one image for each, of a conditional model one
            in each row. By default `"0-35"`, or `"0-9"`.
        labels: list of int or str such as `"0-9"`: the classes that a conditional model shows, one
            in each row; by default the first ten. Of others, `None`.
        every_steps: int, steps from one grid to the next; `None` for epochs instead.
        every_epochs: int, epochs from one grid to the next, where `every_steps` is `None`.
        columns: int, images in a row; about square by default. Not for conditional models.
        truncation: float or `None`, see `keras_gan.GAN.generate`.
        tensorboard: str or path of a log folder to write the grids to for TensorBoard as well, or
            `None`. Needs the package tensorboardX (`pip install keras-gan[tensorboard]`).

    Raises:
        ValueError: if an argument is out of range.
        ImportError: if `tensorboard` is given and tensorboardX is not installed.

    Example:
    ```python
    gan.fit(dataset, epochs=25, callbacks=[keras_gan.callbacks.SampleGrid("samples/")])
    ```
    """

    def __init__(
        self,
        directory,
        seeds=None,
        labels=None,
        every_steps=None,
        every_epochs=1,
        columns=None,
        truncation=None,
        tensorboard=None,
    ):
        super().__init__()
        if every_steps is not None:
            check_integer("every_steps", every_steps, minimum=1)
        check_integer("every_epochs", every_epochs, minimum=1)
        self.directory = pathlib.Path(directory)
        self.seeds = None if seeds is None else latents.parse_seeds(seeds)
        self.labels = None if labels is None else latents.parse_seeds(labels)
        self.every_steps = every_steps
        self.every_epochs = every_epochs
        self.columns = columns
        self.truncation = truncation
        self._writer = _tensorboard_writer(tensorboard if backend.is_chief() else None)
        self._steps_before_epoch = 0

    def on_train_begin(self, logs=None):
        """Write the grid of the untrained model, where no step was made before."""
        self._check_labels()
        if backend.is_chief():
            remove_partial(self.directory)
        self._steps_before_epoch = self._steps = int(self.model.step.numpy())
        if self._steps == 0:
            self._write("fakes_init.png", 0)

    def on_train_batch_end(self, batch, logs=None):
        """Write a grid if `every_steps` steps have passed."""
        before, self._steps = self._steps, self._steps_before_epoch + batch + 1
        if self.every_steps and self._steps // self.every_steps > before // self.every_steps:
            self._write(f"fakes{self._steps:08d}.png", self._steps)

    def on_epoch_end(self, epoch, logs=None):
        """Write a grid if `every_epochs` epochs have passed."""
        self._steps_before_epoch = self._steps
        if not self.every_steps and (epoch + 1) % self.every_epochs == 0:
            self._write(f"fakes{self._steps:08d}.png", self._steps)

    def on_train_end(self, logs=None):
        """Finish the TensorBoard log."""
        if self._writer is not None:
            self._writer.flush()

    def _write(self, name, step):
        if not backend.is_chief():
            return
        grid = images.make_grid(*self._samples())
        images.save_png(self.directory / name, grid)
        if self._writer is not None:
            self._writer.add_image("samples", grid, step, dataformats="HWC")

    def _check_labels(self):
        classes = self.model.num_classes
        if classes is None and self.labels is not None:
            raise ValueError(
                f"{type(self.model).__name__} knows no classes. Remove `labels`. Received: "
                f"{self.labels}"
            )
        if classes is not None and self.columns is not None:
            raise ValueError(
                "The rows of a conditional model's grid are classes and its columns seeds. Remove "
                f"`columns`. Received: {self.columns}"
            )

    def _samples(self):
        """`(images, images in a row)`."""
        classes = self.model.num_classes
        if classes is None:
            seeds = self.seeds or latents.parse_seeds("0-35")
            return self.model.generate(seeds=seeds, truncation=self.truncation), self.columns
        seeds = self.seeds or latents.parse_seeds("0-9")
        rows = self.labels or range(min(classes, 10))
        samples = self.model.generate(
            seeds=seeds * len(rows),
            labels=[label for label in rows for _ in seeds],
            truncation=self.truncation,
        )
        return samples, len(seeds)


def _tensorboard_writer(directory):
    if directory is None:
        return None
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise ImportError(
            "`tensorboard=...` needs the package tensorboardX: pip install keras-gan[tensorboard]"
        ) from None
    return SummaryWriter(str(directory))
