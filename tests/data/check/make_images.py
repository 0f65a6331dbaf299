#!/usr/bin/env python3
"""make_images.py FOLDER: the pictures that the tests of `check` plant in a data set. images/ is its output, made with
Pillow 9.4.0."""
import pathlib
import sys

import numpy as np
from PIL import Image


def scene(seed, height=90, width=120):
    """Waves and a few discs: nothing else looks like it."""
    random = np.random.RandomState(seed)
    y, x = np.mgrid[0:height, 0:width] / height
    planes = []
    for _ in range(3):
        plane = sum(random.uniform(10, 30) * np.cos(random.uniform(-9, 9) * x + random.uniform(-9, 9) * y + k) for k in range(6))
        planes.append(plane + 128)
    for _ in range(5):
        inside = (x - random.uniform(0, 1.3)) ** 2 + (y - random.uniform(0, 1)) ** 2 < random.uniform(0.01, 0.05)
        for plane in planes:
            plane[inside] = random.uniform(0, 255)
    return Image.fromarray(np.clip(np.stack(planes, 2), 0, 255).astype(np.uint8))


def main():
    folder = pathlib.Path(sys.argv[1])
    photo = scene(1)
    photo.save(folder / "photo.jpg", quality=90)
    photo.save(folder / "photo_again.jpg", quality=40)
    photo.resize((80, 60), Image.BILINEAR).save(folder / "photo_smaller.png")
    scene(2).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray((np.asarray(scene(3).convert("L")).astype(np.uint16) * 257)).save(folder / "sixteen.png")
    scene(4).quantize(64).save(folder / "palette.png")
    transparent = scene(5)
    transparent.putalpha(200)
    transparent.save(folder / "alpha.png")
    scene(6).convert("L").save(folder / "grey.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    scene(7).save(folder / "rotated.jpg", exif=exif)
    scene(8).save(folder / "really_a.gif")
    scene(9).save(folder / "really_webp.webp")
    scene(10).save(folder / "moving.webp", save_all=True, append_images=[scene(11)])
    Image.new("RGB", (64, 64), (12, 200, 7)).save(folder / "blank.png")
    # A photo with some bytes of its scan overwritten: decoders fill in and go on.
    data = bytearray((folder / "photo.jpg").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xaa" * 40
    (folder / "damaged.jpg").write_bytes(data)


if __name__ == "__main__":
    main()
