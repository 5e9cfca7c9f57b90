import type { NeuronSet } from "../core/neurons.ts";
import { type FoldedState, foldState } from "../graph/fold.ts";
import { inferShapes, type Network, neuronLayers } from "../graph/network.ts";
import { responseOf } from "../graph/objectives/backdoor-response.ts";
import { lastProgram } from "../graph/programs/part.ts";
import { downstreamOf, type FeatureChannel, type Part, whereRead } from "../graph/suffix.ts";
import type { ImageSet } from "../images/image-set.ts";
import { stampSet } from "../images/trigger/stamp.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";
import type { OrtRunner } from "./ort-runner.ts";
import { batchOf, type Features, SegmentWalk, segmentsOf } from "./segments.ts";

const MOST_IN_BATCH = 128;

/**
 * The single-neuron effect behind the effective set (docs/methods.md §9.2): Δ = (fall of the backdoor response r on
 * triggered images) − (fall of r on their clean versions) when a neuron is set to its clean mean, mean over images.
 *
 * Only what follows a neuron is run again, from stored features; units that a concatenation joins share a program.
 *
 * @param images clean images of other classes than the target
 * @returns Δ per wanted neuron, aligned with `wanted`
 */
export async function singleEffects(
  runner: OrtRunner,
  state: StateDict,
  wanted: NeuronSet,
  images: ImageSet,
  { trigger, target }: Backdoor,
): Promise<Record<string, number[]>> {
  const { network } = runner;
  const means = await cleanMeans(runner, state, images);
  const triggered = stampSet(trigger, images);
  const folded = foldState(network, state);
  const units = new Set(Object.keys(wanted).filter((unit) => wanted[unit].length > 0));
  const walk = new SegmentWalk(runner, folded, [triggered, images], Math.min(MOST_IN_BATCH, 2 * images.count));
  const effects: Record<string, number[]> = {};
  for (const segment of segmentsOf(network, units)) {
    // By the feature in which they are read: what follows it is one program.
    const groups = new Map<string, { unit: string; index: number; at: FeatureChannel }[]>();
    for (const unit of segment.units) {
      effects[unit] = new Array(wanted[unit].length).fill(0);
      for (const [index, channel] of wanted[unit].entries()) {
        const at = whereRead(network, { id: unit, channel });
        groups.set(at.id, [...(groups.get(at.id) ?? []), { unit, index, at }]);
      }
    }
    const parts = new Map([...groups.keys()].map((id) => [id, downstreamOf(network, id)]));
    const features = await walk.to(segment.end, new Set([...parts.values()].flatMap(({ reads }) => reads)));
    for (const [id, members] of groups) {
      await withDownstream(runner, folded, parts.get(id)!, features, target, async (respond) => {
        const base = await respond();
        for (const { unit, index, at } of members) {
          const value = means.get(unit)![wanted[unit][index]];
          const held = await respond({ ...at, value });
          // The triggered images come first, then the same ones without the trigger.
          let sum = 0;
          for (let i = 0; i < images.count; i++) {
            const other = images.count + i;
            sum += base[i] - held[i] - (base[other] - held[other]);
          }
          effects[unit][index] = sum / images.count;
        }
      });
    }
  }
  return effects;
}

/** Spatial and image mean of every neuron's activation. */
async function cleanMeans(runner: OrtRunner, state: StateDict, images: ImageSet): Promise<Map<string, Float64Array>> {
  const taps = await runner.taps(state, images, "mean");
  const means = new Map<string, Float64Array>();
  for (const { name, width } of neuronLayers(runner.network)) {
    const sums = new Float64Array(width);
    const values = taps.get(name)!;
    for (let i = 0; i < values.length; i++) sums[i % width] += values[i];
    means.set(
      name,
      sums.map((sum) => sum / images.count),
    );
  }
  return means;
}

/** One channel of a feature held at a value. */
interface Override extends FeatureChannel {
  value: number;
}

/** The backdoor response of every image, with at most one channel overridden. */
type Respond = (override?: Override) => Promise<Float64Array>;

/** Opens the program of what follows a feature for as long as `work` asks it. */
function withDownstream(
  { network, pool }: OrtRunner,
  folded: FoldedState,
  part: Part,
  features: Features,
  target: number,
  work: (respond: Respond) => Promise<void>,
): Promise<void> {
  const count = countOf(network, part, features);
  const batch = Math.min(MOST_IN_BATCH, count);
  return pool.lend(
    network,
    batch,
    (lowering) => lastProgram(lowering, network, part),
    (session) => {
      const run = async () => {
        const responses = new Float64Array(count);
        for (let start = 0; start < count; start += batch) {
          const feeds = new Map([...folded, ...batchOf(network, part, features, start, batch)]);
          const logits = (await session.run(feeds)).get("logits")!;
          const real = Math.min(batch, count - start);
          for (let i = 0; i < real; i++)
            responses[start + i] = responseOf(logits.subarray(i * network.classes, (i + 1) * network.classes), target);
        }
        return responses;
      };
      return work((override) => (override ? holding(network, features, override, run) : run()));
    },
  );
}

/** Runs with a channel of a stored feature overwritten, and puts it back. */
async function holding<T>(
  network: Network,
  features: Features,
  { id, channel, value }: Override,
  run: () => Promise<T>,
): Promise<T> {
  const [channels, height, width] = inferShapes(network).get(id)!;
  const area = height * width;
  const values = features.get(id)!;
  const kept = new Float32Array(values.length / channels);
  const count = kept.length / area;
  for (let i = 0; i < count; i++) {
    const map = values.subarray((i * channels + channel) * area, (i * channels + channel + 1) * area);
    kept.set(map, i * area);
    map.fill(value);
  }
  const result = await run();
  for (let i = 0; i < count; i++) values.set(kept.subarray(i * area, (i + 1) * area), (i * channels + channel) * area);
  return result;
}

/** Images that the stored features are of. */
function countOf(network: Network, { reads }: Part, features: Features): number {
  const [channels, height, width] = inferShapes(network).get(reads[0])!;
  return features.get(reads[0])!.length / (channels * height * width);
}
