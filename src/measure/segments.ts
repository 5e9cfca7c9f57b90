import type { FoldedState } from "../graph/fold.ts";
import { inferShapes, type Network } from "../graph/network.ts";
import { featureOf, middleProgram } from "../graph/programs/part.ts";
import { cutPoints, type Part, partBetween } from "../graph/suffix.ts";
import { type ImageSet, imageSize } from "../images/image-set.ts";
import { sizeOf } from "../tensor/state.ts";
import { normaliseAll } from "./batches.ts";
import type { OrtRunner } from "./ort-runner.ts";

/** Features of all images at some nodes: node id → `[count, C, H, W]`. */
export type Features = Map<string, Float32Array>;

/** Units between two neighbouring points where the network can be cut, in order. */
export interface Segment {
  units: string[];
  /** The cut point after them. */
  end: string;
}

/** Groups units by the stretch of the network, between two cut points, that they lie in. */
export function segmentsOf(network: Network, units: ReadonlySet<string>): Segment[] {
  const cuts = new Set(cutPoints(network));
  const segments: Segment[] = [];
  let here: string[] = [];
  for (const { id } of network.nodes) {
    if (units.has(id)) here.push(id);
    if (!cuts.has(id)) continue;
    if (here.length > 0) segments.push({ units: here, end: id });
    here = [];
  }
  return segments;
}

/**
 * Walks through a network from cut point to cut point, computing every feature once: all images are taken through one
 * stretch before the next begins.
 */
export class SegmentWalk {
  private readonly runner: OrtRunner;
  private readonly folded: FoldedState;
  private readonly batch: number;
  private readonly count: number;
  private at: string;
  private features: Features;

  constructor(runner: OrtRunner, folded: FoldedState, sets: readonly ImageSet[], batch: number) {
    const { network, normalization } = runner;
    this.runner = runner;
    this.folded = folded;
    this.batch = batch;
    this.count = sets.reduce((sum, { count }) => sum + count, 0);
    const images = new Float32Array(sets.reduce((sum, set) => sum + set.count * imageSize(set), 0));
    let filled = 0;
    for (const set of sets) {
      images.set(normaliseAll(set, normalization), filled);
      filled += set.count * imageSize(set);
    }
    this.at = network.nodes[0].id;
    this.features = new Map([[this.at, images]]);
  }

  /**
   * Goes on to a cut point.
   *
   * @returns the features at `wanted`, which lie between the last cut point (inclusive) and this one
   */
  async to(end: string, wanted: Iterable<string>): Promise<Features> {
    const { network, pool } = this.runner;
    const part = partBetween(network, this.at, end);
    const made = [...new Set([...wanted, end])].filter((id) => id !== this.at);
    const found = await pool.lend(
      network,
      this.batch,
      (lowering) => middleProgram(lowering, network, part, made),
      async (session) => {
        const all: Features = new Map(made.map((id) => [id, new Float32Array(this.count * featureSize(network, id))]));
        for (let start = 0; start < this.count; start += this.batch) {
          const feeds = new Map([...this.folded, ...batchOf(network, part, this.features, start, this.batch)]);
          const outputs = await session.run(feeds);
          const real = Math.min(this.batch, this.count - start);
          for (const [id, values] of all) {
            const size = featureSize(network, id);
            values.set(outputs.get(featureOf(id))!.subarray(0, real * size), start * size);
          }
        }
        return all;
      },
    );
    const first = this.features.get(this.at)!;
    this.features = new Map([[end, found.get(end)!]]);
    const before = this.at;
    this.at = end;
    return new Map([[before, first], ...found]);
  }
}

/** The feeds of a part for the images from `start` on; what is missing to a whole batch is zeros. */
export function batchOf(
  network: Network,
  { reads }: Part,
  features: Features,
  start: number,
  batch: number,
): Map<string, Float32Array> {
  return new Map(
    reads.map((id) => {
      const size = featureSize(network, id);
      const values = features.get(id)!.subarray(start * size, (start + batch) * size);
      if (values.length === batch * size) return [featureOf(id), values];
      const padded = new Float32Array(batch * size);
      padded.set(values);
      return [featureOf(id), padded];
    }),
  );
}

/** Values of one image's feature at a node. */
export function featureSize(network: Network, id: string): number {
  return sizeOf(inferShapes(network).get(id)!);
}
