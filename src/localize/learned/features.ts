import { indexNeurons } from "../../core/neuron-index.ts";
import type { LayerScores } from "../../core/neurons.ts";
import { neuronLayers } from "../../graph/network.ts";
import { firstOf, indicesOutside, subset } from "../../images/batch.ts";
import { ATTRIBUTION_IMAGES } from "../../reversal/attribution.ts";
import { reversePatch } from "../../reversal/reverse.ts";
import { stampPatch } from "../../reversal/stamp.ts";
import { type ReversalSubject, withImages } from "../../reversal/subject.ts";
import type { Suspect } from "../types.ts";
import { addActivationFeatures } from "./activation-features.ts";
import { addChainFeatures } from "./chain-features.ts";
import { FeatureTable } from "./feature-table.ts";
import { addFilterFeatures } from "./filter-features.ts";
import { addPatchFeatures } from "./patch-features.ts";
import { wordFeatures } from "./word-features.ts";

/** What is known of every neuron of a model. */
export interface NeuronFeatures {
  names: string[];
  /** `[neurons × names]`, row-major. */
  rows: Float32Array;
}

/** The features of a model's neurons (docs/methods.md §10.14), blind: from weights, clean samples and a reversed patch or word. */
export async function neuronFeatures(suspect: Suspect): Promise<NeuronFeatures> {
  const { insertion } = suspect.task;
  const table = insertion ? await wordFeatures(suspect, insertion) : await imageFeatures(withImages(suspect));
  return { names: table.names, rows: table.rows() };
}

async function imageFeatures(subject: ReversalSubject): Promise<FeatureTable> {
  const { patch } = await reversePatch(subject);
  return featuresUnder(subject, patch);
}

/** The features of a network of images, under a given patch. */
export async function featuresUnder(
  subject: ReversalSubject,
  patch: Parameters<typeof stampPatch>[0] & { target: number },
): Promise<FeatureTable> {
  const { network, state, runner, clean } = subject;
  const index = indexNeurons(neuronLayers(network));
  const table = new FeatureTable(index);
  const norms = addFilterFeatures(table, network, state);
  const spread = await addActivationFeatures(table, subject, norms);
  const others = firstOf(subset(clean.fit, indicesOutside(clean.fit, patch.target)), ATTRIBUTION_IMAGES);
  const before = await runner.response(state, others, patch.target);
  const after = await runner.response(state, stampPatch(patch, others), patch.target);
  const ablation = addPatchFeatures(table, before, after, spread);
  addChainFeatures(table, network, state, { ablation, "spectral norm": norms.spectral });
  const last = index.layers.length - 1;
  const perLayer = (of: (layer: number, width: number) => number): LayerScores =>
    Object.fromEntries(index.layers.map(({ name, width }, i) => [name, new Array<number>(width).fill(of(i, width))]));
  table.add(
    "log width",
    perLayer((_, width) => Math.log(width)),
  );
  table.add(
    "depth",
    perLayer((layer) => layer / Math.max(1, last)),
  );
  return table;
}
