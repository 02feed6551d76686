"""The mapping network of StyleGAN: from latents and classes to styles."""

import keras
from keras import ops

from keras_gan.checks import check_integer, check_number
from keras_gan.layers.conditioning import OneHot
from keras_gan.layers.equalized import EqualizedDense


@keras.saving.register_keras_serializable(package="keras_gan")
class StyleMapping(keras.Model):
    """Maps latents, class ids or both to vectors w by dense layers.

    Latents are normalised to unit mean square; classes are embedded, normalised, and appended. A
    moving average of w, the centre that truncation pulls towards, is kept in training. It computes
    in float32 whatever the policy: it costs little, and every layer of an image depends on it.

    Args:
        latent_dim: int, 0 for a network of classes only.
        num_classes: int, 0 for a network of latents only.
        style_dim: int, length of w.
        num_layers: int >= 0.
        embedding_dim: int, length of an embedded class; `style_dim` by default.
        hidden_dim: int, units of the inner layers; `style_dim` by default.
        learning_rate_multiplier: float > 0, see `keras_gan.layers.EqualizedDense`.
        average_decay: float in [0, 1) of the average of w, or `None` for a network without one.
        name: str.

    Call arguments:
        inputs: latents `(N, latent_dim)`; classes; or a pair of both. Classes are integer ids
            `(N,)` or float vectors `(N, num_classes)`, one-hot or weights of several classes.
        training: bool. The average is moved in training only.

    Returns:
        float32 tensor `(N, style_dim)`.

    Attributes:
        embed: `EqualizedDense`, or `None`.
        dense: list of `EqualizedDense`.
        average: non-trainable variable `(style_dim,)`, or `None`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    w = keras_gan.layers.StyleMapping(latent_dim=512, style_dim=512)(z)
    ```

    References: Karras, Laine, Aila (2018), A Style-Based Generator Architecture for GANs,
    arXiv:1812.04948; Karras et al. (2020), Training GANs with Limited Data, arXiv:2006.06676.
    """

    def __init__(
        self,
        latent_dim,
        num_classes=0,
        style_dim=512,
        num_layers=8,
        embedding_dim=None,
        hidden_dim=None,
        learning_rate_multiplier=0.01,
        average_decay=0.995,
        name="mapping",
    ):
        super().__init__(name=name, dtype="float32")
        check_integer("latent_dim", latent_dim, minimum=0)
        check_integer("num_classes", num_classes, minimum=0)
        if not latent_dim and not num_classes:
            raise ValueError("There are neither latents nor classes to map.")
        check_integer("style_dim", style_dim, minimum=1)
        check_integer("num_layers", num_layers, minimum=0)
        if average_decay is not None:
            check_number("average_decay", average_decay, below=1)
        self.latent_dim = latent_dim
        self.num_classes = num_classes
        self.style_dim = style_dim
        self.average_decay = average_decay
        self.embed, self.average = None, None
        features = latent_dim
        if num_classes:
            self.embed = EqualizedDense(embedding_dim or style_dim, name="embed", dtype="float32")
            self.embed.build((None, num_classes))
            self.one_hot = OneHot(num_classes, dtype="float32")
            features += self.embed.units
        self.dense = []
        for i in range(num_layers):
            units = style_dim if i == num_layers - 1 else hidden_dim or style_dim
            layer = EqualizedDense(
                units, "leaky_relu", learning_rate_multiplier, name=f"fc{i}", dtype="float32"
            )
            layer.build((None, features))
            self.dense.append(layer)
            features = units
        if features != style_dim:
            raise ValueError(
                f"Without layers, w is the input of {features} numbers. Received: num_layers="
                f"{num_layers}, style_dim={style_dim}"
            )
        if average_decay is not None:
            self.average = self.add_weight(
                name="average",
                shape=(style_dim,),
                initializer="zeros",
                trainable=False,
                autocast=False,
            )
        self.built = True

    def call(self, inputs, training=False):
        """Map, and move the average in training."""
        parts = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        x = []
        if self.latent_dim:
            x.append(normalize_2nd_moment(parts.pop(0)))
        if self.num_classes:
            x.append(normalize_2nd_moment(self.embed(self._vectors(parts.pop(0)))))
        x = x[0] if len(x) == 1 else ops.concatenate(x, axis=-1)
        for layer in self.dense:
            x = layer(x)
        if training and self.average is not None:
            mean = ops.mean(ops.stop_gradient(x), axis=0)
            self.average.assign(mean + self.average_decay * (self.average - mean))
        return x

    def _vectors(self, labels):
        return self.one_hot(labels) if keras.backend.is_int_dtype(labels.dtype) else labels

    def compute_output_spec(self, inputs, training=False):
        """One float32 vector for each sample."""
        del training
        first = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        return keras.KerasTensor((first.shape[0], self.style_dim), "float32")


def normalize_2nd_moment(x):
    """float32 vectors `x / sqrt(mean(x^2) + 1e-8)`."""
    x = ops.cast(x, "float32")
    return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-8)
