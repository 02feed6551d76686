"""Bias, activation, gain and clamp: what follows a layer in StyleGAN's networks."""

import math

from keras import ops

from keras_gan import backend

# The default gain keeps the variance of N(0, 1), roughly.
_ACTIVATIONS = {
    "linear": (lambda x: x, 1.0),
    "relu": (ops.relu, math.sqrt(2)),
    "leaky_relu": (None, math.sqrt(2)),
    "tanh": (ops.tanh, 1.0),
    "sigmoid": (ops.sigmoid, 1.0),
    "elu": (ops.elu, 1.0),
    "selu": (ops.selu, 1.0),
    "softplus": (ops.softplus, 1.0),
    "swish": (ops.silu, math.sqrt(2)),
}


def activation_gain(activation):
    """The default gain of an activation of `bias_act`.

    Args:
        activation: str.

    Returns:
        float.

    Raises:
        ValueError: if there is no such activation.

    Example:
    ```python
    keras_gan.ops.activation_gain("leaky_relu")  # 1.4142...
    ```
    """
    if activation not in _ACTIVATIONS:
        raise ValueError(f"`activation` is one of {list(_ACTIVATIONS)}. Received: {activation!r}")
    return _ACTIVATIONS[activation][1]


def bias_act(x, bias=None, activation="linear", negative_slope=0.2, gain=None, clamp=None):
    """`clip(activation(x + bias) * gain, -clamp, clamp)`.

    Args:
        x: float tensor `(..., C)`.
        bias: tensor `(C,)`, or `None`.
        activation: `"linear"`, `"relu"`, `"leaky_relu"`, `"tanh"`, `"sigmoid"`, `"elu"`, `"selu"`,
            `"softplus"` or `"swish"`.
        negative_slope: float, of `"leaky_relu"`.
        gain: float, or `None` for the activation's own: sqrt(2) for the rectifiers, else 1.
        clamp: float > 0, or `None`.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: if there is no such activation.

    Example:
    ```python
    y = keras_gan.ops.bias_act(x, bias, "leaky_relu")
    ```
    """
    own_gain = activation_gain(activation)
    function, _ = _ACTIVATIONS[activation]
    gain = own_gain if gain is None else gain
    if bias is not None:
        x = x + bias
    x = backend.leaky_relu(x, negative_slope) if function is None else function(x)
    if gain != 1:
        x = x * gain
    return x if clamp is None else ops.clip(x, -clamp, clamp)
