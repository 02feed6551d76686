import keras
import numpy as np
import pytest
from keras import ops

from keras_gan.layers import AddReferenceBatch, RemoveReferenceBatch, VirtualBatchNormalization

RNG = np.random.RandomState(0)
REFERENCE = RNG.standard_normal((5, 3, 3, 2)).astype("float32") + 1
X = 2 * RNG.standard_normal((3, 3, 3, 2)).astype("float32")


def numpy(x):
    return np.array(ops.convert_to_numpy(x))


def test_statistics_are_those_of_the_reference_batch_and_the_sample():
    layer = VirtualBatchNormalization(5)
    y = numpy(layer(np.concatenate([REFERENCE, X])))
    expected = (REFERENCE - REFERENCE.mean((0, 1, 2))) / np.sqrt(REFERENCE.var((0, 1, 2)) + 1e-5)
    np.testing.assert_allclose(y[:5], expected, rtol=1e-4, atol=1e-5)
    for sample, normalized in zip(X, y[5:], strict=True):
        batch = np.concatenate([REFERENCE, sample[None]])
        expected = (sample - batch.mean((0, 1, 2))) / np.sqrt(batch.var((0, 1, 2)) + 1e-5)
        np.testing.assert_allclose(normalized, expected, rtol=1e-4, atol=1e-5)


def test_large_means_do_not_cancel():
    # The mean of squares less the square of the mean would have an error of 1e-1 here.
    y = VirtualBatchNormalization(5)(np.concatenate([REFERENCE, X]) + np.float32(1000))
    expected = VirtualBatchNormalization(5)(np.concatenate([REFERENCE, X]))
    np.testing.assert_allclose(numpy(y), numpy(expected), atol=2e-3)


def network():
    return keras.Sequential(
        [
            keras.Input((4,)),
            AddReferenceBatch(5),
            keras.layers.Dense(6, activation="relu"),
            VirtualBatchNormalization(5),
            keras.layers.Dense(2),
            RemoveReferenceBatch(5),
        ]
    )


def test_a_network_that_does_not_mix_samples(tmp_path):
    model = network()
    assert model.output_shape == (None, 2)
    z = RNG.standard_normal((3, 4)).astype("float32")
    together = numpy(model(z, training=True))
    for i in range(3):
        np.testing.assert_allclose(numpy(model(z[i : i + 1])), together[i : i + 1], atol=1e-5)
    np.testing.assert_allclose(model.predict(z, verbose=0), together, atol=1e-5)
    # The reference batch is a weight of the network, and is not trained.
    assert "reference" not in [v.name for v in model.trainable_variables]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(numpy(again(z)), together, atol=1e-6)


def test_adapt_takes_real_samples():
    layer = AddReferenceBatch(5)
    layer.adapt(np.concatenate([REFERENCE, X]))
    np.testing.assert_array_equal(numpy(layer(X)), np.concatenate([REFERENCE, X]))
    for samples in (X, REFERENCE[:, :2]):
        with pytest.raises(ValueError, match=r"has the shape \(5, 3, 3, 2\). Received"):
            layer.adapt(samples)


def test_config_and_policy():
    for layer in (
        AddReferenceBatch(5, initializer=keras.initializers.RandomUniform(-1, 1)),
        VirtualBatchNormalization(5, 1e-3, keras.initializers.RandomNormal(1.0, 0.02)),
        RemoveReferenceBatch(5, dtype="mixed_bfloat16"),
    ):
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
    layer = VirtualBatchNormalization(5, dtype="mixed_float16")
    # Squares of 300 overflow float16.
    y = layer(ops.cast(300 * np.concatenate([REFERENCE, X]), "float16"))
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert {keras.backend.standardize_dtype(v.dtype) for v in layer.weights} == {"float32"}
    assert np.isfinite(numpy(ops.cast(y, "float32"))).all()


@pytest.mark.parametrize(
    "form", [AddReferenceBatch, RemoveReferenceBatch, VirtualBatchNormalization]
)
def test_bad_sizes(form):
    for size in (0, 1.5, None, True):
        with pytest.raises(ValueError, match=r"integer >= 1\. Received"):
            form(size)
