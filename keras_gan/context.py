"""What losses and regularizers see of one update."""

import functools

from keras import ops

from keras_gan import backend


class Context:
    """One update of a player: what a loss or a regularizer needs, computed once, when it is read.

    In the discriminator's updates generated images are constants. In the generator's, gradients
    flow through them, and the logits of real images are constants.

    Args:
        model: `keras_gan.GAN`.
        player: str, the player that is updated.
        batch: `keras_gan.Batch`.
        training: bool, `False` for held-out losses.

    Attributes:
        real_images: float32 tensor `(N, H, W, C)` in the networks' range.
        fake_images: the same, generated.
        real: `real_images` as the discriminator sees them: augmented and packed.
        fake: `fake_images` as the discriminator sees them.
        real_logits: the discriminator's logits of `real`.
        fake_logits: the discriminator's logits of `fake`.
        packing: int, images that the discriminator judges together.
        networks: list, the networks that the player trains.
        variables: list, their variables that are trained.
        step: int32 variable, training steps that the model has made.
        seed: `keras_gan.random.SeedGenerator` for whatever is drawn.
    """

    def __init__(self, model, player, batch, training=True):
        self._model = model
        self._batch = batch
        self._training = training
        self.player = player
        self.real_images = batch.images
        self.step = model.step
        self.seed = model.seed_generator

    @property
    def packing(self):
        """See the class."""
        return self._model.packing

    @property
    def networks(self):
        """See the class."""
        return self._model.players()[self.player]

    @property
    def variables(self):
        """See the class."""
        return self._model.player_variables(self.player)

    @functools.cached_property
    def fake_images(self):
        """See the class."""
        if self.player == "discriminator":
            return self._model.constant_fakes(self._batch, self._training)
        return self._model.generate_fakes(self._batch, self._training)

    @functools.cached_property
    def real(self):
        """See the class."""
        return self.show(self.real_images)

    @functools.cached_property
    def fake(self):
        """See the class."""
        return self.show(self.fake_images)

    @functools.cached_property
    def real_logits(self):
        """See the class."""
        return self._about_real(lambda: self.discriminate(self.real))

    @functools.cached_property
    def fake_logits(self):
        """See the class."""
        return self.discriminate(self.fake)

    def _about_real(self, fn):
        return fn() if self.player == "discriminator" else backend.detached(fn)

    def show(self, images):
        """Images as the discriminator sees them: augmented (by new draws) and packed."""
        return self._model.shown(images, self._training)

    def discriminate(self, shown):
        """The discriminator's logits for what `show` returned."""
        return self._model.discriminate(shown, self._batch, self._training)

    def observe(self, real_logits):
        """Tell the augmentations what the discriminator thinks of real images as shown to it."""
        self._model.observe_real_logits(real_logits)

    def features(self, layer=None):
        """An inner layer's outputs for `real` and `fake`.

        Args:
            layer: str or int, the name or index of a layer of the discriminator; `None` for what
                enters its last layer with a kernel.

        Returns:
            `(real features, fake features)`, tensors of N samples (N / packing).

        Raises:
            ValueError: if the discriminator has no such layer.
        """
        network = self._model.feature_network(layer)

        def judge(shown):
            return self._model.discriminate(shown, self._batch, self._training, network)

        return self._about_real(lambda: judge(self.real)), judge(self.fake)

    def sample_latents(self):
        """Latents for as many images as the batch has."""
        return self._model.sample_latents(ops.shape(self.real_images)[0])

    def generate(self, latents):
        """Images from given latents, without traces in the generator's state."""
        batch = self._batch._replace(latents=latents, fakes=None)

        def generate():
            return self._model.generate_fakes(batch, self._training)

        def images():
            return backend.without_updates(generate)

        return images() if self.player == "generator" else backend.detached(images)

    def styles(self):
        """Styles for as many images as the batch has, and the function that makes images of them.

        Returns:
            `(ws, synthesize)`: float32 tensor `(N, num_styles, style_dim)`, a function of the
            generator's weights, and a function from such a tensor to images `(N, H, W, C)`.

        Raises:
            ValueError: if the model's generator has no styles.
        """
        if not hasattr(self._model, "draw_styles"):
            raise ValueError(
                f"The generator of {type(self._model).__name__} has no space of styles. Use a "
                "model like `keras_gan.StyleGAN2`."
            )
        ws = self._model.draw_styles(self._batch, training=self._training)
        synthesis = self._model.generator.synthesis
        return ws, lambda ws: synthesis(ws, training=self._training)

    def state(self, regularizer):
        """dict: name to `keras.Variable`, what `regularizer.initial_state` asked for."""
        return self._model.regularizer_state(regularizer)
