"""PyTorch: eager, by `torch.autograd.grad`: no `.grad` leaks from one player to another."""

import functools

import keras
import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from keras import tree
from torch.fx.experimental.proxy_tensor import make_fx

from keras_gan.backend.scope import DeferredScope, commit, is_inside


class Trainer:
    """Refuses in `compile` what Keras' PyTorch trainer would refuse in the middle of `fit`.

    Under `torch.distributed`, of which Keras knows nothing, metrics are those of all replicas.
    """

    def compile(self, *args, steps_per_execution=1, **kwargs):
        if steps_per_execution != 1:
            raise ValueError(
                "`steps_per_execution` is 1 on PyTorch, where every step runs eagerly. Received: "
                f"steps_per_execution={steps_per_execution}. Leave it out, or use JAX or "
                "TensorFlow."
            )
        super().compile(*args, steps_per_execution=steps_per_execution, **kwargs)

    def get_metrics_result(self):
        """The metrics' values, from the sums of their states over all replicas."""
        variables = self.metrics_variables
        sums = _sum_over_replicas([v.value for v in variables])
        with keras.StatelessScope(list(zip(variables, sums, strict=True))):
            return super().get_metrics_result()


def sync(model):
    del model


def observer(fn, variables):
    del variables

    @torch.no_grad()
    def observe(*arguments):
        with DeferredScope():
            return fn(*arguments)

    return observe


def predictor(network):
    traces = {}

    @torch.no_grad()
    def predict(x):
        # As the other backends compile: what Keras does around its layers takes as long as a
        # small network. A trace holds the variables themselves, so it sees what they become.
        key = tuple((*part.shape, part.dtype, part.device) for part in tree.flatten(x))
        if key not in traces:
            # Of shapes only: real tensors would all be kept until the end, and computed twice.
            traces[key] = make_fx(
                lambda x: network(x, training=False),
                tracing_mode="fake",
                _allow_non_fake_inputs=True,
            )(x)
        return traces[key](x)

    return predict


def value_and_grad(fn, variables, scale_loss=None):
    values = [v.value for v in variables]
    with torch.enable_grad(), DeferredScope() as scope:
        loss, aux = fn()
        scaled = loss if scale_loss is None else scale_loss(loss)
        gradients = _gradients(scaled, values)
    with torch.no_grad():
        variables, updates = scope.updates()
        if not is_inside():
            # Statistics, too: the copies of a variable stay equal. Seeds are, being integers.
            floats = [i for i, update in enumerate(updates) if update.is_floating_point()]
            means = _mean_over_replicas([*gradients, *(updates[i] for i in floats)])
            gradients, means = means[: len(gradients)], means[len(gradients) :]
            for i, mean in zip(floats, means, strict=True):
                updates[i] = mean
        commit(variables, updates)
        gradients = [_stored_like(g, v) for g, v in zip(gradients, values, strict=True)]
    loss, aux = tree.map_structure(torch.Tensor.detach, (loss, aux))
    return (loss, aux), gradients


def grads(fn, values):
    # The graph of the gradient is only worth its memory where somebody differentiates it.
    differentiated = torch.is_grad_enabled()
    with torch.enable_grad(), DeferredScope() as scope:
        values = [v if v.requires_grad else v.detach().requires_grad_() for v in values]
        outputs = fn(*values)
        gradients = _gradients(outputs.sum(), values, create_graph=differentiated)
    with torch.no_grad():
        commit(*scope.updates())
    return outputs, gradients


def _gradients(total, values, create_graph=False):
    # Adam's moments decay the same on every backend only if "unused" is a zero gradient.
    if not total.requires_grad:
        return [torch.zeros_like(v) for v in values]
    gradients = torch.autograd.grad(total, values, create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(v) if g is None else g for v, g in zip(values, gradients, strict=True)]


def detached(fn):
    with torch.no_grad():
        return fn()


def apply_gradients(optimizer, gradients, variables):
    with torch.no_grad():
        optimizer.apply(gradients, variables)


def cond(pred, true_fn, false_fn):
    return true_fn() if pred else false_fn()


def run_step(model, step, data):
    del model
    with torch.no_grad():
        logs = step(data)
        return tree.pack_sequence_as(logs, _mean_over_replicas(tree.flatten(logs)))


def replica_id():
    return dist.get_rank() if _num_replicas() > 1 else 0


def _num_replicas():
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def _mean_over_replicas(tensors):
    if _num_replicas() == 1:
        return tensors
    # DistributedDataParallel averages in hooks of `.backward()`, which never run here.
    return [tensor / _num_replicas() for tensor in _sum_over_replicas(tensors)]


def _sum_over_replicas(tensors):
    if _num_replicas() == 1 or not tensors:
        return tensors
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    pieces = flat.split([tensor.numel() for tensor in tensors])
    return [p.view_as(t).to(t.dtype) for p, t in zip(pieces, tensors, strict=True)]


def is_chief():
    return replica_id() == 0


class Replicas:
    """The processes of `torch.distributed`, one replica each.

    Attributes:
        count: int, shares of a global batch.
        processes: int.
        process: int, the number of this one.
        reads_in_step: bool, whether data are read by the thread that makes the steps.
    """

    reads_in_step = True

    def __init__(self, model):
        del model
        self.count = self.processes = _num_replicas()
        self.process = replica_id()

    def share(self, parts):
        """What this process feeds to one step of the arrays `parts`, one global batch each."""
        return np.concatenate([np.split(part, self.count)[self.process] for part in parts])

    def spread(self, array):
        """What `share` returned, in the form in which a trainer's `..._on_batch` takes it."""
        return array

    def gather(self, numbers):
        """The list of integers `numbers` of every process: int64 array `(processes, N)`."""
        if self.processes == 1:
            return np.asarray([numbers], "int64")
        row = torch.tensor(numbers, dtype=torch.int64, device="cpu")
        rows = [torch.empty_like(row) for _ in range(self.processes)]
        dist.all_gather(rows, row, group=_host_group(dist.group.WORLD))
        return torch.stack(rows).numpy()

    def broadcast(self, variables):
        """Give all processes the values that the first one holds."""
        if self.processes > 1:
            for variable in variables:
                value = variable.value.detach().contiguous()
                dist.broadcast(value, src=0)
                variable.assign(value)


@functools.lru_cache(maxsize=1)
def _host_group(world):
    """A group for messages between hosts, which need not wait for the devices."""
    return world if dist.get_backend(world) == "gloo" else dist.new_group(backend="gloo")


def conv(x, kernel, stride, padding):
    pads = [(0, 0), (0, 0)]
    if padding == "same":
        totals = [
            max((-(-n // stride) - 1) * stride + k - n, 0)
            for n, k in zip(x.shape[1:3], kernel.shape[:2], strict=True)
        ]
        pads = [(total // 2, total - total // 2) for total in totals]
    if any(before != after for before, after in pads):
        x = F.pad(x, (0, 0, *pads[1], *pads[0]))
        pads = [(0, 0), (0, 0)]
    y = F.conv2d(
        x.permute(0, 3, 1, 2), _as_torch(kernel), stride=stride, padding=[n for n, _ in pads]
    )
    return y.permute(0, 2, 3, 1)


def conv_transpose(x, kernel, stride, padding):
    size = [(n - 1) * stride + k for n, k in zip(x.shape[1:3], kernel.shape[:2], strict=True)]
    pads = [0, 0]
    if padding == "same":
        size = [n * stride for n in x.shape[1:3]]
        pads = [(k - stride) // 2 for k in kernel.shape[:2]]
    y = F.conv_transpose2d(x.permute(0, 3, 1, 2), _as_torch(kernel), stride=stride, padding=pads)
    return y.permute(0, 2, 3, 1)[:, : size[0], : size[1]]


def _as_torch(kernel):
    """`(H, W, I, O)` -> `(O, I, H, W)`, with the channels last in memory."""
    return _last_axis_first(kernel).permute(3, 2, 0, 1)


def depthwise(x, taps, strides):
    return _Depthwise.apply(x.permute(0, 3, 1, 2), taps, strides).permute(0, 2, 3, 1)


def depthwise_transpose(x, taps, strides):
    size = [(n - 1) * s + k for n, s, k in zip(x.shape[1:3], strides, np.shape(taps), strict=True)]
    y = _DepthwiseTranspose.apply(x.permute(0, 3, 1, 2), taps, strides, size)
    return y.permute(0, 2, 3, 1)


def prefers_depthwise():
    return True


# PyTorch's own derivative of a depthwise convolution takes nine times as long as the convolution.
# These two are each other's derivatives, of any order.


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, taps, strides):
        ctx.constants = taps, strides, x.shape[2:]
        channels = x.shape[1]
        return F.conv2d(x, _same_taps(x, taps), stride=strides, groups=channels)

    @staticmethod
    def backward(ctx, g):
        return _DepthwiseTranspose.apply(g, *ctx.constants), None, None


class _DepthwiseTranspose(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, taps, strides, size):
        ctx.constants = taps, strides
        channels = x.shape[1]
        kernel = _same_taps(x, taps)
        # The pixels that a strided convolution does not reach.
        rest = [
            side - (n - 1) * s - k
            for side, n, s, k in zip(size, x.shape[2:], strides, kernel.shape[2:], strict=True)
        ]
        return F.conv_transpose2d(x, kernel, stride=strides, output_padding=rest, groups=channels)

    @staticmethod
    def backward(ctx, g):
        return _Depthwise.apply(g, *ctx.constants), None, None, None


def _same_taps(x, taps):
    """The kernel that filters every channel of `x` alike."""
    kernel = torch.as_tensor(np.asarray(taps, "float32")).to(x)
    return kernel.expand(x.shape[1], 1, *kernel.shape)


def store_kernel(variable):
    variable.value.data = _last_axis_first(variable.value.data)


def _last_axis_first(kernel):
    """The same tensor, which lies in memory as `(O, H, W, I)`: a copy unless it does already."""
    # A transposed matrix is copied four times as fast as four permuted axes.
    matrix = kernel.reshape(-1, kernel.shape[3]).t().contiguous()
    return matrix.t().view(kernel.shape)


def store_like(variables, references):
    examples = {tuple(v.shape): v.value for v in references}
    for variable in variables:
        if tuple(variable.shape) in examples:
            variable.value.data = _stored_like(variable.value.data, examples[tuple(variable.shape)])


def _stored_like(tensor, example):
    # Optimizers are slow on tensors that differ in this.
    if tensor.stride() == example.stride():
        return tensor
    return torch.empty_like(example, dtype=tensor.dtype, requires_grad=False).copy_(tensor)


def prefers_tiles():
    return False


prefers_products = prefers_tiles


def leaky_relu(x, negative_slope):
    return keras.ops.leaky_relu(x, negative_slope)


def batch_normalization(x, scale, offset, epsilon):
    y, mean, variance = _BatchNormalization.apply(x, scale, offset, epsilon)
    count = x.numel() // x.shape[-1]
    return y, mean, variance * (count / max(count - 1, 1))


class _BatchNormalization(torch.autograd.Function):
    # `torch.batch_norm` adds up channels-last images one by one, which leaves errors of 1e-4 in
    # the output of a large layer; differentiating the formula takes three times as long as this.

    @staticmethod
    def forward(ctx, x, scale, offset, epsilon):
        mean, variance = _moments(x)
        ctx.save_for_backward(x, scale, mean, variance)
        ctx.epsilon = epsilon
        ctx.mark_non_differentiable(mean, variance)
        y = torch.addcmul(offset, x - mean, scale * torch.rsqrt(variance + epsilon))
        return y, mean, variance

    @staticmethod
    def backward(ctx, g, *_):
        x, scale, mean, variance = ctx.saved_tensors
        if torch.is_grad_enabled():
            # To be differentiated again: the moments are functions of `x`.
            mean, variance = _moments(x)
        axes = tuple(range(x.ndim - 1))
        centred, inverse = x - mean, torch.rsqrt(variance + ctx.epsilon)
        g_mean, g_product = g.mean(axes), (g * centred).mean(axes)
        factor = scale * inverse
        g_x = torch.addcmul(factor * (g - g_mean), centred, -g_product * factor * inverse**2)
        count = x.numel() // x.shape[-1]
        return g_x, count * g_product * inverse, count * g_mean, None


def _moments(x):
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axes)
    return mean, (x - mean).square().mean(axes)
