"""Fine-pruning's first half (Liu, Dolan-Gavitt, Garg, RAID 2018; docs/methods.md §10.2): neurons that sleep on clean images."""

from procedures.activations import layer_rank, predict, spatial_means
from procedures.walk import prune_walk


def fp(suspect, **_):
    images, _labels = suspect.images("fit")
    raw = {name: -mean for name, mean in spatial_means(suspect, suspect.normalise(images), True).items()}
    scores = layer_rank(raw)
    held, labels = suspect.images("threshold")
    held = suspect.normalise(held)
    accuracy = lambda: (predict(suspect, held) == labels).float().mean().item()  # noqa: E731
    before = accuracy()
    native = prune_walk(suspect, scores, 0.01, lambda: "too much" if before - accuracy() >= 0.1 * before else "on")
    return raw, scores, native, None
