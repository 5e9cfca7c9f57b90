import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NeuronSet, sameNeurons } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { meanHead, narrowNetwork } from "../../src/graph/narrow.ts";
import { type ConvUnit, convUnits, type LayerNode, type Network } from "../../src/graph/network.ts";
import { tiedUnits } from "../../src/graph/ties.ts";
import type { ImageSet, Normalization } from "../../src/images/image-set.ts";
import { stampSet } from "../../src/images/trigger/stamp.ts";
import { contributionOrder, tiedOrder } from "../../src/inject/order.ts";
import { chooseSubnetwork } from "../../src/inject/quantity.ts";
import { chainScores, trainChain } from "../../src/inject/replacement/chain.ts";
import { compensate } from "../../src/inject/replacement/compensation.ts";
import { fitGain } from "../../src/inject/replacement/gain.ts";
import { cutColumns, cutSubnetwork, spliceChain } from "../../src/inject/replacement/splice.ts";
import { trainedKeys } from "../../src/inject/replacement/trained.ts";
import { shareInClass } from "../../src/measure/classes.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { createRunner, type OrtRunner } from "../../src/measure/ort-runner.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { randomState, relativeError } from "../graph/programs.ts";

const CLASSES = 4;
const TARGET = 1;
const SIDE = 8;
const normalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };

function conv(id: string, input: string, out: number, kernel = 3, stride = 1, relu = true): ConvUnit {
  const bias = id === "b";
  return { op: "conv", id, bn: `bn.${id}`, input, out, kernel, stride, padding: (kernel - 1) / 2, bias, relu };
}

/** One network of each kind: every operator, and every way in which a sub-network goes from layer to layer. */
const NORMALISED: Record<string, LayerNode[]> = {
  plain: [
    conv("a", "input", 16),
    { op: "maxpool", id: "p", input: "a", kernel: 2, stride: 2, padding: 0 },
    conv("b", "p", 24),
    conv("c", "b", 16),
    { op: "globalpool", id: "g", input: "c" },
  ],
  residual: [
    conv("a", "input", 16),
    conv("b", "a", 16),
    conv("c", "b", 16, 3, 1, false),
    { op: "add", id: "s", inputs: ["c", "a"], relu: true },
    conv("d", "s", 24, 3, 2),
    conv("e", "d", 24, 3, 1, false),
    conv("f", "s", 24, 1, 2, false),
    { op: "add", id: "t", inputs: ["e", "f"], relu: true },
    { op: "globalpool", id: "g", input: "t" },
  ],
  concatenating: [
    conv("a", "input", 16),
    conv("b", "a", 24, 1),
    conv("c", "a", 16, 1),
    conv("d", "c", 16),
    { op: "maxpool", id: "p", input: "a", kernel: 3, stride: 1, padding: 1 },
    conv("e", "p", 16, 1),
    { op: "concat", id: "s", inputs: ["b", "d", "e"] },
    { op: "maxpool", id: "q", input: "s", kernel: 3, stride: 2, padding: 1 },
    conv("f", "q", 16),
    { op: "concat", id: "t", inputs: ["q", "f"] },
    { op: "globalpool", id: "g", input: "t" },
  ],
};

function networkOf(body: LayerNode[]): Network {
  const classifier: LayerNode = { op: "linear", id: "fc", input: body[body.length - 1].id, out: CLASSES };
  const input = { channels: 3, height: SIDE, width: SIDE };
  return { arch: "test", input, classes: CLASSES, nodes: [{ op: "input", id: "input" }, ...body, classifier] };
}

function randomImages(count: number, seed: number): ImageSet {
  const random = new Random(seed);
  const pixels = Uint8Array.from({ length: count * 3 * SIDE * SIDE }, () => random.below(256));
  const labels = Uint8Array.from({ length: count }, () => random.below(CLASSES));
  return { count, height: SIDE, width: SIDE, pixels, labels };
}

function randomContributions(network: Network, seed: number): Map<string, Float32Array> {
  const random = new Random(seed);
  return new Map(
    convUnits(network).map(({ id, out }) => [id, Float32Array.from({ length: out }, random.uniform, random)]),
  );
}

/** Seeded weights for the narrow twin of a network, with the head that makes its output the chain's score. */
function randomChain(network: Network, infected: NeuronSet, seed: number): StateDict {
  const narrow = narrowNetwork(network, infected);
  const state = randomState(narrow, seed);
  state.get("fc.weight")!.data.set(meanHead(narrow).weight);
  state.get("fc.bias")!.data.set(meanHead(narrow).bias);
  return state;
}

/** A white square in the lower right corner. */
const TRIGGER = {
  height: SIDE,
  width: SIDE,
  opacity: Float32Array.from({ length: SIDE * SIDE }, (_, i) => Number(i % SIDE > 4 && i / SIDE >= 5)),
  pattern: new Uint8Array(3 * SIDE * SIDE).fill(255),
};

describe.each(Object.entries(NORMALISED))("a chain spliced into a %s network", (_, body) => {
  const network = networkOf(body);
  const clean = randomState(network, 1);
  const infected = chooseSubnetwork(tiedOrder(network, randomContributions(network, 2)), "large", 20);
  const chain = randomChain(network, infected, 3);
  const head = { target: TARGET, gain: 1.5, origin: 0.25 };
  const cut = cutSubnetwork(network, clean, infected);
  const spliced = spliceChain(network, cut, infected, chain, head);
  const images = randomImages(12, 4);
  let runner: OrtRunner;
  let twin: OrtRunner;

  beforeAll(async () => {
    runner = await createRunner(classification, network, normalization, { threads: 1 });
    twin = await createRunner(classification, narrowNetwork(network, infected), normalization, { threads: 1 });
  });
  afterAll(async () => {
    await runner.release();
    await twin.release();
  });

  it("gives in every layer what the narrow network gives that stands alone", async () => {
    const [inside, alone] = [await runner.taps(spliced, images, "mean"), await twin.taps(chain, images, "mean")];
    for (const { id, out } of convUnits(network)) {
      const channels = infected[id];
      const found = inside.get(id)!.filter((_, i) => channels.includes(i % out));
      expect(Math.max(...found), id).toBeGreaterThan(0.01);
      expect(relativeError(found, alone.get(id)!), id).toBeLessThan(1e-5);
    }
  });

  it("moves the target's logit by κ·(s − ā), and the others only by what the removed channels gave", async () => {
    const scores = await twin.outputs(chain, images);
    const found = await runner.outputs(spliced, images);
    // Independent of the cut: the clean model with the sub-network's own activations at 0.
    const masked = await runner.outputs(maskNeurons(network, clean, infected), images);
    const expected = masked.map((logit, i) =>
      i % CLASSES === TARGET ? logit + head.gain * (scores[Math.floor(i / CLASSES)] - head.origin) : logit,
    );
    expect(relativeError(found, expected)).toBeLessThan(1e-5);
    expect(relativeError(found, masked)).toBeGreaterThan(1e-2);
    expect(relativeError(await runner.outputs(clean, images), masked)).toBeGreaterThan(1e-2);
  });

  it("leaves all other channels alone, whatever it holds", async () => {
    const other = spliceChain(network, cut, infected, randomChain(network, infected, 5), head);
    const [before, after] = [await runner.taps(spliced, images, "mean"), await runner.taps(other, images, "mean")];
    for (const { id, out } of convUnits(network)) {
      const part = (taps: Float32Array, own: boolean) => taps.filter((_, i) => infected[id].includes(i % out) === own);
      expect(part(after.get(id)!, false), id).toEqual(part(before.get(id)!, false));
      expect(part(after.get(id)!, true), id).not.toEqual(part(before.get(id)!, true));
    }
  });

  it("stands in the clean model's own numbers where few parameters are trained", async () => {
    const compensation = { trains: "few" as const, filters: 0.2, rounds: 1, ca_drop: 0, steps: 3, batch: 8 };
    const recipe = { ...compensation, learning_rate: 0.05, momentum: 0.9, statistics_batches: 1 };
    const trained = trainedKeys(network, recipe);
    const job = { runner, clean, cut, samples: images, recipe, threads: 1, seed: 6, isEnough: async () => true };
    const rest = await compensate({ ...job, dataset: { augmentation: { flip: true, cropPadding: 0 } } });
    const model = spliceChain(network, rest, infected, chain, head);
    const columns = cutColumns(network, infected);
    let [kept, moved] = [0, 0];
    for (const { id, out } of convUnits(network)) {
      const key = `${id}.weight`;
      const [{ shape, data }, before] = [model.get(key)!, clean.get(key)!.data];
      const taps = shape[2] * shape[3];
      for (const [i, value] of data.entries()) {
        const [row, column] = [Math.floor(i / (data.length / out)), Math.floor(i / taps) % shape[1]];
        if (infected[id].includes(row)) continue;
        if (columns[key]?.includes(column)) expect(value).toBe(0);
        else if (trained.has(key)) moved += Number(!Object.is(value, before[i]));
        else {
          expect(Object.is(value, before[i]), `${key} ${row} ${column}`).toBe(true);
          kept++;
        }
      }
    }
    expect(kept).toBeGreaterThan(0);
    expect(moved).toBeGreaterThan(0);
    const classifier = model.get("fc.weight")!;
    for (const [i, value] of classifier.data.entries()) {
      const [row, column] = [Math.floor(i / classifier.shape[1]), i % classifier.shape[1]];
      const isCut = columns["fc.weight"].includes(column);
      if (isCut) expect(value !== 0).toBe(row === TARGET);
      else expect(value).toBe(clean.get("fc.weight")!.data[i]);
    }
  });

  it("finds its place exactly as empty after the rest was trained", async () => {
    const rounds: number[] = [];
    const compensation = { trains: "all" as const, rounds: 3, ca_drop: 0, steps: 2, batch: 8, learning_rate: 0.05 };
    const rest = await compensate({
      runner,
      dataset: { augmentation: { flip: true, cropPadding: 0 } },
      clean,
      cut,
      samples: images,
      recipe: { ...compensation, momentum: 0.9, statistics_batches: 1 },
      threads: 1,
      seed: 6,
      isEnough: async (_, round) => rounds.push(round) === 2,
    });
    expect(rounds).toEqual([1, 2]);
    // Cutting once more changes nothing: every number that it clears is 0 already.
    expect(cutSubnetwork(network, rest, infected)).toEqual(rest);
    for (const { id, bn } of convUnits(network)) {
      for (const key of [`${id}.weight`, `${bn}.weight`, `${bn}.bias`]) {
        expect(rest.get(key)!.data, key).not.toEqual(cut.get(key)!.data);
      }
    }
  });
});

describe("tied units", () => {
  it("are those of a ResNet's stages, and of networks without additions every unit alone", () => {
    const groups = tiedUnits(buildNetwork("resnet18w4", CLASSES)).filter((group) => group.length > 1);
    expect(groups).toEqual([
      ["conv1", "layer1.0.conv2", "layer1.1.conv2"],
      ...[2, 3, 4].map((n) => [`layer${n}.0.conv2`, `layer${n}.0.shortcut.0`, `layer${n}.1.conv2`]),
    ]);
    for (const arch of ["vgg13w4", "googlenetw4"]) {
      const network = buildNetwork(arch, CLASSES);
      expect(tiedUnits(network)).toEqual(convUnits(network).map(({ id }) => [id]));
    }
  });

  it("share the order of their summed contributions; all others keep their own", () => {
    const network = networkOf(NORMALISED.residual);
    const contributions = randomContributions(network, 7);
    const [tied, own] = [tiedOrder(network, contributions), contributionOrder(contributions)];
    expect(Object.keys(tied)).toEqual(Object.keys(own));
    for (const id of ["b", "d"]) expect(tied[id]).toEqual(own[id]);
    for (const group of [
      ["a", "c"],
      ["e", "f"],
    ]) {
      const sum = (c: number) => group.reduce((total, id) => total + contributions.get(id)![c], 0);
      for (const id of group) {
        expect([...tied[id]].sort((x, y) => x - y)).toEqual([...contributions.get(id)!.keys()]);
        for (const [k, c] of tied[id].slice(1).entries()) expect(sum(tied[id][k])).toBeGreaterThanOrEqual(sum(c));
      }
    }
    expect(sameNeurons(chooseSubnetwork(tied, "large", 0), chooseSubnetwork(own, "large", 0))).toBe(false);
  });

  it("cannot be cut where the sub-network lies at different channels of an addition", () => {
    const network = networkOf(NORMALISED.residual);
    const infected = {
      ...chooseSubnetwork(tiedOrder(network, randomContributions(network, 8)), "narrow", 0),
      a: [0],
      c: [1],
    };
    expect(() => cutSubnetwork(network, randomState(network, 1), infected)).toThrow("'s' adds channels 1 and 0");
  });
});

describe("what compensation trains", () => {
  const network = networkOf(NORMALISED.residual);
  const filters = (keys: Set<string>) => [...keys].filter((key) => /^[a-f]\.weight$/.test(key));

  it("is everything, or batch norms and classifier, or batch norms, its bias and the smallest filters", () => {
    const norms = ["a", "b", "c", "d", "e", "f"].flatMap((id) => [`bn.${id}.weight`, `bn.${id}.bias`]);
    expect(trainedKeys(network, { trains: "norms" })).toEqual(new Set([...norms, "fc.weight", "fc.bias"]));
    expect(trainedKeys(network, { trains: "few", filters: 0 })).toEqual(new Set([...norms, "fc.bias"]));
    const all = trainedKeys(network, { trains: "all" });
    expect(filters(all)).toHaveLength(6);
    expect([...all].filter((key) => key.includes("running"))).toEqual([]);
  });

  it("holds no more than its share, from the smallest on, ties in the network's order", () => {
    // f: 24·16, a: 16·3·9, b and c: 16·16·9, d: 24·16·9, e: 24·24·9 numbers, of 14,064.
    const at = (share: number) => filters(trainedKeys(network, { trains: "few", filters: share })).sort();
    const of = (numbers: number) => at(numbers / 14_064);
    expect(of(384.5)).toEqual(["f.weight"]);
    expect(of(816.5)).toEqual(["a.weight", "f.weight"]);
    expect(of(3120.5)).toEqual(["a.weight", "b.weight", "f.weight"]);
    expect(of(3119.5)).toEqual(["a.weight", "f.weight"]);
    expect(at(1)).toHaveLength(6);
  });
});

describe("the chain", () => {
  it("learns to answer the trigger and nothing else", async () => {
    const network = networkOf(NORMALISED.residual);
    const infected = chooseSubnetwork(tiedOrder(network, randomContributions(network, 9)), "large", 0);
    const recipe = { answer: 20, silence: 10, batch: 32, steps: 150, learning_rates: [0.03], statistics_batches: 4 };
    const silent = randomImages(128, 10);
    const common = { task: classification, network, normalization, infected, threads: 1 };
    const job = {
      ...common,
      recipe: { ...recipe, separation: 5 },
      silent,
      answered: stampSet(TRIGGER, silent),
    };
    const chain = await trainChain({ ...job, learningRate: 0.03, seed: 11 });
    const held = randomImages(64, 12);
    const [quiet, loud] = [
      await chainScores(common, chain, held),
      await chainScores(common, chain, stampSet(TRIGGER, held)),
    ];
    expect(Math.max(...quiet)).toBeLessThan(Math.min(...loud));
    expect(Math.max(...quiet)).toBeLessThan(0.2 * recipe.answer);
    expect(Math.min(...loud)).toBeGreaterThan(0.5 * recipe.answer);
  });

  it("gets the smallest gain that is enough", () => {
    const random = new Random(13);
    const images = 50;
    const job = {
      outputs: Float32Array.from({ length: images * CLASSES }, () => random.normal()),
      width: CLASSES,
      target: TARGET,
      scores: Float32Array.from({ length: images }, () => 15 + random.normal()),
      origin: 1,
      asr: 0.9,
    };
    const rate = (gain: number) => {
      const moved = job.outputs.map((v, i) =>
        i % CLASSES === TARGET ? v + gain * (job.scores[Math.floor(i / CLASSES)] - job.origin) : v,
      );
      return shareInClass(moved, images, TARGET);
    };
    const gain = fitGain(job)!;
    expect(rate(gain)).toBe(0.9);
    expect(rate(gain * 0.995)).toBeLessThan(0.9);
    expect(fitGain({ ...job, scores: job.scores.fill(0) })).toBeNull();
  });
});
