"""TensorFlow: gradient tapes, in graphs, XLA or eagerly."""

import functools

import numpy as np
import tensorflow as tf
from keras import ops, tree

from keras_gan.backend.scope import DeferredScope, commit, is_inside

# This pass of the graph optimizer drops the order of a variable's read and its later write where it
# sees a path of data between them, which the folding of constants then removes: the gradient of a
# linear loss with respect to the last kernel is no function of that kernel. Updates became random.
tf.config.optimizer.set_experimental_options({"dependency_optimization": False})


class Trainer:
    """Lets Keras' trainer run under distribution strategies of several workers."""

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Nothing is left to build after `compile`. Under a strategy, Keras would take a batch from
        # the data and average it over the replicas, which uint8 images cannot be.
        del iterator, data_batch


def sync(model):
    del model


def observer(fn, variables):
    del variables

    @tf.function(autograph=False)
    def observe(*arguments):
        with DeferredScope():
            return fn(*arguments)

    return observe


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
    commit(*_common(*scope.updates()))
    # Those of an embedding hold its used rows only, and cannot be scaled.
    return (loss, aux), [tf.convert_to_tensor(gradient) for gradient in gradients]


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


def _common(variables, values):
    """What the replicas wrote, with floats averaged: the copies of a variable stay equal."""
    floats = [i for i, value in enumerate(values) if value.dtype.is_floating]
    if floats and _is_one_of_several() and not is_inside():
        context = tf.distribute.get_replica_context()
        means = context.all_reduce(tf.distribute.ReduceOp.MEAN, [values[i] for i in floats])
        values = list(values)
        for i, mean in zip(floats, means, strict=True):
            values[i] = mean
    return variables, values


def detached(fn):
    return tree.map_structure(tf.stop_gradient, fn())


def apply_gradients(optimizer, gradients, variables):
    optimizer.apply(gradients, variables)


def cond(pred, true_fn, false_fn):
    if tf.executing_eagerly():
        return true_fn() if pred else false_fn()
    if not is_inside() and _is_one_of_several():
        return _cond_of_replicas(pred, true_fn, false_fn)
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


def _cond_of_replicas(pred, true_fn, false_fn):
    # Replicas meet, to sum their gradients, outside of control flow only. So they do not enter the
    # branches one by one: they meet here, and inside of each branch all of them are run.
    def together(strategy, pred, true_fn, false_fn):
        def all_run(fn):
            return lambda: strategy.run(lambda fn: fn(), args=(fn,))

        # The step counter, which decides, is the same on all of them.
        pred = strategy.experimental_local_results(pred)[0]
        return tf.cond(pred, all_run(true_fn), all_run(false_fn))

    context = tf.distribute.get_replica_context()
    return context.merge_call(together, args=(pred, true_fn, false_fn))


def run_step(model, step, data):
    del model
    # Where the data ends, Keras runs one step too many and catches the error of the iterator. What
    # does not depend on a batch (counters, random states) must wait for it too.
    with tf.control_dependencies([part for part in tree.flatten(data) if part is not None]):
        if not _is_multi_worker(tf.distribute.get_strategy()):
            return step(data)
        logs = step(_checked_share(data))
        # Keras averages logs over the replicas of several workers along an axis: give them one.
        return tree.map_structure(lambda value: ops.reshape(value, (1,)), logs)


def _checked_share(data):
    # A worker that has run out of data gets empty batches from TensorFlow, and their means are NaN.
    size = tf.shape(tree.flatten(data)[0])[0]
    total = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, size)
    check = tf.debugging.assert_equal(
        total,
        size * _num_replicas(),
        "The workers' shares of a batch differ in size: one of them has less data. Give every "
        "worker the same data, with the global batch size; each takes its share.",
    )
    # First of all, or another operation fails on nothing with a message that says nothing. (Run
    # eagerly, there is no operation to wait for.)
    with tf.control_dependencies([] if check is None else [check]):
        return tree.map_structure(lambda x: None if x is None else tf.identity(x), data)


def replica_id():
    if not _is_one_of_several():
        return 0
    return tf.distribute.get_replica_context().replica_id_in_sync_group


def _num_replicas():
    return tf.distribute.get_strategy().num_replicas_in_sync


def _is_one_of_several():
    """Whether this is the code of one replica, rather than of a strategy as a whole."""
    return _num_replicas() > 1 and not tf.distribute.in_cross_replica_context()


def _is_multi_worker(strategy):
    # As Keras' trainer tells it.
    several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    return several and strategy.extended._in_multi_worker_mode()


def is_chief():
    resolver = tf.distribute.get_strategy().cluster_resolver
    # Outside of the strategy's scope, its environment tells.
    resolver = resolver or tf.distribute.cluster_resolver.TFConfigClusterResolver()
    jobs = resolver.cluster_spec().jobs
    chief = "chief" if "chief" in jobs else "worker"
    return not jobs or (resolver.task_type, resolver.task_id) == (chief, 0)


class Replicas:
    """The replicas of the `tf.distribute` strategy that a model was built under.

    Attributes:
        count: int, shares of a global batch.
        processes: int.
        process: int, the number of this one.
        reads_in_step: bool, whether data are read by the thread that makes the steps.
    """

    reads_in_step = False

    def __init__(self, model):
        self._strategy = model.distribute_strategy
        self.count = self._strategy.num_replicas_in_sync
        self.processes, self.process = 1, 0
        if _is_multi_worker(self._strategy):
            here = self._replicas_here()
            self.processes = self.count // len(here)
            self.process = here[0] // len(here)

    def _replicas_here(self):
        numbers = []

        def note(context):
            numbers.append(context.replica_id_in_sync_group)
            return 0

        self._strategy.experimental_distribute_values_from_function(note)
        return numbers

    def read_apart(self, dataset):
        """The same `tf.data.Dataset`, read by a thread of its own."""
        # By default, threads that wait for a batch come from the pool that the training step is
        # waiting for, and the tuning of their number takes turns with it: steps took up to twice
        # as long.
        options = tf.data.Options()
        options.autotune.enabled = False
        options.threading.private_threadpool_size = 1
        return dataset.with_options(options)

    def share(self, parts):
        """What this process feeds to one step of the arrays `parts`, one global batch each."""
        # Each replica is handed a contiguous piece: its share of every part, one after the other.
        shares = [part.reshape(self.count, -1, *part.shape[1:]) for part in parts]
        return np.concatenate(np.concatenate(shares, axis=1))

    def spread(self, array):
        """What `share` returned, in the form in which a trainer's `..._on_batch` takes it."""
        pieces = np.split(array, self.count)
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.convert_to_tensor(pieces[context.replica_id_in_sync_group])
        )

    def gather(self, numbers):
        """The list of integers `numbers` of every process: int64 array `(processes, N)`."""
        rows = np.zeros((self.processes, len(numbers)), "int64")
        rows[self.process] = numbers
        return self._sum_over_processes(rows)

    def broadcast(self, variables):
        """Give all processes the values that the first one holds."""
        # The strategy did when it made them, but something may have been loaded since.
        for dtype in sorted({variable.dtype for variable in variables}):
            alike = [variable for variable in variables if variable.dtype == dtype]
            # All at once: a collective outside of a graph costs milliseconds.
            flat = np.concatenate([variable.numpy().reshape(-1) for variable in alike])
            flat = self._sum_over_processes(flat if self.process == 0 else np.zeros_like(flat))
            ends = np.cumsum([np.prod(variable.shape, dtype="int64") for variable in alike])
            for variable, value in zip(alike, np.split(flat, ends[:-1]), strict=True):
                variable.assign(value.reshape(variable.shape))

    def _sum_over_processes(self, array):
        def of_one_replica():
            context = tf.distribute.get_replica_context()
            first = context.replica_id_in_sync_group % (self.count // self.processes) == 0
            value = tf.where(first, array, tf.zeros_like(array))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, value)

        total = self._strategy.run(of_one_replica)
        return self._strategy.experimental_local_results(total)[0].numpy()


def conv(x, kernel, stride, padding):
    return ops.conv(x, kernel, stride, padding, data_format="channels_last")


def conv_transpose(x, kernel, stride, padding):
    y = ops.conv_transpose(x, kernel, stride, padding, data_format="channels_last")
    if padding == "same":
        return y
    # Keras' is as large as if the kernel were no smaller than the stride.
    height, width = (
        (n - 1) * stride + k for n, k in zip(x.shape[1:3], kernel.shape[:2], strict=True)
    )
    return y[:, :height, :width]


def depthwise(x, taps, strides):
    rows, columns = strides
    if rows == columns:
        kernel = _same_taps(x, taps)
        return tf.nn.depthwise_conv2d(x, kernel, (1, rows, columns, 1), "VALID")
    # The operation has one stride for both axes.
    return depthwise(x, taps, (1, 1))[:, ::rows, ::columns]


def depthwise_transpose(x, taps, strides):
    rows, columns = strides
    height, width = np.shape(taps)
    if rows != columns:
        x = _spread(_spread(x, 1, rows), 2, columns)
        rows = columns = 1
    size = ((x.shape[1] - 1) * rows + height, (x.shape[2] - 1) * columns + width)
    return tf.nn.depthwise_conv2d_backprop_input(
        tf.stack([tf.shape(x)[0], *size, x.shape[3]]),
        _same_taps(x, taps),
        x,
        (1, rows, columns, 1),
        "VALID",
    )


def _spread(x, axis, stride):
    """`stride - 1` zeros between the pixels along an axis."""
    if stride == 1:
        return x
    spread = tf.stack([x] + [tf.zeros_like(x)] * (stride - 1), axis=axis + 1)
    shape = [-1, *x.shape[1:]]
    shape[axis] *= stride
    spread = tf.reshape(spread, shape)
    return spread[:, : 1 - stride] if axis == 1 else spread[:, :, : 1 - stride]


def _same_taps(x, taps):
    """The kernel that filters every channel of `x` alike."""
    kernel = np.asarray(taps, "float32")[:, :, None, None]
    return tf.constant(np.repeat(kernel, x.shape[3], axis=2), x.dtype)


def prefers_depthwise():
    return True


def store_kernel(variable):
    del variable


def store_like(variables, references):
    del variables, references


def prefers_tiles():
    return False


@functools.cache
def prefers_products():
    return not tf.config.list_physical_devices("GPU")


def leaky_relu(x, negative_slope):
    return ops.leaky_relu(x, negative_slope)


def batch_normalization(x, scale, offset, epsilon):
    y, mean, variance = _batch_normalization(x, scale, offset, epsilon)
    count = tf.cast(tf.size(x) // x.shape[-1], x.dtype)
    unbiased = variance * (count / tf.maximum(count - 1.0, 1.0))
    return y, tf.stop_gradient(mean), tf.stop_gradient(unbiased)


def _batch_normalization(x, scale, offset, epsilon):
    # TensorFlow's own kernel adds up one image after the other, which leaves errors of 2e-5, and
    # differentiating the formula takes three times as long as this.

    @tf.custom_gradient
    def normalized(x, scale, offset):
        mean, variance = _moments(x)
        y = (x - mean) * (scale * tf.math.rsqrt(variance + epsilon)) + offset

        def gradients(g, *_):
            # To be differentiated again: the moments are functions of `x`.
            mean, variance = _moments(x)
            centred, inverse = x - mean, tf.math.rsqrt(variance + epsilon)
            g_mean, g_product = _mean(g), _mean(g * centred)
            factor = scale * inverse
            g_x = factor * (g - g_mean) - centred * (g_product * factor * inverse**2)
            count = tf.cast(tf.size(x) // x.shape[-1], x.dtype)
            return g_x, count * g_product * inverse, count * g_mean

        return (y, mean, variance), gradients

    return normalized(*map(tf.convert_to_tensor, (x, scale, offset)))


def _moments(x):
    mean = _mean(x)
    return mean, _mean(tf.square(x - mean))


def _mean(x):
    # Axis by axis: a sum of thousands of numbers in a row would lose as many roundings.
    while len(x.shape) > 1:
        x = tf.reduce_mean(x, -2)
    return x
