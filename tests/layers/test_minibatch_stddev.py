import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_gan.layers import MinibatchStdDev


def appended(x, *arguments):
    y = ops.convert_to_numpy(MinibatchStdDev(*arguments)(x))
    np.testing.assert_array_equal(y[..., : x.shape[-1]], x)
    return y[..., x.shape[-1] :]


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 12),
    group_size=st.one_of(st.none(), st.integers(1, 6)),
    num_channels=st.sampled_from([1, 2, 4]),
    rank=st.integers(0, 2),
)
def test_is_the_definition(count, group_size, num_channels, rank):
    x = np.random.RandomState(count).standard_normal((count, *(3, 2)[:rank], 4)).astype("float32")
    size = max(k for k in range(1, (group_size or count) + 1) if count % k == 0)
    groups = count // size
    found = appended(x, group_size, num_channels)
    for n in range(count):
        group = x[n % groups :: groups]
        assert len(group) == size
        for f, features in enumerate(np.split(group, num_channels, axis=-1)):
            expected = np.sqrt(features.astype("float64").var(axis=0) + 1e-8).mean()
            np.testing.assert_allclose(found[n, ..., f], expected, rtol=1e-5)


def test_copies_deviate_by_the_constant_under_the_root():
    np.testing.assert_allclose(appended(np.full((4, 2, 2, 3), 7.0, "float32")), 1e-4, rtol=1e-5)


def test_batches_of_any_size_in_a_compiled_network():
    model = keras.Sequential([keras.Input((2, 2, 3)), MinibatchStdDev(4)])
    assert model.output_shape == (None, 2, 2, 4)
    x = np.random.RandomState(0).standard_normal((6, 2, 2, 3)).astype("float32")
    np.testing.assert_allclose(model.predict(x, verbose=0)[..., 3:], appended(x, 3), rtol=1e-5)


def test_config_and_policy():
    layer = MinibatchStdDev(None, 3, dtype="mixed_float16")
    assert MinibatchStdDev.from_config(layer.get_config()).get_config() == layer.get_config()
    # 300 squared overflows float16, and 1e-8 vanishes in it.
    y = layer(ops.convert_to_tensor([[300.0] * 3, [-300.0] * 3], "float16"))
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    np.testing.assert_allclose(ops.convert_to_numpy(y)[:, 3:], 300.0, rtol=1e-3)


def test_bad_arguments():
    for arguments in ((0,), (2.0,), (4, 0), (4, None)):
        with pytest.raises(ValueError, match=r"integer >= 1\. Received"):
            MinibatchStdDev(*arguments)
    with pytest.raises(ValueError, match="num_channels=2, inputs of 3 channels"):
        MinibatchStdDev(4, 2)(np.zeros((4, 3), "float32"))
