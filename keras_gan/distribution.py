"""What the processes of a distributed run have to agree on, checked before they wait for ever.

Collective operations pair up by their order alone: processes that do not make the same ones hang,
or add up what does not belong together. Every process therefore runs the same program on the same
data, of which it takes its share, and this module compares what they are about to do.
"""

import json
import zlib

import numpy as np
from keras import tree


class OneReplica:
    """What shares batches where nothing is distributed, see `keras_gan.backend.Replicas`."""

    count = processes = 1
    reads_in_step = True
    share = staticmethod(np.concatenate)


def start_together(model, replicas, arguments):
    """Compare the processes' models and arguments, then start from the first process' state.

    Args:
        model: a compiled `keras_gan.GAN`.
        replicas: its `keras_gan.backend.Replicas`.
        arguments: dict of what the call was made with, plain values.

    Raises:
        ValueError: on every process, if they differ.
    """
    if replicas.processes == 1:
        return
    variables = [*model.variables, *model.optimizer.variables]
    agree(
        replicas,
        {
            "the model": [[v.shape, v.dtype] for v in variables],
            "the training step": [
                [phase.player, phase.interval, model.discriminator_steps, model.accumulation_steps]
                for phase in model.phases()
            ],
            "the arguments": arguments,
        },
    )
    replicas.broadcast(variables)


def start_epoch(replicas, num_batches):
    """Compare the lengths of the processes' epochs.

    Args:
        replicas: `keras_gan.backend.Replicas`.
        num_batches: int, or `None` if not known.

    Raises:
        ValueError: on every process, if they differ.
    """
    if replicas.processes > 1:
        agree(replicas, {"the number of steps of an epoch": num_batches})


def check_divisible(size, replicas, packing=1):
    """Refuse a batch of `size` images of which `replicas` cannot take equal shares of whole packs.

    Raises:
        ValueError: if a share would be smaller than another, which would weigh its images more, or
            hold a part of a pack.
    """
    multiple = replicas.count * packing
    if size % multiple:
        reasons = []
        if replicas.count > 1:
            reasons.append(f"A batch is shared by {replicas.count} replicas, in equal parts.")
        if packing > 1:
            reasons.append(f"The discriminator judges packs of {packing} images (`packing`).")
        raise ValueError(
            f"{' '.join(reasons)} Received: a batch of {size} images. Use a batch_size that is a "
            f"multiple of {multiple}, and leave out a smaller last batch (`drop_remainder=True` of "
            "`keras_gan.data` sets, `x[: len(x) // batch_size * batch_size]` of arrays)."
        )


def compare_batch(replicas, batch):
    """Compare the batch that comes next with the other processes'.

    Args:
        replicas: `keras_gan.backend.Replicas`.
        batch: global batch, a structure of arrays, or `None` where the data have ended.

    Raises:
        ValueError: on every process, if size or order differ.
    """
    if replicas.processes == 1:
        return
    leaves = [] if batch is None else tree.flatten(batch)
    # One sample tells whether the order is the same.
    sums = [zlib.crc32(np.ascontiguousarray(leaf[0])) for leaf in leaves]
    agree(replicas, {"the next batch (images, checksums)": [len(leaves and leaves[0]), sums]})


def agree(replicas, facts):
    """Compare facts with those of the other processes.

    Args:
        replicas: `keras_gan.backend.Replicas`.
        facts: dict from a description to a plain value, with the same keys on every process.

    Raises:
        ValueError: on every process, if they differ.
    """
    digests = [zlib.crc32(json.dumps(fact, default=str).encode()) for fact in facts.values()]
    columns = replicas.gather(digests).T
    for (name, fact), digest, column in zip(facts.items(), digests, columns, strict=True):
        if others := np.flatnonzero(column != digest).tolist():
            raise ValueError(
                f"The processes of this run differ in {name}. Process {replicas.process} has "
                f"{_shortened(fact)}; processes {others} have something else. Give every process "
                "the same model, arguments and data, in the same order and with the global batch "
                "size: each takes its share."
            )


def _shortened(fact):
    text = str(fact)
    return text if len(text) <= 200 else f"{text[:200]}..."
