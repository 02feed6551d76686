"""Layers that let a network see what an image is to be."""

import keras
from keras import ops

from keras_gan.checks import check_integer


@keras.saving.register_keras_serializable(package="keras_gan")
class ConcatenateMaps(keras.Layer):
    """Appends a vector to the channels of every pixel: constant maps, one for each of its numbers.

    Args:
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: pair of float tensors: features `(N, ..., C)` and vectors `(N, E)`.

    Returns:
        A tensor `(N, ..., C + E)`.

    Raises:
        ValueError: if the inputs are not such a pair.

    Example:
    ```python
    maps = keras_gan.layers.ConcatenateMaps()([images, keras_gan.layers.OneHot(10)(labels)])
    ```

    References: Mirza, Osindero (2014), Conditional Generative Adversarial Nets, arXiv:1411.1784;
    Radford, Metz, Chintala (2015), arXiv:1511.06434 (as constant maps).
    """

    def build(self, input_shape):
        """Compare the inputs' shapes."""
        pair = isinstance(input_shape, (list, tuple)) and len(input_shape) == 2
        if not pair or any(not isinstance(s, (list, tuple)) for s in input_shape):
            raise ValueError(
                "ConcatenateMaps takes a pair [features, vectors]. Received: an input of shape "
                f"{input_shape}"
            )
        features, vectors = input_shape
        if len(vectors) != 2 or len(features) < 2:
            raise ValueError(
                "ConcatenateMaps takes features (N, ..., C) and vectors (N, E). Received: shapes "
                f"{features} and {vectors}"
            )

    def call(self, inputs):
        """Append the vectors to the features."""
        features, vectors = inputs
        shape = ops.shape(features)
        between = len(features.shape) - 2
        vectors = ops.cast(vectors, features.dtype)
        maps = ops.reshape(vectors, (-1, *[1] * between, vectors.shape[-1]))
        maps = ops.broadcast_to(maps, (*shape[:-1], vectors.shape[-1]))
        return ops.concatenate([features, maps], axis=-1)

    def compute_output_shape(self, input_shape):
        """The features', with the vectors' channels more."""
        features, vectors = input_shape
        return (*features[:-1], features[-1] + vectors[-1])


@keras.saving.register_keras_serializable(package="keras_gan")
class OneHot(keras.Layer):
    """Class ids as one-hot vectors; an id out of range becomes zeros.

    `keras.ops.one_hot` looks at the values on PyTorch, where predictions are traced without any.

    Args:
        num_classes: int >= 1.
        **kwargs: of `keras.Layer`.

    Call arguments:
        inputs: integer tensor `(N,)`.

    Returns:
        A tensor `(N, num_classes)` of the layer's compute dtype.

    Raises:
        ValueError: if `num_classes` is no integer >= 1.

    Example:
    ```python
    vectors = keras_gan.layers.OneHot(10)(labels)
    ```
    """

    def __init__(self, num_classes, **kwargs):
        # Ids must not be cast to half precision, which has too few integers.
        super().__init__(autocast=False, **kwargs)
        check_integer("num_classes", num_classes, minimum=1)
        self.num_classes = num_classes
        self.built = True

    def call(self, inputs):
        """Compare each id with all classes."""
        classes = ops.arange(self.num_classes, dtype="int32")
        return ops.cast(ops.equal(ops.cast(inputs, "int32")[:, None], classes), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """One vector for each id."""
        return (*input_shape, self.num_classes)

    def compute_output_spec(self, inputs):
        """Of the compute dtype, whatever that of the ids."""
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, self.compute_dtype)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "num_classes": self.num_classes}
