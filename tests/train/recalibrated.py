#!/usr/bin/env python3
"""recalibrated.py BEFORE AFTER BATCHES: the statistics that PyTorch's cumulative average (momentum=None) gives the
resnet18 of BEFORE over the batches "0", "1", ... of BATCHES; prints the largest difference from those of AFTER, as a
part of the largest value of each tensor."""
import json
import pathlib
import struct
import sys

import numpy
import torch
import torchvision


def read(path):
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    types = {"F32": numpy.float32, "I64": numpy.int64}
    return {name: torch.from_numpy(numpy.frombuffer(
        data[8 + length + e["data_offsets"][0]:8 + length + e["data_offsets"][1]], types[e["dtype"]])
        .reshape(e["shape"]).copy()) for name, e in header.items()}


before, after, batches = (read(path) for path in sys.argv[1:4])
network = torchvision.models.resnet18(num_classes=len(before["fc.bias"]))
network.load_state_dict(before, strict=True)
for module in network.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.momentum = None
        module.reset_running_stats()
network.train()
with torch.no_grad():
    for index in range(len(batches)):
        network(batches[str(index)])
worst = 0.0
for name, value in network.state_dict().items():
    if name.endswith("num_batches_tracked"):
        assert value == after[name] == len(batches), name
    else:
        worst = max(worst, float((value - after[name]).abs().max() / value.abs().max()))
print(worst)
