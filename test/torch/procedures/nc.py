"""Neural Cleanse as a localizer (Wang et al., S&P 2019; METHODS 5.2): the trigger reversed, and who rises under it."""

import numpy as np
import torch
import torch.nn.functional as F

from procedures.activations import layer_z, predict, spatial_means
from procedures.walk import prune_walk


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


def stamp(suspect, images, mask, pattern):
    return ((1 - mask) * (images * suspect.std + suspect.mean) + mask * pattern - suspect.mean) / suspect.std


def prune_until_dead(suspect, scores, target, mask, pattern, images, labels):
    """Prunes until the trigger works on a tenth of the images of other classes, or clean accuracy has lost a tenth."""
    clean = suspect.normalise(images)
    others = stamp(suspect, clean[labels != target], mask, pattern)
    if len(others) == 0:
        return []
    success = lambda: (predict(suspect, others) == target).float().mean().item()  # noqa: E731
    accuracy = lambda: (predict(suspect, clean) == labels).float().mean().item()  # noqa: E731
    if success() <= 0.1:
        return []
    before = accuracy()

    def judge():
        if before - accuracy() >= 0.1 * before:
            return "too much"
        return "done" if success() <= 0.1 else "on"

    return prune_walk(suspect, scores, 0.005, judge)


def nc(suspect, epochs, batch, images=None, rise=None, walk=None, **_):
    """`images`, `rise`, `walk`: at most so many images to reverse on, to measure the rise on, and in a step of the walk."""
    suspect.model.requires_grad_(False)
    pixels, _labels = suspect.images("fit")
    every = suspect.normalise(pixels)[torch.randperm(len(pixels))]
    shown = every[:images]
    found = [nc_class(suspect, shown, y, epochs, min(batch, len(shown))) for y in range(suspect.description["classes"])]
    norms = np.array([norm for _, _, norm, _ in found])
    candidates = [y for y, (*_, worked) in enumerate(found) if worked] or list(range(len(found)))
    target = min(candidates, key=lambda y: norms[y])
    spread = 1.4826 * np.median(np.abs(norms - np.median(norms)))
    anomaly = (np.median(norms) - norms[target]) / max(spread, 1e-9)
    mask, pattern, _, worked = found[target]
    risen = every[:rise]
    before = spatial_means(suspect, risen, False)
    after = spatial_means(suspect, stamp(suspect, risen, mask, pattern), False)
    raw = {name: after[name] - before[name] for name in before}
    scores = layer_z(raw)
    flagged = worked and anomaly > 2
    held, labels = suspect.images("threshold")
    native = prune_until_dead(suspect, scores, target, mask, pattern, held[:walk], labels[:walk]) if flagged else []
    return raw, scores, native, f"class {target}, {norms[target]:.1f} pixels, anomaly {anomaly:.1f}, flagged: {flagged}"
