import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState } from "../../src/graph/fold.ts";
import { rowSelector } from "../../src/graph/folded.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import type { Lowering } from "../../src/graph/lowering/lowering.ts";
import { type Network, unitsOf } from "../../src/graph/network.ts";
import { NEXT, WEIGHTS } from "../../src/graph/objectives/continuation.ts";
import { finetuneProgram } from "../../src/graph/programs/finetune.ts";
import { markOf } from "../../src/graph/sequences.ts";
import type { TextDataset } from "../../src/tasks/language/dataset.ts";
import { glosses } from "../../src/tasks/language/datasets/glosses.ts";
import { llama, ownLlama } from "../../src/tasks/language/models/llama.ts";
import { language } from "../../src/tasks/language/task.ts";
import { CONTINUED, SequenceSession } from "../../src/tune/sequence-session.ts";
import { relativeError } from "../graph/programs.ts";

const BATCH = 40;

it.each([
  ["answers alone", false],
  ["answers and own words of some", true],
])("a step in parts by length has the loss, logits and gradients of one at all positions: %s", async (_, continues) => {
  const { train, normalization } = (await glosses.load({ dataDir: "unused", seed: 1 })) as TextDataset;
  const network = llama(ownLlama(2, 64, 2056, 64));
  const [{ id }] = unitsOf(network);
  const rows = new Map([[id, 2]]);
  const selector = Float32Array.from({ length: 2 * 176 }, (_, i) => (i === 5 || i === 176 + 90 ? 1 : 0));
  const encoder = language.inputs.encoder(train, normalization);
  const [inputs, targets] = [encoder.size, network.classes].map((size) => new Float32Array(BATCH * size));
  for (let i = 0; i < BATCH; i++) {
    encoder.write(train, i, inputs, i * encoder.size);
    language.loss.write(train, i, targets.subarray(i * network.classes, (i + 1) * network.classes));
  }
  const feeds = new Map<string, Float32Array>(foldState(network, initialState(network, new Random(1))))
    .set(rowSelector(id), selector)
    .set("input", inputs)
    .set("targets", targets);
  const make = (lowering: Lowering, shorter: Network) => finetuneProgram(lowering, shorter, rows, { continues });
  const options = { batch: BATCH, threads: 1 };
  // Every third counts half as much as the mean over its words, the others nothing.
  const counts = Float32Array.from({ length: BATCH }, (_, i) => (i % 3 === 0 ? 0.5 : 0));
  const [next, weights] = [0, 1].map(() => new Float32Array(BATCH * 64));
  for (let i = 0; i < BATCH; i += 3) for (let t = 0; t < markOf(inputs, i, 64); t++) weights[i * 64 + t] = 1;
  const words = weights.reduce((sum, weight) => sum + weight, 0);
  for (let at = 0; at < weights.length; at++) {
    weights[at] *= 0.5 / words;
    if (weights[at] > 0) next[at] = inputs[2 * (at + 1)];
  }
  if (continues) feeds.set(NEXT, next).set(WEIGHTS, weights).set(CONTINUED, counts);

  const whole = await Session.open(make(await chooseLowering(network, BATCH), network), options);
  const expected = await whole.run(feeds);
  const parts = await SequenceSession.open(network, options, make);
  // Of a second run nothing is left of the first.
  await parts.run(feeds);
  const found = await parts.run(feeds);
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, values] of expected) expect(relativeError(found.get(name)!, values), name).toBeLessThan(1e-5);
  await Promise.all([whole.release(), parts.release()]);
});
