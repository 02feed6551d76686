"""Run a model's real training step on given draws, and record what happens inside."""

import contextlib
from typing import NamedTuple
from unittest import mock

import keras
import numpy as np

import keras_gan
from keras_gan import backend
from parity.case import Unsupported


class Update(NamedTuple):
    """One update of one player.

    Attributes:
        loss: float.
        logs: dict of floats.
        logits: list of arrays that the adversarial loss was given (real, fake; `None` if absent).
        gradients: dict of arrays by `id` of the variable.
    """

    loss: float
    logs: dict
    logits: list
    gradients: dict

    @property
    def norm(self):
        """float, of the gradient of all variables together."""
        squares = [np.sum(np.square(g, dtype="float64")) for g in self.gradients.values()]
        return np.sqrt(np.sum(squares))


class Recorded(keras_gan.losses.AdversarialLoss):
    """An adversarial loss that remembers the logits it was called with."""

    def __init__(self, loss):
        self.loss = loss
        self.generator_uses_real = loss.generator_uses_real
        self.logits = []

    def discriminator(self, real, fake):
        """As the loss inside."""
        self.logits[:] = [real, fake]
        return self.loss.discriminator(real, fake)

    def generator(self, real, fake):
        """As the loss inside."""
        self.logits[:] = [fake] if real is None else [real, fake]
        return self.loss.generator(real, fake)


def compile_recorded(gan, loss, **arguments):
    """`gan.compile(...)` with a loss that records, run eagerly so that the draws are fed anew."""
    gan.compile(loss=Recorded(loss), run_eagerly=True, **arguments)


def step(gan, images, normal=(), uniform=()):
    """`gan.train_on_batch(images)` with the given numbers instead of random ones.

    Args:
        gan: compiled by `compile_recorded`.
        images: array.
        normal: arrays for the calls of `keras_gan.random.normal`, in order.
        uniform: arrays for those of `keras_gan.random.uniform`.

    Returns:
        List of `Update`, in order.
    """
    updates = []
    value_and_grad = backend.value_and_grad

    def recording(fn, variables, **kwargs):
        def with_logits():
            loss, logs = fn()
            return loss, (logs, list(gan.adversarial_loss.logits))

        (loss, (logs, logits)), gradients = value_and_grad(with_logits, variables, **kwargs)
        by_variable = {id(v): to_numpy(g) for v, g in zip(variables, gradients, strict=True)}
        numbers = {name: float(to_numpy(value)) for name, value in logs.items()}
        updates.append(
            Update(float(to_numpy(loss)), numbers, [to_numpy(x) for x in logits], by_variable)
        )
        return (loss, logs), gradients

    with (
        mock.patch.object(backend, "value_and_grad", recording),
        _fed("normal", normal),
        _fed("uniform", uniform),
    ):
        gan.train_on_batch(images)
    return updates


@contextlib.contextmanager
def _fed(function, arrays):
    queue = list(arrays)

    def draw(shape, seed, *args, **kwargs):
        if not queue:
            raise ValueError(f"The step draws more {function} numbers than the case has.")
        array = queue.pop(0)
        wanted = tuple(int(dimension) for dimension in shape)
        if array.shape != wanted:
            raise ValueError(f"The step draws {wanted} {function} numbers, not {array.shape}.")
        return keras.ops.convert_to_tensor(array)

    with mock.patch.object(keras_gan.random, function, draw):
        yield
    if queue:
        raise ValueError(f"The step left {len(queue)} of the case's {function} draws.")


def optimizers(config):
    """Arguments of `compile`: an optimizer for each player, as a case describes it."""
    config = dict(config)
    name, learning_rate = config.pop("name"), config.pop("lr")
    if name != "Adam" or set(config) - {"beta_1", "beta_2", "epsilon"}:
        raise Unsupported(f"optimizer {name} with {sorted(config)}")
    return {
        f"{player}_optimizer": keras.optimizers.Adam(learning_rate, **config)
        for player in ("generator", "discriminator")
    }


def frozen():
    """Arguments of `compile` that leave all weights as they are."""
    players = ("generator", "discriminator")
    return {f"{player}_optimizer": keras.optimizers.SGD(0.0) for player in players}


class Names:
    """The names of the checkpoint and the weights of a model that it was loaded into.

    Args:
        gan: the model.
        params: names of the case's tensors.
    """

    def __init__(self, gan, params):
        short = {}
        for name in params:
            prefix, rest = name.split(".", 1)
            short[("generator" if prefix[0] == "G" else "discriminator"), rest] = name
        layout = keras_gan.checkpoints.layouts.find_layout([rest for _, rest in short])
        self._rows = {
            short[role, row.source]: row
            for role in ("generator", "discriminator")
            for row in layout.network(role).rows(getattr(gan, role))
        }

    def values(self):
        """dict: name of a tensor to its present value, in the reference's shape."""
        return {name: row.to_source(to_numpy(row.weight)) for name, row in self._rows.items()}

    def gradients(self, update):
        """dict: name of a tensor to its gradient in an `Update`."""
        return {
            name: row.to_source(update.gradients[id(row.weight)])
            for name, row in self._rows.items()
            if id(row.weight) in update.gradients
        }


def changes(before, after, outputs):
    """Outputs `delta_norm/`, `delta_sample/` and `final/` of training steps."""
    computed = {}
    for name, value in after.items():
        delta = np.asarray(value, "float64") - np.asarray(before[name], "float64")
        computed[f"delta_norm/{name}"] = np.sqrt(np.sum(delta**2))
        if (key := f"delta_sample/{name}") in outputs:
            computed[key] = sample(delta, outputs[key].size)
        computed[f"final/{name}"] = value
    return computed


def sample(values, count):
    """`count` evenly spaced elements of the flattened array, as the cases store them."""
    flat = np.asarray(values).ravel()
    return flat[:: max(1, flat.size // count)][:count]


def to_numpy(x):
    """A tensor or variable as an array that later updates do not change."""
    return np.array(keras.ops.convert_to_numpy(x))


def channels_last(images, shape=None):
    """Images `(N, C, H, W)`, or flat ones of `shape` (H, W, C), as `(N, H, W, C)`."""
    if shape is not None:
        height, width, channels = shape
        images = images.reshape((-1, channels, height, width))
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))


def channels_first(images):
    """Images `(N, H, W, C)` as `(N, C, H, W)`."""
    return to_numpy(images).transpose(0, 3, 1, 2)
