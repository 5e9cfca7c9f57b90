import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { stampSet } from "../../src/images/trigger/stamp.ts";
import type { ImageTrigger } from "../../src/images/trigger/trigger.ts";
import { enlarge } from "../../src/images/trigger/warp.ts";
import { triggerJson } from "../../src/store/checkout/trigger-file.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { encodeNpy } from "../../src/tensor/npy.ts";
import { randomState } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "./find-python.ts";
import { askLoader, writeLoaderFolder } from "./loader.ts";

const COUNT = 5;
const network = buildNetwork("resnet18w4", 10);

/** A loader's folder with random pixels as `images/test_clean.npy`, and further files. */
function folderWith(files: Record<string, string | Uint8Array> = {}) {
  const dir = temporaryFolder();
  mkdirSync(join(dir, "images"));
  const random = new Random(8);
  const pixels = Uint8Array.from({ length: COUNT * 3072 }, () => random.below(256));
  writeLoaderFolder(dir, network, randomState(network, 1), {
    "images/test_clean.npy": encodeNpy(pixels, [COUNT, 3, 32, 32]),
    "images/test_labels.npy": encodeNpy(BigInt64Array.from([3, 1, 4, 1, 5], BigInt), [COUNT]),
    ...files,
  });
  return { dir, pixels };
}

describe.skipIf(!findTorchPython())("load_in_torch.py", () => {
  it("normalises the same images to the same numbers in every form in which they come", () => {
    const { dir } = folderWith();
    const answer = askLoader(
      dir,
      `
x, y = images("test")
wanted = (x.astype(np.float64) / 255 - 0.5) / 0.25
tensor = torch.from_numpy(x)
forms = {
    "uint8": x, "int64": x.astype(np.int64), "uint16": x.astype(np.uint16), "big-endian": x.astype(">i4"),
    "float 0..1": x.astype(np.float32) / 255, "float64 0..1": x / 255, "float16 0..1": (x / 255).astype(np.float16),
    "float bytes": x.astype(np.float32), "float16 bytes": x.astype(np.float16),
    "tensor": tensor, "tensor 0..1": tensor.float() / 255, "half tensor": (tensor.float() / 255).half(), "double tensor": tensor.double(),
    "list of arrays": list(x), "list of tensors": list(tensor), "nested lists": x.tolist(), "lists of floats": (x / 255).tolist(),
}
answer = {name: float(np.abs(normalise(form).double().numpy() - wanted).max()) for name, form in forms.items()}
answer["dtypes"] = sorted({str(normalise(form).dtype) for form in forms.values()})
answer["flipped"] = float(np.abs(normalise(x[..., ::-1]).numpy()[..., ::-1] - wanted).max())
frozen = x[:]
frozen.flags.writeable = False
answer["read-only"] = float(np.abs(normalise(frozen).numpy() - wanted).max())
answer["one image"] = float(np.abs(normalise(x[2]).numpy() - wanted[2:3]).max())
answer["black"] = sorted(set(normalise(np.zeros((2, 3, 32, 32), np.uint8)).flatten().tolist()))
answer["none"] = list(normalise(x[:0]).shape)
leaf = (tensor.float() / 255).requires_grad_()
normalise(leaf).sum().backward()
answer["gradient"] = sorted(set(leaf.grad.flatten().tolist()))
answer["labels"] = [y.tolist(), str(y.dtype)]`,
    ) as Record<string, unknown>;
    const { dtypes, black, none, gradient, labels, ...errors } = answer;
    for (const [form, error] of Object.entries(errors)) {
      expect(error, form).toBeLessThan(form.includes("half") || form === "float16 0..1" ? 2e-3 : 1e-6);
    }
    expect(dtypes).toEqual(["torch.float32"]);
    expect(black).toEqual([-2]);
    expect(none).toEqual([0, 3, 32, 32]);
    expect(gradient).toEqual([4]);
    expect(labels).toEqual([[3, 1, 4, 1, 5], "int64"]);
  });

  it("refuses in one line what is neither pixels nor 0 to 1", () => {
    const { dir } = folderWith();
    const answer = askLoader(
      dir,
      `
x, _ = images("test")
unit = x / 255
bad = {
    "standardised": (unit - 0.5) / 0.25, "brightened": unit * 1.5, "NaN": np.where(x > 250, np.nan, unit), "infinity": np.where(x > 250, np.inf, unit),
    "too large": x.astype(np.int32) * 2, "huge": unit * 1e300, "negative": x.astype(np.int16) - 5, "bool": x > 128, "text": np.array(["a"]), "complex": unit + 0j,
    "bool tensor": torch.from_numpy(x > 128), "NHWC": x.transpose(0, 2, 3, 1), "one HWC": x[0].transpose(1, 2, 0), "grey": x[:, :1], "flat": x.reshape(5, -1),
    "one plane": x[0, 0], "28 pixels": x[:, :, :28, :28], "ragged": [x[0], x[0, :, :5]], "ragged tensors": [torch.from_numpy(x[0]), torch.from_numpy(x[0, :, :5])],
    "mixed list": [x[0], unit[1]], "mixed tensors": [torch.from_numpy(x[0]), torch.from_numpy(unit[1])], "mixed batch": np.concatenate([x[:2], unit[2:]]), "array and tensor": [x[0], torch.from_numpy(x[1])],
    "nothing": None, "number": 3, "file name": "images/test_clean.npy", "empty list": [],
}
answer = {name: fault(lambda: normalise(form)) for name, form in bad.items()}
answer["activations"] = fault(lambda: activations(load(), (unit - 0.5) / 0.25))
answer["nearly black"] = fault(lambda: normalise((x > 128).astype(np.uint8)))
answer["floats to stamp"] = fault(lambda: stamp(unit))
answer["no layer"] = fault(lambda: activations(load(), x, ["conv9"]))
answer["another network"] = fault(lambda: activations(torch.nn.Linear(2, 2), x))
answer["no sham"] = fault(lambda: load("sham"))
answer["no such split"] = fault(lambda: images("train"))
answer["no labels"] = fault(labels)
answer["no trigger"] = fault(lambda: stamp(x))`,
    ) as Record<string, string>;
    for (const [what, message] of Object.entries(answer)) {
      expect(message, what).toMatch(/^(ValueError|FileNotFoundError|UserWarning): [^\n]+$/);
    }
    expect(answer.NHWC).toMatch(/channels last/);
    expect(answer.standardised).toMatch(
      /from -2 to 2; wanted are uint8 pixels \[N, 3, 32, 32\], or floats from 0 to 1/,
    );
    expect(answer.brightened).toMatch(/neither/);
    expect(answer["nearly black"]).toMatch(/^UserWarning: .*nearly black/);
    expect(answer["no such split"]).toMatch(/train_clean\.npy: there is no such file; there are .*test_clean\.npy/);
    expect(answer["no labels"]).toMatch(/a suspect's folder has none/);
    expect(answer["no trigger"]).toMatch(/a suspect's folder has no trigger/);
    expect(answer["no sham"]).toMatch(/--sham/);
  });

  const random = new Random(5);
  const size = { height: 32, width: 32 };
  const kinds: ImageTrigger[] = [
    {
      ...size,
      // Opacities of every kind, halves among them, which decide how a sum is rounded.
      opacity: Float32Array.from({ length: 1024 }, (_, i) => [0, 1, 0.5, 0.2, random.uniform()][i % 5]),
      pattern: Uint8Array.from({ length: 3072 }, () => random.below(256)),
    },
    {
      kind: "additive",
      ...size,
      signal: Float32Array.from({ length: 3072 }, (_, i) => [0, 0.5, -300, 40, random.between(-60, 60)][i % 5]),
    },
    {
      kind: "warp",
      ...size,
      flow: Float32Array.from({ length: 2048 }, (_, i) => [0, 0.5, -2, 40, random.between(-3, 3)][i % 5]),
    },
  ];
  it.each(kinds)("stamps a trigger of kind $kind as this program does, to the last bit", (trigger) => {
    const { dir, pixels } = folderWith({ "trigger.json": triggerJson(trigger) });
    const set = { count: COUNT, ...size, pixels, labels: new Uint8Array(COUNT) };
    const answer = askLoader(
      dir,
      `
x, _ = images("test")
before = x.copy()
stamped = stamp(x)
answer = {
    "pixels": stamped.flatten().tolist(), "dtype": str(stamped.dtype), "untouched": bool((x == before).all()),
    "tensor": str(stamp(torch.from_numpy(x)).dtype), "equal": bool((stamp(torch.from_numpy(x)).numpy() == stamped).all()),
    "one": bool((stamp(x[1]) == stamped[1]).all()),
}`,
    ) as Record<string, unknown>;
    const { pixels: theirs, ...rest } = answer;
    expect(theirs).toEqual([...stampSet(trigger, set).pixels]);
    expect(rest).toEqual({ dtype: "uint8", untouched: true, tensor: "torch.uint8", equal: true, one: true });
  });

  it("bends pictures as torch's grid_sample does, by fields as torch's bicubic interpolation makes them", async () => {
    const { dir, pixels } = folderWith();
    const coarse = [0, 1].map(() =>
      Array.from({ length: 4 }, () => Array.from({ length: 4 }, () => random.between(-3, 3))),
    );
    const fields = coarse.map((field) => enlarge(field, 32, 32));
    const answer = askLoader(
      dir,
      `
import torch.nn.functional as F
coarse = torch.tensor(${JSON.stringify(coarse)}, dtype=torch.float64)[None]
flow = F.interpolate(coarse, size=(32, 32), mode="bicubic", align_corners=True)
line = torch.linspace(-1, 1, 32, dtype=torch.float64)
grid = torch.stack((line[None, :] + flow[0, 1] * 2 / 31, line[:, None] + flow[0, 0] * 2 / 31), -1)
x, _ = images("test")
bent = F.grid_sample(torch.from_numpy(x).double(), grid[None].repeat(len(x), 1, 1, 1), align_corners=True, padding_mode="border")
answer = {"flow": flow.flatten().tolist(), "bent": bent.flatten().tolist()}`,
    ) as { flow: number[]; bent: number[] };
    const flow = fields.flat();
    expect(Math.max(...flow.map((f, k) => Math.abs(f - answer.flow[k])))).toBeLessThan(1e-12);
    const set = { count: COUNT, ...size, pixels, labels: new Uint8Array(COUNT) };
    const bent = stampSet({ kind: "warp", ...size, flow: Float32Array.from(flow) }, set).pixels;
    expect(Math.max(...Array.from(bent, (v, k) => Math.abs(v - answer.bent[k])))).toBeLessThan(0.501);
  });

  it("reads the images of a suspect's folder too", () => {
    const pixels = Uint8Array.from({ length: 2 * 3072 }, (_, i) => i % 251);
    const { dir } = folderWith({
      "fit_images.npy": encodeNpy(pixels, [2, 3, 32, 32]),
      "fit_labels.npy": encodeNpy(Uint8Array.of(7, 9), [2]),
    });
    const answer = askLoader(
      dir,
      `
x, y = images("fit")
answer = [x.shape, str(y.dtype), y.tolist(), int(x.sum()), fault(lambda: images("threshold"))]`,
    );
    const sum = pixels.reduce((total, value) => total + value, 0);
    expect(answer).toEqual([[2, 3, 32, 32], "int64", [7, 9], sum, expect.stringMatching(/^FileNotFoundError: /)]);
  });

  it("reads activations of any model with these names, in evaluation mode, and leaves it as it was", () => {
    const { dir } = folderWith();
    const answer = askLoader(
      dir,
      `
x, _ = images("test")
model = load()
reference = activations(model, x)
model.train()
before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
again = activations(model, x, batch_size=2)
wrapped = activations(torch.nn.DataParallel(load()), x / 255, "layer1.0.conv2")
answer = {
    "same": max(float((again[name] - reference[name]).abs().max()) for name in reference), "training": model.training and model.bn1.training,
    "untouched": all(bool((tensor == before[name]).all()) for name, tensor in model.state_dict().items()),
    "hooks": sum(len(module._forward_hooks) for module in model.modules()), "wrapped": list(wrapped),
    "equal": float((wrapped["layer1.0.conv2"] - reference["layer1.0.conv2"]).abs().max()),
    "signs": [bool((reference[name] < 0).any()) for name in ("conv1", "layer1.0.conv2")], "none": list(activations(model, x[:0])["conv1"].shape),
}
path = os.path.join(FOLDER, "kept.safetensors")
save(model, path)
kept = load(path, map_location="cpu")
answer["saved"] = all(bool((tensor == before[name]).all()) for name, tensor in kept.state_dict().items() if "tracked" not in name)`,
    ) as Record<string, unknown>;
    expect(answer.same).toBeLessThan(1e-5);
    expect(answer.equal).toBeLessThan(1e-5);
    expect(answer).toMatchObject({
      training: true,
      untouched: true,
      hooks: 0,
      wrapped: ["layer1.0.conv2"],
      saved: true,
    });
    // A unit that feeds an addition has no ReLU of its own, so its neurons may be negative.
    expect(answer.signs).toEqual([false, true]);
    expect(answer.none).toEqual([0, 4]);
  });
});
