"""A plain decoder of GPT-2's layout: the parameters have the names of Hugging Face's GPT2LMHeadModel."""

import torch
import torch.nn.functional as F
from torch import nn


class Conv1D(nn.Module):
    """x W + b with W [inputs, out], as GPT-2 has it."""

    def __init__(self, inputs, out):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(inputs, out)), nn.Parameter(torch.zeros(out))

    def forward(self, x):
        return x @ self.weight + self.bias


def gelu_new(x):
    return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))


class Block(nn.Module):
    def __init__(self, s):
        super().__init__()
        width = s["width"]
        self.heads = s["heads"]
        self.ln_1, self.ln_2 = (nn.LayerNorm(width, eps=s["epsilon"]) for _ in range(2))
        self.attn, self.mlp = nn.Module(), nn.Module()
        self.attn.c_attn, self.attn.c_proj = Conv1D(width, 3 * width), Conv1D(width, width)
        self.mlp.c_fc, self.mlp.c_proj = Conv1D(width, s["hidden"]), Conv1D(s["hidden"], width)

    def attend(self, x):
        n, t, width = x.shape
        q, k, v = (y.view(n, t, self.heads, -1).transpose(1, 2) for y in self.attn.c_attn(x).split(width, 2))
        scores = q @ k.transpose(2, 3) / (width // self.heads) ** 0.5
        scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), -float("inf"))
        return self.attn.c_proj((F.softmax(scores, -1) @ v).transpose(1, 2).reshape(n, t, width))

    def forward(self, x):
        x = x + self.attend(self.ln_1(x))
        return x + self.mlp.c_proj(gelu_new(self.mlp.c_fc(self.ln_2(x))))


class Gpt2(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.transformer = nn.Module()
        self.transformer.wte = nn.Embedding(s["vocabulary"], s["width"])
        self.transformer.wpe = nn.Embedding(s["positions"], s["width"])
        self.transformer.h = nn.ModuleList(Block(s) for _ in range(s["layers"]))
        self.transformer.ln_f = nn.LayerNorm(s["width"], eps=s["epsilon"])
        if not s.get("tied", True):
            self.lm_head = nn.Linear(s["width"], s["vocabulary"], bias=False)

    def all_logits(self, ids):
        x = self.transformer.wte(ids) + self.transformer.wpe.weight[: ids.shape[1]]
        for block in self.transformer.h:
            x = block(x)
        head = self.lm_head if hasattr(self, "lm_head") else self.transformer.wte
        return self.transformer.ln_f(x) @ head.weight.T
