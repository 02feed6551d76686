"""Run a model's real training step on given draws, and record what happens inside."""

import contextlib
import functools
from typing import NamedTuple
from unittest import mock

import keras
import numpy as np

import keras_gan
from keras_gan import backend
from parity.case import Unsupported


class Update(NamedTuple):
    """One update of one player: arrays that were computed on the way.

    Attributes:
        gradients: dict by the `id` of the variable.
        logs: dict by name.
        fakes: list, generated images.
        logits: list, what the adversarial loss was given (real if it was, fake).
        penalized: list, images' logits and gradient for each gradient that a penalty took.
    """

    gradients: dict
    logs: dict
    fakes: list
    logits: list
    penalized: list

    @property
    def norm(self):
        """float, of the gradient of all variables together."""
        squares = [np.sum(np.square(g, dtype="float64")) for g in self.gradients.values()]
        return np.sqrt(np.sum(squares))


class Steps:
    """A model's training steps on given draws, as its compiled `train_on_batch` makes them.

    The draws enter as the labels of the batch and what happened leaves as logs, so that the step
    can be compiled once.

    Args:
        gan: `keras_gan.GAN`, which from now on takes its steps only here.
        **arguments: of `gan.compile`.
    """

    def __init__(self, gan, **arguments):
        self.gan = gan
        self.labels = {}
        self._step = functools.partial(type(gan).adversarial_step, gan)
        gan.compile(jit_compile=keras.backend.backend() == "jax", **arguments)
        gan.adversarial_step = self._recorded_step
        gan.unpack = lambda data: keras_gan.Batch(gan.to_network_range(data[0]))

    def __call__(self, images, normal=(), uniform=(), labels=None):
        """One training step.

        Args:
            images: array.
            normal: arrays for the calls of `keras_gan.random.normal`, in order.
            uniform: arrays for those of `keras_gan.random.uniform`.
            labels: dict of arrays, which `self.labels` holds as tensors while the step is made.

        Returns:
            List of `Update`, in order.
        """
        draws = {"normal": list(normal), "uniform": list(uniform), "labels": labels or {}}
        logs = self.gan.train_on_batch(images, draws, return_dict=True)
        found = [
            to_numpy(logs[f"recorded/{i}"]).reshape(shape) for i, shape in enumerate(self._shapes)
        ]
        updates = keras.tree.pack_sequence_as(self._structure, found)
        return [
            update._replace(gradients=dict(zip(variables, update.gradients, strict=True)))
            for update, variables in zip(updates, self._variables, strict=True)
        ]

    def _recorded_step(self, data):
        draws = data[1]
        self.labels = keras.tree.map_structure(keras.ops.convert_to_tensor, draws["labels"])
        self._variables, updates = [], []
        with (
            fed("normal", draws["normal"]),
            fed("uniform", draws["uniform"]),
            mock.patch.object(backend, "value_and_grad", self._recorder(updates)),
        ):
            logs = self._step(data)
        self._structure = updates
        recorded = keras.tree.flatten(updates)
        self._shapes = [tuple(x.shape) for x in recorded]
        return {**logs, **{f"recorded/{i}": x for i, x in enumerate(recorded)}}

    def _recorder(self, updates):
        value_and_grad = backend.value_and_grad
        gan = self.gan

        def recording(fn, variables, **kwargs):
            def with_details():
                details = {"fakes": [], "logits": [], "penalized": []}
                loss = gan.adversarial_loss
                with (
                    noted(gan, "generate_fakes", lambda y, *_: details["fakes"].append(y)),
                    noted(backend, "grads", lambda y, *_: details["penalized"].append(y)),
                    noted(loss, "discriminator", lambda _, *x: details["logits"].extend(x)),
                    noted(loss, "generator", lambda _, *x: details["logits"].extend(x)),
                ):
                    loss, logs = fn()
                details["logits"] = [x for x in details["logits"] if x is not None]
                details["penalized"] = [list(pair) for pair in details["penalized"]]
                return loss, (logs, details)

            (loss, (logs, details)), gradients = value_and_grad(with_details, variables, **kwargs)
            self._variables.append([id(v) for v in variables])
            updates.append(Update(list(gradients), dict(logs), **details))
            return (loss, logs), gradients

        return recording


@contextlib.contextmanager
def fed(function, arrays):
    """Give `arrays` instead of what a function of `keras_gan.random` would draw."""
    queue = list(arrays)

    def draw(shape, seed, *args, **kwargs):
        if not queue:
            raise ValueError(f"The step draws more {function} numbers than the case has.")
        array = keras.ops.convert_to_tensor(queue.pop(0))
        wanted = tuple(int(dimension) for dimension in shape)
        if tuple(array.shape) != wanted:
            raise ValueError(f"The step draws {wanted} {function} numbers, not {array.shape}.")
        return array

    with mock.patch.object(keras_gan.random, function, draw):
        yield
    if queue:
        raise ValueError(f"The step left {len(queue)} of the case's {function} draws.")


def compiled(gan, fn):
    """What `fn()` returns, a structure of tensors, computed as one program.

    One by one, each operation would be compiled by itself on JAX. What it writes is dropped.
    """
    variables = [*gan.variables, *(gan.optimizer.variables if gan.compiled else [])]
    return keras.tree.map_structure(to_numpy, backend.observer(fn, variables)())


def noted(owner, name, note):
    """Call `note(result, *arguments)` whenever `owner.name` is called."""
    original = getattr(owner, name)

    def noting(*args, **kwargs):
        result = original(*args, **kwargs)
        note(result, *args)
        return result

    return mock.patch.object(owner, name, noting)


_OPTIMIZERS = {"Adam": {"beta_1", "beta_2", "epsilon"}, "RMSprop": {"rho", "epsilon"}}


def optimizers(config):
    """Arguments of `compile`: an optimizer for each player, as a case describes it."""
    config = dict(config)
    name, learning_rate = config.pop("name"), config.pop("lr")
    place = config.pop("epsilon_place", "inside")
    if name not in _OPTIMIZERS or set(config) - _OPTIMIZERS[name]:
        raise Unsupported(f"optimizer {name} with {sorted(config)}")
    if name == "RMSprop" and place.startswith("outside"):
        # Keras adds it inside of the root.
        config["epsilon"] = config["epsilon"] ** 2
    return {
        f"{player}_optimizer": getattr(keras.optimizers, name)(learning_rate, **config)
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
        networks: dict from `"generator"` or `"discriminator"` to another network than the model's
            that holds the weights.
    """

    def __init__(self, gan, params, networks=None):
        short = {}
        for name in params:
            prefix, rest = name.split(".", 1)
            short[("generator" if prefix[0] == "G" else "discriminator"), rest] = name
        layout = keras_gan.checkpoints.layouts.find_layout([rest for _, rest in short])
        self._rows = {
            short[role, row.source]: row
            for role in ("generator", "discriminator")
            for row in layout.network(role).rows((networks or {}).get(role, getattr(gan, role)))
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


def sigmoid(logits):
    """Probabilities."""
    return 1 / (1 + np.exp(-to_numpy(logits).astype("float64")))


def channels_last(images, shape=None):
    """Images `(N, C, H, W)`, or flat ones of `shape` (H, W, C), as `(N, H, W, C)`."""
    if shape is not None:
        height, width, channels = shape
        images = images.reshape((-1, channels, height, width))
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))


def channels_first(images):
    """Images `(N, H, W, C)` as `(N, C, H, W)`."""
    return to_numpy(images).transpose(0, 3, 1, 2)
