#!/usr/bin/python3
"""describe.py FOLDER [EXTENSION...]: what Pillow and torchvision make of the image files in FOLDER. A line for each
file: "NAME<tab>what HEIGHTxWIDTH crc32<tab>...", the CRC of the resulting pixels; "refused" where Pillow fails.

The tests calculate the same lines. photos.txt beside this file is the output for a folder into which
imagenet-samples-50.tar and hymenoptera-small.tar were unpacked (describe.py FOLDER .jpg .JPEG > photos.txt),
seeds.txt that for fuzz/seeds (describe.py fuzz/seeds .jpg .png .webp .bmp .ppm .pgm > seeds.txt)."""
import pathlib
import sys
import zlib

from PIL import Image, ImageOps
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode

BILINEAR, BICUBIC = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC


def results(path):
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    height, width = image.height, image.width
    yield "rgb", image
    yield "grey", image.convert("L")
    yield "bilinear", image.resize((224, 224), BILINEAR)
    yield "bicubic", image.resize((131, 97), BICUBIC)
    yield "enlarged", image.resize((width + 61, height * 2), BICUBIC)
    yield "one-axis", image.resize((width, 64), BILINEAR)
    yield "grey-bilinear", image.convert("L").resize((64, 48), BILINEAR)
    box = (width * 0.125, height * 0.3125, width * 0.8125, height - 0.25)
    yield "box", image.resize((160, 160), BILINEAR, box=box)
    yield "box-bicubic", image.resize((96, 160), BICUBIC, box=box)
    window = (width // 5, height // 7, width // 5 + (width + 1) // 2, height // 7 + (height + 2) // 3)
    yield "window", image.crop(window).resize((224, 224), BILINEAR)
    shorter = F.resize(image, 256, InterpolationMode.BILINEAR)
    yield "shorter", shorter
    yield "centre", F.center_crop(shorter, [224, 224])
    yield "centre-padded", F.center_crop(F.resize(image, 75, InterpolationMode.BICUBIC), [81, 90])


def describe(path):
    try:
        return "\t".join(f"{what} {image.height}x{image.width} {zlib.crc32(image.tobytes()):08x}"
                         for what, image in results(path))
    except (OSError, SyntaxError, ValueError):
        return "refused"


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")
                   if path.is_file() and (len(sys.argv) == 2 or path.suffix in sys.argv[2:]))
    for name in names:
        print(name, describe(folder / name), sep="\t")
