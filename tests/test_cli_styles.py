import numpy as np
import pytest
from PIL import Image

import keras_gan
from keras_gan import cli


def save(folder, channels=3, **arguments):
    gan = keras_gan.StyleGAN2(
        (16, 16, channels),
        latent_dim=5,
        style_dim=8,
        mapping_layers=1,
        channel_base=128,
        channel_max=8,
        seed=0,
        **arguments,
    )
    for layer in gan.ema_generator.synthesis.noise_layers:
        layer.noise_strength.assign(0.5)
    gan.save_to_preset(folder)
    return str(folder)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    return save(tmp_path_factory.mktemp("presets") / "rgb")


@pytest.fixture(scope="module")
def gray(tmp_path_factory):
    return save(tmp_path_factory.mktemp("presets") / "gray", channels=1)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    return save(tmp_path_factory.mktemp("presets") / "classes", num_classes=3, projection_layers=0)


def read(path):
    return np.asarray(Image.open(path)).astype(int)


def test_mix(preset, tmp_path, capsys):
    arguments = "--rows 85,100 --cols 55,85 --styles 0-3 --trunc 0.7".split()
    assert cli.main(["mix", "--preset", preset, *arguments, "--outdir", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        *("55-55.png", "85-85.png", "100-100.png"),
        *("85-55.png", "100-55.png", "100-85.png", "grid.png"),
    }
    grid = read(tmp_path / "grid.png")
    assert grid.shape == (48, 48, 3)
    gan = keras_gan.GAN.from_preset(preset)
    expected = gan.generate(seeds=[85], truncation=0.7)[0]
    for found in (grid[16:32, :16], grid[:16, 32:], grid[16:32, 32:], read(tmp_path / "85-85.png")):
        assert np.abs(found - expected).max() <= 1
    assert "4 mixtures" in capsys.readouterr().out


def test_video(preset, conditional, tmp_path, capsys):
    command = ["video", "--preset", preset, "--seeds", "0-3", "--frames", "2", "--grid", "2x1"]
    assert cli.main([*command, "--output", str(tmp_path / "a.gif"), "--fps", "20"]) == 0
    with Image.open(tmp_path / "a.gif") as image:
        assert image.size == (32, 16) and image.info["duration"] == 50
    assert "4 frames, 0.2 seconds" in capsys.readouterr().out
    # Without --fps, as fast as the format allows, up to 60.
    assert cli.main([*command, "--output", str(tmp_path / "fast.gif")]) == 0
    with Image.open(tmp_path / "fast.gif") as image:
        assert image.info["duration"] == 20
    assert cli.main([*command, "--output", str(tmp_path / "a.mp4"), "--trunc", "0.5"]) == 0
    assert (tmp_path / "a.mp4").stat().st_size > 500
    command = ["video", "--preset", conditional, "--seeds", "0-1", "--frames", "1"]
    command += ["--output", str(tmp_path / "b.webp")]
    assert cli.main(command) == 1
    assert "3 classes: add for example --class 2" in capsys.readouterr().err
    assert not (tmp_path / "b.webp").exists()
    assert cli.main([*command, "--class", "2"]) == 0


def test_project_and_generate(gray, tmp_path, capsys):
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (30, 20, 3)).astype("uint8")).save(
        photo
    )
    out = tmp_path / "out"
    command = ["project", "--preset", gray, "--target", str(photo), "--outdir", str(out)]
    command += ["--steps", "3", "--extractor", "fashion_mnist_classifier", "--save-video", "webp"]
    assert cli.main(command) == 0
    names = {path.name for path in out.iterdir()}
    assert names == {"target.png", "proj.png", "projected_w.npz", "proj.webp"}
    assert "at the end" in capsys.readouterr().out
    assert read(out / "target.png").shape == read(out / "proj.png").shape == (16, 16)
    with Image.open(out / "proj.webp") as image:
        assert image.size == (32, 16) and image.n_frames == 3
    with np.load(out / "projected_w.npz") as stored:
        assert list(stored) == ["w", *(f"noise{i}" for i in range(5))]
        ws = stored["w"]
    np.savez(tmp_path / "nvidia.npz", w=ws)

    def again(file, *options):
        command = ["generate", "--preset", gray, "--projected_w", str(file), *options]
        assert cli.main([*command, "--outdir", str(tmp_path / "again")]) == 0
        return read(tmp_path / "again" / "proj00.png")

    found = again(out / "projected_w.npz")
    assert np.abs(found - read(out / "proj.png")).max() <= 1
    const = again(tmp_path / "nvidia.npz")
    assert np.abs(const - found).max() > 1
    np.testing.assert_array_equal(again(out / "projected_w.npz", "--noise-mode", "const"), const)
    generate = ["generate", "--preset", gray, "--projected-w", str(out / "projected_w.npz")]
    for option, value in (("--trunc", "0.5"), ("--seeds", "0-3")):
        assert cli.main([*generate, option, value]) == 1
        assert "Remove --class, --trunc, --seeds" in capsys.readouterr().err


def test_project_by_pixels(preset, tmp_path):
    Image.new("RGB", (16, 16), "red").save(tmp_path / "red.png")
    command = ["project", "--preset", preset, "--target", str(tmp_path / "red.png")]
    command += ["--steps", "2", "--extractor", "pixels", "--outdir", str(tmp_path / "out")]
    assert cli.main(command) == 0
    assert read(tmp_path / "out" / "proj.png").shape == (16, 16, 3)


def test_keyframes(preset, tmp_path, capsys):
    command = ["video", "--preset", preset, "--seeds", "0-2", "--frames", "1", "--grid", "2x1"]
    # 0 and 1 on the left side, 2 and 0 on the right one.
    command += ["--num-keyframes", "2", "--output", str(tmp_path / "a.webp")]
    assert cli.main(command) == 0
    assert "2 frames" in capsys.readouterr().out
    expected = keras_gan.GAN.from_preset(preset).generate(seeds=[0, 1, 2])
    with Image.open(tmp_path / "a.webp") as image:
        image.seek(1)
        second = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(second - np.concatenate(expected[[1, 0]], axis=1)).max() <= 1


@pytest.mark.parametrize(
    "command",
    [
        "generate --outdir {file}/out",
        "mix --rows 0 --cols 1 --outdir {file}/out",
        "video --seeds 0-1 --output {file}/a.webp",
        "project --target a.png --outdir {file}/out",
    ],
)
def test_where_nothing_can_be_written_is_told_before_the_model_is_loaded(command, tmp_path, capsys):
    (tmp_path / "file").touch()
    command = command.format(file=tmp_path / "file").split()
    assert cli.main([*command, "--preset", "missing"]) == 1
    assert "is a file. Choose another folder" in capsys.readouterr().err


def test_generate(preset, conditional, tmp_path):
    command = ["generate", "--preset", preset, "--seeds", "3,4", "--trunc", "0.5"]
    assert cli.main([*command, "--noise-mode", "random", "--outdir", str(tmp_path)]) == 0
    gan = keras_gan.GAN.from_preset(preset)
    expected = gan.generate(seeds=[3, 4], truncation=0.5, noise="random")
    assert np.abs(read(tmp_path / "seed0004.png") - expected[1]).max() <= 1
    command = ["generate", "--preset", conditional, "--seeds", "3", "--class", "2"]
    assert cli.main([*command, "--outdir", str(tmp_path)]) == 0
    assert (tmp_path / "seed0003-label2.png").exists()


@pytest.fixture(scope="module")
def files(tmp_path_factory, preset):
    folder = tmp_path_factory.mktemp("files")
    np.savez(folder / "other.npz", w=np.zeros((1, 5, 8)))
    np.savez(folder / "none.npz", v=np.zeros((1, 6, 8)))
    np.savez(folder / "complex.npz", w=np.zeros((1, 6, 8), "complex64"))
    np.savez(folder / "nan.npz", w=np.full((1, 6, 8), np.nan))
    np.savez(folder / "noise.npz", w=np.zeros((1, 6, 8)), noise0=np.zeros((1, 8, 8, 1)))
    four, sides = np.zeros((1, 4, 4, 1)), (8, 8, 16, 16)
    maps = [np.full((1, side, side, 1), np.nan) for side in sides]
    maps = {f"noise{i}": x for i, x in enumerate([four, *maps])}
    np.savez(folder / "nan_noise.npz", w=np.zeros((1, 6, 8)), **maps)
    (folder / "text.npz").write_text("no zip")
    (folder / "text.png").write_text("no picture")
    keras_gan.DCGAN((16, 16, 3), width=2).save_to_preset(folder / "dcgan")
    return {"files": str(folder), "preset": preset, "dcgan": str(folder / "dcgan")}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("mix --preset {preset} --rows 1 --cols 2", "styles 0-5"),
        ("mix --preset {dcgan} --rows 1 --cols 2", "has no styles"),
        ("mix --preset {preset} --rows 1 --cols 2 --styles 0 --class 1", "not conditional"),
        (
            "mix --preset {preset} --rows 1 --cols 2 --styles 0 --trunc nan",
            "`truncation` must be a finite number. ",
        ),
        ("video --preset {preset} --seeds 1 --output {files}/a.gif", "two or more"),
        ("video --preset {preset} --seeds 0-2 --grid 2x1 --output {files}/a.gif", "equally many"),
        ("video --preset {preset} --seeds 0-1 --output {files}/a.avi", "suffix"),
        ("video --preset {preset} --seeds 0-1 --fps 60 --output {files}/a.gif", "at most 50"),
        ("video --preset {preset} --seeds 0-1 --fps 0 --output {files}/a.gif", "`fps`"),
        ("video --preset {dcgan} --seeds 0-1 --output {files}/a.gif", "has no styles"),
        ("project --preset {preset} --target {files}/none.png --extractor x", "No network 'x'"),
        (
            "project --preset {preset} --target {files}/none.png "
            "--extractor fashion_mnist_classifier",
            "none.png",
        ),
        (
            "project --preset {preset} --target {files}/text.png "
            "--extractor fashion_mnist_classifier",
            "Cannot decode",
        ),
        # Before a thousand steps.
        (
            "project --preset {preset} --target {files}/text.png --outdir {files}/text.npz/out",
            "is no folder",
        ),
        ("project --preset {dcgan} --target a.png --extractor fashion_mnist_classifier", "styles"),
        ("project --preset {preset} --target a.png --lpips-weights a.pt b.pt", "a.pt"),
        ("generate --preset {dcgan} --noise-mode none", "has no styles"),
        ("generate --preset {dcgan} --projected-w {files}/other.npz", "has no styles"),
        ("generate --preset {preset} --projected-w {files}/other.npz", "shape (1, 5, 8)"),
        ("generate --preset {preset} --projected-w {files}/none.npz", "array 'w'"),
        ("generate --preset {preset} --projected-w {files}/text.npz", "array 'w'"),
        ("generate --preset {preset} --projected-w {files}/complex.npz", "of type complex64"),
        ("generate --preset {preset} --projected-w {files}/nan.npz", "finite styles"),
        ("generate --preset {preset} --projected-w {files}/noise.npz", "Add --noise-mode const"),
        ("generate --preset {preset} --projected-w {files}/nan_noise.npz", "finite noise maps"),
        ("project --preset {preset} --target a.png --extractor emoji_clasifier", "Did you mean"),
        ("video --preset {preset} --seeds 0-1 --fps 1e9 --output {files}/a.mp4", "[0.1, 1000]"),
        ("generate --preset {preset} --projected-w {files}/missing.npz", "missing.npz"),
    ],
)
def test_what_cannot_be_done_says_why(command, message, files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(command.format(**files).split()) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        "mix --preset x --rows 1",
        "mix --preset x --rows 1 --cols 5-1",
        "mix --preset x --rows 1 --cols 2 --noise-mode loud",
        "video --preset x --seeds 0-1",
        "video --preset x --seeds 0-1 --output a.gif --grid 2",
        "video --preset x --seeds 0-1 --output a.gif --grid 0x2",
        "video --preset x --seeds 0-1 --output a.gif --frames 0",
        "project --preset x",
        "project --preset x --target a.png --space z",
        "project --preset x --target a.png --steps 0",
        "project --preset x --target a.png --save-video avi",
        "project --preset x --target a.png --extractor y --lpips-weights a b",
    ],
)
def test_wrong_usage(command, capsys):
    with pytest.raises(SystemExit) as error:
        cli.main(command.split())
    assert error.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_what_is_no_class(capsys):
    with pytest.raises(SystemExit):
        cli.main("generate --preset x --class y".split())
    error = capsys.readouterr().err
    assert "classes such as 3 or 0-9, or random, not 'y'" in error and "Seeds" not in error
