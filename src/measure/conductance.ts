import { foldState } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { neuronLayers } from "../graph/network.ts";
import { conductanceProgram, dotOf } from "../graph/programs/contribution.ts";
import type { ImageSet } from "../images/image-set.ts";
import { stampSet } from "../images/trigger/stamp.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";
import { slices } from "./batches.ts";
import type { OrtRunner } from "./ort-runner.ts";

const MOST_IN_BATCH = 64;

/** Segments of the path from the clean image to the triggered one (docs/methods.md §9.1). */
export const CONDUCTANCE_STEPS = 8;

/** Per layer, one number per neuron: the mean over images. */
export type NeuronValues = Map<string, Float64Array>;

/**
 * Conductance of the backdoor response `r = f_t − max_{j≠t} f_j` along clean → triggered (docs/methods.md §9.1,
 * unclipped): `c = E_x Σ_s Σ_hw ∂r/∂a(x_{s+½})·[a(x_{s+1}) − a(x_s)]` with `x_s = x + (s/S)(T(x) − x)`.
 */
export function conductance(
  runner: OrtRunner,
  state: StateDict,
  images: ImageSet,
  backdoor: Backdoor,
): Promise<NeuronValues> {
  const steps = Array.from({ length: CONDUCTANCE_STEPS }, (_, s) => ({
    from: s / CONDUCTANCE_STEPS,
    to: (s + 1) / CONDUCTANCE_STEPS,
    middle: (s + 0.5) / CONDUCTANCE_STEPS,
  }));
  return alongPath(runner, state, images, backdoor, steps);
}

/**
 * Attribution patching of every neuron (docs/methods.md §9.3): the activation's difference triggered − clean times
 * the gradient of r at the triggered image.
 */
export function attributionPatching(
  runner: OrtRunner,
  state: StateDict,
  images: ImageSet,
  backdoor: Backdoor,
): Promise<NeuronValues> {
  return alongPath(runner, state, images, backdoor, [{ from: 0, to: 1, middle: 1 }]);
}

interface Segment {
  from: number;
  to: number;
  middle: number;
}

async function alongPath(
  runner: OrtRunner,
  state: StateDict,
  images: ImageSet,
  { trigger, target }: Backdoor,
  segments: Segment[],
): Promise<NeuronValues> {
  const { network, normalization, pool } = runner;
  const totals: NeuronValues = new Map(neuronLayers(network).map(({ name, width }) => [name, new Float64Array(width)]));
  const folded = foldState(network, state);
  const [feeds, steady] = [new Map(folded), new Set(folded.keys())];
  const make = (lowering: Lowering) => conductanceProgram(lowering, network);
  const oneHot = new Float32Array(network.classes);
  oneHot[target] = 1;
  feeds.set("target", oneHot);
  // A program's batch is of fixed size: no larger than the images, or most of it would be padding.
  const batch = Math.min(MOST_IN_BATCH, images.count);
  const triggered = slices(stampSet(trigger, images), normalization, batch);
  for (const clean of slices(images, normalization, batch)) {
    const end = triggered.next().value!.images;
    const at = (share: number) => clean.images.map((value, i) => value + share * (end[i] - value));
    for (const segment of segments) {
      for (const name of ["from", "to", "middle"] as const) feeds.set(name, at(segment[name]));
      const outputs = await pool.run("conductance", network, batch, make, feeds, undefined, steady);
      for (const [id, sums] of totals) {
        const dots = outputs.get(dotOf(id))!;
        for (let i = 0; i < clean.count; i++) {
          for (let c = 0; c < sums.length; c++) sums[c] += dots[i * sums.length + c];
        }
      }
    }
  }
  for (const sums of totals.values()) for (let c = 0; c < sums.length; c++) sums[c] /= images.count;
  return totals;
}
