import { highest } from "../../core/argmax.ts";
import { classifierOf, inferShapes, type Network } from "../../graph/network.ts";
import type { Profile } from "../../measure/profile.ts";
import { rowOf } from "../../measure/verdicts.ts";
import type { BlindTask } from "../../tasks/task.ts";

/**
 * What one sample does to every channel: activations, and differences from the clean averages (docs/methods.md §10.6,
 * step 1).
 */
export interface Deltas {
  /** Activation y of a node's channels, as the nodes behind it read them. */
  activation(node: string): Float32Array;
  /** `y − ȳ` of the same. */
  feature(node: string): Float64Array;
  /** `y − ȳ` of a unit's batch-norm output, or of the outputs at the classifier. */
  sum(node: string): Float64Array;
  /** Which outputs make up what the model answers, e.g. the class of the highest. */
  answer: readonly number[];
}

/** Averages per channel over the samples of a profile: ȳ. */
export interface Averages {
  features: Map<string, Float64Array>;
  sums: Map<string, Float64Array>;
}

export function averagesOf(network: Network, profile: Profile): Averages {
  const average = (values: Float32Array) => {
    const width = values.length / profile.count;
    const sums = new Float64Array(width);
    for (let i = 0; i < values.length; i++) sums[i % width] += values[i];
    return sums.map((sum) => sum / profile.count);
  };
  const all = (arrays: ReadonlyMap<string, Float32Array>) =>
    new Map([...arrays].map(([id, values]) => [id, average(values)]));
  return { features: all(profile.features), sums: all(sumsOf(network, profile)) };
}

/** The profile's samples one by one, less the averages. Arrays are reused by the next one. */
export function* deltasOf(
  network: Network,
  profile: Profile,
  averages: Averages,
  task: Pick<BlindTask, "answer">,
): Generator<Deltas> {
  const sums = sumsOf(network, profile);
  const shapes = inferShapes(network);
  const rows = (arrays: ReadonlyMap<string, Float32Array>) =>
    new Map([...arrays.keys()].map((id) => [id, new Float64Array(shapes.get(id)![0])]));
  const [featureRows, sumRows] = [rows(profile.features), rows(sums)];
  const fill = (
    into: Map<string, Float64Array>,
    from: ReadonlyMap<string, Float32Array>,
    mean: Averages["sums"],
    i: number,
  ) => {
    for (const [id, row] of into) {
      const [values, centre] = [from.get(id)!, mean.get(id)!];
      for (let c = 0; c < row.length; c++) row[c] = values[i * row.length + c] - centre[c];
    }
  };
  for (let i = 0; i < profile.count; i++) {
    fill(featureRows, profile.features, averages.features, i);
    fill(sumRows, sums, averages.sums, i);
    const output = rowOf(profile.outputs, profile.count, i);
    yield {
      activation: (node) => {
        const values = profile.features.get(node)!;
        const width = values.length / profile.count;
        return values.subarray(i * width, (i + 1) * width);
      },
      feature: (node) => featureRows.get(node)!,
      sum: (node) => sumRows.get(node)!,
      answer: task.answer ? task.answer(output) : [highest(output)],
    };
  }
}

/** The outputs of everything that sums with weights. */
function sumsOf(network: Network, { norms, outputs }: Profile): Map<string, Float32Array> {
  return new Map([...norms, [classifierOf(network).id, outputs]]);
}
