import keras
import numpy as np
import pytest
from keras import ops

import keras_gan
from keras_gan import backend
from keras_gan.losses import ZeroSum
from keras_gan.regularizers import R1, GradientPenalty

REAL = np.random.RandomState(0).uniform(-1, 1, (6, 2)).astype("float32")
Z = np.random.RandomState(1).standard_normal((6, 3)).astype("float32")


def make(helpers, steps=2, cls=keras_gan.UnrolledGAN, layers=(), **options):
    """A GAN on points of the plane; `layers` are the discriminator's after its first."""
    generator = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(2)]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(5, activation="tanh"),
            *layers,
            keras.layers.Dense(1),
        ]
    )
    if cls is keras_gan.UnrolledGAN:
        options["unrolling_steps"] = steps
    gan = cls(generator, discriminator, seed=0, **options)
    helpers.draw_weights(gan.generator, 0)
    helpers.draw_weights(gan.discriminator, 1)
    return gan


def batch():
    return keras_gan.Batch(ops.convert_to_tensor(REAL), latents=ops.convert_to_tensor(Z))


def numpy(values):
    return [np.array(ops.convert_to_numpy(value)) for value in values]


def ahead(gan):
    """The discriminator's trainable weights, some steps ahead."""

    def read():
        with gan.steps_ahead(gan.generate_fakes(batch()), batch()):
            # Tensors of their own: what is assigned later is not seen.
            return [v.value + 0 for v in gan.discriminator.trainable_variables]

    return numpy(backend.detached(read))


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.3),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.Adam(0.02, 0.5, 0.9),
        lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)),
    ],
    ids=["sgd", "momentum", "nesterov", "adam", "schedule"],
)
def test_steps_ahead_are_those_of_the_optimizer(helpers, optimizer):
    gan = make(helpers)
    gan.compile(discriminator_optimizer=optimizer(), regularizers=[R1(2.0)])
    found, made, before = two_steps(gan)
    for value, expected, old in zip(found, made, before, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
        assert not np.allclose(value, old)


def test_steps_ahead_keep_to_constraints(helpers):
    gan = make(helpers)
    keras_gan.constraints.constrain(gan.discriminator, keras_gan.constraints.WeightClip(0.1))
    gan.compile(discriminator_optimizer=keras.optimizers.SGD(0.3))
    found, made, _ = two_steps(gan)
    for value, expected in zip(found, made, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
    assert max(np.abs(value).max() for value in found) == np.float32(0.1)


def two_steps(gan):
    """The discriminator's weights two steps ahead, after these steps, and before them."""
    optimizer = gan.optimizer.players["discriminator"]
    variables = gan.discriminator.trainable_variables

    def make_a_step():
        _, gradients = backend.value_and_grad(lambda: gan.discriminator_loss(batch()), variables)
        backend.apply_gradients(optimizer, gradients, variables)

    # Its moments and its count are those of the moment.
    make_a_step()
    found, before = ahead(gan), numpy(variables)
    make_a_step()
    make_a_step()
    return found, numpy(variables), before


def generator_gradients(gan):
    variables = gan.generator.trainable_variables
    (loss, _), gradients = backend.value_and_grad(lambda: gan.generator_loss(batch()), variables)
    return float(loss), numpy(gradients)


def test_the_gradient_is_that_of_the_loss_after_the_steps(helpers):
    gan = make(helpers)
    gan.compile(discriminator_optimizer=keras.optimizers.SGD(0.5), regularizers=[R1(1.0)])
    loss, gradients = generator_gradients(gan)
    bias = gan.generator.trainable_variables[-1]
    value, shift = numpy([bias])[0], np.array([1e-2, 0], "float32")
    sides = []
    for sign in (1, -1):
        bias.assign(value + sign * shift)
        sides.append(generator_gradients(gan)[0])
    difference = (sides[0] - sides[1]) / 2e-2
    np.testing.assert_allclose(gradients[-1][0], difference, rtol=5e-3)
    # Neither that of the discriminator as it is, nor the one that takes the steps as given.
    bias.assign(value)
    gan.unrolling_steps = 0
    assert abs(generator_gradients(gan)[1][-1][0] / difference - 1) > 0.05
    assert np.isfinite(loss)


def test_without_steps_it_is_the_ordinary_gan(helpers):
    weights = []
    for cls in (keras_gan.GAN, keras_gan.UnrolledGAN):
        gan = make(helpers, steps=0, cls=cls, layers=[keras.layers.BatchNormalization()])
        gan.compile("sgd", "rmsprop", loss="non_saturating", run_eagerly=True)
        gan.train_on_batch(REAL)
        weights.append(numpy([*gan.generator.weights, *gan.discriminator.weights]))
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_dead_unit_has_a_finite_gradient(helpers):
    gan = make(helpers, layers=[keras.layers.Dense(3, activation="relu")])
    gan.discriminator.layers[1].bias.assign([-9.0, -9.0, 0.5])
    gan.compile(discriminator_optimizer=keras.optimizers.Adam(0.01, 0.5, epsilon=1e-8))
    _, gradients = generator_gradients(gan)
    assert all(np.isfinite(g).all() for g in gradients)
    assert any(np.abs(g).max() > 1e-4 for g in gradients)


def test_state_of_the_discriminator(helpers):
    normalization, dropout = keras_gan.layers.BatchNormalization(), keras_gan.layers.Dropout(0.5)
    gan = make(helpers, layers=[normalization, dropout])
    gan.compile(discriminator_optimizer=keras.optimizers.Adam(0.1, 0.5))
    seed = dropout.seed_generator.state
    kept = [*gan.discriminator.weights, *gan.optimizer.variables]
    before, count = numpy(kept), numpy([seed])[0][1]

    def loss():
        fake = gan.generate_fakes(batch())
        with gan.steps_ahead(fake, batch()):
            return ops.sum(gan.discriminate(fake, batch())), normalization.moving_mean.value + 0

    (_, mean), gradients = backend.value_and_grad(loss, gan.generator.trainable_variables)
    # A step sees the statistics of the one before; they and the moments are dropped at the end.
    assert np.abs(numpy([mean])[0] - numpy([normalization.moving_mean])[0]).max() > 1e-3
    for ours, theirs in zip(before, numpy(kept), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # Noise is never repeated: two steps drew it for two batches each, the loss for one.
    assert numpy([seed])[0][1] - count == 5
    assert all(np.isfinite(g).all() for g in numpy(gradients))


def test_compiled_training_is_eager_training(helpers):
    results = []
    for eager in (False, True):
        gan = make(helpers)
        gan.compile(
            generator_optimizer=keras.optimizers.SGD(0.5),
            discriminator_optimizer=keras.optimizers.Adam(0.02, 0.5, epsilon=1e-4),
            run_eagerly=eager,
        )
        logs = gan.train_on_batch(REAL, return_dict=True)
        results.append([logs["g_loss"], logs["d_loss"], *numpy(gan.generator.weights)])
    for compiled, eager in zip(*results, strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-6)


def test_convolutions_under_a_gradient_penalty(helpers):
    # Derivatives of the third order, through layers that have several forms.
    layers = keras.layers
    generator = keras.Sequential(
        [keras.Input((3,)), layers.Dense(16, activation="tanh"), layers.Reshape((4, 4, 1))]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            keras_gan.layers.Conv2D(2, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            keras_gan.layers.Conv2D(1, 2),
            layers.Flatten(),
        ]
    )
    gan = keras_gan.UnrolledGAN(generator, discriminator, unrolling_steps=1, seed=0)
    helpers.draw_weights(generator, 0)
    helpers.draw_weights(discriminator, 1)
    gan.compile(
        generator_optimizer=keras.optimizers.SGD(1.0),
        discriminator_optimizer=keras.optimizers.Adam(0.05, 0.5, 0.9, epsilon=1e-4),
        regularizers=[GradientPenalty(1.0)],
    )
    images = np.random.RandomState(2).uniform(-1, 1, (4, 4, 4, 1)).astype("float32")
    logs = [gan.train_on_batch(images, return_dict=True) for _ in range(2)][-1]
    found = [logs[name] for name in ("d_loss", "g_loss", "gradient_penalty")]
    # The same on every backend.
    np.testing.assert_allclose(found, [2.098479, -1.369119, 0.636596], rtol=2e-5)


def test_training_evaluation_and_a_saved_model(helpers, tmp_path):
    gan = make(helpers, steps=1)
    gan.compile()
    losses = gan.fit(REAL, batch_size=3, epochs=1, verbose=0, validation_data=REAL).history
    assert losses["g_loss"] and losses["val_g_loss"]
    assert isinstance(gan.adversarial_loss, ZeroSum)
    gan.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras")
    assert again.unrolling_steps == 1
    assert isinstance(again.adversarial_loss, ZeroSum)
    # To the bit: moments, seeds and all.
    for ours, theirs in zip(numpy(gan.variables), numpy(again.variables), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert gan.train_on_batch(REAL) == again.train_on_batch(REAL)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"discriminator_optimizer": "rmsprop"}, "Received: RMSprop"),
        ({"discriminator_optimizer": keras.optimizers.Adam(clipnorm=1.0)}, "Adam, clipnorm=1.0"),
        ({"discriminator_optimizer": keras.optimizers.Adam(amsgrad=True)}, "amsgrad=True"),
        ({"discriminator_optimizer": keras.optimizers.AdamW()}, "weight_decay=0.004"),
        ({"regularizers": [R1(1.0, interval=4)]}, "R1 with interval=4"),
    ],
)
def test_what_cannot_be_unrolled(helpers, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(helpers).compile(**arguments)


@pytest.mark.parametrize("steps", [-1, 1.5, None])
def test_number_of_steps(helpers, steps):
    with pytest.raises(ValueError, match="`unrolling_steps` must be an integer >= 0"):
        make(helpers, steps=steps)
