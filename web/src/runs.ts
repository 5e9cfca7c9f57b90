import type { Samples } from "../../src/core/samples.ts";
import type { Network } from "../../src/graph/network.ts";
import { atPositions } from "../../src/graph/programs/language.ts";
import { markOf, partsOf } from "../../src/graph/sequences.ts";
import type { Reader } from "./exhibits/exhibit.ts";

/** Some samples that a network reads at once. */
export interface Run {
  /** Their places in the set. */
  members: readonly number[];
  /** The network as long as they need it. */
  network: Network;
  /** What it reads: of so many samples, the last ones of no meaning where there are fewer members. Valid until the next run. */
  input: Float32Array;
}

/** A set in runs of `batch` samples: in its order, or sequences by length, since what fills them up costs as much as text. */
export function runsOf(network: Network, reader: Reader, set: Samples, batch: number): Iterable<Run> {
  return network.input.tokens ? sequenceRuns(network, reader, set, batch) : orderedRuns(network, reader, set, batch);
}

function* orderedRuns(network: Network, { size, write }: Reader, set: Samples, batch: number): Generator<Run> {
  const input = new Float32Array(batch * size);
  for (let start = 0; start < set.count; start += batch) {
    const members = Array.from({ length: Math.min(batch, set.count - start) }, (_, i) => start + i);
    for (const [k, i] of members.entries()) write(set, i, input, k * size);
    yield { members, network, input };
  }
}

function* sequenceRuns(network: Network, { size, write }: Reader, set: Samples, batch: number): Generator<Run> {
  const { channels, height } = network.input;
  const all = new Float32Array(set.count * size);
  for (let i = 0; i < set.count; i++) write(set, i, all, i * size);
  const marks = Array.from({ length: set.count }, (_, i) => markOf(all, i, height, channels));
  for (const { sequences: members, positions } of partsOf(marks, network, batch)) {
    const shown = positions * channels;
    const input = new Float32Array(batch * shown);
    for (const [k, i] of members.entries()) input.set(all.subarray(i * size, i * size + shown), k * shown);
    yield { members, network: atPositions(network, positions), input };
  }
}
