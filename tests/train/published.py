#!/usr/bin/env python3
"""published.py NAME WEIGHTS RESIZE IMAGE: fills torchvision's network NAME with random weights, stores them as WEIGHTS
in the form in which torchvision publishes its own, and prints the 1,000 probabilities that torchvision gives IMAGE."""
import re
import sys

import torch
import torchvision
from PIL import Image
from torchvision.transforms._presets import ImageClassification

name, weights, resize, image = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
torch.manual_seed(1)
network = getattr(torchvision.models, name)().eval()
for key, value in network.state_dict().items():
    if key.endswith("running_mean"):
        value.normal_(0, 0.1)
    if key.endswith("running_var") or re.search(r"(bn|norm)\d*\.weight$", key):
        value.uniform_(0.5, 1.5)
with torch.no_grad():
    x = ImageClassification(crop_size=224, resize_size=resize)(Image.open(image).convert("RGB"))[None]
    classifier = network.classifier if name.startswith("densenet") else network.fc
    scale = network(x).std()
    classifier.weight /= scale  # so that the probabilities say something of each class
    classifier.bias /= scale
    probabilities = network(x).softmax(1)[0].tolist()
state = network.state_dict()
if name.startswith("densenet"):  # published before numbers were part of a layer's name, and before batches were counted
    state = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", key): value for key, value in state.items()
             if not key.endswith("num_batches_tracked")}
torch.save(state, weights, _use_new_zipfile_serialization=not name.startswith("densenet"))
print(*probabilities)
