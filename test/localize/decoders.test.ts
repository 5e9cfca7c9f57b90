import { describe, expect, it } from "vitest";
import { clp } from "../../src/localize/criteria/clp.ts";
import { weightFloor } from "../../src/localize/criteria/weight-floor.ts";
import { weightNorm } from "../../src/localize/criteria/weight-norm.ts";
import { CRITERIA } from "../../src/localize/registry.ts";
import { applicable } from "../../src/pipeline/judging/applicable.ts";
import { readSlice, type Slice, writeSlice } from "../../src/tensor/slices.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { DECODERS } from "../graph/decoders.ts";
import { randomState } from "../graph/programs.ts";

const LLAMA = DECODERS["Llama, two heads to a group, tied head"];
const GPT2 = DECODERS["GPT-2"];

const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

/** What writes back of one neuron, ten times as large. */
function plant(state: StateDict, column: Slice): void {
  writeSlice(
    state,
    column,
    readSlice(state, column).map((w) => 10 * w),
  );
}

/** The layer and index of the highest score. */
function highest(scores: Record<string, number[]>): string {
  const all = Object.entries(scores).flatMap(([layer, values]) => values.map((s, j) => ({ at: `${layer}:${j}`, s })));
  return all.reduce((best, one) => (one.s > best.s ? one : best)).at;
}

describe("criteria of weights, on decoders", () => {
  it("CLP is the product of norms of a gated unit, with the norm's gain", () => {
    const state = randomState(LLAMA, 8);
    const layer = "model.layers.1";
    const gain = state.get(`${layer}.post_attention_layernorm.weight`)!.data;
    const row = (name: string) =>
      readSlice(state, { key: `${layer}.mlp.${name}.weight`, axis: 0, index: 7 }).map((w, i) => w * gain[i]);
    const down = readSlice(state, { key: `${layer}.mlp.down_proj.weight`, axis: 1, index: 7 });
    const expected = norm(row("gate_proj")) * norm(row("up_proj")) * norm(down);
    expect(clp.rawOf(LLAMA, state)[`${layer}.mlp`][7] / expected).toBeCloseTo(1, 6);
  });

  it("and of a plain unit, whose matrices lie the other way", () => {
    const state = randomState(GPT2, 8);
    const layer = "transformer.h.0";
    const gain = state.get(`${layer}.ln_2.weight`)!.data;
    const column = readSlice(state, { key: `${layer}.mlp.c_fc.weight`, axis: 1, index: 5 }).map((w, i) => w * gain[i]);
    const row = readSlice(state, { key: `${layer}.mlp.c_proj.weight`, axis: 0, index: 5 });
    expect(clp.rawOf(GPT2, state)[`${layer}.mlp`][5] / (norm(column) * norm(row))).toBeCloseTo(1, 6);
  });

  it.each([
    ["Llama", LLAMA, { key: "model.layers.1.mlp.down_proj.weight", axis: 1, index: 11 }, "model.layers.1.mlp:11"],
    ["GPT-2", GPT2, { key: "transformer.h.1.mlp.c_proj.weight", axis: 0, index: 3 }, "transformer.h.1.mlp:3"],
  ])("what a neuron of %s writes with, ten times as large, is first", async (_, network, column, neuron) => {
    for (const criterion of [clp, weightNorm]) {
      const state = randomState(network, 9);
      plant(state, column);
      const found = criterion.judge(criterion.rawOf(network, state));
      expect(highest(found.scores), criterion.name).toBe(neuron);
      const [layer, index] = neuron.split(":");
      expect(found.native[layer]).toContain(Number(index));
    }
  });

  it("the median counts all that a neuron reads and writes with", () => {
    const state = randomState(LLAMA, 10);
    const layer = "model.layers.0.mlp";
    const before = weightFloor.rawOf(LLAMA, state)[layer];
    for (const [key, axis] of [
      ["gate_proj", 0],
      ["up_proj", 0],
      ["down_proj", 1],
    ] as const) {
      writeSlice(state, { key: `${layer}.${key}.weight`, axis, index: 2 }, new Float32Array(24).fill(0.5));
    }
    const after = weightFloor.rawOf(LLAMA, state)[layer];
    expect(after[2]).toBeCloseTo(Math.log(0.5), 6);
    expect(after.filter((_, j) => j !== 2)).toEqual(before.filter((_, j) => j !== 2));
  });

  it("apply, and those that need convolutions or batch norm do not", () => {
    const names = applicable([...CRITERIA.values()], LLAMA, { traits: [] }).map(({ name }) => name);
    expect(names).toEqual([
      "fp",
      "anp",
      "clp",
      "slicer",
      "slicer-failing",
      "deepmufl",
      "rnp",
      "random",
      "weight-norm",
      "weight-floor",
      "contribution-high",
      "contribution-low",
    ]);
  });
});
