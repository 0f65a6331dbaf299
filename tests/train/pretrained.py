#!/usr/bin/env python3
"""pretrained.py NETWORK FILE SAMPLE: loads a file of pretrained CIFAR-10 weights into PyTorch's form of its makers'
network, and prints the largest difference of its logits from SAMPLE's, as a part of the largest, for SAMPLE's images."""
import json
import pathlib
import struct
import sys

import numpy
import torch
import torch.nn.functional as F
from torch import nn


def read(path):
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    return {name: torch.from_numpy(numpy.frombuffer(data[8 + length + e["data_offsets"][0]:8 + length + e["data_offsets"][1]],
                                                    numpy.float32).reshape(e["shape"]).copy()) for name, e in header.items()}


class Block(nn.Module):
    """Two 3x3 convolutions; the shortcut is option A (akamaster), or a 1x1 convolution."""

    def __init__(self, before, channels, stride, norm=True, option="B"):
        super().__init__()
        bias = not norm
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=bias)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=bias)
        self.bn1, self.bn2 = (nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)) if norm else (nn.Identity(), nn.Identity())
        self.shortcut = nn.Sequential()
        self.option, self.stride, self.added = option, stride, channels - before
        if (stride != 1 or before != channels) and option == "B":
            layers = [nn.Conv2d(before, channels, 1, stride, bias=bias)] + ([nn.BatchNorm2d(channels)] if norm else [])
            self.shortcut = nn.Sequential(*layers)

    def forward(self, x):
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.option == "A" and self.added:
            pad = self.added // 2
            return F.relu(h + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, pad, pad)))
        return F.relu(h + self.shortcut(x))


class Network(nn.Module):
    def __init__(self, stem, widths, blocks, option="B"):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem)
        before = stem
        for index, width in enumerate(widths):
            stage = []
            for block in range(blocks):
                stage.append(Block(before, width, 2 if index > 0 and block == 0 else 1, option=option))
                before = width
            setattr(self, f"layer{index + 1}", nn.Sequential(*stage))

    def features(self, x):
        return self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))


class Akamaster(Network):
    def __init__(self, depth):
        super().__init__(16, (16, 32, 64), (depth - 2) // 6, "A")
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        return self.linear(self.features(x).mean((2, 3)))


class Distiller(Network):
    def __init__(self):
        super().__init__(64, (16, 32, 64), 1)
        self.linear = nn.Linear(256, 10)

    def forward(self, x):
        return self.linear(F.avg_pool2d(self.features(x), 4).flatten(1))


class Vnncomp(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1)
        self.layer1 = nn.Sequential(Block(8, 16, 2, norm=False), Block(16, 16, 1, norm=False))
        self.linear1, self.linear2 = nn.Linear(1024, 100), nn.Linear(100, 10)

    def forward(self, x):
        x = self.layer1(F.relu(self.conv1(x)))
        return self.linear2(F.relu(self.linear1(x.flatten(1))))


NETWORKS = {"resnet20": lambda: Akamaster(20), "resnet56": lambda: Akamaster(56), "resnet8": Distiller, "resnet_2b": Vnncomp}
name, file, sample_path = sys.argv[1:]
content = torch.load(file, map_location="cpu")
content = content.get("state_dict", content.get("model_state_dict"))
network = NETWORKS[name]().eval()
network.load_state_dict({key.removeprefix("module."): value for key, value in content.items()}, strict=True)
sample = read(sample_path)
with torch.no_grad():
    logits = network(sample["images"])
print(((logits - sample["logits"]).abs().max() / logits.abs().max()).item())
