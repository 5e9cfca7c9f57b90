import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeTensors, encodeTensors, floatsOf, type RawTensors } from "../../src/tensor/safetensors.ts";
import { stateZip } from "../store/state-zip.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

// The same network as other programs name and write it; test/torch/own-forms.test.ts has what PyTorch itself writes.

const dir = temporaryFolder();
const folder = join(dir, "case");
expect(bdefects(["checkout", "cifar10-resnet18w8-sra-narrow-top040", folder, "--db", "sample"]).status).toBe(0);
const path = join(folder, "model.safetensors");
const ours = decodeTensors(readFileSync(path), path);

/** With the counters that PyTorch's batch norms have, under other names, the last first. */
function renamed(rename: (name: string) => string): RawTensors {
  const all: RawTensors = new Map();
  for (const [name, part] of [...ours].reverse()) {
    all.set(rename(name), part);
    if (!name.endsWith("running_mean")) continue;
    const counter = { dtype: "I64" as const, shape: [], bytes: new Uint8Array(BigInt64Array.of(77n).buffer) };
    all.set(rename(name.replace("running_mean", "num_batches_tracked")), counter);
  }
  return all;
}

const torchvision = (name: string) => name.replace("shortcut", "downsample").replace(/^linear\./, "fc.");
const FORMS: [name: string, rename: (name: string) => string, write: (tensors: RawTensors) => Uint8Array][] = [
  ["plain.safetensors", (name) => name, encodeTensors],
  ["parallel.safetensors", (name) => `module.${name}`, encodeTensors],
  ["torchvision.pth", torchvision, stateZip],
  ["wrapped.pth", (name) => `model.module.${name}`, stateZip],
];

const seen = ["neuron", "raw", "score", "rank", "native"];
const rowsFor = (file: string) =>
  rowsOf(["inspect", file, "--criterion", "clp"]).map((row) => seen.map((key) => row[key]));

describe("a network under other names", () => {
  const expected = rowsFor(path);
  const prune = (file: string, out: string) => {
    const [{ weights }] = rowsOf(["repair", file, "--method", "prune", "--using", "clp", "--out", join(dir, out)]);
    return decodeTensors(readFileSync(weights as string), weights as string);
  };
  const reference = prune(path, "out");

  it.each(FORMS)(
    "%s has the same scores under its own names, and is written back under them",
    (name, rename, write) => {
      const file = join(dir, name);
      const tensors = renamed(rename);
      writeFileSync(file, write(tensors));
      expect(rowsFor(file)).toEqual(
        expected.map(([neuron, ...rest]) => [
          rename(`${neuron}`.replace(/(:\d+)$/, ".x$1")).replace(/\.x(:\d+)$/, "$1"),
          ...rest,
        ]),
      );
      const repaired = prune(file, `out-${name}`);
      expect([...repaired.keys()].sort()).toEqual([...tensors.keys()].sort());
      for (const [key, { bytes }] of reference)
        expect(floatsOf(repaired.get(rename(key))!.bytes)).toEqual(floatsOf(bytes));
      const counters = [...repaired].filter(([key]) => key.endsWith("num_batches_tracked"));
      expect(counters.length).toBe(20);
      for (const [key, part] of counters) expect(part).toEqual(tensors.get(key));
    },
  );

  it("among several state dicts is chosen by --key, and named", () => {
    const file = join(dir, "several.pth");
    const ema = new Map([...ours].map(([name, part]) => [name, { ...part, bytes: part.bytes.slice().reverse() }]));
    const few: RawTensors = new Map([["mean", { dtype: "F32", shape: [1], bytes: new Uint8Array(4) }]]);
    writeFileSync(file, stateZip({ model: ours, other: ema, data: few }));
    const look = (...args: string[]) => bdefects(["inspect", file, "--criterion", "clp", "--format", "csv", ...args]);
    expect(look()).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/choose one with --key: model, other\n$/),
    });
    expect(look("--key", "data")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/holds model, other\n$/),
    });
    const taken = look("--key", "model");
    expect([taken.status, taken.stderr]).toEqual([0, expect.stringMatching(/several\.pth: 'model' was taken/)]);
    // An average of weights is taken where it is asked for.
    writeFileSync(file, stateZip({ model_ema: ema, model: ours }));
    expect(look()).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/'model' was taken; --key takes another: model_ema/),
      stdout: taken.stdout,
    });
  });

  it.each([
    ["an empty file", "", /is empty/],
    ["a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", /git lfs pull/],
    ["a web page", "\n<!DOCTYPE html><html><body>Sign in</body></html>", /is a web page/],
    ["an archive", "\x1f\x8b\x08\x00\x00\x00\x00\x00", /gzip archive: unpack it/],
    ["words", "these are no weights at all", /is a text, not a checkpoint/],
  ])("in place of which there is %s is refused for what it is", (_, content, message) => {
    const file = join(dir, "model.pt");
    writeFileSync(file, Buffer.from(content, "latin1"));
    const { status, stderr } = bdefects(["inspect", file, "--criterion", "clp"]);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });

  it.each<[string, (name: string) => string, string[], RegExp]>([
    [
      "another layer's name",
      (name) => name.replace("layer1", "stage1"),
      [],
      /nearest is resnet18w8: it lacks 'layer1\.0\.conv1\.weight'/,
    ],
    [
      "a further layer",
      (name) => name.replace("bn1.running_mean", "bn1.spread"),
      [],
      /nearest is resnet18w8: it lacks 'bn1\.running_mean'/,
    ],
    [
      "a wrong --arch",
      (name) => name,
      ["--arch", "resnet18w16"],
      /is no resnet18w16: 'conv1\.weight' is \[8, 3, 3, 3\], not \[16, 3, 3, 3\]/,
    ],
    ["wrong --classes", (name) => name, ["--classes", "12"], /--classes 12: the classifier of .* has 10 rows/],
    ["a --key of nothing", (name) => name, ["--key", "ema"], /--key ema: no name in .* begins so/],
  ])("with %s is refused in one line that says what differs", (_, rename, args, message) => {
    const file = join(dir, "other.safetensors");
    writeFileSync(file, encodeTensors(renamed(rename)));
    const { status, stderr } = bdefects(["inspect", file, "--criterion", "clp", ...args]);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });
});
