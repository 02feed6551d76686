"""JAX: every function is pure; state enters and leaves through scopes."""

import functools

import jax
import jax.numpy as jnp
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


def observer(fn, variables):
    @jax.jit
    def observe(values, *arguments):
        with DeferredScope(zip(variables, values, strict=True)):
            return fn(*arguments)

    return lambda *arguments: observe([v.value for v in variables], *arguments)


def predictor(network):
    return observer(lambda x: network(x, training=False), network.variables)


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


# JAX's own derivatives of `conv_transpose`, and the second ones of `conv`, with respect to the
# kernel are up to 30 times slower on the CPU than they need be. The three functions below are each
# other's derivatives, of any order.
#
# On the CPU, XLA has a fast form of convolutions of this order of axes alone, and rearranges others
# outside of branches only. The phases of an interval are branches of `jax.lax.cond`, so the two
# derivatives are rearranged here. Elsewhere, XLA recognises them by the form that JAX gives them.
_DIMENSIONS = ("NHWC", "HWIO", "NHWC")


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def conv(x, kernel, stride, padding):
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), padding.upper(), dimension_numbers=_DIMENSIONS
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _conv_images(y, kernel, stride, padding, size):
    """The gradient of `conv` with respect to images of the size, for the gradient `y`."""
    if jax.default_backend() != "cpu":
        images = jax.ShapeDtypeStruct((y.shape[0], *size, kernel.shape[2]), y.dtype)
        function = functools.partial(conv.fun, kernel=kernel, stride=stride, padding=padding)
        return jax.linear_transpose(function, images)(y)[0]
    pads = []
    for n, k, m, before in _axes(size, kernel.shape[:2], y.shape[1:3], stride, padding):
        first = k - 1 - before
        pads.append((first, n + k - 2 - (m - 1) * stride - first))
    return jax.lax.conv_general_dilated(
        y,
        jnp.swapaxes(kernel[::-1, ::-1], 2, 3),
        (1, 1),
        pads,
        lhs_dilation=(stride, stride),
        dimension_numbers=_DIMENSIONS,
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _conv_kernel(x, y, stride, padding, size):
    """The gradient of `conv` with respect to a kernel of the size, for the gradient `y`."""
    if jax.default_backend() != "cpu":
        kernel = jax.ShapeDtypeStruct((*size, x.shape[3], y.shape[3]), x.dtype)
        function = functools.partial(conv.fun, x, stride=stride, padding=padding)
        return jax.linear_transpose(function, kernel)(y)[0]
    pads = [
        (before, (m - 1) * stride + k - n - before)
        for n, k, m, before in _axes(x.shape[1:3], size, y.shape[1:3], stride, padding)
    ]
    # Channels in the place of samples, and samples in that of channels.
    kernel = jax.lax.conv_general_dilated(
        jnp.transpose(x, (3, 1, 2, 0)),
        jnp.transpose(y, (1, 2, 0, 3)),
        (1, 1),
        pads,
        rhs_dilation=(stride, stride),
        dimension_numbers=_DIMENSIONS,
    )
    return jnp.transpose(kernel, (1, 2, 0, 3))


def _axes(images, kernel, outputs, stride, padding):
    """Of both axes: sides of images, kernel and outputs, and the zeros before the images."""
    pads = jax.lax.padtype_to_pads(images, kernel, (stride, stride), padding.upper())
    return zip(images, kernel, outputs, (before for before, _ in pads), strict=True)


def _keep(function):
    return lambda a, b, *options: (function(a, b, *options), (a, b))


conv.defvjp(
    _keep(conv),
    lambda stride, padding, inputs, y: (
        _conv_images(y, inputs[1], stride, padding, inputs[0].shape[1:3]),
        _conv_kernel(inputs[0], y, stride, padding, inputs[1].shape[:2]),
    ),
)
_conv_images.defvjp(
    _keep(_conv_images),
    lambda stride, padding, _, inputs, x: (
        conv(x, inputs[1], stride, padding),
        _conv_kernel(x, inputs[0], stride, padding, inputs[1].shape[:2]),
    ),
)
_conv_kernel.defvjp(
    _keep(_conv_kernel),
    lambda stride, padding, _, inputs, kernel: (
        _conv_images(inputs[1], kernel, stride, padding, inputs[0].shape[1:3]),
        conv(inputs[0], kernel, stride, padding),
    ),
)


def conv_transpose(x, kernel, stride, padding):
    size = tuple(
        n * stride if padding == "same" else (n - 1) * stride + k
        for n, k in zip(x.shape[1:3], kernel.shape[:2], strict=True)
    )
    return _conv_images(x, kernel, stride, padding, size)


def depthwise(x, taps, strides):
    return _depthwise(x, taps, window_strides=strides)


def depthwise_transpose(x, taps, strides):
    flipped = np.asarray(taps)[::-1, ::-1]
    return _depthwise(
        x, flipped, padding=[(n - 1, n - 1) for n in flipped.shape], lhs_dilation=strides
    )


def _depthwise(x, taps, window_strides=(1, 1), padding="VALID", **options):
    kernel = jnp.asarray(np.repeat(np.asarray(taps)[:, :, None, None], x.shape[3], axis=3), x.dtype)
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides,
        padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[3],
        **options,
    )


def prefers_depthwise():
    # XLA's takes 40 times as long as sums of slices do on the CPU.
    return jax.default_backend() != "cpu"


def store_kernel(variable):
    del variable


def store_like(variables, references):
    del variables, references


def prefers_tiles():
    # On accelerators, the vendors' convolutions are as fast as any.
    return jax.default_backend() == "cpu"


prefers_products = prefers_tiles


def leaky_relu(x, negative_slope):
    # JAX's own has a slope of 1 at 0.
    return jnp.where(x > 0, x, negative_slope * x)


def batch_normalization(x, scale, offset, epsilon):
    axes = tuple(range(x.ndim - 1))
    mean = jnp.mean(x, axes)
    variance = jnp.mean(jnp.square(x - mean), axes)
    count = x.size // x.shape[-1]
    unbiased = variance * count / max(count - 1, 1)
    y = (x - mean) * (scale * jax.lax.rsqrt(variance + epsilon)) + offset
    return y, jax.lax.stop_gradient(mean), jax.lax.stop_gradient(unbiased)
