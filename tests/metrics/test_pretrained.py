"""Networks with published weights; tests/goldens has their numbers."""

import json
import os

import numpy as np
import pytest

from keras_gan import checkpoints, files
from keras_gan.checkpoints.layouts import NETWORK_LAYOUTS
from keras_gan.metrics import LPIPS, VGG16, FeatureExtractor, InceptionV3, LPIPSNetwork, pretrained
from keras_gan.presets import download
from keras_gan.presets.registry import builtin_folders


def tensors_of(layout, model):
    """A checkpoint for the model's weights: positive numbers, which fit what is no kernel, too."""
    rng = np.random.default_rng(0)
    return {
        row.source: 0.01 * rng.random(row.shape, dtype="float32")
        for row in NETWORK_LAYOUTS[layout].rows(model)
    }


@pytest.fixture(scope="module")
def tensors():
    return tensors_of("lpips_vgg16", LPIPSNetwork())


@pytest.fixture(scope="module")
def paths(tensors, tmp_path_factory):
    """The two files in which the weights of LPIPS are published."""
    folder = tmp_path_factory.mktemp("lpips")
    parts = {"vgg16": folder / "vgg16.npz", "lpips": folder / "lpips.npz"}
    for part, path in parts.items():
        begin = "lin" if part == "lpips" else "features"
        np.savez(path, **{n: t for n, t in tensors.items() if n.startswith(begin)})
    return {part: str(path) for part, path in parts.items()}


def test_own_files(paths, tensors):
    lpips = LPIPS.from_preset(weights=paths)
    assert lpips.protocol["weights"] == pretrained.fingerprint(
        checkpoints.load_network(tensors, "lpips_vgg16")
    )
    with pytest.raises(ValueError, match=r"lin0\.model"):
        LPIPS.from_preset(weights=paths["vgg16"])


def test_converted_once(paths, tmp_path, monkeypatch):
    asked = []

    def local_file(named, sha256, cache_dir, by_user):
        if not by_user:
            asked.append(named.rpartition("/")[2])
            return paths["lpips" if "lpips" in named else "vgg16"]
        return named

    monkeypatch.setattr(download, "_local_file", local_file)
    first = LPIPS.from_preset(cache_dir=tmp_path)
    again = LPIPS.from_preset(cache_dir=tmp_path, size=64)
    assert asked == ["vgg16-397923af.pth", "weights-vgg16-lpips.pth"]
    assert again.protocol == {**first.protocol, "size": 64}
    made = LPIPS.from_preset(weights=paths)
    assert first.protocol == made.protocol == LPIPS.from_config(made.get_config()).protocol


def test_offline_it_says_what_to_get_and_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(download, "_addresses", lambda url: [])
    preset = "inception_v3_2015_12_05"
    with pytest.raises(FileNotFoundError) as error:
        FeatureExtractor.from_preset(preset, cache_dir=tmp_path)
    text = (builtin_folders(of_metrics=True)[preset] / "metadata.json").read_text()
    metadata = json.loads(text)
    assert metadata["sha256"].startswith("6726825d") and len(metadata["source"]) == 2
    for part in (*metadata["source"], metadata["sha256"], "`weights`"):
        assert part in str(error.value)
    assert os.fspath(tmp_path / "downloads" / metadata["sha256"]) in str(error.value)
    with pytest.raises(FileNotFoundError, match=r"vgg16-397923af.pth \(sha256 not known\)"):
        LPIPS.from_preset(cache_dir=tmp_path)


def test_a_file_that_was_put_where_the_error_says(tmp_path, monkeypatch):
    network = InceptionV3()
    folded = tensors_of("inception_v3_pytorch_fid", network)
    stored = {"fc.weight": folded["fc.weight"], "fc.bias": folded["fc.bias"]}
    for name in folded:
        if name.endswith(".weight") and name != "fc.weight":
            layer = name.removesuffix(".weight")
            stored[f"{layer}.conv.weight"] = folded[name]
            ones = np.ones(len(folded[name]), "float32")
            stored[f"{layer}.bn.weight"], stored[f"{layer}.bn.bias"] = 2 * ones, 3 * ones
            stored[f"{layer}.bn.running_mean"] = 5 * ones
            stored[f"{layer}.bn.running_var"] = (4 - 1e-3) * ones
    path = tmp_path / "downloads" / "file.npz"
    path.parent.mkdir()
    np.savez(path, **stored)
    assert len(stored) == 472
    # The hash of this file, in the place of the published one's.
    sha256 = files.sha256(path)
    path.rename(path.with_name(sha256))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(download, "_addresses", lambda url: [])
    folder = tmp_path / "preset"
    folder.mkdir()
    shipped = builtin_folders(of_metrics=True)["inception_v3_2015_12_05"]
    metadata = {**json.loads((shipped / "metadata.json").read_text()), "sha256": sha256}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    (folder / "config.json").write_text((shipped / "config.json").read_text())
    extractor = FeatureExtractor.from_preset(folder, output="64", cache_dir=tmp_path)
    layer = extractor.network.get_layer("Conv2d_1a_3x3")
    kernel = folded["Conv2d_1a_3x3.weight"].transpose(2, 3, 1, 0)
    # A deviation of 2, a scale of 2, a mean of 5 and an offset of 3.
    np.testing.assert_allclose(layer.kernel, kernel, rtol=1e-6)
    np.testing.assert_allclose(layer.bias, -2 * np.ones(32), rtol=1e-6)
    assert extractor.num_features == 64
    assert len(extractor.network.layers) < 12
    del stored["Mixed_7c.branch_pool.bn.running_var"]
    with pytest.raises(ValueError, match=r"Mixed_7c\.branch_pool\.bn\.running_var"):
        checkpoints.load_network(stored, "inception_v3_pytorch_fid")


def test_mirrors_are_tried_in_turn(tmp_path, monkeypatch):
    asked = []

    def cached(url, *_):
        asked.append(url)
        if "first" in url:
            raise ConnectionError(f"{url} is down.")
        return tmp_path

    monkeypatch.setattr(download, "_cached", cached)
    mirrors = ["https://first.org/w.pth", "https://second.org/w.pth"]
    assert download.local_files(mirrors, "0" * 64) == tmp_path
    assert asked == mirrors
    with pytest.raises(ConnectionError, match=r"w.pth is down.*v.pth is down"):
        download.local_files([mirrors[0], "https://first.org/v.pth"], "0" * 64)
    with pytest.raises(ValueError, match="empty list"):
        download.local_files([])


def test_tensors_that_do_not_fit(tensors):
    with pytest.raises(ValueError, match=r"Superfluous: lin5"):
        checkpoints.load_network({**tensors, "lin5.x": np.ones(1)}, "lpips_vgg16")
    wrong = {**tensors, "lin0.model.1.weight": np.ones((64, 1, 1, 1), "float32")}
    with pytest.raises(ValueError, match=r"lin0.*\(64, 1, 1, 1\), expected \(1, 64, 1, 1\)"):
        checkpoints.load_network(wrong, "lpips_vgg16")
    # Files of VGG16 have its dense layers, too.
    checkpoints.load_network({**tensors, "classifier.0.bias": np.ones(1)}, "lpips_vgg16")
    with pytest.raises(ValueError, match="vgg16_torchvision"):
        checkpoints.load_network(tensors, "vgg19")


def test_vgg16_flattens_with_the_channels_first():
    model = VGG16()
    rows = {row.source: row for row in NETWORK_LAYOUTS["vgg16_torchvision"].rows(model)}
    assert len(rows) == len(model.weights) == 30
    row = rows["classifier.0.weight"]
    assert row.shape == (4096, 25088)
    stored = np.arange(25088, dtype="float32")[None].repeat(2, axis=0)
    kernel = row._replace(split=(512, 7, 7, 2), weight=np.empty((25088, 2))).to_keras(stored)
    places = kernel[:, 0].reshape(7, 7, 512)
    assert places[3, 4, 100] == 100 * 49 + 3 * 7 + 4


# LPIPS --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lpips(tensors):
    return LPIPS(checkpoints.load_network(tensors, "lpips_vgg16"), batch_size=2)


def images(*shape, seed=0):
    return np.random.RandomState(seed).randint(0, 256, shape).astype("uint8")


def test_lpips_is_a_symmetric_distance(lpips):
    first, second = images(3, 16, 18, 3), images(3, 16, 18, 3, seed=1)
    distances = lpips(first, second)
    assert distances.shape == (3,) and (distances > 0).all()
    np.testing.assert_allclose(lpips(second, first), distances, rtol=1e-5)
    np.testing.assert_array_equal(lpips(first, first), np.zeros(3))
    floats = (first.astype("float32") / 255, second.astype("float32") / 255)
    np.testing.assert_allclose(lpips(*floats, value_range=(0, 1)), distances, rtol=1e-4)


def test_lpips_of_gray_images(lpips):
    first, second = images(1, 16, 16, 1), images(1, 16, 16, 1, seed=1)
    colour = lpips(first.repeat(3, 3), second.repeat(3, 3))
    np.testing.assert_allclose(lpips(first, second), colour, rtol=1e-5)


def test_lpips_refuses_what_makes_no_pairs(lpips):
    with pytest.raises(ValueError, match="one size"):
        lpips(images(2, 16, 16, 3), images(2, 16, 18, 3))
    with pytest.raises(ValueError, match="size=64"):
        lpips(images(1, 8, 16, 3), images(1, 8, 16, 3))
    with pytest.raises(ValueError, match="size"):
        LPIPSNetwork(size=8)
