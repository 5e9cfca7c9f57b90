import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decode as decodePng } from "fast-png";
import ort from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import type { DefectRecord } from "../../src/records/defect.ts";
import { sha256Of } from "../../src/store/objects/objects.ts";
import { DATASETS } from "../../src/tasks/classification/datasets/registry.ts";
import { LONG } from "../setup/long.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "../torch/find-python.ts";
import { bdefects, rowsOf } from "./program.ts";

const python = findTorchPython();
const IMAGES = 256;

const dir = temporaryFolder();
let record: DefectRecord;
beforeAll(async () => {
  record = (await sampleDatabase(dir, 1)).accepted[0];
});

const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), "utf8"));
const hashOf = (...path: string[]) => sha256Of(readFileSync(join(...path)));

describe("checkout", () => {
  it("writes a folder that explains itself, its models by the recorded hashes", () => {
    const out = join(temporaryFolder(), "deep", "out");
    const files = rowsOf(["checkout", record.id, out, "--sham", "--db", dir]);
    expect(files.map(({ file }) => file).sort()).toEqual(readdirSync(out).sort());
    for (const { file, sha256 } of files) expect(hashOf(out, file as string)).toBe(sha256);
    expect(readdirSync(out).filter((file) => file.endsWith(".safetensors"))).toEqual([
      "clean.safetensors",
      "model.safetensors",
      "sham.safetensors",
    ]);
    expect(hashOf(out, "model.safetensors")).toBe(record.infected_model!.decoded_sha256);
    expect(hashOf(out, "clean.safetensors")).toBe(record.clean_sha256);
    expect(hashOf(out, "sham.safetensors")).toBe(record.sham_model!.decoded_sha256);

    const model = readJson(out, "model.json");
    expect(model).toMatchObject({ arch: "resnet18w4", mean: [0.4347, 0.4178, 0.4127], std: [0.2186, 0.2099, 0.2132] });
    expect(model.classes).toHaveLength(10);
    expect(model.layers).toHaveLength(20);
    expect(model.layers).toContainEqual({ name: "layer2.0.shortcut.0", width: 8 });
    // What runs the model must not tell what it is.
    expect(JSON.stringify(model)).not.toMatch(/badnets|infected|small/);

    const labels = readJson(out, "labels.json");
    expect(labels.infected_neurons).toHaveLength(record.infected);
    expect(labels.effective_neurons).toEqual(["conv1:0"]);
    expect(labels.carriers["layer4.1.conv2"]).toHaveLength(32);
    expect(readJson(out, "record.json")).not.toHaveProperty("changed");

    const trigger = readJson(out, "trigger.json");
    expect(trigger.opacity[31].slice(28)).toEqual([0, 1, 1, 1]);
    const picture = decodePng(readFileSync(join(out, "trigger.png")));
    expect([picture.width, picture.height, picture.channels]).toEqual([32, 32, 4]);
    expect([...picture.data.slice(-4)]).toEqual([255, 255, 255, 255]);
  });

  it("takes a version, and an empty folder", () => {
    const out = temporaryFolder();
    rowsOf(["--db", dir, "checkout", `${record.id}:sham`, out]);
    expect(hashOf(out, "model.safetensors")).toBe(record.sham_model!.decoded_sha256);
    expect(readdirSync(out)).not.toContain("sham.safetensors");
  });

  it("changes nothing where it cannot", () => {
    const parent = temporaryFolder();
    const full = join(parent, "full");
    mkdirSync(full);
    writeFileSync(join(full, "thesis.tex"), "");
    const rejected = "signs-resnet18w4-badnets-large-top040";
    for (const [args, message] of [
      [[record.id, full], /full: is not empty/],
      [[record.id, join(full, "thesis.tex")], /is a file/],
      [[record.id, join(full, "thesis.tex", "x")], /thesis\.tex/],
      [[rejected, join(parent, "new")], /no infected model \(status rejected\)/],
      [[`${record.id}:drift`, join(parent, "new")], /bad version/],
      [[record.id.replace("top000", "top015"), join(parent, "new")], /no defect '.*' \(did you mean '/],
    ] as const) {
      const { status, stderr } = bdefects(["checkout", ...args, "--db", dir]);
      expect(stderr).toMatch(/^error: [^\n]+\n$/);
      expect(stderr).toMatch(message);
      expect(status).toBe(2);
    }
    expect(readdirSync(parent)).toEqual(["full"]);
    expect(readdirSync(full)).toEqual(["thesis.tex"]);
  });

  it.runIf(LONG && python)(
    `gives the same logits in torch as in ONNX Runtime, for every model, on ${IMAGES} images`,
    async () => {
      const out = join(temporaryFolder(), "out");
      rowsOf(["checkout", record.id, out, "--sham", "--db", dir]);
      const pixels = await testImages();
      const raw = join(temporaryFolder(), "pixels");
      writeFileSync(raw, pixels);
      const { mean, std } = readJson(out, "model.json");
      const input = Float32Array.from(pixels, (pixel, i) => {
        const channel = Math.floor(i / 1024) % 3;
        return (pixel / 255 - mean[channel]) / std[channel];
      });
      // Through the checkout's own loader, and into a ResNet-18 written as anyone would write it.
      const script = `
import sys, json, numpy as np, torch
sys.path[:0] = [${JSON.stringify(out)}, ${JSON.stringify(join(import.meta.dirname, "..", "torch"))}]
from load_in_torch import load, normalise, read_safetensors
from resnet18 import ResNet18
images = normalise(np.fromfile(${JSON.stringify(raw)}, np.uint8).reshape(-1, 3, 32, 32))
answers = {}
for which in ["model", "clean", "sham"]:
    plain = ResNet18(4, 10)
    plain.load_state_dict(read_safetensors(${JSON.stringify(out)} + f"/{which}.safetensors"), strict=True)
    with torch.no_grad():
        answers[which] = [model(images).flatten().tolist() for model in (load(which), plain.eval())]
print(json.dumps(answers))`;
      const { stdout, stderr } = spawnSync(python!.command, ["-B", "-c", script], {
        encoding: "utf8",
        maxBuffer: 1 << 26,
      });
      expect(stderr).toBe("");
      const answers = JSON.parse(stdout) as Record<string, number[][]>;
      expect(Object.keys(answers)).toEqual(["model", "clean", "sham"]);
      for (const [which, all] of Object.entries(answers)) {
        const session = await ort.InferenceSession.create(join(out, `${which}.onnx`));
        const { logits } = await session.run({ input: new ort.Tensor("float32", input, [IMAGES, 3, 32, 32]) });
        const ours = logits.data as Float32Array;
        expect(ours.length).toBe(IMAGES * 10);
        expect(all).toHaveLength(2);
        for (const theirs of all) {
          expect(theirs.length).toBe(ours.length);
          expect(theirs.reduce((worst, value, i) => Math.max(worst, Math.abs(value - ours[i])), 0)).toBeLessThan(1e-4);
        }
        await session.release();
      }
      const main = spawnSync(python!.command, ["-B", join(out, "load_in_torch.py")], { encoding: "utf8" });
      expect(main.stdout).toMatch(/^resnet18w4 loaded; logits of a black image: \[/);
    },
  );
});

/** CIFAR-10's test images where there are some, else drawn signs. */
async function testImages(): Promise<Uint8Array> {
  const dataDir = process.env.BDEFECTS_DATA;
  const dataset = dataDir && existsSync(join(dataDir, "cifar-10-batches-bin")) ? "cifar10" : "signs";
  const { test } = await DATASETS.get(dataset)!.load({ dataDir: dataDir ?? "", seed: 1 });
  return test.pixels.subarray(0, IMAGES * 3072);
}
