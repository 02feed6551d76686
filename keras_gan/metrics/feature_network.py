"""What is common to the networks that metrics look through."""

import keras


class FeatureNetwork(keras.Model):
    """Base class: a network from pixels to named outputs.

    A subclass builds `network` and calls `adopt`.

    Attributes:
        image_shape: `(height, width, channels)` of the images that it takes.
        network: `keras.Model` from float32 pixels in [0, 255] `(N, height, width, channels)` to a
            dict of outputs `(N, D)`.
        default_output: str, the output that metrics use unless another is named.
        default_resize: str, the rule of `keras_gan.metrics.resize` for images of another size.
    """

    default_output = None
    default_resize = "tf1"

    def adopt(self, inputs, outputs):
        """Take the layers between these Keras tensors as the network."""
        self.image_shape = tuple(inputs.shape[1:])
        self.network = keras.Model(inputs, outputs)
        # All weights are there.
        self.built = True

    def call(self, images, training=False):
        """Dict of all outputs."""
        return self.network(images, training=training)
