"""Named tensors in safetensors files: float32 only, numpy and nothing else."""

import json
import struct

import numpy as np


def read_tensors(path):
    """Reads a file as a dict of float32 arrays in the order of their data."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    body = memoryview(data)[8 + length :]
    tensors = {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        if entry["dtype"] != "F32":
            raise ValueError(f"{name}: {entry['dtype']} where F32 is expected")
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(body[begin:end], dtype="<f4").reshape(entry["shape"]).copy()
    return tensors


def write_tensors(path, tensors):
    """Writes a dict of arrays or torch tensors, rounded to float32."""
    header, parts, offset = {}, [], 0
    for name, tensor in tensors.items():
        array = np.asarray(tensor, dtype="<f4")
        raw = array.tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + len(raw)]}
        parts.append(raw)
        offset += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
