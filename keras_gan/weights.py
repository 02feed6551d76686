"""Weights that go from one network to its equal."""

import keras


def copy_weights(source, target):
    """Give a network the weights of another of the same architecture.

    One by one: a list of all weights, as of `get_weights`, would be a network more in memory.

    Args:
        source: built Keras model or layer.
        target: another, whose weights have the same shapes in the same order.

    Raises:
        ValueError: if it has others.
    """
    for weight, copy in zip(source.weights, target.weights, strict=True):
        copy.assign(keras.ops.convert_to_numpy(weight))
