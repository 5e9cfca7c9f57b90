import { highest } from "../../core/argmax.ts";
import type { Samples } from "../../core/samples.ts";
import { neuronLayers } from "../../graph/network.ts";
import { positionsThatCount } from "../../measure/positions.ts";
import { rowOf } from "../../measure/verdicts.ts";
import type { Suspect } from "../types.ts";
import { smallestKept } from "./kept.ts";
import type { Sliced, SliceShare } from "./slices.ts";

type Sliceable = Pick<Suspect, "task" | "network" | "state" | "runner">;

/**
 * Slices of a network of sequences, to first order (docs/methods.md §10.10). What a neuron contributes at a position is
 * `(a − ā)·∂z/∂a`, with z the answer's logit: the slope carries attention and norms, through which no signs could be traced.
 * Of a layer's contributions the smallest that together make up a share θ of all are dropped; the others count by their sign,
 * and a neuron's CONTRIB is the sum over positions.
 */
export class PositionSlices implements Sliced {
  private readonly suspect: Sliceable;
  private readonly theta: number;
  /** ā, by layer: the mean over the positions of clean samples that the answer depends on. */
  private readonly means: ReadonlyMap<string, Float64Array>;
  private clean: Map<string, SliceShare> = new Map();

  private constructor(suspect: Sliceable, means: ReadonlyMap<string, Float64Array>, theta: number) {
    this.suspect = suspect;
    this.means = means;
    this.theta = theta;
  }

  /** @param clean samples whose averages every activation is compared with */
  static async against(suspect: Sliceable, clean: Samples, theta: number): Promise<PositionSlices> {
    const slices = new PositionSlices(suspect, await meansOf(suspect, clean), theta);
    slices.clean = await slices.of(clean);
    return slices;
  }

  ofClean(): Map<string, SliceShare> {
    return this.clean;
  }

  async of(samples: Samples): Promise<Map<string, SliceShare>> {
    const { network, state, runner } = this.suspect;
    const layers = neuronLayers(network);
    const blank = () => new Map(layers.map(({ name, width }) => [name, new Float64Array(width)]));
    const [strength, absent, contrib] = [blank(), blank(), blank()];
    const asked = await answersOf(this.suspect, samples);
    await runner.eachPosition(state, samples, asked, (positions) => {
      for (const { name, width } of layers) {
        const { activations, slopes } = positions.get(name)!;
        const means = this.means.get(name)!;
        const terms = Float64Array.from(activations, (a, i) => (a - means[i % width]) * slopes[i]);
        const magnitudes = terms.map(Math.abs);
        const least = smallestKept(magnitudes, this.theta * magnitudes.reduce((sum, value) => sum + value, 0));
        const own = contrib.get(name)!.fill(0);
        for (const [i, term] of terms.entries()) {
          if (term !== 0 && Math.abs(term) >= least) own[i % width] += Math.sign(term);
        }
        const most = own.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        for (let j = 0; j < width; j++) {
          if (own[j] === 0) absent.get(name)![j] += 1 / samples.count;
          else strength.get(name)![j] += Math.abs(own[j]) / most / samples.count;
        }
      }
    });
    return new Map(layers.map(({ name }) => [name, { strength: strength.get(name)!, absent: absent.get(name)! }]));
  }
}

/** The output that is highest for each sample. */
async function answersOf({ state, runner }: Sliceable, samples: Samples): Promise<Int32Array> {
  const outputs = await runner.outputs(state, samples);
  return Int32Array.from({ length: samples.count }, (_, i) => highest(rowOf(outputs, samples.count, i)));
}

async function meansOf(suspect: Sliceable, samples: Samples): Promise<Map<string, Float64Array>> {
  const { network, state, runner } = suspect;
  const layers = neuronLayers(network);
  const sums = new Map(layers.map(({ name, width }) => [name, new Float64Array(width)]));
  const counts = new Map(layers.map(({ name }) => [name, 0]));
  await runner.eachPosition(state, samples, await answersOf(suspect, samples), (positions) => {
    for (const { name, width } of layers) {
      const layer = positions.get(name)!;
      const sum = sums.get(name)!;
      for (const at of positionsThatCount(layer, width)) {
        counts.set(name, counts.get(name)! + 1);
        for (let j = 0; j < width; j++) sum[j] += layer.activations[at + j];
      }
    }
  });
  for (const [name, sum] of sums) for (let j = 0; j < sum.length; j++) sum[j] /= Math.max(1, counts.get(name)!);
  return sums;
}
