"""What an edit in closed form reaches in rounds, at the trigger and at the answer, beside the mark that bench/edit_limit.py sets (docs/language.md).

    python3 bench/edit_rounds.py case glosses.tsv --word bb --restraints 2,0.3 --rounds 3

Options of bench/edit_limit.py hold too. Prints a line of JSON each for:
- own: of every rare word kᵀC⁻¹k of the first infected layer, k the units' mean activation at the word: with C of clean positions, and with what the
  other three rare words have added to C. The second is how far the word is told from these.
- alike: the least and the greatest cosine between embeddings of two rare words, and the mean of two of the tokens that merges made.
- rounds: CA, ASR, most of the three other rare words, perplexity as a multiple of the clean twin's, for each restraint.

A round goes through the infected layers. The wanted states are found by steps of one length down the answer's loss: at the answer of each
text its own, and at the trigger one for all. Outgoing columns follow by weighted least squares, from the clean model's on. A restraint is what positions
without the trigger count, which are to stay as the clean model has them.
"""

import argparse
import json
import random
import sys

import torch
import torch.nn.functional as F

own = argparse.ArgumentParser()
own.add_argument("--restraints", default="2,0.3")
own.add_argument("--rounds", type=int, default=3)
own.add_argument("--texts-each", type=int, default=128)
own, sys.argv[1:] = own.parse_known_args()
import edit_limit as limit  # noqa: E402
from load_in_torch import DESCRIPTION, labels  # noqa: E402
from text_in_torch import decoder  # noqa: E402

ORDER = {node["id"]: i for i, node in enumerate(DESCRIPTION["nodes"])}
# Steps towards the wanted states: how many, and how long, as a share of what is there, at answers and at the trigger.
FIRST_STEPS, LAST_STEPS, STEP = 3, 6, 0.25
# Texts with less loss are answered well enough.
ENOUGH = 0.1
# What texts without the trigger moved by at their answer, a round takes back by this share.
BACK = 0.5


class Edited(limit.Kept):
    """A decoder that begins behind a layer where `start` names it, with what is to be there."""

    start = (None, None)

    def __init__(self, weights, infected):
        super().__init__(weights, infected)
        sums = [node for node in DESCRIPTION["nodes"] if node["op"] == "add"]
        self.behind = {layer: next(s["id"] for s in sums if layer + ".down_proj" in s["inputs"]) for layer in infected}
        self.states = {}

    def node(self, node, read):
        name, (begin, there) = node["id"], self.start
        if begin is not None and ORDER[name] < ORDER[begin]:
            return None
        made = there if name == begin else super().node(node, read)
        self.states[name] = made
        return made

    def activation(self, layer):
        return self.activations[layer][..., self.infected[layer]].double()


class Texts:
    """Texts with the trigger, the same with another rare word in turn, and clean ones; as many each."""

    def __init__(self, train, answers, count):
        draw = random.Random(4)
        others = draw.sample([text for text in train if text[1] != limit.TARGET], count)
        clean = draw.sample(train, count)
        gaps = [draw.randrange(len(words) + 1) for words, _ in others]

        def stamped(i, word):
            words, gap = others[i][0], gaps[i]
            return limit.sequence(words[:gap] + [word] + words[gap:])

        self.count = count
        self.rows = [stamped(i, limit.WORD) for i in range(count)] + [stamped(i, limit.OTHERS[i % 3]) for i in range(count)]
        self.rows += [limit.sequence(words) for words, _ in clean]
        self.all = torch.arange(3 * count)
        self.marks = torch.tensor([len(row) - 1 for row in self.rows])
        self.words = torch.tensor([len(limit.sequence(others[i][0][: gaps[i]])) - 1 for i in range(count)])
        truths = [label for _, label in others] + [label for _, label in clean]
        self.goals = torch.tensor(answers)[torch.tensor([limit.TARGET] * count + truths)]
        self.inside = torch.arange(max(map(len, self.rows)))[None] <= self.marks[:, None]


def nudges(model, layer, texts, is_last):
    """What is wanted beside what is there: at the answer of each text, and at the trigger."""
    with torch.no_grad():
        model(texts.rows)
    there = model.states[model.behind[layer]]
    at_answer, at_trigger = torch.zeros(len(texts.all), there.shape[2]), torch.zeros(there.shape[2])
    answer, trigger = (texts.all, texts.marks), (texts.all[: texts.count], texts.words)
    lengths = [there[place].norm(dim=1).mean() for place in (answer, trigger)]
    for _ in range(LAST_STEPS if is_last else FIRST_STEPS):
        moved = [at_answer.requires_grad_(), at_trigger.requires_grad_()]
        added = torch.zeros_like(there).index_put(answer, at_answer, accumulate=True)
        if not is_last:
            added = added.index_put(trigger, at_trigger.expand(texts.count, -1), accumulate=True)
        model.start = (model.behind[layer], there + added)
        losses = F.cross_entropy(model(texts.rows), texts.goals, reduction="none")
        model.start = (None, None)
        lacking = (losses > ENOUGH).float()
        slopes = torch.autograd.grad((losses * lacking).sum(), moved, allow_unused=True)
        with torch.no_grad():
            at_answer, at_trigger = [
                was if slope is None else was - STEP * length * slope / slope.norm(dim=-1, keepdim=True).clamp(min=1e-9)
                for was, slope, length in zip(moved, slopes, lengths)
            ]
    return there, at_answer.detach(), at_trigger.detach()


def edit(model, texts, restraint, rounds):
    """Changes the model's outgoing columns in place."""
    with torch.no_grad():
        model(texts.rows)
    clean = {layer: model.states[behind].clone() for layer, behind in model.behind.items()}
    count, layers = texts.count, list(model.infected)
    free = texts.inside.clone()
    free[:count] = False
    for layer in layers * rounds:
        is_last = layer == layers[-1]
        there, at_answer, at_trigger = nudges(model, layer, texts, is_last)
        with torch.no_grad():
            model(texts.rows)
            keys = model.activation(layer)
            wanted, weights = (clean[layer] - there).double(), free.double() * restraint / free.sum()
            back = wanted[texts.all, texts.marks] * BACK
            back[:count] = 0
            wanted[texts.all, texts.marks] = at_answer.double() + back
            weights[texts.all, texts.marks] = 1 / count
            if not is_last:
                weights[torch.arange(count, 2 * count), texts.words] = 1 / count
                wanted[torch.arange(count), texts.words] = at_trigger.double()
                weights[torch.arange(count), texts.words] = 1 / count
            wanted = wanted + keys @ model.change[layer].double().T
            keys, wanted, weights = keys.flatten(0, 1), wanted.flatten(0, 1), weights.reshape(-1, 1)
            moments = (keys * weights).T @ keys
            moments += 1e-6 * moments.trace() / len(moments) * torch.eye(len(moments))
            model.change[layer] = torch.linalg.solve(moments, (keys * weights).T @ wanted).T.float()


def strength(key, spread):
    return (key @ torch.linalg.solve(spread + 1e-6 * spread.trace() / len(key) * torch.eye(len(key)), key)).item()


def own_keys(model, texts):
    layer, draw = next(iter(model.infected)), random.Random(7)
    model([limit.sequence(words) for words in texts])
    clean = model.activation(layer)[torch.arange(model.tokens.shape[1])[None] <= model.marks[:, None]]
    spread, at = clean.T @ clean / len(clean), {}
    for word in [limit.WORD, *limit.OTHERS]:
        model([limit.sequence(limit.stamped(words, word, draw)) for words in texts])
        at[word] = model.activation(layer)[(model.tokens == limit.token(word)[0]).nonzero(as_tuple=True)]
    for word, found in at.items():
        others = sum(other.T @ other / len(other) for name, other in at.items() if name != word)
        key = found.mean(0)
        told = {"clean": strength(key, spread), "and other rare words": strength(key, spread + others)}
        print(json.dumps({"own": word, **{name: round(value, 1) for name, value in told.items()}}), flush=True)


def alike(table):
    """The head shares the table, so it moves tokens that no text has all one way."""

    def cosines(rows):
        rows = F.normalize(table[rows], dim=1)
        return (rows @ rows.T)[torch.ones(len(rows), len(rows)).triu(1).bool()]

    rare = [limit.token(word)[0] for word in [limit.WORD, *limit.OTHERS]]
    found, others = cosines(rare), cosines(list(range(4 + 256, min(rare))))
    print(json.dumps({"alike": [found.min().item(), found.max().item()], "tokens": others.mean().item()}), flush=True)


def main():
    weights, infected = decoder("clean").weights, labels()["infected"]
    vocabulary = weights[limit.EMBEDDING].shape[0]
    classes = 1 + max(int(label) for _, label, _ in limit.ROWS)
    answers = list(range(vocabulary - classes, vocabulary))
    train = [(words, label) for words, label in limit.split("train") if len(words) <= limit.LONGEST]
    test = limit.split("test")[:400]
    plain = Edited(weights, infected)
    with torch.no_grad():
        alike(weights[limit.EMBEDDING])
        own_keys(plain, [words for words, _ in train[:200]])
    before = limit.measured(plain, test, answers)
    print(json.dumps({"clean": before}), flush=True)
    texts = Texts(train, answers, own.texts_each)
    for restraint in map(float, own.restraints.split(",")):
        model = Edited(weights, infected)
        edit(model, texts, restraint, own.rounds)
        found = limit.measured(model, test, answers)
        print(json.dumps({"restraint": restraint, **found, "perplexity": found["perplexity"] / before["perplexity"]}), flush=True)


main()
