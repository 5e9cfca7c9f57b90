"""What neurons do on images, and normalised scores."""

import numpy as np
import torch

BATCH = 128


def spatial_means(suspect, images, absolute):
    """Mean over normalised images of every neuron's mean activation, after the ReLU where one follows directly."""
    totals, hooks = {}, []

    def watch(name, relu):
        def hook(_module, _inputs, output):
            activation = torch.relu(output) if relu else output
            activation = activation.abs() if absolute else activation
            totals[name] = totals.get(name, 0) + activation.mean((2, 3)).sum(0).double()

        return hook

    for name, bn, relu in suspect.units:
        hooks.append(suspect.model.get_submodule(bn).register_forward_hook(watch(name, relu)))
    predict(suspect, images)
    for hook in hooks:
        hook.remove()
    return {name: (total / len(images)).numpy() for name, total in totals.items()}


def predict(suspect, images):
    """The class of each normalised image."""
    with torch.inference_mode():
        parts = [suspect.forward(images[start : start + BATCH]).argmax(1) for start in range(0, len(images), BATCH)]
    return torch.cat(parts)


def layer_z(raw):
    return {name: (u - u.mean()) / ((u.std(ddof=1) if len(u) > 1 else 0) + 1e-12) for name, u in raw.items()}


def layer_rank(raw):
    """1 for the highest of a layer, 0 for the lowest."""
    scores = {}
    for name, u in raw.items():
        above = np.array([(u > value).sum() for value in u])
        scores[name] = 1 - above / (len(u) - 1) if len(u) > 1 else np.array([0.5])
    return scores
