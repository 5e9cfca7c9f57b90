"""A suspect: the folder that a plug-in gets (docs/plugins.md), opened in PyTorch."""

import importlib
import os
import sys

import numpy as np
import torch


class Suspect:
    """`model` is fresh after `reload()`; `units` are (layer, batch norm, whether a ReLU follows directly) in order."""

    def __init__(self, folder):
        sys.path.insert(0, folder)
        sys.dont_write_bytecode = True
        self.loader = importlib.import_module("load_in_torch")
        self.description, self.normalise = self.loader.DESCRIPTION, self.loader.normalise
        self.folder = folder
        self.mean = torch.tensor(self.description["mean"]).view(-1, 1, 1)
        self.std = torch.tensor(self.description["std"]).view(-1, 1, 1)
        self.units = [(n["id"], n["bn"], n["relu"]) for n in self.description["nodes"] if n["op"] == "conv"]
        self.halves = {half: self._read(half) for half in ("fit", "threshold")}
        self.passes = 0
        self.reload()

    def reload(self):
        """`forward` is the model where it is only run or differentiated, never looked into."""
        self.model = self.forward = self.counted(self.loader.load("model"))

    def counted(self, module):
        """Adds the images that go through a module to `passes`."""
        module.register_forward_pre_hook(self._count)
        return module

    def _count(self, _module, inputs):
        self.passes += int(inputs[0].shape[0])

    def prune(self, _conv, bn, channel):
        norm = self.model.get_submodule(bn)
        norm.weight[channel] = 0
        norm.bias[channel] = 0

    def images(self, half):
        """uint8 images [N, 3, H, W] and labels [N] of one half of the defender's samples."""
        return self.halves[half]

    def _read(self, half):
        read = lambda what: np.load(os.path.join(self.folder, f"{half}_{what}.npy"))  # noqa: E731
        return read("images"), torch.from_numpy(read("labels").astype(np.int64))
