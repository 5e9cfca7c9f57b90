"""NC's patches of all classes in one batch: each depends on its own images alone, so they come out the same."""

import torch
import torch.nn.functional as F

from procedures.nc import Schedule, squash


def classes_at_once(suspect, images, epochs, batch):
    """As `procedures.nc.nc_classes`, and by the same random numbers as long as no class ends early."""
    channels, height, width = images.shape[1:]
    count = suspect.description["classes"]
    masks, patterns, orders = [], [], []
    for _ in range(count):
        masks.append(torch.randn(height, width, requires_grad=True))
        patterns.append(torch.randn(channels, height, width, requires_grad=True))
        orders.append([torch.randperm(len(images)) for _ in range(epochs)])
    schedules = [Schedule() for _ in range(count)]
    optimizer = torch.optim.Adam([*masks, *patterns], lr=0.1, betas=(0.5, 0.9), foreach=True)
    for epoch in range(epochs):
        active = [y for y in range(count) if not schedules[y].over]
        if not active:
            break
        targets = torch.tensor(active)
        weights = torch.tensor([schedules[y].weight for y in active])
        hits, seen = torch.zeros(len(active)), 0
        for start in range(0, len(images) - batch + 1, batch):
            drawn = torch.cat([orders[y][epoch][start : start + batch] for y in active])
            optimizer.zero_grad(set_to_none=True)
            m = squash(torch.stack([masks[y] for y in active]))
            paint = squash(torch.stack([patterns[y] for y in active]))
            x = images[drawn].unflatten(0, (len(active), batch)) * suspect.std + suspect.mean
            stamped = (1 - m[:, None, None]) * x + m[:, None, None] * paint[:, None]
            blended = ((stamped - suspect.mean) / suspect.std).flatten(0, 1)
            logits = suspect.forward(blended.contiguous(memory_format=suspect.memory_format))
            wanted = targets.repeat_interleave(batch)
            losses = F.cross_entropy(logits, wanted, reduction="none").view(-1, batch).mean(1)
            (losses + weights * m.sum((1, 2))).sum().backward()
            optimizer.step()
            hits += (logits.detach().argmax(1) == wanted).view(-1, batch).sum(1)
            seen += batch
        for y, rate in zip(active, (hits / seen).tolist()):
            schedules[y].judge(rate, masks[y], patterns[y])
    return [schedule.found(mask, pattern) for schedule, mask, pattern in zip(schedules, masks, patterns)]
