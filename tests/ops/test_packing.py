import numpy as np
from keras import ops

from keras_gan.ops import pack

X = np.random.RandomState(0).standard_normal((6, 3, 4, 2)).astype("float32")


def test_consecutive_images_lie_side_by_side_on_the_channels():
    packed = ops.convert_to_numpy(pack(ops.convert_to_tensor(X), 3))
    assert packed.shape == (2, 3, 4, 6)
    for i, pack_of_three in enumerate(np.split(X, 2)):
        np.testing.assert_array_equal(packed[i], np.concatenate(list(pack_of_three), axis=-1))


def test_one_image_is_its_own_pack():
    images = ops.convert_to_tensor(X)
    assert pack(images, 1) is images


def test_points():
    packed = ops.convert_to_numpy(pack(ops.convert_to_tensor(X[:, 0, 0]), 2))
    np.testing.assert_array_equal(packed, X[:, 0, 0].reshape(3, 4))
