"""Frames and lanes of this checkout, beside load_in_torch.py. Needs numpy only, and torch for the models.

    from load_in_torch import load, normalise
    from lanes_in_torch import accuracy, decode, draw, frames

    model = load("model")
    pixels, truth = frames("test", "triggered")   # uint8 [N, 3, H, W] RGB, and N labels
    with torch.no_grad():
        logits = model(normalise(pixels))
    lanes = decode(logits, truth)                 # of each frame a list of lanes: x at each row of its label, -2 where not seen
    print(accuracy(lanes, truth))
    draw("frame.png", pixels[0], lanes[0], truth[0])

Labels are dictionaries {"h_samples": [y, ...], "lanes": [[x, ...], ...]}, in pixels of a 1280x720 picture, as TuSimple writes them.
"""
import json
import os
import struct
import zlib

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEIGHT = 1280, 720
SLOTS = 4
ABSENT = -2
FAR_LEFT = -100
# By their number of logits: the y of the row anchors, and the cells across the picture.
GRIDS = {
    101 * 56 * SLOTS: (range(160, 711, 10), 100),
    51 * 28 * SLOTS: (range(160, 701, 20), 50),
}


def frames(split="test", kind="clean"):
    """Pixels, uint8 [N, 3, H, W], and N labels. split: "defender" or "test"; kind: "clean" or "triggered".

    The triggered frames are the clean ones on which the backdoor can show, in the same order, with their true labels.
    In a suspect's folder split is "fit", "threshold" or, where it was given, "failing".
    """
    if os.path.exists(os.path.join(HERE, split + "_images.npy")):
        return _read(*[os.path.join(HERE, split + "_images" + end) for end in (".npy", "_lanes.json")])
    paths = [os.path.join(HERE, "images", "%s_%s%s" % (split, kind, end)) for end in (".npy", "_lanes.json")]
    for path in paths:
        if not os.path.exists(path):
            raise FileNotFoundError("%s: there is no such file; %s" % (path, _hint()))
    return _read(*paths)


def _hint():
    folder = os.path.join(HERE, "images")
    there = os.listdir(folder) if os.path.isdir(folder) else [name for name in os.listdir(HERE) if name.endswith("_images.npy")]
    there = sorted(name for name in there if name.endswith(".npy"))
    return "there are %s" % ", ".join(there) if there else "check out again with --samples N"


def _read(pixels, labels):
    with open(labels, encoding="utf-8") as file:
        return np.load(pixels, allow_pickle=False), json.load(file)


def decode(logits, labels):
    """Lanes from logits [N, values], at the rows of N labels (one label stands for all).

    Other shapes or numbers of frames, and logits that are not finite, raise ValueError.
    """
    if hasattr(logits, "detach"):
        logits = logits.detach().cpu().numpy()
    logits = np.asarray(logits, np.float32)
    if logits.ndim != 2 or logits.shape[1] not in GRIDS:
        raise ValueError("logits have shape %s; wanted are [N, %s]" % (list(logits.shape), " or ".join(map(str, GRIDS))))
    bad = np.flatnonzero(~np.isfinite(logits).all(1))
    if len(bad):
        raise ValueError("logits of %d of %d frames hold NaN or infinity, first those of frame %d" % (len(bad), len(logits), bad[0]))
    labels = [labels] * len(logits) if isinstance(labels, dict) else labels
    if len(labels) != len(logits):
        raise ValueError("%d labels for the logits of %d frames" % (len(labels), len(logits)))
    return [_decode_frame(one, label["h_samples"]) for one, label in zip(logits, labels)]


def _decode_frame(logits, rows):
    anchors, cells = GRIDS[logits.size]
    anchors = list(anchors)
    z = logits.reshape(cells + 1, len(anchors), SLOTS).astype(np.float64)
    most = z[:cells].max(0)
    weights = np.exp(z[:cells] - most)
    place = (np.arange(cells)[:, None, None] * weights).sum(0) / weights.sum(0)
    xs = np.where(z[cells] > most, np.nan, (place + 0.5) * WIDTH / (cells - 1))
    lanes = []
    for slot in range(SLOTS):
        if np.isfinite(xs[:, slot]).sum() < 2:
            continue
        lane = [_at(xs[:, slot], anchors, row) for row in rows]
        if any(x >= 0 for x in lane):
            lanes.append(lane)
    return lanes


def _at(xs, anchors, row):
    step, last = anchors[1] - anchors[0], len(anchors) - 1
    if row in anchors:
        x = xs[anchors.index(row)]
    elif row < anchors[0] or row > anchors[last] + step:
        return ABSENT
    else:
        before = min((row - anchors[0]) // step, last - 1)
        x = xs[before] + (row - anchors[before]) / step * (xs[before + 1] - xs[before])
    if not np.isfinite(x):
        return ABSENT
    whole = int(np.floor(x + 0.5))
    return whole if 0 <= whole < WIDTH else ABSENT


def accuracy(lanes, labels):
    """Mean accuracy over frames, by TuSimple's rule: a point agrees within 20/cos(slope) pixels along its row.

    lanes: of each frame the lanes at the rows of its label. Other numbers of frames or rows, NaN among them, or no frame raise ValueError.
    """
    if len(lanes) != len(labels):
        raise ValueError("lanes of %d frames for the labels of %d" % (len(lanes), len(labels)))
    if len(labels) == 0:
        raise ValueError("no frame to measure the accuracy on")
    for i, (one, label) in enumerate(zip(lanes, labels)):
        for lane in one:
            if np.shape(lane) != (len(label["h_samples"]),):
                raise ValueError("frame %d: a lane of shape %s for a label of %d rows" % (i, list(np.shape(lane)), len(label["h_samples"])))
            if not np.isfinite(lane).all():
                raise ValueError("frame %d: a lane holds NaN or infinity; write -2 where it is not seen" % i)
    return float(np.mean([_accuracy_of(one, label) for one, label in zip(lanes, labels)]))


def _accuracy_of(lanes, label):
    rows, truth = np.array(label["h_samples"], float), np.array(label["lanes"], float).reshape(-1, len(label["h_samples"]))
    if len(lanes) > len(truth) + 2:
        return 0.0
    best = []
    for lane in truth:
        seen = lane >= 0
        slope = np.polyfit(rows[seen], lane[seen], 1)[0] if seen.sum() > 1 else 0
        most = 20 * np.sqrt(1 + slope * slope)
        wanted = np.where(seen, lane, FAR_LEFT)
        found = [np.where(np.array(one) >= 0, one, FAR_LEFT) for one in lanes]
        best.append(max([np.mean(np.abs(one - wanted) < most) for one in found], default=0))
    total = sum(best) - (min(best) if len(best) > 4 else 0)
    return total / max(min(4, len(best)), 1)


def draw(path, pixels, lanes, label, truth=True):
    """Writes a frame as PNG with lanes over it: true ones green, the given ones red. pixels: uint8 [3, H, W]."""
    pixels = np.asarray(pixels)
    height, width = 360, 640
    y = np.arange(height) * pixels.shape[1] // height
    x = np.arange(width) * pixels.shape[2] // width
    picture = pixels[:, y][:, :, x].transpose(1, 2, 0).copy()
    for colour, group in (((60, 220, 60), label["lanes"] if truth else []), ((255, 70, 50), lanes)):
        for lane in group:
            points = [(px / 2, py / 2) for px, py in zip(lane, label["h_samples"]) if px >= 0]
            for (x0, y0), (x1, y1) in zip(points, points[1:]):
                for row in range(int(y0), min(int(y1) + 1, height)):
                    slope = (x1 - x0) / (y1 - y0)
                    middle, half = x0 + slope * (row - y0), max(1.2, abs(slope) / 2 + 0.7)
                    left, right = max(int(middle - half), 0), min(int(middle + half + 1), width)
                    picture[row, left:right] = colour
    _write_png(path, picture)


def _write_png(path, picture):
    height, width, _ = picture.shape
    lines = b"".join(b"\0" + row.tobytes() for row in picture.astype(np.uint8))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))
