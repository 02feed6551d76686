import keras
import numpy as np
import pytest
from keras import ops

import keras_gan
from keras_gan import backend, layers, random
from keras_gan.backend.scope import DeferredScope

JAX, TF = (keras.backend.backend() == name for name in ("jax", "tensorflow"))


@pytest.fixture(params=["eager", "compiled"])
def run(request):
    """Runs a function that reads and writes variables, eagerly or compiled."""
    if request.param == "eager" or not (JAX or TF):

        def eager(fn, variables):
            return numpy(fn())

        return eager
    if TF:
        import tensorflow as tf

        return lambda fn, variables: numpy(tf.function(fn)())

    import jax

    def compiled(fn, variables):
        def pure(values):
            with keras.StatelessScope(list(zip(variables, values, strict=True))) as scope:
                result = fn()
            return result, [scope.get_current_value(v) for v in variables]

        result, values = jax.jit(pure)([v.value for v in variables])
        for v, value in zip(variables, values, strict=True):
            v.assign(value)
        return numpy(result)

    return compiled


def numpy(structure):
    return keras.tree.map_structure(ops.convert_to_numpy, structure)


def variable(value, **options):
    return keras.Variable(np.asarray(value, "float32"), **options)


def value(v):
    return ops.convert_to_numpy(v.value)


class TestValueAndGrad:
    def test_gradient_and_aux(self, run):
        v, w = variable([1.0, 2.0]), variable(3.0)

        def step():
            def loss():
                total = ops.sum(ops.square(v)) * w
                return total, {"twice": 2 * total}

            return backend.value_and_grad(loss, [v, w])

        (loss, aux), gradients = run(step, [v, w])
        assert loss == 15.0 and aux["twice"] == 30.0
        np.testing.assert_allclose(gradients[0], [6.0, 12.0])
        np.testing.assert_allclose(gradients[1], 5.0)

    def test_unused_variables_get_zeros(self, run):
        v, unused = variable(2.0), variable([1.0, 1.0])
        _, gradients = run(
            lambda: backend.value_and_grad(lambda: (ops.square(v), {}), [v, unused]), [v, unused]
        )
        assert gradients[0] == 4.0
        np.testing.assert_array_equal(gradients[1], [0.0, 0.0])

    def test_a_constant_loss_has_zero_gradients(self, run):
        v = variable(2.0)

        def step():
            def loss():
                return backend.detached(lambda: ops.square(v)), {}

            return backend.value_and_grad(loss, [v])

        (loss, _), gradients = run(step, [v])
        assert loss == 4.0 and gradients[0] == 0.0

    def test_scaled_loss(self, run):
        v = variable(2.0)
        (loss, _), gradients = run(
            lambda: backend.value_and_grad(
                lambda: (ops.square(v), {}), [v], scale_loss=lambda x: x * 8.0
            ),
            [v],
        )
        assert loss == 4.0 and gradients[0] == 32.0

    def test_state_is_committed_after_the_gradient(self, run):
        v, mean = variable(3.0), variable(1.0, trainable=False)

        def step():
            def loss():
                # Written between two uses, as batch statistics are.
                first = v * mean
                mean.assign(ops.stop_gradient(mean * 10.0))
                return first + v * mean, {}

            return backend.value_and_grad(loss, [v])

        (loss, _), gradients = run(step, [v, mean])
        assert loss == 33.0 and gradients[0] == 11.0
        assert value(mean) == 10.0


class TestGrads:
    def test_of_several_values_and_zeros_where_unconnected(self, run):
        def step():
            x, y, z = (ops.convert_to_tensor(np.float32(n)) for n in (2.0, 3.0, 4.0))
            return backend.grads(lambda x, y, z: x * x * y, [x, y, z])

        output, gradients = run(step, [])
        assert output == 12.0
        assert [float(g) for g in gradients] == [12.0, 4.0, 0.0]

    def test_second_order(self, run):
        # d/dw (d/dx w x^3)^2 = 18 w x^4
        w = variable(2.0)

        def step():
            def loss():
                x = ops.convert_to_tensor(np.float32(3.0))
                _, (slope,) = backend.grads(lambda x: w * x**3, [x])
                return ops.square(slope), {}

            return backend.value_and_grad(loss, [w])

        (loss, _), gradients = run(step, [w])
        np.testing.assert_allclose(loss, 54.0**2)
        np.testing.assert_allclose(gradients[0], 18 * 2 * 81, rtol=1e-6)

    def test_through_a_value_that_depends_on_the_variables(self, run):
        # Path length: the gradient with respect to w(v), differentiated with respect to v.
        v = variable(2.0)

        def step():
            def loss():
                _, (slope,) = backend.grads(lambda w: w**3, [v * v])
                return slope, {}

            return backend.value_and_grad(loss, [v])

        # slope = 3 v^4, derivative 12 v^3.
        (loss, _), gradients = run(step, [v])
        assert loss == 48.0
        np.testing.assert_allclose(gradients[0], 96.0)

    def test_writes_are_committed(self, run):
        count = variable(0.0, trainable=False)

        def step():
            def fn(x):
                count.assign_add(1.0)
                return x * x

            _, gradients = backend.grads(fn, [ops.convert_to_tensor(np.float32(2.0))])
            return gradients

        assert run(step, [count])[0] == 4.0
        assert value(count) == 1.0


class TestVariableGrads:
    def test_is_differentiable_again(self, run):
        # x moves by -0.1 d/dx (x^2 w); then d/dw of its square.
        x, w = variable(2.0), variable(3.0)

        def step():
            def loss():
                _, (slope,) = backend.variable_grads(lambda: x * x * w, [x])
                return ops.square(x - 0.1 * slope), {}

            return backend.value_and_grad(loss, [w])

        # (x - 0.2 x w)^2 = (0.8)^2, its derivative 2 (0.8) (-0.4).
        (loss, _), gradients = run(step, [x, w])
        np.testing.assert_allclose(loss, 0.64, rtol=1e-6)
        np.testing.assert_allclose(gradients[0], -0.64, rtol=1e-6)
        assert value(x) == 2.0

    def test_of_what_an_enclosing_scope_assigned(self, run):
        x = variable(2.0)

        def step():
            with backend.hypothetical():
                x.assign(5.0)
                _, (slope,) = backend.variable_grads(lambda: x * x, [x])
            return slope

        assert run(step, [x]) == 10.0

    def test_writes_are_committed_as_constants(self, run):
        x, mean = variable(2.0), variable(0.0, trainable=False)

        def step():
            def inner():
                mean.assign(x * 10.0)
                return x * x

            def loss():
                with backend.hypothetical(kept=[mean]):
                    backend.variable_grads(inner, [x])
                return x * mean, {}

            return backend.value_and_grad(loss, [x])

        (loss, _), gradients = run(step, [x, mean])
        assert loss == 40.0 and gradients[0] == 20.0 and value(mean) == 20.0


def test_detached_stops_gradients_and_keeps_writes(run):
    v, count = variable(3.0), variable(0.0, trainable=False)

    def step():
        def constant():
            count.assign_add(1.0)
            return {"x": v * v}

        def loss():
            return v * backend.detached(constant)["x"], {}

        return backend.value_and_grad(loss, [v])

    (loss, _), gradients = run(step, [v, count])
    assert loss == 27.0 and gradients[0] == 9.0
    assert value(count) == 1.0


def test_without_updates_drops_writes(run):
    v = variable(1.0)

    def step():
        def fn():
            v.assign(5.0)
            return v * 2

        return backend.without_updates(fn)

    assert run(step, [v]) == 10.0
    assert value(v) == 1.0


def test_hypothetical_writes_are_seen_inside_only(run):
    v, kept = variable(1.0), variable(1.0)

    def step():
        with backend.hypothetical(kept=[kept]):
            v.assign(v * 5.0)
            kept.assign(v * 2.0)
            inside = v * kept
        return inside, v * kept

    assert run(step, [v, kept]) == (50.0, 10.0)
    assert value(v) == 1.0 and value(kept) == 10.0


class TestCond:
    @pytest.mark.parametrize("taken", [True, False])
    def test_writes_of_the_branch_that_is_taken(self, run, taken):
        flag = variable(float(taken), trainable=False)
        a, b, both = variable(0.0), variable(0.0), variable(0.0)

        def step():
            def yes():
                a.assign(1.0)
                both.assign(1.0)
                return ops.convert_to_tensor(np.float32(10.0))

            def no():
                b.assign(2.0)
                both.assign_add(2.0)
                return ops.convert_to_tensor(np.float32(20.0))

            return backend.cond(flag.value > 0.5, yes, no)

        assert run(step, [flag, a, b, both]) == (10.0 if taken else 20.0)
        expected = (1.0, 0.0, 1.0) if taken else (0.0, 2.0, 2.0)
        assert tuple(float(value(v)) for v in (a, b, both)) == expected

    def test_a_seed_drawn_in_a_branch_advances_exactly_when_it_is_taken(self, run):
        step_number = keras.Variable(0, dtype="int32", trainable=False)
        seed = random.SeedGenerator(3)
        drawn = variable([0.0, 0.0], trainable=False)
        variables = [step_number, seed.state, drawn]

        def step():
            def draw():
                drawn.assign(random.uniform((2,), seed))
                return ()

            due = ops.equal(ops.mod(step_number.value, 3), 0)
            backend.cond(due, draw, lambda: ())
            step_number.assign_add(1)
            return ops.zeros(())

        counts, draws = [], []
        for _ in range(6):
            run(step, variables)
            counts.append(int(value(seed.state)[1]))
            draws.append(value(drawn).tolist())
        assert counts == [1, 1, 1, 2, 2, 2]
        assert draws[0] == draws[1] == draws[2] != draws[3] == draws[5]
        other = random.SeedGenerator(3)
        for expected in (draws[0], draws[3]):
            np.testing.assert_array_equal(numpy(random.uniform((2,), other)), expected)

    @pytest.mark.parametrize("scaled", [False, True])
    def test_an_optimizer_steps_in_a_branch(self, run, scaled):
        step_number = keras.Variable(0, dtype="int32", trainable=False)
        v = variable(1.0)
        optimizer = keras.optimizers.SGD(0.1, momentum=0.5)
        if scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=4.0)
        optimizer.build([v])
        variables = [step_number, v, *optimizer.variables]

        def step():
            def update():
                _, gradients = backend.value_and_grad(
                    lambda: (ops.square(v), {}), [v], scale_loss=optimizer.scale_loss
                )
                backend.apply_gradients(optimizer, gradients, [v])
                return ()

            backend.cond(ops.equal(ops.mod(step_number.value, 2), 0), update, lambda: ())
            step_number.assign_add(1)
            return ops.zeros(())

        seen = []
        for _ in range(4):
            run(step, variables)
            seen.append(float(value(v)))
        # v = 1 - 0.2; then momentum 0.5 * -0.2 - 0.1 * 1.6.
        np.testing.assert_allclose(seen, [0.8, 0.8, 0.54, 0.54], rtol=1e-6)
        assert int(value(optimizer.iterations)) == 2

    def test_inside_value_and_grad(self, run):
        # A lazy term inside a differentiated function, with a mean of its own.
        flag, mean, v = (
            variable(1.0, trainable=False),
            variable(0.0, trainable=False),
            variable(2.0),
        )

        def step():
            def loss():
                def term():
                    mean.assign_add(ops.stop_gradient(v) * 1.0)
                    return v * v * v

                extra = backend.cond(flag.value > 0.5, term, lambda: ops.zeros(()))
                return v + extra, {}

            return backend.value_and_grad(loss, [v])

        (loss, _), gradients = run(step, [flag, mean, v])
        assert loss == 10.0 and gradients[0] == 13.0 and value(mean) == 2.0


@pytest.mark.parametrize("scaled", [False, True])
def test_apply_gradients(run, scaled):
    v = variable([1.0, 2.0])
    optimizer = keras.optimizers.SGD(0.5)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=4.0)
    optimizer.build([v])

    def step():
        _, gradients = backend.value_and_grad(
            lambda: (ops.sum(ops.square(v)), {}), [v], scale_loss=optimizer.scale_loss
        )
        backend.apply_gradients(optimizer, gradients, [v])
        return ops.zeros(())

    run(step, [v, *optimizer.variables])
    np.testing.assert_allclose(value(v), [0.0, 0.0])
    assert int(value(optimizer.iterations)) == 1


def test_one_device_is_replica_0():
    assert backend.replica_id() == 0


def test_scopes_nest_through_every_primitive(run):
    # A write seen by a differentiated function inside a deferred scope inside a differentiated one.
    v, state = variable(2.0), variable(1.0, trainable=False)

    def step():
        def inner(x):
            state.assign(ops.stop_gradient(state * 3.0))
            return x * state

        def loss():
            with DeferredScope():
                state.assign(100.0)
            _, (slope,) = backend.grads(inner, [v * 1.0])
            _, (again,) = backend.grads(inner, [v * 1.0])
            return v * (slope + again), {}

        return backend.value_and_grad(loss, [v])

    (loss, _), gradients = run(step, [v, state])
    assert loss == 24.0 and gradients[0] == 12.0 and value(state) == 9.0


class TestPredict:
    def network(self, dtype=None):
        return keras.Sequential(
            [
                keras.Input((3,)),
                keras.layers.Dense(4, dtype=dtype),
                layers.BatchNormalization(dtype=dtype),
                keras.layers.Dropout(0.5, dtype=dtype),
                keras.layers.Reshape((1, 1, 4), dtype=dtype),
                layers.Conv2DTranspose(2, 4, dtype=dtype),
            ]
        )

    @pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
    def test_of_batches(self, dtype):
        network = self.network(dtype)
        x = np.random.RandomState(0).randn(6, 3)
        expected = ops.convert_to_numpy(network(x.astype("float32"), training=False))
        for batch_size in (2, 6, 2):
            found = backend.predict(network, x, batch_size)
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(
                found.astype("float32"),
                expected.astype("float32"),
                atol=1e-6 if dtype == "float32" else 0.05,
            )

    def test_sees_what_the_weights_become(self):
        network, other = self.network(), self.network()
        x = np.ones((1, 3), "float32")
        backend.predict(network, x, 1)
        network.set_weights(other.get_weights())
        expected = ops.convert_to_numpy(other(x, training=False))
        np.testing.assert_allclose(backend.predict(network, x, 1), expected, atol=1e-6)


class TestStore:
    kernel = np.random.RandomState(0).randn(3, 2, 4, 5).astype("float32")

    def test_kernel_keeps_its_value(self):
        kernel = keras.Variable(self.kernel)
        backend.store_kernel(kernel)
        np.testing.assert_array_equal(value(kernel), self.kernel)
        kernel.assign(2 * self.kernel)
        np.testing.assert_array_equal(value(kernel), 2 * self.kernel)

    def test_variables_like_it_keep_theirs(self):
        kernel, slot, other = keras.Variable(self.kernel), variable(self.kernel), variable([1.0])
        backend.store_kernel(kernel)
        backend.store_like([slot, other], [kernel])
        np.testing.assert_array_equal(value(slot), self.kernel)
        np.testing.assert_array_equal(value(other), [1.0])

    @pytest.mark.skipif(JAX or TF, reason="only PyTorch's tensors have a memory order of their own")
    def test_gradients_and_moments_lie_in_memory_as_the_kernel(self):
        layer = layers.Conv2D(5, (3, 2))
        layer.build((None, 8, 8, 4))
        kernel = layer.kernel
        assert kernel.value.permute(3, 0, 1, 2).is_contiguous()
        assert layer.kernel.value.requires_grad
        optimizer = keras_gan.optimizers.AdversarialOptimizer({"generator": "adam"})
        optimizer.build_players({"generator": layer.trainable_variables})
        x = np.ones((2, 8, 8, 4), "float32")
        _, gradients = backend.value_and_grad(
            lambda: (ops.sum(ops.square(layer(x))), ()), layer.trainable_variables
        )
        backend.apply_gradients(
            optimizer.players["generator"], gradients, layer.trainable_variables
        )
        alike = [gradients[0], *(v.value for v in optimizer.variables if v.shape == kernel.shape)]
        assert len(alike) == 3
        assert [v.stride() for v in alike] == [kernel.value.stride()] * 3


def test_observer_reads_what_is_there_and_writes_nothing():
    v = keras.Variable(np.float32(2.0))

    def fn(x):
        _, (gradient,) = backend.value_and_grad(lambda: (v * v * x, {}), [v])
        v.assign_add(1.0)
        return {"value": v * x, "gradient": gradient}

    observe = backend.observer(fn, [v])
    for value in (2.0, 5.0):
        v.assign(value)
        seen = observe(ops.convert_to_tensor(3.0))
        assert float(seen["value"]) == 3 * (value + 1)
        assert float(seen["gradient"]) == 6 * value
        assert float(v.numpy()) == value
