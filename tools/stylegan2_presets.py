"""Write presets/stylegan2/: the public StyleGAN2 and StyleGAN2-ADA networks, by their addresses.

    KERAS_BACKEND=torch python tools/stylegan2_presets.py

The weights stay where they are published: whoever calls `from_preset` downloads and converts them,
under their licence. What is stated here is what the publishers, or those who measured again, state.

Configurations A to D of the StyleGAN2 paper are not declared: they are other networks, which no
layout reads.

OpenMMLab has trained StyleGAN2 itself and gives it away under Apache-2.0. None of its files could
be loaded where this was written (a public converter attests the names of the generator's tensors,
nothing those of the discriminator's), so NVIDIA's networks have the plain names.
"""

import json
import pathlib
from typing import NamedTuple

import keras_gan
from keras_gan.presets import card, folder

ROOT = pathlib.Path(__file__).resolve().parents[1] / "presets" / "stylegan2"
CDN = "https://nvlabs-fi-cdn.nvidia.com"
ADA = f"{CDN}/stylegan2-ada-pytorch/pretrained"
STYLEGAN2 = f"{CDN}/stylegan2/networks"
NGC = "https://api.ngc.nvidia.com/v2/models/nvidia/research/stylegan2/versions/1/files"
DRAGGAN = (
    "https://huggingface.co/DragGan/DragGan-Models/resolve/20dedd0259ff3009fceefa531c3be8ae4f11cd82"
)
OPENMMLAB = "https://download.openmmlab.com/mmediting/stylegan2"
TRANSFER = f"{ADA}/transfer-learning-source-nets"
SWEEPS = f"{ADA}/paper-fig7c-training-set-sweeps"
SMALL = f"{ADA}/paper-fig11a-small-datasets"

README = "NVlabs/stylegan2-ada-pytorch, README"
PAPER = "the paper's protocol: 50,000 images, no truncation, against the training images"
CLEANFID = "measured again by clean-fid, legacy FID"

FFHQ = "FFHQ, 70,000 faces"
DATASETS = {
    "ffhq": FFHQ,
    "ffhqu": "FFHQ-U, 70,000 faces that are not aligned",
    "metfaces": "MetFaces, 1,336 faces of works of art",
    "metfacesu": "MetFaces-U, faces of works of art that are not aligned",
    "afhqcat": "AFHQ, cats",
    "afhqdog": "AFHQ, dogs",
    "afhqwild": "AFHQ, wild animals",
    "afhqv2": "AFHQ version 2, animals' faces",
    "brecahad": "BreCaHAD, crops of breast cancer slides",
    "cifar10": "CIFAR-10, 50,000 images of 10 classes",
    "celebahq": "CelebA-HQ, 30,000 faces",
    "church": "LSUN Church",
    "horse": "LSUN Horse",
    "cat": "LSUN Cat",
    "car": "LSUN Car, 512x384 in the rows 64 to 447",
    "dog": "LSUN Dog",
}


class Publisher(NamedTuple):
    """Who gives networks away.

    Attributes:
        address: str, what the addresses of its networks begin with.
        licence: str.
        layout: str, of its files.
        name: str.
        notice: str, with a place for the licence.
    """

    address: str
    licence: str
    layout: str = "stylegan2_ada_pytorch"
    name: str = "NVIDIA"
    notice: str = (
        "Non-commercial: NVIDIA allows research and evaluation only ({licence}); its notice stays "
        "with the weights and with what is made of them. They are not part of keras_gan, and are "
        "downloaded from the address below at first use."
    )


PUBLISHERS = (
    Publisher(STYLEGAN2, "Nvidia Source Code License-NC", "stylegan2_tensorflow"),
    Publisher(ADA, "NVIDIA Source Code License for StyleGAN2-ADA (non-commercial)"),
    Publisher(NGC, "NVIDIA Source Code License (non-commercial)"),
    Publisher(
        OPENMMLAB,
        "Apache-2.0",
        "stylegan2_openmmlab",
        "OpenMMLab",
        "OpenMMLab's own training, not derived from NVIDIA's weights. The layout of this file is "
        "not proved: a public converter attests the names of the generator's tensors, but no file "
        "could be loaded where this preset was written. The weights are not part of keras_gan, and "
        "are downloaded from the address below at first use.",
    ),
)


class Network(NamedTuple):
    """A public network.

    Attributes:
        data: str, a key of `DATASETS`.
        address: str.
        resolution: int.
        what: str, how it was trained.
        fid: str of the published figure, or `None`.
        protocol: str, of the figure, and who states it.
        sha256: str, of the file as others have received it, or `None`.
        mirror: str, where the file of `sha256` was received, if nobody states that `address` has
            the same; or `None`.
        channel_base: int.
        config: dict of further arguments of the constructor, or `None`.
        metrics: dict of further figures, or `None`.
    """

    data: str
    address: str
    resolution: int
    what: str
    fid: str | None = None
    protocol: str = f"{PAPER} ({README})"
    sha256: str | None = None
    mirror: str | None = None
    channel_base: int = 32768
    config: dict | None = None
    metrics: dict | None = None


F = "configuration F of the StyleGAN2 paper"
ADA_TRAINED = "StyleGAN2 with adaptive discriminator augmentation"
OF_OPENMMLAB = f"{PAPER} (OpenMMLab, table of its networks)"
OF_STYLEGAN2 = f"{PAPER} (NVlabs/stylegan2, README)"
CIFAR = {"mapping_layers": 2, "discriminator_architecture": "orig"}
TEN_CLASSES = {**CIFAR, "num_classes": 10, "projection_layers": 0}
HALF = 16384

NETWORKS = {
    "ffhq_1024": Network(
        "ffhq",
        f"{STYLEGAN2}/stylegan2-ffhq-config-f.pkl",
        1024,
        F,
        "2.84 +- 0.03",
        OF_STYLEGAN2,
        "adf127ea7bb8a7788c8bdeda3c9937f7310b669b09ecf799ca53a631ff46948d",
        metrics={
            f"FID, {CLEANFID}": "2.83 (clean FID 3.06)",
            "FID, measured again by OpenMMLab": "2.8134",
            "Inception Score": "5.13 +- 0.02",
            "precision, recall": "0.689, 0.492",
            "PPL, end points in w": "129.4",
        },
    ),
    "ffhq_1024_pytorch": Network(
        "ffhq",
        f"{ADA}/ffhq.pkl",
        1024,
        f"{F}, as StyleGAN2-ADA's authors give it away",
        "2.84",
        f"{PAPER} (the StyleGAN2 paper)",
        "a205a346e86a9ddaae702e118097d014b7b8bd719491396a162cca438f2f524c",
    ),
    "ffhq_1024_openmmlab": Network(
        "ffhq",
        f"{OPENMMLAB}/stylegan2_c2_ffhq_1024_b4x8_20210407_150045-618c9024.pth",
        1024,
        F,
        "2.8185",
        OF_OPENMMLAB,
    ),
    "ffhq_1024_ngc": Network("ffhq", f"{NGC}/stylegan2-ffhq-1024x1024.pkl", 1024, "StyleGAN2"),
    "ffhq_1024_config_e": Network(
        "ffhq",
        f"{STYLEGAN2}/stylegan2-ffhq-config-e.pkl",
        1024,
        "configuration E of the StyleGAN2 paper, half the channels",
        "3.31",
        OF_STYLEGAN2,
        channel_base=HALF,
    ),
    "ffhq_1024_noaug": Network(
        "ffhq",
        f"{TRANSFER}/ffhq-res1024-mirror-stylegan2-noaug.pkl",
        1024,
        f"{F}, mirrored images, a source for transfer learning",
    ),
    "ffhq_512": Network(
        "ffhq",
        f"{NGC}/stylegan2-ffhq-512x512.pkl",
        512,
        "StyleGAN2",
        sha256="d2b1c92f41ce8a64c55f7a75ef06c4c0eef9e17b1eb29aae8c10fb37b3e60478",
        mirror=f"{DRAGGAN}/stylegan2-ffhq-512x512.pkl",
    ),
    "ffhq_512_noaug": Network(
        "ffhq",
        f"{TRANSFER}/ffhq-res512-mirror-stylegan2-noaug.pkl",
        512,
        "StyleGAN2, mirrored images, a source for transfer learning",
    ),
    "ffhq_256": Network(
        "ffhq", f"{NGC}/stylegan2-ffhq-256x256.pkl", 256, "StyleGAN2", channel_base=HALF
    ),
    "ffhq_256_openmmlab": Network(
        "ffhq",
        f"{OPENMMLAB}/stylegan2_c2_ffhq_256_b4x8_20210407_160709-7890ae1f.pth",
        256,
        F,
        "3.99",
        OF_OPENMMLAB,
    ),
    "ffhq_256_noaug": Network(
        "ffhq",
        f"{TRANSFER}/ffhq-res256-mirror-paper256-noaug.pkl",
        256,
        "StyleGAN2, mirrored images, a source for transfer learning",
        channel_base=HALF,
    ),
    "ffhq_256_70k_ada": Network(
        "ffhq",
        f"{SWEEPS}/ffhq70k-paper256-ada.pkl",
        256,
        f"{ADA_TRAINED}, of all 70,000 images",
        channel_base=HALF,
    ),
    "ffhq_256_140k_ada_bcr": Network(
        "ffhq",
        f"{SWEEPS}/ffhq140k-paper256-ada-bcr.pkl",
        256,
        f"{ADA_TRAINED} and balanced consistency regularisation, of 70,000 mirrored images",
        channel_base=HALF,
    ),
    "ffhq_256_10k_ada_bcr": Network(
        "ffhq",
        f"{SWEEPS}/ffhq10k-paper256-ada-bcr.pkl",
        256,
        f"{ADA_TRAINED} and balanced consistency regularisation, of 10,000 images",
        channel_base=HALF,
    ),
    "ffhqu_1024": Network("ffhqu", f"{NGC}/stylegan2-ffhqu-1024x1024.pkl", 1024, "StyleGAN2"),
    "ffhqu_256": Network(
        "ffhqu", f"{NGC}/stylegan2-ffhqu-256x256.pkl", 256, "StyleGAN2", channel_base=HALF
    ),
    "metfaces_1024": Network(
        "metfaces",
        f"{ADA}/metfaces.pkl",
        1024,
        f"{ADA_TRAINED}, continued from FFHQ",
    ),
    "metfaces_1024_ngc": Network(
        "metfaces", f"{NGC}/stylegan2-metfaces-1024x1024.pkl", 1024, "StyleGAN2"
    ),
    "metfaces_1024_ada": Network(
        "metfaces",
        f"{SMALL}/metfaces-mirror-paper1024-ada.pkl",
        1024,
        f"{ADA_TRAINED}, from scratch",
        "18.22",
        metrics={"KID x 1000": "2.41", f"FID, {CLEANFID}": "18.18 (clean FID 19.60)"},
    ),
    "metfaces_1024_noaug": Network(
        "metfaces",
        f"{SMALL}/metfaces-mirror-stylegan2-noaug.pkl",
        1024,
        "StyleGAN2 without augmentation, from scratch",
        "57.26",
    ),
    "metfaces_1024_transfer": Network(
        "metfaces",
        f"{SMALL}/metfaces-mirror-paper1024-ada-resumeffhq1024.pkl",
        1024,
        f"{ADA_TRAINED}, continued from FFHQ, mirrored images",
    ),
    "metfacesu_1024": Network(
        "metfacesu", f"{NGC}/stylegan2-metfacesu-1024x1024.pkl", 1024, "StyleGAN2"
    ),
    "afhq_cat_512": Network(
        "afhqcat",
        f"{ADA}/afhqcat.pkl",
        512,
        ADA_TRAINED,
        "3.55",
        f"{PAPER} (the paper; not in the repository's README)",
    ),
    "afhq_cat_512_ngc": Network(
        "afhqcat", f"{NGC}/stylegan2-afhqcat-512x512.pkl", 512, "StyleGAN2"
    ),
    "afhq_dog_512": Network(
        "afhqdog",
        f"{ADA}/afhqdog.pkl",
        512,
        ADA_TRAINED,
        "7.40",
        metrics={f"FID, {CLEANFID}": "7.41 (clean FID 7.61)"},
    ),
    "afhq_dog_512_noaug": Network(
        "afhqdog",
        f"{SMALL}/afhqdog-mirror-stylegan2-noaug.pkl",
        512,
        "StyleGAN2 without augmentation",
        "19.37",
    ),
    "afhq_dog_512_ada": Network(
        "afhqdog", f"{SMALL}/afhqdog-mirror-paper512-ada.pkl", 512, ADA_TRAINED, "7.40"
    ),
    "afhq_dog_512_ngc": Network(
        "afhqdog", f"{NGC}/stylegan2-afhqdog-512x512.pkl", 512, "StyleGAN2"
    ),
    "afhq_wild_512": Network(
        "afhqwild",
        f"{ADA}/afhqwild.pkl",
        512,
        ADA_TRAINED,
        "3.05",
        metrics={f"FID, {CLEANFID}": "3.01 (clean FID 3.03)"},
    ),
    "afhq_wild_512_noaug": Network(
        "afhqwild",
        f"{SMALL}/afhqwild-mirror-stylegan2-noaug.pkl",
        512,
        "StyleGAN2 without augmentation",
        "3.48",
    ),
    "afhq_wild_512_ada": Network(
        "afhqwild", f"{SMALL}/afhqwild-mirror-paper512-ada.pkl", 512, ADA_TRAINED, "3.05"
    ),
    "afhq_wild_512_ngc": Network(
        "afhqwild", f"{NGC}/stylegan2-afhqwild-512x512.pkl", 512, "StyleGAN2"
    ),
    "afhqv2_512": Network("afhqv2", f"{NGC}/stylegan2-afhqv2-512x512.pkl", 512, "StyleGAN2"),
    "brecahad_512": Network(
        "brecahad",
        f"{ADA}/brecahad.pkl",
        512,
        ADA_TRAINED,
        "15.71",
        metrics={"KID x 1000": "2.88", f"FID, {CLEANFID}": "15.70 (clean FID 15.63)"},
    ),
    "brecahad_512_ngc": Network(
        "brecahad", f"{NGC}/stylegan2-brecahad-512x512.pkl", 512, "StyleGAN2"
    ),
    "brecahad_512_noaug": Network(
        "brecahad",
        f"{SMALL}/brecahad-mirror-stylegan2-noaug.pkl",
        512,
        "StyleGAN2 without augmentation",
        "97.72",
    ),
    "brecahad_512_ada": Network(
        "brecahad", f"{SMALL}/brecahad-mirror-paper512-ada.pkl", 512, ADA_TRAINED, "15.71"
    ),
    "cifar10_32": Network(
        "cifar10",
        f"{ADA}/cifar10.pkl",
        32,
        f"{ADA_TRAINED}, conditional",
        "2.42",
        channel_base=HALF,
        config=TEN_CLASSES,
        metrics={"Inception Score": "10.14"},
    ),
    "cifar10_32_ngc": Network(
        "cifar10",
        f"{NGC}/stylegan2-cifar10-32x32.pkl",
        32,
        "StyleGAN2, conditional",
        channel_base=HALF,
        config=TEN_CLASSES,
    ),
    "cifar10_32_unconditional": Network(
        "cifar10",
        f"{ADA}/paper-fig11b-cifar10/cifar10u-cifar-ada-best-fid.pkl",
        32,
        f"{ADA_TRAINED}, unconditional",
        "2.92",
        channel_base=HALF,
        config=CIFAR,
        metrics={"Inception Score": "9.83"},
    ),
    "cifar10_32_best_fid": Network(
        "cifar10",
        f"{ADA}/paper-fig11b-cifar10/cifar10c-cifar-ada-best-fid.pkl",
        32,
        f"{ADA_TRAINED}, conditional, at its best FID",
        "2.42",
        channel_base=HALF,
        config=TEN_CLASSES,
    ),
    "celebahq_256": Network(
        "celebahq", f"{NGC}/stylegan2-celebahq-256x256.pkl", 256, "StyleGAN2", channel_base=HALF
    ),
    "celebahq_256_ada": Network(
        "celebahq",
        f"{TRANSFER}/celebahq-res256-mirror-paper256-kimg100000-ada-target0.5.pkl",
        256,
        f"{ADA_TRAINED}, a source for transfer learning",
        channel_base=HALF,
    ),
    "lsun_church_256": Network(
        "church",
        f"{STYLEGAN2}/stylegan2-church-config-f.pkl",
        256,
        F,
        "3.86",
        OF_STYLEGAN2,
        "4090c5f83b44b83475c84864188aa39a0fb72694492302b7e6af36aad0d18104",
        metrics={f"FID, {CLEANFID}": "3.87 (clean FID 4.08)"},
    ),
    "lsun_horse_256": Network(
        "horse",
        f"{STYLEGAN2}/stylegan2-horse-config-f.pkl",
        256,
        F,
        "3.43",
        OF_STYLEGAN2,
        "cbc73372c7d82d095913ca8b4b9f170560777175bd7c3b8a75dd55d70807f32b",
        metrics={f"FID, {CLEANFID}": "3.41 (clean FID 3.62)"},
    ),
    "lsun_cat_256": Network(
        "cat",
        f"{STYLEGAN2}/stylegan2-cat-config-f.pkl",
        256,
        F,
        "6.93",
        OF_STYLEGAN2,
        "08940fd616cfaf6bc7b0286b5d1a0b3f70febb26e136d64716c8d3f5e9bd3883",
        metrics={f"FID, {CLEANFID}": "7.02 (clean FID 7.47)"},
    ),
    "lsun_car_512": Network(
        "car",
        f"{STYLEGAN2}/stylegan2-car-config-f.pkl",
        512,
        F,
        "2.32",
        OF_STYLEGAN2,
        "e1618eee2b3ce87c4a3849442f7850ef12a478556bff035c8e09ee7e23b3794c",
    ),
    "lsun_car_512_openmmlab": Network(
        "car",
        f"{OPENMMLAB}/stylegan2_c2_lsun-car_384x512_b4x8_1800k_20210424_160929-fc9072ca.pth",
        512,
        F,
    ),
    "lsun_car_512_config_e": Network(
        "car",
        f"{STYLEGAN2}/stylegan2-car-config-e.pkl",
        512,
        "configuration E of the StyleGAN2 paper, half the channels",
        channel_base=HALF,
    ),
    "lsun_dog_256": Network(
        "dog", f"{NGC}/stylegan2-lsundog-256x256.pkl", 256, "StyleGAN2", channel_base=HALF
    ),
    "lsun_dog_256_noaug": Network(
        "dog",
        f"{TRANSFER}/lsundog-res256-paper256-kimg100000-noaug.pkl",
        256,
        "StyleGAN2, a source for transfer learning",
        channel_base=HALF,
    ),
}
# Table 2 of the StyleGAN2 paper: every pair of architectures.
for _data, _resolution in (("ffhq", 1024), ("car", 512)):
    for _g in ("orig", "skip", "resnet"):
        for _d in ("orig", "skip", "resnet"):
            _stem = "ffhq_1024" if _data == "ffhq" else "lsun_car_512"
            NETWORKS[f"{_stem}_config_e_g_{_g}_d_{_d}"] = Network(
                _data,
                f"{STYLEGAN2}/table2/stylegan2-{_data}-config-e-G{_g}-D{_d}.pkl",
                _resolution,
                f"configuration E with a generator '{_g}' and a discriminator '{_d}' (table 2)",
                channel_base=HALF,
                config={"generator_architecture": _g, "discriminator_architecture": _d},
            )


def describe(network, parameters):
    """The `config.json` and `metadata.json` of a network, and the preset's card."""
    publisher = next(p for p in PUBLISHERS if network.address.startswith(p.address))
    shape = [network.resolution, network.resolution, 3]
    config = {"image_shape": shape, "channel_base": network.channel_base, **(network.config or {})}
    figures = {}
    if network.fid is not None:
        figures["FID"] = {"value": network.fid, "protocol": network.protocol}
    figures.update(network.metrics or {})
    classes = config.get("num_classes")
    metadata = {
        "format_version": folder.FORMAT_VERSION,
        "class_name": "StyleGAN2",
        "image_shape": shape,
        **({} if classes is None else {"num_classes": classes}),
        "parameters": parameters,
        "description": f"{DATASETS[network.data]}, {network.resolution} px: {network.what}.",
        "notice": publisher.notice.format(licence=publisher.licence),
        "dataset": DATASETS[network.data],
        "dataset_licence": "not known here; see the data set's own page",
        "licence": publisher.licence,
        "recipe": f"{publisher.name}'s: {network.what}.",
        "source": [network.address, network.mirror] if network.mirror else network.address,
        "sha256": network.sha256,
        "layout": publisher.layout,
        "metrics": figures,
    }
    return {"class_name": "StyleGAN2", "config": config}, metadata


def main():
    """Write all folders."""
    counted = {}
    for name, network in NETWORKS.items():
        config, _ = describe(network, {})
        key = json.dumps(config["config"], sort_keys=True)
        if key not in counted:
            counted[key] = folder.facts_of(keras_gan.StyleGAN2(**config["config"]))["parameters"]
        config, metadata = describe(network, counted[key])
        place = ROOT / name
        place.mkdir(parents=True, exist_ok=True)
        (place / folder.CONFIG).write_text(folder.as_json(config), encoding="utf-8")
        (place / folder.METADATA).write_text(folder.as_json(metadata), encoding="utf-8")
        (place / folder.CARD).write_text(card.render(name, metadata), encoding="utf-8")
        print(name, counted[key], flush=True)


if __name__ == "__main__":
    main()
