import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeTensors, encodeTensors, floatsOf, type RawTensors } from "../../src/tensor/safetensors.ts";
import { zipOf } from "../datasets/archives.ts";
import { temporaryFolder } from "../store/temp.ts";
import { dict, pickle, tensor, text } from "../tensor/pickle-bytes.ts";
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

function torchZip(tensors: RawTensors): Buffer {
  const types = { F32: "FloatStorage", I64: "LongStorage" } as Record<string, string>;
  const items = [...tensors].map(([name, { shape, dtype }], i): [number[], number[]] => [
    text(name),
    tensor(String(i), shape, { type: types[dtype] }),
  ]);
  const storages = [...tensors.values()].map(({ bytes }, i) => ({ path: `x/data/${i}`, data: Buffer.from(bytes) }));
  return zipOf([{ path: "x/data.pkl", data: Buffer.from(pickle(dict(...items))) }, ...storages]);
}

const torchvision = (name: string) => name.replace("shortcut", "downsample").replace(/^linear\./, "fc.");
const FORMS: [name: string, rename: (name: string) => string, write: (tensors: RawTensors) => Uint8Array][] = [
  ["plain.safetensors", (name) => name, encodeTensors],
  ["parallel.safetensors", (name) => `module.${name}`, encodeTensors],
  ["torchvision.pth", torchvision, torchZip],
  ["wrapped.pth", (name) => `model.module.${name}`, torchZip],
];

const seen = ["neuron", "raw", "score", "rank", "native"];
const rowsFor = (file: string) =>
  rowsOf(["inspect", file, "--criterion", "clp"]).map((row) => seen.map((key) => row[key]));

describe("a network under other names", () => {
  const expected = rowsFor(path);

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
      const out = join(dir, "out");
      const [{ weights }] = rowsOf(["repair", file, "--method", "prune", "--using", "clp", "--out", out]);
      const repaired = decodeTensors(readFileSync(weights as string), weights as string);
      const [plain] = rowsOf([
        "repair",
        path,
        "--method",
        "prune",
        "--using",
        "clp",
        "--out",
        join(dir, `out-${name}`),
      ]);
      const reference = decodeTensors(readFileSync(plain.weights as string), "reference");
      expect([...repaired.keys()].sort()).toEqual([...tensors.keys()].sort());
      for (const [key, { bytes }] of reference)
        expect(floatsOf(repaired.get(rename(key))!.bytes)).toEqual(floatsOf(bytes));
      const counters = [...repaired].filter(([key]) => key.endsWith("num_batches_tracked"));
      expect(counters.length).toBe(20);
      for (const [key, part] of counters) expect(part).toEqual(tensors.get(key));
    },
  );

  it("of no architecture that is known is refused in one line", () => {
    const file = join(dir, "other.safetensors");
    writeFileSync(file, encodeTensors(renamed((name) => name.replace("layer1", "stage1"))));
    const { status, stderr } = bdefects(["inspect", file, "--criterion", "clp"]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^error: .*other\.safetensors: [^\n]+\n$/)]);
  });
});
