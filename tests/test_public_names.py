import inspect

import keras
import pytest

import keras_gan

# A name that is added or taken away is a decision: change this list with it.
NAMES = [
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


DATA_NAMES = [
    "ImageDataset",
    "arrays",
    "idx",
    "image_folder",
    "image_zip",
    "prepare",
    "read_idx",
    "tfds",
]


LATENTS_NAMES = [
    "Directions",
    "Mixture",
    "Projection",
    "draw_seeds",
    "edit",
    "from_seeds",
    "labels_from_seeds",
    "mix",
    "parse_labels",
    "parse_seeds",
    "pca",
    "pixel_pyramid",
    "progress",
    "project",
    "sefa",
    "spline",
    "truncate",
    "uniform_from_seeds",
    "walk",
]


THEORY_NAMES = [
    "dirac_gan",
    "frechet_distance",
    "js_divergence",
    "kl_divergence",
    "optimal_discriminator",
    "optimal_logit",
    "transposed_convolution_size",
    "value",
    "wasserstein_1",
    "wasserstein_1_of_densities",
]


def test_public_names():
    assert keras_gan.__all__ == NAMES
    assert all(hasattr(keras_gan, name) for name in NAMES)
    assert keras_gan.__version__.count(".") == 2
    assert keras_gan.data.__all__ == DATA_NAMES
    assert keras_gan.latents.__all__ == LATENTS_NAMES
    assert keras_gan.theory.__all__ == THEORY_NAMES


@pytest.mark.parametrize("name", DATA_NAMES)
def test_public_readers_are_documented(name):
    documentation = getattr(keras_gan.data, name).__doc__
    assert all(part in documentation for part in ("Args:", "Raises:", "Example:"))


@pytest.mark.parametrize("name", LATENTS_NAMES)
def test_public_tools_for_latents_are_documented(name):
    tool = getattr(keras_gan.latents, name)
    parts = ("Attributes:",) if inspect.isclass(tool) else ("Args:", "Returns:")
    assert all(part in tool.__doc__ for part in (*parts, "Example:"))


@pytest.mark.parametrize("name", THEORY_NAMES[1:])
def test_public_facts_are_documented(name):
    documentation = getattr(keras_gan.theory, name).__doc__
    assert all(part in documentation for part in ("Args:", "Returns:", "Raises:", "Example:"))


@pytest.mark.parametrize(
    "module", ["losses", "regularizers", "layers", "metrics", "models", "optimizers"]
)
def test_public_classes_can_be_saved_and_are_documented(module):
    classes = [
        cls
        for name, cls in vars(getattr(keras_gan, module)).items()
        if inspect.isclass(cls) and cls.__module__.startswith("keras_gan") and name[0] != "_"
    ]
    abstract = {
        keras_gan.losses.AdversarialLoss,
        keras_gan.metrics.EquivarianceMetric,
        keras_gan.metrics.FeatureMetric,
        keras_gan.metrics.Modes,
        keras_gan.metrics.SampleMetric,
        keras_gan.regularizers.Regularizer,
    }
    # What metrics keep of the samples is data, not configuration.
    data = {keras_gan.Batch, keras_gan.metrics.FeatureRows, keras_gan.metrics.FeatureStatistics}
    for cls in set(classes) - abstract:
        name = f"keras_gan>{cls.__name__}"
        if not issubclass(cls, tuple) and cls not in data:
            assert keras.saving.get_registered_object(name) is cls
        assert "Example:" in cls.__doc__
