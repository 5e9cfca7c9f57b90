import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { parameterFeeds, toOihw } from "../../src/graph/fold.ts";
import type { Network } from "../../src/graph/network.ts";
import { squaredError } from "../../src/graph/objectives/squared-error.ts";
import { gradientOf, trainProgram } from "../../src/graph/programs/train.ts";
import { chosenUnits, sliceOf } from "../../src/graph/units.ts";
import { changedColumns, changedSet } from "../../src/measure/changed-set.ts";
import { driftModel } from "../../src/measure/drift.ts";
import { reinitialise } from "../../src/repair/finetune-reinit.ts";
import { changedRows } from "../../src/tensor/changes.ts";
import { readSlice } from "../../src/tensor/slices.ts";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";
import { SubnetworkTuner } from "../../src/tune/subnetwork.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { BATCH, CLASSES, feedsFor, NETWORKS, network } from "../graph/small-networks.ts";

const named = (part: string) => network(NETWORKS[Object.keys(NETWORKS).find((name) => name.includes(part))!]);
/** Convolutions without batch norm and two hidden layers, one of which reads the other. */
const PLAIN = named("two dense layers");
const PLAIN_CHOSEN = { a: [1, 5], c: [0], h: [3, 7, 20], i: [2, 15] };
/** Normalised convolutions before a hidden layer. */
const HEADED = named("a head of dense units");
const HEADED_CHOSEN = { a: [3], e: [], d: [0, 30], h: [1, 2, 31] };

/** Weights with which every hidden unit wakes for some image. */
function awake(net: Network, seed: number): StateDict {
  const state = randomState(net, seed);
  for (const layer of ["h", "i"]) {
    state.get(`${layer}.bias`)?.data.fill(1);
    const weights = state.get(`${layer}.weight`)?.data;
    weights?.forEach((v, i) => {
      weights[i] = v / 10;
    });
  }
  return state;
}

async function tuned(net: Network, state: StateDict, chosen: Record<string, number[]>, options = {}, steps = 1) {
  const tuner = await SubnetworkTuner.create(net, state, chosen, { batch: BATCH, threads: 1, ...options });
  const feeds = feedsFor(net, 4);
  for (let step = 0; step < steps; step++) await tuner.step(feeds.get("input")!, feeds.get("targets")!, 0.01);
  const result = tuner.tuned();
  await tuner.release();
  return result;
}

/** Gradients of all parameters of a network without batch norm. */
async function allGradients(net: Network, state: StateDict): Promise<StateDict> {
  const { program, parameters } = trainProgram(await chooseLowering(net, BATCH), net);
  const session = await Session.open(program, { threads: 1 });
  const feeds = feedsFor(net, 4);
  for (const [key, values] of parameterFeeds(state)) feeds.set(key, values);
  const results = await session.run(feeds);
  await session.release();
  return new Map(
    [...parameters.keys()].map((key) => {
      const { shape } = state.get(key)!;
      const gradient = results.get(gradientOf(key))!;
      return [key, { shape, data: shape.length === 4 ? toOihw(gradient, shape) : gradient }];
    }),
  );
}

/** Places of the numbers that some neurons own. */
function ownedPlaces(net: Network, state: StateDict, chosen: Record<string, number[]>): Map<string, Set<number>> {
  const places: StateDict = new Map(
    [...state].map(([key, { shape, data }]) => [key, { shape, data: data.map((_, i) => i) }]),
  );
  const owned = new Map<string, Set<number>>();
  for (const { unit, neurons } of chosenUnits(net, chosen)) {
    for (const share of unit.owned) {
      const of = owned.get(share.key) ?? new Set();
      for (const n of neurons) for (const place of readSlice(places, sliceOf(share, n))) of.add(place);
      owned.set(share.key, of);
    }
  }
  return owned;
}

describe("tuning of plain convolutions and hidden units", () => {
  it("steps along the gradient of what they own, columns included, and nowhere else", async () => {
    const state = awake(PLAIN, 1);
    const kept = cloneState(state);
    const after = await tuned(PLAIN, state, PLAIN_CHOSEN, { sgd: { momentum: 0, weightDecay: 0 } });
    expect(state).toEqual(kept);
    const gradients = await allGradients(PLAIN, state);
    const owned = ownedPlaces(PLAIN, state, PLAIN_CHOSEN);
    for (const [key, { data }] of after) {
      const before = state.get(key)!.data;
      const places = owned.get(key) ?? new Set();
      const moves = data.map((v, i) => (places.has(i) ? (before[i] - v) / 0.01 : 0));
      const expected = gradients.get(key)!.data.map((v, i) => (places.has(i) ? v : 0));
      if (places.size > 0) expect(relativeError(moves, expected), key).toBeLessThan(1e-3);
      for (const [i, v] of data.entries())
        if (!places.has(i)) expect(Object.is(v, before[i]), `${key} ${i}`).toBe(true);
    }
    // Both a row of i and a column of h go through these.
    expect(owned.get("i.weight")!.size).toBe(2 * 24 + 3 * 16 - 2 * 3);
  });

  it.each([
    ["plain convolutions", PLAIN, PLAIN_CHOSEN],
    ["normalised ones before a hidden layer", HEADED, HEADED_CHOSEN],
    ["more than half of a layer", HEADED, { h: Array.from({ length: 20 }, (_, i) => i) }],
  ])("changes what the changed set names after several steps of Adam: %s", async (_, net, chosen) => {
    const state = awake(net, 2);
    const after = await tuned(net, state, chosen, {}, 3);
    const [rows, columns] = [changedSet(net, chosen, "plain"), changedColumns(net, chosen)];
    expect(changedRows(state, after, columns)).toEqual(rows);
    const owned = ownedPlaces(net, state, chosen);
    for (const [key, { data }] of after) {
      const before = state.get(key)!.data;
      const moved = [...data.keys()].filter((i) => data[i] !== before[i]);
      expect(
        moved.every((i) => owned.get(key)?.has(i)),
        key,
      ).toBe(true);
      if (owned.get(key)?.size) expect(moved.length, key).toBeGreaterThan(owned.get(key)!.size / 3);
    }
  });

  it("minimises another objective where one is given", async () => {
    const state = awake(HEADED, 3);
    const tuner = await SubnetworkTuner.create(HEADED, state, HEADED_CHOSEN, {
      ...{ batch: BATCH, threads: 1 },
      objective: (lowering, net) => {
        lowering.graph.freeze(new Map([["weights", new Float32Array(BATCH).fill(1)]]));
        return squaredError(lowering, net);
      },
    });
    const feeds = feedsFor(HEADED, 4);
    const distance = (logits: Float32Array) =>
      logits.reduce((sum, v, i) => sum + (v - feeds.get("targets")![i]) ** 2, 0);
    const first = distance(await tuner.step(feeds.get("input")!, feeds.get("targets")!, 0.003));
    for (let step = 0; step < 10; step++) await tuner.step(feeds.get("input")!, feeds.get("targets")!, 0.003);
    expect(distance(await tuner.step(feeds.get("input")!, feeds.get("targets")!, 0.003))).toBeLessThan(0.8 * first);
    await tuner.release();
  });

  it("keeps the norms of rows and columns where it is restrained", async () => {
    const state = awake(HEADED, 5);
    const after = await tuned(HEADED, state, HEADED_CHOSEN, { restrained: true }, 3);
    const free = await tuned(HEADED, state, HEADED_CHOSEN, {}, 3);
    const norm = (of: StateDict, key: string, axis: number, index: number) =>
      Math.hypot(...readSlice(of, { key, axis, index }));
    for (const index of HEADED_CHOSEN.h) {
      for (const [key, axis] of [
        ["h.weight", 0],
        ["fc.weight", 1],
      ] as const) {
        expect(norm(after, key, axis, index) / norm(state, key, axis, index)).toBeCloseTo(1, 5);
      }
      expect(norm(free, "fc.weight", 1, index)).not.toBeCloseTo(norm(state, "fc.weight", 1, index), 4);
    }
  });
});

describe("what respects the columns of hidden units", () => {
  const state = awake(HEADED, 6);
  const columnOf = (of: StateDict, index: number) => readSlice(of, { key: "fc.weight", axis: 1, index });

  it("the changed set states rows and columns apart", () => {
    expect(changedSet(HEADED, HEADED_CHOSEN, "plain")).toEqual({
      ...{ "a.weight": [3], "bn.a.weight": [3], "bn.a.bias": [3] },
      ...{ "d.weight": [0, 30], "bn.d.weight": [0, 30], "bn.d.bias": [0, 30] },
      ...{ "h.weight": [1, 2, 31], "h.bias": [1, 2, 31] },
    });
    expect(changedColumns(HEADED, HEADED_CHOSEN)).toEqual({ "fc.weight": [1, 2, 31] });
    expect(changedColumns(HEADED, { a: [1], h: [] })).toEqual({});
    expect(() => changedColumns(HEADED, { h: [32] })).toThrow(/no neuron 32/);
  });

  it("the drift control moves a column as far, elsewhere", () => {
    const infected = cloneState(state);
    const random = new Random(7);
    for (let row = 0; row < CLASSES; row++) infected.get("fc.weight")!.data[32 * row + 2] += random.normal();
    const drifted = driftModel(HEADED, state, infected, HEADED_CHOSEN, 1);
    const distance = (of: StateDict) => Math.hypot(...columnOf(of, 2).map((v, i) => v - columnOf(state, 2)[i]));
    expect(distance(drifted) / distance(infected)).toBeCloseTo(1, 5);
    expect(columnOf(drifted, 2)).not.toEqual(columnOf(infected, 2));
    expect(columnOf(drifted, 1)).toEqual(columnOf(state, 1));
    expect(changedRows(state, drifted, { "fc.weight": [2] })).toEqual({});
  });

  it("fresh weights are drawn for columns too", () => {
    const fresh = reinitialise(HEADED, state, { h: [4] }, new Random(8));
    expect(changedRows(state, fresh, { "fc.weight": [4] })).toEqual({ "h.weight": [4], "h.bias": [4] });
    expect(columnOf(fresh, 4)).not.toEqual(columnOf(state, 4));
  });
});
