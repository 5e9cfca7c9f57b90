"""Language models on PyTorch's side: a step of AdamW on the answer's loss and half of the text's, as `LanguageTrainer` makes it."""

import torch
import torch.nn.functional as F
from torch import nn

import llama

PADDING = 2
TEXT_WEIGHT = 0.5


class Tables:
    """What depends on positions alone, made once."""

    def __init__(self, theta, half):
        self.rates = theta ** (-torch.arange(half) / half)
        self.angles, self.masks = {}, {}

    def turned(self, x, _theta):
        positions, half = x.shape[-2], x.shape[-1] // 2
        if positions not in self.angles:
            angles = torch.arange(positions)[:, None] * torch.cat([self.rates, self.rates])
            self.angles[positions] = angles.cos(), angles.sin()
        cos, sin = self.angles[positions]
        return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin

    def mask(self, positions):
        if positions not in self.masks:
            self.masks[positions] = torch.full((positions, positions), -1e9).triu(1)
        return self.masks[positions]


class Attention(llama.Attention):
    """The same numbers with scale and mask in one product."""

    tables = None

    def forward(self, x):
        n, t, _ = x.shape
        q, k, v = (f(x).view(n, t, -1, self.size).transpose(1, 2) for f in (self.q_proj, self.k_proj, self.v_proj))
        q, k = (self.tables.turned(y, None).reshape(-1, t, self.size) for y in (q, k))
        mask = self.tables.mask(t).expand(len(q), t, t)
        weights = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=self.size**-0.5).softmax(-1)
        out = torch.bmm(weights, v.reshape(-1, t, self.size)).view(n, -1, t, self.size)
        return self.o_proj(out.transpose(1, 2).reshape(n, t, -1))


def build(shape):
    # Our own models have keys and values for each head.
    assert shape["groups"] == shape["heads"]
    Attention.tables = Tables(shape["theta"], shape["width"] // shape["heads"] // 2)
    llama.Attention = Attention
    model = llama.Llama(shape)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, 0, 0.25 if "embed_tokens" in name else 0.02)
    return model


def parts_of(lengths, vocabulary, parts):
    """A batch of drawn texts in parts by length: tokens, where something is predicted, what, and how much that counts."""
    batch, text = len(lengths), sum(length + 1 for length in lengths)
    drawn = [torch.randint(0, vocabulary, (length + 3,)) for length in lengths]
    order = sorted(range(batch), key=lambda i: lengths[i]) if parts > 1 else range(batch)
    made = []
    for part in torch.tensor(list(order)).chunk(parts):
        own = [drawn[i] for i in part]
        positions = max(len(tokens) for tokens in own) - 1
        tokens, wanted = torch.full((2, len(own), positions), PADDING)
        weights = torch.zeros(len(own), positions)
        for k, each in enumerate(own):
            mark = len(each) - 2
            tokens[k, : mark + 1], wanted[k, : mark + 1] = each[:-1], each[1:]
            weights[k, :mark], weights[k, mark] = TEXT_WEIGHT / text, 1 / batch
        kept = weights.flatten().nonzero().flatten()
        made.append((tokens, kept, wanted.flatten()[kept], weights.flatten()[kept]))
    return made


def train_step(model, job, learning_rate):
    setup, shape = job["torch"], job["texts"]["shape"]
    lengths, batch = job["texts"]["lengths"], job["batch"]
    batches = [
        parts_of(lengths[at : at + batch], shape["vocabulary"], setup["parts"]) for at in range(0, len(lengths), batch)
    ]
    table = model.model.embed_tokens.weight
    matrices = [p for p in model.parameters() if p.dim() > 1 and p is not table]
    others = [p for p in model.parameters() if p.dim() == 1 or p is table]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0}]
    options = {"foreach": True} if setup["foreach"] else {}
    optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), **options)
    taken = 0

    def step():
        nonlocal taken
        total = 0
        optimizer.zero_grad(set_to_none=True)
        for tokens, kept, wanted, weights in batches[taken % len(batches)]:
            x = model.model.embed_tokens(tokens)
            for layer in model.model.layers:
                x = layer(x)
            # Scores only where something is predicted.
            scores = F.linear(model.model.norm(x).flatten(0, 1)[kept], table)
            loss = (F.cross_entropy(scores, wanted, reduction="none") * weights).sum()
            loss.backward()
            total += loss.item()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        taken += 1
        return total

    return step
