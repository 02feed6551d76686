"""The GAN zoo for Keras 3: the original papers' numbers on TensorFlow, PyTorch and JAX."""

from keras_gan import default_backend

default_backend.choose()

from keras_gan import (  # noqa: E402
    augmentation,
    callbacks,
    checkpoints,
    constraints,
    data,
    images,
    latents,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    presets,
    random,
    regularizers,
    schedules,
    theory,
    videos,
)
from keras_gan.context import Context  # noqa: E402
from keras_gan.gan import GAN, Batch, Phase  # noqa: E402
from keras_gan.models import (  # noqa: E402
    ACGAN,
    DCGAN,
    LSGAN,
    MLPGAN,
    WGAN,
    WGANGP,
    ConditionalDCGAN,
    ConditionalGAN,
    MaxoutGAN,
    StyleGAN2,
    UnrolledGAN,
)
from keras_gan.presets import list_presets, upload_preset  # noqa: E402

__version__ = "0.1.0"

__all__ = [
    "ACGAN",
    "DCGAN",
    "GAN",
    "LSGAN",
    "MLPGAN",
    "WGAN",
    "WGANGP",
    "Batch",
    "ConditionalDCGAN",
    "ConditionalGAN",
    "Context",
    "MaxoutGAN",
    "Phase",
    "StyleGAN2",
    "UnrolledGAN",
    "augmentation",
    "callbacks",
    "checkpoints",
    "constraints",
    "data",
    "images",
    "latents",
    "layers",
    "list_presets",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "presets",
    "random",
    "regularizers",
    "schedules",
    "theory",
    "upload_preset",
    "videos",
]
