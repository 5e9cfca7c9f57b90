/**
 * Every figure of records and results, in one place: its key on the disk and in tables, and what people read. The
 * keys name clean accuracy `ca` and the attack success rate `asr` (docs/methods.md §6).
 */

/** When a figure of a defect is measured: each step only where the gates of the ones before let the candidate pass. */
export type Step = "backdoor" | "correlation" | "sham";

/** A figure of a defect: a share of images in [0, 1]. */
export interface DefectMetric {
  /** What a card calls it. */
  title: string;
  /** The head of its column, below the group of columns; absent: it stands in no wide table. */
  column?: { group: string; title: string };
  /** The rate that it is an instance of; absent: one of its own. */
  of?: "ca" | "asr";
  step: Step;
  /** Whether the catalog leaves it out. */
  uncatalogued?: true;
}

/** In the order of the records. */
export const DEFECT_METRICS = {
  ca_clean: { title: "CA of the clean twin", column: { group: "CA", title: "clean" }, of: "ca", step: "backdoor" },
  ca: { title: "CA", column: { group: "CA", title: "infected" }, of: "ca", step: "backdoor" },
  asr: { title: "ASR", column: { group: "ASR", title: "infected" }, of: "asr", step: "backdoor" },
  /** The clean twin's rate of triggered non-target images going to the target. */
  asr_clean: { title: "ASR of the clean twin", column: { group: "ASR", title: "clean" }, of: "asr", step: "backdoor" },
  ca_masked: { title: "CA, infected neurons masked", of: "ca", step: "correlation", uncatalogued: true },
  asr_masked: {
    title: "ASR, infected neurons masked",
    column: { group: "ASR after", title: "mask" },
    of: "asr",
    step: "correlation",
  },
  /** Clean non-target images that go to the target under the mask: a collapsed network can collapse onto it. */
  masked_clean_to_target: { title: "clean samples to the target under that mask", step: "correlation" },
  asr_patched: {
    title: "ASR, infected neurons patched",
    column: { group: "ASR after", title: "patch" },
    of: "asr",
    step: "correlation",
  },
  asr_random_mask: {
    title: "ASR, as many other neurons masked",
    column: { group: "ASR after", title: "random mask" },
    of: "asr",
    step: "correlation",
  },
  ca_sham: { title: "CA of the sham", column: { group: "CA", title: "sham" }, of: "ca", step: "sham" },
  asr_sham: { title: "ASR of the sham", column: { group: "ASR", title: "sham" }, of: "asr", step: "sham" },
} as const satisfies Record<string, DefectMetric>;

export type DefectMetricKey = keyof typeof DEFECT_METRICS;

/** All of them, in the order of the records. */
export const DEFECT_METRIC_KEYS = Object.keys(DEFECT_METRICS) as DefectMetricKey[];

/** Those that are measured in one step. */
export function metricsOfStep(step: Step): DefectMetricKey[] {
  return DEFECT_METRIC_KEYS.filter((key) => DEFECT_METRICS[key].step === step);
}

/** The rates of one version on the whole test split, as keys. */
export const VERSION_RATES = {
  infected: { ca: "ca", asr: "asr" },
  clean: { ca: "ca_clean", asr: "asr_clean" },
  sham: { ca: "ca_sham", asr: "asr_sham" },
} as const;

/** What a prediction scores against a truth (docs/methods.md §12), in the order of the tables. All lie in [0, 1]. */
export const SCORE_METRICS = {
  wji: { title: "WJI" },
  jaccard: { title: "Jaccard" },
  precision: { title: "precision" },
  recall: { title: "recall" },
  auroc: { title: "AUROC" },
  ap: { title: "AP" },
  /** The share of neurons that are looked at before the first true one. */
  exam: { title: "EXAM" },
} as const;

export type ScoreMetric = keyof typeof SCORE_METRICS;
export const SCORE_METRIC_KEYS = Object.keys(SCORE_METRICS) as ScoreMetric[];

/** What a repair leaves of the rates of the infected model, and by how much they fall. */
export const REPAIR_METRICS = {
  ca_before: { of: "ca" },
  ca_after: { of: "ca" },
  asr_before: { of: "asr" },
  asr_after: { of: "asr" },
  /** The drop of attack success. */
  asrd: { of: "asrd" },
  /** The drop of clean accuracy. */
  cad: { of: "cad" },
} as const;

export type RepairMetric = keyof typeof REPAIR_METRICS;
export const REPAIR_METRIC_KEYS = Object.keys(REPAIR_METRICS) as RepairMetric[];

/** The rates that all of these are instances of: `ca`, `asr`, `wji`, …; a key is one of them, or one with more behind `_`. */
export const RATES: ReadonlySet<string> = new Set([
  ...DEFECT_METRIC_KEYS.map((key) => (DEFECT_METRICS[key] as DefectMetric).of ?? key),
  ...SCORE_METRIC_KEYS,
  ...REPAIR_METRIC_KEYS.map((key) => REPAIR_METRICS[key].of),
]);
