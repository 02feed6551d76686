"""PyTorch: eager, by `torch.autograd.grad`: no `.grad` leaks from one player to another."""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from keras import tree

from keras_gan.backend.scope import DeferredScope, commit


class Trainer:
    """Refuses in `compile` what Keras' PyTorch trainer would refuse in the middle of `fit`."""

    def compile(self, *args, steps_per_execution=1, **kwargs):
        if steps_per_execution != 1:
            raise ValueError(
                "`steps_per_execution` is 1 on PyTorch, where every step runs eagerly. Received: "
                f"steps_per_execution={steps_per_execution}. Leave it out, or use JAX or "
                "TensorFlow."
            )
        super().compile(*args, steps_per_execution=steps_per_execution, **kwargs)


def sync(model):
    del model


def predictor(network):
    return torch.no_grad()(lambda x: network(x, training=False))


def value_and_grad(fn, variables, scale_loss=None):
    values = [v.value for v in variables]
    with torch.enable_grad(), DeferredScope() as scope:
        loss, aux = fn()
        scaled = loss if scale_loss is None else scale_loss(loss)
        gradients = _gradients(scaled, values)
    with torch.no_grad():
        commit(*scope.updates())
        gradients = [_contiguous(g) for g in gradients]
    loss, aux = tree.map_structure(torch.Tensor.detach, (loss, aux))
    return (loss, aux), _average_over_replicas(gradients)


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


def _contiguous(gradient):
    # Gradients of kernels come transposed, see `_as_torch`; optimizers are slow on such.
    if gradient.ndim < 2:
        return gradient
    return gradient.flatten(0, -2).contiguous().view_as(gradient)


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
        return step(data)


def replica_id():
    return dist.get_rank() if _num_replicas() > 1 else 0


def _num_replicas():
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def _average_over_replicas(gradients):
    # DistributedDataParallel averages in hooks of `.backward()`, which never run here.
    if _num_replicas() == 1:
        return gradients
    flat = torch.cat([g.reshape(-1) for g in gradients])
    dist.all_reduce(flat)
    flat /= _num_replicas()
    pieces = flat.split([g.numel() for g in gradients])
    return [piece.view_as(g) for piece, g in zip(pieces, gradients, strict=True)]


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
    """`(H, W, I, O)` -> `(O, I, H, W)`, stored with the channels last."""
    # A transposed matrix is copied four times as fast as four permuted axes.
    matrix = kernel.reshape(-1, kernel.shape[3]).t().contiguous()
    return matrix.view(kernel.shape[3], *kernel.shape[:3]).permute(0, 3, 1, 2)


def prefers_tiles():
    return False


def batch_normalization(x, scale, offset, epsilon):
    images = x.permute(0, 3, 1, 2) if x.ndim == 4 else x.flatten(0, -2)
    # With momentum 1 the "moving" statistics are the batch's, the variance the unbiased one.
    mean, variance = torch.zeros_like(scale), torch.zeros_like(scale)
    y = torch.batch_norm(images, scale, offset, mean, variance, True, 1.0, epsilon, False)
    if x.numel() == x.shape[-1]:
        variance = torch.zeros_like(scale)
    return y.permute(0, 2, 3, 1) if x.ndim == 4 else y.view_as(x), mean, variance
