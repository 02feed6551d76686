"""StyleGAN2: styles that modulate convolutions, and regularised paths."""

import math
from typing import NamedTuple

import numpy as np
from keras import ops

from keras_gan import backend, images, latents, random
from keras_gan.checks import (
    check_arguments,
    check_filters,
    check_integer,
    check_integers,
    check_number,
    check_positive,
    finite_array,
)
from keras_gan.gan import GAN
from keras_gan.layers import StyleMapping
from keras_gan.models import stylegan2_networks as networks
from keras_gan.optimizers import Adam
from keras_gan.presets import register
from keras_gan.regularizers import R1, PathLength
from keras_gan.schedules import HalfLife

_MAX_SIDE = 4096
_MAX_LAYERS = 64
_OPTIONAL_WIDTHS = (
    "discriminator_channel_max",
    "embedding_dim",
    "hidden_dim",
    "projection_dim",
    "projection_embedding_dim",
    "projection_hidden_dim",
)
_WIDTHS = ("latent_dim", "style_dim", "channel_max", *_OPTIONAL_WIDTHS)
_OPTIONAL = (*_OPTIONAL_WIDTHS, "discriminator_channel_base", "num_classes", "group_size")
_NOISE = ("const", "random", "none")


class Recipe(NamedTuple):
    """A row of the table of configurations, for one batch size and resolution.

    Attributes:
        batch_size: int, images per update.
        group_size: int, of the minibatch standard deviation.
        channel_base: int.
        mapping_layers: int.
        learning_rate: float, of both players, before the correction for lazy regularisation.
        r1_gamma: float.
        ema_kimg: float, half-life of the moving average in thousands of images.
        ema_ramp_up: float, or `None`, see `keras_gan.schedules.HalfLife`.
        kimg: int, thousands of images to train on.
        path_length_weight: float.
        style_mixing: float, probability.
        discriminator_architecture: str.
    """

    batch_size: int
    group_size: int
    channel_base: int
    mapping_layers: int
    learning_rate: float
    r1_gamma: float
    ema_kimg: float
    ema_ramp_up: float | None
    kimg: int = 25_000
    path_length_weight: float = 2.0
    style_mixing: float = 0.9
    discriminator_architecture: str = "resnet"


RECIPES = {
    "stylegan2": Recipe(32, 4, 32768, 8, 0.002, 10.0, 10, None),
    "paper256": Recipe(64, 8, 16384, 8, 0.0025, 1.0, 20, None),
    "paper512": Recipe(64, 8, 32768, 8, 0.0025, 0.5, 20, None),
    "paper1024": Recipe(32, 4, 32768, 8, 0.002, 2.0, 10, None),
    "cifar": Recipe(64, 32, 32768, 2, 0.0025, 0.01, 500, 0.05, 100_000, 0.0, 0.0, "orig"),
}


def recipe_for(name, image_shape, batch_size=None):
    """A recipe of StyleGAN2-ADA.

    `"auto"` goes by the resolution R and the batch size B, by default `min(4096 / R, 32)`: R1 with
    `gamma = 0.0002 R^2 / B`, a half-life of `B * 10 / 32` thousand images, networks of half the
    width below 512 px. The others are those that the papers' results were made with:
    `"stylegan2"` (its config F), `"paper256"`, `"paper512"`, `"paper1024"` and `"cifar"`.

    Args:
        name: str.
        image_shape: `(H, W, C)`.
        batch_size: int, images per update, or `None` for the recipe's own.

    Returns:
        `Recipe`.

    Raises:
        ValueError: if there is no such recipe, or an argument is out of range.

    Example:
    ```python
    keras_gan.models.stylegan2.recipe_for("auto", (256, 256, 3)).r1_gamma
    ```

    Reference: Karras et al. (2020), Training Generative Adversarial Networks with Limited Data,
    arXiv:2006.06676.
    """
    base_and_steps(image_shape)
    if batch_size is not None:
        check_integers(batch_size=batch_size)
    if name not in ("auto", *RECIPES):
        raise ValueError(f"`recipe` is one of {['auto', *RECIPES]}. Received: {name!r}")
    if name in RECIPES:
        recipe = RECIPES[name]
        return recipe._replace(batch_size=batch_size or recipe.batch_size)
    side = max(image_shape[:2])
    batch_size = batch_size or max(min(4096 // side, 32), 1)
    return Recipe(
        batch_size=batch_size,
        group_size=min(batch_size, 4),
        channel_base=32768 if side >= 512 else 16384,
        mapping_layers=2,
        learning_rate=0.002 if side >= 1024 else 0.0025,
        r1_gamma=0.0002 * side**2 / batch_size,
        ema_kimg=batch_size * 10 / 32,
        ema_ramp_up=0.05,
    )


@register
class StyleGAN2(GAN):
    """StyleGAN2 and StyleGAN2-ADA.

    A mapping network turns latents into styles w, which modulate the convolutions of a synthesis
    network that grows an image from a learned constant; every layer adds noise of its own. Training
    takes the non-saturating loss with lazy R1 and path length regularisation and mixes styles of
    two latents; for small data sets, add `keras_gan.augmentation.ADA` and its callback.

    `StyleGAN2.from_recipe("paper256", image_shape)` gives the networks and settings of one of the
    published configurations; the constructor has the sizes of config F.

    Sides other than powers of two are those of a smaller base times a power of two, the smallest
    base being at least 4 and below 8: 384x512 grows from 6x8, in seven steps. Channels go by the
    nominal resolution `4 * 2^i` of a step.

    Args:
        image_shape: `(H, W, C)`, 1 to 4 channels.
        num_classes: int of a conditional model, or `None`.
        latent_dim: int, length of z.
        style_dim: int, length of w.
        mapping_layers: int >= 0. Without layers, w is the normalised latent, and behind it the
            embedded class if there are classes: `style_dim` numbers in all.
        channel_base: int; the maps at resolution r have `min(channel_base / r, channel_max)`
            channels. 16384 halves the networks of config F above 32 px.
        channel_max: int.
        generator_architecture: `"skip"` (images of all resolutions add up), `"resnet"` or `"orig"`.
        discriminator_architecture: the same.
        use_noise: bool.
        clamp: float > 0, the largest magnitude of an activation; 256 in StyleGAN2-ADA, `None` for
            no limit.
        mapping_rate: float > 0, learning rate multiplier of the mapping network.
        average_decay: float in [0, 1) of the running mean of w.
        embedding_dim: int, length of an embedded class; `style_dim` by default.
        hidden_dim: int, units of the mapping's inner layers; `style_dim` by default.
        projection_dim: int, length in which a conditional discriminator compares images and
            classes; by default the channels of its last maps.
        projection_layers: int >= 0, layers of its mapping of classes.
        projection_rate: float > 0, their learning rate multiplier.
        projection_embedding_dim: int, length of a class embedded there; `projection_dim` by
            default.
        projection_hidden_dim: int, units of its inner layers; `projection_dim` by default.
        group_size: int of the minibatch standard deviation, or `None` for the whole batch.
        num_deviations: int >= 0, its channels; 0 leaves it out.
        discriminator_channel_base: int, `channel_base` of the discriminator, where it is another
            than the generator's.
        discriminator_channel_max: int, the same of `channel_max`.
        discriminator_clamp: float > 0 or `None`, the same of `clamp`; `"generator"` for no other.
        style_mixing: float in [0, 1], how often two styles are mixed in training.
        frozen_layers: int >= 0, layers of the discriminator that are not trained, counted from the
            image: for transfer from a trained model ("Freeze-D").
        training_recipe: str, what `compile()` takes its settings from: `"auto"`, `"stylegan2"`,
            `"paper256"`, `"paper512"`, `"paper1024"` or `"cifar"`, see
            `keras_gan.models.stylegan2.recipe_for`.
        batch_size: int, images per update that the settings are computed for (the half-life of the
            average, and R1's weight in `"auto"`); by default the recipe's own.
        seed: int for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy or its name, such as `"mixed_bfloat16"`.

    Raises:
        ValueError: if an argument is out of range, or no network has such a shape.

    Example:
    ```python
    gan = keras_gan.StyleGAN2.from_recipe("auto", (64, 64, 3), batch_size=32)
    gan.compile(augmentations=[keras_gan.augmentation.ADA()])
    gan.fit(
        keras_gan.data.image_folder("photos/", image_shape=(64, 64, 3)),
        epochs=100,
        callbacks=[keras_gan.callbacks.AdaptiveAugmentation()],
    )
    images = gan.generate(seeds=[85, 265], truncation=0.7)
    ```

    References: Karras et al. (2020), Analyzing and Improving the Image Quality of StyleGAN,
    arXiv:1912.04958; Karras et al. (2020), Training Generative Adversarial Networks with Limited
    Data, arXiv:2006.06676; Mo, Cho, Shin (2020), Freeze the Discriminator, arXiv:2002.10964.
    """

    def __init__(
        self,
        image_shape=(256, 256, 3),
        num_classes=None,
        latent_dim=512,
        style_dim=512,
        mapping_layers=8,
        channel_base=32768,
        channel_max=512,
        generator_architecture="skip",
        discriminator_architecture="resnet",
        use_noise=True,
        clamp=None,
        mapping_rate=0.01,
        average_decay=0.995,
        embedding_dim=None,
        hidden_dim=None,
        projection_dim=None,
        projection_layers=8,
        projection_rate=0.01,
        projection_embedding_dim=None,
        projection_hidden_dim=None,
        group_size=4,
        num_deviations=1,
        discriminator_channel_base=None,
        discriminator_channel_max=None,
        discriminator_clamp="generator",
        style_mixing=0.9,
        frozen_layers=0,
        training_recipe="stylegan2",
        batch_size=None,
        seed=None,
        name=None,
        dtype=None,
    ):
        arguments = dict(locals())
        for unwanted in ("self", "__class__", "seed", "name", "dtype"):
            arguments.pop(unwanted, None)
        base, steps = base_and_steps(image_shape)
        self._arguments = {**arguments, "image_shape": list(image_shape)}
        recipe_for(training_recipe, image_shape, batch_size)
        _check(self._arguments)
        widths = _widths(self._arguments, steps)
        discriminator_widths = _widths(self._arguments, steps, "discriminator_")
        last_maps = discriminator_widths[0]
        if num_deviations and last_maps % num_deviations:
            raise ValueError(
                f"`num_deviations` divides the {last_maps} channels of the last maps. Received: "
                f"{num_deviations}"
            )
        self.style_mixing = float(style_mixing)

        def new_generator():
            mapping = StyleMapping(
                latent_dim,
                num_classes or 0,
                style_dim,
                mapping_layers,
                embedding_dim=embedding_dim,
                hidden_dim=hidden_dim,
                learning_rate_multiplier=mapping_rate,
                average_decay=average_decay,
            )
            synthesis = networks.Synthesis(
                base,
                widths,
                image_shape[2],
                style_dim,
                generator_architecture,
                use_noise,
                clamp,
                seed=random.derived(seed, 0),
                dtype=dtype,
            )
            return networks.generator(mapping, synthesis, num_classes)

        projection = None
        if num_classes is not None:
            projection = StyleMapping(
                0,
                num_classes,
                projection_dim or last_maps,
                projection_layers,
                embedding_dim=projection_embedding_dim,
                hidden_dim=projection_hidden_dim,
                learning_rate_multiplier=projection_rate,
                average_decay=None,
            )
        discriminator = networks.discriminator(
            tuple(image_shape),
            discriminator_widths,
            discriminator_architecture,
            clamp if discriminator_clamp == "generator" else discriminator_clamp,
            projection,
            group_size,
            num_deviations,
            dtype,
        )
        super().__init__(
            new_generator(),
            discriminator,
            ema_generator=new_generator(),
            num_classes=num_classes,
            seed=seed,
            name=name,
            dtype=dtype,
        )

    @classmethod
    def from_recipe(cls, recipe, image_shape, batch_size=None, **arguments):
        """The networks of a published configuration, whose settings `compile()` then takes.

        Args:
            recipe: str, see `keras_gan.models.stylegan2.recipe_for`.
            image_shape: `(H, W, C)`.
            batch_size: int, images per update; by default the recipe's own.
            **arguments: of the constructor, instead of the recipe's.

        Returns:
            `StyleGAN2`, not compiled.

        Raises:
            ValueError: if there is no such recipe, or an argument is out of range.

        Example:
        ```python
        gan = keras_gan.StyleGAN2.from_recipe("cifar", (32, 32, 3), num_classes=10)
        gan.compile()
        ```
        """
        row = recipe_for(recipe, image_shape, batch_size)
        check_arguments(cls.__name__, cls.__init__, arguments, hidden=("image_shape",))
        settings = {
            "mapping_layers": row.mapping_layers,
            "channel_base": row.channel_base,
            "discriminator_architecture": row.discriminator_architecture,
            "clamp": 256.0,
            "group_size": row.group_size,
            "style_mixing": row.style_mixing,
            "training_recipe": recipe,
            "batch_size": row.batch_size,
        }
        return cls(image_shape, **{**settings, **arguments})

    def recipe(self):
        """The settings of the row `training_recipe` of StyleGAN2-ADA's table."""
        arguments = self._arguments
        row = recipe_for(arguments["training_recipe"], self.image_shape, arguments["batch_size"])
        penalties = [R1(row.r1_gamma, interval=16)]
        if row.path_length_weight:
            penalties.append(PathLength(row.path_length_weight, interval=4))
        return {
            **super().recipe(),
            "generator_optimizer": lazy_adam(row.learning_rate, 4),
            "discriminator_optimizer": lazy_adam(row.learning_rate, 16),
            "regularizers": penalties,
            # What was trained has an average, which a ramp would throw away.
            "ema_decay": HalfLife(
                row.ema_kimg * 1000,
                row.batch_size,
                None if self.is_pretrained else row.ema_ramp_up,
            ),
        }

    def _keep_frozen(self):
        super()._keep_frozen()
        _freeze(self.discriminator, self._arguments["frozen_layers"])

    def phases(self):
        """The generator's updates come first."""
        return sorted(super().phases(), key=lambda phase: phase.player != "generator")

    def checked_gradients(self, gradients):
        """Without what is not a number or not finite, as the original's optimizers are given."""
        return [ops.nan_to_num(g, nan=0.0, posinf=1e5, neginf=-1e5) for g in gradients]

    # Styles -----------------------------------------------------------------------------------

    @property
    def num_styles(self):
        """int, how many w an image has: one for each convolution, and one for the last image."""
        return self.generator.synthesis.num_styles

    def draw_styles(self, batch, training=True):
        """Styles for training, of two latents in a share `style_mixing` of the batches.

        Args:
            batch: `keras_gan.Batch`.
            training: bool. The running mean of w moves, and styles are mixed, in training only.

        Returns:
            float32 tensor `(N, num_styles, style_dim)`.
        """
        count = ops.shape(batch.images)[0]
        mapping = self.generator.mapping

        def styles(z):
            w = mapping(self._generator_inputs(z, batch.labels), training=training)
            return ops.repeat(w[:, None], self.num_styles, axis=1)

        z = self.sample_latents(count) if batch.latents is None else batch.latents
        ws = styles(z)
        if not training or not self.style_mixing:
            return ws
        # For the whole batch, wherever its images are.
        is_mixed = random.uniform((), self.seed_generator, common=True) < self.style_mixing
        cutoff = random.integers((), self.seed_generator, 1, self.num_styles, common=True)
        cutoff = ops.where(is_mixed, cutoff, self.num_styles)
        z = self.sample_latents(count)
        others = backend.without_updates(lambda: styles(z))
        is_first = ops.arange(self.num_styles, dtype="int32") < cutoff
        return ops.where(is_first[None, :, None], ws, others)

    def generate_fakes(self, batch, training=True):
        """Generated images to go with a batch."""
        ws = self.draw_styles(batch, training)
        return self.generator.synthesis(ws, training=training)

    def styles_from_seeds(
        self, seeds, labels=None, truncation=None, truncation_cutoff=None, batch_size=64, ema=True
    ):
        """The styles of images.

        Args:
            seeds: as in `generate`.
            labels: as in `generate`.
            truncation: float, factor of the distance from the mean w; 1, or `None`, keeps it.
            truncation_cutoff: int, only that many layers, from the coarsest, are truncated.
            batch_size: int.
            ema: bool, use the averaged network.

        Returns:
            float32 array `(N, num_styles, style_dim)`.

        Raises:
            ValueError: if an argument is out of range.

        Example:
        ```python
        ws = gan.styles_from_seeds([85, 265], truncation=0.7)
        ```
        """
        check_integer("batch_size", batch_size, minimum=1)
        seeds = latents.parse_seeds(seeds)
        labels = self._labels(labels, seeds)
        network = self.ema_generator if ema else self.generator
        return self._styles(seeds, labels, network, batch_size, truncation, truncation_cutoff)

    def generate_from_styles(
        self, ws, *, noise="const", seeds=None, batch_size=16, output_type="uint8", ema=True
    ):
        """Images of given styles.

        Args:
            ws: float array `(N, num_styles, style_dim)`, or `(N, style_dim)` for all layers.
            noise: `"const"`, `"random"`, `"none"`, or a list of a map `(N or 1, h, w, 1)` for each
                layer that adds noise, such as those of `keras_gan.latents.Projection`.
            seeds: N int that random noise is drawn from, as in `generate`.
            batch_size: int.
            output_type: as in `generate`.
            ema: bool, use the averaged network.

        Returns:
            Images as `generate` does.

        Raises:
            ValueError: if an argument is out of range.

        Example:
        ```python
        ws = gan.styles_from_seeds([85, 265])
        images = gan.generate_from_styles(ws)
        ```
        """
        convert = images.converter(output_type)
        ws = finite_array("ws", ws)
        style_dim = self.generator.synthesis.style_dim
        if ws.shape[1:] not in ((style_dim,), (self.num_styles, style_dim)) or not len(ws):
            raise ValueError(
                f"`ws` are styles of shape (N, {self.num_styles}, {style_dim}) or (N, {style_dim})."
                f" Received: shape {ws.shape}"
            )
        if seeds is not None:
            seeds = latents.parse_seeds(seeds)
        network = self.ema_generator if ema else self.generator
        return convert(self._images(ws, seeds, network, batch_size, noise))

    def images_from_seeds(
        self,
        seeds,
        labels,
        network,
        batch_size,
        truncation=None,
        truncation_cutoff=None,
        noise="const",
    ):
        """What `generate` makes. Beside what every model takes, there are these options.

        Args:
            seeds: list of int.
            labels: int32 array of class ids, or `None`.
            network: the generator to use.
            batch_size: int.
            truncation: float, see `styles_from_seeds`: 0.5 to 0.7 for fewer odd images and less
                variety, 1 for the distribution that was learnt.
            truncation_cutoff: int, see `styles_from_seeds`.
            noise: `"const"`, the same for all images; `"random"`, of each image's seed; `"none"`.

        Returns:
            float32 array `(N, H, W, C)`.
        """
        ws = self._styles(seeds, labels, network, batch_size, truncation, truncation_cutoff)
        return self._images(ws, seeds, network, batch_size, noise)

    def _styles(self, seeds, labels, network, batch_size, truncation, cutoff):
        z = self.latents_from_seeds(seeds)
        inputs = [z] if labels is None else [z, labels]
        w = self._predict(network.mapping, inputs, batch_size)
        ws = np.repeat(w[:, None], self.num_styles, axis=1)
        if truncation is None:
            if cutoff is not None:
                raise ValueError(
                    f"`truncation_cutoff` says how many styles `truncation` pulls, such as 0.7. "
                    f"Received: truncation=None, truncation_cutoff={cutoff}"
                )
            return ws
        average = ops.convert_to_numpy(network.mapping.average)
        return latents.truncate(ws, average, truncation, cutoff)

    def _images(self, ws, seeds, network, batch_size, noise):
        synthesis = network.synthesis
        given = None
        if isinstance(noise, (list, tuple)):
            given = _checked_maps(synthesis, noise, len(ws))
        elif not isinstance(noise, str) or noise not in _NOISE:
            raise ValueError(
                f"`noise` is one of {list(_NOISE)}, or a list of maps. Received: {noise!r}"
            )
        elif noise == "random" and (seeds is None or len(seeds) != len(ws)):
            raise ValueError(
                f"Random noise is drawn from one seed for each of the {len(ws)} images. Received: "
                f"seeds={seeds!r}"
            )
        check_integer("batch_size", batch_size, minimum=1)
        batch_size = min(batch_size, len(ws))
        made = []
        for start in range(0, len(ws), batch_size):
            # The last batch is as large as the others, for which the network is compiled.
            rows = np.minimum(np.arange(start, start + batch_size), len(ws) - 1)
            inputs = [ws[rows]]
            if given is not None:
                inputs += [x if len(x) == 1 else x[rows] for x in given]
            elif noise != "const":
                chosen = None if noise == "none" else [seeds[row] for row in rows]
                inputs += _noise_maps(synthesis, batch_size, chosen)
            made.append(self._predict(synthesis, inputs, batch_size)[: len(ws) - start])
        return np.concatenate(made)

    def get_config(self):
        """The constructor's arguments."""
        return {**self.base_config(), **self._arguments}


def lazy_adam(learning_rate, interval, beta_1=0.0, beta_2=0.99, epsilon=1e-8):
    """Adam for a player that also takes a regularisation step in every `interval`-th step.

    Over as many images, `interval + 1` updates then do what `interval` would.

    Args:
        learning_rate: float > 0.
        interval: int >= 1.
        beta_1: float in [0, 1).
        beta_2: float in [0, 1).
        epsilon: float > 0.

    Returns:
        `keras_gan.optimizers.Adam`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    keras_gan.models.stylegan2.lazy_adam(0.002, 16)
    ```
    """
    check_positive("learning_rate", learning_rate)
    check_integer("interval", interval, minimum=1)
    share = interval / (interval + 1)
    return Adam(float(learning_rate) * share, beta_1**share, beta_2**share, epsilon)


def base_and_steps(image_shape):
    """The sides of the constant that an image grows from, and how often they double."""
    valid = isinstance(image_shape, (list, tuple)) and len(image_shape) == 3
    valid = valid and all(isinstance(n, int) and n > 0 for n in image_shape)
    if valid and image_shape[2] <= 4 and max(image_shape[:2]) <= _MAX_SIDE:
        smallest = min(image_shape[:2])
        steps = max(int(math.log2(smallest)) - 2, 0)
        if steps and not any(side % 2**steps for side in image_shape[:2]):
            return tuple(side // 2**steps for side in image_shape[:2]), steps
    raise ValueError(
        "`image_shape` is (H, W, C) with 1 to 4 channels and sides that are a small number (of the "
        "shorter side 4 to 7) times the same power of two, from 8 up to "
        f"{_MAX_SIDE}, such as (256, 256, 3) or (384, 512, 3). Received: {image_shape}. Resize or "
        "crop the images, for example with `keras_gan.data.image_folder(path, image_shape=...)`."
    )


def _widths(arguments, steps, prefix=""):
    """The channels of a network's maps of 4, 8, ... px; its own arguments begin with `prefix`."""
    base, largest = (
        arguments[prefix + name] or arguments[name] for name in ("channel_base", "channel_max")
    )
    widths = [min(base // (4 * 2**i), largest) for i in range(steps + 1)]
    if min(widths) < 1:
        raise ValueError(
            f"`{prefix}channel_base` leaves no channels at {4 * 2**steps} px. Received: {base}"
        )
    return widths


def _check(arguments):
    for name in ("generator_architecture", "discriminator_architecture"):
        if arguments[name] not in networks.ARCHITECTURES:
            raise ValueError(
                f"`{name}` is one of {list(networks.ARCHITECTURES)}. Received: {arguments[name]!r}"
            )
    bases = ("channel_base", "discriminator_channel_base")
    for name in (*_WIDTHS, *bases, "num_classes", "group_size"):
        if arguments[name] is not None or name not in _OPTIONAL:
            check_integers(**{name: arguments[name]})
    for name in ("mapping_layers", "projection_layers", "num_deviations", "frozen_layers"):
        check_integer(name, arguments[name], minimum=0)
    for name in _WIDTHS:
        check_filters(arguments[name] or 0, **{name: arguments[name]})
    for name in ("mapping_layers", "projection_layers"):
        if arguments[name] > _MAX_LAYERS:
            raise ValueError(f"`{name}` is at most {_MAX_LAYERS}. Received: {arguments[name]}")
    check_number("style_mixing", arguments["style_mixing"], maximum=1)
    check_number("average_decay", arguments["average_decay"], below=1)
    for name in ("mapping_rate", "projection_rate"):
        check_positive(name, arguments[name])
    if arguments["discriminator_clamp"] not in ("generator", None):
        check_positive("discriminator_clamp", arguments["discriminator_clamp"])


def _freeze(discriminator, count):
    layers = [layer for block in discriminator.blocks for layer in block.parts]
    if count > len(layers):
        raise ValueError(
            f"`frozen_layers` is at most {len(layers)}, the layers before the last maps. Received: "
            f"{count}"
        )
    for layer in layers[:count]:
        layer.trainable = False


def _noise_maps(synthesis, count, seeds):
    """A map for each layer with noise: zeros, or that of each image's seed."""
    shapes = [(*layer.noise_sides, 1) for layer in synthesis.noise_layers]
    if seeds is None:
        return [np.zeros((count, *shape), "float32") for shape in shapes]
    # The stream is another than those of the seed's latent and class.
    generators = [np.random.RandomState([seed, 2]) for seed in seeds]
    return [
        np.stack([generator.standard_normal(shape) for generator in generators]).astype("float32")
        for shape in shapes
    ]


def _checked_maps(synthesis, noise, count):
    """The noise maps that the user gives."""
    maps = [np.asarray(x, "float32") for x in noise]
    wanted = [(*layer.noise_sides, 1) for layer in synthesis.noise_layers]
    fits = [x.shape[1:] for x in maps] == wanted and all(len(x) in (1, count) for x in maps)
    if not fits:
        raise ValueError(
            f"Noise maps are a list of arrays (1 or {count}, height, width, 1) with (height, width,"
            f" 1) = {wanted}. Received: shapes {[x.shape for x in maps]}"
        )
    return maps
