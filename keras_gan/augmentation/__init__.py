"""What happens to real and generated images alike before the discriminator sees them."""

from keras_gan.augmentation.ada import ADA
from keras_gan.augmentation.base import Augmentation, get
from keras_gan.augmentation.diff_augment import DiffAugment
from keras_gan.augmentation.flip_shift import FlipShift
from keras_gan.augmentation.instance_noise import InstanceNoise

__all__ = ["ADA", "Augmentation", "DiffAugment", "FlipShift", "InstanceNoise", "get"]
