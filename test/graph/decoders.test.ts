import ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { exportOnnx } from "../../src/graph/export.ts";
import { foldState } from "../../src/graph/fold.ts";
import { rowSelector, sliceGradient } from "../../src/graph/folded.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import { countParameters, type Network, parameterKeys, unitsOf } from "../../src/graph/network.ts";
import { NEXT, WEIGHTS } from "../../src/graph/objectives/continuation.ts";
import { GraphBuilder } from "../../src/graph/onnx.ts";
import { rotate } from "../../src/graph/ops/rotary.ts";
import { contributionProgram, dotOf } from "../../src/graph/programs/contribution.ts";
import { featureProgram } from "../../src/graph/programs/features.ts";
import { CONTINUATION, finetuneProgram } from "../../src/graph/programs/finetune.ts";
import { inferProgram, meanTap, tapProgram } from "../../src/graph/programs/infer.ts";
import { atPositions, EMBEDDED_GRADIENT, fromVectors, languageProgram } from "../../src/graph/programs/language.ts";
import { gradientOf, trainProgram } from "../../src/graph/programs/train.ts";
import { markOf } from "../../src/graph/sequences.ts";
import { llama, ownLlama } from "../../src/tasks/language/models/llama.ts";
import { readSlice } from "../../src/tensor/slices.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { DECODERS, POSITIONS, randomContinuations, randomSequences, SEQUENCES, type ShapeName } from "./decoders.ts";
import { randomArray, randomState, relativeError } from "./programs.ts";
import { slopeError } from "./small-networks.ts";

const NAMES = Object.keys(DECODERS) as ShapeName[];
const open = async (
  net: Network,
  make: (lowering: Awaited<ReturnType<typeof chooseLowering>>) => Parameters<typeof Session.open>[0],
) => Session.open(make(await chooseLowering(net, SEQUENCES)), { threads: 1 });

/** Copies, so that a test may move them. */
function stateFeeds(state: StateDict): Map<string, Float32Array> {
  return new Map([...state].map(([key, { data }]) => [key, data.slice()]));
}

function oneHot(net: Network, random: Random): Float32Array {
  const targets = new Float32Array(SEQUENCES * net.classes);
  for (let i = 0; i < SEQUENCES; i++) targets[i * net.classes + random.below(net.classes)] = 1;
  return targets;
}

describe.each(NAMES)("%s", (name) => {
  const net = DECODERS[name];
  const table = parameterKeys(net)[0];
  const input = randomSequences(net, SEQUENCES, 1);

  it("gradients of the answer's loss against finite differences", async () => {
    const trains = (key: string) => key !== table;
    const { program, trained } = trainProgram(await chooseLowering(net, SEQUENCES), net, { trains });
    const session = await Session.open(program, { threads: 1 });
    const random = new Random(3);
    const feeds = stateFeeds(randomState(net, 2)).set("input", input).set("targets", oneHot(net, random));
    const results = new Map([...(await session.run(feeds))].map(([key, values]) => [key, values.slice()]));
    const run = async () => (await session.run(feeds)).get("loss")![0];
    expect([...trained].sort()).toEqual(parameterKeys(net).filter(trains).sort());
    for (const key of trained) {
      expect(await slopeError(run, feeds.get(key)!, results.get(gradientOf(key))!, random), key).toBeLessThan(0.03);
    }
    await session.release();
  });

  it("gradients of the next token's loss at every position, the embedding's included", async () => {
    const { program, parameters } = languageProgram(await chooseLowering(net, SEQUENCES), net);
    const session = await Session.open(program, { threads: 1 });
    const random = new Random(5);
    const { next, weights } = randomContinuations(net, SEQUENCES, 6);
    const feeds = stateFeeds(randomState(net, 4)).set("input", input).set("next", next).set("weights", weights);
    const results = new Map([...(await session.run(feeds))].map(([key, values]) => [key, values.slice()]));
    const looked = results.get(EMBEDDED_GRADIENT)!;
    const width = looked.length / (SEQUENCES * POSITIONS);
    const ofTable = results.get(gradientOf(table)) ?? new Float32Array(feeds.get(table)!.length);
    for (let i = 0; i < SEQUENCES * POSITIONS; i++) {
      for (let k = 0; k < width; k++) ofTable[input[2 * i] * width + k] += looked[i * width + k];
    }
    const run = async () => (await session.run(feeds)).get("loss")![0];
    for (const key of parameters.keys()) {
      const gradient = key === table ? ofTable : results.get(gradientOf(key))!;
      expect(await slopeError(run, feeds.get(key)!, gradient, random), key).toBeLessThan(0.03);
    }
    const infer = await open(net, (lowering) => inferProgram(lowering, net));
    const { logits } = Object.fromEntries(await infer.run(feeds));
    expect(results.get("logits")).toEqual(logits);
    await session.release();
    await infer.release();
  });

  it("the gradient at the embedded sequence", async () => {
    const vectors = fromVectors(net);
    const session = await open(vectors, (lowering) => featureProgram(lowering, vectors));
    const random = new Random(8);
    const state = randomState(net, 7);
    const feeds = stateFeeds(state);
    const embedded = embed(input, state.get(table)!.data, net.classes);
    feeds.set("input", embedded);
    const width = session.inputShape("aim")[1];
    const aim = randomArray(SEQUENCES * width, random);
    feeds.set("aim", aim).set("chosen", new Float32Array(aim.length).fill(1));
    const gradient = (await session.run(feeds)).get("image_gradient")!.slice();
    // Where the answer is, is no number to be moved.
    const moves = embedded.map((_, i) => (i % (width + 1) === width ? 0 : 1));
    expect(gradient.every((g, i) => moves[i] === 1 || g === 0)).toBe(true);
    const places = [...moves.keys()].filter((i) => moves[i] === 1);
    const part = Float32Array.from(places, (i) => embedded[i]);
    const run = async () => {
      for (const [k, i] of places.entries()) embedded[i] = part[k];
      const features = (await session.run(feeds)).get("features")!;
      return features.reduce((sum, value, i) => sum + (value - aim[i]) ** 2, 0);
    };
    const expected = Float32Array.from(places, (i) => gradient[i]);
    expect(await slopeError(run, part, expected, random)).toBeLessThan(0.03);
    await session.release();
  });

  it("gradients of chosen neurons alone: slices of rows, columns and biases", async () => {
    const units = unitsOf(net);
    const rows = new Map([
      [units[0].id, 3],
      [units[1].id, units[1].width],
    ]);
    const session = await open(net, (lowering) => finetuneProgram(lowering, net, rows));
    const random = new Random(10);
    const state = randomState(net, 9);
    const feeds = foldState(net, state);
    feeds.set("input", input).set("targets", oneHot(net, random));
    const chosen = [1, 17, 39];
    const selector = new Float32Array(3 * units[0].width);
    for (const [k, c] of chosen.entries()) selector[k * units[0].width + c] = 1;
    feeds.set(rowSelector(units[0].id), selector);
    const results = new Map([...(await session.run(feeds))].map(([key, values]) => [key, values.slice()]));
    const trains = (key: string) => key !== table;
    const { program } = trainProgram(await chooseLowering(net, SEQUENCES), net, { trains });
    const whole = await Session.open(program, { threads: 1 });
    const full = await whole.run(feeds);
    expect(results.get("loss")![0]).toBeCloseTo(full.get("loss")![0], 5);
    for (const unit of units) {
      expect(unit.owned.length).toBe(3);
      for (const { key, axis } of unit.owned) {
        const { shape } = state.get(key)!;
        const gradients: StateDict = new Map([[key, { shape, data: full.get(gradientOf(key))! }]]);
        const neurons = unit === units[0] ? chosen : [...Array(unit.width).keys()];
        const expected = neurons.flatMap((index) => [...readSlice(gradients, { key, axis, index })]);
        const error = relativeError(results.get(sliceGradient(key))!, Float32Array.from(expected));
        expect(error, key).toBeLessThan(1e-5);
      }
    }
    await session.release();
    await whole.release();
  });

  it("gradients of chosen neurons by their sequences' own words, too, are those of training both at once", async () => {
    const [unit] = unitsOf(net);
    const rows = new Map([[unit.id, unit.width]]);
    const random = new Random(14);
    const feeds = foldState(net, randomState(net, 13));
    const targets = oneHot(net, random);
    const { next, weights } = randomContinuations(net, SEQUENCES, 15);
    // An answer is what follows the mark.
    const [all, counts] = [next.slice(), weights.slice()];
    for (let i = 0; i < SEQUENCES; i++) {
      const at = i * POSITIONS + markOf(input, i, POSITIONS);
      weights[at] = 0;
      counts[at] = 1 / SEQUENCES;
      all[at] = targets.subarray(i * net.classes, (i + 1) * net.classes).indexOf(1);
    }
    const both = await open(net, (lowering) => finetuneProgram(lowering, net, rows, { continues: true }));
    feeds.set("input", input).set("targets", targets).set(NEXT, next).set(WEIGHTS, weights);
    const found = new Map([...(await both.run(feeds))].map(([key, values]) => [key, values.slice()]));
    const { program } = languageProgram(await chooseLowering(net, SEQUENCES), net);
    const whole = await Session.open(program, { threads: 1 });
    const expected = await whole.run(new Map(feeds).set(NEXT, all).set(WEIGHTS, counts));
    const loss = found.get("loss")![0] + found.get(CONTINUATION)![0];
    expect(loss).toBeCloseTo(expected.get("loss")![0], 5);
    expect(found.get(CONTINUATION)![0]).toBeGreaterThan(0.1);
    for (const { key, axis } of unit.owned) {
      const { shape } = randomState(net, 13).get(key)!;
      const gradients: StateDict = new Map([[key, { shape, data: expected.get(gradientOf(key))! }]]);
      const slices = [...Array(unit.width).keys()].flatMap((index) => [...readSlice(gradients, { key, axis, index })]);
      expect(relativeError(found.get(sliceGradient(key))!, Float32Array.from(slices)), key).toBeLessThan(1e-5);
    }
    await Promise.all([both.release(), whole.release()]);
  });

  it("a contribution is what the loss changes by as an activation grows, and means are over positions", async () => {
    const state = randomState(net, 11);
    const random = new Random(12);
    const feeds = foldState(net, state).set("input", input).set("targets", oneHot(net, random));
    const session = await open(net, (lowering) => contributionProgram(lowering, net));
    const dots = new Map([...(await session.run(feeds))].map(([key, values]) => [key, values.slice()]));
    const [unit] = unitsOf(net);
    const outgoing = unit.owned.find(({ role }) => role === "outgoing")!;
    // Larger weights behind a unit are a larger activation.
    const { program } = trainProgram(await chooseLowering(net, SEQUENCES), net, {
      trains: (key) => key === outgoing.key,
    });
    const train = await Session.open(program, { threads: 1 });
    const gradient = (await train.run(feeds)).get(gradientOf(outgoing.key))!;
    const of = (data: Float32Array): StateDict => new Map([[outgoing.key, { ...state.get(outgoing.key)!, data }]]);
    for (const index of [0, 5, 31]) {
      const slice = { key: outgoing.key, axis: outgoing.axis, index };
      const [weights, slopes] = [readSlice(state, slice), readSlice(of(gradient), slice)];
      const expected = weights.reduce((sum, w, i) => sum + w * slopes[i], 0) * SEQUENCES;
      const dot = dots.get(dotOf(unit.id))!;
      const sum = [0, 1, 2].reduce((total, i) => total + dot[i * unit.width + index], 0);
      expect(sum).toBeCloseTo(expected, 4);
    }
    const taps = await open(net, (lowering) => tapProgram(lowering, net));
    expect((await taps.run(feeds)).get(meanTap(unit.id))).toHaveLength(SEQUENCES * unit.width);
    for (const s of [session, train, taps]) await s.release();
  });

  it("causal: what follows the answer changes no bit of it, and fewer positions give the same", async () => {
    const state = foldState(net, randomState(net, 13));
    const session = await open(net, (lowering) => inferProgram(lowering, net));
    const marked = input.slice();
    for (let i = 0; i < SEQUENCES * POSITIONS; i++) marked[2 * i + 1] = i % POSITIONS === 3 ? 1 : 0;
    const before = (await session.run(new Map(state).set("input", marked))).get("logits")!.slice();
    const changed = marked.slice();
    for (let i = 0; i < SEQUENCES * POSITIONS; i++) if (i % POSITIONS > 3) changed[2 * i] = (changed[2 * i] + 1) % 29;
    expect((await session.run(new Map(state).set("input", changed))).get("logits")).toEqual(before);
    const short = atPositions(net, 4);
    const fewer = await open(short, (lowering) => inferProgram(lowering, short));
    const cut = marked.filter((_, i) => Math.floor(i / 2) % POSITIONS < 4);
    const { logits } = Object.fromEntries(await fewer.run(new Map(state).set("input", cut)));
    expect(relativeError(logits, before)).toBeLessThan(1e-5);
    // An earlier token does play a part.
    for (let i = 0; i < SEQUENCES; i++) changed[2 * i * POSITIONS] = (changed[2 * i * POSITIONS] + 1) % 29;
    expect((await session.run(new Map(state).set("input", changed))).get("logits")).not.toEqual(before);
    await session.release();
    await fewer.release();
  });

  it("a file in standard operators gives the same logits, for any number of sequences", async () => {
    const state = randomState(net, 14);
    const session = await open(net, (lowering) => inferProgram(lowering, net));
    const logits = (await session.run(foldState(net, state).set("input", input))).get("logits")!;
    const file = await ort.InferenceSession.create(exportOnnx(net, state));
    const { length } = input;
    const twice = new Float32Array(2 * length);
    twice.set(input);
    twice.set(input, length);
    const result = await file.run({ input: new ort.Tensor("float32", twice, [2 * SEQUENCES, POSITIONS, 2]) });
    const both = result.logits.data as Float32Array;
    expect(relativeError(both.slice(0, logits.length), logits)).toBeLessThan(1e-5);
    expect(relativeError(both.slice(logits.length), logits)).toBeLessThan(1e-5);
    await session.release();
  });
});

it("products of rotated vectors depend on the distance of their positions alone", async () => {
  const [positions, size] = [12, 8];
  const graph = new GraphBuilder();
  const [q, k] = ["q", "k"].map((name) => rotate(graph, graph.input(name, [1, positions, size]), positions, size, 50));
  graph.output("s", graph.op("MatMul", [q, graph.transpose(k, [0, 2, 1])]), [1, positions, positions]);
  const session = await Session.open(graph.finish(), { threads: 1 });
  const random = new Random(1);
  const constant = () => {
    const vector = randomArray(size, random);
    return Float32Array.from({ length: positions * size }, (_, i) => vector[i % size]);
  };
  const s = (
    await session.run(
      new Map([
        ["q", constant()],
        ["k", constant()],
      ]),
    )
  ).get("s")!;
  for (const [a, b] of [
    [0, 0],
    [3, 1],
    [1, 4],
  ]) {
    expect(s[(a + 5) * positions + b + 5]).toBeCloseTo(s[a * positions + b], 5);
  }
  expect(Math.abs(s[3 * positions + 1] - s[1 * positions + 4])).toBeGreaterThan(1e-3);
  await session.release();
});

it("llama4d128 has 1,067,136 parameters at 2,056 tokens, 1,408 neurons, and embeddings that stay visible", () => {
  const net = llama(ownLlama(4, 128, 2056, 64));
  expect(countParameters(net)).toBe(1_067_136);
  expect(unitsOf(net).reduce((sum, { width }) => sum + width, 0)).toBe(1408);
  const state = initialState(net, new Random(1));
  const spread = (key: string) =>
    Math.sqrt(state.get(key)!.data.reduce((sum, v) => sum + v * v, 0) / state.get(key)!.data.length);
  expect(spread("model.embed_tokens.weight")).toBeCloseTo(0.25, 2);
  expect(spread("model.layers.0.self_attn.q_proj.weight")).toBeCloseTo(0.02, 3);
  expect(spread("model.layers.0.mlp.down_proj.weight")).toBeCloseTo(0.02 / Math.sqrt(8), 3);
});

it("shapes that do not fit are refused by name", () => {
  const [llamaName] = NAMES;
  const net = DECODERS[llamaName];
  const changed = (op: string, change: object): Network => {
    return { ...net, nodes: net.nodes.map((node) => (node.op === op ? { ...node, ...change } : node)) };
  };
  expect(() => countParameters(changed("attention", { groups: 3 }))).toThrow(
    "has 4 heads, which 3 groups do not divide",
  );
  expect(() => countParameters(changed("swiglu", { width: 5 }))).toThrow("reads 24 channels, not 5");
  expect(() => countParameters({ ...net, input: { ...net.input, channels: 3 } })).toThrow(
    "reads 2 numbers at each position",
  );
});

/** `[vector, answer]` at each position. */
function embed(input: Float32Array, table: Float32Array, vocabulary: number): Float32Array {
  const width = table.length / vocabulary;
  const result = new Float32Array((input.length / 2) * (width + 1));
  for (let i = 0; i < input.length / 2; i++) {
    result.set(table.subarray(input[2 * i] * width, (input[2 * i] + 1) * width), i * (width + 1));
    result[i * (width + 1) + width] = input[2 * i + 1];
  }
  return result;
}
