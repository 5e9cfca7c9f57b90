"""FP, NC and ANP once more, written straight from their published procedures in PyTorch: a peer to rank against.

    criteria.py fp|nc|anp [--seed N] [--iterations N] [--batch N] [--epochs N] [--images N] FOLDER

FOLDER is what a plug-in gets (docs/plugins.md), so this is one: --criterion "peer=cmd:python3 test/torch/criteria.py anp".
Nothing here is shared with src/: own loops, autograd, PyTorch's optimizers and random numbers. Not written for speed.
"""

import argparse
import importlib
import json
import os
import sys

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


def spatial_means(suspect, images, absolute):
    """Sum over images of every neuron's mean activation, after the ReLU where one follows directly."""
    totals, hooks = {}, []

    def watch(name, relu):
        def hook(_module, _inputs, output):
            activation = torch.relu(output) if relu else output
            activation = activation.abs() if absolute else activation
            totals[name] = totals.get(name, 0) + activation.mean((2, 3)).sum(0).double()

        return hook

    for name, bn, relu in suspect.units:
        hooks.append(suspect.model.get_submodule(bn).register_forward_hook(watch(name, relu)))
    with torch.no_grad():
        for start in range(0, len(images), 128):
            suspect.model(images[start : start + 128])
    for hook in hooks:
        hook.remove()
    return {name: (total / len(images)).numpy() for name, total in totals.items()}


def fp(suspect, **_):
    images, _ = suspect.images("fit")
    raw = {name: -mean for name, mean in spatial_means(suspect, suspect.normalise(images), True).items()}
    scores = {}
    for name, u in raw.items():
        above = np.array([(u > value).sum() for value in u])
        scores[name] = 1 - above / (len(u) - 1) if len(u) > 1 else np.array([0.5])
    return raw, scores, [], None


def squash(parameters):
    return torch.tanh(parameters) / (2 + 1e-7) + 0.5


def blend(images, mask, pattern, mean, std):
    """Mask and pattern as parameters; images normalised. The blend is in pixels."""
    pixels = images * std + mean
    m = squash(mask)
    return ((1 - m) * pixels + m * squash(pattern) - mean) / std


def nc_loss(model, images, target, mask, pattern, weight, mean, std):
    logits = model(blend(images, mask, pattern, mean, std))
    targets = torch.full((len(images),), target)
    return F.cross_entropy(logits, targets) + weight * squash(mask).abs().sum(), logits


def nc_class(suspect, images, target, epochs, batch, success=0.98, patience=5, factor=2.0, stop_patience=25):
    """The smallest patch that sends all images to the class. Returns mask, pattern, norm, whether it ever worked."""
    channels, height, width = images.shape[1:]
    mask = torch.randn(height, width, requires_grad=True)
    pattern = torch.randn(channels, height, width, requires_grad=True)
    optimizer = torch.optim.Adam([mask, pattern], lr=0.1, betas=(0.5, 0.9))
    weight, best, best_norm, idle = 1e-3, None, float("inf"), 0
    ups = downs = 0
    went_up = went_down = False
    for _ in range(epochs):
        hits = seen = 0
        order = torch.randperm(len(images))
        for start in range(0, len(images) - batch + 1, batch):
            x = images[order[start : start + batch]]
            loss, logits = nc_loss(suspect.model, x, target, mask, pattern, weight, suspect.mean, suspect.std)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            hits += (logits.argmax(1) == target).sum().item()
            seen += len(x)
        works = hits / seen >= success
        norm = squash(mask).sum().item()
        previous = best_norm
        if works and norm < best_norm:
            best, best_norm = (squash(mask).detach().clone(), squash(pattern).detach().clone()), norm
        if best is not None:
            idle = idle + 1 if best_norm >= 0.99 * previous else 0
        ups, downs = (ups + 1, 0) if works else (0, downs + 1)
        if ups == patience:
            weight, ups, went_up = weight * factor, 0, True
        if downs == patience:
            weight, downs, went_down = weight / factor**1.5, 0, True
        if went_up and went_down and idle >= stop_patience:
            break
    if best is None:
        return squash(mask).detach(), squash(pattern).detach(), squash(mask).sum().item(), False
    return *best, best_norm, True


def nc(suspect, epochs, batch, images, **_):
    suspect.model.requires_grad_(False)
    pixels, _labels = suspect.images("fit")
    every = suspect.normalise(pixels)
    shown = every[torch.randperm(len(every))[:images]]
    found = [nc_class(suspect, shown, y, epochs, min(batch, len(shown))) for y in range(suspect.description["classes"])]
    norms = np.array([norm for _, _, norm, _ in found])
    candidates = [y for y, (*_, worked) in enumerate(found) if worked] or list(range(len(found)))
    target = min(candidates, key=lambda y: norms[y])
    spread = 1.4826 * np.median(np.abs(norms - np.median(norms)))
    anomaly = (np.median(norms) - norms[target]) / max(spread, 1e-9)
    mask, pattern, _, worked = found[target]
    stamped = ((1 - mask) * (every * suspect.std + suspect.mean) + mask * pattern - suspect.mean) / suspect.std
    before, after = spatial_means(suspect, every, False), spatial_means(suspect, stamped, False)
    raw = {name: after[name] - before[name] for name in before}
    scores = {name: (u - u.mean()) / (u.std(ddof=1) + 1e-12) for name, u in raw.items()}
    flagged = worked and anomaly > 2
    return raw, scores, [], f"class {target}, {norms[target]:.1f} pixels, anomaly {anomaly:.1f}, flagged: {flagged}"


class Suspect:
    """A plug-in's folder, opened."""

    def __init__(self, folder):
        sys.path.insert(0, folder)
        sys.dont_write_bytecode = True
        loader = importlib.import_module("load_in_torch")
        self.folder, self.description, self.normalise = folder, loader.DESCRIPTION, loader.normalise
        self.model = loader.load("model")
        self.mean = torch.tensor(self.description["mean"]).view(-1, 1, 1)
        self.std = torch.tensor(self.description["std"]).view(-1, 1, 1)
        self.units = [(n["id"], n["bn"], n["relu"]) for n in self.description["nodes"] if n["op"] == "conv"]

    def images(self, half):
        read = lambda what: np.load(os.path.join(self.folder, f"{half}_{what}.npy"))  # noqa: E731
        return read("images"), torch.from_numpy(read("labels").astype(np.int64))


CRITERIA = {"fp": fp, "nc": nc, "anp": anp}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("criterion", choices=CRITERIA)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=80)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--images", type=int)
    parser.add_argument("folder")
    options = vars(parser.parse_args())
    torch.set_num_threads(options["threads"])
    torch.manual_seed(options["seed"])
    options["batch"] = options["batch"] or {"anp": 128, "nc": 32, "fp": 128}[options["criterion"]]
    raw, scores, native, note = CRITERIA[options["criterion"]](Suspect(options.pop("folder")), **options)
    answer = {"raw": listed(raw), "scores": listed(scores), "native": native}
    with open(os.path.join(sys.argv[-1], "out", "scores.json"), "w", encoding="utf-8") as file:
        json.dump({**answer, **({"note": note} if note else {})}, file, allow_nan=False)


def listed(values):
    return {name: [float(v) for v in u] for name, u in values.items()}


if __name__ == "__main__":
    main()
