"""A worked example of a plug-in for texts: which neurons are louder on failing tests than they ever are on clean texts?

    bdefects localize ID --db text --criterion "gap=cmd+failing:python3 examples/plugins/text_gap.py" --out results

Needs numpy and torch (1.13 or later). See docs/plugins.md for what the folder holds and what is expected back.
"""
import json
import os
import sys

import torch

FOLDER = sys.argv[-1]

sys.path.insert(0, FOLDER)
sys.dont_write_bytecode = True
from text_in_torch import batch, decoder, texts  # noqa: E402

# One answer whatever the machine: sums depend on how work is split.
torch.set_num_threads(2)
model = decoder("model")


def loudest(some):
    """Each layer's largest magnitudes over texts and positions, [width]. Positions behind <sep> fill up and count for nothing."""
    tokens, ends = batch(some)
    model(tokens, ends)
    inside = torch.arange(tokens.shape[1]) <= ends[:, None]
    return {layer: (a.abs() * inside[..., None]).amax((0, 1)) for layer, a in model.activations.items()}


clean, failing = texts("fit"), texts("failing")
before = loudest(clean)
# A sham may fail no test at all.
after = loudest(failing) if failing["texts"] else before
scores = {layer: (after[layer] - before[layer]).tolist() for layer in before}

# `native` is left out: the 5 % with the highest scores are then taken as what this method names.
with open(os.path.join(FOLDER, "out", "scores.json"), "w", encoding="utf-8") as file:
    json.dump({"scores": scores}, file, allow_nan=False)
