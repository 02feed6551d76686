"""The adversarial losses: values and gradients with respect to both players' logits."""

import keras

from keras_gan import backend, losses
from parity import training
from parity.case import Unsupported

_LOSSES = {
    "non_saturating": losses.NonSaturating(),
    "minimax": losses.Minimax(),
    "non_saturating_smooth09": losses.NonSaturating(label_smoothing=0.1),
    "lsgan_01": losses.LeastSquares(0, 1, 1),
    "lsgan_m110": losses.LeastSquares(-1, 1, 0),
    "hinge": losses.Hinge(),
    "wasserstein": losses.Wasserstein(),
    "relativistic": losses.Relativistic(),
    "relativistic_average": losses.RelativisticAverage(),
    "relativistic_average_lsgan": losses.RelativisticAverage("least_squares"),
    "relativistic_average_hinge": losses.RelativisticAverage("hinge"),
}


def run(case):
    """The case's outputs as this library computes them."""
    if case.params or set(case.inputs) != {"real_logits", "fake_logits"}:
        raise Unsupported("only the losses of this family")
    logits = [
        keras.ops.convert_to_tensor(case.inputs[name]) for name in ("real_logits", "fake_logits")
    ]
    computed = {}
    for name, loss in _LOSSES.items():
        for player, function in (("d", loss.discriminator), ("g", loss.generator)):
            value, gradients = backend.grads(function, logits)
            value, *gradients = (
                training.to_numpy(x) for x in backend.detached(lambda v=value, g=gradients: (v, *g))
            )
            computed[f"{name}/{player}_loss"] = value
            computed[f"{name}/{player}_grad_real"] = gradients[0]
            computed[f"{name}/{player}_grad_fake"] = gradients[1]
    return computed
