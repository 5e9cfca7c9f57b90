import type { Budget } from "../core/budget.ts";
import type { LayerScores, LayerWidth, NeuronSet } from "../core/neurons.ts";
import type { Augmentation } from "../datasets/batch.ts";
import type { ImageSet, Normalization } from "../datasets/types.ts";
import type { Network } from "../graph/network.ts";
import type { ModelRunner } from "../measure/runner.ts";
import type { StateDict } from "../tensor/state.ts";

/**
 * What a criterion or repair receives, and all it receives (SPEC §3, "Blind by interface"): the model under an
 * anonymous name and the clean samples a defender would hold. No labels, clean twin, id or database path.
 */
export interface Suspect {
  name: string;
  network: Network;
  state: StateDict;
  normalization: Normalization;
  /** How training may change an image of this data set (METHODS §2). */
  augmentation: Augmentation;
  /** Clean data, halved (METHODS §5): `fit` to measure on, `threshold` to choose thresholds on. */
  clean: { fit: ImageSet; threshold: ImageSet };
  seed: number;
  /** Runs the model (any state of this network) on images. */
  runner: ModelRunner;
  /** How much a criterion may spend; short where it is not said. */
  budget?: Budget;
}

/** What a criterion may see (METHODS §5.8). */
export type Access = "clean" | "failing" | "oracle";

export interface Localization {
  /** The criterion's own number per neuron, higher = more suspicious. */
  raw: LayerScores;
  /** The same made comparable across layers. */
  scores: LayerScores;
  /** The neurons that the criterion itself would name. */
  native: NeuronSet;
  note?: string;
}

export interface Criterion {
  name: string;
  title: string;
  source: string;
  access: Access;
  /** Whether it needs clean samples (else weights alone). */
  needsData: boolean;
  /** Where the criterion is a program of somebody's own: a hash of it. What another program found is not its result. */
  fingerprint?: string;
  localize(suspect: Suspect): Promise<Localization>;
}

export type { LayerWidth };
