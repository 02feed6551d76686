"""The gradient of a discriminator at its inputs."""

from keras import ops

from keras_gan import backend


def squared_gradient_norms(discriminator, images):
    """The squared norm of the gradient of the logits at each image.

    Args:
        discriminator: function from images `(N, ...)` to logits `(N, ...)`; those of one image are
            added up.
        images: tensor.

    Returns:
        float32 tensor `(N,)`, differentiable again.
    """
    _, (gradient,) = backend.grads(
        lambda x: ops.cast(discriminator(x), "float32"), [ops.cast(images, "float32")]
    )
    return ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))


def mean_squared_gradient_norm(discriminator, images, packing):
    """The mean squared norm of the gradient at what a discriminator judges at a time.

    Args:
        discriminator: function from images `(N, ...)` to logits `(N / packing, ...)`.
        images: tensor.
        packing: int, how many images it judges together: their gradients are one.

    Returns:
        float32 scalar.
    """
    return packing * ops.mean(squared_gradient_norms(discriminator, images))


def one_per_sample(images):
    """The shape of one number for each sample of a batch: `(N, 1, ...)`."""
    return (ops.shape(images)[0],) + (1,) * (len(images.shape) - 1)


def norms(squares):
    """Square roots, with a derivative at 0."""
    return ops.sqrt(squares + 1e-12)
