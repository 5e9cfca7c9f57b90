import type { Samples } from "../core/samples.ts";
import type { FoldedState } from "../graph/fold.ts";
import { inputsOf, type Network } from "../graph/network.ts";
import { featureOf, middleProgram } from "../graph/programs/part.ts";
import { cutPoints, type Part, partBetween } from "../graph/suffix.ts";
import { encodeAll } from "./batches.ts";
import type { OrtRunner } from "./ort-runner.ts";

/** Features at some nodes: node id → batch by batch, as the lowering stores them; of the network's input as the samples are. */
export type Features = Map<string, Float32Array[]>;

/** Nodes between two neighbouring points where the network can be cut, in order. */
export interface Segment {
  nodes: string[];
  /** The cut point after them. */
  end: string;
}

/** Groups nodes by the stretch of the network, between two cut points, that they lie in. */
export function segmentsOf(network: Network, nodes: ReadonlySet<string>): Segment[] {
  const cuts = new Set(cutPoints(network));
  const segments: Segment[] = [];
  let here: string[] = [];
  for (const { id } of network.nodes) {
    if (nodes.has(id)) here.push(id);
    if (!cuts.has(id)) continue;
    if (here.length > 0) segments.push({ nodes: here, end: id });
    here = [];
  }
  return segments;
}

/**
 * Walks through a network from cut point to cut point, computing every feature once: all samples are taken through one
 * stretch before the next begins.
 */
export class SegmentWalk {
  private readonly runner: OrtRunner;
  private readonly folded: FoldedState;
  private readonly batch: number;
  private readonly inputs: Float32Array[] = [];
  private at: string;
  private features: Features;

  constructor(runner: OrtRunner, folded: FoldedState, sets: readonly Samples[], batch: number) {
    const { network, task, normalization } = runner;
    this.runner = runner;
    this.folded = folded;
    this.batch = batch;
    const count = sets.reduce((sum, set) => sum + set.count, 0);
    const { size } = task.inputs.encoder(sets[0], normalization);
    // What is missing to a whole batch is zeros.
    const inputs = new Float32Array(Math.ceil(count / batch) * batch * size);
    let filled = 0;
    for (const set of sets) {
      inputs.set(encodeAll(runner, set), filled);
      filled += set.count * size;
    }
    for (let at = 0; at < inputs.length; at += batch * size) this.inputs.push(inputs.subarray(at, at + batch * size));
    this.at = network.nodes[0].id;
    this.features = new Map([[this.at, this.inputs]]);
  }

  /**
   * Goes on to a cut point.
   *
   * @returns the features at `wanted`, which lie between the last cut point (inclusive) and this one, or pool it, and the input
   */
  async to(end: string, wanted: Iterable<string>): Promise<Features> {
    const { network, pool } = this.runner;
    const input = network.nodes[0].id;
    const made = [...new Set([...wanted, end])].filter((id) => id !== this.at && id !== input);
    const part = this.partTo(end, made);
    const found = await pool.lend(
      network,
      this.batch,
      (lowering) => middleProgram(lowering, network, part, made, { stored: true }),
      async (session) => {
        const all: Features = new Map(made.map((id) => [id, []]));
        for (const i of this.features.get(this.at)!.keys()) {
          const outputs = await session.run(new Map([...this.folded, ...batchOf(part, this.features, i)]));
          for (const [id, batches] of all) batches.push(outputs.get(featureOf(id))!.slice());
        }
        return all;
      },
    );
    const before: [string, Float32Array[]] = [this.at, this.features.get(this.at)!];
    this.features = new Map([
      [input, this.inputs],
      [end, found.get(end)!],
    ]);
    this.at = end;
    return new Map([[input, this.inputs], before, ...found]);
  }

  /** The part up to a cut point, with those of the wanted nodes that follow it. */
  private partTo(end: string, wanted: readonly string[]): Part {
    const { network } = this.runner;
    const part = partBetween(network, this.at, end);
    const inside = new Set(part.nodes.map(({ id }) => id));
    const pools = network.nodes.filter(({ id }) => wanted.includes(id) && !inside.has(id));
    const known = new Set([...inside, ...pools.map(({ id }) => id)]);
    for (const node of pools) {
      if (!inputsOf(node).every((id) => known.has(id))) throw new Error(`'${node.id}' does not follow '${end}'`);
    }
    return { ...part, nodes: [...part.nodes, ...pools] };
  }
}

/** The feeds of a part for one batch. */
export function batchOf({ reads }: Part, features: Features, batch: number): Map<string, Float32Array> {
  return new Map(reads.map((id) => [featureOf(id), features.get(id)![batch]]));
}
