"""StyleGAN2 in plain PyTorch: the networks and a training iteration, as compact as they can be."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

TAPS = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64


def filtered(x, padding, gain=1.0, stride=1):
    """The FIR filter on every channel."""
    kernel = (TAPS * gain).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(x, kernel, padding=padding, stride=stride, groups=x.shape[1])


def upsampled(x):
    """Twice as large, by the filter."""
    kernel = (TAPS * 4).expand(x.shape[1], 1, 4, 4)
    return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


def rectified(x):
    """Leaky ReLU with its gain and the clamp."""
    return F.leaky_relu(x, 0.2).mul(math.sqrt(2)).clamp(-256, 256)


class Dense(nn.Module):
    """A dense layer of equalised learning rate."""

    def __init__(self, inputs, outputs, rate=1.0, bias=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), float(bias)))
        self.scale, self.rate = rate / math.sqrt(inputs), rate

    def forward(self, x):
        """Apply the layer."""
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class Conv(nn.Module):
    """A convolution of equalised learning rate."""

    def __init__(self, inputs, outputs, size, down=False, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.size, self.down = 1 / math.sqrt(inputs * size**2), size, down

    def forward(self, x):
        """Apply the layer."""
        weight = self.weight * self.scale
        if self.down and self.size == 1:
            return F.conv2d(filtered(x, 1, stride=2), weight, self.bias)
        if self.down:
            return F.conv2d(filtered(x, 2), weight, self.bias, stride=2)
        return F.conv2d(x, weight, self.bias, padding=self.size // 2)


class Modulated(nn.Module):
    """A modulated convolution with noise, or without demodulation for images."""

    def __init__(self, inputs, outputs, style_dim, up=False, side=None):
        super().__init__()
        size = 1 if side is None else 3
        self.affine = Dense(style_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.up, self.side = up, side
        if side is not None:
            self.strength = nn.Parameter(torch.zeros(()))
            self.register_buffer("noise", torch.randn(side, side))

    def forward(self, x, w):
        """Apply the layer to activations and a style."""
        styles = self.affine(w)
        if self.side is None:
            styles = styles / math.sqrt(x.shape[1])
            return F.conv2d(x * styles[:, :, None, None], self.weight, self.bias)
        energy = self.weight.square().sum((2, 3))
        scales = (styles.square() @ energy.t() + 1e-8).rsqrt()[:, :, None, None]
        x = x * styles[:, :, None, None]
        if self.up:
            x = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
            x = filtered(x, 1, gain=4.0)
        else:
            x = F.conv2d(x, self.weight, padding=1)
        noise = self.noise
        if self.training:
            noise = torch.randn(len(x), 1, self.side, self.side)
        return rectified(x * scales + noise * self.strength + self.bias[:, None, None])


class Generator(nn.Module):
    """Mapping and synthesis, of the architecture "skip"."""

    def __init__(self, side, widths, mapping_layers=8, dim=512):
        super().__init__()
        self.mapping = nn.ModuleList(Dense(dim, dim, 0.01) for _ in range(mapping_layers))
        self.register_buffer("average", torch.zeros(dim))
        self.const = nn.Parameter(torch.randn(widths[0], 4, 4))
        self.layers, self.images = nn.ModuleList(), nn.ModuleList()
        for i, width in enumerate(widths):
            if i:
                self.layers.append(Modulated(widths[i - 1], width, dim, True, 4 * 2**i))
            self.layers.append(Modulated(width, width, dim, False, 4 * 2**i))
            self.images.append(Modulated(width, 3, dim))
        self.num_styles, self.dim = 2 * len(widths), dim

    def styles(self, z, update=True):
        """A style for each latent."""
        w = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.mapping:
            w = F.leaky_relu(layer(w), 0.2) * math.sqrt(2)
        if self.training and update:
            self.average.lerp_(w.detach().mean(0), 0.005)
        return w

    def synthesis(self, ws):
        """Images of styles."""
        x, image, layers = self.const.expand(len(ws), -1, -1, -1), None, iter(self.layers)
        x = x.contiguous(memory_format=MEMORY[0])
        index = 0
        for i, to_image in enumerate(self.images):
            for _ in range(2 if i else 1):
                x = next(layers)(x, ws[:, index])
                index += 1
            y = to_image(x, ws[:, index])
            image = y if image is None else upsampled(image) + y
        return image

    def mixed(self, count):
        """Styles of two latents."""
        first, second = (
            self.styles(torch.randn(count, self.dim), update)[:, None].expand(
                -1, self.num_styles, -1
            )
            for update in (True, False)
        )
        cutoff = self.num_styles
        if torch.rand(()) < 0.9:
            cutoff = int(torch.randint(1, self.num_styles, ()))
        return torch.cat([first[:, :cutoff], second[:, cutoff:]], dim=1)


class Discriminator(nn.Module):
    """The residual discriminator."""

    def __init__(self, widths):
        super().__init__()
        self.first = Conv(3, widths[-1], 1)
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                [
                    Conv(widths[i], widths[i], 3),
                    Conv(widths[i], widths[i - 1], 3, down=True),
                    Conv(widths[i], widths[i - 1], 1, down=True, bias=False),
                ]
            )
            for i in range(len(widths) - 1, 0, -1)
        )
        self.last = Conv(widths[0] + 1, widths[0], 3)
        self.dense = Dense(16 * widths[0], widths[0])
        self.out = Dense(widths[0], 1)

    def forward(self, x):
        """Logits of images."""
        x = rectified(self.first(x))
        for first, second, skip in self.blocks:
            x = (rectified(second(rectified(first(x)))) + skip(x)) * math.sqrt(0.5)
        groups = x.reshape(4, -1, *x.shape[1:])
        deviation = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
        planes = deviation.repeat(4)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        x = rectified(self.last(torch.cat([x, planes], dim=1)))
        return self.out(F.leaky_relu(self.dense(x.flatten(1)), 0.2) * math.sqrt(2))


MEMORY = [torch.contiguous_format]


def networks(side, base, memory, mapping_layers=8):
    """A generator and a discriminator."""
    MEMORY[0] = memory
    widths = [min(base // (4 * 2**i), 512) for i in range(int(math.log2(side)) - 1)]
    pair = Generator(side, widths, mapping_layers), Discriminator(widths)
    return [network.to(memory_format=memory) for network in pair]


def iteration(side, base, count, memory, gamma=1.0):
    """A function that makes four training iterations, the lazy phases in every 4th and 16th."""
    generator, discriminator = networks(side, base, memory, mapping_layers=2)
    average, _ = networks(side, base, memory, mapping_layers=2)
    optimizers = [
        torch.optim.Adam(network.parameters(), 0.0025 * share, (0.0, 0.99**share), 1e-8)
        for network, share in ((generator, 4 / 5), (discriminator, 16 / 17))
    ]
    real = (torch.rand(count, 3, side, side) * 2 - 1).contiguous(memory_format=memory)
    mean, made = torch.zeros(()), 0

    def update(optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        with torch.no_grad():
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        torch.nan_to_num_(parameter.grad, 0.0, 1e5, -1e5)
        optimizer.step()

    def path_length():
        ws = generator.mixed(count // 2)
        images = generator.synthesis(ws)
        noise = torch.randn_like(images) / side
        (gradient,) = torch.autograd.grad((images * noise).sum(), ws, create_graph=True)
        lengths = gradient.square().sum(2).mean(1).sqrt()
        target = mean + 0.01 * (lengths.mean() - mean)
        mean.copy_(target.detach())
        return (lengths - target).square().mean()

    def r1():
        x = real.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        return gradient.square().sum((1, 2, 3)).mean()

    def iterate():
        nonlocal made
        discriminator.requires_grad_(False)
        fake = generator.synthesis(generator.mixed(count))
        update(optimizers[0], F.softplus(-discriminator(fake)).mean())
        if made % 4 == 0:
            update(optimizers[0], 2 * 4 * path_length())
        discriminator.requires_grad_(True)
        with torch.no_grad():
            fake = generator.synthesis(generator.mixed(count))
        logits = discriminator(fake), discriminator(real)
        update(optimizers[1], F.softplus(logits[0]).mean() + F.softplus(-logits[1]).mean())
        if made % 16 == 0:
            update(optimizers[1], 16 * gamma / 2 * r1())
        with torch.no_grad():
            for ours, theirs in zip(average.parameters(), generator.parameters(), strict=True):
                ours.lerp_(theirs, 0.001)
        made += 1

    return lambda: [iterate() for _ in range(4)]


def generation(side, base, count, memory):
    """A function that makes uint8 images from seeds."""
    generator = networks(side, base, memory)[0].eval()

    @torch.no_grad()
    def generate():
        draws = [np.random.RandomState(seed).randn(generator.dim) for seed in range(count)]
        w = generator.styles(torch.from_numpy(np.array(draws, "float32")))
        ws = (generator.average + 0.7 * (w - generator.average))[:, None]
        images = generator.synthesis(ws.expand(-1, generator.num_styles, -1))
        images = (images.permute(0, 2, 3, 1) * 127.5 + 128).clamp_(0, 255)
        return images.to(torch.uint8).numpy()

    return generate
