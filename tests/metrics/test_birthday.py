import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_gan.metrics import BirthdayParadox, nearest_pairs, support_size


def estimate(metric, *batches):
    for batch in batches:
        metric.update_state(None, batch)
    return float(ops.convert_to_numpy(metric.result()))


def test_pairs_for_each_duplicate():
    points = np.float32([[0, 0], [0, 0.05], [1, 1], [5, 5]])
    # Six pairs, one of them near duplicates; then three pairs that all are.
    metric = BirthdayParadox(0.1)
    assert estimate(metric, points) == 6
    assert estimate(metric, np.zeros((3, 2), "float32")) == (6 + 3) / (1 + 3)
    assert estimate(BirthdayParadox(0.01), points) == np.inf


def test_a_known_support_is_found():
    random = np.random.RandomState(0)
    support = random.uniform(-1, 1, (1000, 4, 4, 3)).astype("float32")
    metric = BirthdayParadox(0.01)
    batches = [support[random.randint(1000, size=200)] for _ in range(20)]
    # About 400 duplicates: a deviation of 5 %.
    assert estimate(metric, *batches) == pytest.approx(1000, rel=0.15)
    # The same number from the share of batches that hold a duplicate.
    small = [random.randint(1000, size=38) for _ in range(2000)]
    share = np.mean([len(set(batch.tolist())) < 38 for batch in small])
    assert support_size(38, share) == pytest.approx(1000, rel=0.1)


def test_far_from_the_origin():
    points = 100 + np.float32([[0, 0], [0, 0.01], [0.1, 0], [0.1, 0.1]])
    assert estimate(BirthdayParadox(0.05), points) == 6


def test_support_of_the_papers_example():
    # Half of the batches of 500 hold a duplicate: about s^2 / (2 log 2).
    assert support_size(500) == pytest.approx(500**2 / (2 * np.log(2)), rel=3e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(1, 100), st.integers(0, 2**16))
def test_nearest_pairs_are_those_of_all_distances(images, count, seed):
    x = np.random.RandomState(seed).standard_normal((images, 2, 2, 1))
    indices, distances = nearest_pairs(x, count)
    every = [
        (np.linalg.norm(x[i] - x[j]), i, j) for i in range(images) for j in range(i + 1, images)
    ]
    expected = sorted(every)[:count]
    np.testing.assert_allclose(distances, [d for d, _, _ in expected], rtol=1e-9)
    assert indices.tolist() == [[i, j] for _, i, j in expected]


def test_round_trip():
    metric = BirthdayParadox(0.5, name="mine")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert again.distance == 0.5 and again.name == "mine"


def test_bad_arguments():
    with pytest.raises(ValueError, match="`distance` must be a positive number"):
        BirthdayParadox(0)
    with pytest.raises(ValueError, match="Do not pass `sample_weight`"):
        BirthdayParadox(1.0).update_state(None, np.zeros((2, 2)), sample_weight=[1, 1])
    with pytest.raises(ValueError, match="`batch_size` must be an integer >= 2"):
        support_size(1)
    with pytest.raises(ValueError, match="`probability` lies in"):
        support_size(10, 1.0)
    with pytest.raises(ValueError, match="Two images or more"):
        nearest_pairs(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="`count` must be an integer >= 1"):
        nearest_pairs(np.zeros((3, 2)), count=0)
