"""Criteria in PyTorch (procedures/), as a plug-in, or as one side of a comparison.

    criteria.py [--threads N] NAME [--seed N] [--iterations N] [--batch N] [--epochs N] [--images N] ... FOLDER
    criteria.py [--threads N] serve FOLDER

FOLDER is what a plug-in gets (docs/plugins.md), so this is one: --criterion "peer=cmd:python3 test/torch/criteria.py anp".
`serve` prints {} when it is ready, and for each line {"criterion": NAME, "seed": N, "layout": ..., "ways": [...], ...} of its
input the answer with `seconds` of wall time, `processor_seconds`, and `passes`: how many images went through the model. With
a layout, or with ways, it computes as expert/ has it. Opening the model counts for nothing.
"""

import argparse
import json
import os
import sys
import time

import torch

from expert import anp as expert_anp
from expert import clp as expert_clp
from expert.nc import classes_at_once
from expert.suspect import ExpertSuspect
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
    "clp-together": expert_clp.clp,
    "clp-together-single": expert_clp.single,
    # Of an ExpertSuspect.
    "nc-together": lambda suspect, **options: nc(suspect, invert=classes_at_once, **options),
    "anp-flat": expert_anp.anp,
}
EFFORT = {"anp": {"iterations": 2000, "batch": 128}, "nc": {"epochs": 80, "batch": 32}}


def answer_of(raw, scores, native, note):
    answer = {"raw": listed(raw), "scores": listed(scores), "native": native}
    return {**answer, "note": note} if note else answer


def listed(values):
    return {name: [float(v) for v in u] for name, u in values.items()}


def serve(plain):
    """One suspect stays in memory for each way to compute."""
    suspects = {}
    print("{}", flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        criterion, seed, layout, ways = (job.pop(key) for key in ("criterion", "seed", "layout", "ways"))
        suspect = plain
        if layout != "channels-first" or ways or criterion == "anp-flat":
            key = criterion, layout, *ways
            if key not in suspects:
                suspects[key] = ExpertSuspect(plain.folder, layout, ways, job.get("batch", 1))
            suspect = suspects[key]
        suspect.reload()
        torch.manual_seed(seed)
        suspect.passes, began, charged = 0, time.perf_counter(), time.process_time()
        found = CRITERIA[criterion](suspect, **job)
        spent = {"seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - charged}
        print(json.dumps({**answer_of(*found), **spent, "passes": suspect.passes}, allow_nan=False), flush=True)


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
    torch.manual_seed(options.seed)
    answer = answer_of(*CRITERIA[options.criterion](suspect, **{**EFFORT.get(options.criterion, {}), **effort}))
    with open(os.path.join(options.folder, "out", "scores.json"), "w", encoding="utf-8") as file:
        json.dump(answer, file, allow_nan=False)


if __name__ == "__main__":
    main()
