#!/usr/bin/env python3
"""torch_values.py make FOLDER: PyTorch files of both formats with all dtypes, views, strides, shared storage, parameters
and wrappers, each beside NAME.safetensors with what PyTorch itself reads from it.
torch_values.py read FILE OUT: the tensors of a PyTorch file as torch.load sees them, as safetensors."""
import argparse
import collections
import json
import pathlib
import struct
import sys

import torch

WRAPPERS = ["state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "net", "params"]
STORED = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8"}
WIDENED = {torch.float16: torch.float32, torch.bfloat16: torch.float32, torch.int16: torch.int32,
           torch.int8: torch.int32, torch.bool: torch.uint8}


def chosen(value):
    while isinstance(value, dict):
        inner = next((value[key] for key in WRAPPERS if isinstance(value.get(key), dict) and value[key]), None)
        if inner is None:
            break
        value = inner
    return value


def flattened(value, name=""):
    if torch.is_tensor(value):
        yield name, value.detach()
    elif isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from flattened(item, f"{name}.{key}" if name else str(key))


def write(path, value):
    header, blobs, position = {}, [], 0
    for name, tensor in flattened(chosen(value)):
        tensor = tensor.to(WIDENED.get(tensor.dtype, tensor.dtype)).contiguous()
        blob = tensor.numpy().tobytes()
        header[name] = {"dtype": STORED[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [position, position + len(blob)]}
        blobs.append(blob)
        position += len(blob)
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def cases():
    torch.manual_seed(1)
    base = torch.randn(4, 6, 5)
    dtypes = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
              torch.int8, torch.uint8, torch.bool]
    yield "dtypes", collections.OrderedDict((str(d), (torch.randn(3, 4) * 50).to(d)) for d in dtypes)
    yield "views", {"transposed": base.transpose(0, 2), "part": base[1:3, ::2, 1:],
                    "row": base[2], "expanded": torch.arange(5.0).expand(3, 5), "scalar": torch.tensor(2.5),
                    "empty": torch.zeros(0, 3), "whole": base}
    yield "parameters", {"w": torch.nn.Parameter(torch.randn(2, 3)), "b": torch.nn.Parameter(torch.randn(3), False)}
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    yield "checkpoint", {"state_dict": network.state_dict(), "epoch": 3, "best": 0.5, "arch": "x",
                         "args": argparse.Namespace(lr=0.1), "optimizer": optimizer.state_dict()}
    yield "ema", {"state_dict": network.state_dict(), "state_dict_ema": {"w": torch.ones(2)}}
    yield "nested", {"layers": {"0": {"w": torch.randn(2)}, "1": [torch.randn(3), torch.randn(4)]}}
    yield "tensor", torch.randn(3)


def make(folder):
    for name, value in cases():
        for kind, zipped in (("zip", True), ("stream", False)):
            path = folder / f"{name}.{kind}.pth"
            torch.save(value, path, _use_new_zipfile_serialization=zipped)
            write(folder / f"{name}.{kind}.safetensors", torch.load(path))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]))
    else:
        write(sys.argv[3], torch.load(sys.argv[2], map_location="cpu"))
