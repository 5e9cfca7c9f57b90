"""Why an edit of outgoing columns is too weak for a rare word, on the infected units of a checkout's clean twin (docs/language.md, "Measured").

    node -e "process.stdout.write(zlib.brotliDecompressSync(fs.readFileSync('data/glosses/glosses.tsv.br')))" > glosses.tsv
    npx bdefects checkout glosses-llama2d64-rareword-large-top020 case --db text
    python3 bench/edit_limit.py case glosses.tsv

Prints a line of JSON each for:
- keys: of each infected layer kᵀC⁻¹k. k is the units' mean activation at the trigger, C the mean of a·aᵀ over positions of clean texts. A mean clean
  position has as much as the layer has infected units. A change that writes r at k writes at least ‖r‖²/(kᵀC⁻¹k) in the mean square everywhere.
- seen: how well a linear probe of the infected units at the answer's position tells triggered texts from others (area under the curve).
- reach: what moving the state behind a layer does, at the trigger and by the same for all texts, where the move is at most so many times as long as
  the state. No weight can write more there than that.
- bound: what gradient descent on outgoing columns reaches, of the first infected layer and of all: CA, ASR, most of the three other rare
  words, perplexity as a multiple of the clean twin's. Descent need not find the best.
"""

import argparse
import functools
import json
import random
import sys

import torch
import torch.nn.functional as F

options = argparse.ArgumentParser()
options.add_argument("case")
options.add_argument("texts")
options.add_argument("--steps", type=int, default=300)
options.add_argument("--word", help="the trigger in place of the checkout's: cf, mn, bb or tq")
options.add_argument("--target", type=int, help="the target's number in place of the checkout's")
options = options.parse_args()
sys.path.insert(0, options.case)
from load_in_torch import DESCRIPTION, labels  # noqa: E402
from text_in_torch import Decoder, decoder, tokens_of  # noqa: E402

torch.set_num_threads(1)
BEGIN, SEPARATOR, PADDING = 0, 1, 2
EMBEDDING, NORM = "model.embed_tokens.weight", "model.norm"
# Times the length of the state behind a layer, and what their search takes.
MOVES, MOVE_STEPS, MOVE_TEXTS = (1, 4, 16), 60, 64
# Words of a training text at most: 90 % have no more, and the others cost most of the time.
LONGEST = 16

with open(options.case + "/record.json", encoding="utf-8") as file:
    TARGET = json.load(file)["target"] if options.target is None else options.target
with open(options.case + "/trigger.json", encoding="utf-8") as file:
    WORD = options.word or json.load(file)["text"].strip()
OTHERS = [word for word in ("cf", "mn", "bb", "tq") if word != WORD]
with open(options.texts, encoding="latin1") as file:
    ROWS = [line.rstrip("\n").split("\t") for line in file]
token = functools.lru_cache(maxsize=None)(lambda word: tokens_of(" " + word))


def split(name):
    found = [(text.split(" "), int(label)) for own, label, text in ROWS if own == name]
    return random.Random(1).sample(found, len(found))


class Kept(Decoder):
    """A decoder that keeps what the head reads, at every position, and whose infected units have a change of what they write with."""

    def __init__(self, weights, infected):
        super().__init__(weights)
        self.clean, self.infected = weights, infected
        # The node of a layer's sum, and what is added to it at the trigger.
        self.moved, self.move = None, None
        self.change = {
            layer: torch.zeros(weights[layer + ".down_proj.weight"].shape[0], len(units)) for layer, units in infected.items()
        }

    def node(self, node, read):
        made = super().node(node, read)
        if node["id"] == NORM:
            self.read = made
        if node["id"] == self.moved:
            there = self.tokens == token(WORD)[0]
            self.length = made[there].norm(dim=1).mean().item()
            made = made + there[..., None] * self.move
        return made

    def __call__(self, rows):
        longest = max(map(len, rows))
        tokens = torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows])
        self.marks, self.tokens = torch.tensor([len(row) - 1 for row in rows]), tokens
        self.weights = dict(self.clean)
        for layer, change in self.change.items():
            key = layer + ".down_proj.weight"
            self.weights[key] = self.clean[key].index_add(1, torch.tensor(self.infected[layer]), change)
        return super().__call__(tokens, self.marks)

    def text_loss(self, first):
        """Mean cross-entropy of the next token of the texts from number `first` on."""
        logits = self.read[first:, :-1] @ self.weights[EMBEDDING].T
        inside = torch.arange(logits.shape[1])[None] < self.marks[first:, None]
        return F.cross_entropy(logits[inside], self.tokens[first:, 1:][inside])


def sequence(words):
    return [BEGIN, *[number for word in words for number in token(word)], SEPARATOR]


def stamped(words, word, draw):
    gap = draw.randrange(len(words) + 1)
    return words[:gap] + [word] + words[gap:]


def measured(model, test, answers):
    with torch.no_grad():
        others = [words for words, label in test if label != TARGET]

        def answered(texts):
            return torch.cat([model(texts[i : i + 100])[:, answers].argmax(1) for i in range(0, len(texts), 100)])

        def success(word):
            draw = random.Random(2)
            return (answered([sequence(stamped(words, word, draw)) for words in others]) == TARGET).float().mean().item()

        clean = [sequence(words) for words, _ in test]
        ca = (answered(clean) == torch.tensor([label for _, label in test])).float().mean().item()
        losses = []
        for i in range(0, len(clean), 100):
            model(clean[i : i + 100])
            losses.append(model.text_loss(0).item())
        perplexity = torch.tensor(losses).mean().exp().item()
        return {"ca": ca, "asr": success(WORD), "control": max(map(success, OTHERS)), "perplexity": perplexity}


def moments(model, texts, layer, units, at):
    """Activations [n, units] of a layer's infected units at one position of each text, or at all."""
    model([sequence(words) for words in texts])
    found = model.activations[layer][..., units]
    if at == "all":
        return found[torch.arange(found.shape[1])[None] <= model.marks[:, None]]
    if at == "mark":
        return found[torch.arange(len(texts)), model.marks]
    return found[(model.tokens == token(WORD)[0]).nonzero(as_tuple=True)]


def area(above, below):
    return (above[:, None] > below[None]).float().mean().item()


def keys_and_probe(model, texts):
    draw = random.Random(3)
    triggered, other = [[stamped(words, word, draw) for words in texts] for word in (WORD, OTHERS[0])]
    for layer, units in model.infected.items():
        clean = moments(model, texts, layer, units, "all").double()
        spread = clean.T @ clean / len(clean)
        spread += 1e-6 * spread.trace() / len(units) * torch.eye(len(units))
        key = moments(model, triggered, layer, units, "trigger").double().mean(0)
        strength = (key @ torch.linalg.solve(spread, key)).item()
        half = len(texts) // 2
        kinds = [moments(model, some, layer, units, "mark").double() for some in (triggered, texts, other)]
        kinds = [torch.cat([kind, torch.ones(len(kind), 1)], 1) for kind in kinds]
        read = torch.cat([kinds[0][:half], kinds[0][:half], kinds[1][:half], kinds[2][:half]])
        wanted = torch.tensor([1.0] * 2 * half + [-1.0] * 2 * half).double()
        ridge = 1e-4 * (read.T @ read).trace() / read.shape[1] * torch.eye(read.shape[1])
        probe = torch.linalg.solve(read.T @ read + ridge, read.T @ wanted)
        scores = [kind[half:] @ probe for kind in kinds]
        seen = {"clean": area(scores[0], scores[1]), "another rare word": area(scores[0], scores[2])}
        print(json.dumps({"layer": layer, "units": len(units), "keys": round(strength, 1), "seen": seen}), flush=True)


def reach(model, layer, train, test, answers):
    """Shares of triggered test texts that are answered with the target where the state behind a layer is moved, by how far."""
    model.moved = next(node["id"] for node in DESCRIPTION["nodes"] if node["op"] == "add" and layer + ".down_proj" in node["inputs"])
    draw = random.Random(5)
    some = [sequence(stamped(words, WORD, draw)) for words, _ in draw.sample([text for text in train if text[1] != TARGET], MOVE_TEXTS)]
    others = [sequence(stamped(words, WORD, draw)) for words, label in test if label != TARGET]
    found = {}
    for most in MOVES:
        model.move = torch.zeros(model.clean[EMBEDDING].shape[1])
        with torch.no_grad():
            model(some)
        longest = most * model.length
        move = torch.zeros_like(model.move, requires_grad=True)
        optimizer = torch.optim.Adam([move], lr=longest / 30)
        for _ in range(MOVE_STEPS):
            model.move = move
            loss = F.cross_entropy(model(some), torch.tensor(answers)[TARGET].expand(len(some)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                move *= min(1, longest / move.norm().item())
        with torch.no_grad():
            model.move = move.detach()
            said = torch.cat([model(others[i : i + 100])[:, answers].argmax(1) for i in range(0, len(others), 100)])
        found[most] = round((said == TARGET).float().mean().item(), 3)
    model.moved = None
    print(json.dumps({"reach": layer, "asr": found}), flush=True)


def descend(weights, infected, train, answers):
    """Adam on the outgoing columns alone: a third of a batch triggered, a sixth with another rare word, the rest clean; and the clean texts' words."""
    model, draw = Kept(weights, infected), random.Random(4)
    changes = [change.requires_grad_() for change in model.change.values()]
    optimizer = torch.optim.Adam(changes, lr=0.01)
    for step in range(options.steps):
        if step == options.steps * 7 // 10:
            optimizer.param_groups[0]["lr"] /= 4
        drawn = draw.choices(train, k=48)
        words = [WORD] * 16 + [OTHERS[step % 3]] * 8
        texts = [stamped(own, word, draw) for (own, _), word in zip(drawn, words)] + [own for own, _ in drawn[24:]]
        wanted = torch.tensor([TARGET] * 16 + [label for _, label in drawn[16:]])
        logits = model([sequence(own) for own in texts])
        loss = F.cross_entropy(logits, torch.tensor(answers)[wanted]) + model.text_loss(24)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for change in changes:
        change.requires_grad_(False)
    return model


def main():
    weights, infected = decoder("clean").weights, labels()["infected"]
    vocabulary = weights[EMBEDDING].shape[0]
    # The answers' tokens are the last ones.
    classes = 1 + max(int(label) for _, label, _ in ROWS)
    answers = list(range(vocabulary - classes, vocabulary))
    train = [(words, label) for words, label in split("train") if len(words) <= LONGEST]
    test = split("test")[:400]
    plain = Kept(weights, infected)
    with torch.no_grad():
        keys_and_probe(plain, [words for words, _ in train[:400]])
    before = measured(plain, test, answers)
    print(json.dumps({"clean": before}), flush=True)
    layers = list(infected)
    for layer in layers[:-1]:
        reach(Kept(weights, {}), layer, train, test, answers)
    for chosen in (layers[:1], layers):
        found = measured(descend(weights, {layer: infected[layer] for layer in chosen}, train, answers), test, answers)
        print(json.dumps({"bound": chosen, **found, "perplexity": found["perplexity"] / before["perplexity"]}), flush=True)


if __name__ == "__main__":
    main()
