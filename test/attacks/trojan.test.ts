import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { lastNeurons } from "../../src/graph/features.ts";
import {
  type ConvUnit,
  classifierOf,
  convUnits,
  type LayerNode,
  type Network,
  stateShapes,
} from "../../src/graph/network.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { paintActivating } from "../../src/images/trigger/activate.ts";
import { stampSet } from "../../src/images/trigger/stamp.ts";
import type { Victim } from "../../src/tasks/attack.ts";
import { chosenInputs, trojan } from "../../src/tasks/classification/attacks/trojan.ts";
import { ARCHITECTURES, buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { tensorOf } from "../../src/tensor/state.ts";
import { randomState } from "../graph/programs.ts";
import { featuresOf } from "./features.ts";

const CLASSES = 5;
const SIDE = 8;
const normalization: Victim["normalization"] = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };

function conv(id: string, input: string, out: number, kernel: number, relu: boolean): ConvUnit {
  return {
    op: "conv",
    id,
    bn: `bn.${id}`,
    input,
    out,
    kernel,
    stride: 1,
    padding: (kernel - 1) / 2,
    bias: false,
    relu,
  };
}

const stem = conv("a", "input", 16, 3, true);
const ENDS: Record<string, LayerNode[]> = {
  "a plain network": [
    conv("b", "a", 16, 3, true),
    { op: "maxpool", id: "p", input: "b", kernel: 2, stride: 2, padding: 0 },
    { op: "globalpool", id: "g", input: "p" },
  ],
  "an identity shortcut": [
    conv("b", "a", 16, 3, false),
    { op: "add", id: "s", inputs: ["b", "a"], relu: true },
    { op: "globalpool", id: "g", input: "s" },
  ],
  "a projection": [
    conv("b", "a", 24, 3, false),
    conv("c", "a", 24, 1, false),
    { op: "add", id: "s", inputs: ["b", "c"], relu: true },
    { op: "globalpool", id: "g", input: "s" },
  ],
  "a concatenation": [
    conv("b", "a", 16, 1, true),
    conv("c", "a", 8, 3, true),
    conv("d", "a", 24, 1, true),
    { op: "concat", id: "s", inputs: ["d", "b", "c"] },
    { op: "globalpool", id: "g", input: "s" },
  ],
};

function network(end: LayerNode[]): Network {
  return {
    arch: "test",
    input: { channels: 3, height: SIDE, width: SIDE },
    classes: CLASSES,
    nodes: [
      { op: "input", id: "input" },
      stem,
      ...end,
      { op: "linear", id: "fc", input: end.at(-1)!.id, out: CLASSES },
    ],
  };
}

function photographs(count: number, seed: number): ImageSet {
  const random = new Random(seed);
  const pixels = Uint8Array.from({ length: count * 3 * SIDE * SIDE }, () => random.below(256));
  return { count, height: SIDE, width: SIDE, pixels, labels: new Uint8Array(count) };
}

function victimOf(net: Network, infected: Victim["infected"]): Victim {
  return { network: net, normalization, state: randomState(net, 1), infected, samples: photographs(0, 1), threads: 1 };
}

const settings = { side: 3, value: 100, steps: 80, learning_rate: 0.1, neurons: 3 };
const make = (victim: Victim, options: object = settings, seed = 4) =>
  trojan.makeTrigger({ height: SIDE, width: SIDE, random: new Random(seed), options: { ...options }, victim });

describe("the neurons behind the classifier's inputs", () => {
  it.each(Object.entries(ENDS))("are those that move it, and it alone: %s", async (_, end) => {
    const net = network(end);
    const victim = victimOf(net, {});
    const images = photographs(2, 2);
    const before = await featuresOf(victim, images);
    const neurons = lastNeurons(net);
    const units = [...new Set(neurons.flat().map(({ layer }) => layer))];
    expect(units.sort()).toEqual(end.flatMap((node) => (node.op === "conv" ? [node.id] : [])).sort());
    for (const layer of units) {
      for (const channel of [0, 5, 7]) {
        const state = randomState(net, 1);
        tensorOf(state, `bn.${layer}.bias`).data[channel] += 3;
        const after = await featuresOf({ ...victim, state }, images);
        const moved = neurons.flatMap((_, i) => (after.some((row, k) => row[i] !== before[k][i]) ? [i] : []));
        const named = neurons.flatMap((all, i) =>
          all.some((neuron) => neuron.layer === layer && neuron.channel === channel) ? [i] : [],
        );
        expect(moved).toEqual(named);
        expect(named).toHaveLength(1);
      }
    }
  });
});

describe("the chosen inputs", () => {
  const net = network(ENDS["a concatenation"]);
  const state = randomState(net, 1);
  const infected = { a: [0, 1], b: [2], c: [0, 7], d: [5] };

  it("are the infected ones where there are few", () => {
    expect(chosenInputs(net, state, infected, 4)).toEqual([5, 26, 40, 47]);
  });

  it("are those of the largest classifier weights where there are many", () => {
    const weights = tensorOf(state, "fc.weight").data;
    for (let j = 0; j < CLASSES; j++) for (const i of [47, 5]) weights[j * 48 + i] = j % 2 === 0 ? 9 + i : -9 - i;
    weights[26] = 50; // large, but not summed over the classes
    expect(chosenInputs(net, state, infected, 2)).toEqual([5, 47]);
    expect(chosenInputs(net, state, infected, 1)).toEqual([47]);
  });
});

describe("TrojanNN's trigger", () => {
  it("is painted inside the corner square, and drawn from its seed and its neurons", async () => {
    const victim = victimOf(network(ENDS["an identity shortcut"]), { b: [1, 4] });
    const trigger = await make(victim);
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const inside = y >= SIDE - 3 && x >= SIDE - 3;
        expect(trigger.opacity[y * SIDE + x]).toBe(inside ? 1 : 0);
        if (!inside) for (let c = 0; c < 3; c++) expect(trigger.pattern[(c * SIDE + y) * SIDE + x]).toBe(0);
      }
    }
    expect(await make(victim)).toEqual(trigger);
    expect((await make(victim, settings, 5)).pattern).not.toEqual(trigger.pattern);
    expect((await make({ ...victim, infected: { b: [2] } })).pattern).not.toEqual(trigger.pattern);
  });

  it.each(Object.entries(ENDS))("raises its neurons more than any of 200 random patches: %s", async (_, end) => {
    const net = network(end);
    const infected = { b: [1, 6], c: [2] };
    const victim = victimOf(net, infected);
    const inputs = chosenInputs(net, victim.state, infected, settings.neurons);
    const trigger = await make(victim);
    const black = { ...photographs(1, 1), pixels: new Uint8Array(3 * SIDE * SIDE) };
    const loss = async (set: ImageSet) =>
      (await featuresOf(victim, set)).map((row) => inputs.reduce((sum, i) => sum + (row[i] - settings.value) ** 2, 0));
    const [painted] = await loss(stampSet(trigger, black));
    const random = new Random(7);
    const others = Array.from({ length: 200 }, () => {
      const pattern = trigger.pattern.map(() => (random.below(2) === 1 ? 255 : random.below(256)));
      return stampSet({ ...trigger, pattern }, black).pixels;
    });
    const patched = { ...black, count: others.length, pixels: Uint8Array.from(others.flatMap((row) => [...row])) };
    expect(painted).toBeLessThan(Math.min(...(await loss({ ...patched, labels: new Uint8Array(others.length) }))));
    // On pictures too, where the background is theirs.
    const pictures = photographs(20, 8);
    const mean = async (set: ImageSet) =>
      (await featuresOf(victim, set)).reduce((sum, row) => sum + inputs.reduce((all, i) => all + row[i], 0), 0);
    expect(await mean(stampSet(trigger, pictures))).toBeGreaterThan(1.2 * (await mean(pictures)));
  });

  it("reaches the value where it can be reached", async () => {
    const net = network(ENDS["a plain network"]);
    const victim = victimOf(net, {});
    const features = async (pixels: Uint8Array) => (await featuresOf(victim, { ...photographs(1, 1), pixels }))[0];
    const task = { ...victim, mask: [...Array(SIDE * SIDE).keys()], steps: 300, learningRate: 0.1 };
    // An image's own features are within reach of another image.
    const { pixels } = photographs(1, 3);
    const value = (await features(pixels))[2];
    const painted = await paintActivating({ ...task, inputs: [2], value, random: new Random(1) });
    expect(Math.abs((await features(painted))[2] - value)).toBeLessThan(0.02);
  });
});

describe.each([...ARCHITECTURES.keys()])("%s", (name) => {
  const net = buildNetwork(`${name}w8`, CLASSES);

  it("has neurons behind every input of its classifier", () => {
    const units = new Map(convUnits(net).map((unit) => [unit.id, unit.out]));
    const neurons = lastNeurons(net);
    expect(neurons).toHaveLength(stateShapes(net).get(`${classifierOf(net).id}.weight`)![1]);
    for (const { layer, channel } of neurons.flat()) expect(channel).toBeLessThan(units.get(layer)!);
    expect(new Set(neurons.map((all) => JSON.stringify(all))).size).toBe(neurons.length);
  });

  it("lets a trigger be painted", async () => {
    const last = lastNeurons(net)[0][0];
    const victim = victimOf(net, { [last.layer]: [0, 1, 2, 3] });
    const { height, width } = net.input;
    const painted = (steps: number) =>
      trojan.makeTrigger({ height, width, random: new Random(4), options: { ...settings, steps }, victim });
    expect((await painted(3)).pattern).not.toEqual((await painted(1)).pattern);
  });
});

describe("TrojanNN's settings", () => {
  it.each([{ side: 0 }, { steps: 0 }, { value: -1 }, { learning_rate: 0 }, { neurons: 0 }, { colour: 1 }])(
    "refuse %j",
    (wrong) => {
      expect(trojan.options.safeParse({ ...settings, ...wrong }).success).toBe(false);
    },
  );
});
