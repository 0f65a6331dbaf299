"""load_in_pytorch.py NETWORK MODEL SAMPLE: loads the model file strictly into PyTorch's network of that name and
compares its logits for SAMPLE's "images" with SAMPLE's "logits". Both files are read here, from the format's description. Prints
the norm of the difference against the norm of the logits."""

import json
import pathlib
import struct
import sys

import numpy
import torch

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench/peers"))
import torch_networks  # noqa: E402

TYPES = {"F32": "<f4", "I64": "<i8"}


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length).decode("utf-8"))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        values = numpy.frombuffer(data[begin:end], TYPES[tensor["dtype"]]).reshape(tensor["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    return tensors


sample = read(sys.argv[3])
network = torch_networks.network(sys.argv[1], sample["logits"].shape[1])[0]
network.load_state_dict(read(sys.argv[2]), strict=True)
network.eval()
with torch.no_grad():
    logits = network(sample["images"])
print(((logits - sample["logits"]).double().norm() / sample["logits"].double().norm()).item())
