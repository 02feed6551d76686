"""Closed forms: the game's value and divergences, and the paths of the Dirac-GAN."""

import keras
import numpy as np

import keras_gan
from keras_gan import backend, losses, regularizers, theory
from keras_gan.theory import dirac_gan
from parity import training
from parity.case import Unsupported


def facts(case):
    """The outputs of a case on theory as this library computes them."""
    inputs = case.inputs
    p, q = (inputs[name].astype("float64") for name in ("p", "q"))
    p, q = p / p.sum(), q / q.sum()
    support = inputs["support"]
    return {
        "d_star": theory.optimal_discriminator(p, q),
        "value": theory.value(p, q),
        "jsd": theory.js_divergence(p, q),
        "kl_pq": theory.kl_divergence(p, q),
        "kl_qp": theory.kl_divergence(q, p),
        "w1": theory.wasserstein_1(support, support, p, q),
        **_shifts(case.outputs["shift/theta"]),
        **_saturation(case.outputs["sat/logit"]),
        **_lecture(),
    }


def _shifts(thetas):
    """Two copies of a distribution, one of them moved."""
    rows = {"theta": thetas}
    for theta in map(float, thetas):
        atoms = np.array([0.0, theta])
        same = theta == 0
        row = {
            "point_jsd": theory.js_divergence([1, 0], [1, 0] if same else [0, 1]),
            "point_w1": theory.wasserstein_1(atoms[:1], atoms[1:]),
        }
        for name, density, bounds in (
            ("uniform", _box, sorted({0.0, theta, 1.0, 1.0 + theta})),
            ("gauss", _bell, (-10.0, 10.0 + theta)),
        ):
            pair = density(0.0), density(theta)
            row[f"{name}_jsd"] = theory.js_divergence(*pair, bounds=bounds)
            row[f"{name}_w1"] = theory.wasserstein_1_of_densities(*pair, bounds=bounds)
        for name, number in row.items():
            rows.setdefault(name, []).append(number)
    return {f"shift/{name}": np.array(numbers) for name, numbers in rows.items()}


def _box(start):
    return lambda x: ((x >= start) & (x < start + 1)).astype("float64")


def _bell(mean):
    return lambda x: np.exp(-np.square(x - mean) / 2) / np.sqrt(2 * np.pi)


def _saturation(logits):
    def slope(loss):
        x = keras.ops.convert_to_tensor(logits.astype("float32"))
        # Losses are means over the batch.
        return backend.detached(
            lambda: backend.grads(lambda x: loss.generator(None, x) * len(logits), [x])[1][0]
        )

    return {
        "sat/logit": logits,
        "sat/minimax_grad": training.to_numpy(slope(losses.Minimax())),
        "sat/non_saturating_grad": training.to_numpy(slope(losses.NonSaturating())),
    }


def _lecture():
    def logit(probability):
        return keras.ops.convert_to_tensor(
            np.float32([np.log(probability) - np.log1p(-probability)])
        )

    real, fake = logit(0.7), logit(0.2)
    return {
        "lecture/d_value": -training.to_numpy(losses.Minimax().discriminator(real, fake)),
        "lecture/g_value": training.to_numpy(losses.Minimax().generator(None, fake)),
        "lecture/gp": np.array([_slope_penalty(slope) for slope in (1.0, 1.5, 0.2)]),
        "lecture/d_star": theory.optimal_discriminator([0.9, 0.05, 0.4], [0.1, 0.95, 0.4]),
    }


def _slope_penalty(slope):
    """The gradient penalty of a critic that is a line."""
    points = keras.ops.ones((2, 1))
    line = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=keras.initializers.Constant(slope)
    )
    networks = [keras.Sequential([keras.Input((1,)), x]) for x in (keras.layers.Dense(1), line)]
    gan = keras_gan.GAN(*networks, seed=0)
    gan.compile()
    context = keras_gan.Context(gan, "discriminator", keras_gan.Batch(points, fakes=points))
    return training.to_numpy(
        backend.detached(lambda: regularizers.GradientPenalty().penalty(context))
    )


def dirac(case):
    """The outputs of a Dirac-GAN case as this library computes them."""
    config = case.config
    start = (config["theta0"], config["psi0"])
    computed = {}
    for name, stored in case.outputs.items():
        method, schedule = name.split("/")
        if schedule != "sim" and not schedule.startswith("alt"):
            raise Unsupported(f"schedule '{schedule}'")
        path = dirac_gan.simulate(
            _method(method, config),
            config["steps"],
            config["learning_rate"],
            start,
            None if schedule == "sim" else int(schedule.removeprefix("alt")),
        )
        computed[name] = path[:: config["steps"] // (len(stored) - 1)]
    return computed


def _method(name, config):
    if name.startswith("wgan_clip"):
        return dirac_gan.wgan(config["wgan_clip"])
    if name == "wgan_gp":
        return dirac_gan.wgan_gp(config["wgan_gp"]["reg"], config["wgan_gp"]["target"])
    if name == "gan_consensus":
        return dirac_gan.consensus(config["consensus"])
    kind, _, gamma = name.partition("_r1_")
    kinds = {"gan": dirac_gan.gan, "nsgan": dirac_gan.non_saturating}
    if kind not in kinds:
        raise Unsupported(f"method '{name}'")
    return kinds[kind](float(gamma or 0.0))
