"""The base class of augmentations."""

import keras


class Augmentation:
    """Base class: a differentiable, random map of images to images of the same shape.

    The discriminator sees real and generated images through it, in its own updates and in the
    generator's, whose gradient flows back through it; so the generator learns the distribution of
    plain images. Nothing is augmented when images are generated or losses evaluated.

    A subclass implements `__call__` and `get_config`, and draws from `seed` alone, so that the
    numbers are the same on every backend. All images of a batch have draws of their own. What it
    must remember from one update to the next it names in `initial_state`: those variables are saved
    and resumed with the optimizers, and `__call__` gets them as `state`.
    """

    def __call__(self, images, seed, step, state=None):
        """Augment a batch.

        Args:
            images: float32 tensor `(N, H, W, C)` in the networks' range.
            seed: `keras_gan.random.SeedGenerator` for whatever is drawn.
            step: integer tensor, training steps made, for what changes over time.
            state: dict from the names of `initial_state` to variables, or `None` for what they
                begin with. An augmentation without a state need not take it.

        Returns:
            A float32 tensor of the same shape.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `__call__`.")

    def initial_state(self):
        """dict: name to array, what `state` begins with."""
        return {}

    def observe(self, state, real_logits):
        """Called in every update of the discriminator that evaluates real images.

        Args:
            state: dict, see `__call__`.
            real_logits: tensor, the discriminator's logits of the augmented images.
        """

    def check_channels(self, channels):
        """Called by `compile`: raise a ValueError unless images of so many channels will do.

        Args:
            channels: int.
        """

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

    Example:
    ```python
    augmentation = keras_gan.augmentation.get(keras_gan.augmentation.DiffAugment("color"))
    ```
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, Augmentation):
        return identifier
    raise ValueError(
        "An augmentation is an object such as `keras_gan.augmentation.DiffAugment()`. "
        f"Received: {identifier!r}"
    )
