"""The features of docs/methods.md 10.14, written anew from its text: numpy for weights and chains, PyTorch for activations and slopes."""

import numpy as np
import torch
import torch.nn.functional as F

EPSILON, FLOOR = 1e-5, 1e-12


def log(values):
    return np.log(np.maximum(values, FLOOR))


def floored_z(u):
    u = np.asarray(u, dtype=np.float64)
    centre = np.median(u)
    spread = max(1.4826 * np.median(np.abs(u - centre)), 0.3 * u.std()) + 1e-12
    return np.clip((u - centre) / spread, -6, 6)


class Features:
    def __init__(self, units, tensors):
        self.units, self.tensors, self.columns = units, tensors, {}
        self.filters = {u: tensors[f"{u}.weight"].astype(np.float64) for u, _, _ in units}
        part = lambda name: {u: tensors[f"{bn}.{name}"].astype(np.float64) for u, bn, _ in units}  # noqa: E731
        self.gamma, self.beta, self.mu, self.var = map(part, ("weight", "bias", "running_mean", "running_var"))
        self.factor = {u: self.gamma[u] / np.sqrt(self.var[u] + EPSILON) for u, _, _ in units}
        zeros = lambda u: np.zeros(len(self.filters[u]))  # noqa: E731
        self.bias = {u: tensors[f"{u}.bias"].astype(np.float64) if f"{u}.bias" in tensors else zeros(u) for u, _, _ in units}
        self.scale = {u: np.abs(self.factor[u]) for u, _, _ in units}

    def add(self, name, of):
        self.columns[name] = np.concatenate([np.asarray(of(u), dtype=np.float64) for u, _, _ in self.units])

    def add_z(self, name, of):
        self.add(name, lambda u: floored_z(of(u)))


def weights(f, readers):
    flat = {u: w.reshape(len(w), -1) for u, w in f.filters.items()}
    norm = {u: np.linalg.norm(w, axis=1) for u, w in flat.items()}
    rms = {u: norm[u] / np.sqrt(w.shape[1]) for u, w in flat.items()}
    matrices = {u: w.reshape(w.shape[0], w.shape[1], -1) for u, w in f.filters.items()}
    top = {u: np.linalg.svd(m, compute_uv=False)[:, 0] for u, m in matrices.items()}
    spectral = {u: log(f.scale[u] * top[u]) for u in top}
    folded = {u: log(f.scale[u] * norm[u]) for u in norm}
    f.add_z("spectral norm", lambda u: spectral[u])
    f.add_z("folded norm", lambda u: folded[u])
    f.add_z("concentration", lambda u: spectral[u] - folded[u])
    f.add_z("filter norm", lambda u: log(norm[u]))
    f.add_z("filter floor", lambda u: log(np.median(np.abs(flat[u]), axis=1)))
    f.add_z("filter evenness", lambda u: log(np.median(np.abs(flat[u]), axis=1) / rms[u]))
    f.add_z("filter peak", lambda u: np.abs(flat[u]).max(1) / rms[u])
    f.add_z("filter kurtosis", lambda u: log(((flat[u] / rms[u][:, None]) ** 4).mean(1)))
    f.add_z("filter sum", lambda u: flat[u].mean(1) / rms[u])

    def entropy(masses):
        if masses.shape[1] == 1:
            return np.zeros(len(masses))
        p = masses / masses.sum(1, keepdims=True)
        return -(p * np.log(p + 1e-12)).sum(1)

    f.add_z("filter entropy of inputs", lambda u: entropy((matrices[u] ** 2).sum(2)) - np.log(matrices[u].shape[1]))
    f.add_z("filter entropy of places", lambda u: entropy((matrices[u] ** 2).sum(1)))
    f.add_z("gain of batch norm", lambda u: np.abs(f.gamma[u]))
    f.add_z("shift of batch norm", lambda u: f.beta[u])
    f.add_z("shift by gain", lambda u: f.beta[u] / (np.abs(f.gamma[u]) + 1e-3))
    f.add_z("folded bias", lambda u: f.beta[u] + f.factor[u] * (f.bias[u] - f.mu[u]))
    f.add_z("folded gain", lambda u: log(f.scale[u]))

    def cosines(u):
        unit = flat[u] / norm[u][:, None]
        c = np.abs(unit @ unit.T)
        np.fill_diagonal(c, 0)
        return c

    f.add_z("likest peer", lambda u: cosines(u).max(1))
    f.add_z("likeness", lambda u: log((cosines(u) ** 2).mean(1)))
    mass = {u: np.zeros(len(w)) for u, w in flat.items()}
    for reader, runs in readers.items():
        w = f.tensors[f"{reader}.weight"].astype(np.float64)
        columns = (w.reshape(w.shape[0], w.shape[1], -1) ** 2).sum((0, 2))
        for run in runs:
            mass[run["unit"]] += columns[run["at"] : run["at"] + run["channels"]]
    f.add_z("weight of readers", lambda u: 0.5 * log(mass[u]))
    return spectral


def activations(f, model, images, labels, contributing):
    modules, norms, before = dict(model.named_modules()), {}, {}
    hooks = []

    def keep(u):
        def hook(_, inputs, output):
            # A ReLU in place would change them.
            before[u], norms[u] = inputs[0].clone(), output.clone()

        return hook

    for u, bn, _ in f.units:
        hooks.append(modules[bn].register_forward_hook(keep(u)))
    with torch.no_grad():
        model(images)
    for hook in hooks:
        hook.remove()
    z = {u: before[u].double().numpy() for u in before}
    mean = {u: z[u].mean((0, 2, 3)) for u in z}
    var = {u: z[u].var((0, 2, 3)) for u in z}
    behind = {u: f.factor[u] * (mean[u] - f.mu[u]) + f.beta[u] for u in z}
    deviation = {u: f.scale[u] * np.sqrt(var[u]) + 1e-6 for u in z}
    folded = {u: log(f.scale[u] * np.linalg.norm(f.filters[u].reshape(len(f.filters[u]), -1), axis=1)) for u in z}
    f.add_z("mean", lambda u: behind[u])
    f.add_z("deviation", lambda u: log(deviation[u]))
    f.add_z("mean in deviations", lambda u: behind[u] / deviation[u])
    f.add_z("used gain", lambda u: log(deviation[u]) - folded[u])
    f.add_z("shift from stored", lambda u: (mean[u] - f.mu[u]) / np.sqrt(f.var[u] + EPSILON))
    f.add_z("spread by stored", lambda u: np.log((var[u] + EPSILON) / (f.var[u] + EPSILON)))

    def divergence(u):
        a, b, d = f.var[u] + EPSILON, var[u] + EPSILON, (f.mu[u] - mean[u]) ** 2
        return log(0.5 * (a / b + b / a) - 1 + 0.5 * d * (1 / a + 1 / b))

    f.add_z("divergence from stored", divergence)
    parts = contribution(f, model, images[:contributing], labels[:contributing])
    f.add_z("contribution", lambda u: log(parts[u]))
    spatial = {u: norms[u].double().mean((2, 3)).numpy() for u in norms}
    spread = {u: spatial[u].std(0) + 1e-6 for u in spatial}
    central = {u: spatial[u] - spatial[u].mean(0) for u in spatial}
    f.add_z("awake", lambda u: (spatial[u] > 0).mean(0))
    f.add_z("skew", lambda u: (central[u] ** 3).mean(0) / spread[u] ** 3)
    f.add_z("kurtosis", lambda u: log((central[u] ** 4).mean(0) / spread[u] ** 4))
    return spread


def contribution(f, model, images, labels):
    """E |sum over space of a * dCE/da|, a behind the ReLU where one follows directly."""
    modules, kept, hooks = dict(model.named_modules()), {}, []

    def watch(u, relu):
        def hook(_, __, y):
            a = F.relu(y) if relu else y
            probe = torch.full_like(a, 1e-12 if relu else 0).requires_grad_()
            kept[u] = a.detach(), probe
            return a + probe

        return hook

    for u, bn, relu in f.units:
        hooks.append(modules[bn].register_forward_hook(watch(u, relu)))
    loss = F.cross_entropy(model(images), labels, reduction="sum")
    gradients = torch.autograd.grad(loss, [probe for _, probe in kept.values()])
    for hook in hooks:
        hook.remove()
    return {u: (a * g).sum((2, 3)).abs().mean(0).numpy() for (u, (a, _)), g in zip(kept.items(), gradients)}


def patch(f, clean, patched, spread):
    rise = {u: patched[f"{u}#means"] - clean[f"{u}#means"] for u, _, _ in f.units}
    held = lambda of, u: of[f"{u}#dots"] - clean[f"{u}#means"] * of[f"{u}#slopes"]  # noqa: E731
    ablation = {u: held(patched, u) - held(clean, u) for u in rise}
    pushed = {u: patched[f"{u}#slopes"] * rise[u] for u in rise}
    for name, scores in (("ablation", ablation), ("pushed", pushed)):
        positive = {u: np.maximum(0, s) for u, s in scores.items()}
        most = max(p.max() for p in positive.values()) + 1e-9
        f.add_z(name, lambda u: scores[u])
        f.add(f"{name} share", lambda u: 3 * np.sqrt(positive[u] / (positive[u].sum() + 1e-9)))
        f.add(f"{name} of most", lambda u: 3 * np.sqrt(positive[u] / most))
        f.add(f"{name} size", lambda u: np.sign(scores[u]) * np.log1p(np.abs(scores[u])))
        f.add(f"{name} rank", lambda u: (scores[u].argsort(kind="stable").argsort() + 0.5) / len(scores[u]) - 0.5)
    f.add_z("would push", lambda u: clean[f"{u}#slopes"] * rise[u])
    f.add_z("rise", lambda u: rise[u])
    f.add_z("rise in deviations", lambda u: rise[u] / (spread[u] + 1e-9))
    f.add_z("slope patched", lambda u: patched[f"{u}#slopes"] * spread[u])
    f.add_z("slope clean", lambda u: clean[f"{u}#slopes"] * spread[u])
    f.add_z("gain", lambda u: patched[f"{u}#dots"] - clean[f"{u}#dots"])
    return ablation


def chains(f, readers, evidence):
    """Of every reader and the units that it reads: the centred log gain, and the neighbours' softmax of the evidence."""
    for name, scores in evidence.items():
        soft = {}
        for u, s in scores.items():
            e = np.exp(1.2 * np.clip(floored_z(s), -2, 5))
            soft[u] = e / e.sum()
        before, behind = ({u: np.zeros(len(s)) for u, s in scores.items()} for _ in range(2))
        count = {}
        for reader, runs in readers.items():
            if reader not in f.filters:
                continue
            w = f.filters[reader]
            for run in runs:
                part = w[:, run["at"] : run["at"] + run["channels"]]
                k = np.log(np.sqrt((part.reshape(part.shape[0], part.shape[1], -1) ** 2).sum(2)) * f.scale[reader][:, None] + 1e-6)
                k = k - k.mean(1, keepdims=True) - k.mean(0, keepdims=True) + k.mean()
                k = np.clip(k / (k.std() + 1e-9), -4, 4)
                before[reader] += k @ soft[run["unit"]] / len(runs)
                behind[run["unit"]] += soft[reader] @ k
                count[run["unit"]] = count.get(run["unit"], 0) + 1
        f.add_z(f"{name} before", lambda u: before[u])
        f.add_z(f"{name} behind", lambda u: behind[u] / max(1, count.get(u, 0)))


def all_features(request, tensors, model, response):
    """@param response: of (images) the terms of every neuron, as parity.response gives them"""
    units, readers = request["units"], request["readers"]
    f = Features(units, tensors)
    spectral = weights(f, readers)
    read = lambda name: torch.from_numpy(tensors[name]).double()  # noqa: E731
    labels = torch.from_numpy(tensors["labels"]).long()
    spread = activations(f, model, read("fit"), labels, request["contributing"])
    clean, patched = response(tensors["clean"]), response(tensors["patched"])
    ablation = patch(f, clean, patched, spread)
    chains(f, readers, {"ablation": ablation, "spectral norm": spectral})
    place = {u: i / max(1, len(units) - 1) for i, (u, _, _) in enumerate(units)}
    f.add("log width", lambda u: np.full(len(f.filters[u]), np.log(len(f.filters[u]))))
    f.add("depth", lambda u: np.full(len(f.filters[u]), place[u]))
    return {name: torch.from_numpy(column) for name, column in f.columns.items()}
