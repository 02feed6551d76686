"""A layer that turns its gradient around."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_gan")
class GradientReversal(keras.Layer):
    """Passes its inputs on unchanged, and their gradient times `-scale`.

    What lies before it learns to fool what lies behind it, in one update of both: domain-
    adversarial training puts it between the features and a domain classifier.

    Args:
        scale: float >= 0 (the paper's lambda).
        **kwargs: of `keras.Layer`.

    Attributes:
        scale: float32 variable. Assign to it to change it in training; the paper lets it grow as
            `2 / (1 + exp(-10 p)) - 1` with the progress p from 0 to 1.

    Call arguments:
        inputs: float tensor of any shape.

    Raises:
        ValueError: if `scale` is no number >= 0.

    Example:
    ```python
    domain_logits = classifier(keras_gan.layers.GradientReversal(1.0)(features))
    ```

    Reference: Ganin et al. (2016), Domain-Adversarial Training of Neural Networks,
    arXiv:1505.07818.
    """

    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(scale, (int, float)) or not scale >= 0:
            raise ValueError(f"`scale` is a number >= 0. Received: {scale!r}")
        self.initial_scale = float(scale)
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            dtype="float32",
            initializer=keras.initializers.Constant(scale),
            trainable=False,
        )
        self.built = True

    def call(self, inputs):
        """The inputs, bit for bit."""
        constant = ops.stop_gradient(inputs)
        scale = ops.cast(self.scale, inputs.dtype)
        return constant - scale * (inputs - constant)

    def compute_output_shape(self, input_shape):
        """Same as the input."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "scale": self.initial_scale}
