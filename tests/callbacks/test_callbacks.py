import json

import numpy as np
import pytest
from PIL import Image

import keras_gan


@pytest.fixture(scope="module")
def gan():
    gan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2, seed=0)
    gan.compile()
    return gan


@pytest.fixture(scope="module")
def images():
    return np.random.RandomState(0).randint(0, 256, (24, 16, 16, 1)).astype("uint8")


def test_sample_grid_and_history(gan, images, tmp_path):
    history = tmp_path / "history.jsonl"
    by_steps = keras_gan.callbacks.SampleGrid(tmp_path / "steps", seeds="0-4", every_steps=2)
    by_epochs = keras_gan.callbacks.SampleGrid(
        tmp_path / "epochs", seeds=[3], every_epochs=2, tensorboard=tmp_path / "board"
    )
    gan.fit(
        images,
        batch_size=8,
        epochs=4,
        verbose=0,
        callbacks=[by_steps, by_epochs, keras_gan.callbacks.HistoryFile(history)],
    )
    assert sorted(path.name for path in (tmp_path / "steps").iterdir()) == [
        *(f"fakes{step:08d}.png" for step in range(2, 13, 2)),
        "fakes_init.png",
    ]
    assert sorted(path.name for path in (tmp_path / "epochs").iterdir()) == [
        "fakes00000006.png",
        "fakes00000012.png",
        "fakes_init.png",
    ]
    assert np.asarray(Image.open(tmp_path / "steps" / "fakes00000002.png")).shape == (32, 48)
    # The weights of the moment, in the middle of an epoch too: the last picture is the model's now.
    last = np.asarray(Image.open(tmp_path / "epochs" / "fakes00000012.png"))
    np.testing.assert_array_equal(last, gan.generate(seeds=[3])[0, ..., 0])
    first = np.asarray(Image.open(tmp_path / "steps" / "fakes_init.png"))
    middle = np.asarray(Image.open(tmp_path / "steps" / "fakes00000002.png"))
    assert (first != middle).any()
    (board,) = (tmp_path / "board").iterdir()
    assert b"samples" in board.read_bytes()
    lines = [json.loads(line) for line in history.read_text().splitlines()]
    assert [(line["epoch"], line["step"]) for line in lines] == [(1, 3), (2, 6), (3, 9), (4, 12)]
    assert all(np.isfinite(line["g_loss"]) and line["seconds"] > 0 for line in lines)

    # A run that goes on keeps counting, and does not write the first grid again.
    # What a killed process left half-written goes away.
    again = keras_gan.callbacks.SampleGrid(tmp_path / "again", seeds=[3])
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / ".partial-abcfakes00000012.png").write_bytes(b"half")
    gan.fit(images, batch_size=8, verbose=0, callbacks=[again])
    assert [path.name for path in (tmp_path / "again").iterdir()] == ["fakes00000015.png"]


def test_sample_grid_of_a_conditional_model_has_a_row_for_each_class(tmp_path):
    gan = keras_gan.ConditionalGAN(3, (4, 4, 1), 2, (4, 4), (4,), seed=0)
    gan.compile()
    x, y = np.zeros((4, 4, 4, 1), "uint8"), np.array([0, 1, 2, 0])
    grids = {
        "all": keras_gan.callbacks.SampleGrid(tmp_path / "all"),
        "some": keras_gan.callbacks.SampleGrid(tmp_path / "some", seeds="5-6", labels="2,0,1"),
    }
    gan.fit(x, y, batch_size=4, verbose=0, callbacks=list(grids.values()))
    written = np.asarray(Image.open(tmp_path / "all" / "fakes00000001.png"))
    assert written.shape == (3 * 4, 10 * 4)
    written = np.asarray(Image.open(tmp_path / "some" / "fakes00000001.png"))
    for row, label in enumerate([2, 0, 1]):
        images = gan.generate(seeds=[5, 6], labels=label)[..., 0]
        np.testing.assert_array_equal(written[4 * row : 4 * row + 4], np.hstack(images))
    with pytest.raises(ValueError, match="Remove `columns`"):
        grid = keras_gan.callbacks.SampleGrid(tmp_path, columns=3)
        gan.fit(x, y, batch_size=4, verbose=0, callbacks=[grid])


def test_sample_grid_without_classes_takes_no_labels(gan, images, tmp_path):
    grid = keras_gan.callbacks.SampleGrid(tmp_path, labels=[1])
    with pytest.raises(ValueError, match=r"knows no classes\. Remove `labels`"):
        gan.fit(images, batch_size=8, verbose=0, callbacks=[grid])


@pytest.mark.parametrize(
    "arguments",
    [
        {"labels": "x"},
        {"every_steps": 0},
        {"every_epochs": 0},
        {"every_epochs": None},
        {"seeds": "x"},
        {"seeds": []},
    ],
)
def test_arguments_out_of_range(arguments, tmp_path):
    with pytest.raises(ValueError):
        keras_gan.callbacks.SampleGrid(tmp_path, **arguments)


def test_tensorboard_without_its_package(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"keras-gan\[tensorboard\]"):
        keras_gan.callbacks.SampleGrid(tmp_path, tensorboard=tmp_path)
