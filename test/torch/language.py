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


def adamw_steps(model, request, tensors):
    """Steps of AdamW on the answer's loss and half of the text's: matrices but the embedding decay, the gradient's norm is clipped."""
    parameters = dict(model.named_parameters())
    decays = {name: p.dim() > 1 and "embed_tokens" not in name and "wte" not in name for name, p in parameters.items()}
    groups = [
        {"params": [p for name, p in parameters.items() if decays[name] == wanted], "weight_decay": decay}
        for wanted, decay in ((True, request["weight_decay"]), (False, 0))
    ]
    optimizer = torch.optim.AdamW(groups, lr=request["learning_rate"], betas=(request["momentum"], 0.98), eps=1e-8)
    losses = []
    for step in range(request["steps"]):
        x, targets = (torch.from_numpy(tensors[f"{name}#{step}"]).double() for name in ("input", "targets"))
        optimizer.zero_grad()
        answer = F.cross_entropy(model(x), targets.argmax(1))
        is_text = x[..., 1].cumsum(1)[:, :-1] == 0
        text = F.cross_entropy(model.all[:, :-1][is_text], x[..., 0].long()[:, 1:][is_text])
        loss = answer + 0.5 * text
        loss.backward()
        nn.utils.clip_grad_norm_(parameters.values(), 1)
        optimizer.step()
        losses.append(loss.item())
    return {**model.state_dict(), "losses": losses}


def next_token_loss(model, tensors):
    """The sum over positions of weights times cross-entropies, after a forward pass."""
    wanted, weights = (torch.from_numpy(tensors[name]).double().flatten() for name in ("next", "weights"))
    return (weights * F.cross_entropy(model.all.flatten(0, 1), wanted.long(), reduction="none")).sum()
