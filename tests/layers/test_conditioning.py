import keras
import numpy as np
import pytest
from keras import ops

from keras_gan.layers import ConcatenateMaps, OneHot


@pytest.mark.parametrize("shape", [(2, 3), (2, 4, 3), (2, 4, 5, 3)])
def test_maps_are_constant(shape):
    features = np.random.RandomState(0).randn(*shape).astype("float32")
    vectors = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
    layer = ConcatenateMaps()
    y = ops.convert_to_numpy(layer([features, vectors]))
    assert y.shape == layer.compute_output_shape([shape, (2, 2)]) == (*shape[:-1], 5)
    np.testing.assert_array_equal(y[..., :3], features)
    for sample, vector in zip(y, vectors, strict=True):
        assert (sample[..., 3:] == vector).all()


def test_batches_of_any_size_and_half_precision():
    x, c = keras.Input((2, 2, 3)), keras.Input((4,))
    network = keras.Model([x, c], ConcatenateMaps(dtype="mixed_bfloat16")([x, c]))
    assert network.output_shape == (None, 2, 2, 7)
    assert network.predict([np.ones((3, 2, 2, 3)), np.ones((3, 4))], verbose=0).shape[0] == 3
    config = network.layers[-1].get_config()
    assert ConcatenateMaps.from_config(config).get_config() == config


def test_refusals():
    with pytest.raises(ValueError, match="takes a pair"):
        ConcatenateMaps()(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"vectors \(N, E\)"):
        ConcatenateMaps()([np.ones((2, 3)), np.ones((2, 3, 4))])


def test_one_hot():
    ids = np.array([2, 0, 3, -1], "int64")
    y = ops.convert_to_numpy(OneHot(3)(ids))
    np.testing.assert_array_equal(y, [[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]])
    # Ids that half precision has not.
    label = keras.Input((), dtype="int32")
    layer = OneHot(1000, dtype="bfloat16")
    network = keras.Model(label, layer(label))
    assert network.output.shape == (None, 1000) and network.output.dtype == "bfloat16"
    found = ops.argmax(ops.cast(network(np.array([997, 998])), "float32"), axis=1)
    assert ops.convert_to_numpy(found).tolist() == [997, 998]
    assert OneHot.from_config(layer.get_config()).num_classes == 1000
    with pytest.raises(ValueError, match="`num_classes` must be an integer >= 1"):
        OneHot(0)
