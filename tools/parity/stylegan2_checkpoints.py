"""StyleGAN2 in the formats of other projects: converted weights, images and logits."""

import keras
import numpy as np

import keras_gan
from keras_gan import backend
from keras_gan.checkpoints import Tensors
from parity import training


def tf_generator(case):
    """Images and tensors of a generator of TensorFlow."""
    gan = _of_tensorflow(case, "generator")
    network, z = gan.ema_generator, case.inputs["z"]
    return {
        "img_psi1": _images(network, _styles(network, z, case.config["labels"], 1.0)),
        "img_psi0.5": _images(network, _styles(network, z, case.config["labels"], 0.5)),
        **_tensors(case, gan, "ema_generator"),
    }


def tf_discriminator(case):
    """Logits and tensors of a discriminator of TensorFlow."""
    gan = _of_tensorflow(case, "discriminator")
    logits = _logits(gan.discriminator, case.inputs["img"], case.config["labels"])
    return {"logits": logits, **_tensors(case, gan, "discriminator")}


def rosinality(case):
    """Images, styles and logits of networks of rosinality/stylegan2-pytorch."""
    gan = keras_gan.checkpoints.load_checkpoint(case.params)
    w = _styles(gan.ema_generator, case.inputs["z"], None, 0.7)
    return {
        "img": _images(gan.ema_generator, w),
        "w": w,
        "logits": _logits(gan.discriminator, case.inputs["img"], None),
    }


KINDS = {each.__name__: each for each in (tf_generator, tf_discriminator, rosinality)}


def _of_tensorflow(case, role):
    # The reference is the official converter, which takes the later build functions' defaults.
    described = {"static_kwargs": case.config["static_kwargs"], "build_func_name": "D_main"}
    tensors = Tensors(case.params, attributes={"": described})
    return keras_gan.checkpoints.load_checkpoint(tensors, networks=(role,))


def _styles(network, z, labels, psi):
    mapping = network.mapping
    inputs = z if labels is None else [z, np.array(labels, "int32")]
    w = training.to_numpy(backend.detached(lambda: mapping(inputs)))
    average = training.to_numpy(mapping.average)
    return average + np.float32(psi) * (w - average)


def _images(network, w):
    images = backend.detached(lambda: network.synthesis(w, noise="const"))
    return training.channels_first(images)


def _logits(network, images, labels):
    x = training.channels_last(images)
    inputs = x if labels is None else [x, np.array(labels, "int32")]
    return training.to_numpy(backend.detached(lambda: network(inputs)))


def _tensors(case, gan, role):
    """Sums and first elements of the tensors as the official converter names them."""
    layout = keras_gan.checkpoints.LAYOUTS["stylegan2_ada_pytorch"]
    found = {
        row.source: row.to_source(keras.ops.convert_to_numpy(row.weight))
        for row in layout.network(role).rows(getattr(gan, role))
    }
    tensors = [found[name] for name in case.config["native_names"]]
    return {
        "sum": np.array([tensor.sum(dtype="float64") for tensor in tensors]),
        "first": np.array([tensor.reshape(-1)[0] for tensor in tensors]),
    }
