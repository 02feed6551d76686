"""The networks that metrics look through: PyTorch files of Inception-v3, VGG16 and LPIPS."""

import numpy as np

from keras_gan.checkpoints.mapping import TORCH_CONV, NetworkLayout, Row, Tensors
from keras_gan.layers import Conv2D

# TensorFlow's of 2015, added to the variance.
_EPSILON = 1e-3
_NORM = ("weight", "bias", "running_mean", "running_var")


def _convolutions(model):
    return [layer for layer in model.network.layers if isinstance(layer, Conv2D)]


def _convolution_rows(model):
    for layer in _convolutions(model):
        # A layer's name must not have dots.
        name = layer.name.replace("-", ".")
        yield Row(f"{name}.weight", layer.kernel, TORCH_CONV)
        yield Row(f"{name}.bias", layer.bias)


# The graph of 2015-12-05, in the file of github.com/mseitzer/pytorch-fid -------------------------


def _inception_rows(model):
    yield from _convolution_rows(model)
    classes = model.network.get_layer("fc")
    yield Row("fc.weight", classes.kernel, linear=True)
    yield Row("fc.bias", classes.bias)


def _folded(tensors):
    """`tensors` with each batch normalisation as part of the kernel and the bias before it."""
    folded = Tensors(tensors)
    for name in [name for name in tensors if name.endswith(".conv.weight")]:
        layer = name.removesuffix(".conv.weight")
        kernel = folded.pop(name)
        filters = tensors.dimensions(name, 4)[0]
        for part in _NORM:
            tensors.expect(f"{layer}.bn.{part}", (filters,))
        gamma, beta, mean, variance = (
            folded.pop(f"{layer}.bn.{part}").astype("float64") for part in _NORM
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        folded[f"{layer}.weight"] = (kernel * scale[:, None, None, None]).astype("float32")
        folded[f"{layer}.bias"] = (beta - mean * scale).astype("float32")
    return folded


INCEPTION = NetworkLayout(
    name="inception_v3_pytorch_fid",
    model="InceptionV3",
    rows=_inception_rows,
    prepare=_folded,
)

# torchvision --------------------------------------------------------------------------------------


def _vgg16_rows(model):
    yield from _convolution_rows(model)
    first, second = (model.network.get_layer(f"classifier-{index}") for index in (0, 3))
    # Maps are flattened with the channels last here, and first there.
    channels_last = {"axes": (1, 2, 0, 3), "split": (512, 7, 7, 4096), "linear": True}
    yield Row("classifier.0.weight", first.kernel, **channels_last)
    yield Row("classifier.0.bias", first.bias)
    yield Row("classifier.3.weight", second.kernel, linear=True)
    yield Row("classifier.3.bias", second.bias)


VGG16 = NetworkLayout(
    name="vgg16_torchvision",
    model="VGG16",
    rows=_vgg16_rows,
    # The classes of ImageNet.
    ignored=("classifier.6.",),
)

# github.com/richzhang/PerceptualSimilarity --------------------------------------------------------


def _lpips_rows(model):
    yield from _convolution_rows(model)
    for index, weight in enumerate(model.channel_weights):
        yield Row(f"lin{index}.model.1.weight", weight, TORCH_CONV)


LPIPS = NetworkLayout(
    name="lpips_vgg16",
    model="LPIPSNetwork",
    rows=_lpips_rows,
    # A file of VGG16 may come with all of it.
    ignored=("classifier.",),
)
