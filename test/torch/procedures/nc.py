"""Neural Cleanse as a localizer (Wang et al., S&P 2019; docs/methods.md §10.3): the trigger reversed, and who rises under it."""

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


class Schedule:
    """The smallest patch that worked, and the weight of its size, which moves with success; for one class."""

    def __init__(self, success=0.98, patience=5, factor=2.0, stop_patience=25):
        self.success, self.patience, self.factor, self.stop_patience = success, patience, factor, stop_patience
        self.weight, self.best, self.best_norm, self.idle = 1e-3, None, float("inf"), 0
        self.ups = self.downs = 0
        self.went_up = self.went_down = self.over = False

    def judge(self, rate, mask, pattern):
        """After an epoch that sent such a share of the images to the class."""
        works = rate >= self.success
        norm = squash(mask).sum().item()
        previous = self.best_norm
        if works and norm < self.best_norm:
            self.best, self.best_norm = (squash(mask).detach().clone(), squash(pattern).detach().clone()), norm
        if self.best is not None:
            self.idle = self.idle + 1 if self.best_norm >= 0.99 * previous else 0
        self.ups, self.downs = (self.ups + 1, 0) if works else (0, self.downs + 1)
        if self.ups == self.patience:
            self.weight, self.ups, self.went_up = self.weight * self.factor, 0, True
        if self.downs == self.patience:
            self.weight, self.downs, self.went_down = self.weight / self.factor**1.5, 0, True
        self.over = self.went_up and self.went_down and self.idle >= self.stop_patience

    def found(self, mask, pattern):
        """Mask, pattern, norm, whether it ever worked."""
        if self.best is None:
            return squash(mask).detach(), squash(pattern).detach(), squash(mask).sum().item(), False
        return *self.best, self.best_norm, True


def nc_class(suspect, images, target, epochs, batch):
    """The smallest patch that sends all images to the class. Returns mask, pattern, norm, whether it ever worked."""
    channels, height, width = images.shape[1:]
    mask = torch.randn(height, width, requires_grad=True)
    pattern = torch.randn(channels, height, width, requires_grad=True)
    optimizer = torch.optim.Adam([mask, pattern], lr=0.1, betas=(0.5, 0.9))
    schedule = Schedule()
    for _ in range(epochs):
        hits = seen = 0
        order = torch.randperm(len(images))
        for start in range(0, len(images) - batch + 1, batch):
            x = images[order[start : start + batch]]
            loss, logits = nc_loss(suspect.forward, x, target, mask, pattern, schedule.weight, suspect.mean, suspect.std)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            hits += (logits.argmax(1) == target).sum().item()
            seen += len(x)
        schedule.judge(hits / seen, mask, pattern)
        if schedule.over:
            break
    return schedule.found(mask, pattern)


def nc_classes(suspect, images, epochs, batch):
    """One class after the other."""
    return [nc_class(suspect, images, y, epochs, batch) for y in range(suspect.description["classes"])]


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


def nc(suspect, epochs, batch, images=None, rise=None, walk=None, invert=nc_classes, **_):
    """`images`, `rise`, `walk`: at most so many images to reverse on, to measure the rise on, and in a step of the walk."""
    suspect.model.requires_grad_(False)
    pixels, _labels = suspect.images("fit")
    every = suspect.normalise(pixels)[torch.randperm(len(pixels))]
    shown = every[:images]
    found = invert(suspect, shown, epochs, min(batch, len(shown)))
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
