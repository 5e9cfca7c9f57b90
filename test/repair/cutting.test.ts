import { describe, expect, it } from "vitest";
import { listNeurons, parseNeurons } from "../../src/core/neurons.ts";
import { asImages } from "../../src/images/image-set.ts";
import { cutUntilDead } from "../../src/repair/cutting.ts";
import type { ReversedPatch } from "../../src/reversal/targeted.ts";
import { fakeRunner, images, layers, network, randomState, suspectOf } from "../localize/suspects.ts";

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

/** The named neurons are the most suspicious, in this order. */
function ranking(names: readonly string[]) {
  return Object.fromEntries(
    layers.map(({ name, width }) => [
      name,
      Array.from({ length: width }, (_, c) => names.length - (names.indexOf(`${name}:${c}`) + 1 || names.length + 1)),
    ]),
  );
}

const [, narrow] = layers;
const [second, third] = layers.slice(-3);
const named = (layer: { name: string }, ...channels: number[]) => channels.map((c) => `${layer.name}:${c}`);

describe("cutting neurons until a patch is dead", () => {
  it("takes what frees it for little before what carries more and is needed", async () => {
    const [dear, ...cheap] = named(second, 0, 1, 2);
    const { suspect } = suspectOfParts({
      [dear]: { pull: 6, cost: 1 },
      ...Object.fromEntries(cheap.map((name) => [name, { pull: 4 }])),
    });
    const { neurons, count, before, success } = await cutUntilDead(suspect, ranking([dear, ...cheap]), patch);
    // Both cheap ones first; then the dear one is all that is left.
    expect([listNeurons(neurons), count, before, success]).toEqual([[dear, ...cheap], 3, 1, 0]);
    const light = suspectOfParts({ [dear]: { pull: 0.5, cost: 1 }, [cheap[0]]: { pull: 4 }, [cheap[1]]: { pull: 4 } });
    expect(listNeurons((await cutUntilDead(light.suspect, ranking([dear, ...cheap]), patch)).neurons)).toEqual(cheap);
  });

  it("goes on for as many again once the patch is dead, while that costs nothing", async () => {
    const carriers = named(second, 0, 1, 2, 3);
    const more = named(third, 0, 1, 2, 3);
    const parts = Object.fromEntries(carriers.map((name) => [name, { pull: 3 }]));
    const with_ = (part: Part) => ({ ...parts, ...Object.fromEntries(more.map((name) => [name, part])) });
    // The patch leads by what all add up to, less 1: it is dead without the four.
    const free = suspectOfParts(with_({ pull: 0.2 }));
    expect((await cutUntilDead(free.suspect, ranking([...carriers, ...more]), patch)).count).toBe(8);
    const costly = suspectOfParts(with_({ pull: 0.2, cost: 0.05 }));
    const { neurons } = await cutUntilDead(costly.suspect, ranking([...carriers, ...more]), patch);
    expect(listNeurons(neurons)).toEqual(carriers);
  });

  it("cuts nothing that costs too much accuracy, and nothing that takes nothing", async () => {
    const [needed, idle] = named(second, 0, 1);
    const { suspect } = suspectOfParts({ [needed]: { pull: 9, cost: 3 }, [idle]: {} });
    const { count, success } = await cutUntilDead(suspect, ranking([needed, idle]), patch);
    expect([count, success]).toEqual([0, 1]);
  });

  it("tries the most suspicious alone, and no more than it may", async () => {
    const [first, last] = named(third, 0, 1);
    const parts = { [first]: { pull: 2 }, [last]: { pull: 9 } };
    const { suspect, looks } = suspectOfParts(parts);
    expect(listNeurons((await cutUntilDead(suspect, ranking([first, last]), patch, 1)).neurons)).toEqual([first]);
    // The whole model, the one candidate, and the model without it.
    expect(looks()).toBe(3);
    const farthest = `${layers.at(-1)!.name}:30`;
    const far = suspectOfParts({ [farthest]: { pull: 9 } });
    const others = layers.slice(0, 8).flatMap((layer) => named(layer, ...Array(layer.width).keys()));
    expect(others.length).toBeGreaterThan(32);
    expect((await cutUntilDead(far.suspect, ranking(others), patch)).count).toBe(0);
    // Named neurons are all tried, however many they are.
    const all = await cutUntilDead(far.suspect, ranking([...others, farthest]), patch, others.length + 1);
    expect(listNeurons(all.neurons)).toEqual([farthest]);
  });

  it("leaves every layer a neuron", async () => {
    const all = named(narrow, ...Array(narrow.width).keys());
    const { suspect } = suspectOfParts(Object.fromEntries(all.map((name) => [name, { pull: 3 }])));
    const { count, neurons } = await cutUntilDead(suspect, ranking(all), patch);
    expect(count).toBe(narrow.width - 1);
    expect(neurons[narrow.name]).toHaveLength(narrow.width - 1);
  });
});
