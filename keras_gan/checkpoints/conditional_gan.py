"""The state dicts of cgan.py in github.com/eriklindernoren/PyTorch-GAN."""

from keras_gan.checkpoints.mapping import Layout, Network, Row
from keras_gan.checkpoints.mlp_gan import dense_layers, generator_rows, linear_rows, linear_sizes


def _generator_rows(network):
    yield Row("label_emb.weight", network.get_layer("label_embedding").embeddings)
    yield from generator_rows(network)


def _discriminator_rows(network):
    yield Row("label_embedding.weight", network.get_layer("label_embedding").embeddings)
    found = dense_layers(network)
    # Linear, LeakyReLU; from the second on with dropout between them.
    yield from linear_rows(found, [0, *range(2, 3 * len(found) - 3, 3)])


def _generator_config(tensors):
    num_classes = tensors.dimensions("label_emb.weight", 2)[0]
    tensors.expect("label_emb.weight", (num_classes, num_classes))
    inputs, units = linear_sizes(tensors)
    return {
        "num_classes": num_classes,
        "latent_dim": inputs - num_classes,
        "generator_units": units,
    }


def _discriminator_config(tensors):
    num_classes = tensors.dimensions("label_embedding.weight", 2)[0]
    tensors.expect("label_embedding.weight", (num_classes, num_classes))
    return {"num_classes": num_classes, "discriminator_units": linear_sizes(tensors)[1]}


PYTORCH_GAN = Layout(
    name="conditional_gan_pytorch_gan",
    model="ConditionalGAN",
    signature=("label_emb.weight", "label_embedding.weight"),
    network_of=lambda tensors: "generator" if "label_emb.weight" in tensors else "discriminator",
    generator=Network(_generator_config, _generator_rows),
    discriminator=Network(_discriminator_config, _discriminator_rows),
    defaults={"batch_norm_epsilon": 0.8},
    # PyTorch's count of batches only matters for a momentum of None.
    ignored=(".num_batches_tracked",),
)
