import json

import keras
import numpy as np
import pytest

import keras_gan
from keras_gan import backend
from keras_gan.metrics import FeatureExtractor, ImageClassifier, resize
from keras_gan.presets.registry import builtin_folders


def pixels(*shape, seed=0):
    return np.random.RandomState(seed).randint(0, 256, shape).astype("uint8")


def network(channels=3):
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((6, 8, channels)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, activation="relu", name="maps"),
            keras.layers.Flatten(),
            keras.layers.Dense(5, name="scores"),
        ],
        name="net",
    )


@pytest.fixture(scope="module")
def model():
    return network()


def outputs(model, images):
    tensor = keras.ops.cast(resize(images, (6, 8)), "float32")
    return keras.ops.convert_to_numpy(model(tensor))


def test_features_of_any_model(model):
    images = pixels(5, 10, 4, 3)
    extractor = FeatureExtractor.from_model(model)
    assert extractor.num_features == 5
    found = extractor(images)
    assert found.dtype == np.float32 and found.shape == (5, 5)
    np.testing.assert_allclose(found, outputs(model, images), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(extractor(keras.ops.convert_to_tensor(images)), found)


def test_rows_do_not_depend_on_the_batch(model):
    images = pixels(7, 6, 8, 3)
    whole = FeatureExtractor.from_model(model)(images)
    cut = FeatureExtractor.from_model(model, batch_size=3)(images)
    np.testing.assert_allclose(cut, whole, rtol=1e-5, atol=1e-6)


def test_layers_by_name(model):
    images = pixels(3, 6, 8, 3)
    extractor = FeatureExtractor.from_model(model, output=["maps", "scores"])
    found = extractor(images)
    assert extractor.name == "net/maps+scores"
    assert extractor.num_features == {"maps": 4, "scores": 5}
    np.testing.assert_allclose(found["scores"], outputs(model, images), rtol=1e-5, atol=1e-6)
    maps = keras.Model(model.inputs, model.get_layer("maps").output)
    means = outputs(maps, images).mean(axis=(1, 2))
    np.testing.assert_allclose(found["maps"], means, rtol=1e-5, atol=1e-6)
    one = FeatureExtractor.from_model(model, output="maps")
    np.testing.assert_allclose(one(images), means, rtol=1e-5, atol=1e-6)


def test_what_the_model_takes_black_and_white_for(model):
    images = pixels(3, 6, 8, 3)
    bare = keras.Sequential([keras.Input((6, 8, 3)), *model.layers[1:]], name="bare")
    extractor = FeatureExtractor.from_model(bare, value_range=(0, 1))
    expected = FeatureExtractor.from_model(model)(images)
    np.testing.assert_allclose(extractor(images), expected, rtol=1e-4, atol=1e-5)
    assert extractor.protocol["value_range"] == [0.0, 1.0]


def test_gray_and_mixed_sizes(model):
    extractor = FeatureExtractor.from_model(model)
    gray = pixels(2, 6, 8, 1)
    np.testing.assert_array_equal(extractor(gray), extractor(np.repeat(gray, 3, axis=3)))
    images = [pixels(9, 5, 3), pixels(6, 8, 1)]
    found = extractor(images)
    for image, row in zip(images, found, strict=True):
        np.testing.assert_allclose(extractor(image[None])[0], row, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="gray images"):
        FeatureExtractor.from_model(network(channels=1))(pixels(2, 6, 8, 3))


def test_floats(model):
    extractor = FeatureExtractor.from_model(model)
    images = np.random.RandomState(0).uniform(-1, 1, (2, 6, 8, 3)).astype("float32")
    levels = keras_gan.images.to_uint8(images)
    np.testing.assert_array_equal(extractor(images, value_range=(-1, 1)), extractor(levels))
    unrounded = FeatureExtractor.from_model(model, quantization=None)
    difference = np.abs(unrounded(images, value_range=(-1, 1)) - extractor(levels))
    assert 0 < difference.max() < 0.02
    with pytest.raises(ValueError, match="value_range"):
        extractor(images)


def test_the_protocol_tells_networks_apart(model):
    protocol = FeatureExtractor.from_model(model).protocol
    assert json.loads(json.dumps(protocol)) == protocol
    assert protocol == FeatureExtractor.from_model(network()).protocol
    changed = network()
    changed.layers[-1].bias.assign(np.ones(5))
    others = [
        FeatureExtractor.from_model(changed),
        FeatureExtractor.from_model(model, resize="clean"),
        FeatureExtractor.from_model(model, quantization=None),
        FeatureExtractor.from_model(model, output="maps"),
        FeatureExtractor.from_model(model, value_range=(-1, 1)),
        FeatureExtractor.from_model(model, name="another"),
    ]
    texts = {json.dumps(each.protocol, sort_keys=True) for each in others}
    assert len(texts) == len(others) and json.dumps(protocol, sort_keys=True) not in texts


def test_saved_and_made_again(model):
    preset = FeatureExtractor.from_preset("fashion_mnist_classifier", output="logits")
    again = FeatureExtractor.from_config(json.loads(json.dumps(preset.get_config())))
    assert (again.name, again.protocol) == (preset.name, preset.protocol)
    extractor = FeatureExtractor.from_model(model, output="maps", resize="pytorch")
    with pytest.warns(UserWarning, match="without its weights"):
        again = FeatureExtractor.from_config(extractor.get_config())
    again_protocol = {**again.protocol, "weights": extractor.protocol["weights"]}
    assert again_protocol == extractor.protocol


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"output": "no_such"}, "'maps'.*no_such"),
        ({"output": []}, "name of a layer"),
        ({"resize": "area"}, "area"),
        ({"quantization": "nearest"}, "nearest"),
        ({"batch_size": 0}, "batch_size"),
        ({"value_range": (1, 0)}, "value_range"),
    ],
)
def test_bad_arguments(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        FeatureExtractor.from_model(model, **arguments)


def test_models_that_are_no_extractors():
    class Own(keras.Model):
        """Without inputs."""

    with pytest.raises(ValueError, match="Own"):
        FeatureExtractor.from_model(Own())
    any_size = keras.Sequential([keras.Input((None, None, 3)), keras.layers.GlobalMaxPooling2D()])
    with pytest.raises(ValueError, match="one size"):
        FeatureExtractor.from_model(any_size)
    rows = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Reshape((16, 3))])
    with pytest.raises(ValueError, match=r"\(N, D\)"):
        FeatureExtractor.from_model(rows)


def test_weights_that_are_not_finite():
    broken = network()
    broken.layers[-1].bias.assign(np.full(5, np.nan))
    with pytest.raises(ValueError, match="NaN"):
        FeatureExtractor.from_model(broken)(pixels(1, 6, 8, 3))


# Networks with weights ----------------------------------------------------------------------------


def test_shipped_classifier():
    extractor = FeatureExtractor.from_preset(
        "fashion_mnist_classifier", output=["features", "logits"]
    )
    gan = keras_gan.GAN.from_preset("dcgan_fashion_mnist_32")
    found = extractor(gan.generate(64, seed=0))
    assert found["features"].shape == (64, 128) and found["logits"].shape == (64, 10)
    # It is sure of most garments, and sees several kinds of them.
    classes = found["logits"].argmax(1)
    shares = np.exp(found["logits"] - found["logits"].max(1, keepdims=True))
    assert np.median(1 / shares.sum(1)) > 0.8
    assert len(set(classes)) >= 6
    assert extractor.num_features == {"features": 128, "logits": 10}


def test_small_images_get_the_border_of_the_training_data():
    extractor = FeatureExtractor.from_preset("fashion_mnist_classifier")
    images = pixels(2, 28, 28, 1)
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    np.testing.assert_array_equal(extractor(images), extractor(padded))
    assert extractor.protocol["resize"] == "pad"
    folder = builtin_folders(of_metrics=True)["fashion_mnist_classifier"]
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1e6
    figures = json.loads((folder / "metadata.json").read_text())["metrics"]
    assert float(figures["accuracy on the 10,000 test images"]) >= 0.92


def test_networks_are_no_gans():
    assert not set(builtin_folders(of_metrics=True)) & set(keras_gan.list_presets())
    with pytest.raises(ValueError, match=r"No network 'dcgan_emoji_64'.*inception"):
        FeatureExtractor.from_preset("dcgan_emoji_64")
    with pytest.raises(ValueError, match="Did you mean 'emoji_classifier'"):
        FeatureExtractor.from_preset("emoji_clasifier")
    with pytest.raises(ValueError, match="Remove `weights`"):
        FeatureExtractor.from_preset("fashion_mnist_classifier", weights="file.pth")


def test_emoji_classifier():
    extractor = FeatureExtractor.from_preset("emoji_classifier", logits=True)
    images = np.full((3, 64, 64, 3), 255, "uint8")
    images[1, 10:54, 10:54] = (250, 200, 60)
    images[2, 10:54, ::4] = (20, 40, 200)
    found = extractor(images)
    assert found["features"].shape == (3, 160) and found["logits"].shape == (3, 9)
    assert np.abs(found["features"][0] - found["features"][1]).max() > 0.1
    folder = builtin_folders(of_metrics=True)["emoji_classifier"]
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2e6


def test_a_full_batch_is_not_padded(monkeypatch):
    lengths = []
    predict = backend.predict
    monkeypatch.setattr(
        backend,
        "predict",
        lambda network, x, size: lengths.append(size) or predict(network, x, size),
    )
    network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])
    extractor = FeatureExtractor.from_model(network, batch_size=6)
    images = np.arange(68, dtype="uint8").reshape(17, 2, 2, 1)
    # Batches of 6, 6 and 5; of 3.
    np.testing.assert_array_equal(extractor(images), images.reshape(17, 4))
    np.testing.assert_array_equal(extractor(images[:3]), images[:3].reshape(3, 4))
    assert lengths == [6, 6, 6, 4]


@pytest.mark.parametrize("name", sorted(builtin_folders(of_metrics=True)))
def test_cards(name):
    folder = builtin_folders(of_metrics=True)[name]
    metadata = json.loads((folder / "metadata.json").read_text())
    card = (folder / "README.md").read_text()
    assert all(metadata[key] for key in ("description", "dataset", "licence", "class_name"))
    assert metadata["licence"] in card and name in card


@pytest.mark.parametrize("arguments", [{}, {"image_shape": (8, 4, 3), "num_classes": 3}])
def test_classifier_can_be_made_again(arguments):
    arguments = {"image_shape": (8, 8, 1), "num_classes": 2, **arguments}
    classifier = ImageClassifier(**arguments, width=2)
    again = ImageClassifier.from_config(classifier.get_config())
    assert [w.shape for w in again.weights] == [w.shape for w in classifier.weights]
    assert classifier(np.zeros((1, *classifier.image_shape))).shape[1] == classifier.num_classes


@pytest.mark.parametrize("side, features", [(28, 8), (32, 8), (40, 10), (64, 10)])
def test_classifier_halves_down_to_eight_pixels(side, features):
    classifier = ImageClassifier((side, side, 1), 2, width=2)
    assert classifier.network.output["features"].shape[1] == features
    maps = [layer.output.shape[1] for layer in classifier.network.layers[:-2]]
    assert 4 < min(maps) <= 8


@pytest.mark.parametrize(
    "arguments",
    [((8, 8), 2), ((8, 6, 1), 2), ((8, 8, 1), 1), ((8, 8, 1), 2, 0), ((36, 36, 1), 2)],
)
def test_classifier_checks_its_arguments(arguments):
    with pytest.raises(ValueError, match="Received"):
        ImageClassifier(*arguments)
