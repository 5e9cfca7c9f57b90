"""GoogLeNet for 32x32 images in plain PyTorch: the peer of src/tasks/classification/models/googlenet.ts, with the same state-dict names."""

import math

import torch
from torch import nn


def unit(inputs, outputs, kernel):
    return [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.BatchNorm2d(outputs), nn.ReLU(True)]


class Inception(nn.Module):
    def __init__(self, inputs, n1x1, n3x3red, n3x3, n5x5red, n5x5, pool_planes):
        super().__init__()
        self.b1 = nn.Sequential(*unit(inputs, n1x1, 1))
        self.b2 = nn.Sequential(*unit(inputs, n3x3red, 1), *unit(n3x3red, n3x3, 3))
        self.b3 = nn.Sequential(*unit(inputs, n5x5red, 1), *unit(n5x5red, n5x5, 3), *unit(n5x5, n5x5, 3))
        self.b4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *unit(inputs, pool_planes, 1))

    def forward(self, x):
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1)


class GoogLeNet(nn.Module):
    """Base width 64 is the published network: 6,166,250 parameters for 10 classes."""

    def __init__(self, base_width, classes):
        super().__init__()

        def at(channels):
            return max(1, math.floor(channels * base_width / 64 + 0.5))

        def block(inputs, *widths):
            out = sum(at(widths[i]) for i in (0, 2, 4, 5))
            return Inception(inputs, *map(at, widths)), out

        self.pre_layers = nn.Sequential(*unit(3, at(192), 3))
        self.a3, c = block(at(192), 64, 96, 128, 16, 32, 32)
        self.b3, c = block(c, 128, 128, 192, 32, 96, 64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.a4, c = block(c, 192, 96, 208, 16, 48, 64)
        self.b4, c = block(c, 160, 112, 224, 24, 64, 64)
        self.c4, c = block(c, 128, 128, 256, 24, 64, 64)
        self.d4, c = block(c, 112, 144, 288, 32, 64, 64)
        self.e4, c = block(c, 256, 160, 320, 32, 128, 128)
        self.a5, c = block(c, 256, 160, 320, 32, 128, 128)
        self.b5, c = block(c, 384, 192, 384, 48, 128, 128)
        self.avgpool = nn.AvgPool2d(8, stride=1)
        self.linear = nn.Linear(c, classes)

    def forward(self, x):
        x = self.b3(self.a3(self.pre_layers(x)))
        x = self.e4(self.d4(self.c4(self.b4(self.a4(self.maxpool(x))))))
        x = self.avgpool(self.b5(self.a5(self.maxpool(x))))
        return self.linear(x.flatten(1))
