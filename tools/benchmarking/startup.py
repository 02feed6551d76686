"""One way into a fresh process, timed from its first line: what tools/benchmark.py compares."""

import json
import sys
import time

wall, cpu = time.perf_counter(), time.process_time()

what = sys.argv[1]
if what in ("import_keras", "forward"):
    import keras
else:
    import keras_gan

if what == "forward":
    import numpy as np

    # The least that a generator of this size needs: the same layers, without a library around.
    generator = keras.Sequential(
        [
            keras.Input((100,)),
            keras.layers.Reshape((1, 1, 100)),
            keras.layers.Conv2DTranspose(512, 4, use_bias=False),
        ]
    )
    for filters in (256, 128, 1):
        generator.add(keras.layers.BatchNormalization())
        generator.add(keras.layers.ReLU())
        generator.add(
            keras.layers.Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False)
        )
    generator.add(keras.layers.Activation("tanh"))
    generator.predict(np.zeros((1, 100), "float32"), verbose=0)
elif what == "first_image":
    gan = keras_gan.GAN.from_preset("dcgan_fashion_mnist_32")
    gan.generate(1, seed=0)

print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))
