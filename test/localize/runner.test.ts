import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { convUnits } from "../../src/graph/network.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { fp } from "../../src/localize/criteria/fp.ts";
import { CRITERIA } from "../../src/localize/registry.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { createRunner, type OrtRunner } from "../../src/measure/ort-runner.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { longIt } from "../setup/long.ts";
import { type ImageSuspect, localizeWith, network, randomState, suspectOf } from "./suspects.ts";

const DEAD = { conv1: [2], "layer2.0.conv2": [0, 7], "layer3.0.shortcut.0": [4] };

function noise(count: number, seed: number): ImageSet {
  const random = new Random(seed);
  const pixels = Uint8Array.from({ length: count * 3 * 32 * 32 }, () => random.below(256));
  const labels = Uint8Array.from({ length: count }, () => random.below(10));
  return { count, height: 32, width: 32, pixels, labels };
}

/** A network of random weights, scaled so that activations neither die nor explode, on noise. */
describe("criteria on the real runner", () => {
  let runner: OrtRunner;
  let suspect: ImageSuspect;

  beforeAll(async () => {
    const state = randomState(11);
    for (const unit of convUnits(network)) {
      const { data } = state.get(`${unit.id}.weight`)!;
      const scale = Math.sqrt((2 * unit.out) / data.length);
      for (let i = 0; i < data.length; i++) data[i] *= scale;
    }
    suspect = suspectOf(maskNeurons(network, state, DEAD));
    suspect.clean = { fit: noise(20, 1), threshold: noise(20, 2) };
    suspect.budget = "demo";
    runner = await createRunner(classification, network, suspect.normalization, { threads: 1 });
    suspect.runner = runner;
    // The network is right about its own answers, so that pruning costs accuracy.
    const { threshold } = suspect.clean;
    const logits = await runner.outputs(suspect.state, threshold);
    for (let i = 0; i < threshold.count; i++) {
      const row = Array.from(logits.subarray(10 * i, 10 * i + 10));
      threshold.labels[i] = row.indexOf(Math.max(...row));
    }
  });

  afterAll(() => runner.release());

  it("masked neurons put out exactly 0, and no others do", async () => {
    const taps = await runner.taps(suspect.state, suspect.clean.fit, "mean-abs");
    for (const { id, out } of convUnits(network)) {
      const values = taps.get(id)!;
      const silent = Array.from({ length: out }, (_, c) => c).filter((c) =>
        values.every((v, i) => i % out !== c || v === 0),
      );
      const dead = (DEAD as Record<string, number[]>)[id] ?? [];
      for (const c of dead) expect(silent).toContain(c);
      if (!id.endsWith("conv1")) expect(silent).toEqual(dead);
    }
  });

  it("FP ranks dead neurons at the top of their layers", async () => {
    const { scores, raw } = await fp.localize(suspect);
    for (const [layer, channels] of Object.entries(DEAD)) {
      for (const c of channels) expect([raw[layer][c], scores[layer][c]]).toEqual([0, 1]);
    }
  });

  /** Noise that is labelled as the network does not answer it. */
  async function wrong(): Promise<ImageSet> {
    const set = noise(10, 3);
    const logits = await runner.outputs(suspect.state, set);
    for (let i = 0; i < set.count; i++) {
      const row = Array.from(logits.subarray(10 * i, 10 * i + 10));
      set.labels[i] = (row.indexOf(Math.max(...row)) + 1) % 10;
    }
    return set;
  }

  /** Those that train something, or a great many mutants. */
  const slow = new Set(["nc", "anp", "rnp", "attribution", "deepmufl", "learned"]);
  for (const criterion of CRITERIA.values()) {
    const test = slow.has(criterion.name) ? longIt : it;
    test(`${criterion.name} gives finite numbers for every neuron, and the same again`, async () => {
      const failing = await wrong();
      const found = await localizeWith(criterion, suspect, failing);
      for (const { id, out } of convUnits(network)) {
        expect(found.scores[id].length).toBe(out);
        expect([...found.raw[id], ...found.scores[id]].every(Number.isFinite)).toBe(true);
      }
      expect(await localizeWith(criterion, suspect, failing)).toEqual(found);
    });
  }
});
