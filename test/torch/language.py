"""Language models as the parity commands see them."""

import torch
import torch.nn.functional as F
from torch import nn

from gpt2 import Gpt2
from llama import Llama


class Answering(nn.Module):
    """Puts out the logits at the marked position of [number, mark] at each position, and keeps those of all positions."""

    def __init__(self, language):
        super().__init__()
        own = {"llama": Llama, "gpt2": Gpt2}[language["layout"]](language)
        for name, child in own.named_children():
            self.add_module(name, child)
        self.logits_of = own.all_logits

    def forward(self, x):
        self.all = self.logits_of(x[..., 0].long())
        return (self.all * x[..., 1:]).sum(1)


def next_token_loss(model, tensors):
    """The sum over positions of weights times cross-entropies, after a forward pass."""
    wanted, weights = (torch.from_numpy(tensors[name]).double().flatten() for name in ("next", "weights"))
    return (weights * F.cross_entropy(model.all.flatten(0, 1), wanted.long(), reduction="none")).sum()
