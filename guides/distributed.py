# %% [markdown]
# # Training on several devices
#
# A batch is cut into equal shares, each device computes the gradients of its share, and all of them apply
# the mean: *data parallelism*. `keras_gan` does this with what each framework brings:
#
# | backend | by | start this file with |
# |---|---|---|
# | JAX | `keras.distribution.DataParallel` | `python distributed.py` |
# | TensorFlow, one machine | `tf.distribute.MirroredStrategy` | `python distributed.py` |
# | TensorFlow, several machines | `tf.distribute.MultiWorkerMirroredStrategy` | `TF_CONFIG=... python distributed.py` on each |
# | PyTorch | `torch.distributed` | `torchrun --nproc_per_node=2 distributed.py` |
#
# The whole contract is one sentence: **every process runs the same program on the same data with the global
# batch size, and each replica takes its share.** So a run on eight devices is meant to be the run on one
# device, only faster; nothing of the recipe changes, and `batch_size=64` is 64 images for each update
# whatever the number of devices.
#
# Without accelerators this guide makes two devices out of a processor, which shows that the numbers are
# right, and nothing about speed.

# %%
import contextlib
import os
import pathlib

DEVICES = int(os.environ.get("DEVICES", 2))
EPOCHS = int(os.environ.get("EPOCHS", 2))
OUT = pathlib.Path(os.environ.get("OUT", "distributed"))
# For JAX, before it starts; it has no effect where there are accelerators.
os.environ["XLA_FLAGS"] = (
    f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={DEVICES}"
)

import keras  # noqa: E402
import numpy as np  # noqa: E402

import keras_gan  # noqa: E402
from keras_gan import backend  # noqa: E402

# %% [markdown]
# ## Settling the devices
#
# This comes first, before any model: variables are born on the devices where they live.
#
# - **JAX**: `set_distribution` takes all devices that JAX sees.
# - **TensorFlow**: networks, optimizers and metrics are made in the strategy's `scope()`; `fit` is called
#   outside of it or inside, as you like. With `TF_CONFIG` in the environment there are several workers.
# - **PyTorch**: `torchrun` starts one process for each device. On GPUs, call
#   `torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))` before Keras is imported, and use "nccl".

# %%
scope = contextlib.nullcontext()
if keras.backend.backend() == "jax":
    keras.distribution.set_distribution(keras.distribution.DataParallel())
elif keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    if "TF_CONFIG" in os.environ:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif tf.config.list_physical_devices("GPU"):
        strategy = tf.distribute.MirroredStrategy()
    else:
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * DEVICES
        tf.config.set_logical_device_configuration(cpu, parts)
        strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(DEVICES)])
    scope = strategy.scope()
elif "TORCHELASTIC_RUN_ID" in os.environ:
    import torch

    torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")

# %% [markdown]
# ## The model
#
# As on one device. The processes need not begin with the same weights: `fit` and `evaluate` (and
# `train_on_batch`, when it is first called) give all of them the state of the first.

# %%
with scope:
    gan = keras_gan.WGANGP(image_shape=(16, 16, 1), width=4, latent_dim=16, seed=0)
    gan.compile(discriminator_steps=2, ema_decay=0.9)
replicas = backend.Replicas(gan)
print(f"{replicas.count} replicas in {replicas.processes} processes")

# %% [markdown]
# ## The data
#
# Every process is given all images, in the same order, and the global batch size. `keras_gan.data` sets draw
# their order from a seed, and `fit` orders arrays by the seed of the model, of which all processes have the
# first one's, so they are the same everywhere. A PyTorch `DataLoader` that shuffles needs a generator with a
# seed of its own: `generator=torch.Generator().manual_seed(0)`.
#
# A batch must divide into equal shares, or its images would not weigh the same:

# %%
images = np.random.RandomState(0).randint(0, 256, (64, 16, 16, 1)).astype("uint8")
dataset = keras_gan.data.arrays(images, batch_size=16, drop_remainder=True)
if replicas.count > 1:
    try:
        gan.fit(images, batch_size=15)
    except ValueError as error:
        print(error)

# %% [markdown]
# Processes that would wait for each other for ever are told so instead, each with an error of its own: if
# they differ in the model, in the arguments of `fit`, in the number of steps of an epoch, or (PyTorch) in the
# order of the images. Where a data set does not know its length, PyTorch compares batch by batch, and
# TensorFlow the sizes of the shares in each step. A process that dies takes the others with it: `torchrun`
# ends them, and TensorFlow's workers miss its heartbeat.
#
# ## Training
#
# Callbacks run in every process. `SampleGrid`, `HistoryFile`, `Snapshot` (which lets a run go on after a
# crash, and whose folder all processes must be able to read), `gan.save`, `gan.save_weights` and
# `gan.save_to_preset` write in one of them only; guard what you write yourself with `backend.is_chief()`.
# `gan.generate` asks no other process: it may be called in one alone. `fit`, `evaluate` and `train_on_batch`
# are for all of them together.

# %%
OUT.mkdir(exist_ok=True)
history = gan.fit(
    dataset,
    epochs=EPOCHS,
    verbose=0,
    callbacks=[
        keras_gan.callbacks.SampleGrid(OUT / "samples", seeds="0-15"),
        keras_gan.callbacks.HistoryFile(OUT / "history.jsonl"),
        keras_gan.callbacks.Snapshot(OUT / "snapshots"),
    ],
)
gan.save(OUT / "model.keras")
if backend.is_chief():
    print("d_loss", [f"{value:.5f}" for value in history.history["d_loss"]])

# %% [markdown]
# The logs are means over all images of the global batches: the same line as on one device
# (`DEVICES=1 python distributed.py`; on PyTorch without `torchrun`), up to rounding.
#
# ## What is the same as on one device, and what is not
#
# The same, to rounding: losses, penalties (with their random points), latents, `keras_gan.layers.Dropout`,
# lazy regularisation, groups of critic batches, accumulation, averages, held-out losses. A replica draws its
# slice of the noise of the global batch, so no two of them see the same latents. Variables are equal on all
# replicas, bit for bit.
#
# Not the same on TensorFlow and PyTorch, where a replica sees its share only (on JAX all of this is global):
#
# - **Batch normalisation** normalises with the statistics of the replica's share. The moving ones are the
#   means over the replicas: exact for the mean; the variance lacks what lies between the shares.
# - **Relativistic average losses** and minibatch layers compare with the share rather than the batch.
# - **`clipnorm` and `clipvalue`** of an optimizer clip each replica's gradient on TensorFlow, before Keras
#   sums them; on JAX and PyTorch they clip the mean.
# - **`keras.layers.Dropout`** and other layers that draw with `keras.random`: Keras' own seeds give every
#   TensorFlow replica the same mask. Use `keras_gan.layers.Dropout`, and in layers of your own
#   `keras_gan.random`. On PyTorch, Keras draws masks from the process' generator: seed it by rank.
# - What a batch logs while an epoch runs, and a compiled metric that is no mean over images, is in
#   `train_on_batch` and `test_on_batch` the mean of the replicas' values; at the end of an epoch and of
#   `evaluate` it is computed from the metric's state over all replicas.
#
# What was tested is the equality of numbers, on processors: JAX with 8 devices, TensorFlow with 2 mirrored
# devices and with 2 workers, PyTorch with 2 processes (gloo). GPUs, TPUs, NCCL and several machines were not
# at hand. JAX in several processes (`keras.distribution.initialize`) is refused.

# %%
if keras.backend.backend() == "torch" and replicas.count > 1:
    torch.distributed.destroy_process_group()
