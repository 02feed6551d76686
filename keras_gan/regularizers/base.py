"""The base class of regularizers."""

import keras

from keras_gan.checks import check_integer, check_number


class Regularizer:
    """Base class: a term of a player's loss beside the adversarial one.

    Args:
        weight: float >= 0, the factor of the penalty in the loss.
        interval: int >= 1, apply in every `interval`-th step.

    A subclass sets `name` and `player` and implements `penalty`. What it must remember from one
    update to the next it names in `initial_state`: those variables are saved and resumed with the
    optimizers, so that the regularizer itself is a description that several models may share.

    Example:
    ```python
    class SmallLogits(keras_gan.regularizers.Regularizer):
        name = "small_logits"

        def penalty(self, context):
            return keras.ops.mean(keras.ops.square(context.real_logits))

    gan.compile(regularizers=[SmallLogits(weight=1e-3)])
    ```
    """

    name = None
    player = "discriminator"
    # The share of the batch that an update of its own (`interval > 1`) uses.
    batch_fraction = 1.0

    def __init__(self, weight, interval=1):
        check_number("weight", weight)
        check_integer("interval", interval, minimum=1)
        self.weight = float(weight)
        self.interval = interval

    def penalty(self, context):
        """The unweighted penalty.

        Args:
            context: `keras_gan.Context`, what there is to be known of the update.

        Returns:
            A float32 scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement `penalty`.")

    def initial_state(self, variables):
        """What `context.state(self)` begins with.

        Args:
            variables: list of the variables that the player trains.

        Returns:
            dict: name to array.
        """
        del variables
        return {}

    def observe(self, state, variables):
        """Called before every update of the player.

        Args:
            state: dict, `context.state(self)`.
            variables: list of the player's variables, whose values the update will change.
        """

    def get_config(self):
        """The constructor's arguments."""
        return {"weight": self.weight, "interval": self.interval}

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls(**config)


def get(identifier):
    """The regularizer that `identifier` stands for.

    Args:
        identifier: a `Regularizer` or the dict that `keras.saving.serialize_keras_object` made.

    Returns:
        A `Regularizer`.

    Raises:
        ValueError: if it is neither.

    Example:
    ```python
    penalty = keras_gan.regularizers.get(keras_gan.regularizers.R1(10.0))
    ```
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, Regularizer):
        return identifier
    raise ValueError(
        "A regularizer is an object such as `keras_gan.regularizers.R1(gamma=10.0)`. "
        f"Received: {identifier!r}"
    )
