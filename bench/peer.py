"""PyTorch's side of a comparison: the same work as ours.ts, by the same protocol (contestant.ts)."""

import json
import os
import resource
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "torch"))

from architectures import build, parameters_of_units  # noqa: E402
import peer_language  # noqa: E402
from ufld18 import SLOTS  # noqa: E402

WARM_UP_STEPS = 3
LEARNING_RATE = 1e-4

job = json.loads(sys.argv[1])
batch, classes, setup = job["batch"], job["classes"], job["torch"]
lanes = job["task"] == "lanes"
torch.set_num_threads(job["threads"])
torch.manual_seed(1)
device = job["peer_device"]
if device == "cuda":
    if not torch.cuda.is_available():
        sys.exit(f"--peer-device cuda: PyTorch {torch.__version__} sees no such device; leave the option out")
    # Single precision on both sides: PyTorch's convolutions are rounded to 10 bits there otherwise.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = setup["timed"]
texts = job.get("texts")
model = peer_language.build(texts["shape"]) if texts else build(job["family"], job["base_width"], classes)
layout = torch.channels_last if setup["layout"] == "channels-last" else torch.contiguous_format
model = model.to(device, memory_format=layout)


def say(answer):
    print(json.dumps(answer), flush=True)


def prepared():
    """Batches in the host's memory, as ours; each step copies its own to the device."""
    images = [torch.randn(batch, 3, job["height"], job["width"]).contiguous(memory_format=layout) for _ in range(4)]
    batches = [(x, torch.randint(0, *labels_of_a_batch())) for x in images]
    taken = 0
    while True:
        yield [part.to(device) for part in batches[taken % len(batches)]]
        taken += 1


def labels_of_a_batch():
    """Classes, and the shape of the labels: one for each image, or for each cell of a frame."""
    return (classes, (batch,)) if not lanes else (model.classes, (batch, model.rows, SLOTS))


def loss_of(outputs, labels):
    if not lanes:
        return F.cross_entropy(outputs, labels)
    z = outputs.view(batch, model.classes, model.rows, SLOTS)
    return F.cross_entropy(z, labels) + F.smooth_l1_loss(z[:, :, :-1], z[:, :, 1:])


def optimizer_of():
    return torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=1e-4) if lanes else sgd()


def sgd():
    return torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)


def train_step():
    if texts:
        return peer_language.train_step(model, job, LEARNING_RATE)
    optimizer, batches = optimizer_of(), prepared()
    model.train()

    def step():
        images, labels = next(batches)
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def finetune_step():
    """One step of Adam on chosen neurons, batch norm in eval mode, the classifier frozen."""
    batches = prepared()
    model.eval()
    (model.classifier if hasattr(model, "classifier") else model.linear).requires_grad_(False)
    tuned, masks = tuned_rows() if setup["rows"] else masked_units()
    optimizer = torch.optim.Adam(tuned, lr=LEARNING_RATE)

    def step():
        images, labels = next(batches)
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        for parameter, mask in masks:
            parameter.grad *= mask
        optimizer.step()
        return loss.item()

    return step


def masked_units():
    """All parameters of the conv units, and masks of the chosen neurons': gradients of all are computed."""
    masks = []
    for conv, _, parameter in parameters_of_units(model):
        mask = torch.zeros_like(parameter)
        mask[job["neurons"].get(conv, [])] = 1
        masks.append((parameter, mask))
    return [parameter for parameter, _ in masks], masks


def tuned_rows():
    """The chosen neurons' parameters alone: every conv unit becomes one convolution that batch norm is folded into, and only
    the chosen filters get gradients."""
    units, conv = [], None
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            conv = name
        elif isinstance(module, torch.nn.BatchNorm2d):
            units.append((conv, name))
    parameters = []
    for conv, norm in units:
        unit = FoldedUnit(model.get_submodule(conv), model.get_submodule(norm), job["neurons"].get(conv, []))
        replace(conv, unit)
        replace(norm, torch.nn.Identity())
        parameters += unit.parameters()
    return parameters, []


def replace(name, module):
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, module)


class FoldedUnit(torch.nn.Module):
    """A convolution and its batch norm on frozen statistics; theta of some rows is trained."""

    def __init__(self, conv, norm, rows):
        super().__init__()
        self.stride, self.padding = conv.stride, conv.padding
        self.register_buffer("rows", torch.tensor(rows, dtype=torch.long, device=conv.weight.device))
        rstd = (norm.running_var + norm.eps).rsqrt()
        factor = norm.weight.detach() * rstd
        bias = 0 if conv.bias is None else conv.bias.detach()
        weight = (conv.weight.detach() * factor.view(-1, 1, 1, 1)).contiguous(memory_format=layout)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", norm.bias.detach() + (bias - norm.running_mean) * factor)
        self.register_buffer("rstd", rstd[self.rows])
        self.register_buffer("mean", norm.running_mean[self.rows])
        theta = [conv.weight, norm.weight, norm.bias] + ([] if conv.bias is None else [conv.bias])
        self.theta = torch.nn.ParameterList([torch.nn.Parameter(value.detach()[self.rows].clone()) for value in theta])

    def forward(self, x):
        if len(self.rows) == 0:
            return F.conv2d(x, self.weight, self.bias, self.stride, self.padding)
        filters, gamma, beta, *bias = self.theta
        factor = gamma * self.rstd
        weight = filters * factor.view(-1, 1, 1, 1)
        shift = beta + ((bias[0] if bias else 0) - self.mean) * factor
        return RowsConvolution.apply(x, weight, shift, self)


class RowsConvolution(torch.autograd.Function):
    """The whole convolution forward; backward by the input as ever, by the filters for some rows."""

    @staticmethod
    def forward(ctx, x, weight, shift, unit):
        unit.weight[unit.rows] = weight
        unit.bias[unit.rows] = shift
        ctx.save_for_backward(x, weight)
        ctx.unit = unit
        return F.conv2d(x, unit.weight, unit.bias, unit.stride, unit.padding)

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        unit = ctx.unit

        def gradient(some, filters, wanted):
            options = (None, unit.stride, unit.padding, (1, 1), False, (0, 0), 1)
            return torch.ops.aten.convolution_backward(some, x, filters, *options, wanted)

        # The image needs no gradient.
        dx = gradient(dy, unit.weight, [True, False, False])[0] if ctx.needs_input_grad[0] else None
        some = dy[:, unit.rows]
        return dx, gradient(some, weight, [False, True, False])[1], some.sum((0, 2, 3)), None


class WithTaps(torch.nn.Module):
    """The model with forward hooks that take every neuron's mean over space, as ours are taken: behind the ReLU where
    one follows, which for ResNet's functional ones is what the next module reads; without one, mean and mean
    magnitude."""

    def __init__(self, model):
        super().__init__()
        self.model, self.taps = model, []
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.ReLU):
                module.register_forward_hook(lambda _module, _inputs, output: self.tap(output))
            elif job["family"] == "resnet18" and (name == "layer1" or name.endswith(".conv2")):
                module.register_forward_pre_hook(lambda _module, inputs: self.tap(inputs[0]))
            elif job["family"] == "resnet18" and name.endswith((".bn2", ".shortcut.1")):
                module.register_forward_hook(lambda _module, _inputs, output: self.tap(output, signed=True))

    def tap(self, activation, signed=False):
        self.taps.append(activation.mean((2, 3)))
        if signed:
            self.taps.append(activation.abs().mean((2, 3)))

    def forward(self, images):
        self.taps = []
        logits = self.model(images)
        return (logits, *self.taps)


def infer_step():
    batches = prepared()
    network = WithTaps(model).eval() if job["what"] == "infer" else model.eval()
    if setup["frozen"]:
        network = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, next(batches)[0])))

    def step():
        with torch.inference_mode():
            outputs = network(next(batches)[0])
            # To the host, as ours: on the processor they are there.
            return [output.cpu() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]

    return step


def run_steps(step):
    """@returns what the last step returned"""
    for _ in range(WARM_UP_STEPS):
        last = step()
    say({})
    for line in sys.stdin:
        if line.strip() == "end":
            break
        length, began, samples = float(line), time.perf_counter(), 0
        while time.perf_counter() - began < length:
            last = step()
            samples += batch
        say({"samples": samples, "seconds": time.perf_counter() - began})
    return last


def run_loop():
    """Epochs over uint8 images in memory: shuffle, random crop and flip vectorised over the batch, normalise, step."""
    rng = np.random.default_rng(1)
    count = job["epoch_batches"] * batch
    padded = np.zeros((count, 3, 40, 40), np.uint8)
    padded[:, :, 4:36, 4:36] = rng.integers(0, 256, (count, 3, 32, 32), np.uint8)
    labels = rng.integers(0, classes, count)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (32, 32), axis=(2, 3))
    optimizer = sgd()
    model.train()

    def epoch():
        began = time.perf_counter()
        order = rng.permutation(count)
        total, right = 0.0, 0
        for start in range(0, count, batch):
            picked = order[start : start + batch]
            dy, dx = rng.integers(0, 9, (2, batch))
            crops = windows[picked, :, dy, dx]
            flipped = rng.random(batch) < 0.5
            crops[flipped] = crops[flipped][..., ::-1]
            images = torch.from_numpy(crops).to(device).float().div_(255).sub_(0.5).div_(0.25).contiguous(memory_format=layout)
            wanted = torch.from_numpy(labels[picked]).to(device)
            optimizer.zero_grad(set_to_none=True)
            logits = model(images)
            loss = F.cross_entropy(logits, wanted, label_smoothing=0.05)
            loss.backward()
            optimizer.step()
            total += loss.item()
            right += (logits.argmax(1) == wanted).sum().item()
        return time.perf_counter() - began

    epoch()
    say({})
    for line in sys.stdin:
        if line.strip() == "end":
            break
        samples, seconds = 0, 0.0
        while seconds < float(line):
            seconds += epoch()
            samples += count
        say({"samples": samples, "seconds": seconds})


def peak_mib():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


STEPS = {"train": train_step, "finetune": finetune_step, "infer": infer_step, "logits": infer_step}

end = {"peak_mib": 0}
if job["what"] == "loop":
    run_loop()
else:
    last = run_steps(STEPS[job["what"]]())
    if isinstance(last, float):
        end["loss"] = last
end["peak_mib"] = peak_mib()
say(end)
