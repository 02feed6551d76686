"""What importing and the first image may cost."""

import json

import keras

BACKEND = keras.backend.backend()


def test_importing_adds_nothing_heavy(helpers):
    script = """
import json
import sys
import keras
before = set(sys.modules)
import keras_gan
added = {name.split(".")[0] for name in set(sys.modules) - before}
print(json.dumps(sorted(added - set(sys.stdlib_module_names))))
"""
    printed = helpers.run_python(script, backend=BACKEND)
    names = set(json.loads(printed.splitlines()[-1]))
    assert names <= {"keras", "keras_gan", BACKEND, "h5py", "numpy", "PIL"}, names


def test_a_preset_does_not_import_another_framework(helpers):
    # Keras imports TensorFlow when it serialises: seconds, where it is installed.
    script = """
import sys
import keras_gan
gan = keras_gan.GAN.from_preset("dcgan_fashion_mnist_32")
gan.generate(1, seed=0)
print("tensorflow" in sys.modules)
"""
    printed = helpers.run_python(script, backend=BACKEND)
    assert printed.splitlines()[-1] == str(BACKEND == "tensorflow")
