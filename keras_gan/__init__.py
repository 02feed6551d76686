"""The GAN zoo for Keras 3: the original papers' numbers on TensorFlow, PyTorch and JAX."""

__version__ = "0.1.0"
