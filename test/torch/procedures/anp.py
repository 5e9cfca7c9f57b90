"""Adversarial neuron pruning (Wu, Wang, NeurIPS 2021; docs/methods.md §10.4), after the released procedure."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class MaskedBatchNorm(nn.Module):
    """y = (m + delta) * gamma * xhat + (1 + xi) * beta; xhat by the batch's own statistics, or the stored ones."""

    def __init__(self, norm, batch_statistics=True):
        super().__init__()
        self.norm, self.batch_statistics = norm, batch_statistics
        self.mask = nn.Parameter(torch.ones_like(norm.weight))
        self.delta = nn.Parameter(torch.zeros_like(norm.weight))
        self.xi = nn.Parameter(torch.zeros_like(norm.weight))

    def forward(self, x):
        norm = self.norm
        gain, shift = (self.mask + self.delta) * norm.weight, (1 + self.xi) * norm.bias
        if self.batch_statistics:
            return F.batch_norm(x, None, None, gain, shift, True, 0, norm.eps)
        return F.batch_norm(x, norm.running_mean, norm.running_var, gain, shift, False, 0, norm.eps)


def mask_batch_norms(model, batch_statistics=True):
    """Puts a MaskedBatchNorm in the place of every batch norm; returns them in the model's order."""
    model.requires_grad_(False)
    names = [name for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)]
    masked = {}
    for name in names:
        parent, _, last = name.rpartition(".")
        masked[name] = MaskedBatchNorm(model.get_submodule(name), batch_statistics)
        model.get_submodule(parent)._modules[last] = masked[name]
    return masked


def anp_perturb(model, norms, images, labels, epsilon, steps=1):
    """delta and xi climb the loss by signed steps."""
    pushed = [p for norm in norms for p in (norm.delta, norm.xi)]
    for _ in range(steps):
        gradients = torch.autograd.grad(F.cross_entropy(model(images), labels), pushed)
        with torch.no_grad():
            for p, g in zip(pushed, gradients):
                p += epsilon / steps * g.sign()


def anp_loss(model, norms, images, labels, alpha):
    robust = F.cross_entropy(model(images), labels)
    kept = [(norm.delta.detach().clone(), norm.xi.detach().clone()) for norm in norms]
    with torch.no_grad():
        for norm in norms:
            norm.delta.zero_()
            norm.xi.zero_()
    natural = F.cross_entropy(model(images), labels)
    loss = alpha * natural + (1 - alpha) * robust
    gradients = torch.autograd.grad(loss, [norm.mask for norm in norms])
    with torch.no_grad():
        for norm, (delta, xi) in zip(norms, kept):
            norm.delta.copy_(delta)
            norm.xi.copy_(xi)
    return gradients


def augment(images, augmentation):
    """Random crops after zero padding, and flips, of uint8 images."""
    pad = augmentation["crop_padding"]
    count, _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    result = np.empty_like(images)
    offsets = torch.randint(0, 2 * pad + 1, (count, 2)).numpy()
    flips = torch.rand(count).numpy() < (0.5 if augmentation["flip"] else 0)
    for i, (dy, dx) in enumerate(offsets):
        crop = padded[i, :, dy : dy + height, dx : dx + width]
        result[i] = crop[:, :, ::-1] if flips[i] else crop
    return result


def anp(suspect, iterations, batch, epsilon=0.4, alpha=0.2, **_):
    model, normalise = suspect.model, suspect.normalise
    masked = mask_batch_norms(model)
    norms = list(masked.values())
    masks = [norm.mask for norm in norms]
    optimizer = torch.optim.SGD(masks, lr=0.2, momentum=0.9)
    images, labels = suspect.images("fit")
    for _ in range(iterations):
        drawn = torch.randint(0, len(images), (batch,)).numpy()
        x, y = normalise(augment(images[drawn], suspect.description["augmentation"])), labels[drawn]
        with torch.no_grad():
            for norm in norms:
                norm.delta.uniform_(-epsilon, epsilon)
                norm.xi.uniform_(-epsilon, epsilon)
        anp_perturb(model, norms, x, y, epsilon)
        for mask, gradient in zip(masks, anp_loss(model, norms, x, y, alpha)):
            mask.grad = gradient
        optimizer.step()
        with torch.no_grad():
            for mask in masks:
                mask.clamp_(0, 1)
    raw = {name: (1 - masked[bn].mask).detach().numpy() for name, bn, _ in suspect.units}
    return raw, raw, [f"{name}:{c}" for name, u in raw.items() for c in np.flatnonzero(u >= 0.8)], None
