"""R1 and R2: zero-centred gradient penalties at real and at generated images."""

import keras

from keras_gan.checks import check_number
from keras_gan.regularizers.base import Regularizer
from keras_gan.regularizers.gradient_norms import mean_squared_gradient_norm


@keras.saving.register_keras_serializable(package="keras_gan")
class R1(Regularizer):
    """Penalises the squared gradient norm at real images: `gamma / 2 * E ||grad D(x)||^2`.

    The gradient is that of the images before they are augmented, by draws of its own.

    Args:
        gamma: float >= 0 (10 in the paper; choose by resolution for StyleGAN2). The `reg_param: 10`
            of the authors' code has no 1/2 and is gamma = 20.
        interval: int >= 1, see `keras_gan.regularizers`; 16 in StyleGAN2.

    Example:
    ```python
    gan.compile(regularizers=[keras_gan.regularizers.R1(gamma=10.0, interval=16)])
    ```

    Reference: Mescheder, Geiger, Nowozin (2018), Which Training Methods for GANs do actually
    Converge?, arXiv:1801.04406.
    """

    name = "r1"

    def __init__(self, gamma=10.0, interval=1):
        check_number("gamma", gamma)
        super().__init__(gamma / 2, interval)

    def penalty(self, context):
        """Mean over real images (or packs of them) of the squared gradient norm."""

        def judge(images):
            logits = context.discriminate(context.show(images))
            context.observe(logits)
            return logits

        return mean_squared_gradient_norm(judge, context.real_images, context.packing)

    def get_config(self):
        """The constructor's arguments."""
        return {"gamma": self.weight * 2, "interval": self.interval}


@keras.saving.register_keras_serializable(package="keras_gan")
class R2(R1):
    """Penalises the squared gradient norm at generated images: `gamma / 2 * E ||grad D(G(z))||^2`.

    Args:
        gamma: float >= 0.
        interval: int >= 1, see `keras_gan.regularizers`.

    Example:
    ```python
    gan.compile(regularizers=[keras_gan.regularizers.R1(5.0), keras_gan.regularizers.R2(5.0)])
    ```

    Reference: Mescheder, Geiger, Nowozin (2018), Which Training Methods for GANs do actually
    Converge?, arXiv:1801.04406.
    """

    name = "r2"

    def penalty(self, context):
        """Mean over generated images (or packs of them) of the squared gradient norm."""

        def judge(images):
            return context.discriminate(context.show(images))

        return mean_squared_gradient_norm(judge, context.fake_images, context.packing)
