#!/usr/bin/python3
"""Writes golden.json: what torchvision's networks, and timm's written out below, hold and compute in PyTorch (Debian's
python3-torch and python3-torchvision). Weights and images come from an integer hash that both sides compute.

    /usr/bin/python3 tests/models/golden/make_golden.py

For each network: a digest of the names and shapes of its state_dict, its parameters, its multiply-adds at 224x224; for
some of them the float32 logits of two images of 64x64 and of one of 224x224, with ten classes.
"""
import json
import math
import os
import sys
from collections import OrderedDict

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "support"))
from hashed import digest, hashed  # noqa: E402

torch.set_num_threads(2)
CLASSES = 10


# --- timm's networks: the names of their tensors, and what they compute -------------------------------------------

class Excite(nn.Module):
    """timm.layers.SEModule with rd_ratio 1/16, rounded to a multiple of 8."""

    def __init__(self, channels):
        super().__init__()
        hidden = max(8, (channels // 16 + 4) // 8 * 8)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


def conv(inputs, outputs, kernel, stride=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    """timm.models.resnet.BasicBlock and Bottleneck with downsample_conv or downsample_avg."""

    def __init__(self, inputs, width, stride, bottleneck, pooled, excite):
        super().__init__()
        outputs = 4 * width if bottleneck else width
        kernels = [1, 3, 1] if bottleneck else [3, 3]
        widths = [inputs, width, width, outputs] if bottleneck else [inputs, width, width]
        strides = [1, stride, 1] if bottleneck else [stride, 1]
        self.count = len(kernels)
        for k in range(self.count):
            setattr(self, f"conv{k + 1}", conv(widths[k], widths[k + 1], kernels[k], strides[k]))
            setattr(self, f"bn{k + 1}", nn.BatchNorm2d(widths[k + 1]))
        self.se = Excite(outputs) if excite else nn.Identity()
        self.downsample = nn.Identity()
        if stride != 1 or inputs != outputs:
            layers = [conv(inputs, outputs, 1, 1 if pooled else stride), nn.BatchNorm2d(outputs)]
            if pooled:
                pool = nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False)
                layers.insert(0, nn.Identity() if stride == 1 else pool)
            self.downsample = nn.Sequential(*layers)

    def forward(self, x):
        h = x
        for k in range(1, self.count + 1):
            h = getattr(self, f"bn{k}")(getattr(self, f"conv{k}")(h))
            h = F.relu(h) if k < self.count else h
        return F.relu(self.se(h) + self.downsample(x))


class ResNet(nn.Module):
    """timm.models.resnet.ResNet: with `deep` the stem and the shortcuts of its "d" networks."""

    def __init__(self, classes, blocks, bottleneck, deep=False, excite=False):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        if deep:
            self.conv1 = nn.Sequential(conv(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU(), conv(32, 32, 3),
                                       nn.BatchNorm2d(32), nn.ReLU(), conv(32, 64, 3))
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, count in enumerate(blocks):
            layers = []
            for index in range(count):
                layers.append(Block(inputs, 64 << stage, 2 if stage and not index else 1, bottleneck, deep, excite))
                inputs = (256 if bottleneck else 64) << stage
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in range(4):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


class PreactBlock(nn.Module):
    """timm.models.resnetv2.PreActBottleneck with DownsampleConv."""

    def __init__(self, inputs, outputs, stride, first):
        super().__init__()
        inner = outputs // 4
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, inner, 1)
        self.norm2, self.conv2 = nn.BatchNorm2d(inner), conv(inner, inner, 3, stride)
        self.norm3, self.conv3 = nn.BatchNorm2d(inner), conv(inner, outputs, 1)
        self.downsample = nn.Sequential(OrderedDict(conv=conv(inputs, outputs, 1, stride))) if first else None

    def forward(self, x):
        active = F.relu(self.norm1(x))
        h = self.conv2(F.relu(self.norm2(self.conv1(active))))
        h = self.conv3(F.relu(self.norm3(h)))
        return h + (self.downsample(active) if self.downsample is not None else x)


class ResNetV2(nn.Module):
    def __init__(self, classes, blocks):
        super().__init__()
        self.stem = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 64, 7, 2, 3, bias=False), pool=nn.MaxPool2d(3, 2, 1)))
        stages, inputs = [], 64
        for stage, count in enumerate(blocks):
            layers, outputs = [], 256 << stage
            for index in range(count):
                layers.append(PreactBlock(inputs, outputs, 2 if stage and not index else 1, index == 0))
                inputs = outputs
            stages.append(nn.Sequential(OrderedDict(blocks=nn.Sequential(*layers))))
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(inputs)
        self.head = nn.Sequential(OrderedDict(fc=nn.Conv2d(inputs, classes, 1)))

    def forward(self, x):
        x = F.relu(self.norm(self.stages(self.stem(x))))
        return self.head(x.mean((2, 3), keepdim=True)).flatten(1)


def from_torchvision(name):
    return lambda classes: getattr(torchvision.models, name)(num_classes=classes)


NETWORKS = {name: from_torchvision(name) for name in [
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
    "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2", "densenet121", "densenet161", "densenet169",
    "densenet201"]}
for depth, shape in {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3],
                     200: [3, 24, 36, 3]}.items():
    NETWORKS[f"resnet{depth}d"] = lambda classes, n=shape, b=depth >= 50: ResNet(classes, n, b, deep=True)
NETWORKS["seresnet50"] = lambda classes: ResNet(classes, [3, 4, 6, 3], True, excite=True)
NETWORKS["resnetv2_50"] = lambda classes: ResNetV2(classes, [3, 4, 6, 3])
NETWORKS["resnetv2_101"] = lambda classes: ResNetV2(classes, [3, 4, 23, 3])
COMPARED = ["resnet18", "resnet50", "resnext50_32x4d", "densenet121", "resnet50d", "seresnet50", "resnetv2_50"]


# --- what is written of them ---------------------------------------------------------------------------------------

def tensors_of(net):
    return {name: tensor for name, tensor in net.state_dict().items() if not name.endswith("num_batches_tracked")}


def value_of(name, shape):
    """Weights of variance 1 by fan-in, so that nothing saturates; scales and variances around 1, shifts and means around 0."""
    u = torch.from_numpy(hashed(name, math.prod(shape)))
    if len(shape) > 1:
        u = u * math.sqrt(3.0 / math.prod(shape[1:]))
    elif name.endswith("running_var"):
        u = 1.0 + 0.5 * u
    else:
        u = 0.1 * u + (1.0 if name.endswith("weight") else 0.0)
    return u.reshape(shape).float()


def multiply_adds(net):
    total = 0

    def count(module, inputs, output):
        nonlocal total
        per_output = module.weight[0].numel()
        total += output[0].numel() * per_output

    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        net.eval()(torch.zeros(1, 3, 224, 224))
    for hook in hooks:
        hook.remove()
    return total


def logits(net, images, side):
    x = torch.from_numpy(hashed(f"images.{side}", images * 3 * side * side)).float().reshape(images, 3, side, side)
    with torch.no_grad():
        single = net.eval()(x)
        double = net.double()(x.double())
        net.float()
    print(f"  {side}: float32 is {((single - double).norm() / double.norm()).item():.1e} from float64")
    return [[float(y) for y in row] for row in single]


if __name__ == "__main__":
    fixture = {}
    for name, make in NETWORKS.items():
        net = make(1000)
        shapes = sorted(f"{key} {'x'.join(map(str, tensor.shape))}" for key, tensor in tensors_of(net).items())
        entry = {
            "tensors": len(shapes),
            "digest": f"{digest(chr(10).join(shapes)):016x}",
            "parameters": sum(p.numel() for p in net.parameters()),
            "macs": multiply_adds(net),
        }
        print(name, entry)
        if name in COMPARED:
            net = make(CLASSES)
            net.load_state_dict({key: value_of(key, tensor.shape) for key, tensor in tensors_of(net).items()}, strict=False)
            entry["logits"] = {"64": logits(net, 2, 64), "224": logits(net, 1, 224)}
        fixture[name] = entry
    with open(os.path.join(HERE, "golden.json"), "w") as file:
        json.dump(fixture, file, indent=1)
        file.write("\n")
