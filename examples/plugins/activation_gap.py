"""A worked example of a plug-in: which neurons stay far below their layer's usual activation on clean images?

    bdefects localize ID --criterion "gap=cmd:python3 examples/plugins/activation_gap.py"

Needs numpy and torch (1.13 or later). See docs/plugins.md for what the folder holds and what is expected back.
"""
import json
import os
import sys

import numpy as np
import torch

FOLDER = sys.argv[-1]
BATCH = 128

sys.path.insert(0, FOLDER)
sys.dont_write_bytecode = True
from load_in_torch import DESCRIPTION, load, normalise  # noqa: E402

# One answer whatever the machine: sums depend on how work is split.
torch.set_num_threads(2)
model = load("model")
images = np.load(os.path.join(FOLDER, "fit_images.npy"))

# A neuron's activation is its batch norm's output, after the ReLU where one follows directly.
totals = {}


def watch(name, relu):
    def hook(_module, _inputs, output):
        activation = torch.relu(output) if relu else output
        totals[name] = totals.get(name, 0) + activation.abs().mean((2, 3)).sum(0).double()

    return hook


for node in DESCRIPTION["nodes"]:
    if node["op"] == "conv":
        model.get_submodule(node["bn"]).register_forward_hook(watch(node["id"], node["relu"]))
with torch.no_grad():
    for start in range(0, len(images), BATCH):
        model(normalise(images[start : start + BATCH]))

raw, scores = {}, {}
for layer in DESCRIPTION["layers"]:
    name = layer["name"]
    mean = (totals[name] / len(images)).numpy()
    # The gap to the layer's median, in units of the layer's spread, so that layers can be compared.
    gap = np.median(mean) - mean
    spread = np.median(np.abs(gap)) + 1e-12
    raw[name] = (-mean).tolist()
    scores[name] = (gap / spread).tolist()

# `native` is left out: the 5 % with the highest scores are then taken as what this method names.
with open(os.path.join(FOLDER, "out", "scores.json"), "w", encoding="utf-8") as file:
    json.dump({"scores": scores, "raw": raw}, file, allow_nan=False)
