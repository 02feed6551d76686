"""Random numbers that are the same on every backend, replica and device layout.

`keras.random` draws from each framework's own generator, so the same seed gives other noise on
another backend. Here numbers come from the counter-based generator Threefry-2x32 with 20 rounds
(Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"), written in 32-bit
integer operations of `keras.ops`: the number at position `i` of a draw is a function of the seed,
the count of draws before it and `i`. A replica draws its slice of the positions of the global
batch.
"""

import math

import keras
import numpy as np
from keras import ops

from keras_gan import backend

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_KEY_PARITY = 0x1BD11BDA


class SeedGenerator(keras.random.SeedGenerator):
    """The state of a stream of random draws: a seed and the count of draws made.

    Args:
        seed: int in `[0, 2**32)`, or `None` for a fresh one.
        name: str, optional.

    Raises:
        ValueError: if `seed` is no integer in this range.

    Used like `keras.random.SeedGenerator`, also as the `seed` of `keras.random.*`; there, too, each
    replica of a data-parallel run gets numbers of its own.

    Example:
    ```python
    seed_generator = keras_gan.random.SeedGenerator(7)
    noise = keras_gan.random.normal((4, 100), seed_generator)
    ```
    """

    def __init__(self, seed=None, name=None, **kwargs):
        _check_seed(seed)
        # Keras holds seeds as int32 on PyTorch, and refuses those above 2**31 there.
        super().__init__(None if seed is None else 0, name, **kwargs)
        if seed is not None:
            self._initial_seed = int(seed)
            self.state.assign(state_as([seed, 0], self.state.dtype))

    def advance(self):
        """The current `(seed, count)` as an integer tensor of shape `(2,)`; the next differs."""
        return super().next()

    def next(self, ordered=True):
        """A seed for one `keras.random` call, distinct on every replica."""
        state = super().next(ordered)
        replica = backend.replica_id()
        if isinstance(replica, int) and replica == 0:
            return state
        key = ops.cast(state, "int32")
        words = _threefry(key[0], key[1], ops.cast(replica, "int32"), ops.cast(-1, "int32"))
        # Non-negative words convert to every backend's seed type without surprises.
        return ops.cast(ops.bitwise_and(ops.stack(words), 0x7FFFFFFF), state.dtype)


def derived(seed, number):
    """A seed for another stream, such as a dropout layer's, that `seed` determines.

    Args:
        seed: int in `[0, 2**32)`, or `None`.
        number: int >= 0, of the stream.

    Returns:
        int in `[0, 2**32)`, or `None`.

    Raises:
        ValueError: if `seed` is no integer in this range.

    Example:
    ```python
    layer = keras_gan.layers.Dropout(0.5, seed=keras_gan.random.derived(7, 0))
    ```
    """
    _check_seed(seed)
    if seed is None:
        return None
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _check_seed(seed):
    integer = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if seed is not None and not (integer and 0 <= seed < 2**32):
        raise ValueError(f"`seed` is an integer in [0, 2**32) or None. Received: {seed!r}")


def state_as(state, dtype):
    """A stream's state as the integer type of the backend: the same 32 bits in each."""
    return np.asarray(state).astype("uint32").astype(dtype)


def uniform(shape, seed, minval=0.0, maxval=1.0, common=False):
    """Numbers uniform in `[minval, maxval)`.

    Args:
        shape: tuple of int (or scalar integer tensors): the shape of the result.
        seed: `keras_gan.random.SeedGenerator`.
        minval: float.
        maxval: float.
        common: bool, draw the same on all replicas: for what is decided for a whole batch.

    Returns:
        A float32 tensor of the given shape, the same on every backend.

    Example:
    ```python
    epsilon = keras_gan.random.uniform((64, 1, 1, 1), keras_gan.random.SeedGenerator(7))
    ```
    """
    word, _ = _words(shape, seed, common)
    return minval + (maxval - minval) * _unit_interval(word)


def integers(shape, seed, minval, maxval, common=False):
    """Integers uniform in `[minval, maxval)`.

    Args:
        shape: tuple of int (or scalar integer tensors): the shape of the result.
        seed: `keras_gan.random.SeedGenerator`.
        minval: int.
        maxval: int, at most 2**24 more.
        common: bool, see `uniform`.

    Returns:
        An int32 tensor of the given shape, the same on every backend.

    Example:
    ```python
    labels = keras_gan.random.integers((64,), keras_gan.random.SeedGenerator(7), 0, 10)
    ```
    """
    # The largest product, (1 - 2**-24) * n, rounds to less than n.
    draws = uniform(shape, seed, common=common)
    return minval + ops.cast(draws * float(maxval - minval), "int32")


def normal(shape, seed, mean=0.0, stddev=1.0):
    """Numbers from a normal distribution, by the transform of Box and Muller (1958).

    Args:
        shape: tuple of int (or scalar integer tensors): the shape of the result.
        seed: `keras_gan.random.SeedGenerator`.
        mean: float.
        stddev: float.

    Returns:
        A float32 tensor of the given shape, on every backend the same to about 1e-6.

    Example:
    ```python
    latents = keras_gan.random.normal((64, 100), keras_gan.random.SeedGenerator(7))
    ```
    """
    first, second = _words(shape, seed)
    # 1 - u lies in (0, 1]: its logarithm is finite.
    radius = ops.sqrt(-2.0 * ops.log(1.0 - _unit_interval(first)))
    return mean + stddev * radius * ops.cos(2.0 * math.pi * _unit_interval(second))


def _words(shape, seed, common=False):
    """Two random int32 tensors of the given shape."""
    key = ops.cast(seed.advance(), "int32")
    size = 1
    for dimension in shape:
        size = size * dimension
    positions = ops.arange(size, dtype="int32")
    if not common:
        positions = positions + backend.replica_id() * size
    words = _threefry(key[0], key[1], positions, ops.zeros_like(positions))
    return [ops.reshape(word, shape) for word in words]


def _unit_interval(word):
    """int32 words to float32 in [0, 1): the upper 24 bits, each value exact."""
    return ops.cast(_shift_right(word, 8), "float32") * 2.0**-24


def _threefry(key_0, key_1, x_0, x_1):
    # Signed 32-bit additions wrap around on every backend, which is what the cipher needs.
    keys = (key_0, key_1, ops.bitwise_xor(ops.bitwise_xor(key_0, key_1), _KEY_PARITY))
    x_0, x_1 = x_0 + keys[0], x_1 + keys[1]
    for block in range(5):
        for rotation in _ROTATIONS[block % 2]:
            x_0 = x_0 + x_1
            x_1 = ops.bitwise_xor(_rotate_left(x_1, rotation), x_0)
        x_0 = x_0 + keys[(block + 1) % 3]
        x_1 = x_1 + keys[(block + 2) % 3] + (block + 1)
    return x_0, x_1


def _rotate_left(x, bits):
    return ops.bitwise_or(ops.left_shift(x, bits), _shift_right(x, 32 - bits))


def _shift_right(x, bits):
    # `right_shift` of a signed integer copies the sign; mask the copies away.
    return ops.bitwise_and(ops.right_shift(x, bits), (1 << (32 - bits)) - 1)
