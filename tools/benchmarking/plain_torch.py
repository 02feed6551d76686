"""Plain eager PyTorch as a contender of tools/benchmark.py: `plain_torch.py CASE BATCH LAYOUT`.

Compact code as one would write it for speed: in-place activations, no gradients for the
discriminator's weights in the generator's update, nothing computed twice.
"""

import sys

import numpy as np
import plain_stylegan2
import torch
import torch.nn.functional as F
from protocol import (
    STYLEGAN2_GENERATION,
    STYLEGAN2_ITERATIONS,
    STYLEGAN2_TRAINING,
    serve,
)
from torch import nn

case, batch, layout = sys.argv[1], int(sys.argv[2]), sys.argv[3]
MEMORY = torch.channels_last if layout == "channels_last" else torch.contiguous_format


def dcgan():
    """The networks of pytorch/examples for 64x64x3."""
    generator, channels = [], 100
    for filters in (512, 256, 128, 64):
        stride, padding = (1, 0) if channels == 100 else (2, 1)
        generator += [
            nn.ConvTranspose2d(channels, filters, 4, stride, padding, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(inplace=True),
        ]
        channels = filters
    generator += [nn.ConvTranspose2d(channels, 3, 4, 2, 1, bias=False), nn.Tanh()]
    discriminator = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for filters in (128, 256, 512):
        discriminator += [
            nn.Conv2d(filters // 2, filters, 4, 2, 1, bias=False),
            nn.BatchNorm2d(filters),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    discriminator += [nn.Conv2d(512, 1, 4, bias=False), nn.Flatten()]
    return nn.Sequential(nn.Unflatten(1, (-1, 1, 1)), *generator), nn.Sequential(*discriminator)


class Crop(nn.Module):
    """The first `size` rows and columns."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        """Crop `x`."""
        return x[:, :, : self.size, : self.size]


def wgan_gp():
    """The MNIST networks of the WGAN-GP paper."""

    def up(channels, filters, size):
        return nn.Sequential(nn.ConvTranspose2d(channels, filters, 5, 2, 1), Crop(size))

    def down(channels, filters, size):
        # TensorFlow's padding: one more below and to the right for even sizes.
        pad = nn.ZeroPad2d((1, 2, 1, 2)) if size % 2 == 0 else nn.ZeroPad2d(2)
        return [pad, nn.Conv2d(channels, filters, 5, 2), nn.LeakyReLU(0.2, inplace=True)]

    generator = nn.Sequential(
        nn.Linear(128, 4096),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, (256, 4, 4)),
        up(256, 128, 7),
        nn.ReLU(inplace=True),
        up(128, 64, 14),
        nn.ReLU(inplace=True),
        up(64, 1, 28),
        nn.Sigmoid(),
    )
    critic = nn.Sequential(
        *down(1, 64, 28), *down(64, 128, 14), *down(128, 256, 7), nn.Flatten(), nn.Linear(4096, 1)
    )
    return generator, critic


def adam(network, rate, betas):
    """Adam over a network's weights."""
    return torch.optim.Adam(network.parameters(), rate, betas)


def update(optimizer, loss):
    """One step down the loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def networks(pair):
    """Both networks in the memory layout."""
    return [network.to(memory_format=MEMORY) for network in pair]


def generator_update(generator, discriminator, optimizer, loss, latents):
    """The generator's step, without gradients for the discriminator's weights."""
    discriminator.requires_grad_(False)
    update(optimizer, loss(discriminator(generator(latents))))
    discriminator.requires_grad_(True)


def dcgan_step():
    """A function that makes one training step of DCGAN."""
    generator, discriminator = networks(dcgan())
    optimizers = [adam(n, 2e-4, (0.5, 0.999)) for n in (generator, discriminator)]
    images = (torch.rand(batch, 3, 64, 64) * 2 - 1).to(memory_format=MEMORY)

    def step():
        with torch.no_grad():
            fake = generator(torch.randn(batch, 100))
        real_loss = F.softplus(-discriminator(images)).mean()
        update(optimizers[1], real_loss + F.softplus(discriminator(fake)).mean())
        generator_update(
            generator,
            discriminator,
            optimizers[0],
            lambda logits: F.softplus(-logits).mean(),
            torch.randn(batch, 100),
        )

    return step


def wgan_gp_step():
    """A function that makes one training step of WGAN-GP: five critic updates and one more."""
    generator, critic = networks(wgan_gp())
    optimizers = [adam(n, 1e-4, (0.0, 0.9)) for n in (generator, critic)]
    groups = torch.rand(5, batch, 1, 28, 28)

    def penalty(real, fake):
        epsilon = torch.rand(batch, 1, 1, 1)
        points = (fake + epsilon * (real - fake)).requires_grad_()
        (slopes,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        return ((slopes.flatten(1).square().sum(1) + 1e-12).sqrt() - 1).square().mean()

    def step():
        for real in groups:
            real = real.contiguous(memory_format=MEMORY)
            with torch.no_grad():
                fake = generator(torch.randn(batch, 128))
            loss = critic(fake).mean() - critic(real).mean() + 10 * penalty(real, fake)
            update(optimizers[1], loss)
        generator_update(
            generator,
            critic,
            optimizers[0],
            lambda logits: -logits.mean(),
            torch.randn(batch, 128),
        )

    return step


def generation(count):
    """A function that makes uint8 images from seeds."""
    generator = networks(dcgan())[0].eval()

    @torch.no_grad()
    def generate():
        draws = [np.random.RandomState(seed).randn(100) for seed in range(count)]
        images = generator(torch.from_numpy(np.array(draws, "float32"))).permute(0, 2, 3, 1)
        return ((images + 1) * 127.5).round_().clamp_(0, 255).to(torch.uint8).numpy()

    return generate


if case == "dcgan_64":
    run = dcgan_step()
elif case == "wgan_gp":
    run = wgan_gp_step()
elif case in STYLEGAN2_TRAINING:
    run = plain_stylegan2.iteration(*STYLEGAN2_TRAINING[case], MEMORY)
elif case in STYLEGAN2_GENERATION:
    run = plain_stylegan2.generation(*STYLEGAN2_GENERATION[case], MEMORY)
else:
    run = generation(1 if case == "generate_1" else batch)
serve({"run": (run, STYLEGAN2_ITERATIONS if case in STYLEGAN2_TRAINING else 1)})
