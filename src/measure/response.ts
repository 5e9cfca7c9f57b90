import { foldState } from "../graph/fold.ts";
import { convUnits } from "../graph/network.ts";
import { dotOf } from "../graph/programs/contribution.ts";
import { meanTap } from "../graph/programs/infer.ts";
import { responseProgram, slopeOf } from "../graph/programs/response.ts";
import type { ImageSet } from "../images/image-set.ts";
import type { StateDict } from "../tensor/state.ts";
import { slices } from "./batches.ts";
import type { Runtime } from "./runtime.ts";

const MOST_IN_BATCH = 64;

/** What the response owes to the neurons of a layer: means over images, one number per neuron. */
export interface LayerResponse {
  /** `E Σ_hw a·∂r/∂a` */
  dots: Float64Array;
  /** `E Σ_hw ∂r/∂a` */
  slopes: Float64Array;
  /** Mean of a over images and space. */
  means: Float64Array;
}

/**
 * First-order terms of `r = f_t − max_{j≠t} f_j` by every neuron (docs/methods.md §10.13), by layer.
 *
 * @param images at least one
 */
export async function responseTerms(
  { network, normalization, pool }: Runtime,
  state: StateDict,
  images: ImageSet,
  target: number,
): Promise<Map<string, LayerResponse>> {
  const units = convUnits(network);
  const terms = new Map(
    units.map(({ id, out }): [string, LayerResponse] => [
      id,
      { dots: new Float64Array(out), slopes: new Float64Array(out), means: new Float64Array(out) },
    ]),
  );
  const feeds = new Map(foldState(network, state));
  const oneHot = new Float32Array(network.classes);
  oneHot[target] = 1;
  feeds.set("target", oneHot);
  const batch = Math.min(MOST_IN_BATCH, images.count);
  for (const slice of slices(images, normalization, batch)) {
    feeds.set("input", slice.images);
    const outputs = await pool.run("response", network, batch, (l) => responseProgram(l, network), feeds);
    for (const { id, out } of units) {
      const { dots, slopes, means } = terms.get(id)!;
      for (const [sums, key] of [
        [dots, dotOf(id)],
        [slopes, slopeOf(id)],
        [means, meanTap(id)],
      ] as const) {
        const values = outputs.get(key)!;
        for (let i = 0; i < slice.count * out; i++) sums[i % out] += values[i] / images.count;
      }
    }
  }
  return terms;
}
