import { z } from "zod";
import { BUDGETS, type Budget, DEFAULT_BUDGET } from "../core/budget.ts";
import { DEVICES } from "../core/device.ts";
import { VERSIONS } from "../core/ids.ts";
import { encodeState } from "../tensor/safetensors.ts";
import type { StateDict } from "../tensor/state.ts";
import { sha256Of } from "./objects.ts";
import type { ResultStore } from "./result-folder.ts";

/** What a result keeps of the revision that made it: the first is not written down, nor were those before there were others. */
export function revisionStamp({ revision = 1 }: { revision?: number }): { revision?: number } {
  return revision > 1 ? { revision } : {};
}

/** Versions that can be judged: the stored ones and the derived `drift` control (METHODS §3.3). */
export const JUDGED_VERSIONS = [...VERSIONS, "drift"] as const;
export type JudgedVersion = (typeof JUDGED_VERSIONS)[number];

/** Names of criteria and repairs that are users' own programs begin so. */
export const PLUGIN_PREFIX = "cmd-";
/** What users may call their programs. */
export const PLUGIN_LABEL = /^[a-z0-9][a-z0-9_-]{0,39}$/;

/** Whether a stored name is that of a user's own program: `cmd-NAME`. */
export function isPluginName(name: string): boolean {
  return name.startsWith(PLUGIN_PREFIX) && PLUGIN_LABEL.test(name.slice(PLUGIN_PREFIX.length));
}

const PREDICTIONS = "localize";
const REPAIRS = "repair";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const budget = z.enum(BUDGETS).default(DEFAULT_BUDGET);

/** Where networks ran; absent: on the processor. */
const device = z.enum(DEVICES).optional();

/** Which revision of the criterion or repair made it; absent: the first. */
const revision = z.number().int().min(2).optional();
const rate = z.number().min(0).max(1);
const layerScores = z.record(z.string(), z.array(z.number()));
const neuronNames = z.array(z.string().regex(/^.+:\d+$/));

/** What a criterion said of one model. */
export const predictionSchema = z.strictObject({
  kind: z.literal("prediction"),
  id: z.string(),
  version: z.enum(JUDGED_VERSIONS),
  criterion: z.string(),
  access: z.enum(["clean", "failing", "oracle"]),
  seconds: z.number().min(0),
  seed: z.number().int(),
  /** What the criterion was allowed to spend. */
  budget,
  device,
  revision,
  /** SHA-256 of the judged model as safetensors. */
  model_sha256: sha256,
  /** Of a plug-in: a hash of its command and program. */
  fingerprint: sha256.optional(),
  raw: layerScores,
  scores: layerScores,
  /** `layer:index` */
  native: neuronNames,
  note: z.string().nullable(),
});
export type PredictionFile = z.infer<typeof predictionSchema>;

/** What a repair did to one infected model. */
export const repairSchema = z.strictObject({
  kind: z.literal("repair"),
  id: z.string(),
  method: z.string(),
  /** What chose the neurons: a criterion (its native set), `criterion:topk`, `oracle` or `random`. */
  using: z.string(),
  seed: z.number().int(),
  /** That of the criteria whose predictions are used. */
  budget,
  device,
  revision,
  model_sha256: sha256,
  /** The neurons that were to be repaired, as `layer:index`. */
  neurons: neuronNames,
  ca_before: rate,
  ca_after: rate,
  asr_before: rate,
  asr_after: rate,
  /** Of the repair itself, without measuring. */
  seconds: z.number().min(0),
  /** Of measuring the repaired model. */
  measure_seconds: z.number().min(0).optional(),
  /** SHA-256 of the repaired weights beside the result; absent: they were not kept. */
  weights_sha256: sha256.optional(),
});
export type RepairFile = z.infer<typeof repairSchema>;

/**
 * Results, apart from the records: in a database `results/localize/<criterion>/<id>.<version>.json` and
 * `results/repair/<method>/<using>/<id>.json`, those of the full budget beside them under `….full.json`. A result belongs to one model (by hash), one seed and one revision
 * of its criterion or repair, a plug-in's also to its program; when one of these has changed it is out of date and is written anew.
 */
export class Results {
  /** Of which budget results are read and written here. */
  readonly budget: Budget;
  /** Whether repaired weights are kept beside the results. */
  readonly keepsWeights: boolean;
  private readonly store: ResultStore;

  constructor(store: ResultStore, budget: Budget = DEFAULT_BUDGET, keepsWeights = false) {
    this.store = store;
    this.budget = budget;
    this.keepsWeights = keepsWeights;
  }

  /** @returns null where there is none. @throws InputError where it is damaged. */
  prediction(criterion: string, id: string, version: JudgedVersion): PredictionFile | null {
    return this.readIfThere(predictionName(criterion, id, version, this.budget), predictionSchema);
  }

  savePrediction(prediction: PredictionFile): void {
    const { criterion, id, version, budget } = prediction;
    this.store.writeResult(predictionName(criterion, id, version, budget), predictionSchema.parse(prediction));
  }

  /** @returns null where there is none. @throws InputError where it is damaged. */
  repair(method: string, using: string, id: string): RepairFile | null {
    return this.readIfThere(repairName(method, using, id, this.budget), repairSchema);
  }

  /**
   * Weights come first: a result that states their hash is complete when it exists. Those of an earlier run go where
   * the result says nothing of any.
   *
   * @param state the repaired weights, kept where this keeps any
   * @returns the result as written
   */
  saveRepair(repair: RepairFile, state?: StateDict): RepairFile {
    const { method, using, id, budget } = repair;
    const name = repairName(method, using, id, budget);
    const weights = this.keepsWeights && state ? encodeState(state) : null;
    if (weights) this.store.writeWeights(name, weights);
    const saved = repairSchema.parse({ ...repair, ...(weights && { weights_sha256: sha256Of(weights) }) });
    this.store.writeResult(name, saved);
    if (!saved.weights_sha256 && this.store.hasWeights(name)) this.store.dropWeights(name);
    return saved;
  }

  /** Whether the weights that a repair states lie beside it. */
  hasWeights({ method, using, id, budget, weights_sha256 }: RepairFile): boolean {
    return weights_sha256 !== undefined && this.store.hasWeights(repairName(method, using, id, budget));
  }

  /** Criteria of which there are predictions, by name. */
  criteria(): string[] {
    return [...new Set(this.namesBelow(PREDICTIONS).map((name) => name.split("/")[1]))];
  }

  /** Every stored repair, by method, then by what chose the neurons, then by id. */
  repairs(): RepairFile[] {
    return this.namesBelow(REPAIRS).map((name) => this.store.readResult(name, repairSchema));
  }

  private namesBelow(folder: string): string[] {
    const suffix = suffixOf(this.budget);
    return this.store
      .listResults()
      .filter((name) => name.startsWith(`${folder}/`) && name.endsWith(FULL) === (suffix === FULL));
  }

  private readIfThere<T>(name: string, schema: z.ZodType<T>): T | null {
    return this.store.hasResult(name) ? this.store.readResult(name, schema) : null;
  }
}

/** The name under which a prediction is stored, below `results/` and without `.json`. */
export function predictionName(criterion: string, id: string, version: JudgedVersion, budget = DEFAULT_BUDGET): string {
  return `${PREDICTIONS}/${criterion}/${id}.${version}${suffixOf(budget)}`;
}

const FULL = ".full";

/** Results of the full budget stand beside the others; one of the demo's gives way to one that was meant. */
function suffixOf(budget: Budget): "" | typeof FULL {
  return budget === "full" ? FULL : "";
}

/** A colon in `using` becomes a dot: not every file system takes it. */
export function repairName(method: string, using: string, id: string, budget = DEFAULT_BUDGET): string {
  return `${REPAIRS}/${method}/${using.replaceAll(":", ".")}/${id}${suffixOf(budget)}`;
}
