"""A plain decoder of Llama's layout: the parameters have the names of Hugging Face's LlamaForCausalLM."""

import torch
import torch.nn.functional as F
from torch import nn


class Norm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(width)), epsilon

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon)


def rotate(x, theta):
    half = x.shape[-1] // 2
    rates = theta ** (-torch.arange(half, dtype=x.dtype) / half)
    angles = torch.arange(x.shape[-2], dtype=x.dtype)[:, None] * torch.cat([rates, rates])
    return x * angles.cos() + torch.cat([-x[..., half:], x[..., :half]], -1) * angles.sin()


class Attention(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s, self.size = s, s.get("headSize") or s["width"] // s["heads"]
        self.q_proj = nn.Linear(s["width"], s["heads"] * self.size, bias=False)
        self.k_proj, self.v_proj = (nn.Linear(s["width"], s["groups"] * self.size, bias=False) for _ in range(2))
        self.o_proj = nn.Linear(s["heads"] * self.size, s["width"], bias=False)

    def forward(self, x):
        n, t, _ = x.shape
        q, k, v = (f(x).view(n, t, -1, self.size).transpose(1, 2) for f in (self.q_proj, self.k_proj, self.v_proj))
        k, v = (y.repeat_interleave(self.s["heads"] // self.s["groups"], 1) for y in (k, v))
        scores = rotate(q, self.s["theta"]) @ rotate(k, self.s["theta"]).transpose(2, 3) / self.size**0.5
        scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), -float("inf"))
        return self.o_proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, -1))


class Mlp(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.gate_proj, self.up_proj = (nn.Linear(s["width"], s["hidden"], bias=False) for _ in range(2))
        self.down_proj = nn.Linear(s["hidden"], s["width"], bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = (Norm(s["width"], s["epsilon"]) for _ in range(2))
        self.self_attn, self.mlp = Attention(s), Mlp(s)

    def forward(self, x):
        x = x + self.self_attn(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(s["vocabulary"], s["width"])
        self.model.layers = nn.ModuleList(Layer(s) for _ in range(s["layers"]))
        self.model.norm = Norm(s["width"], s["epsilon"])
        if not s["tied"]:
            self.lm_head = nn.Linear(s["width"], s["vocabulary"], bias=False)

    def all_logits(self, ids):
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x)
        head = self.lm_head if hasattr(self, "lm_head") else self.model.embed_tokens
        return self.model.norm(x) @ head.weight.T
