"""ANP with all gains and shifts as one vector each: gradients of nothing else, and the arithmetic on masks in one call."""

import torch
import torch.nn.functional as F
from torch import nn

from procedures.anp import augment


class ScaledNorm(nn.Module):
    """Batch norm on the batch's own statistics with the gain and shift that it was given last."""

    def __init__(self, norm):
        super().__init__()
        self.eps, self.gain, self.shift = norm.eps, norm.weight.detach(), norm.bias.detach()

    def forward(self, x):
        return F.batch_norm(x, None, None, self.gain, self.shift, True, 0, self.eps)


class Gains:
    """Gradients of the loss by gains and shifts, flat over all units. Takes the suspect's model for its own."""

    def __init__(self, suspect):
        self.model = suspect.model
        norms = [self.model.get_submodule(bn) for _, bn, _ in suspect.units]
        self.gain = torch.cat([norm.weight.detach() for norm in norms])
        self.shift = torch.cat([norm.bias.detach() for norm in norms])
        self.sizes = [len(norm.weight) for norm in norms]
        self.norms = [ScaledNorm(norm) for norm in norms]
        for (conv, bn, _), norm in zip(suspect.units, self.norms):
            # The batch's mean takes a bias out again.
            self.model.get_submodule(conv).bias = None
            suspect.put(bn, norm)

    def at(self, x, labels, gain, shift, both):
        """By m + delta and 1 + xi; without `both` by the first alone."""
        gains = [part.detach().requires_grad_() for part in (gain * self.gain).split(self.sizes)]
        shifts = [part.detach().requires_grad_(both) for part in (shift * self.shift).split(self.sizes)]
        for norm, own_gain, own_shift in zip(self.norms, gains, shifts):
            norm.gain, norm.shift = own_gain, own_shift
        loss = F.cross_entropy(self.model(x), labels)
        slopes = torch.autograd.grad(loss, [*gains, *shifts] if both else gains)
        first = torch.cat(slopes[: len(gains)]) * self.gain
        return first, torch.cat(slopes[len(gains) :]) * self.shift if both else None


def anp(suspect, iterations, batch, epsilon=0.4, alpha=0.2, **_):
    images, labels = suspect.images("fit")
    augmentation = suspect.description["augmentation"]
    gains = Gains(suspect)
    masks = torch.ones_like(gains.gain)
    still = torch.ones_like(masks)
    velocity = torch.zeros_like(masks)
    for _ in range(iterations):
        drawn = torch.randint(0, len(images), (batch,)).numpy()
        x, y = suspect.normalise(augment(images[drawn], augmentation)), labels[drawn]
        delta, xi = noise(gains.sizes, epsilon)
        up, away = gains.at(x, y, masks + delta, 1 + xi, True)
        delta += epsilon * up.sign()
        xi += epsilon * away.sign()
        robust, _ = gains.at(x, y, masks + delta, 1 + xi, False)
        natural, _ = gains.at(x, y, masks, still, False)
        velocity.mul_(0.9).add_(alpha * natural + (1 - alpha) * robust)
        masks.sub_(0.2 * velocity).clamp_(0, 1)
    parts = zip(suspect.units, masks.split(gains.sizes))
    raw = {name: (1 - mask).numpy() for (name, _bn, _relu), mask in parts}
    return raw, raw, [f"{name}:{c}" for name, u in raw.items() for c in (u >= 0.8).nonzero()[0]], None


def noise(sizes, epsilon):
    """Drawn as `procedures.anp` does: unit by unit, delta before xi."""
    parts = [torch.empty(size).uniform_(-epsilon, epsilon) for size in sizes for _ in range(2)]
    return torch.cat(parts[::2]), torch.cat(parts[1::2])
