#!/usr/bin/env python3
"""What other programs make of our ONNX files, and we of theirs.
onnx_peers.py check FILE: Debian's ONNX checker; fails with its message.
onnx_peers.py opencv FILE SAMPLE: OpenCV DNN on the sample's images; prints the largest difference of its output from the
sample's, as a part of the largest number there.
onnx_peers.py torch NAME FILE SAMPLE: exports torchvision's NAME with random weights, and writes images and logits."""
import json
import pathlib
import struct
import sys

import numpy as np

TYPES = {"F32": np.float32, "U8": np.uint8, "I64": np.int64}


def read(path):
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[8 + length + begin:8 + length + end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def write(path, tensors):
    header, blobs, position = {}, b"", 0
    for name, array in tensors.items():
        blob = np.ascontiguousarray(array, np.float32).tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [position, position + len(blob)]}
        blobs += blob
        position += len(blob)
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + blobs)


def check(path):
    import onnx
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8 and model.opset_import[0].version == 17, (model.ir_version, model.opset_import)
    print(0)


def opencv(path, sample):
    import cv2
    tensors = read(sample)
    network = cv2.dnn.readNetFromONNX(path)
    outputs = []
    for image in tensors["images"]:  # one by one: OpenCV fixes the batch when it reads the file
        network.setInput(image[None])
        outputs.append(network.forward().copy())
    found, expected = np.concatenate(outputs), tensors["logits"]
    print(np.abs(found - expected).max() / np.abs(expected).max())


def torch_export(name, path, sample):
    import torch
    import torchvision
    torch.manual_seed(3)
    model = getattr(torchvision.models, name)(weights=None)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    model.eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        logits = model(images)
    torch.onnx.export(model, images[:1], path, opset_version=13, input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})
    write(sample, {"images": images.numpy(), "logits": logits.numpy()})


if __name__ == "__main__":
    {"check": check, "opencv": opencv, "torch": torch_export}[sys.argv[1]](*sys.argv[2:])
