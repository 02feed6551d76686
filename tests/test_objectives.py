"""What changes the players' objectives, in the training step of a model."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gan
from keras_gan import backend, losses, random
from keras_gan.augmentation import Augmentation, DiffAugment, InstanceNoise
from keras_gan.regularizers import (
    DRAGAN,
    R1,
    R2,
    BalancedConsistencyRegularization,
    ConsistencyRegularization,
    GradientPenalty,
    HistoricalAveraging,
    LatentConsistency,
    LatentDiversity,
    LeCam,
    LipschitzPenalty,
    Orthogonal,
    WGANDiv,
)

X = np.random.RandomState(0).randint(0, 256, (24, 4, 4, 1)).astype("uint8")


def networks(packing=1):
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(16, activation="tanh"),
            layers.Reshape((4, 4, 1)),
        ],
        name="generator",
    )
    discriminator = keras.Sequential(
        [
            keras.Input((4, 4, packing)),
            layers.Flatten(),
            layers.Dense(8, activation="tanh"),
            layers.Dense(1),
        ],
        name="discriminator",
    )
    return generator, discriminator


def make(packing=1, cls=keras_gan.GAN, **options):
    keras.utils.set_random_seed(1)
    gan = cls(*networks(packing), packing=packing, seed=5)
    gan.compile(**options)
    return gan


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def adam():
    return keras.optimizers.Adam(1e-2, beta_1=0.5)


def check_goes_on(gan, tmp_path):
    """What is saved after two steps goes on with the same numbers, whatever state there is."""
    group = gan.discriminator_steps * gan.accumulation_steps
    history = gan.fit(X, batch_size=12 // group, verbose=0).history
    assert int(gan.step) == 2
    assert all(np.isfinite(value).all() for value in history.values())
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert again.packing == gan.packing
    assert again.get_compile_config() == gan.get_compile_config()
    logs = [model.train_on_batch(X[:12], return_dict=True) for model in (gan, again)]
    assert logs[0] == logs[1]
    state = [[*model.variables, *model.optimizer.variables] for model in (gan, again)]
    assert same(values(state[0]), values(state[1]))
    return history


FLIP = keras_gan.augmentation.FlipShift(1)
FALLING = keras.optimizers.schedules.PolynomialDecay(1.0, 2, 0.5)

# What the discriminator is penalised with.
OF_DISCRIMINATOR = [
    GradientPenalty(1.0, target=0.0),
    LipschitzPenalty(1.0),
    DRAGAN(1.0),
    R1(1.0),
    R2(1.0),
    WGANDiv(1.0),
    LeCam(0.3, start=0, zero_debias=True),
    ConsistencyRegularization(1.0, FLIP),
    BalancedConsistencyRegularization(1.0, 1.0, FLIP),
    LatentConsistency(1.0),
    HistoricalAveraging(1.0),
    Orthogonal(1e-2, "discriminator"),
]
OF_GENERATOR = [HistoricalAveraging(1.0, "generator"), Orthogonal(1e-2), LatentDiversity(0.5)]


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "hinge", "regularizers": [*OF_DISCRIMINATOR, *OF_GENERATOR]},
        {
            "loss": losses.TopK("non_saturating", FALLING),
            "regularizers": [
                LeCam(0.3, start=1, interval=2),
                HistoricalAveraging(1.0, "generator", interval=2),
                ConsistencyRegularization(1.0, FLIP, interval=2),
            ],
            "augmentations": [DiffAugment(), InstanceNoise(FALLING)],
            "ema_decay": keras_gan.schedules.WarmUpDecay(0.9),
        },
        {"loss": losses.FeatureMatching(), "discriminator_steps": 2, "accumulation_steps": 2},
    ],
    ids=["regularizers", "lazy", "feature_matching"],
)
def test_a_run_with_any_of_them_goes_on(options, tmp_path):
    gan = make(generator_optimizer=adam(), discriminator_optimizer=adam(), **options)
    history = check_goes_on(gan, tmp_path)
    assert {regularizer.name for regularizer in gan.regularizers} <= set(history)


@pytest.mark.parametrize("regularizer", OF_DISCRIMINATOR, ids=lambda r: r.name)
def test_a_penalty_of_the_discriminator_has_no_gradient_for_the_generator(regularizer):
    gan = make(regularizers=[regularizer])
    images = ops.convert_to_tensor(X[:6] / np.float32(127.5) - 1)
    variables = gan.trainable_variables

    def penalty():
        context = keras_gan.Context(gan, "discriminator", keras_gan.Batch(images))
        return regularizer.penalty(context), {}

    # Historical averages need a past.
    regularizer.observe(gan.regularizer_state(regularizer), gan.player_variables("discriminator"))
    gan.discriminator.layers[1].kernel.assign(gan.discriminator.layers[1].kernel * 2.0)
    _, gradients = backend.value_and_grad(penalty, variables)
    size = len(gan.generator.trainable_variables)
    assert not any(np.any(g) for g in values(gradients[:size]))
    assert any(np.any(g) for g in values(gradients[size:]))
    assert all(np.isfinite(g).all() for g in values(gradients))


def test_feature_layers():
    gan = make()
    dense, last = gan.discriminator.layers[1:]
    images = ops.convert_to_tensor(X[:6] / np.float32(127.5) - 1)
    for layer in (None, dense.name, 1, -2):
        features = gan.feature_network(layer)(images)
        np.testing.assert_allclose(*values([features, dense(gan.discriminator.layers[0](images))]))
    assert gan.feature_network(last.name)(images).shape == (6, 1)
    for bad in ("conv", 7):
        with pytest.raises(ValueError, match=rf"has the layers .*{dense.name}.* Received: {bad!r}"):
            gan.feature_network(bad)


def test_feature_matching_trains_the_generator_alone(monkeypatch):
    gan = make(loss=losses.FeatureMatching())
    images = ops.convert_to_tensor(X[:6] / np.float32(127.5) - 1)
    monkeypatch.setattr(gan, "generate_fakes", lambda *args: images)
    loss, _ = gan.generator_loss(keras_gan.Batch(images))
    np.testing.assert_allclose(*values([loss]), 0.0)
    monkeypatch.undo()
    before = values(gan.generator.weights)
    gan.train_on_batch(X[:12])
    assert not same(before, values(gan.generator.weights))


def test_what_the_loss_has_computed_is_not_computed_again(monkeypatch):
    calls = []
    discriminate = keras_gan.GAN.discriminate
    monkeypatch.setattr(
        keras_gan.GAN, "discriminate", lambda *args: calls.append(1) or discriminate(*args)
    )
    gan = make(
        regularizers=[LeCam(0.3, start=0), BalancedConsistencyRegularization(augmentation=FLIP)]
    )
    images = ops.convert_to_tensor(X[:6] / np.float32(127.5) - 1)
    gan.discriminator_loss(keras_gan.Batch(images))
    # Real, fake, and both augmented.
    assert len(calls) == 4


def test_historical_averages_count_updates_not_batches():
    gan = make(regularizers=[HistoricalAveraging(1.0)], discriminator_steps=2, accumulation_steps=3)
    gan.train_on_batch(X)
    assert int(gan.regularizer_state(gan.regularizers[0])["values"]) == 2


def test_a_regularizer_may_be_shared_by_models():
    lecam = LeCam(0.3, start=0)
    first, second = make(regularizers=[lecam]), make(regularizers=[lecam])
    first.train_on_batch(X[:12])
    assert int(first.regularizer_state(lecam)["updates"]) == 1
    assert int(second.regularizer_state(lecam)["updates"]) == 0


def test_weights_of_a_run_without_the_regularizer_are_loaded_without_its_state(tmp_path):
    make().save_weights(tmp_path / "gan.weights.h5")
    gan = make(regularizers=[LeCam(0.3)])
    with pytest.warns(UserWarning, match=r"regularizers is not loaded.*\[\].*lecam.fake"):
        gan.load_weights(tmp_path / "gan.weights.h5")


def test_evaluation_leaves_the_state_of_regularizers():
    lecam = LeCam(0.3, start=0)
    gan = make(regularizers=[lecam], loss=losses.TopK())
    gan.evaluate(X, batch_size=12, verbose=0)
    assert int(gan.regularizer_state(lecam)["updates"]) == 0


# Packing ------------------------------------------------------------------------------------------


def test_packed_model(tmp_path):
    gan = make(
        packing=3,
        regularizers=[GradientPenalty(1.0), R1(1.0, interval=2)],
        loss="relativistic",
        generator_optimizer=adam(),
        discriminator_optimizer=adam(),
    )
    assert gan.image_shape == (4, 4, 1) and gan.packing == 3
    history = check_goes_on(gan, tmp_path)
    assert {"gradient_penalty", "r1"} <= set(history)
    assert len(gan.evaluate(X[:6], batch_size=3, verbose=0)) == 4
    assert gan.generate(2, seed=0).shape == (2, 4, 4, 1)


def test_the_packed_discriminator_sees_packs_of_a_kind(monkeypatch):
    gan = make(packing=2)
    seen = []
    discriminate = gan.discriminate
    monkeypatch.setattr(
        gan, "discriminate", lambda x, *args: seen.append(x) or discriminate(x, *args)
    )
    images = ops.convert_to_tensor(X[:4] / np.float32(127.5) - 1)
    gan.discriminator_loss(keras_gan.Batch(images))
    real, fake = values(seen)
    assert real.shape == fake.shape == (2, 4, 4, 2)
    np.testing.assert_array_equal(real[1, ..., 1:], ops.convert_to_numpy(images[3]))


def test_packs_of_one_are_the_plain_model():
    plain, packed = make(), make(packing=1)
    logs = [gan.train_on_batch(X[:12], return_dict=True) for gan in (plain, packed)]
    assert logs[0] == logs[1]


def test_batches_that_hold_a_part_of_a_pack_are_refused():
    gan = make(packing=3)
    message = r"packs of 3 images .* Received: a batch of 8 images.*multiple of 3"
    for call in (
        lambda: gan.fit(X, batch_size=8, verbose=0),
        lambda: gan.evaluate(X, batch_size=8, verbose=0),
        lambda: gan.train_on_batch(X[:8]),
        lambda: gan.test_on_batch(X[:8]),
        # The last batch.
        lambda: gan.fit(X[:20], batch_size=12, verbose=0),
        lambda: gan.evaluate(X[:20], batch_size=12, verbose=0),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert int(gan.step) == 0


def test_a_discriminator_of_single_images_cannot_be_packed():
    with pytest.raises(ValueError, match=r"takes \(4, 4, 1\).*packing=2, it takes 2 .*\(4, 4, 2\)"):
        keras_gan.GAN(*networks(), packing=2)
    for packing in (0, 1.5, True):
        with pytest.raises(ValueError, match="`packing` must be an integer >= 1"):
            keras_gan.GAN(*networks(), packing=packing)


@pytest.mark.parametrize("cls", [keras_gan.DCGAN, keras_gan.WGANGP])
def test_packed_zoo(cls, tmp_path):
    gan = cls((16, 16, 3), latent_dim=2, width=2, packing=2)
    assert gan.discriminator.input_shape == (None, 16, 16, 6)
    assert gan.image_shape == (16, 16, 3)
    gan.save_to_preset(tmp_path / "preset")
    again = keras_gan.GAN.from_preset(tmp_path / "preset")
    assert again.image_shape == (16, 16, 3) and again.packing == 2
    assert same(values(again.weights), values(gan.weights))
    with pytest.raises(ValueError, match="`packing`"):
        cls((16, 16, 3), packing=0)
    with pytest.raises(ValueError, match=r"more than 16384.*packing=100000"):
        cls((16, 16, 3), packing=100000)


# Augmentations ------------------------------------------------------------------------------------


@keras.saving.register_keras_serializable(package="test_objectives")
class Shift(Augmentation):
    """Adds one number for each image, and scales."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def __call__(self, images, seed, step):
        shift = random.uniform((ops.shape(images)[0], 1, 1, 1), seed)
        return self.scale * images + shift + 0.0 * ops.cast(step, "float32")

    def get_config(self):
        return {"scale": self.scale}


def test_augmented_model(tmp_path):
    gan = make(packing=2, augmentations=[Shift(), Shift(0.5)], loss="relativistic")
    check_goes_on(gan, tmp_path)
    # Not where nothing is trained.
    gan.augmentations = [Shift(float("nan"))]
    assert np.isfinite(gan.evaluate(X, batch_size=12, verbose=0)).all()


def test_real_and_generated_images_are_augmented_by_draws_of_their_own(monkeypatch):
    gan = make(augmentations=[Shift()])
    seen = []
    monkeypatch.setattr(
        gan, "discriminate", lambda x, *args: seen.append(x) or gan.discriminator(x)
    )
    images = ops.convert_to_tensor(X[:4] / np.float32(127.5) - 1)
    monkeypatch.setattr(gan, "generate_fakes", lambda *args: images)
    gan.discriminator_loss(keras_gan.Batch(images))
    gan.generator_loss(keras_gan.Batch(images))
    shifts = np.array(values(seen)) - ops.convert_to_numpy(images)
    # Constant over an image, and another for each image of each kind in each update.
    np.testing.assert_allclose(shifts, shifts[:, :, :1, :1] + np.zeros_like(shifts), atol=1e-6)
    assert len(np.unique(shifts[:, :, 0, 0, 0].round(5))) == 12


def test_the_generators_gradient_goes_through_the_augmentation():
    moved = []
    for augmentations in ([], [Shift(0.0)]):
        gan = make(augmentations=augmentations)
        before = values(gan.generator.weights)
        gan.train_on_batch(X[:12])
        moved.append(not same(before, values(gan.generator.weights)))
    assert moved == [True, False]


def test_what_is_no_augmentation_is_refused():
    gan = make()
    with pytest.raises(ValueError, match=r"`augmentations` is a list.*Received: 'color'"):
        gan.compile(augmentations="color")
    with pytest.raises(ValueError, match="An augmentation is an object"):
        gan.compile(augmentations=[3])
