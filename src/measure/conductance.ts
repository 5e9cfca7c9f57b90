import type { Samples } from "../core/samples.ts";
import { foldState } from "../graph/fold.ts";
import type { Lowering } from "../graph/lowering/lowering.ts";
import { neuronLayers } from "../graph/network.ts";
import { conductanceProgram, dotOf } from "../graph/programs/contribution.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";
import { type Encoding, slices } from "./batches.ts";
import { counterpartOf } from "./counterpart.ts";
import type { OrtRunner } from "./ort-runner.ts";

const MOST_IN_BATCH = 64;

/** Segments of the path from a triggered sample's counterpart, the clean sample, to it (docs/methods.md §9.1). */
export const CONDUCTANCE_STEPS = 8;

/** Per layer, one number per neuron: the mean over samples. */
export type NeuronValues = Map<string, Float64Array>;

/**
 * Conductance of the backdoor response r along clean → triggered (docs/methods.md §9.1,
 * unclipped): `c = E_x Σ_s Σ_hw ∂r/∂a(x_{s+½})·[a(x_{s+1}) − a(x_s)]` with `x_s = x + (s/S)(T(x) − x)`.
 */
export function conductance(
  runner: OrtRunner,
  state: StateDict,
  samples: Samples,
  backdoor: Backdoor,
): Promise<NeuronValues> {
  const steps = Array.from({ length: CONDUCTANCE_STEPS }, (_, s) => ({
    from: s / CONDUCTANCE_STEPS,
    to: (s + 1) / CONDUCTANCE_STEPS,
    middle: (s + 0.5) / CONDUCTANCE_STEPS,
  }));
  return alongPath(runner, state, samples, backdoor, steps);
}

/**
 * Attribution patching of every neuron (docs/methods.md §9.3): the activation's difference triggered − clean times
 * the gradient of r at the triggered sample.
 */
export function attributionPatching(
  runner: OrtRunner,
  state: StateDict,
  samples: Samples,
  backdoor: Backdoor,
): Promise<NeuronValues> {
  return alongPath(runner, state, samples, backdoor, [{ from: 0, to: 1, middle: 1 }]);
}

interface Segment {
  from: number;
  to: number;
  middle: number;
}

async function alongPath(
  runner: OrtRunner,
  state: StateDict,
  samples: Samples,
  { trigger, target }: Backdoor,
  segments: Segment[],
): Promise<NeuronValues> {
  const { task, pool, normalization } = runner;
  const { response } = task;
  const lookedUp = task.inputs.lookedUp?.(runner.network, state);
  const network = lookedUp?.network ?? runner.network;
  const encoding: Encoding = lookedUp ? { task: { inputs: { ...task.inputs, ...lookedUp } }, normalization } : runner;
  const totals: NeuronValues = new Map(neuronLayers(network).map(({ name, width }) => [name, new Float64Array(width)]));
  const folded = foldState(network, state);
  const [feeds, steady] = [new Map(folded), new Set(folded.keys())];
  const make = (lowering: Lowering) => conductanceProgram(lowering, network, response.objective);
  // A program's batch is of fixed size: no larger than the samples, or most of it would be padding.
  const batch = Math.min(MOST_IN_BATCH, samples.count);
  const triggered = slices(encoding, task.trigger.stamp(trigger, samples), batch);
  for (const clean of slices(encoding, counterpartOf(task, trigger, samples), batch)) {
    const end = triggered.next().value!.inputs;
    for (const [name, values] of response.feeds(samples, target, clean.start, batch, network)) feeds.set(name, values);
    const at = (share: number) => clean.inputs.map((value, i) => value + share * (end[i] - value));
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
  for (const sums of totals.values()) for (let c = 0; c < sums.length; c++) sums[c] /= samples.count;
  return totals;
}
