"""Ultra-Fast-Lane-Detection with ResNet-18 in plain PyTorch: the peer of src/tasks/lanes/models/ufld18.ts, names as in the released checkpoints."""

import torch
import torch.nn.functional as F
from torch import nn

SLOTS = 4


class BasicBlock(nn.Module):
    """torchvision's block, whose projection is called downsample."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Trunk(nn.Module):
    def __init__(self, width, is_full):
        super().__init__()
        kernel = 7 if is_full else 3
        self.conv1 = nn.Conv2d(3, width, kernel, 2, kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if is_full else nn.Identity()
        inputs = width
        for stage in range(4):
            out = width << stage
            blocks = nn.Sequential(BasicBlock(inputs, out, 2 if stage > 0 else 1), BasicBlock(out, out, 1))
            setattr(self, f"layer{stage + 1}", blocks)
            inputs = out

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class UFLD18(nn.Module):
    """Base width 64 is the released network: 61,225,640 parameters."""

    def __init__(self, base_width):
        super().__init__()
        is_full = base_width == 64
        self.classes, self.rows = (101, 56) if is_full else (51, 28)
        positions = 9 * 25 if is_full else 5 * 13
        self.model = Trunk(base_width, is_full)
        self.pool = nn.Conv2d(8 * base_width, 8, 1)
        self.cls = nn.Sequential(
            nn.Linear(8 * positions, 32 * base_width),
            nn.ReLU(),
            nn.Linear(32 * base_width, self.classes * self.rows * SLOTS),
        )

    def forward(self, x):
        return self.cls(self.pool(self.model(x)).flatten(1))


def lane_loss(logits, targets, classes, similarity, focal):
    """Cross-entropy of every cell, or its focal form, and the similarity of neighbouring rows, as in the source's loss.py."""
    z = logits.view(len(logits), classes, -1, SLOTS)
    labels = targets.view_as(z).argmax(1)
    factor = (1 - F.softmax(z, 1)) ** focal if focal else 1
    loss = F.nll_loss(factor * F.log_softmax(z, 1), labels)
    differences = z[:, :, :-1] - z[:, :, 1:]
    return loss + similarity * F.smooth_l1_loss(differences, torch.zeros_like(differences))
