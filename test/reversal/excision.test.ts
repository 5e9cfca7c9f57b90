import { describe, expect, it } from "vitest";
import { indexNeurons, layerScores, neuronsAt, suspicionOrder } from "../../src/core/neuron-index.ts";
import { countNeurons, type LayerScores } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { asImages } from "../../src/images/image-set.ts";
import { exciseUntilDead } from "../../src/reversal/excision.ts";
import type { WeighedPatch } from "../../src/reversal/reverse.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { fakeRunner, images, layers, network, randomState, suspectOf } from "../localize/suspects.ts";

const index = indexNeurons(layers);
const TARGET = 3;
const patch: WeighedPatch = {
  ...{ evidence: 1, attribution: {} },
  ...{ target: TARGET, height: 1, width: 1, norm: 1, success: 1 },
  ...{ opacity: Float32Array.of(1), pattern: Uint8Array.of(255, 255, 255) },
};

/** Distinct scores of all neurons. */
function ranking(seed: number): { scores: LayerScores; order: Int32Array } {
  const random = new Random(seed);
  const flat = Float64Array.from({ length: index.size }, () => random.uniform());
  return { scores: layerScores(index, flat), order: suspicionOrder(flat) };
}

const setOf = (places: Iterable<number>) => {
  const flags = new Uint8Array(index.size);
  for (const at of places) flags[at] = 1;
  return neuronsAt(index, flags);
};
const first = (order: Int32Array, count: number) => setOf(order.subarray(0, count));

function countMasked(state: StateDict): number {
  let count = 0;
  for (const node of network.nodes) {
    if (node.op !== "conv") continue;
    const [gamma, beta] = [state.get(`${node.bn}.weight`)!.data, state.get(`${node.bn}.bias`)!.data];
    for (let c = 0; c < node.out; c++) if (gamma[c] === 0 && beta[c] === 0) count++;
  }
  return count;
}

/** A suspect whose accuracy and whose patch's success depend on how many neurons are cut. */
function suspectWith(quality: (cut: number) => number, success: (cut: number) => number) {
  const suspect = suspectOf(randomState(4));
  suspect.clean = { fit: { ...images(200), labels: new Uint8Array(200) }, threshold: images(100) };
  const looked: number[] = [];
  suspect.runner = fakeRunner({
    quality: async (state, set) => {
      expect(set.count).toBe(100);
      looked.push(countMasked(state));
      return quality(countMasked(state));
    },
    outputs: async (state, set) => {
      expect([set.count, asImages(set).pixels.every((pixel) => pixel === 255)]).toEqual([120, true]);
      const logits = new Float32Array(10 * set.count);
      const hits = Math.round(success(countMasked(state)) * set.count);
      for (let i = 0; i < set.count; i++) logits[10 * i + (i < hits ? TARGET : 0)] = 1;
      return logits;
    },
  });
  return { suspect, looked };
}

describe("cutting until the patch is dead", () => {
  const { scores, order } = ranking(7);

  it("stops where the patch dies, and cuts half as many more for the margin", async () => {
    const { suspect, looked } = suspectWith(
      () => 0.9,
      (cut) => (cut < 4 ? 1 : 0.02),
    );
    const { neurons, note } = await exciseUntilDead(suspect, scores, patch);
    expect(neurons).toEqual(first(order, 6));
    expect(looked).toEqual([0, 1, 2, 3, 4, 6]);
    expect(note).toBe("cut 6: the patch towards class 3 works on 2 % of images, 100 % before");
  });

  it("passes over a neuron that costs too much, and takes the margin only where it costs little", async () => {
    // The third look costs too much: the third neuron stays, and the fourth takes its place.
    let looks = 0;
    const { suspect } = suspectWith(
      () => (++looks === 4 ? 0.8 : 0.9),
      (cut) => (cut < 4 ? 1 : 0),
    );
    const { neurons } = await exciseUntilDead(suspect, scores, patch);
    expect(neurons).toEqual(setOf([0, 1, 3, 4, 5, 6].map((place) => order[place])));
    const dear = suspectWith(
      (cut) => (cut > 6 ? 0.888 : 0.9),
      (cut) => (cut < 5 ? 1 : 0),
    );
    expect((await exciseUntilDead(dear.suspect, scores, patch)).neurons).toEqual(first(order, 6));
  });

  it("says when it found nothing to cut", async () => {
    const costly = suspectWith(
      (cut) => (cut > 0 ? 0.5 : 0.9),
      () => 1,
    );
    const { neurons, note } = await exciseUntilDead(costly.suspect, scores, patch);
    expect([countNeurons(neurons), note]).toEqual([
      0,
      "nothing cut: every neuron costs more than 2 % of clean accuracy",
    ]);
    const flat = Object.fromEntries(layers.map(({ name, width }) => [name, new Array<number>(width).fill(1)]));
    const found = await exciseUntilDead(costly.suspect, flat, patch);
    expect(found).toEqual({ neurons: {}, note: "nothing cut: all neurons are as suspicious" });
    const faint = await exciseUntilDead(costly.suspect, scores, { ...patch, evidence: 0.12 });
    expect(faint).toEqual({ neurons: {}, note: "nothing cut: no patch stands out (evidence 0.12)" });
  });

  it("leaves every layer a neuron", async () => {
    // The first layer's four come first.
    const led = { ...scores, conv1: [5, 8, 7, 6] };
    const { suspect } = suspectWith(
      () => 0.9,
      (cut) => (cut < 3 ? 1 : 0),
    );
    const { neurons } = await exciseUntilDead(suspect, led, patch);
    expect(neurons.conv1).toEqual([1, 2, 3]);
    expect(countNeurons(neurons)).toBe(5);
  });
});
