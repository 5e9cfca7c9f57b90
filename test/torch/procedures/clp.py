"""Channel Lipschitzness (Zheng, Tang, Li, Liu, ECCV 2022; docs/methods.md §10.5): largest singular value times |gamma|/sigma."""

import torch

from procedures.activations import layer_z


def clp_of(weight, gamma, variance, eps, singular):
    """`singular` makes the largest singular value [out] of `[out, in, kernel * kernel]`."""
    norms = singular(weight.flatten(2))
    return norms * gamma.to(norms.dtype).abs() / (variance.to(norms.dtype) + eps).sqrt()


def exact(matrices):
    """A full decomposition in float64: the reference."""
    return torch.linalg.svd(matrices.double())[1][:, 0]


def batched(matrices):
    """All matrices of a layer at once, singular values alone: what somebody who minds speed would write."""
    return torch.linalg.svdvals(matrices)[:, 0]


def channelwise(matrices):
    """One channel after the other, vectors included, as the released code does it."""
    return torch.stack([torch.svd(matrix)[1].max() for matrix in matrices])


def gram(matrices):
    """Through the Gram matrix, as docs/methods.md §10.5 has it; in float64, as ours."""
    matrices = matrices.double()
    return torch.linalg.eigvalsh(matrices.transpose(1, 2) @ matrices)[:, -1].clamp(min=0).sqrt()


def clp(suspect, singular=batched, **_):
    raw = {}
    with torch.no_grad():
        for name, bn, _relu in suspect.units:
            conv, norm = suspect.model.get_submodule(name), suspect.model.get_submodule(bn)
            raw[name] = clp_of(conv.weight, norm.weight, norm.running_var, norm.eps, singular).double().numpy()
    native = [f"{name}:{c}" for name, z in layer_z(raw).items() for c in (z > 3).nonzero()[0]]
    return raw, layer_z(raw), native, None


def with_singular(singular):
    return lambda suspect, **options: clp(suspect, singular, **options)
