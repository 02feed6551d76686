"""Stacks of three labelled images as the channels of one: 1000 modes, read by a classifier."""

import json
import os
import pathlib
from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

import keras_gan
from keras_gan import backend, metrics, random
from keras_gan.files import atomic_file
from keras_gan.initializers import RandomNormal
from keras_gan.layers import BatchNormalization, Conv2D, Conv2DTranspose
from mode_benchmarks import published, runs, tables

_CLASSES = 10
# Divides the papers' numbers of samples.
_JUDGED_AT_ONCE = 200


class Setting(NamedTuple):
    """What the papers agreed on, each for itself.

    Attributes:
        filters: tuple of the discriminator's filters per layer, or `None` for VEEGAN's networks.
        image_range: the range in which the networks see the data; the generator ends in tanh all
            the same.
        with_test_images: bool, whether stacks are made of the test set's images, too.
        stacks: int of fixed stacks, or `None` for fresh ones in every batch.
        batch_size: int.
        steps: int.
        generated: int, samples to judge.
        batch_statistics: bool, whether samples to judge are normalised by their own batch.
    """

    filters: tuple | None
    image_range: tuple
    with_test_images: bool
    stacks: int | None
    batch_size: int
    steps: int
    generated: int
    batch_statistics: bool


_UNROLLED = Setting((), (-1, 1), False, None, 128, 500_000, 25_600, True)
SETTINGS = {
    # 50 epochs of 128,000 stacks.
    "stacked": Setting(None, (0, 1), True, 128_000, 64, 100_000, 26_000, False),
    "stacked_quarter": _UNROLLED._replace(filters=(2, 4, 8)),
    "stacked_half": _UNROLLED._replace(filters=(4, 8, 16)),
}


class _VEEGANSteps(keras_gan.GAN):
    """VEEGAN's code: uniform latents, and two updates of the generator for one."""

    def sample_latents(self, count):
        return random.uniform((count, self.latent_dim), self.seed_generator, -1.0, 1.0)

    def phases(self):
        return [*super().phases(), keras_gan.Phase("generator", self.generator_loss)]


# Data ---------------------------------------------------------------------------------------------


def read(folder, part):
    """Images `(N, 28, 28)` and labels of `"train"` or `"t10k"` of an MNIST-like set."""
    arrays = []
    for kind, dimensions in (("images", 3), ("labels", 1)):
        name = f"{part}-{kind}-idx{dimensions}-ubyte"
        found = [path for path in (folder / f"{name}.gz", folder / name) if path.exists()]
        if not found:
            raise FileNotFoundError(
                f"There is no {name} or {name}.gz in {folder}. Name the folder of MNIST's or "
                "Fashion-MNIST's four IDX files with --images."
            )
        arrays.append(keras_gan.data.read_idx(found[0]))
    return arrays


class Stacks(keras.utils.PyDataset):
    """Batches of stacked images, uint8 `(N, 28, 28, 3)`.

    Args:
        images: uint8 array `(M, 28, 28)`.
        setting: `Setting`.
        packing: int, how many times more samples an update sees.
        steps: int, batches of fresh stacks.
        seed: int.
    """

    def __init__(self, images, setting, packing, steps, seed):
        super().__init__()
        self.images = images
        self.batch_size = setting.batch_size * packing
        self.seed = seed
        self.fixed, self.batches = None, steps
        if setting.stacks:
            self.fixed = self._chosen(setting.stacks, 0)
            self.batches = setting.stacks // self.batch_size

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        if self.fixed is None:
            chosen = self._chosen(self.batch_size, index + 1)
        else:
            chosen = self.fixed[index * self.batch_size : (index + 1) * self.batch_size]
        return self.images[chosen].transpose(0, 2, 3, 1)

    def _chosen(self, count, part):
        return np.random.default_rng([self.seed, part]).integers(len(self.images), size=(count, 3))


# Networks -----------------------------------------------------------------------------------------


def _networks(setting, packing):
    if setting.filters is None:
        return _veegan_generator(), _discriminator((64, 128, 256, 512), 5, 0.2, 1, packing)
    return _unrolled_generator(), _discriminator(setting.filters, 3, 0.3, 0, packing)


def _veegan_generator():
    z = keras.Input((100,))
    x = _up(_dense(4 * 512, (2, 2, 512))(z), 256, 5)
    x = _up(x, 128, 5, crop=True)
    x = _up(x, 64, 5)
    x = Conv2DTranspose(
        3, 5, strides=2, padding="same", activation="tanh", kernel_initializer=_normal()
    )(x)
    return keras.Model(z, x, name="generator")


def _unrolled_generator():
    z = keras.Input((256,))
    x = _up(_dense(16 * 64, (4, 4, 64))(z), 32, 3, crop=True)
    x = _up(_up(x, 16, 3), 8, 3)
    x = Conv2D(3, 3, padding="same", activation="tanh", kernel_initializer=_truncated())(x)
    return keras.Model(z, x, name="generator")


def _dense(units, shape):
    def block(z):
        x = layers.Dense(units, kernel_initializer=_normal())(z)
        return layers.Reshape(shape)(layers.ReLU()(_batch_norm()(x)))

    return block


def _up(x, filters, kernel_size, crop=False):
    x = Conv2DTranspose(
        filters, kernel_size, strides=2, padding="same", kernel_initializer=_normal()
    )(x)
    if crop:
        # The gradient of a strided convolution of 7 pixels to 4, as TensorFlow pads it.
        x = layers.Cropping2D(((1, 0), (1, 0)))(x)
    return layers.ReLU()(_batch_norm()(x))


def _discriminator(filters, kernel_size, slope, first_norm, packing):
    image = x = keras.Input((28, 28, 3 * packing))
    for number, count in enumerate(filters):
        x = Conv2D(count, kernel_size, strides=2, padding="same", kernel_initializer=_truncated())(
            x
        )
        if number >= first_norm:
            x = _batch_norm()(x)
        x = layers.LeakyReLU(slope)(x)
    x = layers.Dense(1, kernel_initializer=_normal())(layers.Flatten()(x))
    return keras.Model(image, x, name="discriminator")


def _batch_norm():
    return BatchNormalization(momentum=0.9, epsilon=1e-5)


def _normal():
    return RandomNormal(0.0, 0.02)


def _truncated():
    return keras.initializers.TruncatedNormal(0.0, 0.02)


def build(setting, packing, seed):
    """The compiled model of a setting."""
    if setting.filters is None:
        cls, rates, beta_2 = _VEEGANSteps, (2e-4, 2e-4), 0.999
    else:
        cls, rates, beta_2 = keras_gan.GAN, (1e-4, 2e-4), 0.99
    gan = cls(
        *_networks(setting, packing), image_range=setting.image_range, packing=packing, seed=seed
    )
    generator, discriminator = (
        keras.optimizers.Adam(rate, 0.5, beta_2, epsilon=1e-8) for rate in rates
    )
    gan.compile(
        generator_optimizer=generator,
        discriminator_optimizer=discriminator,
        loss="non_saturating",
        reuse_latents=True,
    )
    return gan


# The classifier -----------------------------------------------------------------------------------


def _classifier():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(_CLASSES, activation="softmax"),
        ]
    )


def trained_classifier(train, test, epochs, folder):
    """The classifier of images in [0, 1], trained once and kept in the folder.

    Args:
        train: images and labels to train on.
        test: those to judge it by.
        epochs: int.
        folder: path.

    Returns:
        Pair of the model and a dict with its `classifier_accuracy` on the test images.
    """
    weights = folder / f"classifier_{epochs}.weights.h5"
    facts = folder / f"classifier_{epochs}.json"
    model = _classifier()
    if facts.exists():
        model.load_weights(weights)
        return model, json.loads(facts.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    model = _classifier()
    model.compile(
        keras.optimizers.Adadelta(1.0), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    (x, y), (x_test, y_test) = [
        (images[..., None].astype("float32") / 255, labels) for images, labels in (train, test)
    ]
    model.fit(x, y, batch_size=128, epochs=epochs, verbose=0)
    _, accuracy = model.evaluate(x_test, y_test, batch_size=500, verbose=0)
    with atomic_file(weights) as temporary:
        model.save_weights(temporary)
    found = {"classifier_accuracy": round(float(accuracy), 4)}
    with atomic_file(facts) as temporary:
        temporary.write_text(json.dumps(found) + "\n")
    return model, found


# The benchmark ------------------------------------------------------------------------------------


class Stacked:
    """Stacked images in one paper's setting as a benchmark.

    Args:
        name: str, of the setting.
    """

    def __init__(self, name):
        self.name = name
        # Samples that the discriminator sees together.
        self.remedies = {"dcgan": 1, "packing2": 2, "packing3": 3, "packing4": 4}
        self.setting = SETTINGS[name]

    def run(self, remedy, seed, options, folder):
        """The run of a remedy with a seed, made or loaded: a dict, see `runs.load_or_make`."""
        setting, packing = self.setting, self.remedies[remedy]
        steps = options.steps or setting.steps
        protocol = {
            "data": self.name,
            "images": os.path.basename(os.path.abspath(options.images)),
            "remedy": remedy,
            "seed": seed,
            "steps": steps,
            "batch_size": setting.batch_size * packing,
            "generated_samples": setting.generated,
            "classifier_epochs": options.classifier_epochs,
        }
        place = folder / f"{remedy}_{steps}" / str(seed)

        def make():
            train, test = (read(pathlib.Path(options.images), part) for part in ("train", "t10k"))
            kept = folder.parent / f"classifier_{protocol['images']}"
            classifier, facts = trained_classifier(train, test, options.classifier_epochs, kept)
            images = train[0]
            if setting.with_test_images:
                images = np.concatenate([images, test[0]])
            keras.utils.set_random_seed(seed)
            gan = build(setting, packing, seed)
            data = Stacks(images, setting, packing, steps, seed)
            diverged_at = runs.train(gan, data, None, steps, place)
            figures, samples = self._judge(gan, classifier)
            return {**figures, **facts, "diverged_at": diverged_at}, samples

        return runs.load_or_make(place, protocol, make)

    def _judge(self, gan, classifier):
        to_unit = layers.Rescaling(0.5, offset=0.5)
        modes = metrics.StackedModes(
            keras.Sequential([keras.Input((28, 28, 1)), to_unit, classifier])
        )
        divergence, covered = metrics.ModeKL(modes), metrics.ModesCovered(modes)
        shown = []
        for _ in range(self.setting.generated // _JUDGED_AT_ONCE):
            # Not among what is dropped: the next draw differs.
            z = gan.sample_latents(_JUDGED_AT_ONCE)
            batch = backend.detached(
                lambda z=z: backend.without_updates(lambda: self._generate(gan, z))
            )
            divergence.update_state(None, batch)
            shown.append(ops.convert_to_numpy(batch[:1]))
        # The classifier takes its time: what one metric counted, the other need not.
        covered.counts.assign(divergence.counts)
        figures = {metric.name: float(metric.result()) for metric in (covered, divergence)}
        return figures, np.concatenate(shown[:64])

    def _generate(self, gan, z):
        images = gan.ema_generator(z, training=self.setting.batch_statistics)
        return gan.from_network_range(images)

    def stored(self, folder):
        """All runs of the folder."""
        return runs.stored(folder)

    def table(self, folder):
        """The table of all runs of the folder, as Markdown."""
        groups = runs.grouped(self.stored(folder), list(self.remedies))
        ours = [
            (name, steps, [(f["modes_covered"], f["mode_kl"]) for f in figures])
            for name, steps, figures in groups
        ]
        return tables.table(["modes of 1000", "reverse KL"], ours, published.STACKED[self.name])


BENCHMARKS = {name: Stacked(name) for name in SETTINGS}
