"""WGAN: a critic that estimates the Wasserstein distance, its weights clipped."""

import keras
from keras import ops

from keras_gan.checks import check_filters, check_integer, check_integers
from keras_gan.constraints import WeightClip, constrain
from keras_gan.gan import GAN
from keras_gan.models.dcgan import (
    base_and_stages,
    convolutional_discriminator,
    convolutional_generator,
)
from keras_gan.presets import register

# When the critic is trained for longer, in updates of the generator.
_FIRST = 25
_EVERY = 500


@register
class WGAN(GAN):
    """Wasserstein GAN with weight clipping.

    The networks are DCGAN's; the critic's output is no probability. After each of its updates all
    of its weights, scales and offsets of normalisations among them, are clipped. The recipe is the
    paper's: RMSprop with rate 5e-5 (PyTorch's: Keras puts epsilon inside the root, so it is
    squared here), batches of 64, five critic updates for one of the generator, and a hundred for
    each of its first 25 and every 500th. Such an update takes several training steps, of
    `discriminator_steps` batches each, of which only the last one updates the generator. Minus
    `d_loss` estimates the Wasserstein distance up to a factor and should fall.

    Args:
        image_shape: `(height, width, channels)`, see `keras_gan.DCGAN`.
        latent_dim: int, length of a latent vector.
        width: int, filters of the generator's finest map (ngf).
        discriminator_width: int, of the critic's (ndf); `width` by default.
        generator_batch_norm: bool. The paper also trains a generator without normalisation.
        clip: float > 0, the largest magnitude of a critic's weight (c).
        long_critic_steps: int, critic updates for each of the first 25 updates of the generator and
            every 500th, a multiple of `discriminator_steps` or rounded up to one; 0 for none.
        packing: int >= 1, images that the critic judges together, see `keras_gan.GAN`.
        seed: int for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy or its name.

    Raises:
        ValueError: if `image_shape` cannot be built so, or a number is out of range.

    Example:
    ```python
    gan = keras_gan.WGAN(image_shape=(64, 64, 3))
    gan.compile()
    gan.fit(keras_gan.data.image_folder("photos/", image_shape=(64, 64, 3)), epochs=100)
    ```

    Reference: Arjovsky, Chintala, Bottou (2017), Wasserstein GAN, arXiv:1701.07875.
    """

    def __init__(
        self,
        image_shape=(64, 64, 3),
        latent_dim=100,
        width=64,
        discriminator_width=None,
        generator_batch_norm=True,
        clip=0.01,
        long_critic_steps=100,
        packing=1,
        seed=None,
        name=None,
        dtype=None,
    ):
        base, stages = base_and_stages(image_shape)
        discriminator_width = width if discriminator_width is None else discriminator_width
        check_integers(
            latent_dim=latent_dim,
            width=width,
            discriminator_width=discriminator_width,
            packing=packing,
        )
        check_integer("long_critic_steps", long_critic_steps, minimum=0)
        check_filters(
            max(max(width, discriminator_width) * 2 ** (stages - 1), packing * image_shape[-1]),
            width=width,
            discriminator_width=discriminator_width,
            packing=packing,
            image_shape=tuple(image_shape),
        )
        self._arguments = {
            "image_shape": list(image_shape),
            "latent_dim": latent_dim,
            "width": width,
            "discriminator_width": discriminator_width,
            "generator_batch_norm": bool(generator_batch_norm),
            "clip": clip,
            "long_critic_steps": long_critic_steps,
            "packing": packing,
        }
        *sides, channels = image_shape

        def generator():
            filters = width * 2 ** (stages - 1)
            return convolutional_generator(
                base, stages, channels, latent_dim, filters, dtype, generator_batch_norm
            )

        critic = convolutional_discriminator(
            base, stages, (*sides, packing * channels), discriminator_width, dtype
        )
        constrain(critic, WeightClip(clip))
        super().__init__(
            generator(),
            critic,
            ema_generator=generator(),
            packing=packing,
            seed=seed,
            name=name,
            dtype=dtype,
        )

    def recipe(self):
        """The paper's Algorithm 1."""

        def optimizer():
            return keras.optimizers.RMSprop(5e-5, rho=0.99, epsilon=1e-16)

        return {
            **super().recipe(),
            "generator_optimizer": optimizer(),
            "discriminator_optimizer": optimizer(),
            "loss": "wasserstein",
            "discriminator_steps": 5,
        }

    def phases(self):
        """The generator waits for a critic that is trained for longer."""
        length = -(-self._arguments["long_critic_steps"] // self.discriminator_steps)
        if length <= 1:
            return super().phases()
        return [
            phase._replace(due=lambda step: _generator_is_due(step, length))
            if phase.player == "generator"
            else phase
            for phase in super().phases()
        ]

    def get_config(self):
        """The constructor's arguments."""
        return {**self.base_config(), **self._arguments}


def _generator_is_due(step, length):
    """Whether the generator is updated, where long iterations take `length` training steps."""
    beginning = _FIRST * length
    first = ops.equal(ops.mod(step, length), length - 1)
    # Then one step for each of the iterations 25 to 499, and from 500 on a long one and 499 short
    # ones again and again.
    after = step - (beginning + _EVERY - _FIRST)
    short = ops.mod(after, length + _EVERY - 1) >= length - 1
    return ops.where(step < beginning, first, ops.logical_or(after < 0, short))
