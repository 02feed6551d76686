"""Terms added to a player's loss.

Each has a `player`, a weight, a `name` under which its unweighted value is logged, and an
`interval`: 1 adds it to the player's loss in every update; k > 1 makes it an update of its own in
every k-th step with k times the weight ("lazy regularisation", Karras et al. 2020,
arXiv:1912.04958).

They are computed in float32. A gradient's norm is taken over all axes but the first: the
discriminator must not mix samples (no batch normalisation), or "the gradient at one sample" has no
meaning.
"""

from keras_gan.regularizers.base import Regularizer, get
from keras_gan.regularizers.consistency import (
    BalancedConsistencyRegularization,
    ConsistencyRegularization,
    LatentConsistency,
    LatentDiversity,
)
from keras_gan.regularizers.dragan import DRAGAN
from keras_gan.regularizers.gradient_penalty import GradientPenalty, LipschitzPenalty
from keras_gan.regularizers.historical_averaging import HistoricalAveraging
from keras_gan.regularizers.lecam import LeCam
from keras_gan.regularizers.orthogonal import Orthogonal
from keras_gan.regularizers.path_length import PathLength
from keras_gan.regularizers.r1 import R1, R2
from keras_gan.regularizers.wgan_div import WGANDiv

__all__ = [
    "DRAGAN",
    "R1",
    "R2",
    "BalancedConsistencyRegularization",
    "ConsistencyRegularization",
    "GradientPenalty",
    "HistoricalAveraging",
    "LatentConsistency",
    "LatentDiversity",
    "LeCam",
    "LipschitzPenalty",
    "Orthogonal",
    "PathLength",
    "Regularizer",
    "WGANDiv",
    "get",
]
