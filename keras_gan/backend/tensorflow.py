"""TensorFlow: gradient tapes, in graphs, XLA or eagerly."""

import tensorflow as tf
from keras import ops, tree

from keras_gan.backend.scope import DeferredScope, commit, is_inside


class Trainer:
    """Nothing to mend: the variables keep their values during `fit`."""


def sync(model):
    del model


def predictor(network):
    return tf.function(lambda x: network(x, training=False))


def value_and_grad(fn, variables, scale_loss=None):
    values = [v.value for v in variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        with DeferredScope() as scope:
            loss, aux = fn()
            scaled = loss if scale_loss is None else scale_loss(loss)
            # The optimizer sums the gradients of all replicas.
            scaled = scaled / ops.cast(_num_replicas(), scaled.dtype)
    gradients = tape.gradient(scaled, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    commit(*scope.updates())
    return (loss, aux), gradients


def grads(fn, values):
    values = [tf.convert_to_tensor(value) for value in values]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        with DeferredScope() as scope:
            outputs = fn(*values)
            total = ops.sum(outputs)
    gradients = tape.gradient(total, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    commit(*scope.updates())
    return outputs, gradients


def detached(fn):
    return tree.map_structure(tf.stop_gradient, fn())


def apply_gradients(optimizer, gradients, variables):
    optimizer.apply(gradients, variables)


def cond(pred, true_fn, false_fn):
    if tf.executing_eagerly():
        return true_fn() if pred else false_fn()
    if not is_inside():
        # A graph's own branches write to variables. Optimizers that scale the loss need this: they
        # have branches inside, which a scope would let leak.
        return tf.cond(pred, true_fn, false_fn)
    written = {}

    @tf.function(autograph=False)
    def discover():
        for fn in (true_fn, false_fn):
            with DeferredScope() as scope:
                fn()
            written.update((id(v), v) for v in scope.written)

    # Both branches must return the same variables, so find the union of their writes first.
    discover.get_concrete_function()
    variables = list(written.values())

    def branch(fn):
        def run():
            with DeferredScope():
                return fn(), [tf.convert_to_tensor(v.value) for v in variables]

        return run

    outputs, values = tf.cond(pred, branch(true_fn), branch(false_fn))
    commit(variables, values)
    return outputs


def run_step(model, step, data):
    del model
    return step(data)


def replica_id():
    if _num_replicas() == 1:
        return 0
    return tf.distribute.get_replica_context().replica_id_in_sync_group


def _num_replicas():
    return tf.distribute.get_strategy().num_replicas_in_sync


def conv(x, kernel, stride, padding):
    return ops.conv(x, kernel, stride, padding, data_format="channels_last")


def conv_transpose(x, kernel, stride, padding):
    return ops.conv_transpose(x, kernel, stride, padding, data_format="channels_last")


def prefers_tiles():
    return False


def batch_normalization(x, scale, offset, epsilon):
    # The one kernel takes images; vectors are images of one pixel.
    images = x if len(x.shape) == 4 else tf.reshape(x, (-1, 1, 1, x.shape[-1]))
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images, scale=scale, offset=offset, mean=[], variance=[], epsilon=epsilon
    )
    y = y if len(x.shape) == 4 else tf.reshape(y, tf.shape(x))
    return y, tf.stop_gradient(mean), tf.stop_gradient(variance)
