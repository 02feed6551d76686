"""StyleGAN2: the losses of its four phases, and training iterations."""

from unittest import mock

import numpy as np

import keras_gan
from keras_gan import backend
from keras_gan.models.stylegan2 import lazy_adam
from keras_gan.regularizers import R1, PathLength
from keras_gan.schedules import HalfLife
from parity import training
from parity.stylegan2_model import images, load, tensor
from parity.training import channels_first, channels_last, to_numpy


def _regularizers(config, intervals=(2, 2)):
    """Path length and R1 of a case; an interval of 1 would make them part of the main phases."""
    loss = config["loss"]
    share = 1 / loss["pl_batch_shrink"]
    found = []
    # Without weight, there is no update.
    if loss["r1_gamma"]:
        found.append(R1(loss["r1_gamma"], intervals[1]))
    if loss["pl_weight"]:
        found.append(PathLength(loss["pl_weight"], intervals[0], loss["pl_decay"], share))
    return found


def _load(case, params):
    """The model of both networks, which mixes styles as the case does."""
    gan = load(case, case.config["G"], case.config["D"], params)
    gan.style_mixing = case.config["loss"].get("style_mixing_prob", 0.9)
    return gan


def _draws(gan, inputs, phase, cutoff, count):
    """What a phase draws: arrays for `normal` and for `uniform`, in order."""
    styles = gan.num_styles
    normal = [inputs[f"{phase}/z"][:count]]
    if gan.style_mixing:
        normal.append(inputs[f"{phase}/mix_z"][:count])
    for block in gan.generator.synthesis.blocks:
        for layer in block.convolutions:
            if layer.use_noise:
                noise = inputs[f"{phase}/noise/b{block.resolution}.{layer.name}"]
                normal.append(channels_last(noise))
    if f"{phase}/pl_noise" in inputs:
        normal.append(channels_last(inputs[f"{phase}/pl_noise"]))
    # Whether styles are mixed, and from which layer on.
    position = 0.5 if cutoff is None else (cutoff - 0.5) / (styles - 1)
    uniform = [np.float32(cutoff is None), np.float32(position)]
    return normal, uniform if gan.style_mixing else []


def _losses(case):
    config, inputs, params = case.config, case.inputs, case.params
    gan = _load(case, params)
    gan.compile(regularizers=_regularizers(config), **training.frozen())
    names = training.Names(gan, params)
    real = images(inputs["real"])
    gen_labels, real_labels = (
        None if config.get(key) is None else tensor(np.asarray(config[key], "int32"))
        for key in ("gen_labels", "real_labels")
    )
    shrink = config["loss"]["pl_batch_shrink"]
    penalties, paths = (
        [r for r in gan.regularizers if r.name == name] for name in ("r1", "path_length")
    )
    # What the phases write.
    states = [gan.generator.mapping.average]
    states += [gan.regularizer_state(path)["mean"] for path in paths]
    computed = {}

    def run(phase, player, batch, loss, count):
        """The loss and the gradients of a phase on the case's draws; `noted` things are kept."""
        drawn = player == "generator" or phase == "Dmain"
        normal, uniform = [], []
        if drawn:
            normal, uniform = _draws(
                gan, inputs, phase, config.get("mixing_cutoff", {}).get(phase), count
            )
        variables = gan.player_variables(player)

        def update():
            (_, details), gradients = backend.value_and_grad(lambda: loss(batch), variables)
            return details, gradients, [v.value for v in states]

        with training.fed("normal", normal), training.fed("uniform", uniform):
            details, gradients, written = training.compiled(gan, update)
        for state, value in zip(states, written, strict=True):
            state.assign(value)
        gradients = dict(zip(map(id, variables), gradients, strict=True))
        update = training.Update(gradients, {}, [], [], [])
        prefix = f"{player[0].upper()}."
        found = names.gradients(update)
        for name, gradient in found.items():
            computed[f"{phase}/grad/{name.removeprefix(prefix)}"] = gradient
        listed = (
            config["grad_params"][prefix[0]]
            if "grad_params" in config
            else [name.removeprefix(prefix) for name in found]
        )
        computed[f"{phase}/grad_norm"] = [
            np.linalg.norm(np.asarray(found[prefix + name], "float64").ravel()) for name in listed
        ]
        return details

    def generator(batch):
        context = gan.context_class(gan, "generator", batch)
        loss = gan.adversarial_loss.generator_loss(context)
        return loss, {"fake_logits": context.fake_logits}

    details = run("Gmain", "generator", _batch(real, gen_labels), generator, len(real))
    computed["Gmain/fake_logits"] = details["fake_logits"]
    computed["Gmain/loss"] = np.logaddexp(0, -details["fake_logits"].astype("float64"))
    computed["w_avg_after_Gmain"] = to_numpy(gan.generator.mapping.average)

    for path in paths:
        mean = gan.regularizer_state(path)["mean"]
        mean.assign(config["pl_mean"])

        def length(batch, path=path):
            found = []
            with training.noted(backend, "grads", lambda y, *_: found.append(y[1][0])):
                penalty = path.penalty(gan.context_class(gan, "generator", batch))
            return path.weight * penalty, {"gradient": found[0]}

        count = len(real) // shrink
        batch = _batch(real[:count], None if gen_labels is None else gen_labels[:count])
        gradient = run("Greg", "generator", batch, length, count)["gradient"].astype("float64")
        computed["Greg/pl_mean"] = to_numpy(mean)
        lengths = np.sqrt(np.mean(np.sum(gradient**2, axis=2), axis=1))
        computed["Greg/pl_penalty"] = (lengths - computed["Greg/pl_mean"]) ** 2
        computed["Greg/loss"] = path.weight * computed["Greg/pl_penalty"]

    def discriminator(batch):
        context = gan.context_class(gan, "discriminator", batch)
        loss = gan.adversarial_loss.discriminator_loss(context)
        return loss, {"real_logits": context.real_logits, "fake_logits": context.fake_logits}

    with _real_labels(gan, real_labels):
        details = run("Dmain", "discriminator", _batch(real, gen_labels), discriminator, len(real))
    computed.update({f"Dmain/{name}": value for name, value in details.items()})
    computed["Dmain/loss"] = sum(
        np.logaddexp(0, sign * details[name].astype("float64"))
        for sign, name in ((1, "fake_logits"), (-1, "real_logits"))
    )

    for r1 in penalties:

        def gradient_penalty(batch, r1=r1):
            found = []
            with training.noted(backend, "grads", lambda y, *_: found.append(y[1][0])):
                penalty = r1.penalty(gan.context_class(gan, "discriminator", batch))
            return r1.weight * penalty, {"gradient": found[0]}

        batch = _batch(real, real_labels)
        gradient = run("Dreg", "discriminator", batch, gradient_penalty, len(real))["gradient"]
        squares = np.sum(gradient.astype("float64") ** 2, axis=(1, 2, 3))
        computed["Dreg/r1_penalty"] = squares
        computed["Dreg/loss"] = r1.weight * squares
    return computed


def _batch(real, labels):
    return keras_gan.Batch(real, labels)


def _real_labels(gan, labels):
    """Real images are of `labels`: those of a case and its generated ones are of other classes."""
    plain = gan.discriminate

    def discriminate(x, batch, *args):
        return plain(x, batch._replace(labels=labels) if x is batch.images else batch, *args)

    return mock.patch.object(gan, "discriminate", discriminate)


def _training(case):
    config, inputs, params = case.config, case.inputs, case.params
    gan = _load(case, params)
    intervals = config["G_reg_interval"], config["D_reg_interval"]
    moments = *config["betas"], config["eps"]
    step = training.Steps(
        gan,
        generator_optimizer=lazy_adam(config["lr"], intervals[0], *moments),
        discriminator_optimizer=lazy_adam(config["lr"], intervals[1], *moments),
        regularizers=_regularizers(config, intervals),
        ema_decay=HalfLife(config["ema_kimg"] * 1000, config["batch"], config["ema_rampup"]),
    )
    # Images of a case are drawn from a normal distribution.
    gan.check_batch = lambda batch: None
    names = training.Names(gan, params)
    averaged = training.Names(gan, params, {"generator": gan.ema_generator})
    before = names.values()
    weights = {r.name: r.weight for r in gan.regularizers}
    computed = {}
    for i in range(config["iterations"]):
        due = [f"it{i}/Gmain", f"it{i}/Greg", f"it{i}/Dmain"]
        if i % intervals[0] or not config["loss"]["pl_weight"]:
            due.remove(f"it{i}/Greg")
        normal, uniform = [], []
        for phase in due:
            count = config["batch"] // (config["loss"]["pl_batch_shrink"] if "reg" in phase else 1)
            draws = _draws(gan, inputs, phase, config.get("mixing_cutoff", {}).get(phase), count)
            normal, uniform = normal + draws[0], uniform + draws[1]
        labels = {
            phase: found
            for phase in _PHASES
            if (found := _labels(config, f"it{i}/{phase}")) is not None
        }
        # Which phases are due is known here, and the others draw nothing.
        with mock.patch.object(gan, "_run_phase", _phases_of(gan, i, step)):
            updates = step(channels_last(inputs[f"it{i}/real"]), normal, uniform, labels)
        for update in updates:
            logs = update.logs
            if "g_loss" in logs:
                computed[f"it{i}/Gmain/loss"] = logs["g_loss"]
            elif "d_loss" in logs:
                computed[f"it{i}/Dmain/loss"] = logs["d_loss"]
            elif "path_length" in logs:
                computed[f"it{i}/Greg/loss"] = weights["path_length"] * logs["path_length"]
            else:
                computed[f"it{i}/Dreg/loss"] = weights["r1"] * logs["r1"]
    computed["w_avg"] = to_numpy(gan.generator.mapping.average)
    for regularizer in gan.regularizers:
        if regularizer.name == "path_length":
            computed["pl_mean"] = to_numpy(gan.regularizer_state(regularizer)["mean"])
    for prefix, after in (("G", names), ("D", names), ("G_ema", averaged)):
        role = prefix[0]
        values = after.values()
        deltas = [
            np.asarray(values[f"{role}.{name}"], "float64") - before[f"{role}.{name}"]
            for name in config["grad_params"][role]
        ]
        computed[f"{prefix}/delta_norm"] = [np.linalg.norm(delta.ravel()) for delta in deltas]
        computed[f"{prefix}/delta_sum"] = [np.sum(delta) for delta in deltas]
        for name, value in values.items():
            if name.startswith(f"{role}."):
                computed[f"{prefix}/final/{name[2:]}"] = value
    z, labels = tensor(inputs["eval_z"]), _labels(config, "eval")
    shown = z if labels is None else [z, tensor(labels[: len(z)])]
    computed["G_ema/image"] = channels_first(gan.ema_generator(shown, training=False))
    return computed


def _labels(config, phase):
    """Class ids of what a phase generates, or of real images in Dreg; `None` without classes.

    A case states them once for all phases, or by phase, or by iteration.
    """
    if not config["G"]["c_dim"]:
        return None
    labels = config["real_labels" if phase.endswith("Dreg") else "gen_labels"]
    if phase == "eval":
        labels = config.get("eval_labels", labels)
    if isinstance(labels, dict):
        labels = next(labels[key] for key in (phase, phase.split("/")[0]) if key in labels)
    return np.asarray(labels, "int32")


def _phases_of(gan, iteration, step):
    def run(phase, microbatches):
        if iteration % phase.interval:
            return
        name = f"{phase.player[0].upper()}{'reg' if phase.interval > 1 else 'main'}"
        if name in step.labels:
            microbatches = [b._replace(labels=step.labels[name]) for b in microbatches]
        with _real_labels(gan, step.labels.get("Dreg")):
            gan._update_player(phase, microbatches)

    return run


_PHASES = ("Gmain", "Greg", "Dmain", "Dreg")


KINDS = {"losses": _losses, "training": _training}
