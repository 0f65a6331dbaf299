#!/usr/bin/env python3
"""ten_crops.py: the table of views_test.cpp: FNV-1a digests of torchvision's TenCrop(224) of Resize(SIZE) of a picture
made by test::picture_bytes(HEIGHT, WIDTH, 5)."""
import numpy as np
from PIL import Image
from torchvision.transforms import Compose, InterpolationMode, Resize, TenCrop


def digest(data):
    key = 0xCBF29CE484222325
    for byte in data:
        key = ((key ^ byte) * 0x100000001B3) % 2**64
    return key


for height, width, size in [(300, 400, 256), (401, 300, 232), (256, 256, 256), (224, 500, 224)]:
    y, x, c = np.ogrid[:height, :width, :3]
    picture = Image.fromarray(((5 * 37 + y * 3 + x * 5 + c * 50) % 256).astype(np.uint8))
    crops = Compose([Resize(size, InterpolationMode.BILINEAR), TenCrop(224)])(picture)
    print(f"{{{height}, {width}, {size}, {{")
    print(",\n".join(f"0x{digest(crop.tobytes()):016x}" for crop in crops) + "}},")
