"""The only place that knows which framework runs.

Each function means the same on TensorFlow, PyTorch and JAX, so a GAN's step is written once, in
`keras.ops`, on top of these:

- `value_and_grad(fn, variables)`: the loss `fn()` and its gradient for one player's variables;
  state written inside `fn` (batch statistics, seeds, metrics) is committed after the gradient.
- `grads(fn, values)`: gradient with respect to tensors, differentiable again (penalties,
  unrolling).
- `with_values(variables, values, fn)`: `fn()` with other values in the place of variables, through
  which gradients flow.
- `uncast(fn)`: `fn()`, in which variables read as they are stored, whatever the dtype policy.
- `variable_grads(fn, variables)`: as `grads`, with respect to the present values of variables.
- `detached(fn)`: `fn()` as a constant. `without_updates(fn)`: `fn()`, its writes to state dropped;
  `hypothetical(kept)`: the same for what is done inside of a `with`.
- `apply_gradients(optimizer, gradients, variables)`.
- `cond(pred, true_fn, false_fn)`: a branch whose writes to state happen exactly when it is taken.
- `run_step(model, step, *args)`: adapts `train_step`/`test_step` to the signature the trainer
  wants.
- `predict(network, inputs, batch_size)`: outputs for an array, or a list of one for each input, as
  `network.predict`, which takes longer over its callbacks than a small network over an image.
- `observer(fn, variables)`: `fn` compiled as a function of arrays that reads the variables and
  writes none, to be called between the steps of `fit`, after `sync`.
- `conv(x, kernel, stride, padding)` and `conv_transpose`: of channels-last images, the framework's
  own; `prefers_tiles()`, `prefers_products()`: whether the forms of `keras_gan.ops` are faster on
  this device, of many pixels and of a few.
- `depthwise(x, taps, strides)`: every channel of channels-last images correlated with the constant
  `taps` `(h, w)`, without padding; `depthwise_transpose`: the same transposed;
  `prefers_depthwise()`: whether they are faster than sums of slices.
- `store_kernel(variable)`: keep a kernel in memory in the order in which those read it, whatever
  its shape says; `store_like(variables, references)`: the same for the variables of a kernel's
  shape.
- `leaky_relu(x, negative_slope)`, whose derivative at 0 is `negative_slope`.
- `batch_normalization(x, scale, offset, epsilon)`: the normalised batch, and its mean and unbiased
  variance as constants.
- `replica_id()`: 0, or the number of this replica under data parallelism.
- `Replicas(model)`: the replicas that train a model, and the processes that hold them: how a
  global batch is shared out, and what the processes tell each other.
- `is_chief()`: whether this process is the one that writes files. True in a run of one process;
  of several, in exactly one. Guard whatever is to be written once with it.
- `sync(model)`: bring the model's variables up to date in the middle of `fit`.
- `Trainer`: mixin that keeps a model usable after an exception inside `fit` or `evaluate`.
"""

import contextlib

import keras
import numpy as np
from keras.src.backend import AutocastScope

from keras_gan.backend.scope import DeferredScope, commit

if keras.backend.backend() == "jax":
    from keras_gan.backend import jax as _framework
elif keras.backend.backend() == "tensorflow":
    from keras_gan.backend import tensorflow as _framework
elif keras.backend.backend() == "torch":
    from keras_gan.backend import torch as _framework
else:
    raise ImportError(
        "keras_gan trains on the backends 'jax', 'tensorflow' and 'torch'. Received: "
        f"KERAS_BACKEND='{keras.backend.backend()}'. Set the environment variable KERAS_BACKEND to "
        "one of them before importing keras."
    )

Replicas = _framework.Replicas
Trainer = _framework.Trainer
apply_gradients = _framework.apply_gradients
batch_normalization = _framework.batch_normalization
cond = _framework.cond
depthwise = _framework.depthwise
depthwise_transpose = _framework.depthwise_transpose
conv = _framework.conv
conv_transpose = _framework.conv_transpose
detached = _framework.detached
grads = _framework.grads
is_chief = _framework.is_chief
leaky_relu = _framework.leaky_relu
observer = _framework.observer
prefers_depthwise = _framework.prefers_depthwise
prefers_products = _framework.prefers_products
prefers_tiles = _framework.prefers_tiles
replica_id = _framework.replica_id
run_step = _framework.run_step
store_kernel = _framework.store_kernel
store_like = _framework.store_like
sync = _framework.sync
value_and_grad = _framework.value_and_grad


def predict(network, inputs, batch_size):
    """The network's outputs outside training, as arrays; their length divides into batches."""
    # Compiled once for each network, and gone with it.
    if not hasattr(network, "_keras_gan_predictor"):
        network._keras_gan_predictor = _framework.predictor(network)
    several = isinstance(inputs, (list, tuple))
    # Latents are float32, labels int32: one type for each, or every other one is a new program.
    arrays = [
        np.asarray(x, "int32" if np.issubdtype(np.asarray(x).dtype, np.integer) else "float32")
        for x in (inputs if several else [inputs])
    ]
    outputs = []
    for start in range(0, len(arrays[0]), batch_size):
        batch = [keras.ops.convert_to_tensor(x[start : start + batch_size]) for x in arrays]
        outputs.append(network._keras_gan_predictor(batch if several else batch[0]))
    return keras.tree.map_structure(
        lambda *parts: np.concatenate([keras.ops.convert_to_numpy(part) for part in parts]),
        *outputs,
    )


def variable_grads(fn, variables):
    """`fn()` and its gradients with respect to `variables`, differentiable again.

    Other state that `fn` writes is committed, as a constant.
    """
    return grads(lambda *values: with_values(variables, values, fn), [v.value for v in variables])


@contextlib.contextmanager
def hypothetical(kept=()):
    """What is assigned to variables inside is seen there, and then dropped unless `kept`."""
    with DeferredScope() as scope:
        yield
    kept = {id(v) for v in kept}
    for variable, value in zip(*scope.updates(), strict=True):
        if id(variable) in kept:
            variable.assign(value)


def without_updates(fn):
    """`fn()`, with everything it assigned to variables dropped."""
    with hypothetical():
        return fn()


def uncast(fn):
    """`fn()`, without the cast of variables that a layer's policy of mixed precision makes."""
    with AutocastScope(None):
        return fn()


def with_values(variables, values, fn):
    """`fn()` where the variables read as these tensors; what it assigns to others is kept."""
    with DeferredScope(zip(variables, values, strict=True)) as scope:
        outputs = fn()
    written, updates = scope.updates()
    commit(written, [keras.ops.stop_gradient(update) for update in updates])
    return outputs
