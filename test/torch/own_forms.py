"""One ResNet-18 in the forms in which people have it, and what PyTorch makes of a repaired file.

    own_forms.py save MODEL.safetensors FOLDER        writes FOLDER/<form>.<suffix>, each form once
    own_forms.py odd MODEL.safetensors FOLDER         writes FOLDER/<form>.pt as few write them, and the same values in FOLDER/<form>.safetensors
    own_forms.py check FORM FILE ORIGINAL TEST.bin MEAN STD
                                                      prints, as JSON, what FILE is in the model of that form
"""
import json
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import prune

TRACKED = 1234


class Block(nn.Module):
    def __init__(self, before, width, stride, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        projected = stride != 1 or before != width
        layers = [nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width)] if projected else []
        self.shortcut_name = shortcut
        setattr(self, shortcut, nn.Sequential(*layers))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + getattr(self, self.shortcut_name)(x))


class ResNet18(nn.Module):
    """With the stem for 32x32 images, under the names of pytorch-cifar or of torchvision."""

    def __init__(self, width, classes, torchvision=False):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        before = width
        for stage in range(4):
            blocks = []
            for block in range(2):
                out = width << stage
                shortcut = "downsample" if torchvision else "shortcut"
                blocks.append(Block(before, out, 2 if stage > 0 and block == 0 else 1, shortcut))
                before = out
            setattr(self, "layer%d" % (stage + 1), nn.Sequential(*blocks))
        self.head = "fc" if torchvision else "linear"
        setattr(self, self.head, nn.Linear(before, classes))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in range(1, 5):
            x = getattr(self, "layer%d" % stage)(x)
        return getattr(self, self.head)(x.mean((2, 3)))


DTYPES = {"F32": torch.float32, "F16": torch.float16, "F64": torch.float64, "I64": torch.int64}
NUMPY = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8"}


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(data[begin:end], NUMPY[entry["dtype"]]).copy()
        tensors[name] = torch.from_numpy(flat.reshape(entry["shape"]))
    return tensors


def write_safetensors(path, state):
    header, parts, at = {}, [], 0
    names = {dtype: name for name, dtype in DTYPES.items()}
    for name, tensor in state.items():
        part = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def is_torchvision(form):
    return form == "torchvision"


def model_of(form, width, classes):
    model = ResNet18(width, classes, is_torchvision(form))
    if form == "half":
        model = model.half()
    return nn.DataParallel(model) if form == "parallel" else model


def save(path, folder):
    ours = read_safetensors(path)
    width, classes = len(ours["conv1.weight"]), len(ours["linear.bias"])
    os.makedirs(folder, exist_ok=True)
    for form, suffix in [
        ("legacy", "pt"), ("zip", "pth"), ("plain", "safetensors"), ("parallel", "pth"), ("torchvision", "pt"), ("half", "pt")
    ]:
        model = model_of(form, width, classes)
        inner = model.module if form == "parallel" else model
        named = ours
        if is_torchvision(form):
            named = {k.replace("shortcut", "downsample").replace("linear", "fc"): v for k, v in ours.items()}
        missing, unexpected = inner.load_state_dict(named, strict=False)
        assert not unexpected and all(key.endswith("num_batches_tracked") for key in missing)
        for key, value in inner.state_dict().items():
            if key.endswith("num_batches_tracked"):
                value.fill_(TRACKED)
        target = os.path.join(folder, "%s.%s" % (form, suffix))
        state = model.state_dict()
        if form == "legacy":
            torch.save(state, target, _use_new_zipfile_serialization=False)
        elif form == "plain":
            write_safetensors(target, state)
        elif form == "parallel":
            torch.save({"epoch": 7, "state_dict": state, "best_acc": 0.5}, target)
        else:
            torch.save(state, target)


def odd(path, folder):
    ours = read_safetensors(path)
    model = ResNet18(len(ours["conv1.weight"]), len(ours["linear.bias"]))
    model.load_state_dict(ours, strict=False)
    os.makedirs(folder, exist_ok=True)

    def both(form, state, plain, **how):
        torch.save(state, os.path.join(folder, form + ".pt"), **how)
        write_safetensors(os.path.join(folder, form + ".safetensors"), plain)

    both("protocol0", model.state_dict(), model.state_dict(), pickle_protocol=0)
    both("protocol0_legacy", model.state_dict(), model.state_dict(), pickle_protocol=0, _use_new_zipfile_serialization=False)
    expanded = dict(model.state_dict(), **{"bn1.weight": torch.full((1,), 0.5).expand(len(ours["bn1.weight"]))})
    both("expanded", expanded, expanded)
    modules = [module for module in model.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    for module in modules:
        prune.l1_unstructured(module, "weight", 0.3)
    pruned = {key: value.clone() for key, value in model.state_dict().items()}
    for module in modules:
        prune.remove(module, "weight")
    both("pruned", pruned, model.state_dict())


def check(form, path, original, images, mean, std):
    before = read_safetensors(original) if original.endswith(".safetensors") else torch.load(original)
    before = before.get("state_dict", before)
    repaired = read_safetensors(path)
    inner = {key.replace("module.", "", 1): value for key, value in repaired.items()}
    classes = next(len(value) for key, value in inner.items() if key in ("linear.bias", "fc.bias"))
    model = model_of(form, len(inner["conv1.weight"]), classes)
    model.load_state_dict(repaired, strict=True)
    records = np.fromfile(images, np.uint8).reshape(-1, 3073)
    pixels = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32)).float() / 255
    x = (pixels - torch.tensor(json.loads(mean)).view(1, 3, 1, 1)) / torch.tensor(json.loads(std)).view(1, 3, 1, 1)
    with torch.no_grad():
        answers = torch.cat([model.eval().float()(part).argmax(1) for part in x.split(250)])
    right = (answers.numpy() == records[:, 0]).sum()
    print(json.dumps({
        "accuracy": right / len(records),
        "dtypes": all(repaired[key].dtype == value.dtype for key, value in before.items()),
        "tracked": all(int(value) == TRACKED for key, value in repaired.items() if key.endswith("num_batches_tracked")),
        "changed": sorted(key for key, value in before.items() if not torch.equal(value, repaired[key])),
    }))


if __name__ == "__main__":
    {"save": save, "odd": odd, "check": check}[sys.argv[1]](*sys.argv[2:])
