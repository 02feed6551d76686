"""One Keras optimizer that holds one optimizer for each player."""

import warnings

import keras
import numpy as np
from keras import ops, optimizers

from keras_gan import backend


@keras.saving.register_keras_serializable(package="keras_gan")
class AdversarialOptimizer(optimizers.Optimizer):
    """The optimizers of all players, as the single `model.optimizer` that Keras' trainers expect.

    Keras threads exactly `model.optimizer.variables` through its compiled steps and walks
    `model.optimizer` when it saves; presenting every player's optimizer as one object makes both
    work on every backend. It never updates anything itself: the training step applies a player's
    optimizer.

    Args:
        players: dict from a player's name (a Python identifier such as `"generator"`) to its
            optimizer: a `keras.optimizers.Optimizer`, its name or its config.
        name: str.

    Raises:
        ValueError: if two players share an optimizer, which would mix their moments, or one
            accumulates gradients itself (`gradient_accumulation_steps`): use
            `compile(accumulation_steps=...)`, which keeps the step counter, the moving averages and
            the lazy regularisers in step with the updates.

    Example:
    ```python
    optimizer = keras_gan.optimizers.AdversarialOptimizer(
        {"generator": keras.optimizers.Adam(1e-4), "discriminator": keras.optimizers.Adam(4e-4)}
    )
    optimizer.players["generator"].learning_rate = 5e-5
    ```
    """

    def __init__(self, players, name="adversarial_optimizer"):
        super().__init__(learning_rate=0.0, name=name)
        self._player_names = ()
        self._state_names = ()
        for player, optimizer in players.items():
            optimizer = optimizers.get(optimizer)
            if any(optimizer is other for other in self.players.values()):
                raise ValueError(
                    f"Each player needs an optimizer of its own. Received: {optimizer!r} for "
                    f"'{player}' and another player. Make a second one with the same arguments."
                )
            inner = getattr(optimizer, "inner_optimizer", optimizer)
            if inner.gradient_accumulation_steps is not None:
                raise ValueError(
                    f"The optimizer of player '{player}' has gradient_accumulation_steps="
                    f"{inner.gradient_accumulation_steps}. Remove it and pass "
                    "`accumulation_steps` to `compile` instead."
                )
            # As attributes, so that a saved file names them `optimizer/generator/...`.
            setattr(self, player, optimizer)
            self._player_names += (player,)

    @property
    def players(self):
        """dict: name of a player to its optimizer."""
        return {player: getattr(self, player) for player in self._player_names}

    def build_players(self, variables):
        """Create the state of every player's optimizer.

        Args:
            variables: dict from a player's name to the list of variables it trains, fixed from now
                on.

        Raises:
            ValueError: if an optimizer has been built with other variables.
        """
        for player, optimizer in self.players.items():
            if not optimizer.built:
                optimizer.build(variables[player])
                backend.store_like(optimizer.variables, variables[player])
            built_with = getattr(optimizer, "inner_optimizer", optimizer)._trainable_variables
            if [id(v) for v in built_with] != [id(v) for v in variables[player]]:
                raise ValueError(
                    f"The optimizer of player '{player}' holds the state of other variables: it "
                    "was used for another model, or before layers were frozen or unfrozen. Make a "
                    "new one."
                )
        super().build([])

    def add_state(self, name, value):
        """Create a variable that is saved and resumed together with the players' moments.

        Args:
            name: str, without a slash.
            value: array, the initial value.

        Returns:
            A `keras.Variable` that is not trained.
        """
        value = np.asarray(value)
        variable = self.add_variable(
            value.shape, lambda *_, **__: value, str(value.dtype), name=name
        )
        self._state_names += (name,)
        return variable

    def build(self, variables):
        """Does nothing: `build_players` has built each player with its own variables."""

    @property
    def variables(self):
        """The state of all players' optimizers."""
        own = list(super().variables)
        return own + [v for optimizer in self.players.values() for v in optimizer.variables]

    @property
    def iterations(self):
        """The first player's count of updates (what Keras' logging callbacks show)."""
        return next(iter(self.players.values())).iterations

    @property
    def learning_rate(self):
        """The first player's learning rate (what Keras' logging callbacks show)."""
        return next(iter(self.players.values())).learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        raise ValueError(
            f"Each player has its own learning rate. Received: learning_rate={value}. Set it on "
            f"one of {list(self.players)}, for example "
            f"`gan.optimizer.players['{self._player_names[0]}'].learning_rate = {value}`."
        )

    def apply(self, grads, trainable_variables=None):
        """Refused: each player's gradients go to its own optimizer."""
        raise ValueError(
            "An AdversarialOptimizer has no update of its own. Apply the gradients of one player "
            f"with `optimizer.players[name].apply(...)`, name in {list(self.players)}."
        )

    def finalize_variable_values(self, var_list):
        """Called by `fit` at its end: writes averaged weights of optimizers with `use_ema`."""
        del var_list
        for optimizer in self.players.values():
            optimizer.finalize_variable_values(optimizer._trainable_variables)

    def save_own_variables(self, store):
        """The variables of `add_state`: Keras saves each player's optimizer by its attribute."""
        for name, variable in self._state().items():
            store[name] = keras.ops.convert_to_numpy(variable)

    def load_own_variables(self, store):
        """See `save_own_variables`."""
        state = self._state()
        if set(state) != set(store.keys()):
            # As Keras does for optimizers of another kind.
            warnings.warn(
                "The state of augmentations and regularizers is not loaded: the file holds "
                f"{sorted(store.keys())}, and the model was compiled for {sorted(state)}."
            )
            return
        for name, variable in state.items():
            variable.assign(store[name][()])

    def _state(self):
        return {v.name: v for v in super().variables if v.name in self._state_names}

    def get_config(self):
        """The players' optimizers, serialised."""
        serialize = keras.saving.serialize_keras_object
        return {
            "players": {name: serialize(optimizer) for name, optimizer in self.players.items()},
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The inverse of `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        players = {
            name: deserialize(optimizer, custom_objects=custom_objects)
            for name, optimizer in config["players"].items()
        }
        return cls(players, name=config["name"])


# On PyTorch, Keras has another class behind this name, which updates all variables at once.
_KerasAdam = type(optimizers.Adam.__new__(optimizers.Adam))


@keras.saving.register_keras_serializable(package="keras_gan")
class Adam(_KerasAdam):
    """Adam as PyTorch has it: epsilon is added to the root of the corrected second moment.

    `keras.optimizers.Adam` adds it before the correction, which in the first steps makes it larger
    by `1 / sqrt(1 - beta_2)`. It matters for gradients that are not large against epsilon.

    Args:
        learning_rate: float, or a schedule.
        beta_1: float.
        beta_2: float.
        epsilon: float.
        **kwargs: of `keras.optimizers.Adam`.

    Example:
    ```python
    gan.compile(generator_optimizer=keras_gan.optimizers.Adam(0.002, 0.0, 0.99))
    ```

    Reference: Kingma, Ba (2014), Adam: A Method for Stochastic Optimization, arXiv:1412.6980.
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    @property
    def epsilon(self):
        """What Keras' update adds instead: epsilon, corrected as the moment is."""
        step = ops.cast(self.iterations + 1, "float32")
        return self._epsilon * ops.sqrt(1.0 - ops.power(float(self.beta_2), step))

    @epsilon.setter
    def epsilon(self, value):
        self._epsilon = value

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self._epsilon}


def two_time_scale(generator_rate=1e-4, discriminator_rate=4e-4, beta_1=0.0, beta_2=0.9):
    """TTUR: a discriminator that learns faster instead of making more steps.

    Args:
        generator_rate: float, the generator's learning rate.
        discriminator_rate: float, the discriminator's. The defaults are those of SAGAN; the TTUR
            paper's WGAN-GP for CIFAR-10 has 1e-4 and 3e-4.
        beta_1: float, of both players' Adam.
        beta_2: float.

    Returns:
        dict of the arguments `generator_optimizer`, `discriminator_optimizer` and
        `discriminator_steps=1` of `keras_gan.GAN.compile`.

    Example:
    ```python
    gan.compile(loss="hinge", **keras_gan.optimizers.two_time_scale(1e-4, 4e-4))
    ```

    Reference: Heusel et al. (2017), GANs Trained by a Two Time-Scale Update Rule Converge to a
    Local Nash Equilibrium, arXiv:1706.08500.
    """
    rates = {"generator": generator_rate, "discriminator": discriminator_rate}
    return {
        **{
            f"{player}_optimizer": optimizers.Adam(rate, beta_1, beta_2, epsilon=1e-8)
            for player, rate in rates.items()
        },
        "discriminator_steps": 1,
    }
