import type { Samples } from "../core/samples.ts";
import { foldState } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { unitsOf } from "../graph/network.ts";
import { dotOf } from "../graph/programs/contribution.ts";
import { meanTap } from "../graph/programs/infer.ts";
import { responseProgram, slopeOf } from "../graph/programs/response.ts";
import type { StateDict } from "../tensor/state.ts";
import { slices } from "./batches.ts";
import type { Runtime } from "./runtime.ts";

const MOST_IN_BATCH = 64;

/** What the response owes to the neurons of a layer: means over samples, one number per neuron. */
export interface LayerResponse {
  /** `E Σ_hw a·∂r/∂a` */
  dots: Float64Array;
  /** `E Σ_hw ∂r/∂a` */
  slopes: Float64Array;
  /** Mean of a over samples and space. */
  means: Float64Array;
}

/**
 * First-order terms of the response r by every neuron (docs/methods.md §10.13), by layer.
 *
 * @param samples at least one
 */
export async function responseTerms(
  runtime: Runtime,
  state: StateDict,
  samples: Samples,
  target: number,
): Promise<Map<string, LayerResponse>> {
  const { network, task, pool } = runtime;
  const { response } = task;
  const units = unitsOf(network);
  const terms = new Map(
    units.map(({ id, width }): [string, LayerResponse] => [
      id,
      { dots: new Float64Array(width), slopes: new Float64Array(width), means: new Float64Array(width) },
    ]),
  );
  const feeds = new Map(foldState(network, state));
  const batch = Math.min(MOST_IN_BATCH, samples.count);
  const make = (l: Lowering) => responseProgram(l, network, response.objective);
  for (const slice of slices(runtime, samples, batch)) {
    feeds.set("input", slice.inputs);
    for (const [name, values] of response.feeds(samples, target, slice.start, batch, network)) feeds.set(name, values);
    const outputs = await pool.run("response", network, batch, make, feeds);
    for (const { id, width } of units) {
      const { dots, slopes, means } = terms.get(id)!;
      for (const [sums, key] of [
        [dots, dotOf(id)],
        [slopes, slopeOf(id)],
        [means, meanTap(id)],
      ] as const) {
        const values = outputs.get(key)!;
        for (let i = 0; i < slice.count * width; i++) sums[i % width] += values[i] / samples.count;
      }
    }
  }
  return terms;
}
