"""Adversarial losses: what each player minimises, as a function of the discriminator's raw outputs.

All take logits (never probabilities) of any shape, average over every element, compute in float32
and stay finite at any logit. `real` and `fake` stand for `D(x)` and `D(G(z))`.
"""

import keras
from keras import ops

from keras_gan import schedules
from keras_gan.checks import check_number


class AdversarialLoss:
    """Base class: a pair of losses, one for each side of the game.

    A subclass implements `discriminator(real, fake)` and `generator(real, fake)`, both returning a
    scalar to be minimised; one whose generator loss reads `real` sets `generator_uses_real = True`
    (else `real` may be `None` there). One that needs more than logits overrides
    `discriminator_loss(context)` or `generator_loss(context)`, which the training step calls.
    """

    generator_uses_real = False

    def discriminator(self, real, fake):
        """The discriminator's loss, a float32 scalar."""
        raise NotImplementedError(f"{type(self).__name__} must implement `discriminator`.")

    def generator(self, real, fake):
        """The generator's loss, a float32 scalar."""
        raise NotImplementedError(f"{type(self).__name__} must implement `generator`.")

    def discriminator_loss(self, context):
        """The discriminator's loss in an update, of which the `keras_gan.Context` knows all."""
        return self.discriminator(context.real_logits, context.fake_logits)

    def generator_loss(self, context):
        """The generator's loss in an update."""
        fake = context.fake_logits
        return self.generator(context.real_logits if self.generator_uses_real else None, fake)

    def get_config(self):
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls(**config)


def _float32(logits):
    # Squares and differences of half-precision logits overflow.
    return ops.cast(logits, "float32")


def _mean(values):
    return ops.mean(_float32(values))


def _softplus(logits):
    return ops.softplus(_float32(logits))


# Losses of a logit that should be high.
_SHOULD_BE_HIGH = {
    "standard": lambda x: _softplus(-x),
    "least_squares": lambda x: ops.square(x - 1.0),
    "hinge": lambda x: ops.relu(1.0 - x),
}


def _check_smoothing(label_smoothing):
    if not 0 <= label_smoothing < 1:
        raise ValueError(
            "`label_smoothing` is how far the target of real images lies below 1 and must be in "
            f"[0, 1), for example 0.1. Received: {label_smoothing}"
        )
    return float(label_smoothing)


@keras.saving.register_keras_serializable(package="keras_gan")
class NonSaturating(AdversarialLoss):
    """The GAN loss in the form that is used: the generator maximises log D(G(z)).

    D minimises `mean softplus(-real) + mean softplus(fake)`, G minimises `mean softplus(-fake)`. At
    equilibrium the D loss is 2 log 2 = 1.386 and the G loss log 2.

    Args:
        label_smoothing: float in [0, 1). One-sided: the target of *real* images is
            `1 - label_smoothing`; the generator's loss does not change (Salimans et al. 2016).
        discriminator_scale: float > 0, a factor of D's loss. With 0.5 it is the mean of the two
            terms, as in much code.

    Example:
    ```python
    gan.compile(loss=keras_gan.losses.NonSaturating(label_smoothing=0.1))
    ```

    Reference: Goodfellow et al. (2014), Generative Adversarial Networks, arXiv:1406.2661.
    """

    def __init__(self, label_smoothing=0.0, discriminator_scale=1.0):
        self.label_smoothing = _check_smoothing(label_smoothing)
        if not discriminator_scale > 0:
            raise ValueError(
                f"`discriminator_scale` is a factor > 0. Received: {discriminator_scale}"
            )
        self.discriminator_scale = float(discriminator_scale)

    def discriminator(self, real, fake):
        """Binary cross-entropy of telling real from generated images."""
        loss_real = _softplus(-real)
        if self.label_smoothing:
            loss_real = (1 - self.label_smoothing) * loss_real
            loss_real = loss_real + self.label_smoothing * _softplus(real)
        return self.discriminator_scale * (_mean(loss_real) + _mean(_softplus(fake)))

    def generator(self, real, fake):
        """-log D(G(z))."""
        return _mean(_softplus(-fake))

    def get_config(self):
        """The constructor's arguments."""
        return {
            "label_smoothing": self.label_smoothing,
            "discriminator_scale": self.discriminator_scale,
        }


@keras.saving.register_keras_serializable(package="keras_gan")
class Minimax(NonSaturating):
    """The original zero-sum game: the generator minimises log(1 - D(G(z))).

    Its gradient vanishes where the discriminator is sure (-0.01 against -0.99 of `NonSaturating` at
    D(G(z)) = 0.01); it is here to be studied rather than used.

    Args:
        label_smoothing: float in [0, 1), see `keras_gan.losses.NonSaturating`.
        discriminator_scale: float > 0, see there.

    Example:
    ```python
    gan.compile(loss=keras_gan.losses.Minimax())
    ```

    Reference: Goodfellow et al. (2014), Generative Adversarial Networks, arXiv:1406.2661.
    """

    def generator(self, real, fake):
        """log(1 - D(G(z)))."""
        return -_mean(_softplus(fake))


@keras.saving.register_keras_serializable(package="keras_gan")
class Wasserstein(AdversarialLoss):
    """The critic estimates the Wasserstein-1 distance: `mean fake - mean real`.

    Minus the critic's loss is the distance up to the critic's Lipschitz constant, which something
    else must bound (`keras_gan.regularizers.GradientPenalty`).

    Example:
    ```python
    gan.compile(
        loss="wasserstein", regularizers=[keras_gan.regularizers.GradientPenalty(10.0)]
    )
    ```

    Reference: Arjovsky, Chintala, Bottou (2017), Wasserstein GAN, arXiv:1701.07875.
    """

    def discriminator(self, real, fake):
        """Mean fake - mean real."""
        return _mean(fake) - _mean(real)

    def generator(self, real, fake):
        """-mean fake."""
        return -_mean(fake)


@keras.saving.register_keras_serializable(package="keras_gan")
class Hinge(AdversarialLoss):
    """D minimises `mean relu(1 - real) + mean relu(1 + fake)`, G minimises `-mean fake`.

    Example:
    ```python
    gan.compile(loss="hinge")
    ```

    References: Lim, Ye (2017), Geometric GAN, arXiv:1705.02894; Miyato et al. (2018), Spectral
    Normalization for GANs, arXiv:1802.05957.
    """

    def discriminator(self, real, fake):
        """Mean relu(1 - real) + mean relu(1 + fake)."""
        return _mean(ops.relu(1.0 - _float32(real))) + _mean(ops.relu(1.0 + _float32(fake)))

    def generator(self, real, fake):
        """-mean fake."""
        return -_mean(fake)


@keras.saving.register_keras_serializable(package="keras_gan")
class LeastSquares(AdversarialLoss):
    """Least-squares targets for the logits, with the paper's factors 1/2.

    Args:
        fake_label: float, D's target for generated images (the paper's a).
        real_label: float, D's target for real images (b).
        generator_label: float, the value that G wants D to give (c). `(0, 1, 1)` is the usual
            choice; `(-1, 1, 0)` minimises Pearson's chi-square divergence.

    Example:
    ```python
    gan.compile(loss=keras_gan.losses.LeastSquares(-1, 1, 0))
    ```

    Reference: Mao et al. (2016), Least Squares GAN, arXiv:1611.04076.
    """

    def __init__(self, fake_label=0.0, real_label=1.0, generator_label=1.0):
        self.fake_label = float(fake_label)
        self.real_label = float(real_label)
        self.generator_label = float(generator_label)

    def discriminator(self, real, fake):
        """1/2 mean (real - b)^2 + 1/2 mean (fake - a)^2."""
        loss = _mean(ops.square(_float32(real) - self.real_label))
        return 0.5 * (loss + _mean(ops.square(_float32(fake) - self.fake_label)))

    def generator(self, real, fake):
        """1/2 mean (fake - c)^2."""
        return 0.5 * _mean(ops.square(_float32(fake) - self.generator_label))

    def get_config(self):
        """The constructor's arguments."""
        return {
            "fake_label": self.fake_label,
            "real_label": self.real_label,
            "generator_label": self.generator_label,
        }


@keras.saving.register_keras_serializable(package="keras_gan")
class Relativistic(AdversarialLoss):
    """Pairs real with generated images: D minimises `mean softplus(fake - real)`, G the opposite.

    Example:
    ```python
    gan.compile(loss="relativistic")
    ```

    Reference: Jolicoeur-Martineau (2018), The relativistic discriminator, arXiv:1807.00734.
    """

    generator_uses_real = True

    def discriminator(self, real, fake):
        """Mean softplus(fake - real)."""
        return _mean(_softplus(_float32(fake) - _float32(real)))

    def generator(self, real, fake):
        """Mean softplus(real - fake)."""
        return _mean(_softplus(_float32(real) - _float32(fake)))


@keras.saving.register_keras_serializable(package="keras_gan")
class RelativisticAverage(AdversarialLoss):
    """Judges each image against the mean logit of the other kind; gradients flow through the means.

    D minimises 1/2 [mean t(real - mean fake) + mean t(mean real - fake)], G the same with real and
    fake exchanged, where t is the loss of a logit that should be high.

    Args:
        kind: str, the t above: `"standard"` softplus(-x) (RaSGAN), `"least_squares"` (x - 1)^2
            (RaLSGAN), `"hinge"` relu(1 - x) (RaHingeGAN).

    Example:
    ```python
    gan.compile(loss=keras_gan.losses.RelativisticAverage("hinge"))
    ```

    Reference: Jolicoeur-Martineau (2018), The relativistic discriminator, arXiv:1807.00734.
    """

    generator_uses_real = True

    def __init__(self, kind="standard"):
        if kind not in _SHOULD_BE_HIGH:
            raise ValueError(f"`kind` must be one of {list(_SHOULD_BE_HIGH)}. Received: {kind!r}")
        self.kind = kind

    def discriminator(self, real, fake):
        """Real images should score above the mean generated one, and generated ones below."""
        should_be_high = _SHOULD_BE_HIGH[self.kind]
        real, fake = _float32(real), _float32(fake)
        above = _mean(should_be_high(real - ops.mean(fake)))
        return 0.5 * (above + _mean(should_be_high(ops.mean(real) - fake)))

    def generator(self, real, fake):
        """The discriminator's loss with the roles exchanged."""
        return self.discriminator(fake, real)

    def get_config(self):
        """The constructor's arguments."""
        return {"kind": self.kind}


@keras.saving.register_keras_serializable(package="keras_gan")
class ZeroSum(AdversarialLoss):
    """The generator maximises all that the discriminator minimises, its part on real images too.

    That part has no gradient for the generator while the discriminator stands still, so that
    `ZeroSum("non_saturating")` trains as `Minimax` does; where the discriminator is unrolled
    (`keras_gan.UnrolledGAN`) it has one.

    Args:
        loss: `AdversarialLoss` or its name, whose discriminator's loss is the game's.

    Example:
    ```python
    gan.compile(loss=keras_gan.losses.ZeroSum("non_saturating"))
    ```

    Reference: Metz et al. (2016), Unrolled Generative Adversarial Networks, arXiv:1611.02163.
    """

    generator_uses_real = True

    def __init__(self, loss):
        self.loss = get(loss)

    def discriminator(self, real, fake):
        """The loss of the given object."""
        return self.loss.discriminator(real, fake)

    def generator(self, real, fake):
        """Minus the discriminator's loss."""
        return -self.loss.discriminator(real, fake)

    def get_config(self):
        """The constructor's arguments."""
        return {"loss": keras.saving.serialize_keras_object(self.loss)}


_BY_NAME = {
    "non_saturating": NonSaturating,
    "minimax": Minimax,
    "wasserstein": Wasserstein,
    "hinge": Hinge,
    "least_squares": LeastSquares,
    "relativistic": Relativistic,
    "relativistic_average": RelativisticAverage,
}


def get(identifier):
    """The adversarial loss that `identifier` stands for.

    Args:
        identifier: an `AdversarialLoss`, one of the names `"non_saturating"`, `"minimax"`,
            `"wasserstein"`, `"hinge"`, `"least_squares"`, `"relativistic"`,
            `"relativistic_average"`, or the dict that `keras.saving.serialize_keras_object` made.

    Returns:
        An `AdversarialLoss`.

    Raises:
        ValueError: if it is none of these.

    Example:
    ```python
    loss = keras_gan.losses.get("hinge")
    ```
    """
    if isinstance(identifier, str) and identifier in _BY_NAME:
        return _BY_NAME[identifier]()
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, AdversarialLoss):
        return identifier
    raise ValueError(
        f"An adversarial loss is one of the names {list(_BY_NAME)} or an object with the methods "
        f"of `keras_gan.losses.AdversarialLoss`. Received: {identifier!r}"
    )


@keras.saving.register_keras_serializable(package="keras_gan")
class TopK(AdversarialLoss):
    """Trains the generator on the share of its images that the discriminator likes best.

    The gradients of the worst images point away from the data as often as not. The paper begins
    with all of a batch and takes 0.99 of the share in each epoch, down to a half:
    `ExponentialDecay(1.0, steps_per_epoch, 0.99, staircase=True)`.

    Args:
        loss: `AdversarialLoss` or its name, whose generator's loss is a mean over generated images
            (not a relativistic one).
        share: float in [0, 1], or a `keras.optimizers.schedules.LearningRateSchedule` that gives it
            for the model's training step. Of N images, `floor(share * N)` are taken, at least one.
        minimum: float in [0, 1], below which the share does not fall.

    Raises:
        ValueError: if an argument is out of range, or `loss` compares with real images.

    Example:
    ```python
    share = keras.optimizers.schedules.ExponentialDecay(1.0, steps_per_epoch, 0.99, staircase=True)
    gan.compile(loss=keras_gan.losses.TopK("hinge", share))
    ```

    Reference: Sinha, Zhao, Goyal, Raffel, Odena (2020), Top-k Training of GANs, arXiv:2002.06224.
    """

    def __init__(self, loss="non_saturating", share=1.0, minimum=0.5):
        self.loss = get(loss)
        if self.loss.generator_uses_real:
            raise ValueError(
                "The generator's loss must be a mean over generated images. Received: "
                f"{type(self.loss).__name__}, which compares them with real ones."
            )
        schedules.check("share", share, maximum=1)
        check_number("minimum", minimum, maximum=1)
        self.share = share
        self.minimum = float(minimum)

    def discriminator(self, real, fake):
        """The loss of the given object, on all images."""
        return self.loss.discriminator(real, fake)

    def generator_loss(self, context):
        """The mean over the images that are taken in this step."""
        share = ops.maximum(schedules.value(self.share, context.step), self.minimum)
        return self.best(context.fake_logits, share)

    def best(self, fake, share):
        """The generator's loss on the given share of the images, those with the highest logits."""
        fake = _float32(fake)
        scores = ops.mean(ops.reshape(fake, (ops.shape(fake)[0], -1)), axis=1)
        total = ops.cast(ops.shape(fake)[0], "float32")
        # A third of three images is one, whatever the rounding.
        count = ops.maximum(ops.floor(share * total + 1e-3), 1.0)
        rank = ops.argsort(ops.argsort(-ops.stop_gradient(scores)))
        taken = ops.reshape(ops.cast(rank, "float32") < count, (-1,) + (1,) * (len(fake.shape) - 1))
        # The number of images that are taken is no shape that a compiled step could have: the
        # others are made constants, and what they add to the mean is taken out of it.
        nothing = ops.zeros_like(fake)
        all_losses = self.loss.generator(None, ops.where(taken, fake, nothing))
        constant = self.loss.generator(None, nothing)
        return constant + (all_losses - constant) * (total / count)

    def get_config(self):
        """The constructor's arguments."""
        return {
            "loss": keras.saving.serialize_keras_object(self.loss),
            "share": schedules.serialize(self.share),
            "minimum": self.minimum,
        }

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        return cls(**{**config, "share": schedules.deserialize(config["share"])})


@keras.saving.register_keras_serializable(package="keras_gan")
class FeatureMatching(AdversarialLoss):
    """The generator matches the mean of an inner layer's features instead of fooling the logits.

    Gradients flow through the generated images' features only.

    Args:
        layer: str or int, the name or index of the discriminator's layer whose outputs are the
            features; `None` for what enters its last layer with a kernel.
        loss: `AdversarialLoss` or its name, the discriminator's.
        distance: `"squared"`: the squared L2 distance of the means (the paper); `"absolute"`: the
            mean over features of the absolute difference (the authors' code).

    Raises:
        ValueError: if `distance` is another; in training, if there is no such layer.

    Example:
    ```python
    gan.compile(loss=keras_gan.losses.FeatureMatching())
    ```

    Reference: Salimans et al. (2016), Improved Techniques for Training GANs, arXiv:1606.03498.
    """

    def __init__(self, layer=None, loss="non_saturating", distance="squared"):
        if distance not in _DISTANCES:
            raise ValueError(
                f"`distance` must be one of {list(_DISTANCES)}. Received: {distance!r}"
            )
        self.layer = layer
        self.loss = get(loss)
        self.distance = distance

    def discriminator(self, real, fake):
        """The loss of the given object."""
        return self.loss.discriminator(real, fake)

    def generator(self, real, fake):
        """The distance of the mean features `real` and `fake`, tensors `(N, ...)`."""
        difference = ops.mean(_float32(real), axis=0) - ops.mean(_float32(fake), axis=0)
        return _DISTANCES[self.distance](difference)

    def generator_loss(self, context):
        """The distance of the mean features."""
        return self.generator(*context.features(self.layer))

    def get_config(self):
        """The constructor's arguments."""
        return {
            "layer": self.layer,
            "loss": keras.saving.serialize_keras_object(self.loss),
            "distance": self.distance,
        }


_DISTANCES = {
    "squared": lambda difference: ops.sum(ops.square(difference)),
    "absolute": lambda difference: ops.mean(ops.abs(difference)),
}
