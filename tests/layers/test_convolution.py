import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import layers

X = np.random.RandomState(0).standard_normal((2, 6, 6, 3)).astype("float32")


@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose"])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_weights_numbers_and_files_are_those_of_keras(name, padding, tmp_path):
    def model(module):
        layer = getattr(module, name)(5, 4, strides=2, padding=padding, activation="tanh")
        return keras.Sequential([keras.Input((6, 6, 3)), layer])

    plain, ours = model(keras.layers), model(layers)
    plain.save_weights(tmp_path / "plain.weights.h5")
    ours.load_weights(tmp_path / "plain.weights.h5")
    assert [v.name for v in ours.weights] == [v.name for v in plain.weights]
    assert ours.output_shape == plain.output_shape
    np.testing.assert_allclose(
        ops.convert_to_numpy(ours(X)), ops.convert_to_numpy(plain(X)), atol=1e-5
    )


@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose"])
def test_round_trip_and_mixed_precision(name):
    layer = getattr(layers, name)(5, 4, strides=2, padding="same", dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(layer(X).dtype) == "bfloat16"
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("Conv2D", {"dilation_rate": 2}, "`dilation_rate` is .* Received: 2"),
        ("Conv2D", {"groups": 3}, "`groups` is 1 .* Received: 3"),
        ("Conv2D", {"data_format": "channels_first"}, "`data_format` is 'channels_last'"),
        ("Conv2D", {"strides": (1, 2)}, r"`strides` is one number .* Received: \(1, 2\)"),
        ("Conv2DTranspose", {"output_padding": 1}, "`output_padding` is None .* Received: 1"),
        ("Conv2DTranspose", {"strides": 5}, "no smaller than its stride"),
    ],
)
def test_refusals(name, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(layers, name)(4, 3, **options)
