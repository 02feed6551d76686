"""What is done to the images that a discriminator sees in training, differentiably."""

import keras


class Augmentation:
    """Base class.

    A subclass implements `__call__` and `get_config`.
    """

    def __call__(self, images, seed, step):
        """Images as the discriminator should see them.

        Args:
            images: float32 tensor `(N, H, W, C)` in the networks' range.
            seed: `keras_gan.random.SeedGenerator` for whatever is drawn.
            step: int32 scalar, training steps that the model has made.

        Returns:
            Tensor of the same shape.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `__call__`.")

    def get_config(self):
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls(**config)


def get(identifier):
    """The augmentation that `identifier` stands for.

    Args:
        identifier: an `Augmentation` or the dict that `keras.saving.serialize_keras_object` made.

    Returns:
        An `Augmentation`.

    Raises:
        ValueError: if it is neither.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, Augmentation):
        return identifier
    raise ValueError(
        "An augmentation is an object with the methods of `keras_gan.augmentation.Augmentation`. "
        f"Received: {identifier!r}"
    )
