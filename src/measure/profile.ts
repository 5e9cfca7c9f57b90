import type { Samples } from "../core/samples.ts";
import { foldState } from "../graph/fold.ts";
import { inferShapes, OUTPUT, outputsOf } from "../graph/network.ts";
import { opOf } from "../graph/ops/registry.ts";
import { featureMean, normMean, profileProgram } from "../graph/programs/profile.ts";
import type { StateDict } from "../tensor/state.ts";
import { slices } from "./batches.ts";
import type { Runtime } from "./runtime.ts";

/** What a model does with samples, channel by channel: spatial means, sample by sample. */
export interface Profile {
  count: number;
  /** `[count × channels]` of every feature map, by node: as the nodes behind it read it. Not of the input. */
  features: Map<string, Float32Array>;
  /** `[count × out]` of every unit's batch-norm output before its ReLU. */
  norms: Map<string, Float32Array>;
  /** `[count × width]`. */
  outputs: Float32Array;
}

/** Samples per run; fewer where there are fewer. */
const BATCH = 128;

/** Profiles a model on samples (docs/methods.md §10.6, step 1). */
export async function profileOf(runtime: Runtime, state: StateDict, samples: Samples): Promise<Profile> {
  const { network, pool } = runtime;
  const { count } = samples;
  const batch = Math.min(BATCH, count);
  const outputWidth = outputsOf(network);
  const shapes = inferShapes(network);
  const profile: Profile = {
    count,
    features: new Map(),
    norms: new Map(),
    outputs: new Float32Array(count * outputWidth),
  };
  /** Where each output goes, and its width. */
  const targets: [key: string, array: Float32Array, width: number][] = [[OUTPUT, profile.outputs, outputWidth]];
  for (const node of network.nodes) {
    if (node.op === "input" || opOf(node).flat) continue;
    const width = shapes.get(node.id)![0];
    const means = new Float32Array(count * width);
    profile.features.set(node.id, means);
    targets.push([featureMean(node.id), means, width]);
    if (node.op !== "conv") continue;
    const norms = new Float32Array(count * width);
    profile.norms.set(node.id, norms);
    targets.push([normMean(node.id), norms, width]);
  }
  const feeds = new Map(foldState(network, state));
  for (const slice of slices(runtime, samples, batch)) {
    feeds.set("input", slice.inputs);
    const outputs = await pool.run("profile", network, batch, (l) => profileProgram(l, network), feeds);
    for (const [key, array, width] of targets) {
      array.set(outputs.get(key)!.subarray(0, slice.count * width), slice.start * width);
    }
  }
  return profile;
}
