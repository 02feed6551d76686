"""Image datasets for `fit` on every backend: folders, zips, IDX files, TFDS and arrays.

Datasets are `keras.utils.PyDataset` subclasses rather than Grain pipelines: batch `i` of epoch `e`
is a pure function of (seed, e, i). So every backend reads them as they are, no dependency is
added, prefetching cannot change what is trained on, and a run resumes exactly from two integers.
"""

from keras_gan.data.arrays import arrays
from keras_gan.data.dataset import ImageDataset
from keras_gan.data.folder import image_folder
from keras_gan.data.idx import idx, read_idx
from keras_gan.data.prepare import prepare
from keras_gan.data.tfds import tfds
from keras_gan.data.zip_file import image_zip

__all__ = [
    "ImageDataset",
    "arrays",
    "idx",
    "image_folder",
    "image_zip",
    "prepare",
    "read_idx",
    "tfds",
]
