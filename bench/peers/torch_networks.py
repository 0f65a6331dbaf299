"""Networks in PyTorch with the parameter names of this project's model files: torchvision's for ImageNet, and the CIFAR
networks of He et al. 2015, section 4.2, with shortcuts of option A (every other pixel, zeros for the new channels)."""

import re

import torch
from torch import nn
from torch.nn import functional


class BasicBlock(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride, self.more = stride, channels - channels_in

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.more:
            before = self.more // 2
            x = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.more - before))
        return functional.relu(y + x)


class CifarResNet(nn.Module):
    def __init__(self, depth, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        blocks = (depth - 2) // 6
        for stage, (before, channels) in enumerate([(16, 16), (16, 32), (32, 64)]):
            stride = 2 if stage else 1
            chain = [BasicBlock(before, channels, stride)]
            chain += [BasicBlock(channels, channels, 1) for _ in range(blocks - 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*chain))
        self.fc = nn.Linear(64, classes)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1))


def is_cifar(name):
    """resnet20, resnet32, ...: depth 6n + 2, none of which torchvision has."""
    depth = re.fullmatch(r"resnet(\d+)", name)
    return bool(depth) and int(depth[1]) % 6 == 2 and name not in ("resnet50", "resnet152")


def network(name, classes=None):
    """The network, the side of its images and the number of its classes."""
    if is_cifar(name):
        return CifarResNet(int(name.removeprefix("resnet")), classes or 10), 32, classes or 10
    import torchvision  # only here: the CIFAR networks do without it

    return getattr(torchvision.models, name)(num_classes=classes or 1000), 224, classes or 1000
