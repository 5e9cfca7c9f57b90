import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { neuronLayers, outputsOf } from "../../src/graph/network.ts";
import { OrtRunner } from "../../src/measure/ort-runner.ts";
import { ProgramPool } from "../../src/measure/pool.ts";
import { language } from "../../src/tasks/language/task.ts";
import { DECODERS, randomSequences, SEQUENCES } from "../graph/decoders.ts";
import { randomState } from "../graph/programs.ts";
import { slopeError } from "../graph/small-networks.ts";

describe.each(Object.entries(DECODERS))("factors on feed-forward units: %s", (_, net) => {
  const runner = () => new OrtRunner(language, net, { mean: [0, 0, 0], std: [1, 1, 1] }, new ProgramPool(1));
  const state = randomState(net, 31);
  const size = neuronLayers(net).reduce((sum, { width }) => sum + width, 0);
  const random = new Random(32);
  const targets = new Float32Array(SEQUENCES * outputsOf(net));
  for (let i = 0; i < SEQUENCES; i++) targets[i * outputsOf(net) + random.below(outputsOf(net))] = 1;
  const batch = { inputs: randomSequences(net, SEQUENCES, 33), targets };
  const around1 = () => Float32Array.from({ length: size }, () => 1 + random.between(-0.5, 0.5));

  it("gradients against finite differences, also of closed ones", async () => {
    const own = runner();
    const [gain, shift] = [around1(), around1()];
    for (const j of [1, 5, size - 2]) gain[j] = 0;
    const gains = own.gains(state, "stored");
    const found = await gains.at(batch, gain, shift);
    const run = async () => (await gains.at(batch, gain, shift)).loss;
    expect(await slopeError(run, gain, found.gain, random)).toBeLessThan(0.03);
    expect(found.gain.some((slope) => slope !== 0)).toBe(true);
    // Nothing is added to a unit.
    expect([...found.shift]).toEqual(new Array(size).fill(0));
    await own.release();
  });

  it("factors of 1 leave the model as it is, and the state is not touched", async () => {
    const own = runner();
    const before = [...state.values()].map(({ data }) => data.slice());
    const ones = new Float32Array(size).fill(1);
    const gains = own.gains(state, "stored");
    await gains.at(batch, around1(), ones);
    const first = await gains.at(batch, ones, ones);
    const { loss, outputs } = { loss: first.loss, outputs: first.outputs.slice() };
    const batchwise = await own.gains(state, "batch").at(batch, ones, ones);
    expect([batchwise.loss, [...batchwise.outputs]]).toEqual([loss, [...outputs]]);
    expect([...state.values()].map(({ data }) => data)).toEqual(before);
    await own.release();
  });
});
