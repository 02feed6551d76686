"""AC-GAN: the discriminator also tells the class."""

import functools

import keras
from keras import layers, ops

from keras_gan import random
from keras_gan.checks import check_filters, check_integers, check_number
from keras_gan.context import Context
from keras_gan.gan import GAN
from keras_gan.layers import BatchNormalization, Conv2D, Conv2DTranspose, Dropout, LeakyReLU, OneHot
from keras_gan.models.dcgan import base_and_stages, normal
from keras_gan.presets import register


class _Context(Context):
    """An update in which one pass tells the logits and the classes.

    Attributes:
        real_outputs: float32 tensor `(N, 1 + num_classes)`, the discriminator's outputs for `real`.
        fake_outputs: those for `fake`.
    """

    @functools.cached_property
    def real_outputs(self):
        return self._about_real(lambda: self._outputs(self.real))

    @functools.cached_property
    def fake_outputs(self):
        return self._outputs(self.fake)

    @functools.cached_property
    def real_logits(self):
        return self.real_outputs[:, :1]

    @functools.cached_property
    def fake_logits(self):
        return self.fake_outputs[:, :1]

    def class_loss(self, outputs):
        """The cross-entropy of the batch's classes."""
        losses = ops.sparse_categorical_crossentropy(
            self._batch.labels, outputs[:, 1:], from_logits=True
        )
        return ops.mean(losses)

    def class_accuracy(self, outputs):
        """The share of images whose class is told rightly."""
        told = ops.cast(ops.argmax(outputs[:, 1:], axis=-1), "int32")
        return ops.mean(ops.cast(ops.equal(told, self._batch.labels), "float32"))

    def _outputs(self, shown):
        return self._model.discriminator(shown, training=self._training)


@register
class ACGAN(GAN):
    """GAN with an auxiliary classifier: both players want generated images to show their class.

    The generator's latent is joined by the one-hot class; the discriminator does not see the class,
    but tells it. Its loss is the adversarial one (-L_S) plus the cross-entropy of the classes of
    real and of generated images (-L_C), the generator's is the adversarial one plus the
    cross-entropy of its images. The networks are the paper's for CIFAR-10, the recipe is its
    Adam(2e-4, beta_1=0.5) with batches of 100, without the noise between layers that was searched
    over. The logs `d_class_loss`, `g_class_loss` and `class_accuracy` (on real images) tell whether
    classes are learnt.

    Args:
        num_classes: int.
        image_shape: `(height, width, channels)`, see `keras_gan.DCGAN`. 32 px are the paper's
            networks; other sizes have as many doublings as they need.
        latent_dim: int, length of a latent vector (without the class).
        width: int, filters of the generator's finest map.
        discriminator_width: int, filters of the discriminator's first layer; each further one has
            twice as many, up to 32 times as many.
        class_loss_weight: float >= 0, of both cross-entropies.
        seed: int for the noise of training, or `None` for a fresh one.
        name: str.
        dtype: dtype policy or its name, for example `"mixed_bfloat16"`.

    Raises:
        ValueError: if `image_shape` cannot be built so, or a number is out of range.

    Example:
    ```python
    gan = keras_gan.ACGAN(num_classes=10, image_shape=(32, 32, 3))
    gan.compile()
    gan.fit(images, labels, batch_size=100, epochs=100)
    gan.generate(8, labels=3)
    ```

    Reference: Odena, Olah, Shlens (2016), Conditional Image Synthesis With Auxiliary Classifier
    GANs, arXiv:1610.09585.
    """

    context_class = _Context

    def __init__(
        self,
        num_classes,
        image_shape=(32, 32, 3),
        latent_dim=100,
        width=96,
        discriminator_width=16,
        class_loss_weight=1.0,
        seed=None,
        name=None,
        dtype=None,
    ):
        base, stages = base_and_stages(image_shape)
        check_integers(
            num_classes=num_classes,
            latent_dim=latent_dim,
            width=width,
            discriminator_width=discriminator_width,
        )
        check_filters(
            max(width * 2 ** (stages - 1), 32 * discriminator_width, num_classes + 1),
            width=width,
            discriminator_width=discriminator_width,
            num_classes=num_classes,
            image_shape=tuple(image_shape),
        )
        check_number("class_loss_weight", class_loss_weight)
        self._arguments = {
            "num_classes": num_classes,
            "image_shape": list(image_shape),
            "latent_dim": latent_dim,
            "width": width,
            "discriminator_width": discriminator_width,
            "class_loss_weight": class_loss_weight,
        }
        options = {"kernel_initializer": normal(0.0), "dtype": dtype}

        def generator():
            z, label = keras.Input((latent_dim,)), keras.Input((), dtype="int32")
            x = layers.Concatenate(dtype=dtype)([z, OneHot(num_classes, dtype=dtype)(label)])
            filters = width * 2 ** (stages - 1)
            x = layers.Dense(base[0] * base[1] * filters, activation="relu", **options)(x)
            x = layers.Reshape((*base, filters), dtype=dtype)(x)
            for _ in range(stages - 1):
                filters = filters // 2
                x = Conv2DTranspose(filters, 5, strides=2, padding="same", **options)(x)
                x = layers.ReLU(dtype=dtype)(BatchNormalization(dtype=dtype)(x))
            x = Conv2DTranspose(image_shape[-1], 5, strides=2, padding="same", **options)(x)
            x = layers.Activation("tanh", dtype="float32")(x)
            return keras.Model([z, label], x, name="generator")

        image = keras.Input(image_shape)
        x = image
        for number in range(2 * stages):
            filters = discriminator_width * 2 ** min(number, 5)
            x = Conv2D(filters, 3, strides=2 - number % 2, padding="same", **options)(x)
            if number:
                x = BatchNormalization(dtype=dtype)(x)
            x = LeakyReLU(0.2, dtype=dtype)(x)
            x = Dropout(0.5, random.derived(seed, number), dtype=dtype)(x)
        x = layers.Dense(1 + num_classes, **options)(layers.Flatten(dtype=dtype)(x))
        outputs = layers.Activation("linear", dtype="float32")(x)
        super().__init__(
            generator(),
            keras.Model(image, outputs, name="discriminator"),
            ema_generator=generator(),
            num_classes=num_classes,
            seed=seed,
            name=name,
            dtype=dtype,
        )
        self.class_loss_weight = float(class_loss_weight)

    def log_names(self):
        """Those of both losses, and the classifier's."""
        return [*super().log_names(), "d_class_loss", "g_class_loss", "class_accuracy"]

    def discriminate(self, x, batch, training=True, network=None):
        """The discriminator's logits, without those of the classes."""
        outputs = super().discriminate(x, batch, training, network)
        return outputs[:, :1] if network is None else outputs

    def auxiliary_loss(self, context):
        """The cross-entropy of the classes, of generated images and in D's updates of real ones."""
        loss = context.class_loss(context.fake_outputs)
        if context.player == "generator":
            return self.class_loss_weight * loss, {"g_class_loss": loss}
        loss = loss + context.class_loss(context.real_outputs)
        accuracy = context.class_accuracy(context.real_outputs)
        logs = {"d_class_loss": loss, "class_accuracy": accuracy}
        return self.class_loss_weight * loss, logs

    def get_config(self):
        """The constructor's arguments."""
        return {**self.base_config(), **self._arguments}
