#!/usr/bin/python3
"""Writes golden.json: what PyTorch (Debian's python3-torch, 1.13) computes on networks and images that both sides make
from an integer hash. Only losses, norms and projections are kept.

    /usr/bin/python3 tests/train/golden/make_golden.py

The fixture's numbers are float64. Hyperparameters are float32 values, as the attributes of our ops are.
"""
import json
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from hashed import hashed  # noqa: E402

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

BATCH, CLASSES, PROJECTIONS = 8, 10, 8
LR, SMALL_LR, MOMENTUM, DECAY, EPSILON, SMOOTHING = (float(np.float32(x)) for x in (0.1, 1e-3, 0.9, 1e-4, 1e-5, 0.1))


def weights(name, shape):
    """He et al.'s variance by fan-in for weights, ones and zeros with a tenth of noise for vectors; rounded to float32."""
    u = hashed(name, int(np.prod(shape)))
    if len(shape) > 1:
        w = u * np.sqrt(6.0 / np.prod(shape[1:]))
    else:
        w = 0.1 * u + (1.0 if name.endswith("weight") else 0.0)
    return torch.from_numpy(w.astype(np.float32).astype(np.float64).reshape(shape))


margin = float("inf")  # of the ReLU inputs from zero, since it was last reset


def relu(x):
    global margin
    margin = min(margin, x.detach().abs().min().item())
    return F.relu(x)


class OptionA(nn.Module):
    def __init__(self, zeros):
        super().__init__()
        self.zeros = zeros

    def forward(self, x):
        before = self.zeros // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, before, self.zeros - before))


def norm(channels):
    return nn.BatchNorm2d(channels, eps=EPSILON)


class Basic(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = norm(channels)
        self.short = OptionA(channels - inputs) if stride != 1 else nn.Identity()

    def forward(self, x):
        return relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))) + self.short(x))


class Bottleneck(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 1, 1, 0, bias=False)
        self.bn1 = norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = norm(channels)
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, 1, 0, bias=False)
        self.bn3 = norm(4 * channels)
        self.downsample = nn.Sequential()
        if stride != 1 or inputs != 4 * channels:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, 4 * channels, 1, stride, 0, bias=False), norm(4 * channels))

    def forward(self, x):
        h = relu(self.bn1(self.conv1(x)))
        h = relu(self.bn2(self.conv2(h)))
        return relu(self.bn3(self.conv3(h)) + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, block, expansion, blocks, widths, imagenet):
        super().__init__()
        self.imagenet = imagenet
        kernel = (7, 2, 3) if imagenet else (3, 1, 1)
        self.conv1 = nn.Conv2d(3, widths[0], *kernel, bias=False)
        self.bn1 = norm(widths[0])
        inputs, self.stages = widths[0], []
        for stage, (count, width) in enumerate(zip(blocks, widths)):
            layers = []
            for index in range(count):
                layers.append(block(inputs, width, 2 if stage and not index else 1))
                inputs = width * expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
            self.stages.append(f"layer{stage + 1}")
        self.fc = nn.Linear(inputs, CLASSES)

    def forward(self, x):
        x = relu(self.bn1(self.conv1(x)))
        if self.imagenet:
            x = F.max_pool2d(x, 3, 2, 1)
        for stage in self.stages:
            x = getattr(self, stage)(x)
        return self.fc(x.mean((2, 3)))


def batch_of(salt, step, side):
    images = hashed(f"images.{salt}.{step}", BATCH * 3 * side * side).reshape(BATCH, 3, side, side)
    labels = np.floor((hashed(f"labels.{step}", BATCH) + 1.0) * 0.5 * CLASSES).astype(np.int64)
    return torch.from_numpy(images), torch.from_numpy(labels)


def hashed_network(make):
    net = make()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(weights(name, tuple(parameter.shape)))
    return net


def best_salt(make, side, salts=400):
    """In float32 a ReLU input nearer to zero than its rounding may change sign, and one such pixel moves a gradient by
    1e-3. So the images are those, of many, whose first step stays farthest from every kink."""
    global margin
    net, margins = hashed_network(make), []
    for salt in range(salts):
        margin = float("inf")
        with torch.no_grad():
            net(batch_of(salt, 0, side)[0])
        margins.append(margin)
    return int(np.argmax(margins)), max(margins)


def train(make, side, salt, lr, steps, nesterov=False, smoothing=0.0):
    net = hashed_network(make)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=MOMENTUM, weight_decay=DECAY, nesterov=nesterov)
    losses, gradients = [], {}
    for step in range(steps):
        images, labels = batch_of(salt, step, side)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images), labels, label_smoothing=smoothing)
        loss.backward()
        if step == 0:
            for name, parameter in net.named_parameters():
                g = parameter.grad.numpy().ravel()
                projections = [float(hashed(f"projection.{k}.{name}", g.size) @ g) for k in range(PROJECTIONS)]
                gradients[name] = {"norm": float(np.linalg.norm(g)), "projections": projections}
        optimizer.step()
        losses.append(loss.item())
    return losses, gradients


NETWORKS = {
    "resnet20": (lambda: ResNet(Basic, 1, [3, 3, 3], [16, 32, 64], False), 32),
    "bottleneck": (lambda: ResNet(Bottleneck, 4, [1, 2, 1, 1], [8, 16, 24, 32], True), 64),
}

if __name__ == "__main__":
    fixture = {}
    for name, (make, side) in NETWORKS.items():
        salt, distance = best_salt(make, side)
        losses, gradients = train(make, side, salt, LR, 20)
        small, _ = train(make, side, salt, SMALL_LR, 5)
        nesterov, _ = train(make, side, salt, LR, 10, nesterov=True, smoothing=SMOOTHING)
        fixture[name] = {
            "salt": salt,
            "losses": losses,
            "small_rate_losses": small,
            "nesterov_smoothed_losses": nesterov,
            "gradients": gradients,
        }
        print(f"{name}: images {salt}, {distance:.1e} from the nearest kink, losses {losses[0]} ... {losses[-1]}")
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.json")
    with open(path, "w") as file:
        json.dump(fixture, file, indent=1)
        file.write("\n")
