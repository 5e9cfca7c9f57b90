"""Localization criteria once more, each written straight from its published procedure in PyTorch: peers to compare with.

Nothing here is shared with src/: own loops, autograd, PyTorch's optimizers and random numbers. Not written for speed.
"""
