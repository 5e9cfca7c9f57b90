import type { Samples } from "../core/samples.ts";
import { foldState } from "../graph/fold.ts";
import { OUTPUT, outputsOf } from "../graph/network.ts";
import { inferProgram } from "../graph/programs/infer.ts";
import { atPositions } from "../graph/programs/language.ts";
import { markOf, partsOf } from "../graph/sequences.ts";
import type { StateDict } from "../tensor/state.ts";
import { type Encoding, encodeAll } from "./batches.ts";
import type { Runtime } from "./runtime.ts";

/** Sequences of a run. */
const PART = 64;

/** What a network puts out for sequences, in parts by length: most are far shorter than what it can read. */
export async function outputsOfSequences(
  runner: Runtime & Encoding,
  state: StateDict,
  samples: Samples,
): Promise<Float32Array> {
  const { network, pool } = runner;
  const { channels, height } = network.input;
  const width = outputsOf(network);
  const inputs = encodeAll(runner, samples);
  const marks = Array.from({ length: samples.count }, (_, i) => markOf(inputs, i, height, channels));
  const outputs = new Float32Array(samples.count * width);
  const folded = foldState(network, state);
  const [feeds, steady] = [new Map(folded), new Set(folded.keys())];
  const size = Math.min(PART, samples.count);
  for (const { sequences, positions } of partsOf(marks, network, size)) {
    const shorter = atPositions(network, positions);
    const input = new Float32Array(size * positions * channels);
    for (const [k, i] of sequences.entries()) {
      const start = i * height * channels;
      input.set(inputs.subarray(start, start + positions * channels), k * positions * channels);
    }
    feeds.set("input", input);
    const results = await pool.run("infer", shorter, size, (l) => inferProgram(l, shorter), feeds, undefined, steady);
    const rows = results.get(OUTPUT)!;
    for (const [k, i] of sequences.entries()) {
      outputs.set(rows.subarray(k * width, (k + 1) * width), i * width);
    }
  }
  return outputs;
}
