import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from keras_gan import data

# Preparing takes TensorFlow, which the process that reads must not need.
PREPARE = """
import sys
import numpy as np
import tensorflow_datasets as tfds

class Tiny(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict({
            "image": tfds.features.Image(shape=(None, None, 3)),
            "gray": tfds.features.Image(shape=(8, 6, 1)),
            "deep": tfds.features.Image(shape=(2, 2, 1), dtype=np.uint16),
            "depth": tfds.features.Image(shape=(2, 2, 1), dtype=np.float32),
            "label": tfds.features.ClassLabel(names=["cat", "dog"]),
            "number": tfds.features.Scalar(np.int64),
            "unknown": tfds.features.Scalar(np.int64),
            "vector": tfds.features.Tensor(shape=(2,), dtype=np.int64),
            "text": tfds.features.Text(),
            "nested": {"image": tfds.features.Image(shape=(2, 2, 1))},
        })
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, manager):
        return {"train": self._generate_examples(6), "test": self._generate_examples(2)}

    def _generate_examples(self, count):
        for i in range(count):
            yield i, {
                "image": np.full((4 + i, 6, 3), 10 * i, "uint8"),
                "gray": np.full((8, 6, 1), i, "uint8"),
                "deep": np.full((2, 2, 1), 257 * i, "uint16"),
                "depth": np.full((2, 2, 1), i, "float32"),
                "label": i % 2,
                "number": 7 + i,
                "unknown": -1,
                "vector": [i, i],
                "text": f"number {i}",
                "nested": {"image": np.full((2, 2, 1), i, "uint8")},
            }

for file_format in ("array_record", "tfrecord"):
    Tiny(data_dir=f"{sys.argv[1]}/{file_format}", file_format=file_format).download_and_prepare()
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    done = subprocess.run(
        [sys.executable, "-c", PREPARE, folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def read(prepared, name="tiny", split="train", image_shape=(4, 6, 3), **options):
    options = {"data_dir": prepared / "array_record", "shuffle": False, "workers": 0, **options}
    return data.tfds(name, split, image_shape, **options)


def test_images_and_labels(prepared):
    dataset = read(prepared)
    images, labels = dataset[0]
    # TFDS shuffles when it prepares: the label of image i is i % 2.
    numbers = images[:, 0, 0, 0] // 10
    assert sorted(numbers) == list(range(6)) and images.shape == (6, 4, 6, 3)
    assert labels.tolist() == (numbers % 2).tolist() and labels.dtype == "int32"
    assert dataset.class_names == ["cat", "dog"] and dataset.num_classes == 2
    protocol = {"source": "tfds", "name": "tiny/1.0.0", "split": "train", "image_key": "image"}
    assert dataset.protocol.items() >= {**protocol, "crop": "center", "count": 6}.items()


def test_reading_does_not_import_tensorflow(prepared, helpers):
    script = """
import sys
import keras_gan
assert "tensorflow_datasets" not in sys.modules
dataset = keras_gan.data.tfds("tiny", image_shape=(4, 4, 3), data_dir=sys.argv[1], workers=2)
images, labels = dataset[0]
assert images.shape == (6, 4, 4, 3) and len(labels) == 6
assert "tensorflow" not in sys.modules
"""
    helpers.run_python(script, str(prepared / "array_record"), backend="torch")


@pytest.mark.parametrize("workers", [0, 4])
def test_workers_read_alike(prepared, workers):
    options = {"image_shape": None, "image_key": "gray", "batch_size": 2, "workers": workers}
    dataset = read(prepared, **options)
    expected = read(prepared, **{**options, "workers": 0})
    for i in range(3):
        np.testing.assert_array_equal(dataset[i][0], expected[i][0])


@pytest.mark.parametrize("crop", ["center", "pad", "stretch"])
def test_sizes_are_fitted_as_those_of_files(prepared, tmp_path, crop):
    images, _ = read(prepared, image_shape=(5, 5, 3), crop=crop, resample="box")[0]
    for i, number in enumerate(read(prepared, label_key="number").labels - 7):
        Image.new("RGB", (6, 4 + number), (10 * int(number),) * 3).save(tmp_path / f"{i}.png")
    expected = data.image_folder(tmp_path, (5, 5, 3), crop=crop, resample="box", shuffle=False)
    np.testing.assert_array_equal(images, expected[0][0])


def test_keys_splits_and_versions(prepared):
    dataset = read(prepared, "tiny:1.0.0", "test", None, image_key="gray", label_key="number")
    assert dataset.image_shape == (8, 6, 1) and dataset.class_names is None
    images, labels = dataset[0]
    assert (images[:, 0, 0, 0] + 7).tolist() == labels.tolist()
    assert read(prepared, image_shape=None, image_key="deep", label_key=None)[0][0].max() == 5
    assert read(prepared, split="train[:50%]+test").num_images == 5
    assert len(read(prepared, label_key=None)[0]) == 1
    assert read(prepared, label_key="auto").class_names == ["cat", "dog"]


def test_images_of_several_sizes_need_a_shape(prepared):
    with pytest.raises(ValueError, match=r"record \d of TFDS' tiny/1\.0\.0, split 'train'.*shape"):
        read(prepared, image_shape=None)[0]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"name": "tinny"}, r"no TFDS data set 'tinny' in .*Did you mean '"),
        ({"name": "tiny:9.9.9"}, r"no TFDS data set 'tiny:9\.9\.9'"),
        ({"name": "../tiny"}, r"\.\./tiny"),
        ({"name": ""}, "name"),
        ({"name": None}, "`name` must be a string"),
        ({"split": None}, "`split` must be"),
        ({"split": 3}, "`split` must be"),
        ({"split": "validation"}, r"`split` must be one of tiny/1\.0\.0, \['test', 'train'\]"),
        ({"split": "train[:0]"}, r"`split` must be .* Received: 'train\[:0\]'"),
        ({"split": "train[x"}, r"`split` must be"),
        ({"image_key": "picture"}, r"`image_key` must name an image .*image \(Image\)"),
        ({"image_key": "label"}, "`image_key` must name an image feature"),
        ({"image_key": "nested"}, "`image_key` must name an image feature"),
        ({"image_key": "depth"}, "are of dtype float32; uint8 and uint16"),
        ({"label_key": "class"}, r"`label_key` must name .*label \(ClassLabel\)"),
        ({"label_key": "vector"}, "`label_key` must name a feature .* an integer"),
        ({"label_key": "text"}, "`label_key` must name"),
        ({"label_key": "nested"}, "`label_key` must name"),
        ({"label_key": "unknown"}, r"has the class id -1.*label_key=None"),
        ({"image_shape": (4, 4)}, "`image_shape` must be"),
        ({"crop": "middle"}, "`crop` must be one of"),
    ],
)
def test_errors(prepared, options, message):
    with pytest.raises(ValueError, match=message) as raised:
        read(prepared, **options)
    assert len(str(raised.value)) < 1000


def test_files_without_random_access(prepared):
    with pytest.raises(ValueError, match=r"prepared as tfrecord in .*file_format='array_record'"):
        read(prepared, data_dir=prepared / "tfrecord")


def test_a_data_set_that_is_not_there(tmp_path, monkeypatch):
    import tensorflow_datasets

    with pytest.raises(FileNotFoundError, match=r"'mnist' is not prepared in .*download=True"):
        data.tfds("mnist", data_dir=tmp_path, download=False)

    def fail(self, **options):
        assert options == {"file_format": "array_record"}
        raise ConnectionError("no network")

    monkeypatch.setattr(tensorflow_datasets.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(OSError, match=r"could not download .*'mnist'.*ConnectionError: no network"):
        data.tfds("mnist", data_dir=tmp_path)


@pytest.mark.parametrize("missing", ["tensorflow_datasets", "array_record"])
def test_the_extra_is_named(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"pip install keras-gan\[tfds\]"):
        data.tfds("mnist")


def test_corrupt_records_are_named_or_skipped(prepared, monkeypatch):
    dataset = read(prepared)
    container = dataset.source.container
    opened = container.open
    monkeypatch.setattr(
        type(container), "open", lambda self, i: io.BytesIO(b"text") if i == 1 else opened(i)
    )
    with pytest.raises(OSError, match=r"record 1 of TFDS' tiny/1\.0\.0"):
        dataset[0]
    with pytest.warns(UserWarning, match=r"Skipped 1 of 6 image files in TFDS' tiny/1\.0\.0.*: 1"):
        skipped = read(prepared, on_error="skip")
    assert skipped.labels.tolist() == np.delete(dataset.labels, 1).tolist()
