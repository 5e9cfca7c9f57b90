"""Criteria in PyTorch (procedures/), as a plug-in, or as one side of a comparison.

    criteria.py [--threads N] NAME [--seed N] [--iterations N] [--batch N] [--epochs N] [--images N] ... FOLDER
    criteria.py [--threads N] serve FOLDER

FOLDER is what a plug-in gets (docs/plugins.md), so this is one: --criterion "peer=cmd:python3 test/torch/criteria.py anp".
`serve` prints {} when it is ready, and for each line {"criterion": NAME, "seed": N, ...} of its input the answer with
`seconds` of wall time, `processor_seconds`, and `passes`: how many images went through the model.
"""

import argparse
import json
import os
import sys
import time

import torch

from procedures import clp
from procedures.anp import anp
from procedures.fp import fp
from procedures.nc import nc
from procedures.suspect import Suspect

CRITERIA = {
    "fp": fp,
    "nc": nc,
    "anp": anp,
    "clp": clp.clp,
    "clp-exact": clp.with_singular(clp.exact),
    "clp-channelwise": clp.with_singular(clp.channelwise),
    "clp-gram": clp.with_singular(clp.gram),
}
EFFORT = {"anp": {"iterations": 2000, "batch": 128}, "nc": {"epochs": 80, "batch": 32}}


def localize(suspect, criterion, seed, effort):
    """The answer of one criterion; every call draws anew by the seed and finds the model as it was stored."""
    torch.manual_seed(seed)
    suspect.reload()
    raw, scores, native, note = CRITERIA[criterion](suspect, **{**EFFORT.get(criterion, {}), **effort})
    answer = {"raw": listed(raw), "scores": listed(scores), "native": native}
    return {**answer, "note": note} if note else answer


def listed(values):
    return {name: [float(v) for v in u] for name, u in values.items()}


def serve(suspect):
    passes = 0

    def count(_module, inputs):
        nonlocal passes
        passes += len(inputs[0])

    reload = suspect.reload

    def reload_and_count():
        reload()
        suspect.model.register_forward_pre_hook(count)

    suspect.reload = reload_and_count
    print("{}", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        criterion, seed = job.pop("criterion"), job.pop("seed")
        passes, began, charged = 0, time.perf_counter(), time.process_time()
        answer = localize(suspect, criterion, seed, job)
        spent = {"seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - charged}
        print(json.dumps({**answer, **spent, "passes": passes}, allow_nan=False), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("criterion", choices=[*CRITERIA, "serve"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    efforts = ["iterations", "epochs", "batch", "images", "rise", "walk"]
    for name in efforts:
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("folder")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    suspect = Suspect(options.folder)
    if options.criterion == "serve":
        serve(suspect)
        return
    effort = {name: getattr(options, name) for name in efforts if getattr(options, name) is not None}
    answer = localize(suspect, options.criterion, options.seed, effort)
    with open(os.path.join(options.folder, "out", "scores.json"), "w", encoding="utf-8") as file:
        json.dump(answer, file, allow_nan=False)


if __name__ == "__main__":
    main()
