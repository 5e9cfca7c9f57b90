"""A suspect whose model is laid out, folded and traced before it is used."""

import copy

import torch
from torch import nn

from procedures.suspect import Suspect

WARM_UP_STEPS = 3


class ExpertSuspect(Suspect):
    """`layout` is channels-first or channels-last. `ways` may name "folded", batch norm inside the convolutions, and
    "traced", which also saves Python's share of a forward pass. Both change nothing but roundings."""

    def __init__(self, folder, layout, ways, example):
        """`example`: the batch that the model will mostly see, for the tracing."""
        self.memory_format = torch.channels_last if layout == "channels-last" else torch.contiguous_format
        self.ways, self.example = ways, example
        self.traced = None
        super().__init__(folder)
        self.normalise = lambda pixels: self.loader.normalise(pixels).contiguous(memory_format=self.memory_format)

    def reload(self):
        """Weights go back in place where the model was traced, so that the trace lasts."""
        if self.traced is None:
            self._prepare()
            return
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                value.copy_(self.stored[name])

    def _prepare(self):
        super().reload()
        if "folded" in self.ways:
            for name, bn, _ in self.units:
                conv, norm = self.model.get_submodule(name), self.model.get_submodule(bn)
                self.put(name, nn.utils.fuse_conv_bn_eval(conv, norm))
                self.put(bn, nn.Identity())
        self.model.requires_grad_(False)
        self.model.to(memory_format=self.memory_format)
        self.stored = copy.deepcopy(self.model.state_dict())
        if "traced" not in self.ways:
            return
        size = self.description["input"]
        shape = (self.example, size["channels"], size["height"], size["width"])
        images = torch.randn(shape).contiguous(memory_format=self.memory_format).requires_grad_()
        traced = self.traced = self.counted(torch.jit.trace(self.model, images))
        for _ in range(WARM_UP_STEPS):
            torch.autograd.grad(traced(images).sum(), images)
        # What looks into the model with hooks runs it untraced.
        self.forward = lambda x: (self.model if self._hooked() else traced)(x)

    def put(self, name, module):
        parent, _, last = name.rpartition(".")
        setattr(self.model.get_submodule(parent), last, module)

    def _hooked(self):
        return any(self.model.get_submodule(bn)._forward_hooks for _, bn, _ in self.units)

    def prune(self, conv, bn, channel):
        if "folded" not in self.ways:
            super().prune(conv, bn, channel)
            return
        module = self.model.get_submodule(conv)
        module.weight[channel] = 0
        module.bias[channel] = 0
