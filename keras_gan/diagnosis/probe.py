"""The vital signs of a GAN in training, measured without leaving a trace in it."""

import math

import numpy as np
from keras import ops

from keras_gan import backend, losses, random
from keras_gan.regularizers.gradient_norms import squared_gradient_norms

# Above it, images are averaged down before their distances are taken.
_THUMBNAIL_SIDE = 32
_POWER_ITERATIONS = 12
# Samples of the same class are compared if there are enough pairs of them.
_MIN_PAIRS = 256


class Probe:
    """Measures a compiled model, always on the same real images, with the same noise.

    The model's variables stay as they are, random states too: a run with a probe makes the same
    images as one without.

    Args:
        gan: compiled `keras_gan.GAN`.
        real: tuple of arrays, images of the training data as `fit` takes them, with their labels if
            the data has some.
        held_out: the same of images that are not trained on, or `None`.
        batch_size: int, images computed at once: that of training, whose batch statistics it has.
    """

    def __init__(self, gan, real, held_out, batch_size):
        self._gan = gan
        self._real = _batches(real, batch_size, gan.packing)
        self._held_out = _batches(held_out, batch_size, gan.packing)
        variables = [
            (f"{player}/{v.path.removeprefix(f'{network.name}/')}", v)
            for player, networks in gan.players().items()
            for network in networks
            for v in network.trainable_variables
        ]
        self._kernels = {path: v for path, v in variables if len(v.shape) > 1}
        state = [*gan.variables, *gan.optimizer.variables]
        self._compare = backend.observer(self._compare_images, state)
        self._judge = backend.observer(self._judge_images, state)
        self._differentiate = backend.observer(self._derivatives, state)
        self._pairs = _pairs_to_compare(self._real, gan.num_classes is not None)
        thumbnails = [_thumbnails(gan.unpack(batch).images) for batch in self._real]
        # Data of one image only has no distances to compare with.
        self._real_distance = max(_mean_distance(_numpy(thumbnails), self._pairs), 1e-6)

    def measure(self):
        """dict: name of a signal to a float; to an array for `"mean_image"`."""
        backend.sync(self._gan)
        numbers = range(len(self._real))
        found = [self._compare(_tensor(i), *self._real[i]) for i in numbers]
        real, fake, images = [_numpy(parts) for parts in zip(*found, strict=True)]
        signals = {
            "real_score": real.mean(),
            "fake_score": fake.mean(),
            "margin": real.mean() - fake.mean(),
            "spread": math.sqrt((real.var() + fake.var()) / 2),
            "real_accuracy": (real > 0).mean(),
            "fake_accuracy": (fake < 0).mean(),
            "bce": np.logaddexp(0, -real).mean() + np.logaddexp(0, fake).mean(),
            "diversity": _mean_distance(images, self._pairs) / self._real_distance,
        }
        if self._held_out is not None:
            scores = [self._judge(*batch) for batch in self._held_out]
            signals["held_out_score"] = _numpy(scores).mean()
        signals.update(self._differentiate(*self._real[0]))
        signals = {name: float(value) for name, value in signals.items()}
        signals["mean_image"] = images.mean(0) / self._real_distance
        return signals

    # Compiled: everything that these functions write is dropped ------------------------------

    def _batch(self, data, number):
        batch = self._gan.unpack(data)
        # Noise of its own, the same each time: signals move because the model does.
        state = self._gan.seed_generator.state
        state.assign(ops.cast(ops.stack([number, ops.zeros_like(number)]), state.dtype))
        return batch._replace(latents=self._gan.sample_latents(data[0].shape[0]))

    def _compare_images(self, number, *data):
        batch = self._batch(data, number)
        fake = self._gan.generate_fakes(batch)
        return self._scores(batch.images, batch), self._scores(fake, batch), _thumbnails(fake)

    def _judge_images(self, *data):
        batch = self._batch(data, _tensor(0))
        return self._scores(batch.images, batch)

    def _scores(self, images, batch):
        scores = self._gan.discriminate(self._gan.shown(images), batch)
        return ops.reshape(ops.cast(scores, "float32"), (-1,))

    def _derivatives(self, *data):
        gan = self._gan
        batch = self._batch(data, _tensor(0))
        _, gradients = backend.value_and_grad(
            lambda: gan.generator_loss(batch), gan.generator.trainable_variables
        )
        squares = [ops.sum(ops.square(ops.cast(g, "float32"))) for g in gradients]
        found = {"g_grad_norm": ops.sqrt(sum(squares))}
        if isinstance(gan.adversarial_loss, losses.Wasserstein):
            real, fake = gan.shown(batch.images), gan.shown(gan.generate_fakes(batch))
            epsilon = random.uniform((real.shape[0], 1, 1, 1), gan.seed_generator)
            between = fake + epsilon * (real - fake)
            squares = squared_gradient_norms(lambda x: gan.discriminate(x, batch), between)
            found["slope"] = ops.mean(ops.sqrt(squares))
        for path, kernel in self._kernels.items():
            found[f"sigma/{path}"] = _largest_singular_value(kernel)
        return found


def _batches(data, size, packing):
    """A list of batches of one size, as tensors: compiled backends compile once."""
    if data is None or len(data[0]) < packing:
        return None
    size = min(size, len(data[0])) // packing * packing
    starts = range(0, len(data[0]) - size + 1, size)
    return [tuple(ops.convert_to_tensor(part[i : i + size]) for part in data) for i in starts]


def _tensor(number):
    return ops.convert_to_tensor(number, "int32")


def _numpy(parts):
    return np.concatenate([ops.convert_to_numpy(part) for part in parts])


def _thumbnails(images):
    """Images as vectors `(N, D)`, of at most 32 pixels a side."""
    size = -(-max(images.shape[1:3]) // _THUMBNAIL_SIDE)
    images = ops.cast(images, "float32")
    if size > 1:
        images = ops.average_pool(images, size, padding="same", data_format="channels_last")
    return ops.reshape(images, (images.shape[0], -1))


def _pairs_to_compare(batches, is_conditional):
    """Boolean matrix of pairs: those of one class, if that is told and there are enough."""
    count = sum(batch[0].shape[0] for batch in batches)
    pairs = ~np.eye(count, dtype=bool)
    if is_conditional:
        labels = _numpy([batch[1] for batch in batches]).reshape(count, -1)
        same = pairs & (labels[:, None] == labels).all(-1)
        if same.sum() >= 2 * _MIN_PAIRS:
            return same
    return pairs


def _mean_distance(vectors, pairs):
    vectors = vectors.astype("float64") - vectors.mean(0)
    squares = (vectors**2).sum(1)
    products = vectors @ vectors.T
    squares = squares[:, None] + squares - 2 * products
    return np.sqrt(np.maximum(squares[pairs], 0)).mean()


def _largest_singular_value(kernel):
    """Of the kernel as a matrix from its inputs to its outputs, a lower bound close to it."""
    matrix = ops.reshape(ops.cast(kernel, "float32"), (-1, kernel.shape[-1]))
    start = np.random.RandomState(0).standard_normal((kernel.shape[-1], 1)).astype("float32")

    def improve(_, v):
        v = ops.matmul(ops.transpose(matrix), ops.matmul(matrix, v))
        return v / (ops.norm(v) + 1e-30)

    v = ops.fori_loop(0, _POWER_ITERATIONS, improve, ops.convert_to_tensor(start))
    return ops.norm(ops.matmul(matrix, v)) / (ops.norm(v) + 1e-30)
