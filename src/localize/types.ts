import type { Budget } from "../core/budget.ts";
import type { LayerScores, LayerWidth, NeuronSet } from "../core/neurons.ts";
import type { Samples } from "../core/samples.ts";
import type { Network } from "../graph/network.ts";
import type { Augmentation } from "../images/batch.ts";
import type { Normalization } from "../images/image-set.ts";
import type { ModelRunner } from "../measure/runner.ts";
import type { BlindTask } from "../tasks/task.ts";
import type { StateDict } from "../tensor/state.ts";
import type { ReversedTrigger } from "./nc/reversed-trigger.ts";
import type { Need } from "./needs.ts";

/**
 * What a criterion or repair receives, and all it receives (docs/architecture.md, "Import order"): the model under an
 * anonymous name and the clean samples a defender would hold. No labels, clean twin, id or database path.
 */
export interface Suspect {
  name: string;
  /** What the network is for, without triggers and their success. */
  task: BlindTask;
  network: Network;
  state: StateDict;
  normalization: Normalization;
  /** How training may change a sample of this data set (docs/methods.md §3.3). */
  augmentation: Augmentation;
  /** Clean data, halved (docs/methods.md §3.1): `fit` to measure on, `threshold` to choose thresholds on. */
  clean: { fit: Samples; threshold: Samples };
  seed: number;
  /** Runs the model (any state of this network) on samples. */
  runner: ModelRunner;
  /** How much a criterion may spend; short where it is not said. */
  budget?: Budget;
}

/**
 * What a criterion may see (docs/methods.md §10.11): the suspect alone (`clean`); failing tests too (`failing`); or
 * also the target that the backdoor leads to (`oracle`).
 */
export type Access = Criterion["access"];

export interface Localization {
  /** The criterion's own number per neuron, higher = more suspicious. */
  raw: LayerScores;
  /** The same made comparable across layers. */
  scores: LayerScores;
  /** The neurons that the criterion itself would name. */
  native: NeuronSet;
  note?: string;
  /** The trigger that the criterion reversed on the way, with the mask norm of every class; it is not stored. */
  trigger?: ReversedTrigger;
}

/**
 * Where a criterion comes from: a publication; this project (`own`); nowhere, since it only shows what a number means and
 * competes with none (`baseline`); a user's program.
 */
export type CriterionKind = "published" | "own" | "baseline" | "program";

interface AnyCriterion {
  name: string;
  title: string;
  kind: CriterionKind;
  /** The publication; absent: there is none. */
  source?: string;
  /** What a network and its task must have to be judged by it; absent: nothing but neurons. */
  needs?: readonly Need[];
  /** Whether it needs clean samples (else weights alone). */
  needsData: boolean;
  /** Whether it reverses a trigger on the way, which is then shown. */
  reverses?: true;
  /** Where the criterion is a program of somebody's own: a hash of it. What another program found is not its result. */
  fingerprint?: string;
  /** Where it is such a program and not at hand: only what it found before can be read back. */
  stored?: true;
  /** 1 where it is not said. Raised when what it computes or spends changes: what an earlier one found is not its result. */
  revision?: number;
}

/** Sees the model and clean samples: the headline ranking. */
export interface CleanCriterion extends AnyCriterion {
  access: "clean";
  localize(suspect: Suspect): Promise<Localization>;
  /**
   * Of a criterion that was trained: the same by weights that never saw a clean model or what was made of it, where there are
   * such. Whoever knows of which clean model a suspect was made asks for it, and nobody else does.
   */
  without?(clean: string): CleanCriterion;
}

/**
 * Also sees failing tests: samples with the trigger on them and their true labels, which the suspect gets wrong though it
 * got them right without. There may be none: then nothing is suspicious (see `no-failing-tests.ts`).
 */
export interface FailingCriterion extends AnyCriterion {
  access: "failing";
  needsData: true;
  localize(suspect: Suspect, failing: Samples): Promise<Localization>;
}

/** Also knows the target. */
export interface OracleCriterion extends AnyCriterion {
  access: "oracle";
  needsData: true;
  localize(suspect: Suspect, failing: Samples, target: number): Promise<Localization>;
}

export type Criterion = CleanCriterion | FailingCriterion | OracleCriterion;

export type { LayerWidth };
