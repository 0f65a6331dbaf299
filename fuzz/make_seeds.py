#!/usr/bin/python3
"""make_seeds.py: writes the small files of fuzz/seeds/ that the fuzz targets start from, a folder for each target; the
tests replay them and compare the pictures with Pillow's. Needs Debian's python3-pil and python3-numpy; what Pillow
cannot write is put together here. Equal versions write equal bytes."""
import gzip
import io
import json
import pathlib
import struct
import tarfile
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


def idx_seeds():
    pixels = picture(5, 4)[..., 0].tobytes()
    images = b"\0\0\x08\x03" + struct.pack(">III", 3, 4, 5) + pixels * 3
    labels = b"\0\0\x08\x01" + struct.pack(">I", 4) + bytes([7, 2, 1, 11])
    fashion = b"\0\0\x08\x01" + struct.pack(">I", 10) + bytes([9, 2, 1, 1, 6, 1, 4, 6, 5, 7])
    for name, data in (("images", images), ("labels", labels), ("fashion", fashion)):
        put(f"idx/{name}", data)
        put(f"idx/{name}.gz", gzip.compress(data, mtime=0))


def tar_file(files, form):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=form, bufsize=512) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return data.getvalue().rstrip(b"\0") + bytes(-len(data.getvalue().rstrip(b"\0")) % 512 + 1024)


def tar_seeds():
    grey = [b"P5 3 2 255 " + bytes(range(first, first + 6)) for first in (0, 40, 80, 120)]
    folders = [(f"{'cats' if i < 2 else 'dogs'}/{i}.pgm", image) for i, image in enumerate(grey)]
    put("tar/folders.tar", tar_file([("./" + name, image) for name, image in folders], tarfile.USTAR_FORMAT))
    pairs = [item for i, image in enumerate(grey) for item in ((f"{i:03}.pgm", image), (f"{i:03}.cls", b"%d\n" % (i // 2)))]
    put("tar/pairs.tar", tar_file(pairs, tarfile.USTAR_FORMAT))
    long = [("train/" + name[0] + "x" * 120 + name, image) for name, image in folders]
    put("tar/gnu.tar", tar_file(long, tarfile.GNU_FORMAT))
    put("tar/pax.tar", tar_file(long, tarfile.PAX_FORMAT))


def cache_seeds():
    """Two pictures as data/cache_file.hpp has them. The hashes are left out: the target puts them in."""
    first, second = picture(5, 4).tobytes(), picture(3, 3)[..., 0].tobytes()
    def entry(key, offset, height, width, channels):
        return struct.pack("<QQQiiii", key, offset, 0, height, width, channels, 0)
    start = bytes([2]) + first[1:] + second  # the first byte is the number of entries
    put("cache/two", start + entry(5, 0, 4, 5, 3) + entry(9, len(first), 3, 3, 1))
    put("cache/no-pixels", bytes([1]) + first[1:] + entry(5, 0, 0, 0, 3))
    put("cache/beyond", start + entry(5, 1 << 63, 4, 5, 3) + entry(9, 0, 1 << 20, 1 << 20, 3))
    put("cache/trailer", start + b"RnCache1" + struct.pack("<QQQ", 0, len(start), 0))


def csv_seeds():
    put("csv/split.csv", "part,class,file,content\ntrain,ants,ants/1.jpg,0123456789abcdef\n"
                         "validation,bees,\"bees/a, \"\"b\"\".jpg\",fedcba9876543210\n")
    put("csv/bad_files.csv", "file,reason\nants/2.jpg,\"JPEG: cut short\nafter 12 lines\"\nants/3.jpg,is no im")


SPEC = {"activation": "original", "block": "basic", "blocks": [1, 1, 1], "branch_scale": 1.0, "classes": 10,
        "compression": 1.0, "depth": 0, "dropout": 0.0, "family": "resnet", "gate": "none", "gate_bias": 0.0,
        "group_width": 64, "groups": 1, "growth": 0, "input": [3, 32, 32], "name": "resnet8", "preactivation": False,
        "projection": "strided", "relu_output": False, "shortcut": "A", "shortcut_dropout": 0.0, "shortcut_scale": 1.0,
        "squeeze": 0, "stem": "conv3x3", "stem_width": 16, "stochastic_depth": 0.0, "stride_at": "conv3x3", "width": 0,
        "widths": [16, 32, 64], "zero_channels": "around", "zero_gamma": False}
POSITION = {"epoch": 1, "step_in_epoch": 0, "step": 4, "seed": 0, "loss_sum": 0.5, "images": 0, "correct": 0,
            "gentle": False, "window_images": 0, "window_correct": 0, "gentle_end": 0, "rate": 0.03,
            "best_top1": 0.1875, "best_step": 4}
CONFIG = """[run]
format = 1
[model]
name = "resnet8"
spec = 'SPEC'
[data]
source = "builtin:shapes"
validation = 0.1
max_bad = 0.01
train_images = 64
train_hash = "6f8d46b729fc7fb9"
test_images = 32
test_hash = "aef2838e6797cacf"
[training]
seed = 0
precision = "fp32"
memory = "normal"
instruction_set = "avx512"
plan = "786ed5ee902fe887"
checkpoint_every = 0
diagnose_every = 100
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
label_smoothing = 0.1
freeze = ["stem", "layer1"]
stage_lr = ["layer2=0.1"]
pad = 0
flip = true
random_resized_crop = 0.25
scaled_decoding = true
randaugment = [2, 9]
trivial_augment = false
colour_jitter = [0.4, 0.4, 0.4, 0.1]
lighting = 0.1
random_erasing = 0.25
mixup = 0.2
cutmix = 1.0
sampling = "balanced"
class_weights = "ants=2,bees=0.5"
""".replace("SPEC", json.dumps(SPEC))

# onnx/plain.onnx, as it is stored once it is imported.
LAYERS = r"""{"layers": [["a", "conv", [0, 1, 2], {"bias": true, "groups": 1, "window": [3, 3, 2, 2, 1, 1, 1, 1, 1, 1]}], ["b",
"batch_norm_inference", [5, 2, 2, 3, 3], {"epsilon": 9.999999747378752e-06}], ["c", "unary", [6], {"a": 0.0, "b":
0.0, "kind": 0}], ["d", "max_pool", [7], {"ceil_mode": false, "window": [2, 2, 2, 2, 0, 0, 0, 0, 1, 1]}], ["e",
"binary", [8, 8], {"kind": 0}], ["f", "global_average_pool", [9], {}], ["g", "reshape", [10], {"shape": [-1, 4]}],
["i", "linear", [11, 4], {"bias": false}]], "logits": 12, "states": [["w", [4, 3, 3, 3], true], ["v", [4], true],
["v_", [4], false], ["t", [2, 4], true]]}"""


def text_seeds():
    put("config/run.toml", CONFIG)
    put("config/recipe.toml", CONFIG[CONFIG.index("[recipe]"):])
    later = ("max_bad", "random_resized_crop", "scaled_decoding", "randaugment", "trivial_augment", "colour_jitter", "lighting",
             "random_erasing", "mixup", "cutmix", "sampling", "class_weights", "diagnose_every")  # keys that runs before 1.0 may lack
    put("config/early.toml", "".join(line for line in CONFIG.splitlines(True) if not line.startswith(later)))
    put("metadata/spec.json", json.dumps(SPEC))
    put("metadata/preprocessing.json", json.dumps({"channels": 3, "height": 32, "width": 32, "mean": [0.5, 0.5, 0.5],
                                                   "std": [0.25, 0.25, 0.25], "resize": 36, "filter": "bicubic"}))
    put("metadata/written-out.json", json.dumps({**SPEC, "family": "written_out", "input": [3, 8, 8], "classes": 2, "blocks": [],
                                                 "widths": [], "layers": json.loads(LAYERS)}))
    put("metadata/position.json", json.dumps(POSITION))


# --- PyTorch: pickles that call what torch.save calls ---

def pickled_tensor(shape, strides, key="0", elements=6, storage="FloatStorage"):
    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    def numbers(values):
        return b"(" + b"".join(b"K" + bytes([v]) for v in values) + b"t"

    identity = b"(" + text("storage") + b"ctorch\n" + storage.encode() + b"\n" + text(key) + text("cpu") + b"K" + bytes([elements]) + b"tQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + identity + b"K\x00" + numbers(shape) + numbers(strides) + b"\x89NtR"


def pickled_state_dict(*tensors):
    items = b"".join(b"X" + struct.pack("<I", len(name)) + name.encode() + value for name, value in tensors)
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u."


def stored_zip(entries):
    file, directory = b"", b""
    for name, data in entries:
        sizes = struct.pack("<III", zlib.crc32(data), len(data), len(data))
        directory += struct.pack("<IHHHHI", 0x02014B50, 20, 20, 0, 0, 0) + sizes + struct.pack(
            "<HHHHHII", len(name), 0, 0, 0, 0, 0, len(file)) + name.encode()
        file += struct.pack("<IHHHI", 0x04034B50, 20, 0, 0, 0) + sizes + struct.pack("<HH", len(name), 0) + name.encode() + data
    return file + directory + struct.pack("<IIHHIIH", 0x06054B50, 0, len(entries), len(entries), len(directory), len(file), 0)


def pytorch_seeds():
    floats = struct.pack("<6f", *range(6))
    state = pickled_state_dict(("w", pickled_tensor([2, 3], [3, 1])), ("v", pickled_tensor([3, 2], [1, 3])),
                               ("args", b"cargparse\nNamespace\n)R"))
    put("pytorch/state.pt", stored_zip([("a/data.pkl", state), ("a/byteorder", b"little"), ("a/data/0", floats)]))
    magic = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
    put("pytorch/stream.pth", magic + b"\x80\x02M\xe9\x03." + b"\x80\x02}X\r\x00\x00\x00little_endian\x88s." + state
        + b"\x80\x02](X\x01\x00\x00\x000e." + struct.pack("<Q", 6) + floats)
    put("pytorch/pickle.pkl", state)
    put("pytorch/old.pkl", b"(dp0\nS'a'\np1\nI5\nsS'b'\nF2.5\nsS'c'\n(lp2\nL7L\naVx\na(cos\nsystem\nS'true'\no as.".replace(b"o a", b"oa"))


# --- ONNX: protocol buffers ---

def field(number, value):
    def varint(n):
        text = b""
        while n > 0x7F:
            text, n = text + bytes([n & 0x7F | 0x80]), n >> 7
        return text + bytes([n])

    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def onnx_node(kind, inputs, outputs, **integers):
    attributes = b"".join(field(5, field(1, name) + b"".join(field(8, v) for v in values) + field(20, 7))
                          for name, values in integers.items())
    return field(1, b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(4, kind) + attributes)


def onnx_tensor(name, array):
    kind = {np.float32: 1, np.int64: 7}[array.dtype.type]
    return field(5, b"".join(field(1, e) for e in array.shape) + field(2, kind) + field(8, name) + field(9, array.tobytes()))


def onnx_port(number, name, extents):
    shape = b"".join(field(1, field(1, e) if e else field(2, "N")) for e in extents)
    return field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, shape))))


def onnx_file(nodes, tensors, opset):
    graph = b"".join(nodes) + b"".join(tensors) + onnx_port(11, "x", [0, 3, 8, 8]) + onnx_port(12, "y", [0, 2])
    return field(1, 8) + field(7, graph) + field(8, field(2, opset))


def onnx_seeds():
    weights = np.ones((4, 3, 3, 3), np.float32)
    vector, matrix = np.ones(4, np.float32), np.ones((2, 4), np.float32)
    tensors = [onnx_tensor("w", weights), onnx_tensor("v", vector), onnx_tensor("m", matrix)]
    layers = [onnx_node("Conv", ["x", "w", "v"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
              onnx_node("BatchNormalization", ["a", "v", "v", "v", "v"], ["b"]), onnx_node("Relu", ["b"], ["c"]),
              onnx_node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2], strides=[2, 2]), onnx_node("Add", ["d", "d"], ["e"]),
              onnx_node("GlobalAveragePool", ["e"], ["f"])]
    head = [onnx_node("Flatten", ["f"], ["g"]), onnx_node("Gemm", ["g", "m"], ["h"], transB=[]),
            onnx_node("MatMul", ["g", "t"], ["i"]), onnx_node("Softmax", ["i"], ["y"])]
    put("onnx/plain.onnx", onnx_file(layers + [head[0], head[2], head[3]], tensors + [onnx_tensor("t", matrix.T.copy())], 17))
    chain = [onnx_node("Shape", ["f"], ["s"]), onnx_node("Gather", ["s", "zero"], ["n"]),
             onnx_node("Unsqueeze", ["n"], ["u"], axes=[0]), onnx_node("Concat", ["u", "open"], ["k"]),
             onnx_node("Reshape", ["f", "k"], ["g"]), onnx_node("MatMul", ["g", "t"], ["y"])]
    put("onnx/chain.onnx", onnx_file(layers + chain, tensors + [onnx_tensor("t", matrix.T.copy()),
                                                               onnx_tensor("zero", np.array(0, np.int64)),
                                                               onnx_tensor("open", np.array([-1], np.int64))], 9))


if __name__ == "__main__":
    for make in (jpeg_seeds, png_seeds, webp_seeds, bmp_seeds, pnm_seeds, exif_seeds, reader_seeds, idx_seeds, tar_seeds,
                 cache_seeds, csv_seeds, text_seeds, pytorch_seeds, onnx_seeds):
        make()
