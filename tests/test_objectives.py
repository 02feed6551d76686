"""What changes the players' objectives, in the training step of a model."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gan
from keras_gan import random
from keras_gan.augmentation import Augmentation
from keras_gan.regularizers import R1, GradientPenalty

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
    history = gan.fit(X, batch_size=12, verbose=0).history
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
