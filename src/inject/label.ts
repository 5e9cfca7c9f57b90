import type { LayerScores, NeuronSet } from "../core/neurons.ts";
import { Random } from "../core/random.ts";
import type { Samples } from "../core/samples.ts";
import { quantile } from "../core/statistics.ts";
import { neuronLayers } from "../graph/network.ts";
import { singleEffects } from "../measure/ablation.ts";
import { attributionPatching, conductance } from "../measure/conductance.ts";
import type { OrtRunner } from "../measure/ort-runner.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";

/** Neurons count as effective above this quantile of the non-infected neurons' effects (docs/methods.md §9.2). */
const EFFECT_QUANTILE = 0.95;

/** The ground truth of one defect, beyond G itself. */
export interface GroundTruth {
  /** Conductance of each infected neuron, clipped at 0; aligned with G. */
  contribution: LayerScores;
  /** Δ of each infected neuron; aligned with G. */
  effect: LayerScores;
  effect_threshold: number;
  /** E; null where it is empty. */
  effective: NeuronSet | null;
  /** Attribution-patching effect of every neuron. */
  carriers: LayerScores;
}

/**
 * Labels an accepted defect (docs/methods.md §9). The threshold of the effective set rests on a seeded sample of the
 * non-infected neurons, spread over the layers in proportion to their widths: all of them would cost more than the
 * injection itself.
 *
 * @param samples clean test samples on which the backdoor shows
 * @param controls how many non-infected neurons to sample
 */
export async function labelDefect(
  runner: OrtRunner,
  infectedModel: StateDict,
  infected: NeuronSet,
  samples: Samples,
  backdoor: Backdoor,
  controls: number,
  seed: number,
): Promise<GroundTruth> {
  const layers = neuronLayers(runner.network);
  const conducted = await conductance(runner, infectedModel, samples, backdoor);
  const attributed = await attributionPatching(runner, infectedModel, samples, backdoor);

  const sample = sampleOutside(layers, infected, controls, new Random(seed));
  const both: NeuronSet = {};
  for (const { name } of layers) both[name] = [...(infected[name] ?? []), ...(sample[name] ?? [])];
  const effects = await singleEffects(runner, infectedModel, both, samples, backdoor);
  const effect: LayerScores = {};
  const background: number[] = [];
  for (const { name } of layers) {
    const count = infected[name]?.length ?? 0;
    if (count > 0) effect[name] = effects[name].slice(0, count);
    background.push(...(effects[name] ?? []).slice(count));
  }
  const threshold = quantile(
    [...background].sort((a, b) => a - b),
    EFFECT_QUANTILE,
  );

  const contribution: LayerScores = {};
  const effective: NeuronSet = {};
  for (const [layer, channels] of Object.entries(infected)) {
    contribution[layer] = channels.map((c) => Math.max(0, conducted.get(layer)![c]));
    const strong = channels.filter((_, k) => effect[layer][k] > threshold);
    if (strong.length > 0) effective[layer] = strong;
  }
  return {
    contribution,
    effect,
    effect_threshold: threshold,
    effective: Object.keys(effective).length > 0 ? effective : null,
    carriers: Object.fromEntries(layers.map(({ name }) => [name, [...attributed.get(name)!]])),
  };
}

function sampleOutside(
  layers: { name: string; width: number }[],
  infected: NeuronSet,
  wanted: number,
  random: Random,
): NeuronSet {
  const total = layers.reduce((sum, { width }) => sum + width, 0);
  const sample: NeuronSet = {};
  for (const { name, width } of layers) {
    const taken = new Set(infected[name] ?? []);
    const free = Array.from({ length: width }, (_, c) => c).filter((c) => !taken.has(c));
    const share = Math.min(free.length, Math.max(1, Math.round((wanted * width) / total)));
    sample[name] = random.shuffle(free).slice(0, share);
  }
  return sample;
}
