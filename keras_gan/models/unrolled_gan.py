"""Unrolled GAN: a generator that foresees how the discriminator will answer."""

import contextlib

import keras
from keras import ops

from keras_gan import backend
from keras_gan.checks import check_integer
from keras_gan.context import Context
from keras_gan.gan import GAN
from keras_gan.losses import ZeroSum


@keras.saving.register_keras_serializable(package="keras_gan")
class UnrolledGAN(GAN):
    """A GAN whose generator plays against the discriminator of some steps ahead.

    For the generator's update, the discriminator makes `unrolling_steps` steps of its own optimizer
    (with its current moments) on the batch at hand, and the generator's loss is taken there. Its
    gradient flows through those steps: it tells the generator that a mode on which it drops all of
    its samples will be found out. The steps are then forgotten, with what they wrote to the
    discriminator's state (batch statistics); the discriminator's real update is an ordinary one.

    A step ahead takes about the time and memory of a generator's update. `evaluate` reports the
    losses of the players as they are.

    Args:
        generator: see `keras_gan.GAN`.
        discriminator: see `keras_gan.GAN`.
        unrolling_steps: int >= 0, steps ahead; 0 is the ordinary GAN. The paper has 5 and 10.
        **kwargs: see `keras_gan.GAN`.

    The recipe is that of the paper's mixture of Gaussians: Adam(1e-4, beta_1=0.5) for both, and the
    game's value as the generator's loss, on real and generated images (`losses.ZeroSum`). The
    discriminator's optimizer is `SGD` or `Adam`; its regularizers have interval 1.

    Raises:
        ValueError: as `keras_gan.GAN`, if `unrolling_steps` is out of range; in `compile`, if the
            discriminator's optimizer or a regularizer cannot be unrolled.

    Example:
    ```python
    gan = keras_gan.UnrolledGAN(generator, discriminator, unrolling_steps=5)
    gan.compile()
    gan.fit(images, batch_size=512, epochs=10)
    ```

    Reference: Metz, Poole, Pfau, Sohl-Dickstein (2016), Unrolled Generative Adversarial Networks,
    arXiv:1611.02163.
    """

    def __init__(self, generator, discriminator, unrolling_steps=5, **kwargs):
        check_integer("unrolling_steps", unrolling_steps, minimum=0)
        super().__init__(generator, discriminator, **kwargs)
        self.unrolling_steps = unrolling_steps

    def recipe(self):
        """The paper's settings for a mixture of Gaussians."""
        return {
            **super().recipe(),
            "generator_optimizer": keras.optimizers.Adam(1e-4, 0.5, 0.999, epsilon=1e-8),
            "discriminator_optimizer": keras.optimizers.Adam(1e-4, 0.5, 0.999, epsilon=1e-8),
            "loss": ZeroSum("non_saturating"),
        }

    def compile(self, *args, **kwargs):
        """Settle how the model is trained, see `keras_gan.GAN.compile`.

        Raises:
            ValueError: as there, and if the discriminator's steps cannot be unrolled.
        """
        super().compile(*args, **kwargs)
        if self.unrolling_steps:
            _check_optimizer(self.optimizer.players["discriminator"])
            for regularizer in self._regularizers("discriminator", lazy=True):
                raise ValueError(
                    "An unrolled step minimises the discriminator's whole loss: regularizers of it "
                    f"have interval 1. Received: {type(regularizer).__name__} with interval="
                    f"{regularizer.interval}"
                )

    def generator_loss(self, batch, training=True):
        """What the generator minimises: its loss against the discriminator of some steps ahead.

        Args:
            batch: `Batch`.
            training: bool. Held-out losses (`False`) are those against the discriminator as it is.

        Returns:
            `(loss, logs)`.
        """
        if not (training and self.unrolling_steps):
            return super().generator_loss(batch, training)
        context = _ContextAhead(self, "generator", batch)
        with self.steps_ahead(context.fake_images, batch):
            loss = self.adversarial_loss.generator_loss(context)
        loss, penalties = self._regularized(loss, context, training)
        return loss, {"g_loss": loss, **penalties}

    @contextlib.contextmanager
    def steps_ahead(self, fake, batch):
        """Inside, the discriminator's variables are functions of the generated images `fake`.

        Args:
            fake: generated images, of which all steps see the same.
            batch: `Batch` that they go with.

        Yields:
            Nothing: read the variables.
        """
        optimizer = self.optimizer.players["discriminator"]
        variables = self.player_variables("discriminator")

        def loss():
            return self.discriminator_loss(batch._replace(fakes=fake))[0]

        # Numbers that were drawn are used up; nothing else of these steps has happened.
        with backend.hypothetical(kept=self._random_states().values()):
            for _ in range(self.unrolling_steps):
                _, gradients = backend.variable_grads(loss, variables)
                _step_of(optimizer)(optimizer, gradients, variables)
            yield

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "unrolling_steps": self.unrolling_steps}


class _ContextAhead(Context):
    def _about_real(self, fn):
        # Not constants: what it thinks of real images depends on what it saw generated.
        return fn()


# Keras' optimizers change their variables in place, by which no gradient flows. These take the same
# steps as expressions.


def _sgd_step(optimizer, gradients, variables):
    rate = ops.cast(optimizer.learning_rate, "float32")
    if not optimizer.momentum:
        for gradient, variable in zip(gradients, variables, strict=True):
            _move(variable, -rate * gradient)
    else:
        momentums = optimizer.momentums
        for gradient, variable, momentum in zip(gradients, variables, momentums, strict=True):
            step = optimizer.momentum * momentum - rate * gradient
            momentum.assign(step)
            if optimizer.nesterov:
                step = optimizer.momentum * step - rate * gradient
            _move(variable, step)
    optimizer.iterations.assign_add(1)


def _adam_step(optimizer, gradients, variables):
    beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
    count = ops.cast(optimizer.iterations + 1, "float32")
    rate = ops.cast(optimizer.learning_rate, "float32")
    rate = rate * ops.sqrt(1.0 - beta_2**count) / (1.0 - beta_1**count)
    for gradient, variable, momentum, velocity in zip(
        gradients, variables, optimizer._momentums, optimizer._velocities, strict=True
    ):
        m = momentum + (1.0 - beta_1) * (gradient - momentum)
        v = velocity + (1.0 - beta_2) * (ops.square(gradient) - velocity)
        momentum.assign(m)
        velocity.assign(v)
        # A unit that is dead has v = 0, where the root has no derivative and needs none.
        alive = v > 0
        root = ops.where(alive, ops.sqrt(ops.where(alive, v, 1.0)), 0.0)
        _move(variable, -rate * m / (root + optimizer.epsilon))
    optimizer.iterations.assign_add(1)


def _move(variable, step):
    value = variable + step
    variable.assign(value if variable.constraint is None else variable.constraint(value))


_STEPS = {keras.optimizers.SGD: _sgd_step, keras.optimizers.Adam: _adam_step}
_NOT_UNROLLED = ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "amsgrad")


def _step_of(optimizer):
    for cls, step in _STEPS.items():
        # PyTorch has classes of its own, whose rule is the same; a rule of one's own is another.
        if isinstance(optimizer, cls) and type(optimizer).update_step is cls.update_step:
            return step
    return None


def _check_optimizer(optimizer):
    config = optimizer.get_config()
    refused = {name: config[name] for name in _NOT_UNROLLED if config.get(name)}
    if _step_of(optimizer) is None or refused:
        raise ValueError(
            "The discriminator's optimizer is `keras.optimizers.SGD` or `Adam` in float32, without "
            f"{', '.join(_NOT_UNROLLED)}. Received: {type(optimizer).__name__}"
            + "".join(f", {name}={value}" for name, value in refused.items())
        )
