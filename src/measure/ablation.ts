import type { NeuronSet } from "../core/neurons.ts";
import type { Samples } from "../core/samples.ts";
import { LaidOutWeights, laysOut } from "../engine/laid-out.ts";
import { type FoldedState, foldState } from "../graph/fold.ts";
import type { FeatureSize, Lowering, Storage } from "../graph/lowering/lowering.ts";
import { inferShapes, type Network, neuronLayers, OUTPUT } from "../graph/network.ts";
import { lastProgram } from "../graph/programs/part.ts";
import { downstreamOf, type Part, poolsOf, whereHeld } from "../graph/suffix.ts";
import type { Backdoor } from "../tasks/backdoor.ts";
import type { StateDict } from "../tensor/state.ts";
import { counterpartOf } from "./counterpart.ts";
import type { OrtRunner } from "./ort-runner.ts";
import { batchOf, type Features, SegmentWalk, segmentsOf } from "./segments.ts";
import { rowOf } from "./verdicts.ts";

const MOST_IN_BATCH = 128;

/**
 * The single-neuron effect behind the effective set (docs/methods.md §9.2): Δ = (fall of the backdoor response r on
 * triggered samples) − (fall of r on their counterparts) when a neuron is set to its clean mean, mean over samples.
 *
 * Only what follows a neuron is run again, from stored features; units that a concatenation joins share a program. A channel that
 * is one number everywhere is so behind a max-pool, too, so that no pool that reads it first is run again.
 *
 * @param samples clean ones on which the backdoor shows
 * @returns Δ per wanted neuron, aligned with `wanted`
 */
export async function singleEffects(
  runner: OrtRunner,
  state: StateDict,
  wanted: NeuronSet,
  samples: Samples,
  { trigger, target }: Backdoor,
): Promise<Record<string, number[]>> {
  const { network, task } = runner;
  const means = await cleanMeans(runner, state, samples);
  const triggered = task.trigger.stamp(trigger, samples);
  const folded = foldState(network, state);
  const response = (output: Float32Array, i: number) => task.response.of(output, samples, i % samples.count, target);
  const effects: Record<string, number[]> = {};
  // By the feature in which they are read: what follows it is one program.
  const groups = new Map<string, { unit: string; index: number; channel: number }[]>();
  for (const [unit, channels] of Object.entries(wanted)) {
    if (channels.length === 0) continue;
    effects[unit] = new Array(channels.length).fill(0);
    for (const [index, own] of channels.entries()) {
      const { id, channel } = whereHeld(network, { id: unit, channel: own });
      groups.set(id, [...(groups.get(id) ?? []), { unit, index, channel }]);
    }
  }
  const calm = counterpartOf(task, trigger, samples);
  const walk = new SegmentWalk(runner, folded, [triggered, calm], Math.min(MOST_IN_BATCH, 2 * samples.count));
  for (const segment of segmentsOf(network, new Set(groups.keys()))) {
    const parts = new Map(segment.nodes.map((id) => [id, heldPart(network, id)]));
    const features = await walk.to(segment.end, new Set([...parts.values()].flatMap(({ reads }) => reads)));
    for (const [id, part] of parts) {
      const of = { id, count: 2 * samples.count, response };
      await withDownstream(runner, folded, part, features, of, async (respond) => {
        const base = await respond();
        for (const { unit, index, channel } of groups.get(id)!) {
          const held = await respond({ channel, value: means.get(unit)![wanted[unit][index]] });
          // The triggered samples come first, then the same ones without the trigger.
          let sum = 0;
          for (let i = 0; i < samples.count; i++) {
            const other = samples.count + i;
            sum += base[i] - held[i] - (base[other] - held[other]);
          }
          effects[unit][index] = sum / samples.count;
        }
      });
    }
  }
  return effects;
}

/** Mean over samples and positions of every neuron's activation. */
async function cleanMeans(runner: OrtRunner, state: StateDict, samples: Samples): Promise<Map<string, Float64Array>> {
  const taps = await runner.taps(state, samples, "mean");
  const means = new Map<string, Float64Array>();
  for (const { name, width } of neuronLayers(runner.network)) {
    const sums = new Float64Array(width);
    const values = taps.get(name)!;
    for (let i = 0; i < values.length; i++) sums[i % width] += values[i];
    means.set(
      name,
      sums.map((sum) => sum / samples.count),
    );
  }
  return means;
}

/** What follows a feature of which one channel is held at a number, which is then that of its pools' channel as well. */
function heldPart(network: Network, id: string): Part {
  return downstreamOf(network, id, poolsOf(network, id));
}

/** One channel of the feature held at a value. */
interface Override {
  channel: number;
  value: number;
}

/** The backdoor response of every sample, with at most one channel overridden. */
type Respond = (override?: Override) => Promise<Float64Array>;

/**
 * Opens the program of what follows a feature for as long as `work` asks it.
 *
 * @param of the feature's node, the samples there are, and the response of each
 */
async function withDownstream(
  { network, pool }: OrtRunner,
  folded: FoldedState,
  part: Part,
  features: Features,
  { id, count, response }: { id: string; count: number; response: (output: Float32Array, i: number) => number },
  work: (respond: Respond) => Promise<void>,
): Promise<void> {
  const batch = Math.min(MOST_IN_BATCH, count);
  let storageOf: ((size: FeatureSize) => Storage) | undefined;
  const make = (lowering: Lowering) => {
    storageOf = (size) => lowering.storage(size);
    if (laysOut(lowering, network)) lowering.graph.layOut(new Set(folded.keys()));
    return lastProgram(lowering, network, part, { stored: true });
  };
  await pool.lend(network, batch, make, (session) => {
    const feeds = new Map(folded);
    new LaidOutWeights(session.program.laidOut ?? [], feeds);
    const run = async () => {
      const responses = new Float64Array(count);
      for (let start = 0; start < count; start += batch) {
        for (const [name, values] of batchOf(part, features, start / batch)) feeds.set(name, values);
        const outputs = (await session.run(feeds)).get(OUTPUT)!;
        const real = Math.min(batch, count - start);
        for (let i = 0; i < real; i++) responses[start + i] = response(rowOf(outputs, batch, i), start + i);
      }
      return responses;
    };
    const shapes = inferShapes(network);
    const held = [id, ...poolsOf(network, id)].map((node): HeldMap => {
      const [channels, height, width] = shapes.get(node)!;
      const storage = storageOf!({ channels, height, width });
      return { batches: features.get(node)!, images: batch, area: height * width, storage };
    });
    return work((override) => (override ? holding(held, override, run) : run()));
  });
}

/** A stored feature whose channel is held. */
interface HeldMap {
  batches: Float32Array[];
  /** In a batch. */
  images: number;
  area: number;
  storage: Storage;
}

/** Runs with a channel of stored features overwritten, and puts it back. */
async function holding<T>(maps: readonly HeldMap[], { channel, value }: Override, run: () => Promise<T>): Promise<T> {
  const kept = maps.map(({ batches, images, area }) => new Float32Array(batches.length * images * area));
  const everywhere = (visit: (values: Float32Array, place: number, kept: Float32Array, at: number) => void) => {
    for (const [m, { batches, images, area, storage }] of maps.entries()) {
      let at = 0;
      for (const values of batches) {
        for (let image = 0; image < images; image++) {
          const start = storage.start(image, channel);
          for (let i = 0; i < area; i++) visit(values, start + i * storage.step, kept[m], at++);
        }
      }
    }
  };
  everywhere((values, place, saved, at) => {
    saved[at] = values[place];
    values[place] = value;
  });
  const result = await run();
  everywhere((values, place, saved, at) => {
    values[place] = saved[at];
  });
  return result;
}
