"""An independent reader of safetensors, from the format's description: prints what a file holds, a line each."""

import json
import struct
import sys

CODES = {"F64": "d", "F32": "f", "I64": "q", "I32": "i", "U8": "B"}

with open(sys.argv[1], "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length).decode("utf-8"))
    data = file.read()

for key, value in sorted(header.pop("__metadata__", {}).items()):
    print(f"metadata {key} {value.encode('utf-8').hex()}")
for name, tensor in sorted(header.items()):
    begin, end = tensor["data_offsets"]
    code = CODES[tensor["dtype"]]
    assert begin % struct.calcsize(code) == 0 and length % 8 == 0, "a tensor is not aligned to its type"
    values = struct.unpack(f"<{(end - begin) // struct.calcsize(code)}{code}", data[begin:end])
    shape = "x".join(str(extent) for extent in tensor["shape"])
    print(f"tensor {name.encode('utf-8').hex()} {tensor['dtype']} [{shape}]", *(f"{value:.9g}" for value in values))
