"""VGG with batch norm for 32x32 images in plain PyTorch: the peer of src/tasks/classification/models/vgg.ts, with the same state-dict names."""

from torch import nn

DEPTHS = {"vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3)}


class VGG(nn.Module):
    """Base width 64 is the published network: 9,416,010 (VGG-13) or 14,728,266 (VGG-16) parameters for 10 classes."""

    def __init__(self, name, base_width, classes):
        super().__init__()
        layers, width = [], 3
        for stage, depth in enumerate(DEPTHS[name]):
            out = base_width * min(2**stage, 8)
            for _ in range(depth):
                layers += [nn.Conv2d(width, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
                width = out
            layers.append(nn.MaxPool2d(2, 2))
        layers.append(nn.AvgPool2d(1, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))
