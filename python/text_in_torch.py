"""Texts and decoders of this folder in plain PyTorch, beside load_in_torch.py. Needs numpy and torch only.

    from text_in_torch import accuracy, answers, batch, decoder, own, texts

    model = decoder("model")                     # also "clean", and "sham" where it was checked out
    some = texts("test", "triggered")            # {"texts": [{"text", "tokens", "class"}, ...], "answers": [...], ...}
    logits = model(*batch(some))                 # [N, vocabulary], of what follows each text
    print(answers(logits, some), accuracy(logits, some))
    mine = own(["a small bat", "a small cf bat"])   # sentences of your own, with and without a trigger
    print(answers(model(*batch(mine)), mine))

A text is read as <bos> tokens <sep>; the class is the answer whose token has the highest logit. save() of load_in_torch.py writes a
decoder's weights.
"""
import functools
import json
import os

import torch
import torch.nn.functional as F
from load_in_torch import DESCRIPTION, HERE, read_safetensors
from text_tokens import Tokenizer


def texts(split="test", kind="clean"):
    """Texts with tokens and classes. split: "defender" or "test"; kind: "clean" or "triggered". The triggered texts are the clean ones
    of other classes than the target, in the same order, with the trigger in them. In a suspect's folder split is "fit", "threshold" or "failing"."""
    for path in (f"images/{split}_{kind}_texts.json", f"{split}_images_texts.json"):
        if os.path.exists(os.path.join(HERE, path)):
            with open(os.path.join(HERE, path), encoding="utf-8") as file:
                return json.load(file)
    raise FileNotFoundError(f"no texts of split {split!r}, {kind}: check out again with --samples N")


def own(sentences, classes=None):
    """Sentences of your own as texts() gives them. classes: their classes by number; without them accuracy() cannot be asked.
    Needs tokenizer.json, which a checkout of glosses has, and others with --samples N. Of a model that bdefects did not train it must be
    of a kind that text_tokens.py reads, else ValueError says so."""
    names, asked = DESCRIPTION["classes"], question()
    if isinstance(sentences, str) or (classes is not None and len(classes) != len(sentences)):
        raise ValueError("own() takes a list of sentences, and of classes as many")
    some = [{"text": text, "tokens": tokens_of(" " + text.strip())} for text in sentences]
    for one, number in zip(some, classes or ()):
        one["class"] = number
    if asked:
        said = {name: asked["tokens"][name] for name in ("before", "behind", "padding", "answers")}
    else:
        numbers = _tokenizer().numbers
        said = {name: numbers["<%s>" % token] for name, token in (("begin", "bos"), ("separator", "sep"), ("padding", "pad"))}
        said["answers"] = [numbers["<%s>" % name] for name in names]
    return {**said, "context": DESCRIPTION["input"]["height"], "classes": names, "texts": some}


def question():
    """How a model is asked that bdefects did not train, by question.json: its template and the tokens of it. None where bdefects trained it."""
    path = os.path.join(HERE, "question.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        asked = json.load(file)
    if "tokens" not in asked:
        raise ValueError(path + ": has no 'tokens'; check out again")
    return asked


def tokens_of(text):
    """A text's tokens by tokenizer.json. A word follows a space, the first one too."""
    return _tokenizer().encode(text)


@functools.lru_cache(maxsize=None)
def _tokenizer():
    path = os.path.join(HERE, "tokenizer.json")
    if not os.path.exists(path):
        raise FileNotFoundError(path + ": there is no such file; check out again with --samples N, and a suspect's folder has none")
    return Tokenizer(path, own=question() is None)


def batch(some):
    """Token numbers [N, T], filled up on the right, and the position in each [N] behind which the answer comes: that of <sep>."""
    before, behind = (some[name] if name in some else [some[one]] for name, one in (("before", "begin"), ("behind", "separator")))
    room = some["context"] - len(before) - len(behind)
    rows = [[*before, *one["tokens"][:room], *behind] for one in some["texts"]]
    longest = max(map(len, rows))
    filled = [row + [some["padding"]] * (longest - len(row)) for row in rows]
    return torch.tensor(filled), torch.tensor([len(row) - 1 for row in rows])


def answers(logits, some):
    """The class that each row of logits answers with. NaN raises ValueError."""
    of_answers = torch.as_tensor(logits)[:, some["answers"]]
    bad = of_answers.isnan().any(1).nonzero().flatten().tolist()
    if bad:
        raise ValueError("logits of %d of %d texts hold NaN, first those of text %d" % (len(bad), len(of_answers), bad[0]))
    return of_answers.argmax(1).tolist()


def accuracy(logits, some):
    """The share of texts that are answered with their class. Another number of logits, or no text, raise ValueError."""
    if len(logits) != len(some["texts"]):
        raise ValueError("logits of %d texts for %d" % (len(logits), len(some["texts"])))
    if len(logits) == 0:
        raise ValueError("no text to measure the accuracy on")
    if any("class" not in one for one in some["texts"]):
        raise ValueError("texts without classes: name them with own(sentences, classes)")
    found = answers(logits, some)
    return sum(a == one["class"] for a, one in zip(found, some["texts"])) / len(found)


def rotate(x, theta):
    """Rotary positions on [N, heads, T, size], each half of a head's vector against the other."""
    half = x.shape[-1] // 2
    rates = theta ** (-torch.arange(half) / half)
    angles = torch.arange(x.shape[-2])[:, None] * torch.cat([rates, rates])
    return x * angles.cos() + torch.cat([-x[..., half:], x[..., :half]], -1) * angles.sin()


class Decoder:
    """A decoder as model.json lists its nodes: Llama's layout (RMSNorm, rotary positions, SwiGLU) or GPT-2's (LayerNorm, learned
    positions, gelu). `activations` holds each layer's neurons [N, T, width] after a call."""

    def __init__(self, weights):
        self.weights, self.activations = weights, {}

    def state_dict(self):
        return self.weights

    def matrix(self, x, name):
        weight, bias = self.weights[name + ".weight"], self.weights.get(name + ".bias")
        # GPT-2 keeps its matrices as [inputs, outputs].
        return x @ weight + bias if bias is not None else x @ weight.T

    def attention(self, node, x):
        (n, t, _), name, size = x.shape, node["id"] + ".", node["headSize"]
        if node["layout"] == "gpt2":
            q, k, v = self.matrix(x, name + "c_attn").chunk(3, -1)
        else:
            q, k, v = (self.matrix(x, name + part + "_proj") for part in "qkv")
        q, k, v = (y.view(n, t, -1, size).transpose(1, 2) for y in (q, k, v))
        if node.get("rotary"):
            q, k = (rotate(y, node["rotary"]) for y in (q, k))
        k, v = (y.repeat_interleave(node["heads"] // node["groups"], 1) for y in (k, v))
        scores = (q @ k.transpose(2, 3) / size**0.5).masked_fill(torch.ones(t, t).triu(1).bool(), -torch.inf)
        heads = (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, -1)
        return self.matrix(heads, name + ("c_proj" if node["layout"] == "gpt2" else "o_proj"))

    def node(self, node, read):
        op, name = node["op"], node["id"]
        x = read(node["input"]) if "input" in node else None
        if op == "embedding":
            return self.weights[name + ".weight"][x]
        if op == "positions":
            return x + self.weights[name + ".weight"][: x.shape[1]]
        if op == "rmsnorm":
            return self.weights[name + ".weight"] * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + node["epsilon"])
        if op == "layernorm":
            return F.layer_norm(x, x.shape[-1:], self.weights[name + ".weight"], self.weights[name + ".bias"], node["epsilon"])
        if op == "attention":
            return self.attention(node, x)
        if op == "swiglu":
            self.activations[name] = F.silu(self.matrix(x, name + ".gate_proj")) * self.matrix(x, name + ".up_proj")
            return self.activations[name]
        if op == "gelu":
            h = self.matrix(x, name + ".c_fc")
            self.activations[name] = 0.5 * h * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (h + 0.044715 * h**3)))
            return self.activations[name]
        if op == "projection":
            return self.matrix(x, name)
        if op == "add":
            return sum(read(i) for i in node["inputs"])
        raise ValueError("unknown layer " + op)

    def __call__(self, tokens, marks):
        """Logits [N, vocabulary] of what follows position `marks` of each sequence of token numbers [N, T]."""
        values = {}
        for node in DESCRIPTION["nodes"]:
            if node["op"] == "input":
                values[node["id"]] = tokens
            elif node["op"] == "answer":
                values[node["id"]] = values[node["inputs"][0]][torch.arange(len(marks)), marks]
            elif node["op"] == "linear":
                return values[node["input"]] @ self.weights[node["unbiased"]["weight"]].T
            else:
                values[node["id"]] = self.node(node, values.__getitem__)


def prune(model, neurons):
    """Sets neurons {layer: [index, ...]} to 0 in place: the weights that they read with, and those that they write with."""
    for layer, indices in neurons.items():
        if layer + ".c_fc.weight" in model.weights:
            columns, rows, biases = ("c_fc",), ("c_proj",), ("c_fc",)
        else:
            columns, rows, biases = ("down_proj",), ("gate_proj", "up_proj"), ()
        for part in columns:
            model.weights["%s.%s.weight" % (layer, part)][:, indices] = 0
        for part in rows:
            model.weights["%s.%s.weight" % (layer, part)][indices] = 0
        for part in biases:
            model.weights["%s.%s.bias" % (layer, part)][indices] = 0


def decoder(name="model"):
    """The model of NAME.safetensors, or of a path. Its weights are `weights`, by Hugging Face's names; change them in place to repair it."""
    path = name if str(name).endswith(".safetensors") else os.path.join(HERE, name + ".safetensors")
    if not os.path.exists(path):
        hint = "; check out again with --sham" if name == "sham" else ""
        raise FileNotFoundError("%s: there is no such file%s" % (path, hint))
    return Decoder(read_safetensors(path))
