"""Which neurons answer to random patches that push images into one class?

Small patches of random colours are pasted on clean images, anywhere. Where the network carries a patch backdoor, some of
them come near its trigger, and one class gains more images than chance lets it. That class's gains are then the failing
tests: a neuron is as suspicious as it is more active on them than on the same images without the patch, in units of how much
other patches move it. Nothing is trained, and no gradient is taken.

    python3 board/methods/patch_lottery.py FOLDER        (numpy and torch, 1.13 or later; see docs/plugins.md)
"""
import json
import os
import sys

import numpy as np
import torch

FOLDER = sys.argv[-1]
IMAGES = 24
PATCHES = 64
SIDES = (3, 5, 6)
LEAST_GAINS = 8

sys.path.insert(0, FOLDER)
sys.dont_write_bytecode = True
from load_in_torch import DESCRIPTION, activations, load, normalise  # noqa: E402

torch.set_num_threads(1)
random = np.random.default_rng(DESCRIPTION["seed"] % 2**32)
model = load("model")
clean = np.load(os.path.join(FOLDER, "fit_images.npy"))[:IMAGES]


def answers(pixels):
    with torch.no_grad():
        return torch.cat([model(normalise(pixels[at : at + 256])).argmax(1) for at in range(0, len(pixels), 256)]).numpy()


def pasted():
    """Every image with one random patch after the other: [PATCHES * N, 3, H, W]."""
    batches = []
    for _ in range(PATCHES):
        side = random.choice(SIDES)
        _, _, height, width = clean.shape
        y, x = random.integers(height - side + 1), random.integers(width - side + 1)
        batch = clean.copy()
        # Full colours: what a trigger that is seen from afar is made of.
        batch[:, :, y : y + side, x : x + side] = 255 * random.integers(0, 2, (3, side, side))
        batches.append(batch)
    return np.concatenate(batches)


before = answers(clean)
patched = pasted()
after = answers(patched)
original = np.tile(np.arange(len(clean)), PATCHES)
moved = after != before[original]
gains = np.bincount(after[moved], minlength=DESCRIPTION["classes"])
favoured = int(gains.argmax())
chosen = np.flatnonzero(moved & (after == favoured))
others = np.flatnonzero(~(moved & (after == favoured)))
others = random.choice(others, min(len(others), 256), replace=False)

scores, raw = {}, {}
rest = activations(model, clean)
idle = activations(model, patched[others])
fired = activations(model, patched[chosen]) if len(chosen) >= LEAST_GAINS else None
for layer in (entry["name"] for entry in DESCRIPTION["layers"]):
    base = rest[layer].double().numpy()
    moves = idle[layer].double().numpy() - base[original[others]]
    if fired is None:
        rise = np.zeros(base.shape[1])
    else:
        rise = (fired[layer].double().numpy() - base[original[chosen]]).mean(0) - moves.mean(0)
    raw[layer] = rise.tolist()
    scores[layer] = (rise / (moves.std(0) + 1e-3 * (np.abs(base).mean() + 1e-9))).tolist()

# A network in which no class gains more than its share is taken for clean: no neuron of it is named.
answer = {"scores": scores, "raw": raw, "note": f"class {favoured} gains {int(gains.max())} of {int(moved.sum())}"}
if fired is None or gains.max() < 2 * np.sort(gains)[-2]:
    answer["native"] = []
with open(os.path.join(FOLDER, "out", "scores.json"), "w", encoding="utf-8") as file:
    json.dump(answer, file, allow_nan=False)
