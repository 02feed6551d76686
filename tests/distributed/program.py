"""What the tests of this folder run in processes of its own, once alone and once distributed.

    python program.py SETTING OUT CASE...

SETTING is `alone`, or a way of distribution of the backend. Each process writes what it saw to
`OUT/CASE/PROCESS.npz`, and a process of several replicas how far their variables are apart.
"""

import contextlib
import os
import pathlib
import sys

SETTING, OUT, SELECTED = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
REPLICAS = int(os.environ.get("REPLICAS", 2))

if SETTING == "data_parallel":
    os.environ["XLA_FLAGS"] = (
        f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={REPLICAS}"
    )

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers, ops  # noqa: E402

import keras_gan  # noqa: E402
from keras_gan import backend, random  # noqa: E402
from keras_gan.augmentation import DiffAugment, InstanceNoise  # noqa: E402
from keras_gan.layers import BatchNormalization, Dropout, LayerNormalization  # noqa: E402
from keras_gan.regularizers import R1, GradientPenalty, HistoricalAveraging, LeCam  # noqa: E402

strategy, process = None, 0
if SETTING == "data_parallel":
    keras.distribution.set_distribution(keras.distribution.DataParallel())
elif SETTING == "mirrored":
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * REPLICAS,
    )
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(REPLICAS)])
elif SETTING == "multi_worker":
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    process = strategy.cluster_resolver.task_id
elif SETTING == "torchrun":
    import torch.distributed as dist

    dist.init_process_group("gloo")
    process = dist.get_rank()

RNG = np.random.RandomState(0)
X = RNG.randint(0, 256, (64, 4, 4, 1)).astype("uint8")
LABELS = np.arange(64)


def scope():
    """Where variables are made."""
    return strategy.scope() if strategy else contextlib.nullcontext()


def make(cls=keras_gan.GAN, normalization=None, dropout=0.0, dtype=None, packing=1, **options):
    """A tiny GAN; its weights differ from process to process until they start together."""
    # The strategies of TensorFlow begin with the values of one process by themselves.
    keras.utils.set_random_seed(1 + process)
    with scope():
        generator = keras.Sequential(
            [
                keras.Input((3,)),
                layers.Dense(16, dtype=dtype),
                *([normalization()] if normalization else []),
                layers.Activation("tanh", dtype="float32"),
                layers.Reshape((4, 4, 1), dtype="float32"),
            ],
            name="generator",
        )
        discriminator = keras.Sequential(
            [
                keras.Input((4, 4, packing)),
                layers.Conv2D(4, 3, activation="tanh", dtype=dtype),
                LayerNormalization(dtype=dtype),
                *([Dropout(dropout, seed=1, dtype=dtype)] if dropout else []),
                layers.Flatten(dtype=dtype),
                layers.Dense(1, dtype="float32"),
            ],
            name="discriminator",
        )
        gan = cls(generator, discriminator, seed=5, dtype=dtype, packing=packing)
        options = {
            "generator_optimizer": keras.optimizers.Adam(1e-2, 0.5),
            "discriminator_optimizer": keras.optimizers.Adam(1e-2, 0.5),
            **options,
        }
        gan.compile(**options)
    return gan


def state(gan):
    """All variables, and how far the copies that this process holds are apart."""
    result = {}
    for i, v in enumerate([*gan.variables, *gan.optimizer.variables]):
        result[f"{i:02d} {v.path}"] = ops.convert_to_numpy(v)
    return {**result, "apart": max(apart(v) for v in [*gan.variables, *gan.optimizer.variables])}


def apart(variable):
    if SETTING == "data_parallel":
        copies = [shard.data for shard in variable.value.addressable_shards]
    elif strategy:
        copies = strategy.experimental_local_results(variable.value)
    else:
        return 0.0
    copies = [np.asarray(copy, "float64") for copy in copies]
    return max(np.abs(copy - copies[0]).max() for copy in copies)


def history(result):
    return {f"log {name}": values for name, values in result.history.items()}


def fit(gan, *args, **options):
    return gan.fit(*args, **{"shuffle": False, "verbose": 0, "batch_size": 8, **options})


CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


@case
def wgan_gp():
    """Groups of batches, accumulation, dropout, a point per sample, an average, labels."""
    gan = make(
        dropout=0.3,
        loss="wasserstein",
        regularizers=[GradientPenalty(10.0)],
        discriminator_steps=2,
        accumulation_steps=2,
        ema_decay=0.5,
    )
    first = history(fit(gan, X[:32], LABELS[:32]))
    more = history(fit(gan, X, LABELS, epochs=2, validation_data=(X[:16], LABELS[:16])))
    return {
        **{f"first {name}": value for name, value in first.items()},
        **{f"more {name}": value for name, value in more.items()},
        **state(gan),
    }


@case
def lazy():
    """A term in every second step, with noise and a seed of its own."""
    gan = make(loss="hinge", regularizers=[GradientPenalty(1.0), R1(1.0, interval=2)])
    return {**history(fit(gan, X, epochs=2, steps_per_epoch=3)), **state(gan)}


@case
def toolbox():
    """Packs, augmentations with noise and a schedule, and a regularizer with a state."""
    decay = keras.optimizers.schedules.PolynomialDecay(0.5, 6)
    gan = make(
        packing=2,
        # Not hinge: as long as no logit is beyond it, the gradient of a bias is rounding only, of
        # which Adam makes steps.
        regularizers=[HistoricalAveraging(0.1)],
        augmentations=[InstanceNoise(decay), DiffAugment("color,translation,cutout")],
    )
    return {**history(fit(gan, X, batch_size=16, epochs=2, steps_per_epoch=2)), **state(gan)}


@case
def batch_statistics():
    """What depends on how a batch is shared: its normalisation, and running averages of logits."""
    gan = make(normalization=BatchNormalization, ema_decay=0.5, regularizers=[LeCam(0.3, start=0)])
    logs = history(fit(gan, X[:8]))
    mean = ops.convert_to_numpy(gan.generator.layers[1].moving_mean)
    fit(gan, X, epochs=2)
    return {**logs, "moving mean": mean, **state(gan)}


@case
def rest():
    """Shuffled arrays, single batches, evaluation with metrics, noise, callbacks and files."""
    with scope():
        metric = keras.metrics.RootMeanSquaredError(name="distance")
    gan = make(metrics=[metric], discriminator_steps=2, regularizers=[R1(0.1)])
    results = {}
    results.update(history(fit(gan, X, shuffle=True)))
    results["on batch"] = gan.train_on_batch(X[:16], LABELS[:16])
    results["test on batch"] = gan.test_on_batch(X[:8])
    results["evaluate"] = gan.evaluate(X[:24], batch_size=16, verbose=0)
    results["evaluate again"] = gan.evaluate(X[:24], batch_size=16, verbose=0)
    results["images"] = gan.generate(5, seed=3)
    results["drawn"] = draw()
    shared = OUT / "shared"
    shared.mkdir(exist_ok=True)
    callbacks = [
        keras_gan.callbacks.SampleGrid(shared / "samples", seeds="0-4", every_steps=2),
        keras_gan.callbacks.HistoryFile(shared / "history.jsonl"),
        keras.callbacks.ModelCheckpoint(shared / "model{epoch}.keras"),
    ]
    fit(gan, X, epochs=2, callbacks=callbacks)
    (shared / f"process{process}").mkdir()
    own = shared / f"process{process}" / "own.keras"
    gan.save(own)
    gan.save_weights(own.with_suffix(".weights.h5"))
    dcgan = keras_gan.DCGAN(image_shape=(16, 16, 1), latent_dim=4, width=2)
    dcgan.save_to_preset(own.with_suffix(".preset"))
    results["wrote"] = own.exists()
    results["is chief"] = backend.is_chief()
    if backend.is_chief():
        results["loaded"] = keras.models.load_model(own).generate(5, seed=3)
        results["saved"] = gan.generate(5, seed=3)
    return {**results, **state(gan)}


@case
def errors():
    """What each process refuses, and that it goes on afterwards."""
    gan = make()
    elsewhere = process == 1
    scenarios = {
        "batch size": lambda: fit(gan, X, batch_size=7),
        "last batch": lambda: fit(gan, X[:33]),
        "last batch of a set": lambda: fit(
            gan, keras_gan.data.arrays(X[:33], batch_size=8), batch_size=None
        ),
        "one batch": lambda: gan.train_on_batch(X[:7]),
        "evaluation": lambda: gan.evaluate(X[:9], batch_size=8, verbose=0),
    }
    if SETTING in ("torchrun", "multi_worker"):
        scenarios |= {
            "steps": lambda: fit(gan, X[: 24 if elsewhere else 32]),
            "epochs": lambda: fit(gan, X, epochs=1 + elsewhere),
            "arguments": lambda: fit(gan, X, steps_per_epoch=2 + elsewhere),
            "model": lambda: fit(make(dropout=0.3, discriminator_steps=1 + elsewhere), X),
        }
    if SETTING == "torchrun":
        scenarios |= {
            "order": lambda: fit(gan, X[::-1] if elsewhere else X),
            "size": lambda: fit(gan, X, batch_size=8 - 4 * elsewhere, steps_per_epoch=4),
            "batches": lambda: gan.train_on_batch(X[: 8 - 4 * elsewhere]),
            "end": lambda: fit(gan, parts(3 + elsewhere), batch_size=None),
        }
    messages = {}
    for name, scenario in scenarios.items():
        try:
            scenario()
        except ValueError as error:
            messages[name] = str(error)
    fit(gan, X)
    return {**messages, "step": ops.convert_to_numpy(gan.step), **state(gan)}


@case
def less_data():
    """One process runs out of batches, which no length has announced."""
    fit(make(), parts(2 if process == 1 else 8), batch_size=None)
    return {}


@case
def death():
    """One process fails in the middle of an epoch."""

    class Fails(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if process == 1 and batch == 2:
                raise RuntimeError("on purpose")

    fit(make(), X, callbacks=[Fails()])
    return {}


def parts(count):
    """A generator of batches."""
    return ((X[8 * i : 8 * i + 8],) for i in range(count))


def draw():
    """Eight latents: the part of this process."""
    with scope():
        seed = random.SeedGenerator(7)
    if strategy:
        drawn = strategy.run(lambda: random.normal((8 // strategy.num_replicas_in_sync, 3), seed))
        return np.concatenate(strategy.experimental_local_results(drawn))
    count = dist.get_world_size() if SETTING == "torchrun" else 1
    return ops.convert_to_numpy(random.normal((8 // count, 3), seed))


def main():
    for name in SELECTED:
        (OUT / name).mkdir(exist_ok=True, parents=True)
        np.savez(OUT / name / f"{process}.npz", **CASES[name]())
    if SETTING == "torchrun":
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
