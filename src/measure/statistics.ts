import type { Samples } from "../core/samples.ts";
import { BN_EPSILON } from "../graph/batchnorm.ts";
import { type FoldedState, foldNode, toOhwi } from "../graph/fold.ts";
import { foldedWeight } from "../graph/folded.ts";
import { classifierOf, convUnits, inferShapes, type Network, weightedNodes } from "../graph/network.ts";
import { centreInput, gainInput, shiftInput } from "../graph/preactivation.ts";
import { preActivationProgram, squareOf, sumOf } from "../graph/programs/preactivation.ts";
import { type StateDict, tensorOf } from "../tensor/state.ts";
import { slices } from "./batches.ts";
import type { Runtime } from "./runtime.ts";

/** Mean and variance of each channel of a unit. */
export interface UnitStatistics {
  mean: Float64Array;
  variance: Float64Array;
}

/** Mean and variance of every neuron's pre-activation, as the batch norms hold them. */
export function storedStatistics(network: Network, state: StateDict): Map<string, UnitStatistics> {
  const part = (bn: string, name: string) => Float64Array.from(tensorOf(state, `${bn}.running_${name}`).data);
  return new Map(convUnits(network).map(({ id, bn }) => [id, { mean: part(bn, "mean"), variance: part(bn, "var") }]));
}

/**
 * Mean and (biased) variance of every neuron's pre-activation z, the output of its convolution before batch norm, over
 * samples and positions. Sums run over `z − μ` with the stored mean μ, so that a small variance survives beside a large
 * mean; over one sample in float32, over samples in float64.
 */
export async function empiricalStatistics(
  runtime: Runtime,
  state: StateDict,
  samples: Samples,
): Promise<Map<string, UnitStatistics>> {
  const { network, pool } = runtime;
  const units = convUnits(network);
  // Language models have no batch norm: of them nothing is rewritten.
  if (units.length === 0) return new Map();
  const totals = new Map(
    units.map(({ id, out }) => [id, { sum: new Float64Array(out), square: new Float64Array(out) }]),
  );
  const batch = Math.min(128, samples.count);
  const feeds = preActivationFeeds(network, state);
  for (const slice of slices(runtime, samples, batch)) {
    feeds.set("input", slice.inputs);
    const outputs = await pool.run("moments", network, batch, (l) => preActivationProgram(l, network), feeds);
    for (const { id, out } of units) {
      const { sum, square } = totals.get(id)!;
      const [sums, squares] = [outputs.get(sumOf(id))!, outputs.get(squareOf(id))!];
      for (let i = 0; i < slice.count * out; i++) {
        sum[i % out] += sums[i];
        square[i % out] += squares[i];
      }
    }
  }
  const shapes = inferShapes(network);
  const stored = storedStatistics(network, state);
  return new Map(
    units.map(({ id }) => {
      const [, height, width] = shapes.get(id)!;
      const count = samples.count * height * width;
      const { sum, square } = totals.get(id)!;
      const offset = sum.map((value) => value / count);
      // Rounding can take a constant channel just below zero.
      const variance = square.map((value, c) => Math.max(0, value / count - offset[c] ** 2));
      return [id, { mean: offset.map((value, c) => stored.get(id)!.mean[c] + value), variance }];
    }),
  );
}

export function preActivationFeeds(network: Network, state: StateDict): FoldedState {
  const feeds: FoldedState = new Map();
  for (const { id, bn, bias } of convUnits(network)) {
    const part = (name: string) => tensorOf(state, `${bn}.${name}`).data;
    const [mean, variance] = [part("running_mean"), part("running_var")];
    const convBias = bias ? tensorOf(state, `${id}.bias`).data : undefined;
    feeds.set(foldedWeight(id), toOhwi(tensorOf(state, `${id}.weight`)));
    feeds.set(
      centreInput(id),
      mean.map((mu, c) => (convBias?.[c] ?? 0) - mu),
    );
    feeds.set(
      gainInput(id),
      part("weight").map((gamma, c) => gamma / Math.sqrt(variance[c] + BN_EPSILON)),
    );
    feeds.set(shiftInput(id), part("bias"));
  }
  for (const node of weightedNodes(network)) {
    if (node.bn === undefined) for (const [name, values] of foldNode(state, node)) feeds.set(name, values);
  }
  const { id } = classifierOf(network);
  for (const name of ["weight", "bias"]) feeds.set(`${id}.${name}`, tensorOf(state, `${id}.${name}`).data);
  return feeds;
}
