"""Loads the models of this folder into PyTorch (1.13 or later). Needs numpy and torch only; unpickles nothing.

    from load_in_torch import activations, images, labels, load, normalise, save, stamp

    model = load("model")                      # also "clean", and "sham" where it was checked out
    pixels, truth = images("test")             # uint8 [N, 3, H, W] RGB and int64 [N], with checkout --samples N
    logits = model(normalise(pixels))
    neurons = activations(model, pixels)       # {layer: [N, C]}, as the labels count neurons
    triggered = stamp(pixels)                  # the trigger of trigger.json on every image
    infected = labels()["infected"]            # {layer: [channel, ...]}
    save(model, "repaired.safetensors")

A suspect's folder has no trigger and no labels: there stamp() and labels() raise FileNotFoundError.
"""
import json
import math
import os
import struct
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))

with open(os.path.join(HERE, "model.json"), encoding="utf-8") as file:
    DESCRIPTION = json.load(file)

DTYPES = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}


def read_safetensors(path, map_location=None):
    """Tensors by name. The layout: u64 header length, JSON header, raw little-endian data."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length).decode("utf-8"))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype = DTYPES[entry["dtype"]]
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(data, dtype, (end - begin) // dtype.itemsize, begin)
        tensor = torch.from_numpy(flat.reshape(entry["shape"]).astype(dtype.newbyteorder("=")))
        tensors[name] = tensor if map_location is None else tensor.to(map_location)
    return tensors


def write_safetensors(tensors, path):
    """Writes tensors by name: floats as F32, whole numbers as I64."""
    header, parts, at = {}, [], 0
    for name, tensor in tensors.items():
        kind = "F32" if tensor.is_floating_point() else "I64"
        array = tensor.detach().cpu().to(torch.float32 if kind == "F32" else torch.int64).contiguous().numpy()
        part = array.astype(DTYPES[kind]).tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    text = json.dumps(header).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def _shape_after(node, channels, sides):
    """Channels, height and width of what a node puts out."""
    if node["op"] == "flatten":
        return (channels * sides[0] * sides[1], 1, 1)
    if node["op"] in ("globalpool", "linear", "dense"):
        return (node.get("out", channels), 1, 1)
    if "kernel" in node:
        kernel = node["kernel"]
        stride, padding = node.get("stride", kernel), node.get("padding", 0)
        sides = tuple((side + 2 * padding - kernel) // stride + 1 for side in sides)
    return (node.get("out", channels),) + tuple(sides)


class Network(nn.Module):
    """The network that model.json describes, its parameters under the names of the state dict."""

    def __init__(self, description=DESCRIPTION):
        super().__init__()
        _refuse_texts()
        self.nodes = description["nodes"]
        shapes = {}
        for node in self.nodes:
            name, op = node["id"], node["op"]
            if op == "input":
                shapes[name] = tuple(description["input"][side] for side in ("channels", "height", "width"))
                continue
            inputs = [shapes[i] for i in node.get("inputs") or [node["input"]]]
            source = sum(shape[0] for shape in inputs) if op == "concat" else inputs[0][0]
            shapes[name] = _shape_after(node, source, inputs[0][1:])
            if op in ("conv", "plainconv"):
                shape = (source, node["out"], node["kernel"], node["stride"], node["padding"])
                self._place(name, nn.Conv2d(*shape, bias=node.get("bias", True)))
                if op == "conv":
                    self._place(node["bn"], nn.BatchNorm2d(node["out"]))
            elif op in ("linear", "dense"):
                self._place(name, nn.Linear(source, node["out"]))
            elif op not in ("add", "concat", "maxpool", "avgpool", "globalpool", "flatten"):
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
            elif op == "avgpool":
                y = F.avg_pool2d(values[node["input"]], node["kernel"])
            elif op == "globalpool":
                y = values[node["input"]].mean((2, 3))
            elif op == "flatten":
                y = values[node["input"]].flatten(1)
            else:
                y = self.get_submodule(name)(values[node["input"]])
            values[name] = torch.relu(y) if node.get("relu") else y
        return values[self.nodes[-1]["id"]]


def load(which="model", map_location=None):
    """A model in evaluation mode.

    which: "model", "clean" or "sham", or the path of a .safetensors file with the same names.
    map_location: a device such as "cuda:0", as for torch.load; None is the processor.
    """
    path = which if str(which).endswith(".safetensors") else os.path.join(HERE, which + ".safetensors")
    if not os.path.exists(path):
        hint = "; check out again with --sham" if which == "sham" else ""
        raise FileNotFoundError("%s: there is no such file%s" % (path, hint))
    model = Network()
    model.load_state_dict(read_safetensors(path), strict=True)
    return model.to(map_location or "cpu").eval()


def save(model, path):
    """Writes a model's weights as .safetensors under the names of its state dict, for `bdefects test --model`."""
    state = _unwrapped(model).state_dict()
    # Counters of training play no part in inference.
    write_safetensors({name: t for name, t in state.items() if not name.endswith("num_batches_tracked")}, path)


def _unwrapped(model):
    """The model within torch.compile's and the parallel wrappers, so that names are its own."""
    while True:
        if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model = model.module
        elif hasattr(model, "_orig_mod"):
            model = model._orig_mod
        else:
            return model


def normalise(images):
    """RGB images as the network sees them: (pixel / 255 - mean) / std, a float32 tensor [N, 3, H, W].

    Takes arrays, tensors and lists of them, [N, 3, H, W] or one image [3, H, W]; a tensor keeps its device and gradient.
    Whole numbers are pixels from 0 to 255. Floats of at most 1 are taken as 0 to 1, as ToTensor gives them; other floats
    as pixels from 0 to 255. Anything else raises ValueError.
    """
    return _standardised(*_batch(images))


def _is_unit(node):
    """Whether a node's channels are neurons."""
    return node["op"] in ("conv", "dense") or (node["op"] == "plainconv" and node["relu"])


def _read_at(unit):
    """The module whose output is a unit's activation before the ReLU."""
    return unit.get("bn", unit["id"])


def activations(model, images, layers=None, batch_size=128):
    """Every neuron's value as the labels mean it: {layer: float32 tensor [N, C]} on the processor.

    A neuron's value for one image is the spatial mean of its batch norm's output, after the ReLU where one follows
    directly; without batch norm, of its layer's output. The model is one of load(), or any with batch norms (or such layers)
    of the same names; it runs in evaluation mode.

    images: as for normalise(), which is applied here.
    layers: names such as "layer3.0.conv1" (model.json lists them); None is all.
    """
    _refuse_texts()
    units = {node["id"]: node for node in DESCRIPTION["nodes"] if _is_unit(node)}
    names = list(units) if layers is None else [layers] if isinstance(layers, str) else list(layers)
    model = _unwrapped(model)
    modules = dict(model.named_modules())
    for name in names:
        if name not in units:
            raise ValueError("no layer of neurons is called %r; there are %s" % (name, ", ".join(units)))
        if _read_at(units[name]) not in modules:
            kind = "batch norm" if "bn" in units[name] else "layer"
            raise ValueError("the model has no %s %r, where %r is read" % (kind, _read_at(units[name]), name))
    found = {name: [] for name in names}

    def reader(name):
        def read(_module, _inputs, output):
            value = torch.relu(output) if units[name]["relu"] else output
            found[name].append((value.mean((2, 3)) if value.dim() == 4 else value).float().cpu())

        return read

    x, divisor = _batch(images)
    parameter = next(model.parameters())
    training = [module for module in model.modules() if module.training]
    hooks = [modules[_read_at(units[name])].register_forward_hook(reader(name)) for name in names]
    try:
        model.eval()
        with torch.no_grad():
            for part in x.split(batch_size):
                # The divisor is the whole set's, whatever one batch would look like.
                model(_standardised(part, divisor).to(parameter.device, parameter.dtype))
    finally:
        for hook in hooks:
            hook.remove()
        for module in training:
            module.training = True
    return {name: torch.cat(parts) for name, parts in found.items()}


def labels():
    """The ground truth of labels.json: "infected" and "effective" as {layer: [channel, ...]}, "target", and more."""
    return _read_json("labels.json", "only accepted defects have labels, and a suspect's folder has none")


def images(split="test", kind="clean"):
    """Pixels, uint8 [N, 3, H, W], and true labels, int64 [N].

    split: "defender" or "test" in a checkout with images; "fit" or "threshold" in a suspect's folder.
    kind: "clean", or "triggered": of the clean images those of other classes than the target, in the same order.
    """
    folder = os.path.join(HERE, "images")
    suffix = "" if kind == "clean" else "_" + kind
    names = ("%s_%s.npy" % (split, kind), "%s%s_labels.npy" % (split, suffix))
    if kind == "clean" and os.path.exists(os.path.join(HERE, split + "_images.npy")):
        folder, names = HERE, (split + "_images.npy", split + "_labels.npy")
    paths = [os.path.join(folder, name) for name in names]
    for path in paths:
        if not os.path.exists(path):
            raise FileNotFoundError("%s: there is no such file; %s" % (path, _samples_hint()))
    pixels, truth = (np.load(path, allow_pickle=False) for path in paths)
    return pixels, truth.astype(np.int64)


def _samples_hint():
    """What to do where images() finds nothing."""
    for loader, call in (("lanes_in_torch.py", "frames"), ("text_in_torch.py", "texts")):
        if os.path.exists(os.path.join(HERE, loader)):
            return "the samples here are no images with classes: %s() of %s reads them" % (call, loader)
    folder = os.path.join(HERE, "images")
    there = os.listdir(folder) if os.path.isdir(folder) else [name for name in os.listdir(HERE) if name.endswith("_images.npy")]
    there = sorted(name for name in there if name.endswith(".npy") and not name.endswith("_labels.npy"))
    return "there are %s" % ", ".join(there) if there else "check out again with --samples N"


def stamp(images):
    """A copy of uint8 images [N, 3, H, W], or one [3, H, W], with the trigger of trigger.json on every one.

    Exactly as this benchmark's own: trigger.json has the formula; halves are rounded up. Returns uint8, a tensor for a tensor.
    Anything but whole numbers from 0 to 255 raises ValueError.
    """
    trigger = _read_json("trigger.json", "a suspect's folder has no trigger")
    # Of a trigger with several looks the images get one after the other.
    looks = trigger.get("looks", [trigger])
    x, whole = _pixels(images)
    if not whole:
        raise ValueError("stamp() takes uint8 pixels: on floats the trigger would be another one")
    _divisor(x, whole)
    pixels = x.cpu().numpy()
    stamped = np.empty(pixels.shape, np.uint8)
    for turn, look in enumerate(looks):
        for start in range(turn, len(pixels), 1000 * len(looks)):
            chosen = slice(start, start + 1000 * len(looks), len(looks))
            value = _triggered(look, pixels[chosen].astype(np.float64))
            floor = np.floor(value)
            stamped[chosen] = floor + (value - floor >= 0.5)
    result = stamped[0] if np.ndim(images) == 3 else stamped
    return torch.from_numpy(result).to(images.device) if isinstance(images, torch.Tensor) else result


def _triggered(trigger, x):
    """Images [N, 3, H, W] with the trigger on them, before they are rounded to whole grey levels."""
    if "signal" in trigger:
        return np.clip(x + np.array(trigger["signal"], np.float64), 0, 255)
    if "flow" not in trigger:
        opacity, pattern = (np.array(trigger[key], np.float64) for key in ("opacity", "pattern"))
        return (1 - opacity) * x + opacity * pattern
    flow = np.array(trigger["flow"], np.float64)
    last_row, last_column = x.shape[2] - 1, x.shape[3] - 1
    rows = np.clip(np.arange(last_row + 1)[:, None] + flow[0], 0, last_row)
    columns = np.clip(np.arange(last_column + 1) + flow[1], 0, last_column)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, across = rows - top, columns - left
    right, bottom = np.minimum(left + 1, last_column), np.minimum(top + 1, last_row)
    above = (1 - across) * x[:, :, top, left] + across * x[:, :, top, right]
    below = (1 - across) * x[:, :, bottom, left] + across * x[:, :, bottom, right]
    return (1 - down) * above + down * below


def _read_json(name, hint):
    path = os.path.join(HERE, name)
    if not os.path.exists(path):
        raise FileNotFoundError("%s: there is no such file: %s" % (path, hint))
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _refuse_texts():
    """What is here for images fits no network that reads texts."""
    if DESCRIPTION["input"].get("tokens"):
        raise ValueError("the model reads texts and no images: use decoder(), texts(), own() and activations of text_in_torch.py")


WANTED = "; wanted are uint8 pixels [N, %d, %d, %d], or floats from 0 to 1" % tuple(
    DESCRIPTION["input"][key] for key in ("channels", "height", "width")
)

# No photograph's brightest value is below this: more likely are floats from 0 to 1 made brighter, or standardised ones.
TOO_DARK = 16


def _standardised(x, divisor):
    mean, std = (torch.tensor(DESCRIPTION[key], device=x.device).view(1, -1, 1, 1) for key in ("mean", "std"))
    return (x / divisor - mean) / std


def _batch(images):
    """Images as a float32 tensor [N, C, H, W], and what they are to be divided by to lie in 0 to 1."""
    x, whole = _pixels(images)
    return x, _divisor(x, whole)


def _pixels(images):
    """Images as a float32 tensor [N, C, H, W], and whether they came as whole numbers."""
    _refuse_texts()
    if isinstance(images, (list, tuple)) and any(hasattr(image, "dtype") for image in images):
        # Joined, pixels and floats from 0 to 1 would become one kind of number.
        if len({str(getattr(image, "dtype", type(image))) for image in images}) > 1:
            raise ValueError("images differ in type" + WANTED)
        if isinstance(images[0], torch.Tensor):
            try:
                images = torch.stack(list(images))
            except (RuntimeError, TypeError):
                raise ValueError("images differ in shape" + WANTED) from None
    if isinstance(images, torch.Tensor):
        if images.dtype == torch.bool or images.is_complex():
            raise ValueError("images are %s%s" % (images.dtype, WANTED))
        x, whole = images.to(torch.float32), not images.is_floating_point()
    else:
        try:
            array = np.asarray(images)
        except ValueError:
            raise ValueError("images differ in shape" + WANTED) from None
        if array.dtype.kind not in "uif":
            raise ValueError("images are %s%s" % (array.dtype, WANTED))
        with np.errstate(over="ignore"):
            # A copy: torch takes no strides that run backwards, and warns of memory that is read-only.
            x, whole = torch.from_numpy(np.array(array, np.float32, order="C")), array.dtype.kind in "ui"
    if x.dim() == 3:
        x = x[None]
    size = DESCRIPTION["input"]
    shape = [size["channels"], size["height"], size["width"]]
    if x.dim() != 4 or list(x.shape[1:]) != shape:
        hint = " with the channels last" if list(x.shape[1:]) == shape[1:] + shape[:1] else ""
        raise ValueError("images have shape %s%s%s" % (list(x.shape), hint, WANTED))
    return x, whole


def _divisor(x, whole):
    """255 for pixels, 1 for floats from 0 to 1; ValueError for what is neither."""
    if x.numel() == 0:
        return 255
    low, high = float(x.detach().min()), float(x.detach().max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("images hold NaN or infinity" + WANTED)
    if low < 0 or high > 255:
        raise ValueError("images hold values from %g to %g%s" % (low, high, WANTED))
    if whole:
        if high == 1:
            warnings.warn("images hold whole numbers of at most 1: they are taken as nearly black pixels", stacklevel=4)
        return 255
    if high <= 1:
        return 1
    if high < TOO_DARK:
        raise ValueError("images hold floats from %g to %g, neither 0 to 1 nor 0 to 255%s" % (low, high, WANTED))
    brightest = x.detach().flatten(1).amax(1)
    if bool(((brightest > 0) & (brightest <= 1)).any()):
        raise ValueError("images hold floats, some from 0 to 1 and others up to %g%s" % (high, WANTED))
    return 255


if __name__ == "__main__":
    network = load()
    size = DESCRIPTION["input"]
    zeros = np.zeros((1, size["channels"], size["height"], size["width"]), np.uint8)
    with torch.no_grad():
        print(DESCRIPTION["arch"], "loaded; logits of a black image:", network(normalise(zeros))[0].tolist())
