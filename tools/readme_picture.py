"""Draw docs/samples.png, the picture of the README, with the shipped presets.

python tools/readme_picture.py
"""

import pathlib

import numpy as np

import keras_gan

COLUMNS = 12


def rows(preset, count, scale):
    """Rows of samples as one RGB image; pixels are repeated `scale` times."""
    gan = keras_gan.GAN.from_preset(preset)
    images = gan.generate(seeds=range(COLUMNS * count))
    grid = keras_gan.images.make_grid(images, COLUMNS).repeat(scale, 0).repeat(scale, 1)
    return np.broadcast_to(grid, (*grid.shape[:2], 3))


def main():
    """Write the picture."""
    picture = np.concatenate(
        [
            rows("stylegan2_emoji_64", 3, 1),
            rows("dcgan_emoji_64", 2, 1),
            rows("dcgan_fashion_mnist_32", 2, 2),
            rows("wgan_gp_fashion_mnist_32", 1, 2),
        ]
    )
    path = pathlib.Path(__file__).parents[1] / "docs" / "samples.png"
    keras_gan.images.save_png(path, picture)
    print(path)


if __name__ == "__main__":
    main()
