"""The declared StyleGAN2 networks, and the whole way from a name to images on a loopback hub."""

import hashlib
import json
import pathlib
import re
import sys

import numpy as np
import pytest

import keras_gan
from keras_gan.presets import folder, registry

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import public_checkpoints as public
import stylegan2_presets

DECLARED = sorted(stylegan2_presets.NETWORKS)
ASKED_FOR = """
ffhq_1024 ffhq_512 ffhq_256 metfaces_1024 afhq_cat_512 afhq_dog_512 afhq_wild_512 lsun_church_256
lsun_horse_256 lsun_car_512 lsun_cat_256 brecahad_512 cifar10_32
""".split()


def test_what_is_declared_is_what_the_table_says():
    folders = registry.builtin_folders()
    assert set(ASKED_FOR) <= set(DECLARED) <= set(folders)
    for name in DECLARED:
        stored = json.loads((folders[name] / "metadata.json").read_text())
        config, metadata = stylegan2_presets.describe(
            stylegan2_presets.NETWORKS[name], stored["parameters"]
        )
        assert stored == metadata
        assert json.loads((folders[name] / "config.json").read_text()) == config


@pytest.mark.parametrize("name", DECLARED)
def test_licence_and_source(name):
    place = folder.find(name)
    metadata, content = folder.read(place)
    folder.constructor(place, content, keras_gan.StyleGAN2)
    addresses = metadata["source"]
    addresses = addresses if isinstance(addresses, list) else [addresses]
    assert all(address.startswith("https://") for address in addresses)
    assert metadata["sha256"] is None or re.fullmatch("[0-9a-f]{64}", metadata["sha256"])
    assert metadata["layout"] in keras_gan.checkpoints.LAYOUTS
    card = (place.path / "README.md").read_text()
    # Whoever reads the card learns first what is not allowed, or not proved.
    notice = "Non-commercial" if "NVIDIA" in metadata["licence"].upper() else "not proved"
    title = card.index(f"# {name}")
    assert notice in card[title : title + 200]
    assert all(text in card for text in (metadata["licence"], *addresses))


def test_parameters_are_those_that_are_published():
    # Section 8.6 of NVIDIA's and others' counts: trained ones, then the noise.
    parameters = keras_gan.list_presets("ffhq_1024")["ffhq_1024"]["parameters"]
    assert parameters["generator"] == 30_370_060 + 2_796_176 + 512
    assert parameters["discriminator"] == 29_012_513


@pytest.mark.parametrize("name, layout", [("afhq_cat_512", "pytorch"), ("ffhq_1024", "tensorflow")])
def test_from_a_name_to_images(hub, client, tmp_path, name, layout):
    model = public.StyleGAN2(
        16, channel_base=64, channel_max=6, z_dim=5, w_dim=4, layers=2, conv_clamp=0.8
    )
    content = public.stylegan2_pickle(model, layout)
    commit = hub.commit(f"nets/{layout}", {"ffhq.pkl": content})
    metadata, config = folder.read(folder.find(name))
    config["config"].update(image_shape=[16, 16, 3], channel_base=64)
    metadata.update(
        image_shape=[16, 16, 3],
        source=f"hf://nets/{layout}/ffhq.pkl@{commit}",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    place = tmp_path / name
    place.mkdir()
    (place / "config.json").write_text(json.dumps(config))
    (place / "metadata.json").write_text(json.dumps(metadata))
    # The name is that of the shipped preset; its address and hash are those of this hub.
    code = (
        "import gc, pathlib\n"
        "from keras_gan.presets import folder\n"
        f"folder.builtin_folders = lambda: {{{name!r}: pathlib.Path({str(place)!r})}}\n"
        f"gan = keras_gan.StyleGAN2.from_preset({name!r})\n"
        # The model of the conversion is gone: two would take twice the memory.
        "gc.collect()\n"
        "names = [type(each).__name__ for each in gc.get_objects()]\n"
        "assert names.count('StyleGenerator') == 2\n"
        "result = gan.generate(seeds=[1, 2], truncation=0.7).tolist()"
    )
    client.start(code)
    images, printed = client.finish()
    assert "unverified" not in printed and metadata["licence"] in printed
    path = tmp_path / "ffhq.pkl"
    path.write_bytes(content)
    gan = keras_gan.StyleGAN2.from_checkpoint(path)
    expected = gan.generate(seeds=[1, 2], truncation=0.7).astype(int)
    assert expected.std() > 10 and np.abs(np.array(images) - expected).max() <= 1
    # What only the file tells, such as the clamp, is kept with the converted weights.
    asked = len(hub.asked("GET", "ffhq.pkl"))
    assert asked == 1
    hub.requests.clear()
    assert client.run(code) == images
    assert hub.requests == []
    metadata["sha256"] = "0" * 64
    (place / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(Exception, match=r"but 0{64} was expected"):
        client.run(code)
