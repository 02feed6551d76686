import keras
import numpy as np
import pytest
from keras import ops

import keras_gan
from keras_gan import backend
from keras_gan.augmentation import ADA, Augmentation, get
from keras_gan.regularizers import R1

RNG = np.random.RandomState(0)
EVERYTHING = "bgcfnc"


def to_numpy(x):
    return ops.convert_to_numpy(x)


def blob(x=3.0, y=-5.0, stretch=1):
    """A smooth coloured image with a maximum right of the middle and above it."""
    rows, columns = np.mgrid[:24, :24] - 11.5
    spot = np.exp(-((columns / stretch - x) ** 2 + (rows - y) ** 2) / 18)
    return (spot[None, ..., None] * [0.9, 0.5, -0.4]).astype("float32")


def transformed(images, **amounts):
    """A batch under given amounts, a list of one or two for each transformation."""
    rows = {name: np.tile(np.float32(v), (len(images), 1)) for name, v in amounts.items()}
    tensors = {name: ops.convert_to_tensor(v) for name, v in rows.items()}
    return to_numpy(ADA(EVERYTHING).transform(ops.convert_to_tensor(images), tensors))


def augmented(augmentation, images, seed=7, **options):
    seed = keras_gan.random.SeedGenerator(seed)
    return to_numpy(augmentation(ops.convert_to_tensor(images), seed, 0, **options))


def test_what_each_transformation_of_place_does():
    image = blob()
    # A pixel of a smooth image is off by 1e-2 or so, because the filter is not symmetric.
    smooth = {"atol": 0.03}
    np.testing.assert_allclose(transformed(image, xflip=[1]), image[:, :, ::-1], **smooth)
    turned = transformed(image, rotate90=[1])
    np.testing.assert_allclose(turned, np.rot90(image, 1, (1, 2)), **smooth)
    np.testing.assert_allclose(transformed(image, rotate90=[4]), image, **smooth)
    # A share of the side, rounded: 3 pixels to the right, 2 up.
    moved = transformed(image, xint=[0.12, -0.09])
    np.testing.assert_allclose(moved, blob(x=6.0, y=-7.0), **smooth)
    moved = transformed(image, xfrac=[0.5 / 24, -1.25 / 24])
    np.testing.assert_allclose(moved, blob(x=3.5, y=-6.25), **smooth)
    # Larger by sqrt(2), then wider by as much and lower: what was at x = 3 is at 6.
    wide = transformed(image, scale=[0.5], aniso=[0.5])
    np.testing.assert_allclose(wide, blob(stretch=2), **smooth)
    # Two eighths of a turn are a quarter, wherever they are made.
    np.testing.assert_allclose(
        transformed(image, rotate_pre=[np.pi / 4], rotate_post=[np.pi / 4]),
        transformed(image, rotate90=[1]),
        atol=1e-4,
    )


def test_what_each_transformation_of_colour_does():
    images = RNG.uniform(-1, 1, (2, 5, 6, 3)).astype("float32")
    gray = images.mean(-1, keepdims=True)
    close = {"atol": 1e-5}
    np.testing.assert_allclose(transformed(images, brightness=[0.3]), images + 0.3, **close)
    np.testing.assert_allclose(transformed(images, contrast=[-1]), images / 2, **close)
    np.testing.assert_allclose(transformed(images, lumaflip=[1]), images - 2 * gray, **close)
    # A third of the colour wheel: red becomes green, green blue, blue red.
    third = transformed(images, hue=[2 * np.pi / 3])
    np.testing.assert_allclose(third, np.roll(images, 1, -1), **close)
    np.testing.assert_allclose(
        transformed(images, saturation=[2]), gray + 4 * (images - gray), **close
    )
    # Brightness first: contrast and the rest multiply it.
    np.testing.assert_allclose(
        transformed(images, saturation=[-30], brightness=[0.5], contrast=[1], lumaflip=[1]),
        np.broadcast_to(-2 * (gray + 0.5), images.shape),
        **close,
    )
    # Gray images have no hue.
    np.testing.assert_allclose(
        transformed(gray, brightness=[0.5], contrast=[1]), 2 * (gray + 0.5), **close
    )


def test_what_the_corruptions_do():
    images = RNG.standard_normal((2, 9, 30, 2)).astype("float32")
    np.testing.assert_allclose(transformed(images, imgfilter=[0, 0, 0, 0]), images, atol=1e-5)
    # Without all but the lowest band a checkerboard is gone; with the highest alone it stays.
    board = np.indices((9, 30)).sum(0)[None, ..., None] % 2 * 2.0 - 1
    board = board.astype("float32")
    assert abs(transformed(board, imgfilter=[0, -30, -30, -30])).max() < 1e-3
    high = transformed(board, imgfilter=[-30, -30, -30, 0])
    assert (np.sign(high) == board).all()
    noise = np.float32(RNG.standard_normal(images.shape))
    amounts = {"noise": np.array([[0.5], [0.0]], "float32"), "noise_image": noise}
    amounts = {name: ops.convert_to_tensor(value) for name, value in amounts.items()}
    noisy = to_numpy(ADA("noise").transform(ops.convert_to_tensor(images), amounts))
    np.testing.assert_allclose(noisy - images, noise * [[[[0.5]]], [[[0.0]]]], atol=1e-5)
    cut = transformed(images, cutout=[0.25, 1.0])
    # Columns 0.5/30 to 14.5/30 and rows above 0.75 * 9.
    expected = images.copy()
    expected[:, 7:, :15] = 0
    np.testing.assert_array_equal(cut, expected)


def test_each_is_applied_with_the_probability():
    ada = ADA(EVERYTHING, imgfilter_bands=(1, 1, 0.5, 0))
    drawn = ada.draw((4000, 8, 8, 3), keras_gan.random.SeedGenerator(1))
    amounts = {k: to_numpy(v) for k, v in ada.amounts(drawn, 0.4).items() if k != "noise_image"}
    shares = {name: (value != 0).mean(0) for name, value in amounts.items()}
    # A mirror, a turn or a luma flip of zero times is among the choices.
    for name, share in {"xflip": 0.2, "rotate90": 0.3, "lumaflip": 0.2, "scale": 0.4}.items():
        np.testing.assert_allclose(shares.pop(name), share, atol=0.03, err_msg=name)
    np.testing.assert_allclose(shares.pop("imgfilter"), [0.4, 0.4, 0.2, 0], atol=0.03)
    turned = (amounts["rotate_pre"] != 0) | (amounts["rotate_post"] != 0)
    np.testing.assert_allclose(turned.mean(), 0.4, atol=0.03)
    np.testing.assert_allclose(shares.pop("rotate_pre"), shares.pop("rotate_post"), atol=0.03)
    np.testing.assert_allclose((amounts["cutout"][:, 0] >= 0).mean(), 0.4, atol=0.03)
    del shares["cutout"]
    assert len(shares) == 8
    for name, share in shares.items():
        np.testing.assert_allclose(share, 0.4, atol=0.03, err_msg=name)
    applied = {name: value[value != 0] for name, value in amounts.items()}
    spreads = {"scale": 0.2, "aniso": 0.2, "xfrac": 0.125, "brightness": 0.2, "contrast": 0.5}
    for name, stddev in {**spreads, "saturation": 1.0, "imgfilter": 1.0}.items():
        np.testing.assert_allclose(applied[name].std(), stddev, rtol=0.06, err_msg=name)
    for name, largest in {"xint": 0.125, "rotate_pre": np.pi, "hue": np.pi}.items():
        np.testing.assert_allclose(abs(applied[name]).max(), largest, rtol=0.01, err_msg=name)
        np.testing.assert_allclose(applied[name].mean(), 0, atol=0.06 * largest, err_msg=name)
    np.testing.assert_allclose((applied["noise"] ** 2).mean(), 0.01, rtol=0.1)
    # Far above 1, all are applied, both rotations too; strengths multiply p.
    ada = ADA({"rotate": 1.0, "brightness": 0.25})
    always = ada.amounts(ada.draw((50, 8, 8, 3), keras_gan.random.SeedGenerator(1)), 4.0)
    assert list(always) == ["rotate_pre", "rotate_post", "brightness"]
    assert all((to_numpy(value) != 0).all() for value in always.values())


def test_probability_zero_changes_nothing():
    images = RNG.standard_normal((3, 17, 24, 3)).astype("float32")
    np.testing.assert_allclose(augmented(ADA(EVERYTHING), images), images, atol=2e-4)
    state = {"probability": ops.convert_to_tensor(np.float32(1.0))}
    assert abs(augmented(ADA("color"), images, state=state) - images).min() > 1e-5
    # Without transformations of place, it is exact.
    assert (augmented(ADA("noise"), images) == images).all()


# Pixels of the batch below, as computed by this code: the same on every backend.
PIXELS = [
    [-0.2715, -0.2211, -0.3119],
    [0.8819, 0.7925, 0.8561],
    [-0.1111, -0.1097, -0.1118],
    [-0.295, -0.1654, -0.0074],
]


def test_numbers_are_the_same_on_every_backend():
    images = np.concatenate([blob(), -blob(), blob(x=0.0), blob(y=8.0)])
    found = augmented(ADA(EVERYTHING, probability=0.7), images)
    np.testing.assert_allclose(found[:, 5, 16], PIXELS, atol=2e-4)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 2, 1), (11, 5, 3), (8, 13, 1)])
def test_any_size(shape):
    images = RNG.uniform(-1, 1, (4, *shape)).astype("float32")
    found = augmented(ADA(EVERYTHING, probability=1.0), images)
    assert found.shape == images.shape and np.isfinite(found).all()


def test_more_channels_have_no_colours():
    images = RNG.uniform(-1, 1, (2, 6, 6, 4)).astype("float32")
    assert augmented(ADA("bg", probability=1.0), images).shape == images.shape
    with pytest.raises(ValueError, match=r"3 channels .* Received: 4 channels; use .*'bg'"):
        augmented(ADA("bgc"), images)
    gan = keras_gan.DCGAN(image_shape=(16, 16, 4), width=2, latent_dim=4)
    gan.compile(augmentations=[ADA("bg")])
    with pytest.raises(ValueError, match="Received: 4 channels"):
        gan.compile(augmentations=[ADA("bgc")])


def test_second_derivatives():
    images = ops.convert_to_tensor(RNG.standard_normal((2, 6, 5, 3)), "float32")
    weights = keras.Variable(RNG.standard_normal((6, 5, 3)))
    ada = ADA("bgcf", probability=1.0)
    drawn = ada.draw((2, 6, 5, 3), keras_gan.random.SeedGenerator(3))

    def judge(x):
        return ops.sum(weights * ops.square(ada.transform(x, ada.amounts(drawn, 1.0))))

    def penalty():
        _, (slope,) = backend.grads(judge, [images])
        return ops.sum(ops.square(slope)), ()

    (value, _), (gradient,) = backend.value_and_grad(penalty, [weights])
    # It is of second degree in the weights (Euler).
    np.testing.assert_allclose(
        to_numpy(ops.sum(gradient * weights)), 2 * to_numpy(value), rtol=1e-3
    )
    assert abs(to_numpy(gradient)).min() > 0


def make(augmentations, packing=1, **options):
    """A GAN on 4x4 images whose discriminator is linear."""
    generator = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(48), keras.layers.Reshape((4, 4, 3))]
    )
    discriminator = keras.Sequential(
        [keras.Input((4, 4, 3 * packing)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    gan = keras_gan.GAN(generator, discriminator, packing=packing, seed=0)
    still = {f"{p}_optimizer": keras.optimizers.SGD(0.0) for p in ("generator", "discriminator")}
    gan.compile(augmentations=augmentations, **still, **options)
    return gan


class Twice(Augmentation):
    """Twice the contrast for all images."""

    def __call__(self, images, seed, step, state=None):
        return 2.0 * images


def test_r1_is_about_the_images_before_they_are_augmented():
    x = np.float32(RNG.uniform(-1, 1, (6, 4, 4, 3)))
    for packing in (1, 2):
        plain, twice = (make(a, packing, regularizers=[R1(1.0)]) for a in ([], [Twice()]))
        twice.set_weights(plain.get_weights())
        logs = [gan.train_on_batch(x, return_dict=True) for gan in (plain, twice)]
        slope = to_numpy(plain.discriminator.layers[-1].kernel)
        np.testing.assert_allclose(logs[0]["r1"], (slope**2).sum(), rtol=1e-5)
        np.testing.assert_allclose(logs[1]["r1"], 4 * logs[0]["r1"], rtol=1e-5)


def test_signs_of_real_logits_are_counted_in_all_phases():
    ada = ADA("noise")
    gan = make([ada], regularizers=[R1(1.0, interval=2)], packing=2)
    gan.discriminator.layers[-1].kernel.assign(np.zeros((96, 1)))
    gan.discriminator.layers[-1].bias.assign([-3.0])
    x = np.zeros((8, 4, 4, 3), "uint8")
    counts = []
    for _ in range(3):
        gan.train_on_batch(x)
        state = {name: to_numpy(v) for name, v in gan.augmentation_state(ada).items()}
        counts.append(state["evaluations"].item())
        assert state["signs"] == -state["evaluations"]
    # Four packs, and once more in every second step.
    assert counts == [8, 12, 20]
    # Held-out images do not count, nor do generated ones.
    gan.evaluate(x, verbose=0)
    assert to_numpy(gan.augmentation_state(ada)["evaluations"]) == 20


def test_state_is_saved(tmp_path):
    gan = make([ADA("noise", probability=0.25)])
    state = gan.augmentation_state(gan.augmentations[0])
    assert to_numpy(state["probability"]) == 0.25
    state["probability"].assign(0.5)
    gan.train_on_batch(np.zeros((4, 4, 4, 3), "uint8"))
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    restored = again.augmentation_state(again.augmentations[0])
    for name, variable in state.items():
        assert to_numpy(variable) == to_numpy(restored[name]), name
    assert to_numpy(restored["probability"]) == 0.5 and to_numpy(restored["evaluations"]) == 4


def test_config():
    arguments = {"pipeline": {"scale": 0.5, "cutout": 2.0}, "probability": 0.3, "scale_std": 0.1}
    arguments.update(imgfilter_bands=[1, 0, 0, 1], cutout_size=0.25)
    ada = ADA(**arguments)
    again = get(keras.saving.serialize_keras_object(ada))
    assert type(again) is ADA and again.get_config() == ada.get_config()
    assert {**ADA().get_config(), **arguments} == ada.get_config()


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"pipeline": "bcg"}, "`pipeline` is one of .*'bgcfnc'.* Received: 'bcg'"),
        ({"pipeline": {"flip": 1}}, "by the names .*'xflip'.* Received: {'flip': 1}"),
        ({"pipeline": {}}, "`pipeline` is one of"),
        ({"pipeline": {"xflip": -1}}, r"`pipeline\['xflip'\]` must be a finite number >= 0"),
        ({"probability": -0.1}, "`probability` must be a finite number >= 0"),
        ({"scale_std": float("nan")}, "`scale_std` must be"),
        ({"hue_max": "1"}, "`hue_max` must be"),
        ({"cutout_size": 1.5}, r"`cutout_size` must be a finite number in \[0, 1\]"),
        ({"imgfilter_bands": (1, 1, 1)}, "`imgfilter_bands` are four strengths"),
        ({"imgfilter_bands": (1, 1, 1, -1)}, "`imgfilter_bands` must be"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        ADA(**arguments)
