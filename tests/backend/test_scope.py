import inspect

import keras
import numpy as np
from keras import ops

from keras_gan.backend.scope import DeferredScope, commit, is_inside


def variable(value):
    return keras.Variable(np.float32(value), name="v")


def number(v):
    return float(ops.convert_to_numpy(v.value))


def test_what_is_used_of_keras_stateless_scope_exists():
    # DeferredScope relies on these; a release of Keras that changes them must fail here first.
    v = variable(1.0)
    with keras.StatelessScope([(v, ops.convert_to_tensor(np.float32(2.0)))]) as outer:
        with keras.StatelessScope() as inner:
            assert inner.original_scope is outer
            v.assign(5.0)
        assert float(inner.state_mapping[id(v)]) == 5.0
        assert float(outer.state_mapping[id(v)]) == 2.0
    assert outer.original_scope is None
    parameters = inspect.signature(keras.StatelessScope.add_update).parameters
    assert list(parameters) == ["self", "update"]
    parameters = inspect.signature(keras.StatelessScope.get_current_value).parameters
    assert list(parameters) == ["self", "variable"]


def test_writes_are_held_back_until_commit():
    v = variable(1.0)
    with DeferredScope() as scope:
        v.assign(2.0)
        v.assign_add(1.0)
        assert number(v) == 3.0
    assert number(v) == 1.0
    assert scope.written == [v]
    commit(*scope.updates())
    assert number(v) == 3.0


def test_reads_fall_through_to_the_enclosing_scopes():
    v, w = variable(1.0), variable(10.0)
    with keras.StatelessScope([(v, ops.convert_to_tensor(np.float32(2.0)))]):
        with DeferredScope():
            assert number(v) == 2.0
            v.assign(3.0)
            with DeferredScope() as innermost:
                assert number(v) == 3.0
                assert number(w) == 10.0
                w.assign(number(v) + 1)
            assert number(w) == 10.0
            commit(*innermost.updates())
            assert number(w) == 4.0
        assert number(v) == 2.0
    assert (number(v), number(w)) == (1.0, 10.0)


def test_an_initial_mapping_is_no_write():
    v, w = variable(1.0), variable(1.0)
    with DeferredScope([(v, ops.convert_to_tensor(np.float32(7.0)))]) as scope:
        assert number(v) == 7.0
        w.assign(2.0)
        v.assign(8.0)
        w.assign(3.0)
    variables, values = scope.updates()
    # In the order of the first write, each once.
    assert [id(x) for x in variables] == [id(w), id(v)]
    assert [float(x) for x in values] == [3.0, 8.0]


def test_is_inside():
    assert not is_inside()
    with DeferredScope():
        assert is_inside()
    with keras.StatelessScope():
        assert is_inside()
    assert not is_inside()
