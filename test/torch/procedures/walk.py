"""Pruning from the most suspicious neuron on, step by step, until a look at the pruned model ends it."""

import numpy as np
import torch


def prune_walk(suspect, scores, share, judge):
    """`judge()` says "on", "done" or "too much"; returns the neurons pruned last, or before where that was too much."""
    names = [(name, bn, c) for name, bn, _ in suspect.units for c in range(len(scores[name]))]
    order = np.argsort(-np.concatenate([scores[name] for name, _, _ in suspect.units]), kind="stable")
    step, pruned = max(1, int(share * len(order) + 0.5)), []
    for start in range(0, len(order), step):
        more = [names[i] for i in order[start : start + step]]
        with torch.no_grad():
            for name, bn, c in more:
                suspect.prune(name, bn, c)
        verdict = judge()
        if verdict == "too much":
            break
        pruned += more
        if verdict == "done":
            break
    return [f"{name}:{c}" for name, _, c in pruned]
