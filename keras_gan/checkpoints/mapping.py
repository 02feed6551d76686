"""The words in which a checkpoint layout is written down."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

# Axes of a stored kernel in the order of Keras' kernel (height, width, ...).
TORCH_CONV = (2, 3, 1, 0)  # Conv2d (out, in, h, w), ConvTranspose2d (in, out, h, w)


class Row(NamedTuple):
    """One tensor of the checkpoint and the weight that it belongs to.

    Attributes:
        source: str, the tensor's name, without the prefix of the network.
        weight: `keras.Variable`.
        axes: tuple of int, the order in which the weight has the tensor's axes; `None` if the same.
        split: tuple of int, the shape in which the axes are reordered where that is not the
            tensor's own: a dense layer beside a flattened `(C, H, W)` map. The result is flattened
            again.
        linear: bool, whether the tensor is the matrix `(out, in)` of PyTorch's Linear, which is
            transposed first.
        negative: bool, whether the weight is minus the tensor.
    """

    source: str
    weight: Any
    axes: tuple | None = None
    split: tuple | None = None
    linear: bool = False
    negative: bool = False

    @property
    def shape(self):
        """The shape that the tensor must have."""
        shape = tuple(self.weight.shape)
        if self.linear:
            return shape[::-1]
        if self.axes is None or self.split is not None:
            return shape
        return tuple(shape[i] for i in np.argsort(self.axes))

    def to_keras(self, tensor):
        """The weight's value for a stored tensor."""
        tensor = -np.asarray(tensor) if self.negative else np.asarray(tensor)
        return self._reorder(tensor.T if self.linear else tensor, self.split, self.axes)

    def to_source(self, value):
        """The tensor that would be stored for a value (or gradient) of the weight."""
        value = -np.asarray(value) if self.negative else np.asarray(value)
        if self.axes is not None:
            split = self.split and tuple(self.split[i] for i in self.axes)
            value = self._reorder(value, split, np.argsort(self.axes))
        return value.T if self.linear else value

    def _reorder(self, value, split, axes):
        if self.axes is None:
            return value
        if split is None:
            return value.transpose(axes)
        return value.reshape(split).transpose(axes).reshape(value.shape)


class Network(NamedTuple):
    """How one network of a layout is stored.

    Attributes:
        config: function from the network's tensors to the constructor's arguments that they tell.
            It compares the sizes of all large tensors before anything is built of that size.
        rows: function from a built network to its `Row`s.
        constants: function from a built network to the tensors, by name, that never change: they
            are not read, and exported.
    """

    config: Callable
    rows: Callable
    constants: Callable = lambda network: {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """A public format of checkpoints.

    Attributes:
        name: str.
        model: str, name of the class in `keras_gan.models`.
        signature: names, or patterns with the wildcards of a shell, of which any file of this
            layout holds at least one.
        absent: names that no file of this layout holds.
        network_of: function from the tensors by name to the network that has them, `"generator"` or
            `"discriminator"`, where nothing else tells.
        generator: `Network`.
        discriminator: `Network`.
        defaults: arguments of the constructor that go with files of this layout, unless others are
            given.
        own: dict from an argument that both networks may tell to a pair: the discriminator's own,
            and the value of that one by which the networks agree.
        ignored: ends of names that are read and not used.
        computed: function from a network to the weights that its tensors do not tell.
        finish: function of a loaded network that sets the computed weights.
        prepare: function from the networks' `Tensors`, a dict in which `None` stands for those
            whose names tell no network, to those that the rows name; `None` where they do.
    """

    name: str
    model: str
    signature: tuple
    network_of: Callable
    generator: Network
    discriminator: Network
    absent: tuple = ()
    defaults: dict = dataclasses.field(default_factory=dict)
    own: dict = dataclasses.field(default_factory=dict)
    ignored: tuple = ()
    computed: Callable = lambda network: []
    finish: Callable = lambda network: None
    prepare: Callable | None = None

    def network(self, role):
        """The `Network` behind `"generator"`, `"ema_generator"` or `"discriminator"`."""
        return self.discriminator if role == "discriminator" else self.generator


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkLayout:
    """A public format of the weights of one network that is not a GAN's.

    Attributes:
        name: str.
        model: str, name of the class registered for presets.
        rows: function from a model to its `Row`s.
        prepare: function from the `Tensors` to those that the rows name, where they differ.
        ignored: beginnings of names that are read and not used.
    """

    name: str
    model: str
    rows: Callable
    prepare: Callable = lambda tensors: tensors
    ignored: tuple = ()


class Tensors(dict):
    """Tensors by name, where a missing one is an error that says so.

    Args:
        tensors: dict of dotted names to NumPy arrays, or nothing.
        attributes: dict from the path of a module to the dict of its plain attributes, where the
            file tells more than tensors.

    Example:
    ```python
    tensors = keras_gan.checkpoints.read_tensors("ffhq.pkl")
    tensors["G_ema.synthesis.b4.const"].shape  # (512, 4, 4)
    tensors.attributes["G_ema.synthesis.b4"]["architecture"]  # "skip"
    ```
    """

    def __init__(self, tensors=(), attributes=None):
        super().__init__(tensors)
        self.attributes = attributes or {}

    def __missing__(self, name):
        raise ValueError(f"The checkpoint lacks the tensor '{name}'. Received: {shortened(self)}")

    def expect(self, name, shape):
        """Raise unless tensor `name` has the given shape."""
        if self[name].shape != tuple(shape):
            raise ValueError(
                f"The tensor '{name}' should have the shape {tuple(shape)}, by its neighbours. "
                f"Received: {self[name].shape}"
            )

    def dimensions(self, name, rank):
        """The shape of tensor `name`, which has `rank` axes."""
        if self[name].ndim != rank:
            raise ValueError(
                f"The tensor '{name}' should have {rank} axes. Received: shape {self[name].shape}"
            )
        return self[name].shape


def shortened(names, most=12):
    """A list of names for an error message."""
    names = [str(name) for name in names]
    rest = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + rest if names else "none"


def without_leading(name, tensor, count):
    """`tensor` without its first `count` axes, which have one entry."""
    if tensor.shape[:count] != (1,) * count:
        raise ValueError(
            f"The tensor '{name}' should begin with {count} axes of one entry. Received: shape "
            f"{tensor.shape}"
        )
    return tensor.reshape(tensor.shape[count:])
