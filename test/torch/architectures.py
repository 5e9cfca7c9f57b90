"""The architectures by family, and what their neurons own."""

from torch import nn

from googlenet import GoogLeNet
from resnet18 import ResNet18
from ufld18 import UFLD18
from vgg import VGG


def build(family, base_width, classes):
    if family == "resnet18":
        return ResNet18(base_width, classes)
    if family == "googlenet":
        return GoogLeNet(base_width, classes)
    if family == "ufld18":
        return UFLD18(base_width)
    return VGG(family, base_width, classes)


def parameters_of_units(model):
    """(conv name, parameter name, parameter) of every conv unit: its filters, bias, gamma and beta; first dimension = neuron.

    Each convolution's batch norm is the next module after it.
    """
    conv = None
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            conv = name
        elif not isinstance(module, nn.BatchNorm2d):
            continue
        for key, parameter in module.named_parameters():
            yield conv, f"{name}.{key}", parameter
