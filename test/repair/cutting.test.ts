import { describe, expect, it } from "vitest";
import { type LayerScores, listNeurons, type NeuronSet, parseNeurons } from "../../src/core/neurons.ts";
import { asImages } from "../../src/images/image-set.ts";
import { cutUntilDead } from "../../src/repair/cutting.ts";
import type { ReversedPatch } from "../../src/reversal/targeted.ts";
import {
  fakeRunner,
  type ImageSuspect,
  images,
  layers,
  network,
  randomState,
  ranking,
  suspectOf,
} from "../localize/suspects.ts";

const TARGET = 3;
const patch: ReversedPatch = {
  ...{ target: TARGET, height: 1, width: 1, norm: 1, success: 1 },
  ...{ opacity: Float32Array.of(1), pattern: Uint8Array.of(255, 255, 255) },
};

/** What a neuron adds to the patch's pull, and what the clean logit loses without it. */
interface Part {
  pull?: number;
  cost?: number;
}

const CLEAN_LOGIT = 2;
const THRESHOLD = 1;

/** A model of which a few neurons alone do anything; the pull of all is what is left of it less 1. */
function suspectOfParts(parts: Record<string, Part>) {
  const suspect = suspectOf(randomState(4));
  suspect.clean = { fit: { ...images(200), labels: new Uint8Array(200) }, threshold: images(100) };
  const places = Object.keys(parts).map((name) => ({ name, at: Object.entries(parseNeurons([name]))[0] }));
  let looks = 0;
  suspect.runner = fakeRunner({
    outputs: async (state, set) => {
      const isCut = (layer: string, c: number) => {
        const node = network.nodes.find((one) => one.id === layer)!;
        return "bn" in node && state.get(`${node.bn}.weight`)!.data[c] === 0;
      };
      const isStamped = asImages(set).pixels.every((pixel) => pixel === 255);
      expect(set.count).toBe(isStamped ? 128 : 100);
      if (isStamped) looks++;
      const logits = new Float32Array(10 * set.count);
      let [pull, clean] = [-THRESHOLD, CLEAN_LOGIT];
      for (const { name, at } of places) {
        const [layer, [c]] = at;
        if (isCut(layer, c)) clean -= parts[name].cost ?? 0;
        else pull += parts[name].pull ?? 0;
      }
      for (let i = 0; i < set.count; i++) logits[10 * i + (isStamped ? TARGET : 0)] = isStamped ? pull : clean;
      return logits;
    },
  });
  return { suspect, looks: () => looks };
}

const [, narrow] = layers;
const [second, third] = layers.slice(-3);
const named = (layer: { name: string }, ...channels: number[]) => channels.map((c) => `${layer.name}:${c}`);

const cut = (suspect: ImageSuspect, scores: LayerScores, among = 32, already: NeuronSet = {}) =>
  cutUntilDead(suspect, scores, patch, among, already);

describe("cutting neurons until a patch is dead", () => {
  it("takes what frees it for little before what carries more and is needed", async () => {
    const [dear, ...cheap] = named(second, 0, 1, 2);
    const { suspect } = suspectOfParts({
      [dear]: { pull: 6, cost: 1 },
      ...Object.fromEntries(cheap.map((name) => [name, { pull: 4 }])),
    });
    const { neurons, before, success } = await cut(suspect, ranking([dear, ...cheap]));
    // Both cheap ones first; then the dear one is all that is left.
    expect([listNeurons(neurons), before, success]).toEqual([[dear, ...cheap], 1, 0]);
    const light = suspectOfParts({ [dear]: { pull: 0.5, cost: 1 }, [cheap[0]]: { pull: 4 }, [cheap[1]]: { pull: 4 } });
    expect(listNeurons((await cut(light.suspect, ranking([dear, ...cheap]))).neurons)).toEqual(cheap);
  });

  it("goes on from what is cut already, and leaves a dead patch alone", async () => {
    const carriers = named(second, 0, 1, 2, 3);
    const { suspect } = suspectOfParts(Object.fromEntries(carriers.map((name) => [name, { pull: 3 }])));
    const already = parseNeurons(carriers.slice(1));
    const { neurons, before, success } = await cut(suspect, ranking(carriers), 32, already);
    expect([listNeurons(neurons), before, success]).toEqual([carriers, 1, 0]);
    const dead = await cut(suspect, ranking(carriers), 32, parseNeurons(carriers));
    expect([listNeurons(dead.neurons), dead.before, dead.success]).toEqual([carriers, 1, 0]);
  });

  it("cuts nothing that costs too much accuracy, and nothing that takes nothing", async () => {
    const [needed, idle] = named(second, 0, 1);
    const { suspect } = suspectOfParts({ [needed]: { pull: 9, cost: 3 }, [idle]: {} });
    const { neurons, success } = await cut(suspect, ranking([needed, idle]));
    expect([neurons, success]).toEqual([{}, 1]);
  });

  it("tries the most suspicious alone, and no more than it may", async () => {
    const [first, last] = named(third, 0, 1);
    const parts = { [first]: { pull: 2 }, [last]: { pull: 9 } };
    const { suspect, looks } = suspectOfParts(parts);
    expect(listNeurons((await cut(suspect, ranking([first, last]), 1)).neurons)).toEqual([first]);
    // The whole model, the one candidate, and the model without it.
    expect(looks()).toBe(3);
    const farthest = `${layers.at(-1)!.name}:30`;
    const far = suspectOfParts({ [farthest]: { pull: 9 } });
    const others = layers.slice(0, 8).flatMap((layer) => named(layer, ...Array(layer.width).keys()));
    expect(others.length).toBeGreaterThan(32);
    expect((await cut(far.suspect, ranking(others))).neurons).toEqual({});
    // Named neurons are all tried, however many they are.
    const all = await cut(far.suspect, ranking([...others, farthest]), others.length + 1);
    expect(listNeurons(all.neurons)).toEqual([farthest]);
  });

  it("leaves every layer a neuron", async () => {
    const all = named(narrow, ...Array(narrow.width).keys());
    const { suspect } = suspectOfParts(Object.fromEntries(all.map((name) => [name, { pull: 3 }])));
    const { neurons } = await cut(suspect, ranking(all));
    expect(neurons[narrow.name]).toHaveLength(narrow.width - 1);
  });
});
