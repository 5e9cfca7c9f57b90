"""CLP with the Gram matrices of all layers in one call: small matrices cost mostly calls."""

import torch

from procedures.activations import layer_z


def largest_singular(weights, dtype):
    """Of each filter `[in, k * k]` of several layers `[out, in, k * k]`; one tensor [out] for each layer."""
    grams = [weight.transpose(1, 2) @ weight for weight in (weight.to(dtype) for weight in weights)]
    norms = [None] * len(grams)
    for size in {gram.shape[1] for gram in grams}:
        chosen = [i for i, gram in enumerate(grams) if gram.shape[1] == size]
        every = torch.cat([grams[i] for i in chosen])
        squares = torch.linalg.eigvalsh(every)[:, -1] if size > 1 else every.flatten()
        for i, part in zip(chosen, squares.clamp(min=0).sqrt().split([len(grams[i]) for i in chosen])):
            norms[i] = part
    return norms


def clp(suspect, dtype=torch.float64, **_):
    modules = [(suspect.model.get_submodule(name), suspect.model.get_submodule(bn)) for name, bn, _ in suspect.units]
    with torch.inference_mode():
        norms = torch.cat(largest_singular([conv.weight.flatten(2) for conv, _ in modules], dtype))
        gamma = torch.cat([norm.weight for _, norm in modules]).to(dtype).abs()
        spread = torch.cat([norm.running_var + norm.eps for _, norm in modules]).to(dtype).sqrt()
        flat = (norms * gamma / spread).double().split([len(norm.weight) for _, norm in modules])
    raw = {name: part.numpy() for (name, _bn, _relu), part in zip(suspect.units, flat)}
    scores = layer_z(raw)
    native = [f"{name}:{c}" for name, z in scores.items() for c in (z > 3).nonzero()[0]]
    return raw, scores, native, None


def single(suspect, **options):
    """In single precision: the largest singular value loses nothing to the squares, relative to itself."""
    return clp(suspect, torch.float32, **options)
