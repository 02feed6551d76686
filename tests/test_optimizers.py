import keras
import numpy as np
import pytest
from keras import optimizers

from keras_gan import DCGAN
from keras_gan.optimizers import Adam, AdversarialOptimizer, two_time_scale

ONES = keras.ops.ones(3)


def variables(count):
    return [keras.Variable(np.ones(3, "float32"), name=f"v{i}") for i in range(count)]


def make(**options):
    optimizer = AdversarialOptimizer(
        {"generator": optimizers.Adam(1e-3), "discriminator": optimizers.SGD(1e-2, momentum=0.9)},
        **options,
    )
    trained = {"generator": variables(2), "discriminator": variables(1)}
    optimizer.build_players(trained)
    return optimizer, trained


def test_it_presents_the_state_of_all_players():
    optimizer, trained = make()
    ids = [id(v) for v in optimizer.variables]
    assert len(set(ids)) == len(ids)
    for player in optimizer.players.values():
        assert {id(v) for v in player.variables} <= set(ids)
    # Adam: counter, rate, two moments for each of two; SGD: counter, rate, one for each of one.
    assert [len(p.variables) for p in optimizer.players.values()] == [6, 3]
    # Keras builds `model.optimizer` with all the model's variables: they are the players' already.
    optimizer.build(trained["generator"] + trained["discriminator"])
    assert [id(v) for v in optimizer.variables] == ids


def test_players_by_name_or_config():
    config = optimizers.serialize(optimizers.RMSprop(0.25))
    optimizer = AdversarialOptimizer({"a": "adam", "b": config})
    assert isinstance(optimizer.players["a"], optimizers.Adam)
    assert float(optimizer.players["b"].learning_rate) == 0.25


def test_config_round_trip():
    optimizer, _ = make(name="both")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert isinstance(again, AdversarialOptimizer) and again.name == "both"
    assert list(again.players) == ["generator", "discriminator"]
    assert again.get_config() == optimizer.get_config()


def test_learning_rates_are_the_players_own():
    optimizer, _ = make()
    assert float(optimizer.learning_rate) == pytest.approx(1e-3)
    with pytest.raises(ValueError, match=r"players\['generator'\].learning_rate = 0.5"):
        optimizer.learning_rate = 0.5
    optimizer.players["discriminator"].learning_rate = 0.5
    assert float(optimizer.players["discriminator"].learning_rate) == 0.5


def test_schedules_and_counts_follow_the_first_player():
    schedule = optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.125])
    optimizer = AdversarialOptimizer({"g": optimizers.SGD(schedule), "d": optimizers.SGD(0.5)})
    trained = {"g": variables(1), "d": variables(1)}
    optimizer.build_players(trained)
    assert int(optimizer.iterations) == 0 and float(optimizer.learning_rate) == 1.0
    optimizer.players["g"].apply([ONES], trained["g"])
    assert int(optimizer.iterations) == 1 and float(optimizer.learning_rate) == 0.125


def test_refusals():
    with pytest.raises(ValueError, match="`accumulation_steps` to `compile`"):
        AdversarialOptimizer({"g": optimizers.Adam(gradient_accumulation_steps=2)})
    scaled = optimizers.LossScaleOptimizer(optimizers.Adam(gradient_accumulation_steps=2))
    with pytest.raises(ValueError, match="`accumulation_steps` to `compile`"):
        AdversarialOptimizer({"g": scaled})
    shared = optimizers.Adam()
    with pytest.raises(ValueError, match=r"optimizer of its own. Received: .* for 'd'"):
        AdversarialOptimizer({"g": shared, "d": shared})
    optimizer, _ = make()
    with pytest.raises(ValueError, match="has no update of its own"):
        optimizer.apply([np.ones(3)])
    with pytest.raises(ValueError):
        AdversarialOptimizer({"g": "no such optimizer"})


def test_an_optimizer_of_other_variables_is_refused():
    optimizer, trained = make()
    # The same ones again: the moments go on.
    AdversarialOptimizer(optimizer.players).build_players(trained)
    with pytest.raises(ValueError, match="holds the state of other variables"):
        AdversarialOptimizer(optimizer.players).build_players(
            {"generator": trained["generator"][:1], "discriminator": trained["discriminator"]}
        )


def test_finalize_writes_averaged_weights():
    optimizer = AdversarialOptimizer({"g": optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)})
    (v,) = variables(1)
    optimizer.build_players({"g": [v]})
    optimizer.players["g"].apply([0.5 * ONES], [v])
    optimizer.players["g"].apply([0.5 * ONES], [v])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(v), 0.0)
    optimizer.finalize_variable_values([v])
    assert (keras.ops.convert_to_numpy(v) > 0).all()


def test_two_time_scale():
    arguments = two_time_scale(1e-3, 3e-3)
    rates = [
        float(arguments[f"{p}_optimizer"].learning_rate) for p in ("generator", "discriminator")
    ]
    np.testing.assert_allclose(rates, [1e-3, 3e-3], rtol=1e-6)
    gan = DCGAN((16, 16, 1), latent_dim=2, width=2)
    gan.compile(loss="hinge", **arguments)
    assert gan.discriminator_steps == 1


def test_state_beside_the_players():
    optimizer = AdversarialOptimizer({"generator": "sgd"})
    count = optimizer.add_state("mine.count", np.int32(3))
    mean = optimizer.add_state("mine.mean", np.ones((2, 2), "float32"))
    assert not count.trainable and {id(count), id(mean)} <= {id(v) for v in optimizer.variables}
    store = {}
    optimizer.save_own_variables(store)
    assert sorted(store) == ["mine.count", "mine.mean"]
    count.assign(5)
    optimizer.load_own_variables(store)
    assert int(count) == 3
    with pytest.warns(
        UserWarning, match=r"state of augmentations and regularizers is not loaded: .*\[\]"
    ):
        optimizer.load_own_variables({})


@pytest.mark.parametrize("beta_1, beta_2", [(0.0, 0.99), (0.9, 0.999)])
def test_adam_adds_epsilon_to_the_corrected_moment(beta_1, beta_2):
    """As PyTorch does: for gradients as small as epsilon, Keras' first steps are other ones."""
    gradients = 1e-8 * np.random.RandomState(0).standard_normal((5, 3)).astype("float32")
    ours, plain = (keras.Variable(np.zeros(3, "float32")) for _ in range(2))
    optimizer = Adam(0.1, beta_1, beta_2, epsilon=1e-8)
    keras_adam = optimizers.Adam(0.1, beta_1, beta_2, epsilon=1e-8)
    expected, m, v = np.zeros(3), np.zeros(3), np.zeros(3)
    for t, gradient in enumerate(gradients.astype("float64"), 1):
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + (1 - beta_2) * gradient**2
        corrected = m / (1 - beta_1**t), np.sqrt(v / (1 - beta_2**t))
        expected -= 0.1 * corrected[0] / (corrected[1] + 1e-8)
        for adam, variable in ((optimizer, ours), (keras_adam, plain)):
            adam.apply([keras.ops.convert_to_tensor(gradients[t - 1])], [variable])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(ours), expected, rtol=1e-3)
    assert np.abs(keras.ops.convert_to_numpy(plain) / expected - 1).max() > 0.1


def test_adam_round_trip():
    optimizer = Adam(0.1, 0.5, 0.9, epsilon=1e-6, weight_decay=0.1)
    config = keras.saving.serialize_keras_object(optimizer)
    assert config["registered_name"] == "keras_gan>Adam"
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is Adam and again.get_config() == optimizer.get_config()
    assert again.get_config()["epsilon"] == 1e-6
