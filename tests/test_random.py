import keras
import numpy as np
import pytest
from keras import ops

from keras_gan import random

# Random123's known answers for Threefry-2x32 with 20 rounds: key, counter, result.
KNOWN_ANSWERS = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


def numpy_threefry(key, counter):
    """The cipher once more, on unsigned integers, from the paper."""
    mask = 0xFFFFFFFF
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    x, y = (counter[0] + keys[0]) & mask, (counter[1] + keys[1]) & mask
    for i in range(20):
        rotation = (13, 15, 26, 6, 17, 29, 16, 24)[i % 8]
        x = (x + y) & mask
        y = (((y << rotation) | (y >> (32 - rotation))) & mask) ^ x
        if i % 4 == 3:
            j = i // 4 + 1
            x, y = (x + keys[j % 3]) & mask, (y + keys[(j + 1) % 3] + j) & mask
    return x, y


def signed(words):
    return [ops.convert_to_tensor(np.array([w], "uint32").view("int32")) for w in words]


@pytest.mark.parametrize("key, counter, expected", KNOWN_ANSWERS)
def test_known_answers(key, counter, expected):
    words = random._threefry(*signed(key), *signed(counter))
    words = [int(ops.convert_to_numpy(w).view("uint32")[0]) for w in words]
    assert tuple(words) == expected == numpy_threefry(key, counter)


@pytest.mark.parametrize("seed", [0, 7, 2**31 + 5, 2**32 - 1])
def test_uniform_is_the_cipher(seed):
    generator = random.SeedGenerator(seed)
    for count in range(2):
        drawn = ops.convert_to_numpy(random.uniform((2, 3), generator)).reshape(-1)
        words = [numpy_threefry((seed, count), (i, 0))[0] for i in range(6)]
        np.testing.assert_array_equal(drawn, np.float32([(w >> 8) / 2**24 for w in words]))


def test_golden_normal():
    drawn = random.normal((2, 3), random.SeedGenerator(7))
    # From the cipher above, in double precision.
    expected = [[-0.201969, -0.570119, 0.40023], [0.609937, 0.06613, -0.756678]]
    np.testing.assert_allclose(ops.convert_to_numpy(drawn), expected, atol=2e-6)


def test_moments():
    seed = random.SeedGenerator(1)
    u = ops.convert_to_numpy(random.uniform((100_000,), seed, minval=-1.0, maxval=3.0))
    assert u.min() >= -1 and u.max() < 3
    assert abs(u.mean() - 1) < 0.02 and abs(u.var() - 16 / 12) < 0.02
    n = ops.convert_to_numpy(random.normal((100_000,), seed, mean=2.0, stddev=3.0))
    assert n.dtype == "float32" and np.isfinite(n).all()
    standard = (n - 2) / 3
    assert abs(standard.mean()) < 0.02 and abs(standard.var() - 1) < 0.02
    assert abs((standard**3).mean()) < 0.05 and abs((standard**4).mean() - 3) < 0.1
    # Neighbours are independent.
    assert abs(np.corrcoef(standard[:-1], standard[1:])[0, 1]) < 0.02


def test_streams_do_not_repeat():
    draws = set()
    for seed in (0, 1, 2**31, 2**32 - 1):
        generator = random.SeedGenerator(seed)
        for _ in range(3):
            draws.add(tuple(ops.convert_to_numpy(random.uniform((4,), generator)).tolist()))
    assert len(draws) == 12


def test_fresh_seeds_differ():
    a, b = (ops.convert_to_numpy(random.SeedGenerator().state.value) for _ in range(2))
    assert a.tolist() != b.tolist()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "7", True])
def test_seeds_out_of_range(seed):
    with pytest.raises(ValueError, match=r"integer in \[0, 2\*\*32\) or None. Received"):
        random.SeedGenerator(seed)


def test_as_a_keras_seed():
    generator = random.SeedGenerator(2**32 - 1, name="noise")
    first, second = (
        ops.convert_to_numpy(keras.random.normal((8,), seed=generator)) for _ in range(2)
    )
    assert np.isfinite(first).all() and not np.array_equal(first, second)
    again = random.SeedGenerator.from_config(generator.get_config())
    np.testing.assert_array_equal(
        ops.convert_to_numpy(keras.random.normal((8,), seed=again)), first
    )


def test_replicas_draw_their_own_slice(monkeypatch):
    whole = ops.convert_to_numpy(random.uniform((4, 3), random.SeedGenerator(5)))
    keras_seeds = []
    for replica in range(2):
        monkeypatch.setattr("keras_gan.backend.replica_id", lambda replica=replica: replica)
        part = ops.convert_to_numpy(random.uniform((2, 3), random.SeedGenerator(5)))
        np.testing.assert_array_equal(part, whole[2 * replica : 2 * replica + 2])
        keras_seeds.append(ops.convert_to_numpy(random.SeedGenerator(5).next()).tolist())
    assert keras_seeds[0] != keras_seeds[1]


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32"])
def test_a_state_is_the_same_bits_in_each_backends_type(dtype):
    state = np.array([2**32 - 3, 5], "uint32")
    converted = random.state_as(state, dtype)
    assert converted.dtype == dtype
    np.testing.assert_array_equal(random.state_as(converted, "uint32"), state)


def test_import_loads_no_framework_that_keras_does_not(helpers):
    # Anything more would make a user of one backend install another.
    script = """
import sys, keras
before = set(sys.modules)
import keras_gan
frameworks = {"tensorflow", "torch", "jax", "flax", "grain"}
print(sorted(frameworks & (set(sys.modules) - before)))
"""
    assert helpers.run_python(script, backend=keras.backend.backend()).strip() == "[]"


def test_integers_are_the_uniform_numbers_in_steps():
    drawn = random.integers((1000,), random.SeedGenerator(7), -2, 3)
    assert keras.backend.standardize_dtype(drawn.dtype) == "int32"
    uniform = ops.convert_to_numpy(random.uniform((1000,), random.SeedGenerator(7)))
    expected = np.floor(uniform.astype("float64") * 5) - 2
    np.testing.assert_array_equal(ops.convert_to_numpy(drawn), expected)
    assert set(expected) == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize("count", [2, 3, 5, 4097, 2**24 - 1, 2**24])
def test_the_largest_integer_is_below_the_end(count, monkeypatch):
    monkeypatch.setattr(
        random, "uniform", lambda *_, **__: ops.convert_to_tensor(1 - np.float32(2**-24))
    )
    drawn = random.integers((), random.SeedGenerator(7), 0, count)
    assert int(ops.convert_to_numpy(drawn)) == count - 1


def test_derived_seeds():
    seeds = [random.derived(seed, number) for seed in (0, 1) for number in range(3)]
    assert len(set(seeds)) == 6 and all(0 <= seed < 2**32 for seed in seeds)
    assert random.derived(1, 2) == seeds[5]
    assert random.derived(None, 2) is None


def test_common_draws_do_not_depend_on_the_replica(monkeypatch):
    def draws():
        generator = random.SeedGenerator(7)
        return [
            ops.convert_to_numpy(random.uniform((4,), generator)),
            ops.convert_to_numpy(random.uniform((4,), generator, common=True)),
            ops.convert_to_numpy(random.integers((4,), generator, 0, 1000, common=True)),
        ]

    own, *common = draws()
    monkeypatch.setattr(random.backend, "replica_id", lambda: 1)
    other, *same = draws()
    assert not np.isin(other, own).any()
    for first, second in zip(common, same, strict=True):
        np.testing.assert_array_equal(first, second)
