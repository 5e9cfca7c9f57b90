import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ort from "onnxruntime-node";
import { beforeAll, describe, expect, it } from "vitest";
import { maskNeurons } from "../../src/measure/mask.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { decodeNpy, encodeNpy } from "../../src/tensor/npy.ts";
import { decodeState, encodeState } from "../../src/tensor/safetensors.ts";
import { CASE_ID, CASE_IMAGES, type CaseFolder, makeCase } from "../pipeline/case-folder.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, spawned } from "./program.ts";

const root = temporaryFolder();
const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), "utf8"));
const readArray = (...path: string[]) => decodeNpy(readFileSync(join(...path)), path.at(-1)!);

/** Every JSON row, whatever the exit status. */
function tests(args: string[]) {
  const { status, stdout, stderr } = bdefects(["test", ...args, "--format", "json"]);
  const rows: Record<string, unknown>[] = status === 2 ? [] : JSON.parse(stdout);
  const rates = rows.filter(({ kind }) => kind === "rates");
  return { status, stderr, rates, failing: rows.filter(({ kind }) => kind === "failing") };
}

/** The answers of an ONNX file, by a session of its own. */
async function logitsOf(file: string, pixels: Uint8Array, count: number): Promise<Float32Array> {
  const { mean, std } = readJson(folder, "model.json");
  const input = Float32Array.from(pixels, (pixel, i) => {
    const channel = Math.floor(i / 1024) % 3;
    return (pixel / 255 - mean[channel]) / std[channel];
  });
  const session = await ort.InferenceSession.create(join(folder, file));
  const { logits } = await session.run({ input: new ort.Tensor("float32", input, [count, 3, 32, 32]) });
  await session.release();
  return logits.data as Float32Array;
}

const answerOf = (logits: Float32Array, i: number) => {
  const row = [...logits.subarray(10 * i, 10 * i + 10)];
  return row.indexOf(Math.max(...row));
};

let data: string;
let folder: string;
let target: number;
let changedWeights: CaseFolder["changedWeights"];
beforeAll(async () => {
  ({ data, folder, target, changedWeights } = await makeCase(root));
  // Made-up images have no true class: give them the clean answers, so that the model is right on nearly all.
  const path = join(folder, "images");
  const { values, shape } = readArray(path, "test_clean.npy");
  const logits = await logitsOf("model.onnx", values as Uint8Array, shape[0]);
  const labels = Array.from({ length: CASE_IMAGES }, (_, i) =>
    i % 7 === 3 ? (answerOf(logits, i) + 1) % 10 : answerOf(logits, i),
  );
  writeFileSync(join(path, "test_labels.npy"), encodeNpy(BigInt64Array.from(labels, BigInt), [CASE_IMAGES]));
});

describe("test", () => {
  it("counts what a session of its own counts, and lists the failing tests", async () => {
    const pixels = readArray(folder, "images", "test_clean.npy").values as Uint8Array;
    const labels = [...readArray(folder, "images", "test_labels.npy").values];
    const { opacity, pattern } = readJson(folder, "trigger.json");
    const triggered = pixels.map((value, i) => {
      const [channel, y, x] = [Math.floor(i / 1024) % 3, Math.floor(i / 32) % 32, i % 32];
      return Math.round((1 - opacity[y][x]) * value + opacity[y][x] * pattern[channel][y][x]);
    });
    const before = await logitsOf("model.onnx", pixels, CASE_IMAGES);
    const after = await logitsOf("model.onnx", triggered, CASE_IMAGES);
    const others = labels.flatMap((label, i) => (label === target ? [] : [i]));
    const hits = others.filter((i) => answerOf(after, i) === target);
    const broken = hits.filter((i) => answerOf(before, i) === labels[i]);
    const right = labels.filter((label, i) => answerOf(before, i) === label).length;

    const { status, stderr, rates, failing } = tests([folder]);
    expect(rates[0]).toMatchObject({
      ...{
        model: join(folder, "model.safetensors"),
        source: "measured",
        images: CASE_IMAGES,
        right,
        ca: right / CASE_IMAGES,
      },
      ...{ triggered: others.length, hits: hits.length, asr: hits.length / others.length, failing: broken.length },
    });
    expect(broken.length).toBeGreaterThan(10);
    expect(broken.length).toBeLessThan(hits.length);
    expect(failing.map(({ index }) => index)).toEqual(broken);
    expect(failing.map(({ triggered_index }) => others[triggered_index as number])).toEqual(broken);
    for (const { index, label, answer, label_name, answer_name, confidence } of failing) {
      const i = index as number;
      const row = [...after.subarray(10 * i, 10 * i + 10)];
      const sum = row.reduce((total, value) => total + Math.exp(value - row[target]), 0);
      expect([label, answer]).toEqual([labels[i], target]);
      expect(confidence).toBeCloseTo(1 / sum, 5);
      const { classes } = readJson(folder, "model.json");
      expect([label_name, answer_name]).toEqual([classes[labels[i]], classes[target]]);
    }
    const { metrics } = readJson(folder, "record.json");
    expect(rates.map(({ model, source }) => [model, source]).slice(1)).toEqual([
      [join(folder, "clean.safetensors"), "measured"],
      ["infected", "record"],
      ["clean twin", "record"],
    ]);
    expect(rates[2]).toMatchObject({ ca: metrics.ca, asr: metrics.asr, images: null, failing: null });
    expect(rates[3]).toMatchObject({ ca: metrics.ca_clean, asr: metrics.asr_clean });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^error: \S+case: ASR \d\.\d+ \(\d+ of \d+\) is more than 0\.05 above the clean twin's recorded 0\.\d+\n$/m,
    );
  });

  it("passes weights that were repaired, with fewer failing tests", () => {
    const network = buildNetwork("resnet18w8", 10);
    const state = decodeState(readFileSync(join(folder, "model.safetensors")), "model");
    const repaired = join(root, "repaired.safetensors");
    writeFileSync(repaired, encodeState(maskNeurons(network, state, readJson(folder, "labels.json").infected)));
    const { status, stderr, rates, failing } = tests([folder, "--model", repaired]);
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/is at most 0\.05 above the clean twin's recorded/);
    const [after, before, twin] = rates;
    expect([after.model, before.model, twin.model]).toEqual([
      repaired,
      join(folder, "model.safetensors"),
      join(folder, "clean.safetensors"),
    ]);
    expect(failing).toHaveLength(after.failing as number);
    expect(after.failing).toBeLessThan((before.failing as number) / 4);
    expect(after.right).toBeGreaterThanOrEqual((before.right as number) - 2);
  });

  it("says so where a repair costs clean accuracy, and leaves the exit status to the ASR", () => {
    const file = changedWeights("constant", (state) => state.get("linear.weight")!.data.fill(0));
    const { status, stderr } = tests([folder, "--model", file]);
    expect(stderr).toMatch(
      /^warning: clean accuracy fell from \d\.\d+ to \d\.\d+: the exit status is about the ASR alone$/m,
    );
    expect([0, 1]).toContain(status);
  });

  it("prints a table for people, and the first failing tests or all", () => {
    const { stdout, status } = spawned(["test", folder]);
    expect(status).toBe(1);
    expect(stdout).toMatch(new RegExp(`^${CASE_ID}: \\S+model\\.safetensors on ${CASE_IMAGES} images \\(`));
    expect(stdout).toMatch(/model\.safetensors +measured +0\.\d{3} \(\d+ of 40\) +\d\.\d{3} \(\d+ of \d+\) +\d+\n/);
    expect(stdout).toMatch(/failing tests \(the first 10 of \d+; --long lists all\):\nindex /);
    const all = bdefects(["test", folder, "--long"]).stdout;
    expect(all).toMatch(/failing tests:\n/);
    expect(bdefects(["test", folder, "--summary"]).stdout).not.toMatch(/failing tests/);
  });

  it("takes the data set where it is named, or where it needs no files", async () => {
    const whole = tests([folder, "--data", data]);
    expect(whole.rates[0].images).toBe(60);
    expect(whole.stderr).toMatch(/^warning: other cifar10 images than the model was built with/m);
    const db = join(root, "db");
    const [{ id }] = (await sampleDatabase(db, 1)).accepted;
    bdefects(["checkout", id, join(root, "signs"), "--db", db]);
    expect(tests([join(root, "signs")]).rates[0].images).toBe(600);
  });

  it("refuses bad input in one line", () => {
    for (const [args, message] of [
      [[join(root, "missing")], /missing: there is no such folder; make one with 'bdefects checkout ID DIR'/],
      [[folder, "--model", join(folder, "README.md")], /README\.md: /],
      [[folder, "--tolerance", "2"], /--tolerance '2': give a number from 0 to 1/],
      [[folder, "--images", folder, "--data", data], /give --samples or --data, not both/],
      [[], /missing required argument 'folder'/],
    ] as const) {
      const { status, stdout, stderr } = bdefects(["test", ...args]);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^error: [^\n]+\n$/);
      expect(stderr).toMatch(message);
    }
  });
});
