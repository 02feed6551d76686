import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gan
from keras_gan.layers import BatchNormalization, Dropout
from keras_gan.regularizers import R1, R2, GradientPenalty

BACKEND = keras.backend.backend()
RNG = np.random.RandomState(0)
X = RNG.randint(0, 256, (32, 4, 4, 1)).astype("uint8")
LABELS = np.arange(32) % 3


def networks(dropout=0.0, dtype=None):
    """As small as they come, so that a compiled step costs a second."""
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(16, dtype=dtype),
            BatchNormalization(dtype=dtype),
            layers.Activation("tanh", dtype="float32"),
            layers.Reshape((4, 4, 1), dtype="float32"),
        ],
        name="generator",
    )
    discriminator = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Flatten(dtype=dtype),
            layers.Dense(8, activation="tanh", dtype=dtype),
            *([Dropout(dropout, seed=1, dtype=dtype)] if dropout else []),
            layers.Dense(1, dtype="float32"),
        ],
        name="discriminator",
    )
    return generator, discriminator


def make(dropout=0.0, dtype=None, cls=keras_gan.GAN, compiled=True, **options):
    keras.utils.set_random_seed(1)
    gan = cls(*networks(dropout, dtype), seed=5, dtype=dtype)
    if compiled:
        gan.compile(**options)
    return gan


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def adam(rate=1e-2):
    return keras.optimizers.Adam(rate, beta_1=0.5)


@pytest.fixture(scope="module")
def plain():
    """A compiled model that tests may train further; none relies on its weights."""
    return make()


# What fit, evaluate and the others return
# ----------------------------------------------------------


@pytest.fixture(scope="module")
def full():
    """Everything at once: two discriminator steps, accumulation, EMA, a lazy term, validation."""
    gan = make(
        dropout=0.3,
        generator_optimizer=adam(),
        discriminator_optimizer=adam(),
        loss="hinge",
        regularizers=[GradientPenalty(1.0), R1(0.5, interval=2)],
        discriminator_steps=2,
        accumulation_steps=2,
        ema_decay=0.5,
        metrics=[keras.metrics.MeanSquaredError(name="distance")],
    )
    history = gan.fit(
        X, LABELS, batch_size=4, epochs=2, validation_data=(X[:10], LABELS[:10]), verbose=0
    )
    return gan, history


def test_history(full):
    _, history = full
    trained = {"d_loss", "g_loss", "real_logits", "fake_logits", "gradient_penalty", "r1"}
    held_out = {"d_loss", "g_loss", "real_logits", "fake_logits", "distance"}
    assert trained <= set(history.history)
    assert {name for name in history.history if name.startswith("val_")} == {
        f"val_{name}" for name in held_out
    }
    for name in trained | {f"val_{name}" for name in held_out}:
        assert len(history.history[name]) == 2 and np.isfinite(history.history[name]).all()


def test_counts(full):
    gan, history = full
    # 32 images in batches of 4: two steps of four batches in each of two epochs.
    assert history.params["steps"] == 2
    assert int(gan.step) == 4
    players = gan.optimizer.players
    assert int(players["generator"].iterations) == 4
    # Two updates a step, and the lazy one at steps 0 and 2, once for each.
    assert int(players["discriminator"].iterations) == 4 * 2 + 2 * 2


def test_evaluate(full):
    gan, _ = full
    before = values(gan.variables)
    results = gan.evaluate(X[:10], batch_size=4, verbose=0)
    named = gan.evaluate(X[:10], batch_size=4, verbose=0, return_dict=True)
    # In the order of the metrics, without the regularisers; the same numbers the second time.
    names = [name for name in gan.metrics_names if name in named]
    assert [named[name] for name in names] == results
    assert names == ["d_loss", "g_loss", "real_logits", "fake_logits", "distance"]
    # Neither weights nor statistics nor random streams have moved.
    assert same(values(gan.variables), before)


def test_evaluate_is_the_mean_over_images(full):
    gan, _ = full
    images = ops.convert_to_tensor(X[:10] / np.float32(127.5) - 1)
    expected = ops.convert_to_numpy(ops.mean(gan.discriminator(images)))
    # Batches of 4, 4 and 2.
    found = gan.evaluate(X[:10], batch_size=4, verbose=0, return_dict=True)["real_logits"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_on_batch(full):
    gan, _ = full
    logs = gan.train_on_batch(X[:16], return_dict=True)
    assert set(logs) >= {"d_loss", "g_loss", "gradient_penalty", "r1"}
    assert len(gan.test_on_batch(X[:4])) == 5
    with pytest.raises(ValueError, match=r"takes 4 batches of equal size .* Received: 10 images"):
        gan.train_on_batch(X[:10])


def test_predict_and_call(full):
    gan, _ = full
    z = RNG.standard_normal((5, 3)).astype("float32")
    expected = ops.convert_to_numpy(gan.ema_generator(z))
    np.testing.assert_allclose(gan.predict(z, verbose=0), expected, atol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(gan(z)), expected, atol=1e-6)


def test_summary(full):
    gan, _ = full
    lines = []
    gan.summary(print_fn=lines.append, line_length=120)
    text = "\n".join(lines)
    for name in ("generator", "discriminator", "ema_generator"):
        assert name in text
    trained = sum(np.prod(v.shape) for v in gan.trainable_variables)
    assert f"Trainable params: {trained}" in text


def test_export_has_a_clear_end(tmp_path):
    gan = make()
    gan(np.zeros((1, 3), "float32"))
    try:
        gan.export(str(tmp_path / "model"), verbose=False)
    except ValueError as error:
        assert "export" in str(error).lower() or "onnx" in str(error).lower()
    except ImportError as error:
        assert "install" in str(error).lower() or "requires" in str(error).lower()


# Saving
# --------------------------------------------------------------------------------------------


def continue_training(gan):
    return gan.train_on_batch(X[:16], return_dict=True)


@pytest.mark.parametrize("form", ["keras", "weights"])
def test_a_saved_run_goes_on_bit_by_bit(full, tmp_path, form):
    gan, _ = full
    if form == "keras":
        gan.save(tmp_path / "gan.keras")
        again = keras.models.load_model(tmp_path / "gan.keras")
        assert type(again) is keras_gan.GAN and again.discriminator_steps == 2
        assert again.get_compile_config() == gan.get_compile_config()
        assert again.regularizers[1].interval == 2 and again.ema_decay == 0.5
    else:
        gan.save_weights(tmp_path / "gan.weights.h5")
        again = keras_gan.GAN.from_config(gan.get_config())
        again.compile_from_config(gan.get_compile_config())
        again.load_weights(tmp_path / "gan.weights.h5")
    state = [*gan.variables, *gan.optimizer.variables]
    loaded = [*again.variables, *again.optimizer.variables]
    # Networks, averages, step, streams of the model and of its dropout, moments and counters.
    assert same(values(state), values(loaded))
    assert not any(v.trainable for v in again.ema_generator.weights)
    first, second = continue_training(gan), continue_training(again)
    assert first == second
    assert same(values(state), values(loaded))


def test_weights_go_between_a_compiled_and_an_uncompiled_model(full, tmp_path):
    gan, _ = full
    bare = make(dropout=0.3, compiled=False)
    gan.save_weights(tmp_path / "compiled.weights.h5")
    bare.load_weights(tmp_path / "compiled.weights.h5")
    assert same(values(gan.variables), values(bare.variables))
    bare.save_weights(tmp_path / "bare.weights.h5")
    other = make(dropout=0.3)
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer"):
        other.load_weights(tmp_path / "bare.weights.h5")
    assert same(values(other.variables), values(bare.variables))


def test_a_file_of_another_model_is_refused(tmp_path):
    generator, _ = networks()
    generator.save_weights(tmp_path / "g.weights.h5")
    with pytest.raises(ValueError):
        make(compiled=False).load_weights(tmp_path / "g.weights.h5")


class Unregistered(keras_gan.GAN):
    pass


def test_an_unregistered_class_is_refused_when_it_is_saved(tmp_path):
    gan = make(cls=Unregistered, compiled=False)
    with pytest.raises(ValueError, match=r"Unregistered is not registered.*presets.register"):
        gan.save(tmp_path / "gan.keras")
    assert not list(tmp_path.iterdir())


def test_config():
    gan = keras_gan.GAN(*networks(), image_range=(0, 1), seed=3, name="mine")
    again = keras_gan.GAN.from_config(gan.get_config())
    assert again.get_config() == gan.get_config()
    assert again.image_range == (0, 1) and again.name == "mine" and again.latent_dim == 3
    assert keras.models.clone_model(gan).image_shape == (4, 4, 1)


# What is trained
# -----------------------------------------------------------------------------------


def test_trainable_variables_are_the_players(plain):
    trained = [*plain.generator.trainable_variables, *plain.discriminator.trainable_variables]
    assert [id(v) for v in plain.trainable_variables] == [id(v) for v in trained]
    together = [*plain.trainable_variables, *plain.non_trainable_variables]
    assert sorted(map(id, together)) == sorted(map(id, plain.variables))


def test_averages_stay_frozen(plain):
    for value in (False, True):
        plain.trainable = value
        assert not any(v.trainable for v in plain.ema_generator.weights)
        assert not plain.ema_generator.trainable_variables
    assert len(plain.trainable_variables) == 8


def test_layers_frozen_after_compile():
    gan = make()
    layer = gan.discriminator.layers[1]
    layer.trainable = False
    for call in (
        lambda: gan.fit(X, verbose=0),
        lambda: gan.train_on_batch(X),
        lambda: gan.evaluate(X, verbose=0),
        lambda: gan.test_on_batch(X),
    ):
        with pytest.raises(ValueError, match=r"discriminator were frozen.*Call `compile` again"):
            call()
    gan.compile()
    before, others = values(layer.weights), values(gan.discriminator.layers[2].weights)
    gan.train_on_batch(X)
    assert same(values(layer.weights), before)
    assert not same(values(gan.discriminator.layers[2].weights), others)
    gan.trainable = False
    with pytest.raises(ValueError, match="Call `compile` again"):
        gan.fit(X, verbose=0)


def test_ema():
    gan = make(generator_optimizer=adam(0.1), ema_decay=0.75)
    before = values(gan.generator.weights)
    gan.train_on_batch(X)
    for old, new, average, v in zip(
        before,
        values(gan.generator.weights),
        values(gan.ema_generator.weights),
        gan.generator.weights,
        strict=True,
    ):
        expected = 0.75 * old + 0.25 * new if v.trainable else new
        np.testing.assert_allclose(average, expected, rtol=1e-6, atol=1e-7)


def test_without_ema_the_copy_is_exact(plain):
    plain.train_on_batch(X)
    assert same(values(plain.generator.weights), values(plain.ema_generator.weights))


@keras.saving.register_keras_serializable(package="test_gan")
class Still(keras_gan.GAN):
    """The same latents for every image: no noise that depends on how batches are cut."""

    def sample_latents(self, count):
        return ops.ones((count, 3))


def sgd(generator=0.1, discriminator=0.1):
    return {
        "generator_optimizer": keras.optimizers.SGD(generator),
        "discriminator_optimizer": keras.optimizers.SGD(discriminator),
    }


def test_accumulation_is_the_mean_over_microbatches():
    gans = [make(cls=Still, **sgd(), accumulation_steps=n) for n in (1, 4)]
    for gan in gans:
        gan.train_on_batch(X)
    # The discriminator has no batch statistics: four batches of 8 are one of 32.
    for a, b in zip(*(values(gan.discriminator.weights) for gan in gans), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert [int(gan.optimizer.players["discriminator"].iterations) for gan in gans] == [1, 1]


def test_each_discriminator_step_has_its_own_batch():
    by_hand, grouped = (make(cls=Still, **sgd(0.0), discriminator_steps=n) for n in (1, 2))
    grouped.train_on_batch(X)
    for half in (X[:16], X[16:]):
        by_hand.train_on_batch(half)
    for a, b in zip(
        values(by_hand.discriminator.weights), values(grouped.discriminator.weights), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_reuse_latents():
    gan = make(reuse_latents=True)
    before = int(ops.convert_to_numpy(gan.seed_generator.state.value)[1])
    gan.train_on_batch(X)
    assert int(ops.convert_to_numpy(gan.seed_generator.state.value)[1]) == before + 1
    with pytest.raises(ValueError, match=r"`reuse_latents=True` needs .* discriminator_steps=2"):
        gan.compile(reuse_latents=True, discriminator_steps=2)


def test_learning_rates_can_be_changed_without_compiling(plain):
    rates = {name: float(p.learning_rate) for name, p in plain.optimizer.players.items()}
    plain.train_on_batch(X)
    plain.optimizer.players["generator"].learning_rate = 0.0
    before = values(plain.generator.trainable_variables), values(plain.discriminator.weights)
    plain.train_on_batch(X)
    assert same(values(plain.generator.trainable_variables), before[0])
    assert not same(values(plain.discriminator.weights), before[1])
    plain.optimizer.players["generator"].learning_rate = rates["generator"]


# Lazy regularisers
# ---------------------------------------------------------------------------------


def test_a_lazy_regulariser_is_due_in_every_kth_step():
    gan = make(**sgd(0.0, 0.0), regularizers=[R2(2.0, interval=3)])
    counts = []
    for _ in range(7):
        gan.train_on_batch(X[:8])
        counts.append(int(gan.optimizer.players["discriminator"].iterations))
    assert np.diff([0, *counts]).tolist() == [2, 1, 1, 2, 1, 1, 2]
    assert int(gan.step) == 7


def test_a_lazy_regulariser_has_k_times_the_weight():
    # One plain SGD update by it alone: the adversarial part has no gradient.
    moved = []
    for regularizer in (R1(1.0), R1(0.25, interval=4)):
        gan = make(cls=Still, loss=Nothing(), regularizers=[regularizer], **sgd())
        before = values(gan.discriminator.weights)
        gan.train_on_batch(X[:8])
        after = values(gan.discriminator.weights)
        moved.append([a - b for a, b in zip(after, before, strict=True)])
    assert max(abs(m).max() for m in moved[0]) > 1e-4
    for a, b in zip(*moved, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


class Nothing(keras_gan.losses.AdversarialLoss):
    def discriminator(self, real, fake):
        return 0.0 * ops.mean(real)

    def generator(self, real, fake):
        return 0.0 * ops.mean(fake)


# Errors leave the model usable
# ---------------------------------------------------------------------


class Boom(Exception):
    pass


class Fails(keras.callbacks.Callback):
    def __init__(self, hook):
        super().__init__()

        def fail(*args, **kwargs):
            raise Boom

        setattr(self, hook, fail)


def failing_data():
    yield (X[:8],)
    yield (X[:8],)
    raise Boom


def check_usable(gan):
    assert all(np.isfinite(v).all() for v in values(gan.variables))
    step = int(gan.step)
    gan.train_on_batch(X[:8])
    assert int(gan.step) == step + 1
    assert gan.generate(2, seed=0).shape == (2, 4, 4, 1)
    assert np.isfinite(gan.evaluate(X[:8], batch_size=8, verbose=0)).all()


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end", "on_epoch_end"])
def test_an_exception_in_a_callback(plain, hook):
    with pytest.raises(Boom):
        plain.fit(X, batch_size=8, callbacks=[Fails(hook)], verbose=0)
    check_usable(plain)


@pytest.mark.parametrize("hook", ["on_test_batch_begin", "on_test_batch_end"])
def test_an_exception_in_a_callback_of_evaluate(plain, hook):
    before = values(plain.variables)
    with pytest.raises(Boom):
        plain.evaluate(X, batch_size=8, callbacks=[Fails(hook)], verbose=0)
    assert same(values(plain.variables), before)
    with pytest.raises(Boom):
        plain.fit(X, batch_size=8, validation_data=X, callbacks=[Fails(hook)], verbose=0)
    check_usable(plain)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_an_exception_in_the_data(plain, method):
    # TensorFlow reads generators in a thread of its own and wraps their errors.
    with pytest.raises(Exception, match=None if BACKEND != "tensorflow" else "Boom") as caught:
        getattr(plain, method)(failing_data(), verbose=0)
    assert BACKEND == "tensorflow" or caught.type is Boom
    check_usable(plain)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_an_exception_in_the_first_step(plain, method, monkeypatch):
    def fail(*args):
        raise Boom

    name = {"fit": "adversarial_step", "evaluate": "evaluation_step"}[method]
    make_function = {"fit": "make_train_function", "evaluate": "make_test_function"}[method]
    with monkeypatch.context() as patch:
        patch.setattr(plain, name, fail)
        getattr(plain, make_function)(force=True)
        with pytest.raises(Boom):
            getattr(plain, method)(X, batch_size=8, verbose=0)
    getattr(plain, make_function)(force=True)
    check_usable(plain)


def test_an_interrupted_generate_keeps_the_weights(plain, monkeypatch):
    before = values(plain.ema_generator.weights)

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    plain.generate(2, seed=0)
    with monkeypatch.context() as patch:
        patch.setattr(plain.ema_generator, "_keras_gan_predictor", interrupt)
        with pytest.raises(KeyboardInterrupt):
            plain.generate(2, seed=0)
    assert same(values(plain.ema_generator.weights), before)


# Refusals
# ------------------------------------------------------------------------------------------


def test_weights_of_classes_and_samples_are_refused(plain):
    ones = np.ones(32)
    for call in (
        lambda: plain.fit(X, LABELS, class_weight={0: 2.0}, verbose=0),
        lambda: plain.fit(X, sample_weight=ones, verbose=0),
        lambda: plain.fit(X, validation_data=(X, LABELS, ones), verbose=0),
        lambda: plain.evaluate(X, sample_weight=ones, verbose=0),
        lambda: plain.train_on_batch(X, sample_weight=ones),
        lambda: plain.train_on_batch(X, class_weight={0: 2.0}),
        lambda: plain.test_on_batch(X, sample_weight=ones),
    ):
        with pytest.raises(ValueError, match="has no meaning for an adversarial loss"):
            call()
    with pytest.raises(ValueError, match="sample weights are not used"):
        plain.fit(((X[:8], LABELS[:8], ones[:8]) for _ in range(2)), verbose=0)


FLOATS = (X / 127.5 - 1).astype("float32")


@pytest.mark.parametrize(
    "x, message",
    [
        (X.astype("float32"), r"in \[-1, 1\]. Received: values from .* uint8"),
        (X.astype("int64"), "dtype int64"),
        (X > 127, "dtype bool"),
        (X / 255.0, r"looks like \[0, 1\]"),
        (np.where(X == X[20, 1, 1], np.nan, FLOATS), "NaN"),
        # Beyond the first batch of an array, too.
        (np.where(np.arange(32)[:, None, None, None] == 31, 9.0, FLOATS), "values from -1 to 9"),
        (np.zeros((8, 1, 4, 4), "uint8"), "channels-first"),
        (X[..., 0], "Add the channel axis"),
        (X[:, :2], r"Expected images of shape \(N, 4, 4, 1\). Received: \(32, 2, 4, 1\)"),
        (X[:0], "There are no images"),
        ([X, X], "yields `images`"),
        ((X, LABELS), "yields `images`"),
        ({"image": X}, "yields `images`"),
        (FLOATS.astype("complex64"), "dtype complex64"),
        (None, "image_folder"),
        ("photos", "image_folder"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_images_that_would_be_misread(plain, x, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(plain, method)(x, verbose=0)


def test_samples_may_be_points_of_the_plane():
    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    gan = keras_gan.GAN(generator, discriminator, image_range=(-4, 4), seed=0)
    gan.compile(run_eagerly=True)
    # In a corner of the square, which for an image would look like another range.
    points = np.full((8, 2), 0.5, "float32")
    assert np.isfinite(gan.evaluate(points, verbose=0)).all()
    assert gan.generate(5, seed=0, output_type="float").shape == (5, 2)
    with pytest.raises(ValueError, match=r"shape \(N, 2\). Received: \(8, 3\)"):
        gan.evaluate(np.zeros((8, 3), "float32"))


def test_images_of_every_accepted_kind_are_the_same(plain):
    expected = plain.evaluate(X, batch_size=8, verbose=0)
    tolerance = {"rtol": 1e-5, "atol": 1e-6}
    for x in (
        FLOATS,
        FLOATS.astype("float64"),
        ops.convert_to_tensor(X),
        X[:, ::1].copy(order="F"),
    ):
        np.testing.assert_allclose(
            plain.evaluate(x, batch_size=8, verbose=0), expected, **tolerance
        )
    half = plain.evaluate(FLOATS.astype("float16"), batch_size=8, verbose=0)
    np.testing.assert_allclose(half, expected, rtol=1e-2, atol=1e-3)


def test_not_compiled():
    gan = make(compiled=False)
    for method in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
        with pytest.raises(ValueError, match="compile"):
            getattr(gan, method)(X)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"ema_decay": 1.0}, r"in \[0, 1\). Received: 1.0"),
        ({"ema_decay": "0.9"}, r"in \[0, 1\). Received: '0.9'"),
        ({"discriminator_steps": 0}, "`discriminator_steps` must be an integer >= 1"),
        ({"accumulation_steps": 1.5}, "`accumulation_steps` must be an integer >= 1"),
        ({"loss": "bce"}, "one of the names"),
        ({"regularizers": R1()}, "is a list"),
        ({"regularizers": [R1(), R1(1.0, interval=16)]}, "given once"),
        ({"regularizers": ["r1"]}, "A regularizer is an object"),
        (
            {"generator_optimizer": keras.optimizers.Adam(gradient_accumulation_steps=2)},
            "`accumulation_steps` to `compile`",
        ),
    ],
)
def test_compile_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_a_shared_optimizer_is_refused():
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="optimizer of its own"):
        make(generator_optimizer=optimizer, discriminator_optimizer=optimizer)


@pytest.mark.skipif(BACKEND != "torch", reason="a limit of Keras' PyTorch trainer")
def test_steps_per_execution_on_torch():
    with pytest.raises(
        ValueError, match=r"`steps_per_execution` is 1 on PyTorch.*JAX or TensorFlow"
    ):
        make(steps_per_execution=2)


@pytest.mark.skipif(BACKEND == "torch", reason="a limit of Keras' PyTorch trainer")
def test_steps_per_execution():
    gan = make(steps_per_execution=2)
    gan.fit(X, batch_size=8, verbose=0)
    assert int(gan.step) == 4


def test_networks_that_do_not_fit():
    generator, discriminator = networks()
    with pytest.raises(ValueError, match="The generator must be a functional"):
        keras_gan.GAN(None, discriminator)
    with pytest.raises(ValueError, match="The discriminator must be a functional"):
        keras_gan.GAN(generator, keras.Sequential([layers.Dense(1)]))
    with pytest.raises(ValueError, match=r"of shape \(4, 4, 1\), but .* takes \(3,\)"):
        keras_gan.GAN(generator, generator)
    with pytest.raises(ValueError, match="`image_range` is a pair"):
        keras_gan.GAN(generator, discriminator, image_range=(1, -1))
    with pytest.raises(ValueError, match=r"`ema_generator` must be .* Received: \[\(4, 4, 1, 1\)"):
        other = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(1, 4)])
        keras_gan.GAN(generator, discriminator, ema_generator=other)
    with pytest.raises(ValueError, match=r"integer in \[0, 2\*\*32\)"):
        keras_gan.GAN(generator, discriminator, seed=-1)


# Data
# ----------------------------------------------------------------------------------------------


def test_validation_does_not_change_training():
    def train(**options):
        gan = make(dropout=0.3)
        gan.fit(X, batch_size=8, epochs=2, shuffle=False, verbose=0, **options)
        return values(gan.variables)

    alone = train()
    assert same(train(validation_data=X[:7]), alone)


def test_forms_of_validation_data(plain):
    held_out = {"val_d_loss", "val_g_loss", "val_real_logits", "val_fake_logits"}
    dataset = keras_gan.data.arrays(X[:8], batch_size=4)
    for options in (
        {"x": X, "validation_split": 0.25},
        {"x": X, "y": LABELS, "validation_split": 0.25},
        {"x": X, "validation_data": (X[:10], LABELS[:10]), "validation_batch_size": 4},
        {"x": X, "validation_data": dataset, "validation_freq": 2, "epochs": 2},
        {"x": keras_gan.data.arrays(X, labels=LABELS, batch_size=8), "validation_data": X[:10]},
    ):
        history = plain.fit(**options, verbose=0).history
        assert {name for name in history if name.startswith("val_")} == held_out
    assert len(history["val_d_loss"]) == 1
    with pytest.raises(ValueError, match="`validation_split` goes with arrays"):
        plain.fit(dataset, validation_split=0.5)
    with pytest.raises(ValueError, match=r"Received: \(3, 4, 4, 3\)"):
        plain.fit(X, validation_data=np.zeros((3, 4, 4, 3), "uint8"), verbose=0)


def test_fit_goes_on(plain):
    step = int(plain.step)
    history = plain.fit(X, batch_size=8, epochs=3, initial_epoch=1, verbose=0)
    assert history.epoch == [1, 2] and int(plain.step) == step + 8
    plain.fit(X, batch_size=8, steps_per_epoch=2, verbose=0)
    assert int(plain.step) == step + 10


def test_an_endless_generator(plain):
    def endless():
        while True:
            yield X[:8]

    step = int(plain.step)
    plain.fit(endless(), steps_per_epoch=2, epochs=2, verbose=0)
    assert int(plain.step) == step + 4


def test_a_ragged_last_batch_is_trained_on(plain):
    step = int(plain.step)
    plain.fit(X[:19], batch_size=8, verbose=0)
    assert int(plain.step) == step + 3


def test_epoch_logs_are_means_over_images():
    gan = make(**sgd(0.0, 0.0))
    logs = gan.fit(X[:10], batch_size=4, verbose=0, shuffle=False).history
    images = ops.convert_to_tensor(FLOATS[:10])
    expected = ops.convert_to_numpy(ops.mean(gan.discriminator(images)))
    np.testing.assert_allclose(logs["real_logits"], [expected], atol=1e-6)


# Extending
# -----------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable(package="test_gan")
class WithNorm(keras_gan.GAN):
    """A loss of one's own that logs more."""

    def recipe(self):
        return {**super().recipe(), "loss": "least_squares", "ema_decay": 0.5}

    def log_names(self):
        return [*super().log_names(), "norm"]

    def discriminator_loss(self, batch, training=True):
        loss, logs = super().discriminator_loss(batch, training)
        norm = ops.mean(ops.square(batch.images))
        return loss + 0.0 * norm, {**logs, "norm": norm}


def test_a_loss_of_ones_own(tmp_path):
    gan = make(cls=WithNorm)
    assert isinstance(gan.adversarial_loss, keras_gan.losses.LeastSquares) and gan.ema_decay == 0.5
    history = gan.fit(X, batch_size=8, validation_data=X[:8], verbose=0).history
    np.testing.assert_allclose(history["norm"], (FLOATS**2).mean(), rtol=1e-5)
    np.testing.assert_allclose(history["val_norm"], (FLOATS[:8] ** 2).mean(), rtol=1e-5)
    gan.save(tmp_path / "gan.keras")
    assert type(keras.models.load_model(tmp_path / "gan.keras")) is WithNorm


class Unannounced(WithNorm):
    def log_names(self):
        return keras_gan.GAN.log_names(self)


def test_a_log_that_is_not_announced():
    with pytest.raises(ValueError, match=r"logs \['norm'\].*log_names"):
        make(cls=Unannounced).train_on_batch(X)


def test_compiling_again(plain):
    plain.fit(X, batch_size=8, verbose=0)
    before = values(plain.generator.weights)
    plain.compile(loss="wasserstein", regularizers=[GradientPenalty()], ema_decay=0.9)
    assert same(values(plain.generator.weights), before)
    assert "gradient_penalty" in plain.fit(X, batch_size=8, verbose=0).history
    plain.compile()
    assert "gradient_penalty" not in plain.fit(X, batch_size=8, verbose=0).history


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    gan = make(dtype=policy, regularizers=[GradientPenalty(), R1(1.0, interval=2)], ema_decay=0.5)
    scaled = isinstance(gan.optimizer.players["generator"], keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    before = values(gan.trainable_variables)
    history = gan.fit(X, batch_size=16, verbose=0).history
    assert all(np.isfinite(v).all() for v in history.values())
    after = values(gan.variables)
    assert all(np.isfinite(v).all() for v in after)
    assert not same(values(gan.trainable_variables), before)
    assert {v.dtype for v in gan.trainable_variables} == {"float32"}
    assert int(gan.step) == 2
    assert gan.generate(2, seed=0).dtype == "uint8"


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX always compiles, PyTorch runs eagerly")
def test_xla():
    # Second-order gradients, also in a branch.
    options = {"regularizers": [GradientPenalty(1.0), R1(1.0, interval=2)]}
    graph, compiled = (make(**options, jit_compile=value) for value in (False, True))
    a, b = (gan.train_on_batch(X, return_dict=True) for gan in (graph, compiled))
    assert a.keys() == b.keys()
    np.testing.assert_allclose(list(b.values()), list(a.values()), rtol=1e-5)


@pytest.mark.skipif(BACKEND == "jax", reason="compiles operation by operation: half a minute")
def test_eager_steps_are_the_same():
    compiled, eager = (make(run_eagerly=value) for value in (False, True))
    a, b = (gan.train_on_batch(X, return_dict=True) for gan in (compiled, eager))
    np.testing.assert_allclose(list(b.values()), list(a.values()), rtol=1e-5)


# Callbacks
# -----------------------------------------------------------------------------------------


def test_keras_callbacks(tmp_path, plain):
    checkpoint = tmp_path / "best.keras"
    callbacks = [
        keras.callbacks.ModelCheckpoint(checkpoint, monitor="val_d_loss", mode="min"),
        keras.callbacks.ModelCheckpoint(
            tmp_path / "{epoch}.weights.h5", save_weights_only=True, save_freq=2
        ),
        keras.callbacks.EarlyStopping(
            "g_loss", mode="max", patience=0, min_delta=1e9, restore_best_weights=True
        ),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.BackupAndRestore(tmp_path / "backup"),
        keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: logs.update(rate=plain.optimizer.learning_rate)
        ),
    ]
    history = plain.fit(
        X, batch_size=8, epochs=5, validation_data=X[:8], callbacks=callbacks, verbose=0
    )
    assert len(history.epoch) == 2
    again = keras.models.load_model(checkpoint)
    assert again.generate(1, seed=0).shape == (1, 4, 4, 1)
    assert (tmp_path / "1.weights.h5").exists()
    assert "d_loss" in (tmp_path / "log.csv").read_text()


def test_a_backup_resumes(tmp_path):
    def fit(gan, *callbacks):
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        gan.fit(X, batch_size=8, epochs=3, shuffle=False, callbacks=[backup, *callbacks], verbose=0)

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise Boom

    straight, broken, resumed = (make() for _ in range(3))
    straight.fit(X, batch_size=8, epochs=3, shuffle=False, verbose=0)
    with pytest.raises(Boom):
        fit(broken, Interrupt())
    fit(resumed)
    assert same(values(resumed.variables), values(straight.variables))


def test_callbacks_that_cannot_work_say_so(plain):
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 1e-3)
    with pytest.raises(ValueError, match="Each player has its own learning rate"):
        plain.fit(X, callbacks=[schedule], verbose=0)
    with pytest.warns(UserWarning, match="`TerminateOnNaN` does nothing here"):
        plain.fit(X, callbacks=[keras.callbacks.TerminateOnNaN()], verbose=0)


def test_generate_and_evaluate_in_the_middle_of_fit(plain):
    class Sample(keras.callbacks.Callback):
        images, losses = [], []

        def on_train_batch_end(self, batch, logs=None):
            self.images.append(self.model.generate(2, seed=0))
            self.losses.append(self.model.evaluate(X[:8], batch_size=8, verbose=0)[0])

    plain.compile(generator_optimizer=adam(0.1))
    sample = Sample()
    plain.fit(X, batch_size=8, callbacks=[sample], verbose=0)
    assert len(sample.images) == 4
    assert not np.array_equal(sample.images[0], sample.images[-1])
    np.testing.assert_array_equal(sample.images[-1], plain.generate(2, seed=0))
    assert len(set(sample.losses)) == 4
    plain.compile()


# Sampling
# ------------------------------------------------------------------------------------------


def test_seeds_mean_numpys_random_state(plain):
    z = np.float32([np.random.RandomState(seed).randn(3) for seed in (85, 265)])
    expected = keras_gan.images.to_uint8(ops.convert_to_numpy(plain.ema_generator(z)))
    images = plain.generate(seeds=[85, 265])
    assert images.dtype == "uint8" and images.shape == (2, 4, 4, 1)
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_array_equal(plain.generate(seeds="265,85"), expected[::-1])


def test_batch_size_does_not_matter(plain):
    expected = plain.generate(7, seed=3)
    for batch_size in (1, 3, 7, 100):
        found = plain.generate(7, seed=3, batch_size=batch_size)
        assert np.abs(found.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(plain.generate(4, seed=3), expected[:4])
    assert not np.array_equal(plain.generate(7, seed=4), expected)


def test_fresh_seeds_are_returned(plain):
    images, seeds = plain.generate(3, return_seeds=True)
    np.testing.assert_array_equal(plain.generate(seeds=seeds), images)
    assert plain.generate(3, return_seeds=True)[1] != seeds


def test_output_types(plain):
    floats = plain.generate(2, seed=1, output_type="float")
    assert floats.dtype == "float32" and np.abs(floats).max() <= 1
    levels = plain.generate(2, seed=1)
    np.testing.assert_array_equal(keras_gan.images.to_uint8(floats), levels)
    pictures = plain.generate(2, seed=1, output_type="pil")
    np.testing.assert_array_equal(np.asarray(pictures[1]), levels[1, ..., 0])


def test_the_network_in_training():
    gan = make(generator_optimizer=adam(0.5), ema_decay=0.99)
    gan.train_on_batch(X)
    averaged, current = (gan.generate(4, seed=0, ema=value) for value in (True, False))
    assert not np.array_equal(averaged, current)


def test_image_range():
    generator, discriminator = networks()
    generator = keras.Sequential([keras.Input((3,)), generator, layers.Rescaling(0.5, 0.5)])
    gan = keras_gan.GAN(generator, discriminator, image_range=(0, 1), seed=1)
    floats = gan.generate(4, seed=0, output_type="float")
    z = keras_gan.latents.from_seeds(keras_gan.latents.draw_seeds(4, 0), 3)
    inside = ops.convert_to_numpy(generator(z))
    np.testing.assert_allclose(floats, 2 * inside - 1, atol=1e-5)
    x = ops.convert_to_numpy(gan.to_network_range(ops.convert_to_tensor(X)))
    np.testing.assert_allclose(x, X / 255, atol=1e-6)


@pytest.mark.parametrize(
    "options, message",
    [
        ({}, "Say either how many"),
        ({"count": 2, "seeds": [1, 2]}, "Say either how many"),
        ({"seeds": [1], "seed": 3}, "cannot be combined"),
        ({"count": 0}, "integer >= 1"),
        ({"count": 2, "seed": -1}, "lies in"),
        ({"seeds": [-1]}, "lies in"),
        ({"seeds": [2**32]}, "lies in"),
        ({"seeds": []}, "No seeds given"),
        ({"count": 2, "batch_size": 0}, "`batch_size` must be an integer >= 1"),
        ({"count": 2, "output_type": "jpeg"}, "'uint8', 'float' or 'pil'"),
        ({"count": 2, "labels": [0, 1]}, "is not conditional"),
        ({"count": 2, "truncation": 0.0}, "`truncation`"),
    ],
)
def test_generate_refuses(plain, options, message):
    with pytest.raises(ValueError, match=message):
        plain.generate(**options)


def test_a_diverged_model_says_so():
    gan = make(compiled=False)
    gan.ema_generator.set_weights([np.full(w.shape, np.nan) for w in gan.ema_generator.weights])
    with pytest.raises(ValueError, match="has diverged"):
        gan.generate(1)


def test_losses_of_ones_own_half_precision_networks_are_scaled():
    half = keras_gan.DCGAN((16, 16, 1), latent_dim=2, width=2, dtype="mixed_float16")
    gan = keras_gan.GAN(half.generator, half.discriminator)
    gan.compile()
    for optimizer in gan.optimizer.players.values():
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
