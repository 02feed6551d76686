"""Directions in the space w that change one thing, found without labels, and steps along them."""

from typing import NamedTuple

import numpy as np
from keras import ops

from keras_gan import backend
from keras_gan.checks import check_integer, finite_array
from keras_gan.latents.seeds import parse_seeds
from keras_gan.latents.styles import check_has_styles, parse_layers, sampled_styles


class Directions(NamedTuple):
    """Directions in the space w, the strongest first.

    Attributes:
        vectors: float32 array `(K, style_dim)` of unit vectors.
        scales: float32 array `(K,)`: how much they matter. Of principal components, the standard
            deviation of w along them; of SeFa, the factor by which they are stretched.
        mean: float32 array `(style_dim,)`, the mean of w, or `None` for SeFa.

    Example:
    ```python
    vectors, scales, mean = keras_gan.latents.pca(gan, count=10)
    ```
    """

    vectors: np.ndarray
    scales: np.ndarray
    mean: np.ndarray | None


def sefa(gan, count=10, layers=None, ema=True):
    """Directions along which the first thing that reads w, the affine layers, is stretched most.

    Closed-form factorisation: eigenvectors of `A^T A`, A being the weights of all affine layers
    that read the chosen styles. Nothing is sampled.

    Args:
        gan: `keras_gan.StyleGAN2`, or another model with styles.
        count: int, directions, at most `style_dim`.
        layers: list of int, or str such as `"0-6"`: the numbers of the styles; `None` for all.
            Coarse ones give directions of pose and shape, fine ones of colour.
        ema: bool, use the averaged generator.

    Returns:
        `keras_gan.latents.Directions`.

    Raises:
        ValueError: if the model has no styles, or an argument is out of range.

    Example:
    ```python
    directions = keras_gan.latents.sefa(gan, count=5, layers="0-3")
    ws = keras_gan.latents.edit(ws, directions.vectors[0], strength=3.0, layers="0-3")
    ```

    Reference: Shen, Zhou (2021), Closed-Form Factorization of Latent Semantics in GANs,
    arXiv:2007.06600.
    """
    check_has_styles(gan)
    chosen = parse_layers(layers, gan.num_styles)
    backend.sync(gan)
    synthesis = (gan.ema_generator if ema else gan.generator).synthesis
    _check_count(count, synthesis.style_dim)
    total = np.zeros((synthesis.style_dim,) * 2)
    for index, affine in _affine_layers(synthesis):
        if index in chosen:
            kernel = ops.convert_to_numpy(affine.kernel).astype("float64")
            total += kernel @ kernel.T / len(kernel)
    vectors, variances = _strongest(total, count)
    return Directions(vectors, np.sqrt(variances).astype("float32"), None)


def pca(gan, count=10, samples=100_000, seed=0, label=None):
    """The principal components of w: the directions in which images of the model differ most.

    Args:
        gan: `keras_gan.StyleGAN2`, or another model with styles; its averaged generator is used.
        count: int, components, at most `style_dim`.
        samples: int >= 2, vectors w that they are estimated from. The paper takes a million.
        seed: int in [0, 2**32 - 1].
        label: int, the class of a conditional model.

    Returns:
        `keras_gan.latents.Directions`, with standard deviations and mean.

    Raises:
        ValueError: if the model has no styles, or an argument is out of range.

    Example:
    ```python
    directions = keras_gan.latents.pca(gan, count=10)
    strength = 2 * directions.scales[0]  # two standard deviations
    ws = keras_gan.latents.edit(ws, directions.vectors[0], strength)
    ```

    Reference: Haerkoenen et al. (2020), GANSpace: Discovering Interpretable GAN Controls,
    arXiv:2004.02546.
    """
    check_has_styles(gan)
    check_integer("samples", samples, minimum=2)
    _check_count(count, gan.ema_generator.synthesis.style_dim)
    (seed,) = parse_seeds([seed])
    number, total, squares, origin = 0, 0.0, 0.0, None
    for w in sampled_styles(gan, samples, seed, label):
        # Around a point that lies among them: the squares are then no larger than they must be.
        origin = w.mean(axis=0, dtype="float64") if origin is None else origin
        w = w - origin
        number, total, squares = number + len(w), total + w.sum(axis=0), squares + w.T @ w
    offset = total / number
    vectors, variances = _strongest(squares / number - np.outer(offset, offset), count)
    scales = np.sqrt(variances * number / (number - 1))
    return Directions(vectors, scales.astype("float32"), (origin + offset).astype("float32"))


def edit(ws, direction, strength, layers=None):
    """Styles moved along a direction: `ws + strength * direction`.

    Args:
        ws: float array `(N, num_styles, style_dim)`.
        direction: float array `(style_dim,)`, such as one of `keras_gan.latents.Directions`.
        strength: float, or array `(N,)` of one for each; negative ones go the other way.
        layers: list of int, or str such as `"0-3"`: the numbers of the styles that are moved;
            `None` for all.

    Returns:
        float32 array of the shape of `ws`.

    Raises:
        ValueError: if the shapes do not fit, there is no such style, or a number is not finite.

    Example:
    ```python
    ws = np.repeat(gan.styles_from_seeds([85], truncation=0.7), 5, axis=0)
    edited = keras_gan.latents.edit(ws, directions.vectors[0], [-2, -1, 0, 1, 2], layers="0-3")
    images = gan.generate_from_styles(edited)
    ```
    """
    if isinstance(direction, Directions):
        raise ValueError(
            "`direction` is one vector, such as `directions.vectors[0]`. Received: Directions"
        )
    edited = np.array(finite_array("ws", ws))
    direction = finite_array("direction", direction)
    strength = finite_array("strength", strength)
    if edited.ndim != 3 or direction.shape != edited.shape[2:]:
        raise ValueError(
            "Styles (N, num_styles, style_dim) move along a vector (style_dim,). Received: ws of "
            f"shape {edited.shape}, direction of shape {direction.shape}"
        )
    if strength.shape not in ((), (len(edited),)):
        raise ValueError(
            f"`strength` is a number, or one for each of the {len(edited)} images. "
            f"Received: {strength}"
        )
    chosen = parse_layers(layers, edited.shape[1])
    edited[:, chosen] += strength.reshape(-1, 1, 1) * direction
    return edited


def _affine_layers(synthesis):
    """Pairs of the number of a style and an affine layer that reads it."""
    index = 0
    for block in synthesis.blocks:
        for layer in block.convolutions:
            yield index, layer.affine
            index += 1
        if block.torgb is not None:
            yield index, block.torgb.affine


def _strongest(matrix, count):
    """The first eigenvectors and eigenvalues of a symmetric matrix."""
    values, vectors = np.linalg.eigh(matrix)
    vectors = vectors[:, ::-1][:, :count].T
    # An eigenvector's sign is arbitrary: the largest entry is positive.
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    return (vectors * np.sign(largest)).astype("float32"), np.maximum(values[::-1][:count], 0)


def _check_count(count, style_dim):
    check_integer("count", count, minimum=1)
    if count > style_dim:
        raise ValueError(
            f"There are at most {style_dim} directions, as many as w is long. Received: "
            f"count={count}"
        )
