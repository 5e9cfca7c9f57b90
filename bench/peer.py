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

WARM_UP_STEPS = 3
LEARNING_RATE = 1e-4

job = json.loads(sys.argv[1])
batch, classes = job["batch"], job["classes"]
torch.set_num_threads(job["threads"])
torch.manual_seed(1)
device = job["peer_device"]
if device == "cuda":
    if not torch.cuda.is_available():
        sys.exit(f"--peer-device cuda: PyTorch {torch.__version__} sees no such device; leave the option out")
    # Single precision on both sides: PyTorch's convolutions are rounded to 10 bits there otherwise.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = job["peer_mode"] == "tuned"
model = build(job["family"], job["base_width"], classes)
# What a PyTorch user who minds speed would do on a CPU: channels-last tensors; for inference a frozen, fused graph.
tuned = job["peer_mode"] == "tuned"
layout = torch.channels_last if tuned and job["what"] not in ("infer", "logits") else torch.contiguous_format
model = model.to(device, memory_format=layout)


def say(answer):
    print(json.dumps(answer), flush=True)


def prepared():
    """Batches in the host's memory, as ours; each step copies its own to the device."""
    images = [torch.randn(batch, 3, 32, 32).contiguous(memory_format=layout) for _ in range(4)]
    batches = [(x, torch.randint(0, classes, (batch,))) for x in images]
    taken = 0
    while True:
        yield [part.to(device) for part in batches[taken % len(batches)]]
        taken += 1


def sgd():
    return torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)


def train_step():
    optimizer, batches = sgd(), prepared()
    model.train()

    def step():
        images, labels = next(batches)
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def finetune_step():
    """Batch norm in eval mode, all gradients of the conv units, those of other neurons masked, Adam."""
    batches = prepared()
    model.eval()
    (model.classifier if hasattr(model, "classifier") else model.linear).requires_grad_(False)
    masked = []
    for conv, _, parameter in parameters_of_units(model):
        mask = torch.zeros_like(parameter)
        mask[job["neurons"].get(conv, [])] = 1
        masked.append((parameter, mask))
    optimizer = torch.optim.Adam([parameter for parameter, _ in masked], lr=LEARNING_RATE)

    def step():
        images, labels = next(batches)
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        for parameter, mask in masked:
            parameter.grad *= mask
        optimizer.step()
        return loss.item()

    return step


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
    if tuned:
        network = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, next(batches)[0])))

    def step():
        with torch.inference_mode():
            outputs = network(next(batches)[0])
            # To the host, as ours: on the processor they are there.
            return [output.cpu() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]

    return step


def run_steps(step):
    for _ in range(WARM_UP_STEPS):
        step()
    say({})
    for line in sys.stdin:
        if line.strip() == "end":
            break
        length, began, samples = float(line), time.perf_counter(), 0
        while time.perf_counter() - began < length:
            step()
            samples += batch
        say({"samples": samples, "seconds": time.perf_counter() - began})


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

if job["what"] == "loop":
    run_loop()
else:
    run_steps(STEPS[job["what"]]())
say({"peak_mib": peak_mib()})
