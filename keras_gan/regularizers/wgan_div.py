"""WGAN-div: the Wasserstein divergence's penalty."""

import keras
from keras import ops

from keras_gan.checks import check_number
from keras_gan.regularizers.base import Regularizer
from keras_gan.regularizers.gradient_norms import squared_gradient_norms


@keras.saving.register_keras_serializable(package="keras_gan")
class WGANDiv(Regularizer):
    """Penalises a power of the gradient norm: `k / 2 * E [||grad D(x)||^p + ||grad D(G(z))||^p]`.

    With the Wasserstein loss it estimates a divergence and needs no Lipschitz constraint.

    Args:
        k: float >= 0 (2).
        p: float >= 2 (6), the power.
        interval: int >= 1, see `keras_gan.regularizers`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
    ```python
    gan.compile(loss="wasserstein", regularizers=[keras_gan.regularizers.WGANDiv(k=2.0, p=6.0)])
    ```

    Reference: Wu, Huang, Thoma, Acharya, Van Gool (2018), Wasserstein Divergence for GANs,
    arXiv:1712.01026.
    """

    name = "wgan_div"

    def __init__(self, k=2.0, p=6.0, interval=1):
        check_number("k", k)
        # Below 2 the power of a norm has no derivative at 0.
        check_number("p", p, minimum=2)
        super().__init__(k / 2, interval)
        self.p = float(p)

    def penalty(self, context):
        """Mean over pairs of the sum of both norms' powers."""
        powers = [
            ops.power(squared_gradient_norms(context.discriminate, images), self.p / 2)
            for images in (context.real, context.fake)
        ]
        return ops.mean(powers[0]) + ops.mean(powers[1])

    def get_config(self):
        """The constructor's arguments."""
        return {"k": self.weight * 2, "p": self.p, "interval": self.interval}
