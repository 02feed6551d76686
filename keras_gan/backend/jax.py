"""JAX: every function is pure; state enters and leaves through scopes."""

import jax
import keras
import numpy as np
from keras import tree

from keras_gan.backend.scope import DeferredScope, commit

_TRAIN_STATE = (
    "trainable_variables",
    "non_trainable_variables",
    "optimizer_variables",
    "metrics_variables",
)


class Trainer:
    """Keeps the model's variables reachable while Keras' JAX trainer holds their values."""

    def _get_jax_state(self, purge_model_variables=False, **kinds):
        # Keras empties the variables for the time of an epoch and remembers their values only after
        # the first successful step: an error before that (a bad batch, a trace that fails) would
        # leave a model without weights. Remember them from the start.
        state = super()._get_jax_state(purge_model_variables=purge_model_variables, **kinds)
        if purge_model_variables:
            names = [name for name in _TRAIN_STATE if kinds.get(name)]
            self._jax_state = dict(zip(names, state, strict=True))
        return state

    def evaluate(self, *args, **kwargs):
        try:
            return super().evaluate(*args, **kwargs)
        finally:
            sync(self)

    def predict(self, *args, **kwargs):
        try:
            return super().predict(*args, **kwargs)
        finally:
            sync(self)


def sync(model):
    model.jax_state_sync()


def predict(network, x, batch_size):
    values = [v.value for v in network.variables]
    # Each device takes an equal share of a batch.
    batch_size += -batch_size % Replicas(network).count
    padded = np.concatenate([x, np.repeat(x[-1:], -len(x) % batch_size, axis=0)])
    try:
        return network.predict(padded, batch_size=batch_size, verbose=0)[: len(x)]
    except BaseException:
        # Keras has emptied the variables by now; an interrupted call must not cost the weights.
        sync(network)
        for variable, value in zip(network.variables, values, strict=True):
            if variable._value is None:
                variable.assign(value)
        raise


def value_and_grad(fn, variables, scale_loss=None):
    written = []

    def pure(values):
        with DeferredScope(zip(variables, values, strict=True)) as scope:
            loss, aux = fn()
            scaled = loss if scale_loss is None else scale_loss(loss)
            written[:], updates = scope.updates()
        return scaled, (loss, aux, updates)

    gradients, (loss, aux, updates) = jax.grad(pure, has_aux=True)([v.value for v in variables])
    commit(written, updates)
    return (loss, aux), gradients


def grads(fn, values):
    written = []

    def pure(values):
        with DeferredScope() as scope:
            outputs = fn(*values)
            written[:], updates = scope.updates()
        return keras.ops.sum(outputs), (outputs, updates)

    gradients, (outputs, updates) = jax.grad(pure, has_aux=True)(list(values))
    commit(written, updates)
    return outputs, gradients


def detached(fn):
    return tree.map_structure(jax.lax.stop_gradient, fn())


def apply_gradients(optimizer, gradients, variables):
    # `optimizer.apply` assigns inside `lax.cond` under loss scaling, which leaks tracers.
    new_variables, new_state = optimizer.stateless_apply(
        [v.value for v in optimizer.variables], gradients, [v.value for v in variables]
    )
    commit(variables, new_variables)
    commit(optimizer.variables, new_state)


def cond(pred, true_fn, false_fn):
    written = {}

    def discover():
        for fn in (true_fn, false_fn):
            with DeferredScope() as scope:
                fn()
            written.update((id(v), v) for v in scope.written)

    # Both branches must return the same variables, so find the union of their writes first.
    jax.eval_shape(discover)
    variables = list(written.values())

    def branch(fn):
        def run():
            with DeferredScope():
                return fn(), [v.value for v in variables]

        return run

    outputs, values = jax.lax.cond(pred, branch(true_fn), branch(false_fn))
    commit(variables, values)
    return outputs


def run_step(model, step, state, data):
    # Three groups when evaluating (no optimizer), four when training.
    groups = [model.trainable_variables, model.non_trainable_variables, model.metrics_variables]
    if len(state) == len(_TRAIN_STATE):
        groups.insert(2, model.optimizer.variables)
    mapping = [
        pair
        for variables, values in zip(groups, state, strict=True)
        for pair in zip(variables, values, strict=True)
    ]
    with keras.StatelessScope(mapping) as scope:
        logs = step(data)
    return logs, tuple([scope.get_current_value(v) for v in group] for group in groups)


def replica_id():
    # One program over all devices: a batch is the global batch, noise is drawn for all of it.
    return 0


def is_chief():
    return jax.process_index() == 0


class Replicas:
    """The devices of `keras.distribution.DataParallel`: one program, in one process.

    Attributes:
        count: int, shares of a global batch.
        processes: int.
        process: int, the number of this one.
        reads_in_step: bool, whether data are read by the thread that makes the steps.
    """

    reads_in_step = True

    def __init__(self, model):
        del model
        distribution = keras.distribution.distribution()
        self.processes, self.process = jax.process_count(), jax.process_index()
        self.count = 1 if distribution is None else distribution.num_model_replicas

    def share(self, parts):
        """What this process feeds to one step of the arrays `parts`, one global batch each."""
        # The step sees all of it, wherever it lies.
        return np.concatenate(parts)

    def spread(self, array):
        """What `share` returned, in the form in which a trainer's `..._on_batch` takes it."""
        return array

    def gather(self, numbers):
        """The list of integers `numbers` of every process: int64 array `(processes, N)`."""
        if self.processes > 1:
            raise NotImplementedError(
                f"JAX trains in one process, on all of its devices. Received: {self.processes} "
                "processes. Of several machines, use TensorFlow's MultiWorkerMirroredStrategy or "
                "torch.distributed."
            )
        return np.asarray([numbers], "int64")

    def broadcast(self, variables):
        """Give all processes the values that the first one holds."""
