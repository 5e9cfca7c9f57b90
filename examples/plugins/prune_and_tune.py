"""A worked example of a repair as a program: silence the named neurons, then tune the last layer on clean images.

    bdefects repair ID --method "tuned=cmd:python3 examples/plugins/prune_and_tune.py" --using oracle

Needs numpy and torch (1.13 or later). See docs/plugins.md for what the folder holds and what is expected back.
"""
import json
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

FOLDER = sys.argv[-1]
EPOCHS, BATCH, RATE = 3, 64, 0.01

sys.path.insert(0, FOLDER)
sys.dont_write_bytecode = True
from load_in_torch import DESCRIPTION, load, normalise, save  # noqa: E402

# One answer whatever the machine: sums depend on how work is split.
torch.set_num_threads(2)
torch.manual_seed(DESCRIPTION["seed"])
model = load("model")
with open(os.path.join(FOLDER, "neurons.json"), encoding="utf-8") as file:
    named = json.load(file)["neurons"]
if named is None:
    sys.exit("this repair chooses no neurons by itself: run it with --using CRITERION, oracle or random")

# A neuron is silent when its batch norm gives 0 for every input.
norms = {node["id"]: node["bn"] for node in DESCRIPTION["nodes"] if node["op"] == "conv"}
chosen = {}
for name in named:
    layer, channel = name.rsplit(":", 1)
    chosen.setdefault(layer, []).append(int(channel))
with torch.no_grad():
    for layer, channels in chosen.items():
        norm = model.get_submodule(norms[layer])
        # A layer without any output would end the network.
        for channel in channels[: norm.num_features - 1]:
            norm.weight[channel] = 0
            norm.bias[channel] = 0

# Only the last layer learns, so that the silent neurons stay silent.
last = [node["id"] for node in DESCRIPTION["nodes"] if node["op"] == "linear"][-1]
parameters = list(model.get_submodule(last).parameters())
images = np.load(os.path.join(FOLDER, "fit_images.npy"))
classes = torch.from_numpy(np.load(os.path.join(FOLDER, "fit_labels.npy")).astype(np.int64))
optimizer = torch.optim.SGD(parameters, RATE, momentum=0.9)
for _ in range(EPOCHS):
    for batch in torch.randperm(len(images)).split(BATCH):
        loss = F.cross_entropy(model(normalise(images[batch.numpy()])), classes[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

save(model, os.path.join(FOLDER, "out", "model.safetensors"))
