import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { parameterFeeds } from "../../src/graph/fold.ts";
import { convUnits, neuronLayers } from "../../src/graph/network.ts";
import { gainProgram, type NormStatistics } from "../../src/graph/programs/gains.ts";
import type { ImageSet, Normalization } from "../../src/images/image-set.ts";
import { OrtRunner } from "../../src/measure/ort-runner.ts";
import { ProgramPool } from "../../src/measure/pool.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import type { StateDict } from "../../src/tensor/state.ts";
import { randomState, relativeError } from "./programs.ts";
import { BATCH, CLASSES, feedsFor, NETWORKS, NORMALISED, network, slopeError } from "./small-networks.ts";

const NORMALIZATION: Normalization = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25] };

/** In `[1 − spread, 1 + spread)`. */
function around1(count: number, random: Random, spread: number): Float32Array {
  return Float32Array.from({ length: count }, () => 1 + random.between(-spread, spread));
}

describe.each<NormStatistics>(["batch", "stored"])("factors on the batch norms, %s statistics", (statistics) => {
  it.each(Object.entries(NORMALISED))("gradients against finite differences: %s", async (_, body) => {
    const net = network(body);
    const runner = new OrtRunner(classification, net, NORMALIZATION, new ProgramPool(1));
    const feeds = feedsFor(net, 21);
    const batch = { inputs: feeds.get("input")!, targets: feeds.get("targets")! };
    const random = new Random(22);
    const size = neuronLayers(net).reduce((sum, { width }) => sum + width, 0);
    const [gain, shift] = [around1(size, random, 0.5), around1(size, random, 0.5)];
    // A neuron that was dead before must not spoil anything.
    const state = randomState(net, 23);
    const last = convUnits(net).at(-1)!;
    for (const part of ["weight", "bias"]) state.get(`${last.bn}.${part}`)!.data[5] = 0;
    const gains = runner.gains(state, statistics);
    const found = await gains.at(batch, gain, shift);
    const run = async () => (await gains.at(batch, gain, shift)).loss;
    expect(await slopeError(run, gain, found.gain, random)).toBeLessThan(0.03);
    expect(await slopeError(run, shift, found.shift, random)).toBeLessThan(0.03);
    expect(found.gain[size - last.out + 5]).toBeCloseTo(0, 12);
    expect(found.shift[size - last.out + 5]).toBeCloseTo(0, 12);
    await runner.release();
  });

  it.each(Object.entries(NORMALISED))("closed channels, whose pools tie: %s", async (_, body) => {
    const net = network(body);
    const runner = new OrtRunner(classification, net, NORMALIZATION, new ProgramPool(1));
    const feeds = feedsFor(net, 26);
    const batch = { inputs: feeds.get("input")!, targets: feeds.get("targets")! };
    const random = new Random(27);
    const size = neuronLayers(net).reduce((sum, { width }) => sum + width, 0);
    const [gain, shift] = [around1(size, random, 0.5), around1(size, random, 0.5)];
    for (const c of [0, 3, 6]) gain[c] = 0;
    const gains = runner.gains(randomState(net, 28), statistics);
    const found = await gains.at(batch, gain, shift);
    // By the gain of a constant channel a pool has no derivative; by the shift it has.
    expect(
      await slopeError(async () => (await gains.at(batch, gain, shift)).loss, shift, found.shift, random),
    ).toBeLessThan(0.03);
    await runner.release();
  });

  it("factors of 1 leave the model as it is", async () => {
    const net = network(NORMALISED["residual block with stride and projection"]);
    const runner = new OrtRunner(classification, net, NORMALIZATION, new ProgramPool(1));
    const state = randomState(net, 24);
    const ones = new Float32Array(neuronLayers(net).reduce((sum, { width }) => sum + width, 0)).fill(1);
    const [inputs, targets] = ["input", "targets"].map((name) => feedsFor(net, 25).get(name)!);
    const batch = { inputs, targets };
    const { outputs } = await runner.gains(state, statistics).at(batch, ones, ones);
    const stored = await plainLogits(runner, state, inputs);
    const far = Math.max(...stored.map((value, i) => Math.abs(value - outputs[i])));
    if (statistics === "stored") expect(far).toBeLessThan(1e-4);
    else expect(far).toBeGreaterThan(1e-2);
    await runner.release();
  });
});

describe("the two lowerings agree", () => {
  it.each(Object.entries(NORMALISED))("also where channels are closed: %s", async (_, body) => {
    const net = network(body);
    const state = randomState(net, 51);
    for (const { bn } of convUnits(net)) state.get(`${bn}.weight`)!.data.fill(0, 2, 5);
    const feeds = feedsFor(net, 52);
    for (const [key, values] of parameterFeeds(state)) feeds.set(key, values);
    const outputs = [];
    for (const kind of ["plain", "blocked"] as const) {
      const program = gainProgram(await chooseLowering(net, BATCH, kind), net, "batch");
      const session = await Session.open(program, { threads: 1 });
      outputs.push(await session.run(feeds));
    }
    expect(outputs[0].size).toBe(2 + 2 * convUnits(net).length);
    for (const [key, values] of outputs[0]) expect(relativeError(outputs[1].get(key)!, values), key).toBeLessThan(1e-4);
  });
});

describe("a pattern blended into the images", () => {
  it.each(Object.entries(NORMALISED))(
    "gradients by opacity and pattern against finite differences: %s",
    async (_, body) => {
      const net = network(body);
      const runner = new OrtRunner(classification, net, NORMALIZATION, new ProgramPool(1));
      const random = new Random(31);
      const { channels, height, width } = net.input;
      const images = feedsFor(net, 32).get("input")!;
      const opacity = Float32Array.from({ length: height * width }, () => random.uniform());
      const pattern = Float32Array.from({ length: channels * height * width }, () => random.uniform());
      const blend = runner.blend(randomState(net, 33));
      const first = await blend.at(images, 2, opacity, pattern);
      const [byOpacity, byPattern] = [first.opacity.slice(), first.pattern.slice()];
      const run = async () => (await blend.at(images, 2, opacity, pattern)).loss;
      expect(await slopeError(run, opacity, byOpacity, random)).toBeLessThan(0.03);
      expect(await slopeError(run, pattern, byPattern, random)).toBeLessThan(0.03);
      await runner.release();
    },
  );

  it.each(Object.entries(NETWORKS))("several in one batch come out as each alone: %s", async (_, body) => {
    const net = network(body);
    const runner = new OrtRunner(classification, net, NORMALIZATION, new ProgramPool(1));
    const random = new Random(51);
    const { channels, height, width } = net.input;
    const draw = (length: number) => Float32Array.from({ length }, () => random.uniform());
    const blends = [2, 0, 4].map((target) => ({
      images: Float32Array.from({ length: BATCH * channels * height * width }, () => random.normal()),
      target,
      opacity: draw(height * width),
      pattern: draw(channels * height * width),
    }));
    const blend = runner.blend(randomState(net, 52));
    const together = await blend.together(blends);
    for (const [i, { images, target, opacity, pattern }] of blends.entries()) {
      const alone = await blend.at(images, target, opacity, pattern);
      expect(together[i].loss).toBeCloseTo(alone.loss, 5);
      for (const key of ["outputs", "opacity", "pattern"] as const) {
        expect(relativeError(together[i][key], alone[key]), key).toBeLessThan(1e-5);
      }
    }
    await runner.release();
  });

  it("shows the network the blend in pixels", async () => {
    const net = network(NORMALISED["3×3 convolutions with and without bias, max-pool"]);
    const runner = new OrtRunner(classification, net, NORMALIZATION, new ProgramPool(1));
    const { channels, height, width } = net.input;
    const plane = height * width;
    const random = new Random(41);
    const draw = (length: number) => Uint8Array.from({ length }, () => random.below(256));
    const [pixels, pattern] = [draw(BATCH * channels * plane), draw(channels * plane)];
    const opacity = Uint8Array.from({ length: plane }, () => random.below(2));
    const set = (values: Uint8Array): ImageSet => ({
      count: BATCH,
      height,
      width,
      pixels: values,
      labels: new Uint8Array(BATCH),
    });
    const stamped = pixels.map((x, i) => (opacity[i % plane] ? pattern[i % (channels * plane)] : x));
    const state = randomState(net, 42);
    const normalised = pixels.reduce((out, x, i) => {
      const c = Math.floor(i / plane) % channels;
      out[i] = (x / 255 - NORMALIZATION.mean[c]) / NORMALIZATION.std[c];
      return out;
    }, new Float32Array(pixels.length));
    const { outputs, loss } = await runner.blend(state).at(
      normalised,
      1,
      Float32Array.from(opacity),
      Float32Array.from(pattern, (x) => x / 255),
    );
    const expected = await runner.outputs(state, set(stamped));
    for (const [i, value] of expected.entries()) expect(outputs[i]).toBeCloseTo(value, 4);
    const own = Array.from({ length: BATCH }, (_, i) => {
      const row = Array.from(expected.subarray(i * CLASSES, (i + 1) * CLASSES));
      return Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)) - row[1];
    });
    expect(loss).toBeCloseTo(own.reduce((sum, v) => sum + v, 0) / BATCH, 4);
    await runner.release();
  });
});

/** Logits of normalised images under the model's stored statistics. */
async function plainLogits(runner: OrtRunner, state: StateDict, images: Float32Array): Promise<Float32Array> {
  const { height, width, channels } = runner.network.input;
  const nothing = { opacity: new Float32Array(height * width), pattern: new Float32Array(channels * height * width) };
  return (await runner.blend(state).at(images, 0, nothing.opacity, nothing.pattern)).outputs.slice();
}
