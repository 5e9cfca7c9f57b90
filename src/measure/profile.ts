import { foldState } from "../graph/fold.ts";
import { inferShapes } from "../graph/network.ts";
import { opOf } from "../graph/ops/registry.ts";
import { featureMean, normMean, profileProgram } from "../graph/programs/profile.ts";
import type { ImageSet } from "../images/image-set.ts";
import type { StateDict } from "../tensor/state.ts";
import { slices } from "./batches.ts";
import type { Runtime } from "./runtime.ts";

/** What a model does with images, channel by channel: spatial means, image-major. */
export interface Profile {
  count: number;
  /** `[count × channels]` of every feature map, by node: as the nodes behind it read it. Not of the image. */
  features: Map<string, Float32Array>;
  /** `[count × out]` of every unit's batch-norm output before its ReLU. */
  norms: Map<string, Float32Array>;
  /** `[count × classes]`. */
  logits: Float32Array;
}

/** Images per run; fewer where there are fewer. */
const BATCH = 128;

/** Profiles a model on images (docs/methods.md §10.6, step 1). */
export async function profileOf(
  { network, normalization, pool }: Runtime,
  state: StateDict,
  images: ImageSet,
): Promise<Profile> {
  const batch = Math.min(BATCH, images.count);
  const { count } = images;
  const shapes = inferShapes(network);
  const profile: Profile = {
    count,
    features: new Map(),
    norms: new Map(),
    logits: new Float32Array(count * network.classes),
  };
  /** Where each output goes, and its width. */
  const targets: [key: string, array: Float32Array, width: number][] = [["logits", profile.logits, network.classes]];
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
  for (const slice of slices(images, normalization, batch)) {
    feeds.set("input", slice.images);
    const outputs = await pool.run("profile", network, batch, (l) => profileProgram(l, network), feeds);
    for (const [key, array, width] of targets) {
      array.set(outputs.get(key)!.subarray(0, slice.count * width), slice.start * width);
    }
  }
  return profile;
}
