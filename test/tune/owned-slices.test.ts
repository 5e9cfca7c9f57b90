import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState } from "../../src/graph/fold.ts";
import { type LayerNode, type Network, unitsOf } from "../../src/graph/network.ts";
import { inferProgram } from "../../src/graph/programs/infer.ts";
import { sliceOf } from "../../src/graph/units.ts";
import { maskNeurons } from "../../src/measure/mask.ts";
import { readSlice, writeSlice } from "../../src/tensor/slices.ts";
import { cloneState, type StateDict } from "../../src/tensor/state.ts";
import { SubnetworkTuner } from "../../src/tune/subnetwork.ts";
import { DECODERS, randomSequences, SEQUENCES, type ShapeName } from "../graph/decoders.ts";
import { randomState, relativeError } from "../graph/programs.ts";

const NAMES = Object.keys(DECODERS) as ShapeName[];

function targetsOf(net: Network, seed: number): Float32Array {
  const random = new Random(seed);
  const targets = new Float32Array(SEQUENCES * net.classes);
  for (let i = 0; i < SEQUENCES; i++) targets[i * net.classes + random.below(net.classes)] = 1;
  return targets;
}

async function logitsOf(net: Network, state: StateDict, input: Float32Array): Promise<Float32Array> {
  const session = await Session.open(inferProgram(await chooseLowering(net, SEQUENCES), net), { threads: 1 });
  const logits = (await session.run(foldState(net, state).set("input", input))).get("logits")!.slice();
  await session.release();
  return logits;
}

it.each(NAMES)("%s: tuning moves the chosen neurons' rows, columns and biases, and no other bit", async (name) => {
  const net = DECODERS[name];
  const [first, second] = unitsOf(net);
  const neurons = { [first.id]: [2, 30], [second.id]: [...Array(second.width).keys()].filter((i) => i % 3 > 0) };
  const state = randomState(net, 1);
  const before = cloneState(state);
  const tuner = await SubnetworkTuner.create(net, state, neurons, { batch: SEQUENCES, threads: 1, restrained: true });
  const input = randomSequences(net, SEQUENCES, 2);
  const targets = targetsOf(net, 3);
  const lossOf = (logits: Float32Array) => {
    let loss = 0;
    for (let i = 0; i < SEQUENCES; i++) {
      const row = logits.subarray(i * net.classes, (i + 1) * net.classes);
      loss +=
        Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0)) - row[targets.subarray(i * net.classes).indexOf(1)];
    }
    return loss;
  };
  const losses: number[] = [];
  for (let step = 0; step < 15; step++) losses.push(lossOf(await tuner.step(input, targets, 1e-2)));
  expect(losses[14]).toBeLessThan(0.8 * losses[0]);
  const tuned = tuner.tuned();
  // What runs is what is given back.
  const running = (await tuner.step(input, targets, 0)).slice();
  expect(relativeError(running, await logitsOf(net, tuned, input))).toBeLessThan(1e-6);
  await tuner.release();
  expect(state).toEqual(before);
  const restored = cloneState(tuned);
  for (const unit of [first, second]) {
    for (const index of neurons[unit.id]) {
      for (const share of unit.owned) {
        const slice = sliceOf(share, index);
        const [was, is] = [readSlice(before, slice), readSlice(tuned, slice)];
        expect(is, share.key).not.toEqual(was);
        if (was.length > 1) expect(Math.hypot(...is) / Math.hypot(...was)).toBeCloseTo(1, 5);
        writeSlice(restored, slice, was);
      }
    }
  }
  expect(restored).toEqual(before);
});

it.each(NAMES)("%s: a silenced neuron plays no part in a step, and is back in the next", async (name) => {
  const net = DECODERS[name];
  const [first, second] = unitsOf(net);
  const state = randomState(net, 4);
  const silent = { [first.id]: [0, 5, 39] };
  const tuner = await SubnetworkTuner.create(net, state, { [second.id]: [1] }, { batch: SEQUENCES, threads: 1 });
  const input = randomSequences(net, SEQUENCES, 5);
  const targets = targetsOf(net, 6);
  const masked = (await tuner.step(input, targets, 0, silent)).slice();
  expect(relativeError(masked, await logitsOf(net, maskNeurons(net, state, silent), input))).toBeLessThan(1e-6);
  const whole = (await tuner.step(input, targets, 0)).slice();
  expect(relativeError(whole, await logitsOf(net, state, input))).toBeLessThan(1e-6);
  await tuner.release();
});

it("without any hidden unit, attention alone is left: the sums behind the feed-forward layers are what went into them", async () => {
  const net = DECODERS[NAMES[0]];
  const state = randomState(net, 7);
  const all = Object.fromEntries(unitsOf(net).map(({ id, width }) => [id, [...Array(width).keys()]]));
  const input = randomSequences(net, SEQUENCES, 8);
  const sums = new Map<string, string>();
  const nodes = net.nodes.flatMap((node): LayerNode[] => {
    if (node.op === "add" && node.inputs[1].endsWith("down_proj")) {
      sums.set(node.id, node.inputs[0]);
      return [];
    }
    if (node.op === "swiglu" || node.op === "projection") return [];
    const renamed = (id: string) => sums.get(id) ?? id;
    if (node.op === "add") return [{ ...node, inputs: [renamed(node.inputs[0]), node.inputs[1]] }];
    return "input" in node ? [{ ...node, input: renamed(node.input) }] : [node];
  });
  const expected = await logitsOf({ ...net, nodes }, state, input);
  expect(relativeError(await logitsOf(net, maskNeurons(net, state, all), input), expected)).toBeLessThan(1e-6);
});
