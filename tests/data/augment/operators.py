#!/usr/bin/env python3
"""operators.py [PHOTO RAW]: what Pillow and torchvision make of a picture, one line for each operator and argument:

    PATTERN CHANNELS HEIGHT WIDTH OPERATOR ARGUMENT HASH

HASH is FNV-1a (64 bits) over the bytes of the result, pixel by pixel. Without arguments the pictures are generated (see
pattern(), which the test writes out again); operators.txt is this output. With PHOTO, a file that Pillow can read, the
picture is that photo at 250 x 167 pixels, and its bytes are written to RAW (PATTERN is then "photo").
Made with Pillow 9.4.0 and torchvision 0.14.1."""
import sys

import numpy as np
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import _apply_op


def pattern(kind, channels, height, width):
    pixels = np.zeros((height, width, channels), np.uint8)
    state = 12345
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                state = (state * 1664525 + 1013904223) % 2**32
                if kind == "smooth":
                    value = x * 5 + y * 3 + c * 80 + (state >> 29)
                elif kind == "noise":
                    value = state >> 24
                else:  # narrow: a dull picture
                    value = 60 + 10 * c + (state >> 27)
                pixels[y, x, c] = value % 256
    return picture_of(pixels)


def picture_of(pixels):
    return Image.fromarray(pixels[:, :, 0], "L") if pixels.shape[2] == 1 else Image.fromarray(pixels, "RGB")


def fnv(data):
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = ((digest ^ byte) * 0x100000001B3) % 2**64
    return f"{digest:016x}"


OPERATORS = {
    "brightness": (F.adjust_brightness, [0.0, 0.1, 0.37, 1.0, 1.4, 1.99]),
    "contrast": (F.adjust_contrast, [0.0, 0.1, 0.37, 1.0, 1.4, 1.99]),
    "saturation": (F.adjust_saturation, [0.0, 0.1, 0.37, 1.0, 1.4, 1.99]),
    "sharpness": (F.adjust_sharpness, [0.0, 0.1, 0.37, 1.0, 1.4, 1.99]),
    "hue": (F.adjust_hue, [-0.5, -0.27, -0.1, 0.0, 0.1, 0.31, 0.5]),
    "posterize": (lambda image, bits: F.posterize(image, int(bits)), list(range(9))),
    "solarize": (F.solarize, [0.0, 77.5, 128.0, 255.0, 256.0]),
    "invert": (lambda image, _: F.invert(image), [0]),
    "autocontrast": (lambda image, _: F.autocontrast(image), [0]),
    "equalize": (lambda image, _: F.equalize(image), [0]),
    "flip": (lambda image, _: F.hflip(image), [0]),
}
LEVELS = {
    "shear_x": ("ShearX", [-0.99, -0.3, 0.0, 0.033, 0.51, 0.99]),
    "shear_y": ("ShearY", [-0.99, -0.3, 0.0, 0.033, 0.51, 0.99]),
    "translate_x": ("TranslateX", [-32, -3, 0, 7, 1000]),
    "translate_y": ("TranslateY", [-32, -3, 0, 7, 1000]),
    "rotate": ("Rotate", [-135.0, -90.0, -30.0, 0.0, 9.5, 45.0, 90.0, 135.0, 180.0]),
}
INTERPOLATIONS = {"nearest": InterpolationMode.NEAREST, "bilinear": InterpolationMode.BILINEAR}


def results(image):
    for name, (operator, arguments) in OPERATORS.items():
        for argument in arguments:
            yield name, argument, operator(image, argument)
    for suffix, interpolation in INTERPOLATIONS.items():
        for name, (operator, levels) in LEVELS.items():
            for level in levels:
                yield f"{name}_{suffix}", level, _apply_op(image, operator, level, interpolation, None)


def main():
    if len(sys.argv) == 3:
        photo = Image.open(sys.argv[1]).convert("RGB").resize((250, 167), Image.BILINEAR)
        with open(sys.argv[2], "wb") as raw:
            raw.write(photo.tobytes())
        pictures = [("photo", photo)]
    else:
        shapes = [("smooth", 3, 37, 52), ("noise", 3, 16, 16), ("narrow", 3, 21, 40), ("smooth", 1, 28, 28),
                  ("narrow", 1, 9, 30), ("noise", 3, 2, 5), ("noise", 1, 1, 1)]
        pictures = [(shape[0], pattern(*shape)) for shape in shapes]
    for kind, image in pictures:
        for name, argument, result in results(image):
            assert result.size == image.size and result.mode == image.mode
            print(kind, len(image.getbands()), image.height, image.width, name, argument, fnv(result.tobytes()))


if __name__ == "__main__":
    main()
