import type { Samples } from "../core/samples.ts";
import { foldState } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { outputsOf, unitsOf } from "../graph/network.ts";
import { ASKED, activationAt, positionProgram, slopeAt } from "../graph/programs/positions.ts";
import type { StateDict } from "../tensor/state.ts";
import { slices } from "./batches.ts";
import type { Runtime } from "./runtime.ts";

/** Activations and slopes of all layers are outputs, so batches are small. */
const MOST_IN_BATCH = 16;

/** A layer at every position of one sample, `[positions × width]` each: the activations, and the slope of the asked output by them. */
export interface LayerAtPositions {
  activations: Float32Array;
  slopes: Float32Array;
}

/** Where in a layer's arrays each position begins that the asked output depends on. @param width the layer's neurons */
export function* positionsThatCount({ slopes }: LayerAtPositions, width: number): Generator<number> {
  for (let at = 0; at < slopes.length; at += width) {
    if (slopes.subarray(at, at + width).some((slope) => slope !== 0)) yield at;
  }
}

/**
 * Shows of a network of sequences, sample by sample, every neuron's activation at every position and how one output depends on it.
 *
 * @param asked which output, of each sample
 * @param visit told the layers by name; the arrays are valid until it returns
 */
export async function eachPosition(
  runtime: Runtime,
  state: StateDict,
  samples: Samples,
  asked: ArrayLike<number>,
  visit: (layers: ReadonlyMap<string, LayerAtPositions>) => void,
): Promise<void> {
  const { network, pool } = runtime;
  const batch = Math.min(MOST_IN_BATCH, samples.count);
  const width = outputsOf(network);
  const chosen = new Float32Array(batch * width);
  const feeds = new Map(foldState(network, state)).set(ASKED, chosen);
  const make = (lowering: Lowering) => positionProgram(lowering, network);
  for (const { start, count, inputs } of slices(runtime, samples, batch)) {
    chosen.fill(0);
    for (let i = 0; i < count; i++) chosen[i * width + asked[start + i]] = 1;
    const outputs = await pool.run("positions", network, batch, make, feeds.set("input", inputs));
    for (let i = 0; i < count; i++) {
      const own = (values: Float32Array) =>
        values.subarray((i * values.length) / batch, ((i + 1) * values.length) / batch);
      visit(
        new Map(
          unitsOf(network).map(({ id }) => [
            id,
            { activations: own(outputs.get(activationAt(id))!), slopes: own(outputs.get(slopeAt(id))!) },
          ]),
        ),
      );
    }
  }
}
