"""The base class of every GAN: the game of two players on Keras' training loop."""

import functools
import itertools
import types
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_gan import (
    augmentation,
    backend,
    batches,
    checkpoints,
    distribution,
    images,
    latents,
    losses,
    random,
    regularizers,
    schedules,
)
from keras_gan.callbacks import AdaptiveAugmentation, Diagnosis, Snapshot
from keras_gan.checks import check_arguments, check_integer
from keras_gan.context import Context
from keras_gan.metrics import SampleMetric, sources
from keras_gan.ops import pack
from keras_gan.optimizers import AdversarialOptimizer
from keras_gan.presets import folder as preset_folder
from keras_gan.weights import copy_weights


class Batch(NamedTuple):
    """What one update sees.

    Attributes:
        images: float32 tensor `(N, H, W, C)` in the networks' range.
        labels: int32 tensor `(N,)` of class ids, or `None`. Generated images that go with the batch
            are of the same classes, whose frequencies then are those of the data.
        latents: tensor `(N, latent_dim)` to generate from, or `None` for fresh ones.
        fakes: tensor of generated images that the discriminator is to see, or `None` for fresh
            ones.
    """

    images: Any
    labels: Any = None
    latents: Any = None
    fakes: Any = None


class Phase(NamedTuple):
    """One kind of update within a training step.

    Attributes:
        player: str, whose optimizer takes the step.
        loss: function from a `Batch` to `(loss, logs)`, a scalar and a dict of scalars to be
            logged.
        interval: int, the phase runs in every `interval`-th training step.
        batch_fraction: float in (0, 1], the share of the batch that it uses.
        due: function from the int32 count of steps made to a boolean tensor, whether the phase runs
            in this step, where that is no matter of `interval`; or `None`.
    """

    player: str
    loss: Callable
    interval: int = 1
    batch_fraction: float = 1.0
    due: Callable | None = None


class _Checked:
    """Names the arguments that there are when a model is made with others."""

    def __new__(cls, *args, **kwargs):
        check_arguments(cls.__name__, cls.__init__, kwargs)
        return super().__new__(cls, *args, **kwargs)


@keras.saving.register_keras_serializable(package="keras_gan")
class GAN(_Checked, backend.Trainer, keras.Model):
    """A generator and a discriminator that are trained against each other.

    The zoo's models derive from it; it can also be used as it is with two networks of one's own. A
    subclass hands its networks to `__init__`, gives its paper's settings in `recipe`, and overrides
    `discriminator_loss` or `generator_loss` where the paper differs.

    Args:
        generator: functional or sequential `keras.Model` from latents `(N, latent_dim)` to images
            `(N, H, W, C)`. A conditional one has two inputs: latents, and int32 class ids `(N,)`.
        discriminator: the same from images to logits `(N, ...)` (no sigmoid). In a conditional
            model it may have two inputs: images, and class ids.
        ema_generator: another network like `generator`, whose weights are set and never trained;
            by default a clone, which takes longer to make than a second network.
        image_range: pair of floats, the range of the networks' images. The outside always sees
            [-1, 1] or uint8.
        num_classes: int, makes the model conditional: data come with labels, and `generate` takes
            them; `None` for a model that knows no classes.
        packing: int >= 1, consecutive images that the discriminator judges together, all real or
            all generated (PacGAN, against mode collapse): it takes images `(H, W, packing * C)`,
            and batches hold a multiple of `packing` images.
        seed: int in `[0, 2**32)` for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy, which should be the networks'.

    Attributes:
        ema_generator: the copy of the generator whose weights are a moving average (a plain copy of
            the generator where `ema_decay` is 0); what `generate` and calling the model use.
        step: int32 variable, training steps made.

    Raises:
        ValueError: if a network is of another kind or they do not fit together.

    Example:
    ```python
    gan = keras_gan.GAN(generator, discriminator)
    gan.compile(loss="hinge")
    gan.fit(keras_gan.data.image_folder("photos/", image_shape=(64, 64, 3)), epochs=10)
    images = gan.generate(16, seed=0)
    ```

    References: Goodfellow et al. (2014), Generative Adversarial Networks, arXiv:1406.2661; Lin,
    Khetan, Fanti, Oh (2017), PacGAN, arXiv:1712.04086.
    """

    def __init__(
        self,
        generator,
        discriminator,
        *,
        ema_generator=None,
        image_range=(-1, 1),
        num_classes=None,
        packing=1,
        seed=None,
        name=None,
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype)
        if num_classes is not None:
            check_integer("num_classes", num_classes, minimum=1)
        _check_inputs("generator", generator, (1,) if num_classes is None else (2,))
        _check_inputs("discriminator", discriminator, (1,) if num_classes is None else (1, 2))
        check_integer("packing", packing, minimum=1)
        *sides, channels = generator.output_shape[1:]
        shown_shape, *label_shape = _input_shapes(discriminator)
        if packing > 1 and label_shape:
            raise ValueError(
                "A discriminator that sees the class of an image judges images one by one. "
                f"Received: packing={packing}; use 1, or a discriminator of images only."
            )
        if (*sides, packing * channels) != shown_shape[1:]:
            packed = f" With packing={packing}, it takes {packing} of them side by side on the "
            raise ValueError(
                f"The generator makes images of shape {generator.output_shape[1:]}, but the "
                f"discriminator takes {shown_shape[1:]}."
                + (f"{packed}channels: {(*sides, packing * channels)}." if packing > 1 else "")
            )
        if len(image_range) != 2 or not image_range[0] < image_range[1]:
            raise ValueError(
                "`image_range` is a pair (lowest, highest), such as (0, 1). Received: "
                f"{image_range}"
            )
        self.generator = generator
        self.discriminator = discriminator
        if ema_generator is None:
            ema_generator = keras.models.clone_model(generator)
        shapes = [[tuple(w.shape) for w in net.weights] for net in (generator, ema_generator)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"`ema_generator` must be a network like `generator`, with weights of shapes "
                f"{shapes[0]}. Received: {shapes[1]}"
            )
        self.ema_generator = ema_generator
        self.ema_generator.name = f"ema_{generator.name}"
        copy_weights(generator, ema_generator)
        self.image_range = tuple(image_range)
        self.num_classes = num_classes
        self.packing = packing
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed, name="training")
        # Whether the weights are those of a preset or checkpoint, with an average worth keeping.
        self.is_pretrained = False
        self.step = self.add_weight(
            name="step",
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        self._keep_frozen()
        self.built = True

    # What a subclass says about its paper -----------------------------------------------------

    # What losses and regularizers see; another class where a discriminator tells more than logits.
    context_class = Context

    def recipe(self):
        """The settings of `compile` that the paper trains with, as a dict of its arguments."""
        return {
            "generator_optimizer": keras.optimizers.Adam(2e-4, 0.5, 0.999, epsilon=1e-8),
            "discriminator_optimizer": keras.optimizers.Adam(2e-4, 0.5, 0.999, epsilon=1e-8),
            "loss": "non_saturating",
            "regularizers": [],
            "augmentations": [],
            "discriminator_steps": 1,
            "ema_decay": 0.0,
            "generator_first": False,
        }

    def players(self):
        """dict: name of a player to the networks that it trains."""
        return {"generator": [self.generator], "discriminator": [self.discriminator]}

    def averaged_networks(self):
        """Pairs of an averaged copy and the network that it follows."""
        return [(self.ema_generator, self.generator)]

    def phases(self):
        """The updates of one training step, in order.

        Consecutive phases of the discriminator are repeated `discriminator_steps` times as a block.
        """
        return [
            Phase("discriminator", self.discriminator_loss),
            *self._lazy_phases("discriminator"),
            Phase("generator", self.generator_loss),
            *self._lazy_phases("generator"),
        ]

    def log_names(self):
        """What the losses log, beside the regularizers: a loss that logs more adds it here."""
        return ["d_loss", "g_loss", "real_logits", "fake_logits"]

    def discriminator_loss(self, batch, training=True):
        """What the discriminator minimises: the adversarial loss and regularisers of interval 1.

        Args:
            batch: `Batch`.
            training: bool. Held-out losses (`False`) leave the regularisers out.

        Returns:
            `(loss, logs)`.
        """
        context = self.context_class(self, "discriminator", batch, training)
        loss = self.adversarial_loss.discriminator_loss(context)
        logs = {
            "real_logits": ops.mean(ops.cast(context.real_logits, "float32")),
            "fake_logits": ops.mean(ops.cast(context.fake_logits, "float32")),
        }
        if training:
            context.observe(context.real_logits)
        auxiliary, auxiliary_logs = self.auxiliary_loss(context)
        loss, penalties = self._regularized(loss + auxiliary, context, training)
        return loss, {"d_loss": loss, **logs, **auxiliary_logs, **penalties}

    def generator_loss(self, batch, training=True):
        """What the generator minimises: the adversarial loss and its regularisers of interval 1.

        Args:
            batch: `Batch`.
            training: bool. Held-out losses (`False`) leave the regularisers out.

        Returns:
            `(loss, logs)`.
        """
        context = self.context_class(self, "generator", batch, training)
        loss = self.adversarial_loss.generator_loss(context)
        auxiliary, logs = self.auxiliary_loss(context)
        loss, penalties = self._regularized(loss + auxiliary, context, training)
        return loss, {"g_loss": loss, **logs, **penalties}

    def auxiliary_loss(self, context):
        """What a model's paper adds to the adversarial loss of `context.player`.

        Args:
            context: `keras_gan.Context`.

        Returns:
            `(loss, logs)`.
        """
        return 0.0, {}

    def sample_latents(self, count):
        """Latents for training: float32 `(count, latent_dim)` from N(0, 1)."""
        return random.normal((count, self.latent_dim), self.seed_generator)

    def generate_fakes(self, batch, training=True):
        """Generated images to go with a batch."""
        z = batch.latents
        if z is None:
            z = self.sample_latents(ops.shape(batch.images)[0])
        return self.generator(self._generator_inputs(z, batch.labels), training=training)

    def _generator_inputs(self, z, labels):
        return z if self.num_classes is None else [z, labels]

    def constant_fakes(self, batch, training=True):
        """Generated images to go with a batch, as constants."""
        if batch.fakes is not None:
            return batch.fakes

        def generate():
            return self.generate_fakes(batch, training)

        if batch.latents is None:
            return backend.detached(generate)
        # The generator's own phase makes the same images: its statistics move there, once.
        return backend.detached(lambda: backend.without_updates(generate))

    def shown(self, images, training=True):
        """Real or generated images as the discriminator sees them.

        Args:
            images: float32 tensor `(N, H, W, C)` in the networks' range.
            training: bool. The compiled augmentations are applied in training only.

        Returns:
            Tensor `(N / packing, H, W, packing * C)`.
        """
        if training:
            for augment in self.augmentations:
                state = self.augmentation_state(augment)
                options = {"state": state} if state else {}
                images = augment(images, self.seed_generator, self.step, **options)
        return pack(images, self.packing)

    def observe_real_logits(self, logits):
        """Let the augmentations know the logits of real images in an update."""
        for augment in self.augmentations:
            augment.observe(self.augmentation_state(augment), logits)

    def discriminate(self, x, batch, training=True, network=None):
        """The discriminator's logits for what `shown` made of images that go with a batch.

        Args:
            x: tensor.
            batch: `Batch`.
            training: bool.
            network: another network on the discriminator's inputs, such as a `feature_network`.
        """
        network = self.discriminator if network is None else network
        sees_labels = len(network.inputs) > 1
        return network([x, batch.labels] if sees_labels else x, training=training)

    def feature_network(self, layer=None):
        """The discriminator up to an inner layer.

        Args:
            layer: str or int, the layer's name or index; `None` for what enters the last layer with
                a kernel.

        Returns:
            `keras.Model` that shares the discriminator's layers.

        Raises:
            ValueError: if the discriminator has no such layer.
        """
        networks = self._compiled.feature_networks
        if layer not in networks:
            networks[layer] = keras.Model(
                self.discriminator.inputs, _features(self.discriminator.layers, layer)
            )
        return networks[layer]

    # Shapes -----------------------------------------------------------------------------------

    @property
    def latent_dim(self):
        """int, the length of a latent vector."""
        return _input_shapes(self.generator)[0][-1]

    @property
    def image_shape(self):
        """`(height, width, channels)` of an image."""
        return tuple(self.generator.output_shape[1:])

    # Compiling --------------------------------------------------------------------------------

    def compile(
        self,
        generator_optimizer=None,
        discriminator_optimizer=None,
        loss=None,
        regularizers=None,
        augmentations=None,
        discriminator_steps=None,
        ema_decay=None,
        accumulation_steps=1,
        reuse_latents=False,
        generator_first=None,
        metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
    ):
        """Settle how the model is trained. Whatever is not given comes from the paper's recipe.

        What each player trains is fixed here: to freeze or unfreeze layers later, compile again.

        Args:
            generator_optimizer: `keras.optimizers.Optimizer`, its name or config.
            discriminator_optimizer: the same for the discriminator.
            loss: `keras_gan.losses.AdversarialLoss` or its name, see `keras_gan.losses.get`.
            regularizers: list of `keras_gan.regularizers.Regularizer`; `[]` for none.
            augmentations: list of `keras_gan.augmentation.Augmentation`, applied in training to
                whatever the discriminator judges, in this order; real and generated images get
                draws of their own, and the generator's gradient goes through.
            discriminator_steps: int >= 1, discriminator updates for each generator update, each on
                a batch of its own.
            ema_decay: float in [0, 1) of the generator's moving average, or a schedule of the
                training step such as `keras_gan.schedules.WarmUpDecay`; 0 keeps a plain copy.
            accumulation_steps: int >= 1, batches over which the gradients of one update are
                averaged.
            reuse_latents: bool. Let the generator's update see the same latents as the
                discriminator's, as pytorch/examples does, instead of fresh ones.
            generator_first: bool. Update the generator before the discriminator, which then sees
                the images that were generated before that update.
            metrics: list of Keras metrics, updated in `evaluate` and validation with
                `update_state(real_images, generated_images)`, float32 in [-1, 1].
            run_eagerly: bool, see `keras.Model.compile`.
            steps_per_execution: int, see `keras.Model.compile`; 1 on PyTorch.
            jit_compile: bool or `"auto"`, see `keras.Model.compile`.

        Raises:
            ValueError: if an argument is out of its range or of the wrong kind.
        """
        recipe = self.recipe()

        def given(name, value):
            return recipe[name] if value is None else value

        self.adversarial_loss = losses.get(given("loss", loss))
        self.regularizers = self._checked_regularizers(given("regularizers", regularizers))
        self.augmentations = _checked_augmentations(given("augmentations", augmentations))
        for augment in self.augmentations:
            augment.check_channels(self.image_shape[-1])
        self.discriminator_steps = given("discriminator_steps", discriminator_steps)
        check_integer("discriminator_steps", self.discriminator_steps, minimum=1)
        check_integer("accumulation_steps", accumulation_steps, minimum=1)
        self.accumulation_steps = accumulation_steps
        self.ema_decay = given("ema_decay", ema_decay)
        schedules.check("ema_decay", self.ema_decay, below=1)
        self.reuse_latents = bool(reuse_latents)
        self.generator_first = bool(given("generator_first", generator_first))
        for name in ("reuse_latents", "generator_first"):
            if getattr(self, name) and self.discriminator_steps > 1:
                raise ValueError(
                    f"`{name}=True` needs as many generator as discriminator updates. Received: "
                    f"discriminator_steps={self.discriminator_steps}"
                )
        optimizer = AdversarialOptimizer(
            {
                "generator": self._player_optimizer(
                    given("generator_optimizer", generator_optimizer)
                ),
                "discriminator": self._player_optimizer(
                    given("discriminator_optimizer", discriminator_optimizer)
                ),
            }
        )
        super().compile(
            optimizer=optimizer,
            auto_scale_loss=False,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
        )
        # A plain dict would make Keras count these variables as the model's own, once more.
        self._compiled = types.SimpleNamespace(
            variables=self._current_player_variables(), together=False, feature_networks={}
        )
        optimizer.build_players(self._compiled.variables)
        self._compiled.state = {
            regularizer.name: {
                name: optimizer.add_state(f"{regularizer.name}.{name}", value)
                for name, value in regularizer.initial_state(
                    self.player_variables(regularizer.player)
                ).items()
            }
            for regularizer in self.regularizers
        }
        self._compiled.augmentation_state = {
            id(augment): {
                name: optimizer.add_state(f"augmentation_{i}.{name}", value)
                for name, value in augment.initial_state().items()
            }
            for i, augment in enumerate(self.augmentations)
        }
        metrics = [keras.metrics.get(metric) for metric in metrics or []]
        # Those that keep samples have no place in a compiled step.
        self._host_metrics = [metric for metric in metrics if isinstance(metric, SampleMetric)]
        self._evaluation_metrics = [m for m in metrics if not isinstance(m, SampleMetric)]
        names = self.log_names() + [regularizer.name for regularizer in self.regularizers]
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self._compile_arguments = {
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }

    def _checked_regularizers(self, identifiers):
        if not isinstance(identifiers, (list, tuple)):
            raise ValueError(
                f"`regularizers` is a list; use [] for none. Received: {identifiers!r}"
            )
        found = [regularizers.get(identifier) for identifier in identifiers]
        for regularizer in found:
            if regularizer.player not in self.players():
                raise ValueError(
                    f"The players of this model are {list(self.players())}. Received: "
                    f"{type(regularizer).__name__}, for the player '{regularizer.player}'."
                )
        names = [regularizer.name for regularizer in found]
        if len(set(names)) < len(names):
            raise ValueError(f"Each regularizer can be given once. Received: {names}")
        return found

    def _player_optimizer(self, optimizer):
        optimizer = keras.optimizers.get(optimizer)
        networks = itertools.chain(*self.players().values())
        layers = itertools.chain(*(network.layers for network in networks))
        policies = {layer.dtype_policy.name for layer in layers}
        if "float16" in policies:
            raise ValueError(
                "Weights of float16 become NaN in training. Make the model with "
                "`dtype='mixed_float16'` (weights of float32) or `dtype='mixed_bfloat16'`. "
                "Received: layers of dtype 'float16'"
            )
        is_scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if "mixed_float16" in policies and not is_scaled:
            # Half-precision gradients underflow unless the loss is scaled up.
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        return optimizer

    def get_compile_config(self):
        """What `compile` was called with, for saving."""
        if not self.compiled:
            return {}
        serialize = keras.saving.serialize_keras_object
        players = self.optimizer.players
        return {
            "generator_optimizer": serialize(players["generator"]),
            "discriminator_optimizer": serialize(players["discriminator"]),
            "loss": serialize(self.adversarial_loss),
            "regularizers": [serialize(regularizer) for regularizer in self.regularizers],
            "augmentations": [serialize(augment) for augment in self.augmentations],
            "discriminator_steps": self.discriminator_steps,
            "ema_decay": schedules.serialize(self.ema_decay),
            "accumulation_steps": self.accumulation_steps,
            "reuse_latents": self.reuse_latents,
            "generator_first": self.generator_first,
            "metrics": [serialize(m) for m in [*self._evaluation_metrics, *self._host_metrics]],
            **self._compile_arguments,
        }

    def compile_from_config(self, config):
        """Compile as `get_compile_config` says."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    # What is trained --------------------------------------------------------------------------

    @property
    def trainable(self):
        """Whether the players' networks are trained; the averaged ones stay frozen."""
        return super().trainable

    @trainable.setter
    def trainable(self, value):
        keras.Model.trainable.fset(self, value)
        self._keep_frozen()

    def _keep_frozen(self):
        """Freeze what is not trained, whatever `trainable` was set to."""
        for average, _ in self.averaged_networks():
            average.trainable = False

    @property
    def trainable_variables(self):
        """The players' variables and nothing else."""
        variables = itertools.chain(*self._current_player_variables().values())
        return list({id(v): v for v in variables}.values())

    @property
    def non_trainable_variables(self):
        """All other state: statistics, averages, seeds, the step counter."""
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trainable]

    def _current_player_variables(self):
        return {
            player: [v for network in networks for v in network.trainable_variables]
            for player, networks in self.players().items()
        }

    def player_variables(self, player):
        """The variables that a player of the compiled model trains."""
        return self._compiled.variables[player]

    def regularizer_state(self, regularizer):
        """dict: name to variable, the state of one of the compiled regularizers."""
        return self._compiled.state[regularizer.name]

    def augmentation_state(self, augment):
        """dict: name to variable, the state of one of the compiled augmentations."""
        return self._compiled.augmentation_state[id(augment)]

    def _check_trainable(self):
        for player, variables in self._current_player_variables().items():
            compiled = self._compiled.variables[player]
            if [id(v) for v in variables] != [id(v) for v in compiled]:
                changed = {v.path for v in variables} ^ {v.path for v in compiled}
                raise ValueError(
                    f"Layers of the {player} were frozen or unfrozen after `compile`: "
                    f"{sorted(changed)}. Call `compile` again to train what is trainable now."
                )

    # One training step ------------------------------------------------------------------------

    def train_step(self, *args):
        """One adversarial step, in the form that the current backend's trainer calls."""
        return backend.run_step(self, self.adversarial_step, *args)

    def adversarial_step(self, data):
        """All phases that are due, the moving averages, and the step counter.

        Args:
            data: tuple `(images,)` or `(images, labels)`, with the images of
                `discriminator_steps * accumulation_steps` batches one after the other.

        Returns:
            dict of the logged values, each the mean over the epoch so far.
        """
        groups = self._split(self.unpack(data))
        ordered = self.phases()
        if self.generator_first:
            ordered.sort(key=lambda phase: phase.player != "generator")
        for player, phases in itertools.groupby(ordered, key=lambda phase: phase.player):
            phases = list(phases)
            for group in groups if player == "discriminator" else groups[-1:]:
                for phase in phases:
                    self._run_phase(phase, group)
        self.update_averages()
        self.step.assign_add(1)
        return {name: tracker.result() for name, tracker in self._trackers.items()}

    def unpack(self, data):
        """The `Batch` of what a data set yields: `(images,)` or `(images, labels)`."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return Batch(self.to_network_range(x), None if y is None else ops.cast(y, "int32"))

    def to_network_range(self, x):
        """uint8 or float images in [-1, 1] as the networks see them."""
        if keras.backend.standardize_dtype(x.dtype) == "uint8":
            x = ops.cast(x, "float32") / 127.5 - 1.0
        x = ops.cast(x, "float32")
        low, high = self.image_range
        return x if (low, high) == (-1, 1) else (x + 1.0) * ((high - low) / 2) + low

    def from_network_range(self, x):
        """The networks' images, mapped to [-1, 1]."""
        low, high = self.image_range
        return x if (low, high) == (-1, 1) else (x - low) * (2 / (high - low)) - 1.0

    def _split(self, batch):
        """A list for each discriminator step of a list of batches to accumulate over."""
        count = self.discriminator_steps * self.accumulation_steps
        parts = [
            None if field is None else (ops.split(field, count) if count > 1 else [field])
            for field in batch
        ]
        microbatches = [
            Batch(*(None if part is None else part[i] for part in parts)) for i in range(count)
        ]
        if self.reuse_latents or self.generator_first:
            microbatches = [
                b._replace(latents=self.sample_latents(ops.shape(b.images)[0]))
                for b in microbatches
            ]
        if self.generator_first:
            microbatches = [b._replace(fakes=self.constant_fakes(b)) for b in microbatches]
        return [
            microbatches[i : i + self.accumulation_steps]
            for i in range(0, count, self.accumulation_steps)
        ]

    def _run_phase(self, phase, microbatches):
        if phase.interval == 1 and phase.due is None:
            self._update_player(phase, microbatches)
        else:

            def update():
                self._update_player(phase, microbatches)
                return ()

            step = ops.convert_to_tensor(self.step)
            due = ops.equal(ops.mod(step, phase.interval), 0)
            if phase.due is not None:
                due = ops.logical_and(due, phase.due(step))
            backend.cond(due, update, lambda: ())

    def _update_player(self, phase, microbatches):
        optimizer = self.optimizer.players[phase.player]
        variables = self._compiled.variables[phase.player]
        gradients, share = None, 1.0 / len(microbatches)
        for batch in microbatches:
            batch = _head(batch, phase.batch_fraction, self.packing)
            (_, logs), new = backend.value_and_grad(
                lambda batch=batch: phase.loss(batch), variables, scale_loss=optimizer.scale_loss
            )
            new = new if share == 1 else [g * share for g in new]
            gradients = (
                new if gradients is None else [a + b for a, b in zip(gradients, new, strict=True)]
            )
            self._log(logs, batch)
        for regularizer in self.regularizers:
            if regularizer.player == phase.player:
                regularizer.observe(self.regularizer_state(regularizer), variables)
        # Loss scaling looks for what is not finite itself: then its scale is too large.
        if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            gradients = self.checked_gradients(gradients)
        backend.apply_gradients(optimizer, gradients, variables)

    def checked_gradients(self, gradients):
        """A list of gradients as an optimizer that does not scale its loss is given them."""
        return gradients

    def _log(self, logs, batch):
        if unknown := sorted(set(logs) - set(self._trackers)):
            raise ValueError(
                f"{type(self).__name__} logs {unknown}, which it does not announce. Add the names "
                f"to what `log_names()` returns: {self.log_names()}"
            )
        # Means over images: a ragged last batch counts for what it holds.
        count = ops.cast(ops.shape(batch.images)[0], "float32")
        for name, value in logs.items():
            self._trackers[name].update_state(value, sample_weight=count)

    def update_averages(self):
        """Move the averaged copies towards their networks, as a training step does at its end."""
        decay = self.ema_decay
        if not isinstance(decay, (int, float)):
            decay = schedules.value(decay, self.step)
        for average, network in self.averaged_networks():
            for ours, theirs in zip(average.weights, network.weights, strict=True):
                # Statistics are copied: an average of moving averages would only lag.
                if self.ema_decay and theirs.trainable:
                    ours.assign(decay * ours + (1.0 - decay) * theirs)
                else:
                    ours.assign(theirs)

    def _regularizers(self, player, lazy):
        return [r for r in self.regularizers if r.player == player and (r.interval > 1) == lazy]

    def _regularized(self, loss, context, training):
        """`(loss, logs)` with the player's regularisers of interval 1 added."""
        logs = {}
        for regularizer in self._regularizers(context.player, lazy=False) if training else ():
            logs[regularizer.name] = regularizer.penalty(context)
            loss = loss + regularizer.weight * logs[regularizer.name]
        return loss, logs

    def _lazy_phases(self, player):
        def loss_of(regularizer):
            def loss(batch):
                penalty = regularizer.penalty(self.context_class(self, player, batch))
                # k times the weight in every k-th step.
                weight = regularizer.weight * regularizer.interval
                return weight * penalty, {regularizer.name: penalty}

            return loss

        return [
            Phase(player, loss_of(regularizer), regularizer.interval, regularizer.batch_fraction)
            for regularizer in self._regularizers(player, lazy=True)
        ]

    # Keras' loops -----------------------------------------------------------------------------

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        **kwargs,
    ):
        """Train. One step consumes `discriminator_steps * accumulation_steps` batches.

        On several devices, every process is given the same data in the same order; each replica
        takes its share of every batch, see guides/distributed.py.

        Args:
            x: images as uint8, or float in [-1, 1], `(N, H, W, C)`: an array, a `keras_gan.data`
                set, or whatever Keras takes (`tf.data`, `PyDataset`, `DataLoader`, Grain,
                generator) that yields `images` or `(images, labels)`.
            y: labels beside an array: integer class ids `(N,)`. A conditional model needs them,
                another ignores them.
            batch_size: int, images per update, for arrays (32 by default), of all replicas
                together. With `accumulation_steps` an update sees that many times more.
            epochs: int.
            verbose: see `keras.Model.fit`.
            callbacks: list of `keras.callbacks.Callback`. `keras_gan.callbacks.Snapshot` makes a
                run that was killed go on where it stopped.
            validation_split: float in [0, 1), the last share of arrays to hold out.
            validation_data: held-out data, as `x` or `(x, y)`.
            shuffle: bool, for arrays and `PyDataset`s. The order is drawn from the model's `seed`
                and the count of steps, the same on every backend.
            class_weight: refused, like `sample_weight`: an adversarial loss has no such meaning.
            sample_weight: refused.
            **kwargs: `initial_epoch`, `steps_per_epoch`, `validation_steps`,
                `validation_batch_size`, `validation_freq` of `keras.Model.fit`.

        Returns:
            `keras.callbacks.History` with `d_loss`, `g_loss`, the mean logits and each regulariser
            by name, per epoch.

        Raises:
            ValueError: if the model is not compiled, layers were frozen since, the first batch
                cannot be used, or the replicas' shares would not be equal.
        """
        self._assert_ready("fit", class_weight, sample_weight)
        if any(isinstance(c, keras.callbacks.TerminateOnNaN) for c in _as_list(callbacks)):
            warnings.warn(
                "`TerminateOnNaN` does nothing here: it reads the log 'loss', and a GAN logs "
                f"{self.log_names()}. `keras_gan.callbacks.Snapshot` stops at NaN."
            )
        if validation_split and validation_data is None:
            (x, y), validation_data = batches.split_arrays(x, y, validation_split)
        replicas = backend.Replicas(self)
        spare = None
        if validation_data is not None:
            held_out, labels, weight = keras.utils.unpack_x_y_sample_weight(validation_data)
            self._assert_ready("fit", None, weight)
            spare = functools.partial(batches.sample, held_out, labels)
            validation_data = batches.adapt(
                held_out,
                labels,
                replicas=replicas,
                batch_size=kwargs.pop("validation_batch_size", None)
                or (batch_size if hasattr(held_out, "shape") else None),
                packing=self.packing,
                check=self.check_batch,
            )
        validated = validation_data is not None
        arguments = {"fit": {"epochs": epochs, "validation": validated, **kwargs}}
        distribution.start_together(self, replicas, arguments)
        data = batches.for_training(
            x,
            y,
            batch_size=batch_size,
            shuffle=shuffle,
            group=self.discriminator_steps * self.accumulation_steps,
            seed=self._order_seed(),
            steps_per_epoch=kwargs.get("steps_per_epoch"),
            packing=self.packing,
            check=self.check_batch,
            replicas=replicas,
        )
        snapshots = [c for c in _as_list(callbacks) if isinstance(c, Snapshot)]
        if len(snapshots) > 1:
            raise ValueError("`fit` takes one `Snapshot` callback: a run goes on from one place.")
        controllers = [c for c in _as_list(callbacks) if isinstance(c, AdaptiveAugmentation)]
        if len(controllers) > 1:
            raise ValueError("`fit` takes one `AdaptiveAugmentation` callback: it moves one p.")
        for controller in controllers:
            controller.begin(self, data)
        for diagnosis in [c for c in _as_list(callbacks) if isinstance(c, Diagnosis)]:
            diagnosis.begin(self, data, spare, has_snapshot=bool(snapshots))
        for snapshot in snapshots:
            kwargs["initial_epoch"] = snapshot.begin(
                self, data, _as_list(callbacks), kwargs.get("initial_epoch", 0)
            )
            # The same files are read by all processes, before one of them writes new ones.
            distribution.agree(replicas, {"where the run stands": kwargs["initial_epoch"]})
        with data.quiet_remainder():
            return super().fit(
                data,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_data=validation_data,
                shuffle=False,
                **kwargs,
            )

    def _order_seed(self):
        """What the order of shuffled data is drawn from: another one in each call of `fit`."""
        seed, _ = ops.convert_to_numpy(self.seed_generator.state)
        return [int(seed) & 0xFFFFFFFF, int(ops.convert_to_numpy(self.step))]

    def evaluate(self, x=None, y=None, batch_size=None, sample_weight=None, **kwargs):
        """Held-out losses of both players, and the compiled metrics.

        It leaves every random stream as it was: training goes on as if it had not been called, and
        calling it again gives the same numbers.

        Args:
            x: as in `fit`.
            y: labels beside an array.
            batch_size: int, for arrays.
            sample_weight: refused.
            **kwargs: `verbose`, `steps`, `callbacks`, `return_dict` of `keras.Model.evaluate`.

        Returns:
            A list of numbers in the order of `metrics_names` (without regularisers, which are not
            evaluated), or a dict with `return_dict=True`.

        Raises:
            ValueError: as in `fit`.
        """
        self._assert_compile_called("evaluate")
        self._assert_ready("evaluate", None, sample_weight)
        replicas = backend.Replicas(self)
        adapter = batches.adapt(
            x,
            y,
            replicas=replicas,
            batch_size=batch_size,
            packing=self.packing,
            check=self.check_batch,
        )
        if x is not adapter:
            # Not called by `fit`, where all have begun together.
            distribution.start_together(self, replicas, {"evaluate": kwargs.get("steps")})
        # In the middle of `fit` a backend may hold the state elsewhere.
        backend.sync(self)
        streams = [(v, np.array(ops.convert_to_numpy(v))) for v in self._random_states().values()]
        try:
            results = super().evaluate(adapter, **kwargs)
        finally:
            for stream, state in streams:
                stream.assign(state)
        batch_size = getattr(adapter.images, "batch_size", None) or batch_size or 32
        measured = self._evaluate_on_host(adapter.images, batch_size, kwargs.get("steps"))
        if isinstance(results, dict):
            return {**results, **measured}
        return [*results, *measured.values()]

    def _evaluate_on_host(self, images, batch_size, steps):
        """The compiled metrics that keep samples, of as many generated images as there are real."""
        if not self._host_metrics:
            return {}
        real = sources.open_source(images, batch_size)
        if real.is_stream:
            raise ValueError(
                f"{[metric.name for metric in self._host_metrics]} look at the images after the "
                "losses have, and these can be read once. Pass arrays or a data set."
            )
        for metric in self._host_metrics:
            metric.reset_state()
        count = 0
        for batch in itertools.islice(real.batches(), steps):
            count += len(batch)
            for metric in self._host_metrics:
                metric.update_state(real=batch)
        for batch in sources.Generated(self, count, seed=0).batches():
            for metric in self._host_metrics:
                metric.update_state(fake=batch)
        logs = {}
        for metric in self._host_metrics:
            logs.update(metric.numbers())
        return logs

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One training step.

        Args:
            x: images as in `fit`: those of `discriminator_steps * accumulation_steps` batches.
            y: labels.
            sample_weight: refused.
            class_weight: refused.
            return_dict: bool.

        Returns:
            The logged values of this step, as a list or dict.

        Raises:
            ValueError: as in `fit`, or if the images do not divide into the batches of a step.
        """
        self._assert_ready("train_on_batch", class_weight, sample_weight)
        self.check_batch((x,) if y is None else (x, y))
        count = self.discriminator_steps * self.accumulation_steps
        if len(x) % count:
            raise ValueError(
                f"One step takes {count} batches of equal size (discriminator_steps * "
                f"accumulation_steps). Received: {len(x)} images."
            )
        return super().train_on_batch(*self._shared(x, y, count), return_dict=return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Held-out losses on one batch, see `evaluate`; its noise is drawn from training's."""
        self._assert_ready("test_on_batch", None, sample_weight)
        self.check_batch((x,) if y is None else (x, y))
        return super().test_on_batch(*self._shared(x, y, 1), return_dict=return_dict)

    def _shared(self, x, y, count):
        """`x` and `y`, which hold `count` batches, as this process feeds them to its replicas."""
        replicas = backend.Replicas(self)
        distribution.check_divisible(len(x) // count, replicas, self.packing)
        if replicas.count == 1:
            return x, y
        if not self._compiled.together:
            distribution.start_together(self, replicas, {"batches": count})
            self._compiled.together = True
        arrays = [None if array is None else ops.convert_to_numpy(array) for array in (x, y)]
        distribution.compare_batch(replicas, [array for array in arrays if array is not None])
        return [
            None if array is None else replicas.spread(replicas.share(np.split(array, count)))
            for array in arrays
        ]

    def test_step(self, *args):
        """Held-out losses, in the form that the current backend's trainer calls."""
        return backend.run_step(self, self.evaluation_step, *args)

    def evaluation_step(self, data):
        """Both players' losses on one batch without updates, and the compiled metrics."""
        batch = self.unpack(data)
        logs = {}
        for loss in (self.discriminator_loss, self.generator_loss):
            _, new = loss(batch, training=False)
            logs.update(new)
        self._log(logs, batch)
        if self._evaluation_metrics:
            z = self.sample_latents(ops.shape(batch.images)[0])
            inputs = self._generator_inputs(z, batch.labels)
            fake = self.from_network_range(self.ema_generator(inputs, training=False))
            for metric in self._evaluation_metrics:
                metric.update_state(self.from_network_range(batch.images), fake)
        measured = [self._trackers[name] for name in logs] + self._evaluation_metrics
        return {metric.name: metric.result() for metric in measured}

    @property
    def metrics(self):
        """The means of what is logged, then the compiled metrics."""
        if not self.compiled:
            return []
        return [*self._trackers.values(), *self._evaluation_metrics]

    def _get_metrics_result_or_logs(self, logs):
        # Keras falls back to the last step's logs where not every metric is among them (held-out
        # steps log no regularisers), and those are means over replicas, not metrics of all images.
        results = self.get_metrics_result()
        return {name: results.get(name, value) for name, value in logs.items()}

    def _assert_ready(self, method, class_weight, sample_weight):
        if not self.compiled:
            raise ValueError(f"Call `compile()` before `{method}()`: it has the paper's defaults.")
        self._check_trainable()
        for name, value in (("class_weight", class_weight), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(
                    f"`{name}` has no meaning for an adversarial loss and is not used. Remove it, "
                    "or resample the data."
                )

    def check_batch(self, batch):
        """Refuse data that the networks would misread.

        Args:
            batch: tuple of arrays, images first.

        Raises:
            ValueError: if dtype, shape or range of the images is not that of `fit`, or a
                conditional model lacks labels or is given others than its classes.
        """
        batches.check_images(batch, self.image_shape)
        if self.num_classes is not None:
            batches.check_labels(batch, self.num_classes)

    # Sampling ---------------------------------------------------------------------------------

    def call(self, inputs, training=False):
        """Images for latents (of a conditional model: latents and class ids), averaged weights."""
        return self.ema_generator(inputs, training=training)

    def generate(
        self,
        count=None,
        *,
        seeds=None,
        seed=None,
        labels=None,
        truncation=None,
        batch_size=64,
        output_type="uint8",
        return_seeds=False,
        ema=True,
        **options,
    ):
        """Make images: the same for the same seeds on every backend, whatever the batch size.

        Args:
            count: int, number of images.
            seeds: list of int or str such as `"0-35"` or `"85,265"`: one image for each. The latent
                of seed s is `numpy.random.RandomState(s).randn(latent_dim)`.
            seed: int, draws `count` such seeds; without it they are fresh ones.
            labels: for conditional models: a class id for all images, a list of one for each, or
                `"random"`: that of seed s is `RandomState([s, 1]).randint(num_classes)`.
            truncation: float, largest magnitude of a latent entry, see
                `keras_gan.latents.from_seeds`; `None` for all of N(0, 1).
            batch_size: int, images computed at once.
            output_type: `"uint8"`, `"float"` (float32 in [-1, 1]) or `"pil"` (list of PIL images).
            return_seeds: bool, return `(images, seeds)`.
            ema: bool, use the averaged generator rather than the one in training.
            **options: what the model's class adds, see its `images_from_seeds`.

        Returns:
            uint8 array `(N, H, W, C)` or as `output_type` says.

        Raises:
            ValueError: if both or none of `count` and `seeds` are given, an argument is out of
                range, or `labels` are given to a model without classes or not given to one with.

        Example:
        ```python
        gan = keras_gan.DCGAN.from_preset("dcgan_fashion_mnist_32")
        images = gan.generate(16, seed=7)
        ```
        """
        check_integer("batch_size", batch_size, minimum=1)
        convert = images.converter(output_type)
        seeds = self._seeds(count, seeds, seed)
        labels = self._labels(labels, seeds)
        network = self.ema_generator if ema else self.generator
        if truncation is not None:
            options["truncation"] = truncation
        passed = ("seeds", "labels", "network", "batch_size")
        check_arguments("`generate`", self.images_from_seeds, options, hidden=passed)
        generated = convert(self.images_from_seeds(seeds, labels, network, batch_size, **options))
        return (generated, seeds) if return_seeds else generated

    def images_from_seeds(self, seeds, labels, network, batch_size, truncation=None):
        """What `generate` makes, once its arguments are checked.

        Args:
            seeds: list of int.
            labels: int32 array of class ids, or `None`.
            network: the generator to use.
            batch_size: int.
            truncation: see `generate`.

        Returns:
            float32 array `(N, H, W, C)` in [-1, 1], but for what the network exceeds it.
        """
        z = self.latents_from_seeds(seeds, truncation)
        inputs = [z] if labels is None else [z, labels]
        return self.from_network_range(self._predict(network, inputs, batch_size))

    def _seeds(self, count, seeds, seed):
        if (count is None) == (seeds is None):
            raise ValueError(
                "Say either how many images (`generate(16)`, with `seed=7` to repeat them) or "
                f"which (`generate(seeds=[85, 265])`). Received: count={count!r}, seeds={seeds!r}"
            )
        if seeds is None:
            return latents.draw_seeds(count, seed)
        if seed is not None:
            raise ValueError(
                f"`seed` draws the seeds of `count` images; it cannot be combined with `seeds`. "
                f"Received: seed={seed!r}, seeds={seeds!r}"
            )
        return latents.parse_seeds(seeds)

    def _labels(self, labels, seeds):
        """The class ids that the user means, one for each seed; `None` without classes."""
        if self.num_classes is None:
            if labels is not None:
                raise ValueError(
                    f"{type(self).__name__} is not conditional: it takes no labels. Received: "
                    f"{labels!r}"
                )
            return None
        if labels is None:
            raise ValueError(
                f"{type(self).__name__} generates images of {self.num_classes} classes: pass for "
                f"example `labels={self.num_classes - 1}`, a list of one for each image, or "
                "`labels='random'`."
            )
        if isinstance(labels, str) and labels == "random":
            return latents.labels_from_seeds(seeds, self.num_classes)
        return latents.parse_labels(labels, len(seeds), self.num_classes)

    def latents_from_seeds(self, seeds, truncation=None):
        """The latents that `generate` starts from, see `keras_gan.latents.from_seeds`."""
        return latents.from_seeds(seeds, self.latent_dim, truncation)

    def _predict(self, network, inputs, batch_size):
        # In the middle of `fit` a backend may hold the weights elsewhere.
        backend.sync(self)
        count = len(inputs[0])
        batch_size = min(batch_size, count)
        # One shape for every batch: compiled backends compile once.
        missing = -count % batch_size
        padded = [np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) for x in inputs]
        output = backend.predict(network, padded if len(padded) > 1 else padded[0], batch_size)
        return np.asarray(output, "float32")[:count]

    # Presets ----------------------------------------------------------------------------------

    @classmethod
    def from_preset(
        cls,
        preset,
        load_weights=True,
        *,
        dtype=None,
        revision=None,
        cache_dir=None,
        **overrides,
    ):
        """A trained model by name, from the Hugging Face Hub or from a folder.

        Nothing of a preset is executed, and its weights are compared with their SHA-256. What was
        downloaded once is used offline (HF_HUB_OFFLINE=1). The licence of the weights is printed
        once; `keras_gan.presets.metadata` tells it with all else that is known.

        Args:
            preset: str or path: a name of `keras_gan.list_presets()`, `hf://user/repo` or
                `hf://user/repo@revision` (needs `pip install 'keras-gan[hub]'`), or a folder that
                `save_to_preset` wrote.
            load_weights: bool, `False` for the architecture with fresh weights; none are then
                downloaded.
            dtype: str, the dtype policy, such as `"mixed_bfloat16"`; the stored one by default.
            revision: str, the branch, tag or commit of a repository on the Hub.
            cache_dir: str or path of the folder for what is downloaded; the Hub's cache (HF_HOME)
                by default.
            **overrides: arguments of the constructor instead of the stored ones, such as `seed`.

        Returns:
            The model, of the preset's class, which is `cls` or derives from it.

        Raises:
            ValueError: if there is no such preset, it is of another class, or its files are
                damaged or not plain data.
            FileNotFoundError: if the Hub has no such repository, revision or file, or is switched
                off and the cache has not.
            OSError: if a download fails or cannot be stored.
            ImportError: if `huggingface_hub` is needed and not installed.

        Example:
        ```python
        gan = keras_gan.GAN.from_preset("dcgan_fashion_mnist_32")
        images = gan.generate(16, seed=0)
        ```
        """
        return preset_folder.load(
            preset, cls, load_weights, revision, cache_dir, dtype=dtype, **overrides
        )

    def save_to_preset(
        self, folder, *, description=None, dataset=None, licence=None, overwrite=False, **facts
    ):
        """Write this model as a preset folder that `from_preset` reads.

        The folder gets `config.json`, `metadata.json`, `model.weights.h5` (networks and averages;
        no optimizers) and a card, `README.md`. It is there completely or not at all.

        Args:
            folder: str or path.
            description: str, one line for the card.
            dataset: str, what the model was trained on.
            licence: str, of the weights, an SPDX identifier such as `"Apache-2.0"`.
            overwrite: bool, replace a preset that is there; files that are none of its own stay.
            **facts: further plain JSON entries of `metadata.json`; the card shows `recipe`,
                `training`, `metrics` (dict from figure to value, or to a dict of `value` and
                `protocol`), `weaknesses`, `dataset_licence`, `samples` (name of a picture beside
                the card) and `pictures` (dict from caption to the name of another).

        Raises:
            ValueError: if the class is not registered (`@keras_gan.presets.register`), its config
                is not plain JSON, or the folder exists.

        Example:
        ```python
        gan.save_to_preset("my_gan/", dataset="my photos", licence="CC-BY-4.0")
        ```
        """
        facts.update(description=description, dataset=dataset, licence=licence)
        if backend.is_chief():
            preset_folder.save(self, folder, overwrite, **facts)

    @classmethod
    def from_checkpoint(cls, path, layout=None, *, sha256=None, cache_dir=None, **config):
        """A model with the weights of another project's checkpoint, read without executing it.

        Args:
            path: path or address of the file, or dict with those of `"generator"` and
                `"discriminator"`. An address is `https://...` or `hf://user/repo/file@revision`;
                the file is downloaded once.
            layout: str, one of `keras_gan.checkpoints.LAYOUTS`; recognised from the tensors' names
                by default.
            sha256: str, or dict by network: the 64 hexadecimal digits of the SHA-256 that the file
                must have. Without it, there is a warning that a downloaded file is unverified.
            cache_dir: str or path of the folder for what is downloaded; the Hub's cache or
                `~/.cache/keras_gan` (KERAS_GAN_HOME) by default.
            **config: `networks=("generator",)` where the file holds no discriminator, and arguments
                of the constructor that the tensors do not tell.

        Returns:
            The model.

        Raises:
            ValueError: if the file is damaged, not of a known layout, not that of `sha256`, or does
                not hold exactly the weights of the model.
            OSError: if it cannot be downloaded or not be read.

        Example:
        ```python
        gan = keras_gan.DCGAN.from_checkpoint(
            {"generator": "netG_epoch_24.pth", "discriminator": "netD_epoch_24.pth"}
        )
        ```
        """
        return checkpoints.load_checkpoint(
            path, layout=layout, cls=cls, sha256=sha256, cache_dir=cache_dir, **config
        )

    # Saving -----------------------------------------------------------------------------------

    def base_config(self):
        """The part of `get_config` that all models share."""
        return {"name": self.name, "dtype": self.dtype_policy.name, "seed": self.seed}

    def get_config(self):
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **self.base_config(),
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "image_range": list(self.image_range),
            "num_classes": self.num_classes,
            "packing": self.packing,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The inverse of `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        networks = {
            name: deserialize(value, custom_objects=custom_objects)
            for name, value in config.items()
            if name in ("generator", "discriminator")
        }
        return cls(**{**config, **networks})

    def save(self, filepath, *args, **kwargs):
        """Save as a `.keras` file, see `keras.Model.save`; in a distributed run, once.

        Raises:
            ValueError: if this is a class of one's own that loading could not find.
        """
        if keras.saving.get_registered_object(keras.saving.get_registered_name(type(self))) is None:
            raise ValueError(
                f"{type(self).__name__} is not registered, so the file could not be loaded again. "
                "Decorate the class with `@keras_gan.presets.register`."
            )
        if backend.is_chief():
            super().save(filepath, *args, **kwargs)

    def save_weights(self, filepath, *args, **kwargs):
        """Save the weights, see `keras.Model.save_weights`; in a distributed run, once."""
        if backend.is_chief():
            super().save_weights(filepath, *args, **kwargs)

    def _random_states(self):
        """dict: path of a random stream to its state, which Keras leaves out when it saves."""
        weights = {id(v) for v in self.weights}
        states = {"training": self.seed_generator.state}
        # On PyTorch, a module keeps its parts in a dict of their own.
        attributes = {**vars(self), **vars(self).get("_modules", {})}
        for name, part in sorted(attributes.items()):
            if isinstance(part, keras.Layer):
                streams = [v for v in part.variables if id(v) not in weights]
                states.update({f"{name}/{i}": v for i, v in enumerate(streams)})
        return states

    def save_own_variables(self, store):
        """The step counter and the state of every random stream."""
        store["step"] = ops.convert_to_numpy(self.step)
        for path, state in self._random_states().items():
            store[f"random/{path}"] = ops.convert_to_numpy(state)

    def load_own_variables(self, store):
        """The inverse of `save_own_variables`."""
        states = {f"random/{path}": v for path, v in self._random_states().items()}
        missing = [path for path in ("step", *states) if path not in store]
        if missing:
            raise ValueError(
                f"The file holds no weights of a {type(self).__name__} like this one: {missing} "
                "missing."
            )
        self.step.assign(store["step"][()])
        for path, state in states.items():
            # Another backend may have saved it as another type.
            state.assign(random.state_as(store[path][()], state.dtype))


def _as_list(callbacks):
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]


def _input_shapes(network):
    """The shape of each input of a network, with its batch axis."""
    return [tuple(x.shape) for x in network.inputs]


def _check_inputs(role, network, counts):
    """Raise unless a network has one of `counts` inputs, the second being class ids."""
    shapes = None
    if isinstance(network, keras.Model) and getattr(network, "inputs", None):
        shapes = _input_shapes(network)
        if len(shapes) in counts and shapes[1:] in ([], [(None,)]):
            return
    expected = " or ".join(
        ("one input", "two inputs, the second being class ids of shape (N,)")[count - 1]
        for count in counts
    )
    remedy = "Define it with `keras.Input`."
    if shapes is not None and counts == (1,):
        remedy = "Pass `num_classes` to make a conditional model."
    raise ValueError(
        f"The {role} must be a functional or sequential `keras.Model` with {expected}. Received: "
        f"{network!r}{'' if shapes is None else f' with inputs {shapes}'}. {remedy}"
    )


def _checked_augmentations(identifiers):
    if not isinstance(identifiers, (list, tuple)):
        raise ValueError(f"`augmentations` is a list; use [] for none. Received: {identifiers!r}")
    return [augmentation.get(identifier) for identifier in identifiers]


def _features(layers, layer):
    """The symbolic output of an inner layer, see `GAN.feature_network`."""
    try:
        if layer is None:
            return [inner for inner in layers if hasattr(inner, "kernel")][-1].input
        if isinstance(layer, int):
            return layers[layer].output
        return {inner.name: inner for inner in layers}[layer].output
    except LookupError:
        raise ValueError(
            f"The discriminator has the layers {[inner.name for inner in layers]}. Received: "
            f"{layer!r}. Name the one whose outputs are the features, or give its index."
        ) from None


def _head(batch, fraction, packing):
    if fraction == 1:
        return batch
    packs = ops.shape(batch.images)[0] // packing
    if isinstance(packs, int):
        # XLA slices by numbers that it knows.
        count = packing * max(int(packs * fraction), 1)
    else:
        count = packing * ops.maximum(ops.cast(ops.cast(packs, "float32") * fraction, "int32"), 1)
    return Batch(*(None if field is None else field[:count] for field in batch))
