import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState } from "../../src/graph/fold.ts";
import { rowSelector } from "../../src/graph/folded.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import type { Lowering } from "../../src/graph/lowering/lowering.ts";
import { type Network, unitsOf } from "../../src/graph/network.ts";
import { finetuneProgram } from "../../src/graph/programs/finetune.ts";
import type { TextDataset } from "../../src/tasks/language/dataset.ts";
import { glosses } from "../../src/tasks/language/datasets/glosses.ts";
import { llama, ownLlama } from "../../src/tasks/language/models/llama.ts";
import { language } from "../../src/tasks/language/task.ts";
import { SequenceSession } from "../../src/tune/sequence-session.ts";
import { relativeError } from "../graph/programs.ts";

const BATCH = 40;

it("a step in parts by length has the loss, logits and gradients of one at all positions", async () => {
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
  const make = (lowering: Lowering, shorter: Network) => finetuneProgram(lowering, shorter, rows);
  const options = { batch: BATCH, threads: 1 };

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
