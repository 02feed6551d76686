"""Types of arguments that commands of `keras-gan` share."""

import argparse
import re

from keras_gan import latents


def seeds(text):
    """Numbers and ranges, as a list of int."""
    try:
        return latents.parse_seeds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def labels(text):
    """The same of classes, or `"random"`."""
    try:
        return text if text == "random" else latents.parse_seeds(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"classes such as 3 or 0-9, or random, not {text!r}"
        ) from None


def positive(text):
    """An integer of at least 1."""
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"an integer of at least 1, not {text!r}")
    return value


def resolution(text):
    """A number or WIDTHxHEIGHT, as a pair of height and width."""
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"a number or WIDTHxHEIGHT, not {text!r}")
    width, height = int(match[1]), int(match[2] or match[1])
    return height, width


def grid(text):
    """COLUMNSxROWS, as a pair of these."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"COLUMNSxROWS such as 4x2, not {text!r}")
    return int(match[1]), int(match[2])
