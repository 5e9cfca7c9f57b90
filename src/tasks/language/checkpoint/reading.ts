import { chooseLowering } from "../../../engine/lowering.ts";
import { Session } from "../../../engine/session.ts";
import { ACTIVITY, activityProgram, RESIDUAL, WEIGHTS } from "../../../graph/programs/activity.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Layers } from "./layers.ts";
import { type Batch, embedded, filled, TEXTS } from "./sequences.ts";

export interface ReadingOptions {
  threads: number;
  /** Bytes of what flows between the layers; texts are read in groups that need no more. */
  flow: number;
  progress?(done: number, total: number): void;
  /** Told what flows out of the last layer, batch by batch: `[TEXTS·T, width]`. */
  onEnd?(batch: Batch, residual: Float32Array): void;
}

/** Bytes of what flows between the layers for a batch. */
export function flowOf({ config }: Checkpoint, { positions }: Pick<Batch, "positions">): number {
  return TEXTS * positions * config.shape.width * Float32Array.BYTES_PER_ELEMENT;
}

/**
 * Takes texts through a model layer by layer, of which one is in memory at a time.
 *
 * @returns of each neuron the mean of |a| over all tokens of the texts, by layer
 */
export async function readTexts(
  checkpoint: Checkpoint,
  layers: Layers,
  batches: readonly Batch[],
  { threads, flow, progress, onEnd }: ReadingOptions,
): Promise<Float64Array[]> {
  const sums = layers.names.map(() => new Float64Array(layers.width));
  const sessions = new Map<number, Session>();
  try {
    for (const positions of new Set(batches.map((batch) => batch.positions))) {
      const network = layers.network(positions);
      const program = activityProgram(await chooseLowering(network, TEXTS), network);
      sessions.set(positions, await Session.open(program, { threads }));
    }
    const groups = groupsWithin(checkpoint, batches, flow);
    for (const [g, group] of groups.entries()) {
      const residuals = group.map((batch) => embedded(checkpoint, batch));
      for (const [i, sum] of sums.entries()) {
        progress?.(g * sums.length + i, groups.length * sums.length);
        const feeds = new Map([...layers.read(i)].map(([key, { data }]) => [key, data]));
        for (const [b, batch] of group.entries()) {
          feeds.set(RESIDUAL, residuals[b]).set(WEIGHTS, filled(batch));
          const outputs = await sessions.get(batch.positions)!.run(feeds);
          for (const [j, value] of outputs.get(ACTIVITY)!.entries()) sum[j] += value;
          residuals[b].set(outputs.get(RESIDUAL)!);
        }
      }
      for (const [b, batch] of group.entries()) onEnd?.(batch, residuals[b]);
    }
  } finally {
    for (const session of sessions.values()) await session.release();
  }
  const tokens = batches.reduce((sum, { texts }) => sum + texts.reduce((all, { length }) => all + length, 0), 0);
  for (const sum of sums) for (let j = 0; j < sum.length; j++) sum[j] /= tokens;
  return sums;
}

function groupsWithin(checkpoint: Checkpoint, batches: readonly Batch[], flow: number): Batch[][] {
  const groups: Batch[][] = [];
  let room = 0;
  for (const batch of batches) {
    const bytes = flowOf(checkpoint, batch);
    if (groups.length === 0 || bytes > room) {
      groups.push([]);
      room = flow;
    }
    groups.at(-1)!.push(batch);
    room -= bytes;
  }
  return groups;
}
