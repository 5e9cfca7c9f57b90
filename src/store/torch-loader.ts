/**
 * The Python file that a checkout carries: it builds the network from model.json's nodes under the state dict's names
 * and loads the weights, with numpy and torch alone (1.13 or later), without unpickling anything.
 */
export const TORCH_LOADER = `"""Loads the models of this folder into PyTorch (1.13 or later). Needs numpy and torch only.

    from load_in_torch import load, normalise
    model = load("model")                      # also "clean", and "sham" where it was checked out
    logits = model(normalise(images))          # images: uint8 array [N, 3, H, W], RGB

A layer of neurons is reached by its name: model.get_submodule("layer3.0.conv1"). The activation of a neuron
is the output of its batch norm, after the ReLU where one follows directly; see README.md.
"""
import json
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))

with open(os.path.join(HERE, "model.json"), encoding="utf-8") as file:
    DESCRIPTION = json.load(file)


def read_safetensors(path):
    """Tensors by name. The layout: u64 header length, JSON header, raw little-endian data."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length).decode("utf-8"))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype = np.dtype({"F32": "<f4", "I64": "<i8"}[entry["dtype"]])
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(data, dtype, (end - begin) // dtype.itemsize, begin)
        tensors[name] = torch.from_numpy(flat.reshape(entry["shape"]).astype(dtype.newbyteorder("=")))
    return tensors


class Network(nn.Module):
    """The network that model.json describes, its parameters under the names of the state dict."""

    def __init__(self, description=DESCRIPTION):
        super().__init__()
        self.nodes = description["nodes"]
        channels = {}
        for node in self.nodes:
            name, op = node["id"], node["op"]
            if op == "input":
                channels[name] = description["input"]["channels"]
                continue
            inputs = [channels[i] for i in node.get("inputs") or [node["input"]]]
            source = sum(inputs) if op == "concat" else inputs[0]
            channels[name] = node.get("out", source)
            if op == "conv":
                shape = (source, node["out"], node["kernel"], node["stride"], node["padding"])
                self._place(name, nn.Conv2d(*shape, bias=node["bias"]))
                self._place(node["bn"], nn.BatchNorm2d(node["out"]))
            elif op == "linear":
                self._place(name, nn.Linear(source, node["out"]))
            elif op not in ("add", "concat", "maxpool", "globalpool"):
                raise ValueError("unknown layer " + op)

    def _place(self, name, module):
        *path, last = name.split(".")
        parent = self
        for part in path:
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = parent._modules[part]
        parent.add_module(last, module)

    def forward(self, x):
        values = {}
        for node in self.nodes:
            name, op = node["id"], node["op"]
            if op == "input":
                y = x
            elif op == "add":
                y = values[node["inputs"][0]] + values[node["inputs"][1]]
            elif op == "concat":
                y = torch.cat([values[i] for i in node["inputs"]], 1)
            elif op == "conv":
                y = self.get_submodule(node["bn"])(self.get_submodule(name)(values[node["input"]]))
            elif op == "maxpool":
                y = F.max_pool2d(values[node["input"]], node["kernel"], node["stride"], node["padding"])
            elif op == "globalpool":
                y = values[node["input"]].mean((2, 3))
            else:
                y = self.get_submodule(name)(values[node["input"]])
            values[name] = torch.relu(y) if node.get("relu") else y
        return values[self.nodes[-1]["id"]]


def load(which="model"):
    """The model in evaluation mode; which is "model", "clean" or "sham"."""
    model = Network()
    model.load_state_dict(read_safetensors(os.path.join(HERE, which + ".safetensors")), strict=True)
    return model.eval()


def normalise(images):
    """uint8 RGB images [N, 3, H, W] as the network sees them: (pixel / 255 - mean) / std."""
    mean = torch.tensor(DESCRIPTION["mean"]).view(1, -1, 1, 1)
    std = torch.tensor(DESCRIPTION["std"]).view(1, -1, 1, 1)
    return (torch.as_tensor(np.asarray(images)).float() / 255 - mean) / std


if __name__ == "__main__":
    network = load()
    size = DESCRIPTION["input"]
    zeros = np.zeros((1, size["channels"], size["height"], size["width"]), np.uint8)
    with torch.no_grad():
        print(DESCRIPTION["arch"], "loaded; logits of a black image:", network(normalise(zeros))[0].tolist())
`;
