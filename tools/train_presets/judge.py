"""Judge a preset: FID, KID, precision, recall, and every class among its samples.

    KERAS_BACKEND=torch python tools/train_presets/judge.py dcgan_fashion_mnist_32 --write
    KERAS_BACKEND=torch python tools/train_presets/judge.py dcgan_emoji_64 --data img/google/64
    KERAS_BACKEND=torch python tools/train_presets/judge.py stylegan2_emoji_64 --data package

Samples are compared with real images through the features of a classifier that is a preset, too;
the same figures of other real images, where there are some, say what to expect of a perfect
generator. With `--write` the figures become those of the shipped preset and its card.
"""

import argparse
import json
import pathlib

import numpy as np
from classifier_recipes import fashion_mnist
from recipes import RECIPES

import keras_gan
from keras_gan.metrics import evaluate
from keras_gan.presets import card, folder

PRESETS = pathlib.Path(__file__).parents[2] / "presets"
# Of each metric: its number, what a card calls it, and its digits.
METRICS = {
    "fid": (("fid", "FID of the classifier's features", 3),),
    "kid": (("kid", "KID of the classifier's features", 6),),
    "precision_recall": (("precision", "precision", 4), ("recall", "recall", 4)),
}
# Parts of a metric's protocol that the card says for all of them.
_COMMON = ("metric", "features", "real_samples", "fake_samples")
GARMENTS = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def figures_of(gan, preset, data=None, count=10_000, seed=0):
    """The figures of `count` samples, for the card of a preset that goes by that name.

    Args:
        gan: `keras_gan.GAN`.
        preset: str, in which `"fashion_mnist"` or `"emoji"` says what the samples should be.
        data: the data's path, of emoji.
        count: int.
        seed: int, of the samples.

    Returns:
        dict of str, or of dicts of a `value` and its `protocol`.
    """
    samples = gan.generate(count, seed=seed, batch_size=500)
    who = f"{count:,} of seed {seed}"
    if "fashion_mnist" in preset:
        test, training = fashion_mnist("t10k"), fashion_mnist("train").pixels[:count]
        classifier, what = "fashion_mnist_classifier", "the 10,000 test images"
        floor = compared(
            training, test.pixels, f"the first {count:,} training images", what, classifier
        )
        return {
            **compared(samples, test.pixels, who, what, classifier),
            **{f"{label}, training images": figure for label, figure in floor.items()},
            **classes_of(samples, test),
        }
    real = RECIPES[preset].reals(data)
    what = f"all {getattr(real, 'num_images', len(real)):,} training images, not mirrored"
    return compared(samples, real, who, what, "emoji_classifier")


def compared(images, real, who, what, classifier):
    """FID, KID, precision and recall of images, with their protocols."""
    result = evaluate(
        images, real, ["fid", "kid", "pr"], extractor=classifier, cache=False, verbose=0
    )
    extractor, figures = result.protocol["extractor"], {}
    for metric, numbers in METRICS.items():
        settings = result.protocol["metrics"][metric].items()
        protocol = {
            "images": who,
            "real images": what,
            "network": extractor["network"],
            "weights": extractor["weights"][:16],
            **{key: extractor[key] for key in ("output", "resize", "quantization")},
            **{key: value for key, value in settings if key not in _COMMON},
        }
        # The kernel of KID is the usual one.
        protocol.pop("kernel", None)
        for number, label, digits in numbers:
            value = f"{result.values[number]:.{digits}f}"
            figures[label] = {"value": value, "protocol": protocol}
    return figures


def probabilities_of(images):
    """The classes of uint8 images `(N, 32, 32, 1)`, by the preset fashion_mnist_classifier."""
    extractor = keras_gan.metrics.FeatureExtractor.from_preset(
        "fashion_mnist_classifier", output="logits"
    )
    logits = extractor(images)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def clarity(probabilities):
    """Share of each class, and the mean probability of the class chosen."""
    shares = np.bincount(probabilities.argmax(1), minlength=10) / len(probabilities)
    return {
        "shares": dict(zip(GARMENTS, shares.round(4).tolist(), strict=True)),
        "smallest share": round(float(shares.min()), 4),
        "mean top probability": round(float(probabilities.max(1).mean()), 4),
    }


def classes_of(samples, test):
    """How clear samples are to the classifier, beside test images, and the share of each class."""
    real, fake = probabilities_of(test.pixels), probabilities_of(samples)
    accuracy = (real.argmax(1) == test.labels).mean()
    found = {"classifier's accuracy on the 10,000 test images": f"{accuracy:.4f}"}
    for name, probabilities in (("real test images", real), ("samples", fake)):
        for figure in ("smallest share", "mean top probability"):
            found[f"{figure}, {name}"] = f"{clarity(probabilities)[figure]:.4f}"
    each = (f"{name} {share:.3f}" for name, share in clarity(fake)["shares"].items())
    return {**found, "share of each class among the samples": ", ".join(each)}


def write(preset, figures):
    """Replace the figures of a shipped preset, but those of its training, and its card."""
    (place,) = PRESETS.glob(f"*/{preset}")
    metadata = json.loads((place / folder.METADATA).read_text())
    kept = {k: v for k, v in metadata["metrics"].items() if k.startswith("losses")}
    metadata["metrics"] = {**kept, **figures}
    (place / folder.METADATA).write_text(folder.as_json(metadata))
    (place / folder.CARD).write_text(card.render(preset, metadata))


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", help="name or folder of a preset")
    parser.add_argument("--data", help="path of the data, of emoji")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="of the samples")
    parser.add_argument("--write", action="store_true", help="into the preset's card")
    arguments = parser.parse_args()
    gan = keras_gan.GAN.from_preset(arguments.preset)
    figures = figures_of(
        gan, pathlib.Path(arguments.preset).name, arguments.data, arguments.count, arguments.seed
    )
    for name, figure in figures.items():
        print(f"{name}: {figure['value'] if isinstance(figure, dict) else figure}")
    if arguments.write:
        write(arguments.preset, figures)


if __name__ == "__main__":
    main()
