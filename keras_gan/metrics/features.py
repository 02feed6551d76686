"""Feature extractors: from images of any size to the rows that metrics compare."""

import warnings

import keras
import numpy as np
from keras import layers

from keras_gan import backend
from keras_gan.checks import check_integer
from keras_gan.metrics import pretrained
from keras_gan.metrics.feature_network import FeatureNetwork
from keras_gan.metrics.pixels import check_quantization, to_pixels
from keras_gan.metrics.resize import check_rule, resize


@keras.saving.register_keras_serializable(package="keras_gan")
class FeatureExtractor:
    """Images of any size to features, with everything on record that a number depends on.

    `from_preset` makes one of a published network, `from_model` one of any Keras model.

    Args:
        network: `keras.Model` from float32 pixels in [0, 255] `(N, height, width, C)` to a dict of
            outputs `(N, D)`.
        label: str, the name of the network.
        output: str, one of the outputs, or list of several.
        resize: str, the rule of `keras_gan.metrics.resize` that brings images to the network's
            size.
        quantization: str or `None`, how floats become grey levels, see
            `keras_gan.metrics.to_pixels`.
        batch_size: int >= 1, images that go through the network at once.

    Attributes:
        name: str, network and output: `"inception_v3_2015_12_05/2048"`.
        protocol: dict, JSON values: `network`, `weights` (SHA-256 of the values), `output`,
            `image_shape`, `resize`, `quantization`. Numbers of unequal protocols are not
            comparable.
        num_features: int, D; a dict by output if there are several.
        logits: str, the output that the Inception score is made of, whose name begins with
            `logits`; `None` if there is none.

    Raises:
        ValueError: if an argument is out of range or the network is of another form.

    Example:
    ```python
    extractor = keras_gan.metrics.FeatureExtractor.from_preset("fashion_mnist_classifier")
    features = extractor(gan.generate(100))  # float32 (100, 128)
    ```

    Reference: Heusel et al. (2017), arXiv:1706.08500; Parmar, Zhang, Zhu (2022), arXiv:2104.11222.
    """

    def __init__(self, network, label, output, resize="tf1", quantization="half_up", batch_size=32):
        check_rule(resize)
        check_quantization(quantization)
        check_integer("batch_size", batch_size, minimum=1)
        self.image_shape = tuple(network.input_shape[1:])
        if None in self.image_shape or self.image_shape[2] not in (1, 3):
            raise ValueError(
                "The network takes images of one size, (height, width, 1 or 3). Received: "
                f"{self.image_shape}"
            )
        tensors = network.output
        names = [output] if isinstance(output, str) else list(output)
        unknown = sorted(set(names) - set(tensors))
        if unknown or not names:
            raise ValueError(
                f"`output` is one of {sorted(tensors)}, or a list of some. Received: {output!r}"
            )
        # What comes after the last output is not computed.
        self.network = keras.Model(network.input, {name: tensors[name] for name in names})
        self.output = output if isinstance(output, str) else names
        self.logits = _logits(names)
        self.resize = resize
        self.quantization = quantization
        self.batch_size = batch_size
        self.name = f"{label}/{'+'.join(names)}"
        sizes = {name: tensors[name].shape[-1] for name in names}
        self.num_features = sizes[output] if isinstance(output, str) else sizes
        self.protocol = {
            "network": label,
            "weights": pretrained.fingerprint(network),
            "output": self.output,
            "image_shape": list(self.image_shape),
            "resize": resize,
            "quantization": quantization,
        }
        self._config = None

    @classmethod
    def from_preset(
        cls,
        preset,
        output=None,
        logits=False,
        resize=None,
        quantization="half_up",
        weights=None,
        batch_size=32,
        cache_dir=None,
    ):
        """The extractor of a published network.

        - `"inception_v3_2015_12_05"`: FID, KID, IS. See `keras_gan.metrics.InceptionV3`.
        - `"vgg16_imagenet"`: precision and recall. See `keras_gan.metrics.VGG16`.
        - `"fashion_mnist_classifier"`: comes with the library, for gray images of up to 32 px.
        - `"emoji_classifier"`: the same, for pictures of 64 px on white.

        Weights of the first two are downloaded and converted at first use. There is none of DINOv2
        (FD-DINOv2): give a Keras model of it to `from_model`.

        Args:
            preset: str, one of these, or a preset folder.
            output: str or list of str; the network's default if `None`.
            logits: bool, whether the logits of the Inception score are another output.
            resize: str, see the class; the network's default if `None`.
            quantization: str or `None`, see the class.
            weights: path of the original checkpoint (a dict of paths if it has parts), instead of a
                download.
            batch_size: int >= 1.
            cache_dir: str or path of another cache.

        Returns:
            `FeatureExtractor`.

        Raises:
            ValueError: if there is no such preset, output or rule, or weights do not fit.
            OSError: if weights cannot be downloaded; it says what to get and where to put it.

        Example:
        ```python
        extractor = keras_gan.metrics.FeatureExtractor.from_preset(
            "inception_v3_2015_12_05", output=["2048", "logits_unbiased"]
        )
        ```
        """
        model = pretrained.load(preset, FeatureNetwork, weights, cache_dir)
        output = model.default_output if output is None else output
        if logits:
            names = [output] if isinstance(output, str) else list(output)
            output = [*names, *([] if _logits(names) else [_logits(model.network.output)])]
        extractor = cls(
            model.network,
            str(preset),
            output,
            model.default_resize if resize is None else resize,
            quantization,
            batch_size,
        )
        extractor._config = {
            "preset": str(preset),
            "output": extractor.output,
            "resize": extractor.resize,
            "quantization": quantization,
            "weights": weights,
            "batch_size": batch_size,
        }
        return extractor

    @classmethod
    def from_model(
        cls,
        model,
        output=None,
        resize="tf1",
        value_range=(0, 255),
        quantization="half_up",
        name=None,
        batch_size=32,
    ):
        """The extractor of any Keras model of images.

        Args:
            model: built functional or sequential `keras.Model` that takes images of one size
                `(N, height, width, 1 or 3)`. It is used in inference mode.
            output: str, the name of a layer, or list of several; the model's own output if `None`.
                Maps `(N, H, W, C)` are averaged over their pixels.
            resize: str, see the class.
            value_range: pair of float, what the model takes black and white for.
            quantization: str or `None`, see the class.
            name: str, for the protocol; the model's name if `None`.
            batch_size: int >= 1.

        Returns:
            `FeatureExtractor`.

        Raises:
            ValueError: if the model has no such layer or is of another form.

        Example:
        ```python
        extractor = keras_gan.metrics.FeatureExtractor.from_model(
            classifier, output="dense_1", value_range=(0, 1)
        )
        ```
        """
        tensors, outputs = _outputs(model, output)
        low, high = value_range
        if not low < high:
            raise ValueError(
                "`value_range` is a pair of numbers (black, white), such as (-1, 1). Received: "
                f"{value_range!r}"
            )
        inputs = keras.Input(model.input_shape[1:])
        # The identity for a model that takes pixels.
        x = layers.Rescaling((high - low) / 255, offset=low)(inputs)
        found = keras.Model(model.inputs, tensors)(x, training=False)
        extractor = cls(
            keras.Model(inputs, {key: _rows(tensor) for key, tensor in found.items()}),
            model.name if name is None else name,
            outputs,
            resize,
            quantization,
            batch_size,
        )
        extractor.protocol["value_range"] = [float(low), float(high)]
        extractor._config = {
            "model": model,
            "output": output,
            "resize": resize,
            "value_range": [float(low), float(high)],
            "quantization": quantization,
            "name": name,
            "batch_size": batch_size,
        }
        return extractor

    def __call__(self, images, value_range=None):
        """Features of images.

        Args:
            images: array or tensor `(N, H, W, 1 or 3)`, uint8 or float with a `value_range`; or a
                list of images `(H, W, 1 or 3)` of any sizes. Gray ones become RGB for a network
                that takes RGB.
            value_range: pair of float, what black and white are in floats.

        Returns:
            float32 array `(N, num_features)`; a dict by output if there are several.

        Raises:
            ValueError: if the images are not acceptable, or give features that are not finite.
        """
        pixels = to_pixels(images, value_range, self.quantization)
        count = len(pixels)
        parts = []
        for start in range(0, count, self.batch_size):
            part = pixels[start : start + self.batch_size]
            # Full or a power of two: a compiled network is compiled for a few lengths only.
            missing = min(1 << (len(part) - 1).bit_length(), self.batch_size) - len(part)
            x = self._prepared(part)
            x = np.concatenate([x, np.repeat(x[-1:], missing, axis=0)])
            found = backend.predict(self.network, x, len(x))
            parts.append({key: rows[: len(part)] for key, rows in found.items()})
        found = {
            key: np.concatenate([part[key] for part in parts]).astype("float32") for key in parts[0]
        }
        for key, rows in found.items():
            if not np.isfinite(rows).all():
                raise ValueError(
                    f"Features '{key}' of {self.name} are NaN or infinite. Look at the weights of "
                    "the network."
                )
        return found[self.output] if isinstance(self.output, str) else found

    def _prepared(self, pixels):
        """Pixels in the size and with the channels of the network."""
        if isinstance(pixels, list):
            return np.concatenate([self._prepared(image[None]) for image in pixels])
        height, width, channels = self.image_shape
        x = keras.ops.convert_to_numpy(resize(pixels, (height, width), self.resize))
        if channels == 1 and x.shape[3] == 3:
            raise ValueError(
                f"{self.name} takes gray images (N, H, W, 1), and these are RGB. Make them gray "
                "first, or use the extractor of a network of RGB images."
            )
        return np.broadcast_to(x, (*x.shape[:3], channels))

    def get_config(self):
        """What `from_config` makes the extractor of."""
        if self._config is None:
            raise ValueError(
                "Only extractors of `from_preset` and `from_model` can be saved. Use one of these."
            )
        if "model" in self._config:
            model = keras.saving.serialize_keras_object(self._config["model"])
            return {**self._config, "model": model}
        return dict(self._config)

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`, which leaves a model's weights out."""
        if "model" not in config:
            return cls.from_preset(**config)
        warnings.warn(
            "The model of the feature extractor was made anew, without its weights. Make the "
            "extractor of the trained model again."
        )
        model = keras.saving.deserialize_keras_object(config["model"])
        return cls.from_model(**{**config, "model": model})


def _logits(names):
    return next((name for name in names if name.startswith("logits")), None)


def _outputs(model, output):
    """The tensors that are asked for, and their names as the user gave them."""
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(
            "`model` is a built functional or sequential `keras.Model`. Received: "
            f"{type(model).__name__}. Wrap another one: keras.Model(inputs, model(inputs))."
        )
    if len(model.inputs) != 1:
        raise ValueError(
            f"`model` takes images and nothing else. It has {len(model.inputs)} inputs."
        )
    if output is None:
        named = getattr(model, "output", None)
        if isinstance(named, dict):
            return named, list(named)
        if len(model.outputs) == 1:
            # The tensor's own name counts models of the process.
            return {"output": model.outputs[0]}, "output"
        raise ValueError("`model` has several outputs without names. Name layers as `output`.")
    known = {layer.name for layer in model.layers}
    names = [output] if isinstance(output, str) else list(output)
    if not names or not set(names) <= known:
        raise ValueError(
            f"`output` is the name of a layer, or a list of them: {sorted(known)}. Received: "
            f"{output!r}"
        )
    return {name: model.get_layer(name).output for name in names}, output


def _rows(tensor):
    """One row for each image."""
    if len(tensor.shape) == 4:
        return layers.GlobalAveragePooling2D()(tensor)
    if len(tensor.shape) == 2:
        return tensor
    raise ValueError(
        "An output that metrics can use is (N, D) or (N, H, W, C). Received: shape "
        f"{tuple(tensor.shape)}. Name another layer as `output`."
    )
