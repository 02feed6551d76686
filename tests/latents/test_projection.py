import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from keras_gan import backend, latents
from keras_gan.latents import projection
from keras_gan.metrics import LPIPS, FeatureExtractor, LPIPSNetwork


def cells(pixels):
    """Means over a grid of 4x4 cells."""
    return ops.average_pool(pixels / 127.5 - 1.0, 4, strides=4, data_format="channels_last")


@pytest.fixture(scope="module")
def target(gan):
    return gan.generate(seeds=[7])[0]


@pytest.fixture(scope="module")
def found(gan, target):
    return latents.project(gan, target, steps=40, distance=cells, samples=200)


def test_the_image_comes_closer(gan, target, found):
    assert found.ws.shape == (1, 6, 8) and (found.ws == found.ws[:, :1]).all()
    assert found.distances.shape == (40,) and found.path.shape == (40, 1, 8)
    np.testing.assert_array_equal(found.path[-1], found.ws[0, :1])
    np.testing.assert_array_equal(found.target, target)
    assert found.distances[-5:].mean() < 0.5 * found.distances[0]
    made = gan.generate_from_styles(found.ws, noise=found.noise)
    np.testing.assert_array_equal(made[0], found.image)


def test_the_schedule(gan, found):
    # The learning rate is 0 in the first step.
    w = ops.convert_to_numpy(gan.ema_generator.mapping(np.random.RandomState(123).randn(200, 5)))
    np.testing.assert_allclose(found.path[0][0], w.mean(axis=0), atol=1e-4)
    assert np.abs(found.path[1] - found.path[0]).max() > 1e-4
    moved = np.abs(np.diff(found.path[:, 0], axis=0)).max(axis=1)
    assert moved[-1] < 0.1 * moved.max()


def test_noise_maps_have_no_mean_and_no_structure(found):
    assert [x.shape for x in found.noise] == [(1, side, side, 1) for side in (4, 8, 8, 16, 16)]
    for noise in found.noise:
        np.testing.assert_allclose([noise.mean(), np.square(noise).mean()], [0, 1], atol=1e-5)


def test_the_seed_determines_it(gan, target, found):
    again, other = (
        latents.project(gan, target, steps=2, distance=cells, samples=200, seed=seed)
        for seed in (0, 1)
    )
    assert (again.distances != other.distances).any()
    np.testing.assert_allclose(again.distances[0], found.distances[0], rtol=1e-6)


def test_one_vector_for_each_layer(gan, target):
    found = latents.project(gan, target, "w+", steps=10, distance=cells, samples=200)
    assert found.path.shape == (10, 6, 8)
    assert (found.ws[0, 0] != found.ws[0, 1]).any()


def test_structure_of_noise():
    random = np.random.RandomState(0)
    noise = random.randn(1, 16, 16, 1).astype("float32")
    halved = noise.reshape(1, 8, 2, 8, 2, 1).mean(axis=(2, 4))
    expected = sum(
        np.mean(x * np.roll(x, 1, axis=axis)) ** 2 for x in (noise, halved) for axis in (1, 2)
    )
    value = ops.convert_to_numpy(projection._structure(ops.convert_to_tensor(noise)))
    np.testing.assert_allclose(value, expected, rtol=1e-4)


def test_long_sides_are_shortened():
    pixels = np.arange(512 * 384, dtype="float32").reshape(1, 512, 384, 1)
    short = ops.convert_to_numpy(projection._shortened(ops.convert_to_tensor(pixels)))
    expected = pixels.reshape(1, 256, 2, 192, 2, 1).mean(axis=(2, 4))
    np.testing.assert_allclose(short, expected, rtol=1e-6)


def test_targets(tmp_path):
    random = np.random.RandomState(0)
    array = random.randint(0, 256, (20, 30, 3)).astype("uint8")
    picture = Image.fromarray(array)
    expected = np.asarray(picture.crop((5, 0, 25, 20)).resize((16, 16), Image.Resampling.LANCZOS))
    picture.save(tmp_path / "photo.png")
    for image in (array, picture, tmp_path / "photo.png", str(tmp_path / "photo.png")):
        np.testing.assert_array_equal(projection.read_target(image, (16, 16, 3)), expected)
    gray = projection.read_target(array, (16, 16, 1))
    assert gray.shape == (16, 16, 1)
    assert projection.read_target(gray, (8, 16, 3)).shape == (8, 16, 3)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(OSError, match=r"Cannot decode the image file .*broken\.png"):
        projection.read_target(tmp_path / "broken.png", (16, 16, 3))
    with pytest.raises(FileNotFoundError, match="missing"):
        projection.read_target(tmp_path / "missing.png", (16, 16, 3))
    for bad in (np.zeros((4, 4, 3)), np.zeros((4, 4), "uint8"), None):
        with pytest.raises(ValueError, match=r"uint8 array \(H, W, C\)"):
            projection.read_target(bad, (16, 16, 3))
    for empty in (np.zeros((0, 64, 3), "uint8"), np.zeros((64, 0, 1), "uint8")):
        with pytest.raises(ValueError, match="has no pixels"):
            projection.read_target(empty, (16, 16, 3))
    with pytest.raises(ValueError, match=r"2 channels are no pictures.* Use a model of such"):
        projection.read_target(array, (16, 16, 2))


@pytest.fixture(scope="module")
def lpips():
    network = LPIPSNetwork()
    for weight in network.channel_weights:
        weight.assign(ops.ones(weight.shape))
    return LPIPS(network)


def test_lpips(gan, target, lpips):
    found = latents.project(gan, target, steps=1, distance=lpips, samples=200, style_noise=0.0)
    # What it says of the first image, of the mean w and the first noise.
    random = np.random.RandomState(0)
    noise = [random.standard_normal(x.shape) for x in found.noise]
    first = gan.generate_from_styles(found.path[0], noise=noise, output_type="float")
    expected = lpips.distances((first + 1) * np.float32(127.5), target[None])
    np.testing.assert_allclose(found.distances, expected, rtol=1e-3)


def test_the_pyramid_of_pixels(gan, target):
    pixels = np.random.RandomState(0).uniform(0, 255, (2, 32, 16, 3)).astype("float32")
    levels = latents.pixel_pyramid(ops.convert_to_tensor(pixels))
    expected = pixels / 127.5 - 1
    for i, level in enumerate(levels):
        np.testing.assert_allclose(ops.convert_to_numpy(level), 2**i * expected, atol=1e-5)
        rows, columns = expected.shape[1] // 2, expected.shape[2] // 2
        expected = expected.reshape(2, rows, 2, columns, 2, 3).mean(axis=(2, 4))
    assert len(levels) == 3
    options = {"steps": 1, "samples": 200, "style_noise": 0.0}
    found = latents.project(gan, target, distance=latents.pixel_pyramid, **options)
    assert found.distances[0] > 0


def test_a_distance_of_one_number_for_each_image(gan, target):
    def brightness(pixels):
        return ops.mean(pixels, axis=(1, 2, 3))

    assert latents.project(gan, target, steps=1, distance=brightness, samples=20).distances[0] > 0


def test_numbers_of_numpy(gan, target):
    options = {"steps": np.int64(1), "samples": 20, "distance": cells}
    found = latents.project(gan, target, learning_rate=np.float32(0.1), **options)
    assert found.distances.shape == (1,)


def test_a_model_and_an_extractor_of_it(gan, target):
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, keras.layers.AveragePooling2D(16)(inputs))
    extractor = FeatureExtractor.from_model(model, value_range=(0, 1), resize="pytorch")
    of_model, of_extractor = (
        latents.project(gan, target, steps=1, distance=d, samples=200) for d in (model, extractor)
    )
    np.testing.assert_allclose(of_model.distances, of_extractor.distances * 255**2, rtol=1e-4)


def test_gray_images(make_gan, lpips):
    gray = make_gan(channels=1)
    image = np.zeros((16, 16, 1), "uint8")
    assert latents.project(gray, image, steps=1, distance=lpips, samples=20).image.shape[2] == 1
    extractor = FeatureExtractor.from_preset("fashion_mnist_classifier")
    found = latents.project(gray, image, steps=1, distance=extractor, samples=20)
    assert np.isfinite(found.distances).all()


def test_a_class(make_gan):
    gan = make_gan(num_classes=2)
    image = np.zeros((16, 16, 3), "uint8")
    starts = [
        latents.project(gan, image, steps=1, distance=cells, samples=20, label=label).path
        for label in (0, 1)
    ]
    assert (starts[0] != starts[1]).any()
    with pytest.raises(ValueError, match="Pass `label`"):
        latents.project(gan, image, steps=1, distance=cells)


def test_without_noise(make_gan):
    gan = make_gan(use_noise=False)
    image = np.zeros((16, 16, 3), "uint8")
    found = latents.project(gan, image, steps=2, distance=cells, samples=20)
    assert found.noise == [] and found.image.shape == (16, 16, 3)


def test_the_model_is_as_before(gan, target):
    before = [np.array(ops.convert_to_numpy(v)) for v in gan.ema_generator.variables]
    latents.project(gan, target, steps=2, distance=cells, samples=20)
    for old, new in zip(before, gan.ema_generator.variables, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))


def test_the_step_is_compiled_once(gan, target):
    calls = []

    def counted(pixels):
        calls.append(pixels)
        return cells(pixels)

    latents.project(gan, target, steps=4, distance=counted, samples=20)
    # PyTorch computes each time; elsewhere there is one trace for the target and one for a step.
    assert len(calls) == (5 if keras.backend.backend() == "torch" else 2)


def test_progress(gan, found):
    frames = list(latents.progress(gan, found, batch_size=16))
    assert len(frames) == 40 and frames[0].shape == (16, 32, 3)
    np.testing.assert_array_equal(frames[3][:, :16], found.target)
    assert np.abs(frames[-1][:, 16:].astype(int) - found.image).max() <= 1
    with pytest.raises(ValueError, match="`batch_size`"):
        latents.progress(gan, found, batch_size=0)
    with pytest.raises(ValueError, match=r"what `keras_gan\.latents\.project` returns"):
        latents.progress(gan, found.ws)


def clean(gan):
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    return FeatureExtractor.from_model(model, resize="clean")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"space": "z"}, "`space` is 'w' or 'w\\+'"),
        ({"steps": 0}, "`steps`"),
        ({"samples": 1}, "`samples`"),
        ({"learning_rate": -1.0}, "`learning_rate`"),
        ({"style_noise": float("inf")}, "`style_noise`"),
        ({"noise_weight": "much"}, "`noise_weight`"),
        ({"distance": 3}, "`distance` is a `keras_gan.metrics.LPIPS`"),
        ({"distance": clean}, "no.*gradient"),
        ({"distance": lambda x: x * float("nan")}, "no finite number at step 0"),
        ({"distance": lambda x: ops.sum(x)}, r"Received: \['float32 \(\)'\]"),
        (
            {"distance": lambda x: [x, ops.concatenate([x, x])]},
            "first axis has length 1",
        ),
        ({"distance": lambda x: ops.cast(x, "int32")}, "a float tensor"),
        ({"distance": lambda x: []}, r"a float tensor.*Received: \[\]"),
        ({"distance": lambda x: None}, "a float tensor"),
        ({"label": 0}, "knows no classes"),
        ({"seed": -1}, "A seed lies in"),
    ],
)
def test_bad_input(gan, target, arguments, message):
    if arguments.get("distance") is clean:
        arguments = {"distance": clean(gan)}
    arguments = {"distance": cells, "steps": 1, "samples": 20, **arguments}
    with pytest.raises(ValueError, match=message):
        latents.project(gan, target, **arguments)


def test_images_that_do_not_fit_the_distance(make_gan, lpips):
    with pytest.raises(ValueError, match=r"takes 3 channels\. .* have 4\. .*--extractor pixels"):
        image = np.zeros((16, 16, 4), "uint8")
        latents.project(make_gan(channels=4), image, steps=1, distance=lpips, samples=20)
    with pytest.raises(ValueError, match="8x8 is too small"):
        lpips.check_size((1, 8, 8, 3))


def test_maps_with_dead_units_have_a_gradient():
    network = LPIPSNetwork()
    black = ops.zeros((1, 16, 16, 3))

    def distance(x):
        return network.compare(network.maps(x), network.maps(black))

    _, (gradient,) = backend.grads(distance, [black])
    assert np.isfinite(ops.convert_to_numpy(gradient)).all()
