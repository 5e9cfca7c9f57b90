import { stampSet } from "../attacks/stamp.ts";
import type { Trigger } from "../attacks/types.ts";
import type { NeuronSet } from "../core/neurons.ts";
import { type ImageSet, imageSize } from "../datasets/types.ts";
import { type FoldedState, foldState } from "../graph/fold.ts";
import { convUnits, type Network } from "../graph/network.ts";
import { keepInput, overrideProgram, valueInput } from "../graph/programs/intervene.ts";
import { cutFeatureProgram } from "../graph/programs/prefix.ts";
import { cutPoints, suffixNetwork } from "../graph/suffix.ts";
import type { StateDict } from "../tensor/state.ts";
import { slices } from "./batches.ts";
import type { OrtRunner } from "./ort-runner.ts";

const BATCH = 128;

/**
 * The single-neuron effect behind the effective set (METHODS §3.4): Δ = (fall of the backdoor response r on triggered
 * images) − (fall of r on their clean versions) when a neuron is set to its clean mean, mean over images.
 *
 * Only what follows a neuron is run again: the network is cut where one feature determines the rest, the features at
 * the cut are computed once, and each neuron costs a pass over the suffix from the cut before its layer.
 *
 * @param images clean images of other classes than the target
 * @returns Δ per wanted neuron, aligned with `wanted`
 */
export async function singleEffects(
  runner: OrtRunner,
  state: StateDict,
  wanted: NeuronSet,
  images: ImageSet,
  trigger: Trigger,
  target: number,
): Promise<Record<string, number[]>> {
  const { network } = runner;
  const means = await cleanMeans(runner, state, images);
  const triggered = stampSet(trigger, images);
  const effects: Record<string, number[]> = {};
  for (const [cut, units] of unitsByCut(network, wanted)) {
    const suffix = suffixNetwork(network, cut);
    const features = [await featuresAt(runner, state, cut, triggered), await featuresAt(runner, state, cut, images)];
    const folded = foldState(suffix, state);
    const respond = (feature: Float32Array, override?: Override) =>
      suffixResponse(runner, suffix, folded, feature, units, target, override);
    const base = [await respond(features[0]), await respond(features[1])];
    for (const unit of units) {
      effects[unit] = [];
      for (const channel of wanted[unit]) {
        const override = { unit, channel, value: means.get(unit)![channel] };
        const fallTriggered = base[0] - (await respond(features[0], override));
        const fallClean = base[1] - (await respond(features[1], override));
        effects[unit].push(fallTriggered - fallClean);
      }
    }
  }
  return effects;
}

/** Spatial and image mean of every neuron's activation. */
async function cleanMeans(runner: OrtRunner, state: StateDict, images: ImageSet): Promise<Map<string, Float64Array>> {
  const taps = await runner.taps(state, images, "mean");
  const means = new Map<string, Float64Array>();
  for (const { id, out } of convUnits(runner.network)) {
    const sums = new Float64Array(out);
    const values = taps.get(id)!;
    for (let i = 0; i < values.length; i++) sums[i % out] += values[i];
    means.set(
      id,
      sums.map((sum) => sum / images.count),
    );
  }
  return means;
}

/** Groups the units by the last cut point before them. */
function unitsByCut(network: Network, wanted: NeuronSet): Map<string, string[]> {
  const cuts = new Set(cutPoints(network));
  const groups = new Map<string, string[]>();
  let current = network.nodes[0].id;
  for (const node of network.nodes) {
    if (node.op === "conv" && wanted[node.id]?.length) {
      groups.set(current, [...(groups.get(current) ?? []), node.id]);
    }
    if (cuts.has(node.id)) current = node.id;
  }
  return groups;
}

/** The features at a cut point, `[count, C, H, W]`. */
async function featuresAt(runner: OrtRunner, state: StateDict, cut: string, images: ImageSet): Promise<Float32Array> {
  const { network, normalization, pool } = runner;
  if (network.nodes[0].id === cut) {
    const all = new Float32Array(images.count * imageSize(images));
    for (const slice of slices(images, normalization, BATCH)) {
      all.set(slice.images.subarray(0, slice.count * imageSize(images)), slice.start * imageSize(images));
    }
    return all;
  }
  const { channels, height, width } = suffixNetwork(network, cut).input;
  const size = channels * height * width;
  const all = new Float32Array(images.count * size);
  const feeds = new Map(foldState(network, state));
  for (const slice of slices(images, normalization, BATCH)) {
    feeds.set("input", slice.images);
    const outputs = await pool.run(`prefix ${cut}`, network, BATCH, (l) => cutFeatureProgram(l, network, cut), feeds);
    all.set(outputs.get("feature")!.subarray(0, slice.count * size), slice.start * size);
  }
  return all;
}

/** One neuron held at a value. */
interface Override {
  unit: string;
  channel: number;
  value: number;
}

/** Mean backdoor response of the suffix, with at most one neuron overridden. */
async function suffixResponse(
  { pool }: OrtRunner,
  suffix: Network,
  folded: FoldedState,
  features: Float32Array,
  units: string[],
  target: number,
  override?: Override,
): Promise<number> {
  const { channels, height, width } = suffix.input;
  const size = channels * height * width;
  const feeds = new Map(folded);
  for (const { id, out } of convUnits(suffix)) {
    if (!units.includes(id)) continue;
    const keep = new Float32Array(out).fill(1);
    const value = new Float32Array(out);
    if (override?.unit === id) {
      keep[override.channel] = 0;
      value[override.channel] = override.value;
    }
    feeds.set(keepInput(id), keep).set(valueInput(id), value);
  }
  const name = `override ${units.join()}`;
  const count = features.length / size;
  // A program's batch is of fixed size: no larger than the images, or most of it would be padding.
  const most = Math.min(BATCH, count);
  let total = 0;
  for (let start = 0; start < count; start += most) {
    const real = Math.min(most, count - start);
    let batch = features.subarray(start * size, (start + most) * size);
    if (real < most) {
      const padded = new Float32Array(most * size);
      padded.set(batch);
      batch = padded;
    }
    feeds.set("input", batch);
    const outputs = await pool.run(name, suffix, most, (l) => overrideProgram(l, suffix, new Set(units)), feeds);
    total += sumResponse(outputs.get("logits")!, real, suffix.classes, target);
  }
  return total / count;
}

/** Σ over images of `f_t − max_{j≠t} f_j`. */
function sumResponse(logits: Float32Array, count: number, classes: number, target: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) if (c !== target) best = Math.max(best, logits[i * classes + c]);
    sum += logits[i * classes + target] - best;
  }
  return sum;
}
