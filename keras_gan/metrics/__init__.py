"""Metrics of generated samples, as Keras metrics."""

from keras_gan.metrics.birthday import BirthdayParadox, nearest_pairs, support_size
from keras_gan.metrics.classifier import ImageClassifier
from keras_gan.metrics.density_coverage import DensityCoverage
from keras_gan.metrics.equivariance import (
    EquivarianceMetric,
    RotationEquivariance,
    TranslationEquivariance,
)
from keras_gan.metrics.evaluation import Evaluation, evaluate
from keras_gan.metrics.feature_metric import FeatureMetric
from keras_gan.metrics.feature_rows import FeatureRows
from keras_gan.metrics.feature_statistics import FeatureStatistics
from keras_gan.metrics.features import FeatureExtractor
from keras_gan.metrics.fid_infinity import FIDInfinity, FIDLine, fid_infinity
from keras_gan.metrics.frechet import frechet_distance
from keras_gan.metrics.frechet_inception_distance import FrechetInceptionDistance
from keras_gan.metrics.inception import InceptionV3
from keras_gan.metrics.inception_score import InceptionScore
from keras_gan.metrics.kernel_inception_distance import KernelInceptionDistance
from keras_gan.metrics.kernels import PolynomialKernel, RBFKernel
from keras_gan.metrics.lpips import LPIPS, LPIPSNetwork
from keras_gan.metrics.modes import (
    GaussianModes,
    HighQualitySamples,
    ModeJS,
    ModeKL,
    Modes,
    ModesCovered,
    StackedModes,
)
from keras_gan.metrics.ms_ssim import MultiScaleSSIM, ms_ssim
from keras_gan.metrics.path_length import (
    PathLength,
    PerceptualPathLength,
    lerp,
    slerp,
    slerp_any,
    slerp_unit,
)
from keras_gan.metrics.pixels import to_pixels
from keras_gan.metrics.precision_recall import PrecisionRecall
from keras_gan.metrics.realism_score import RealismScore
from keras_gan.metrics.resize import resize
from keras_gan.metrics.sample_metric import SampleMetric
from keras_gan.metrics.sliced_wasserstein import (
    SlicedWasserstein,
    laplacian_pyramid,
    random_patches,
    sliced_wasserstein,
)
from keras_gan.metrics.vgg16 import VGG16

__all__ = [
    "LPIPS",
    "VGG16",
    "BirthdayParadox",
    "DensityCoverage",
    "EquivarianceMetric",
    "Evaluation",
    "FIDInfinity",
    "FIDLine",
    "FeatureExtractor",
    "FeatureMetric",
    "FeatureRows",
    "FeatureStatistics",
    "FrechetInceptionDistance",
    "GaussianModes",
    "HighQualitySamples",
    "ImageClassifier",
    "InceptionScore",
    "InceptionV3",
    "KernelInceptionDistance",
    "LPIPSNetwork",
    "ModeJS",
    "ModeKL",
    "Modes",
    "ModesCovered",
    "MultiScaleSSIM",
    "PathLength",
    "PerceptualPathLength",
    "PolynomialKernel",
    "PrecisionRecall",
    "RBFKernel",
    "RealismScore",
    "RotationEquivariance",
    "SampleMetric",
    "SlicedWasserstein",
    "StackedModes",
    "TranslationEquivariance",
    "evaluate",
    "fid_infinity",
    "frechet_distance",
    "laplacian_pyramid",
    "lerp",
    "ms_ssim",
    "nearest_pairs",
    "random_patches",
    "resize",
    "slerp",
    "slerp_any",
    "slerp_unit",
    "sliced_wasserstein",
    "support_size",
    "to_pixels",
]
