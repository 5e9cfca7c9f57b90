"""What PyTorch gives, for comparison. It reads orders from stdin, one a line: {"request": ..., "input": PATH, "output": PATH}, both
safetensors, and answers each with a line {"stdout": TEXT} or {"error": TEXT}."""

import contextlib
import io
import json
import sys
import traceback

import torch
import torch.nn.functional as F

import architectures
import features as neuron_features
from language import Answering, adamw_steps, next_token_loss
from procedures import anp as anp_procedure
from procedures import nc as nc_procedure
from tensors import read_tensors, write_tensors
from ufld18 import lane_loss


def build(request, tensors):
    if "folder" in request:
        # The loader of a checkout, and what it says of a network.
        sys.path.insert(0, request["folder"])
        from load_in_torch import Network

        model = Network()
        # The next folder's is another.
        sys.path.pop(0)
        del sys.modules["load_in_torch"]
    elif "language" in request:
        model = Answering(request["language"])
    else:
        model = architectures.build(request["family"], request["base_width"], request["classes"])
    state = model.state_dict()
    loaded = {key: torch.from_numpy(tensors[key]) for key in state if not key.endswith("num_batches_tracked")}
    missing, unexpected = model.load_state_dict(loaded, strict=False)
    assert not unexpected and all(key.endswith("num_batches_tracked") for key in missing), (missing, unexpected)
    # The comparison is with exact arithmetic, as near as there is.
    return model.double()


def soft_cross_entropy(logits, targets):
    return -(F.log_softmax(logits, 1) * targets).sum(1).mean()


def batch_of(tensors, step=None):
    suffix = "" if step is None else f"#{step}"
    return torch.from_numpy(tensors[f"input{suffix}"]).double(), torch.from_numpy(tensors[f"targets{suffix}"]).double()


def gradients(request, tensors):
    """One training step without an update: loss, logits, gradients (of all parameters, or of those whose names begin as asked)
    and the batch statistics (biased variance). Asked for `single` precision, as PyTorch computes by itself; asked whether it
    `infers`, the logits in eval mode too."""
    model = build(request, tensors)
    dtype = torch.float32 if request.get("single") else torch.float64
    model.to(dtype)
    results = {}
    if request.get("infers"):
        with torch.no_grad():
            results["inferred"] = model.eval()(torch.from_numpy(tensors["input"]).to(dtype))
    model.train()

    def watch(name):
        def hook(_, inputs):
            x = inputs[0].detach()
            results[f"{name}#mean"] = x.mean((0, 2, 3))
            results[f"{name}#variance"] = x.var((0, 2, 3), unbiased=False)

        return hook

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_pre_hook(watch(name))
    if "next" in tensors:
        logits = model(torch.from_numpy(tensors["input"]).double())
        loss = next_token_loss(model, tensors)
    else:
        images, targets = (x.to(dtype) for x in batch_of(tensors))
        logits = model(images)
        lanes = request.get("lanes")
        loss = lane_loss(logits, targets, **lanes) if lanes else soft_cross_entropy(logits, targets)
    loss.backward()
    results["loss"] = loss.detach()
    results["logits"] = logits.detach()
    for name, parameter in model.named_parameters():
        if name.startswith(request.get("part", "")):
            results[f"{name}#gradient"] = parameter.grad
    return results


def take_steps(request, tensors, model, optimizer):
    """Trains on the request's batches; each step's loss."""
    losses = []
    for step in range(request["steps"]):
        images, targets = batch_of(tensors, step)
        optimizer.zero_grad()
        loss = soft_cross_entropy(model(images), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def sgd(request, tensors):
    """Steps of SGD with Nesterov momentum; the state afterwards and each step's loss."""
    model = build(request, tensors).train()
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=request["learning_rate"],
        momentum=request["momentum"],
        nesterov=True,
        weight_decay=request["weight_decay"],
    )
    losses = take_steps(request, tensors, model, optimizer)
    velocities = {f"{name}#velocity": optimizer.state[p]["momentum_buffer"] for name, p in model.named_parameters()}
    return {**state_of(model), **velocities, "losses": losses}


def adam(request, tensors):
    """Steps of Adam with weight decay; the state afterwards and each step's loss."""
    model = build(request, tensors).train()
    rate, decay = request["learning_rate"], request["weight_decay"]
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, weight_decay=decay)
    losses = take_steps(request, tensors, model, optimizer)
    return {**state_of(model), "losses": losses}


def adamw(request, tensors):
    """Steps of a language model's training; the state afterwards and each step's loss."""
    return adamw_steps(build(request, tensors), request, tensors)


def tune_rows(request, tensors):
    """Steps of Adam, or of SGD where momentum is given, on chosen neurons: all gradients, those of other rows set to
    zero, weight decay on the chosen rows alone; batch norm in eval mode."""
    model = build(request, tensors).eval()
    masked = []
    for conv, _, parameter in architectures.parameters_of_units(model):
        mask = torch.zeros_like(parameter)
        mask[request["neurons"].get(conv, [])] = 1
        masked.append((parameter, mask))
    parameters, rate = [parameter for parameter, _ in masked], request["learning_rate"]
    momentum, decay = request.get("momentum"), request.get("weight_decay", 0)
    is_adam = momentum is None
    optimizer = torch.optim.Adam(parameters, lr=rate) if is_adam else torch.optim.SGD(parameters, rate, momentum)
    for step in range(request["steps"]):
        images, targets = batch_of(tensors, step)
        optimizer.zero_grad()
        loss = soft_cross_entropy(model(images), targets)
        loss.backward()
        for parameter, mask in masked:
            parameter.grad = (parameter.grad + decay * parameter.detach()) * mask
        optimizer.step()
    return state_of(model)


def anp(request, tensors):
    """One iteration of ANP at given masks and noise: the moved noise, and the masks' gradient."""
    model = build(request, tensors).train()
    norms = anp_procedure.mask_batch_norms(model, request["batch_statistics"])
    images, targets = batch_of(tensors)
    labels = targets.argmax(1)
    names = list(norms)
    with torch.no_grad():
        for name, norm in norms.items():
            for part in ("mask", "delta", "xi"):
                getattr(norm, part).copy_(torch.from_numpy(tensors[f"{name}#{part}"]))
    anp_procedure.anp_perturb(model, list(norms.values()), images, labels, request["epsilon"])
    gradients = anp_procedure.anp_loss(model, list(norms.values()), images, labels, request["alpha"])
    moved = {f"{name}#{part}": getattr(norms[name], part) for name in names for part in ("delta", "xi")}
    return {**moved, **{f"{name}#gradient": g for name, g in zip(names, gradients)}}


def nc(request, tensors):
    """Gradients of NC's loss by the parameters of mask and pattern."""
    model = build(request, tensors).eval()
    model.requires_grad_(False)
    images, _ = batch_of(tensors)
    mask, pattern = (torch.from_numpy(tensors[name]).double().requires_grad_() for name in ("mask", "pattern"))
    mean, std = (torch.tensor(request[name], dtype=torch.float64).view(-1, 1, 1) for name in ("mean", "std"))
    loss, _ = nc_procedure.nc_loss(model, images, request["target"], mask, pattern, request["weight"], mean, std)
    loss.backward()
    return {"loss": loss, "mask": mask.grad, "pattern": pattern.grad}


def response(request, tensors):
    """What f_t - max of the others owes to every neuron to first order: means over images of sum(a * dr/da), sum(dr/da) and a."""
    model = build(request, tensors).eval()
    model.requires_grad_(False)
    modules, taps = dict(model.named_modules()), {}

    def watch(name, relu):
        def hook(_, __, y):
            a = F.relu(y) if relu else y
            # What is barely above 0 passes the ReLU that follows, and its gradient does everywhere.
            probe = torch.full_like(a, 1e-12 if relu else 0).requires_grad_()
            taps[name] = a.detach(), probe
            return a + probe

        return hook

    for conv, norm, relu in request["units"]:
        modules[norm].register_forward_hook(watch(conv, relu))
    logits = model(torch.from_numpy(tensors["input"]).double())
    others = logits.clone()
    others[:, request["target"]] = -float("inf")
    r = logits[:, request["target"]] - others.max(1).values
    gradients = torch.autograd.grad(r.sum(), [probe for _, probe in taps.values()])
    results = {}
    for (name, (a, _)), g in zip(taps.items(), gradients):
        results[f"{name}#dots"] = (a * g).sum((2, 3)).mean(0)
        results[f"{name}#slopes"] = g.sum((2, 3)).mean(0)
        results[f"{name}#means"] = a.mean((0, 2, 3))
    return results


def features(request, tensors):
    """Every feature of every neuron (docs/methods.md 10.14), in the order of the units."""
    model = build(request, tensors).eval()
    terms = lambda images: {  # noqa: E731
        name: value.detach().numpy() for name, value in response(request, {**tensors, "input": images}).items()
    }
    return neuron_features.all_features(request, tensors, model, terms)


def agreement(request, tensors):
    """The loss of a patch that is to bring all images to one class in common, and its gradients by opacity and pattern."""
    model = build(request, tensors).eval()
    model.requires_grad_(False)
    images, targets = batch_of(tensors)
    opacity, pattern = (torch.from_numpy(tensors[name]).double().requires_grad_() for name in ("opacity", "pattern"))
    mean, std = (torch.tensor(request[name], dtype=torch.float64).view(-1, 1, 1) for name in ("mean", "std"))
    p = F.softmax(model((1 - opacity) * images + opacity * (pattern - mean) / std), 1)
    loss = (p * targets).sum(1).mean() - (p.mean(0) ** 2).sum()
    loss.backward()
    return {"loss": loss, "opacity": opacity.grad, "pattern": pattern.grad}


def infer(request, tensors):
    """Logits in eval mode."""
    model = build(request, tensors).eval()
    with torch.no_grad():
        return {"logits": model(torch.from_numpy(tensors["input"]).double())}


def describe(request, _):
    """Parameter count, and keys with shapes as the state dict has them; to stdout."""
    model = architectures.build(request["family"], request["base_width"], request["classes"])
    keys = {key: list(value.shape) for key, value in model.state_dict().items()}
    print(json.dumps({"parameters": sum(p.numel() for p in model.parameters()), "keys": keys}))
    return {}


def state_of(model):
    return {key: value for key, value in model.state_dict().items() if not key.endswith("num_batches_tracked")}


COMMANDS = {
    "gradients": gradients,
    "sgd": sgd,
    "adam": adam,
    "adamw": adamw,
    "tune_rows": tune_rows,
    "anp": anp,
    "nc": nc,
    "response": response,
    "features": features,
    "agreement": agreement,
    "infer": infer,
    "describe": describe,
}


def answer(request, tensors):
    command, results = COMMANDS[request["command"]], {}
    # Several cases in one go: their tensors carry a prefix each.
    for prefix in request.get("prefixes", [""]):
        own = {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
        results.update({prefix + name: value for name, value in command(request, own).items()})
    return {name: torch.as_tensor(value).detach().numpy() for name, value in results.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            with contextlib.redirect_stdout(io.StringIO()) as said:
                write_tensors(order["output"], answer(order["request"], read_tensors(order["input"])))
            told = {"stdout": said.getvalue()}
        except Exception:
            told = {"error": traceback.format_exc()}
        print(json.dumps(told), flush=True)
