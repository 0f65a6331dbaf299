#!/usr/bin/python3
"""make_seeds.py: writes the small files of fuzz/seeds/ that the fuzz targets start from, a folder for each target; the
tests replay them and compare the pictures with Pillow's. Needs Debian's python3-pil and python3-numpy; what Pillow
cannot write is put together here. Equal versions write equal bytes."""
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds"
WIDTH, HEIGHT = 67, 45


def put(name, data):
    path = SEEDS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def picture(width=WIDTH, height=HEIGHT):
    """Smooth colours with a few hard edges: [height, width, 3]."""
    y, x = np.mgrid[0:height, 0:width]
    red = 255 * x / max(width - 1, 1)
    green = 127 + 120 * np.sin(x / 5.0 + y / 7.0)
    blue = np.where((x // 9 + y // 6) % 2 == 0, 30, 220)
    return np.stack([red, green, blue], 2).round().astype(np.uint8)


RGB = Image.fromarray(picture())
GREY = RGB.convert("L")
ALPHA = Image.fromarray(np.dstack([picture(), (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 256).astype(np.uint8)]))
PALETTE = RGB.quantize(16)


def save(name, image, **options):
    path = SEEDS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def exif(orientation, order="<"):
    """A TIFF block with the width, then the orientation."""
    mark = b"II" if order == "<" else b"MM"
    entries = struct.pack(order + "HHIHH", 0x0100, 3, 1, WIDTH, 0) + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return mark + struct.pack(order + "HIH", 42, 8, 2) + entries + bytes(4)


def jpeg_seeds():
    for sampling, name in ((0, "444"), (1, "422"), (2, "420")):
        save(f"jpeg/{name}.jpg", RGB, quality=80, subsampling=sampling)
    save("jpeg/grey.jpg", GREY, quality=80)
    save("jpeg/progressive.jpg", RGB, quality=70, progressive=True)
    save("jpeg/progressive-grey.jpg", GREY, quality=70, progressive=True)
    save("jpeg/cmyk.jpg", RGB.convert("CMYK"), quality=80)
    save("jpeg/one.jpg", Image.fromarray(picture(1, 1)))
    save("jpeg/tall.jpg", Image.fromarray(picture(2, 200)), quality=60)
    save("jpeg/wide.jpg", Image.fromarray(picture(200, 3)), quality=60)
    for orientation in range(1, 9):
        save(f"jpeg/exif{orientation}.jpg", RGB, quality=60, exif=b"Exif\0\0" + exif(orientation, "<>"[orientation % 2]))


def png(width, height, bits, kind, rows, interlace=0, chunks=()):
    """rows: the filtered bytes of all rows, before compression."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlace)) +
            b"".join(chunk(*each) for each in chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def png_rows(pixels):
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def png_seeds():
    save("png/rgb.png", RGB)
    save("png/rgba.png", ALPHA)
    save("png/grey.png", GREY)
    save("png/grey-alpha.png", ALPHA.convert("LA"))
    save("png/bilevel.png", GREY.convert("1"))
    save("png/palette.png", PALETTE)
    save("png/palette-transparent.png", PALETTE, transparency=3)
    save("png/rgb-transparent.png", RGB, transparency=(30, 40, 50))
    save("png/one.png", Image.fromarray(picture(1, 1)))
    save("png/exif6.png", RGB, exif=b"Exif\0\0" + exif(6))
    save("png/animated.png", RGB, save_all=True, append_images=[Image.fromarray(picture()[::-1].copy())], duration=50)
    deep = picture().astype(">u2") * 257 - 19
    put("png/rgb16.png", png(WIDTH, HEIGHT, 16, 2, png_rows(deep)))
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    rows = b"".join(png_rows(picture()[y::down, x::right]) for y, x, down, right in passes)
    put("png/interlaced.png", png(WIDTH, HEIGHT, 8, 2, rows, interlace=1))
    two_bits = np.packbits(np.unpackbits((picture(64, 20)[..., 0:1] >> 6), axis=2)[..., 6:].reshape(20, -1), axis=1)
    put("png/grey2.png", png(64, 20, 2, 0, png_rows(two_bits)))


def webp_seeds():
    save("webp/lossy.webp", RGB, quality=70)
    save("webp/lossless.webp", RGB, lossless=True)
    save("webp/lossy-alpha.webp", ALPHA, quality=60)
    save("webp/lossless-alpha.webp", ALPHA, lossless=True, exact=True)
    save("webp/one.webp", Image.fromarray(picture(1, 1)))
    save("webp/exif8.webp", RGB, quality=60, exif=b"Exif\0\0" + exif(8))
    save("webp/animated.webp", RGB, save_all=True, append_images=[Image.fromarray(picture()[::-1].copy())], duration=50)


def bmp(bits, compression, pixels, palette=b"", masks=b"", width=WIDTH, height=HEIGHT):
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 0, 0, len(palette) // 4, 0)
    start = 14 + len(info) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + masks + palette + pixels


def padded(rows):
    return b"".join(bytes(row) + bytes(-len(row) % 4) for row in rows)


def run_lengths(rows, four_bits):
    """Runs for the first half of a row, literals for the rest."""
    out = bytearray()
    for row in rows:
        half = len(row) // 2
        for value in row[:half]:
            out += bytes([1, value << 4 if four_bits else value])
        rest = list(row[half:])
        literal = bytes(a << 4 | b for a, b in zip(rest[::2], rest[1::2] + [0])) if four_bits else bytes(rest)
        out += bytes([0, len(rest)]) + literal + bytes(len(literal) % 2) + b"\0\0"
    return bytes(out) + b"\0\1"


def bmp_seeds():
    save("bmp/rgb.bmp", RGB)
    save("bmp/grey.bmp", GREY)
    save("bmp/bilevel.bmp", GREY.convert("1"))
    save("bmp/palette.bmp", PALETTE)
    indices = np.asarray(PALETTE)[::-1]
    colours = np.asarray(PALETTE.getpalette()[:48], np.uint8).reshape(16, 3)
    table = b"".join(bytes(colour[::-1]) + b"\0" for colour in colours)
    put("bmp/rle8.bmp", bmp(8, 1, run_lengths(indices, False), table))
    put("bmp/rle4.bmp", bmp(4, 2, run_lengths(indices, True), table))
    nibbles = [[a << 4 | b for a, b in zip(list(row[::2]), list(row[1::2]) + [0])] for row in indices]
    put("bmp/palette4.bmp", bmp(4, 0, padded(nibbles), table))
    pixels = picture()[::-1].astype(np.uint16)
    five = (pixels[..., 0] >> 3 << 10) | (pixels[..., 1] >> 3 << 5) | pixels[..., 2] >> 3
    put("bmp/rgb555.bmp", bmp(16, 0, padded(row.astype("<u2").tobytes() for row in five)))
    six = (pixels[..., 0] >> 3 << 11) | (pixels[..., 1] >> 2 << 5) | pixels[..., 2] >> 3
    put("bmp/rgb565.bmp", bmp(16, 3, padded(row.astype("<u2").tobytes() for row in six),
                              masks=struct.pack("<III", 0xF800, 0x07E0, 0x1F)))
    four = np.dstack([picture()[..., ::-1], np.full((HEIGHT, WIDTH), 7, np.uint8)])
    put("bmp/top-down32.bmp", bmp(32, 0, four.tobytes(), height=-HEIGHT))
    core = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24)
    body = padded(row.tobytes() for row in picture()[::-1, :, ::-1])
    put("bmp/os2.bmp", b"BM" + struct.pack("<IHHI", 26 + len(body), 0, 0, 26) + core + body)


def pnm_seeds():
    save("pnm/rgb.ppm", RGB)
    save("pnm/grey.pgm", GREY)
    put("pnm/text.ppm", "P3 # a comment\n4 2\n15\n" + " ".join(str(i % 16) for i in range(24)) + "\n")
    put("pnm/text.pgm", "P2\n# another\n5 3 255\n" + "\n".join(str(17 * i) for i in range(15)))
    deep = (picture(19, 7).astype(">u2") * 257 - 19).tobytes()
    put("pnm/rgb16.ppm", b"P6\n19 7\n65535\n" + deep)
    put("pnm/ten-bits.ppm", b"P6 19 7 1023 " + (picture(19, 7).astype(">u2") * 4).tobytes())
    put("pnm/seven-levels.ppm", b"P6\n9 5\n6\n" + bytes(i % 7 for i in range(135)))


def exif_seeds():
    for order, name in (("<", "little"), (">", "big")):
        for orientation in (1, 3, 6, 8):
            put(f"exif/{name}{orientation}", exif(orientation, order))
    put("exif/out-of-range", exif(9))


def reader_seeds():
    record = bytes([3]) + picture(32, 32).transpose(2, 0, 1).tobytes()
    put("cifar/one", record)
    put("cifar/two", record + bytes([9]) + record[1:])
    put("cifar/cut-short", record[:-1])
    header = json.dumps({"__metadata__": {"format": "pt"},
                         "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
                         "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]},
                         "c": {"dtype": "I64", "shape": [], "data_offsets": [32, 40]}}).encode()
    put("safetensors/three", struct.pack("<Q", len(header)) + header + bytes(range(40)))
    put("safetensors/empty", struct.pack("<Q", 2) + b"{}")


SPEC = {"block": "basic", "blocks": [1, 1, 1], "classes": 10, "depth": 0, "family": "cifar", "input": [3, 32, 32],
        "name": "resnet8", "relu_output": False, "shortcut": "A", "stride_at": "conv3x3", "width": 0,
        "widths": [16, 32, 64], "zero_channels": "around"}
POSITION = {"epoch": 1, "step_in_epoch": 0, "step": 4, "seed": 0, "loss_sum": 0.5, "images": 0, "correct": 0,
            "gentle": False, "window_images": 0, "window_correct": 0, "gentle_end": 0, "rate": 0.03,
            "best_top1": 0.1875, "best_step": 4}
CONFIG = """[run]
format = 1
[model]
name = "resnet8"
spec = '{"name":"resnet8"}'
[data]
source = "builtin:shapes"
validation = 0.1
train_images = 64
train_hash = "6f8d46b729fc7fb9"
test_images = 32
test_hash = "aef2838e6797cacf"
[training]
seed = 0
precision = "fp32"
instruction_set = "avx512"
plan = "786ed5ee902fe887"
checkpoint_every = 0
[recipe]
name = "short"
epochs = 1
iterations = 0
batch = 16
lr = 0.2
schedule = "step"
warmup = 0.1
milestones = [0.5, 0.75]
factor = 0.1
gentle_lr = 0.0
gentle_until_error = 0.8
gentle_from_depth = 0
momentum = 0.9
nesterov = true
weight_decay = 0.0005
decay_all = true
label_smoothing = 0.0
pad = 4
flip = true
"""


def text_seeds():
    put("config/run.toml", CONFIG)
    put("config/recipe.toml", CONFIG[CONFIG.index("[recipe]"):])
    put("metadata/spec.json", json.dumps(SPEC))
    put("metadata/preprocessing.json", json.dumps({"channels": 3, "height": 32, "width": 32, "mean": [0.5, 0.5, 0.5],
                                                   "std": [0.25, 0.25, 0.25]}))
    put("metadata/position.json", json.dumps(POSITION))


if __name__ == "__main__":
    for make in (jpeg_seeds, png_seeds, webp_seeds, bmp_seeds, pnm_seeds, exif_seeds, reader_seeds,
                 text_seeds):
        make()
