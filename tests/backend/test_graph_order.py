"""TensorFlow's graph optimizer leaves reads and writes of a variable in the program's order."""

import graphlib

import keras
import numpy as np
import pytest

import keras_gan

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the other backends have no such optimizer"
)

ACCESSES = {"ReadVariableOp", "AssignVariableOp", "AssignSubVariableOp", "AssignAddVariableOp"}


def optimized(step):
    """The graph that runs when a function is called, as TensorFlow's optimizer leaves it."""
    from tensorflow.python.eager import context

    context.enable_run_metadata()
    try:
        step()
        graphs = context.export_run_metadata().function_graphs
    finally:
        context.disable_run_metadata()
    return max((g.post_optimization_graph for g in graphs), key=lambda graph: len(graph.node))


def unordered(graph):
    """How many accesses to variables there are, and the pairs that may race.

    Those are to the same variable, one of them is a write, and neither waits for the other.
    """
    inputs = {n.name: [i.lstrip("^").split(":")[0] for i in n.input] for n in graph.node}
    waits_for = {}
    for name in graphlib.TopologicalSorter(inputs).static_order():
        waits_for[name] = {name}.union(*(waits_for[i] for i in inputs[name]))
    accesses = [n for n in graph.node if n.op in ACCESSES]
    pairs = []
    for i, a in enumerate(accesses):
        for b in accesses[:i]:
            writes = {a.op, b.op} != {"ReadVariableOp"}
            apart = a.name not in waits_for[b.name] and b.name not in waits_for[a.name]
            if a.input[0] == b.input[0] and writes and apart:
                pairs.append((b.name, a.name))
    return len(accesses), pairs


def test_critic_steps_of_wgan():
    gan = keras_gan.WGAN(image_shape=(32, 32, 1), width=2, latent_dim=4, long_critic_steps=0)
    gan.compile(discriminator_steps=2, jit_compile=False)
    images = np.zeros((4, 32, 32, 1), "uint8")
    accesses, pairs = unordered(optimized(lambda: gan.train_on_batch(images)))
    assert accesses > 200
    assert not pairs
