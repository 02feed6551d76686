"""Pictures of the same latents throughout training."""

import pathlib

import keras

from keras_gan import backend, images, latents
from keras_gan.checks import check_integer


class SampleGrid(keras.callbacks.Callback):
    """Writes a grid of generated images as training goes on, always of the same latents.

    The files are `fakes_init.png`, from before the first step, and `fakes00001000.png` and so on,
    numbered by the model's step counter. In a distributed run, one process writes them.

    Args:
        directory: str or path of the folder for the PNG files; created when training begins.
        seeds: list of int or str such as `"0-35"`: one image for each.
        every_steps: int, steps from one grid to the next; `None` for epochs instead.
        every_epochs: int, epochs from one grid to the next, where `every_steps` is `None`.
        columns: int, images in a row; about square by default.
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
        seeds="0-35",
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
        self.seeds = latents.parse_seeds(seeds)
        self.every_steps = every_steps
        self.every_epochs = every_epochs
        self.columns = columns
        self.truncation = truncation
        self._writer = _tensorboard_writer(tensorboard if backend.is_chief() else None)
        self._steps_before_epoch = 0

    def on_train_begin(self, logs=None):
        """Write the grid of the untrained model."""
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
        samples = self.model.generate(seeds=self.seeds, truncation=self.truncation)
        grid = images.make_grid(samples, self.columns)
        images.save_png(self.directory / name, grid)
        if self._writer is not None:
            self._writer.add_image("samples", grid, step, dataformats="HWC")


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
