#!/usr/bin/env python3
"""policies.py: the tables of torchvision's RandAugment and TrivialAugmentWide, one line for each operator:

    POLICY HEIGHT WIDTH OPERATOR SIGNED MAGNITUDE...

with one magnitude, or 31. policies.txt is this output. Made with torchvision 0.14.1."""
from torchvision.transforms import RandAugment, TrivialAugmentWide


def show(policy, height, width, space):
    for name, (magnitudes, signed) in space.items():
        values = magnitudes.reshape(-1).tolist()
        print(policy, height, width, name, int(signed), len(values), *values)


for height, width in [(32, 32), (224, 300)]:
    show("rand", height, width, RandAugment()._augmentation_space(31, (height, width)))
    show("trivial", height, width, TrivialAugmentWide()._augmentation_space(31))
