"""Layers that let a network see what an image is to be."""

import keras
from keras import ops


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
    maps = keras_gan.layers.ConcatenateMaps()([images, keras.ops.one_hot(labels, 10)])
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
