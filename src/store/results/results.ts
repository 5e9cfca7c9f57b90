import type { z } from "zod";
import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import type { Version } from "../../core/ids.ts";
import { type JudgedVersion, type PredictionFile, predictionSchema } from "../../records/prediction.ts";
import { type RepairFile, repairedVersion, repairSchema } from "../../records/repair.ts";
import { budgetOf, PREDICTIONS, predictionName, REPAIRS, repairName, SUFFIXES } from "../../records/result-name.ts";
import { encodeState } from "../../tensor/safetensors.ts";
import type { StateDict } from "../../tensor/state.ts";
import { sha256Of } from "../objects/objects.ts";
import type { ResultStore } from "./result-folder.ts";

/**
 * Results, apart from the records: in a database `results/localize/<criterion>/<id>.<version>.json` and
 * `results/repair/<method>/<using>/<id>.json` for the short budget; those of the others beside them under `….full.json` and `….demo.json`.
 * Repairs of other versions than the infected one have it behind the id, as predictions do. A result belongs to one model (by hash), one seed, one budget and one revision of its criterion or repair, a plug-in's also to its program;
 * when one of these but the budget has changed it is out of date and is written anew.
 */
export class Results {
  /** Of which budget results are read and written here: results of two budgets never meet. */
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
    return this.find((budget) => predictionName(criterion, id, version, budget), predictionSchema);
  }

  savePrediction(prediction: PredictionFile): void {
    const { criterion, id, version, budget } = prediction;
    this.makeRoom((one) => predictionName(criterion, id, version, one), predictionSchema, budget);
    this.store.writeResult(predictionName(criterion, id, version, budget), predictionSchema.parse(prediction));
  }

  /** @returns null where there is none. @throws InputError where it is damaged. */
  repair(method: string, using: string, id: string, version: Version = "infected"): RepairFile | null {
    return this.find((budget) => repairName(method, using, id, budget, version), repairSchema);
  }

  /**
   * Weights come first: a result that states their hash is complete when it exists. Those of an earlier run go where
   * the result says nothing of any.
   *
   * @param state the repaired weights, kept where this keeps any
   * @returns the result as written
   */
  saveRepair(repair: RepairFile, state?: StateDict): RepairFile {
    const { budget } = repair;
    const name = nameOf(repair);
    this.makeRoom((one) => nameOf({ ...repair, budget: one }), repairSchema, budget);
    const weights = this.keepsWeights && state ? encodeState(state) : null;
    if (weights) this.store.writeWeights(name, weights);
    const saved = repairSchema.parse({ ...repair, ...(weights && { weights_sha256: sha256Of(weights) }) });
    this.store.writeResult(name, saved);
    if (!saved.weights_sha256 && this.store.hasWeights(name)) this.store.dropWeights(name);
    return saved;
  }

  /** Whether the weights that a repair states lie beside it. */
  hasWeights(repair: RepairFile): boolean {
    return repair.weights_sha256 !== undefined && this.store.hasWeights(nameOf(repair));
  }

  /** Criteria of which there may be predictions, by name. */
  criteria(): string[] {
    return [...new Set(this.namesBelow(PREDICTIONS).map((name) => name.split("/")[1]))];
  }

  /** Every stored repair, by method, then by what chose the neurons, then by id. */
  repairs(): RepairFile[] {
    return this.namesBelow(REPAIRS)
      .map((name) => this.store.readResult(name, repairSchema))
      .filter(({ budget }) => budget === this.budget);
  }

  private namesBelow(folder: string): string[] {
    const names = this.store.listResults().filter((name) => name.startsWith(`${folder}/`));
    const own = names.filter((name) => budgetOf(name) === this.budget);
    if (this.budget !== "demo") return own;
    const known = new Set(own);
    const older = names.filter((name) => budgetOf(name) === DEFAULT_BUDGET && !known.has(name + SUFFIXES.demo));
    return [...own, ...older].sort();
  }

  private find<T extends Budgeted>(nameOf: NameOf, schema: z.ZodType<T>): T | null {
    const names = this.budget === "demo" ? [nameOf("demo"), nameOf(DEFAULT_BUDGET)] : [nameOf(this.budget)];
    const name = names.find((one) => this.store.hasResult(one));
    const found = name === undefined ? null : this.store.readResult(name, schema);
    return found?.budget === this.budget ? found : null;
  }

  /** An older demo's result that stands under the short budget's name moves aside before it would be overwritten. */
  private makeRoom<T extends Budgeted & { kind: string } & Record<string, unknown>>(
    nameOf: NameOf,
    schema: z.ZodType<T>,
    budget: Budget,
  ): void {
    const name = nameOf(budget);
    if (budget !== DEFAULT_BUDGET || !this.store.hasResult(name) || this.store.hasResult(nameOf("demo"))) return;
    const older = this.store.readResult(name, schema);
    if (older.budget === "demo") this.store.writeResult(nameOf("demo"), older);
  }
}

function nameOf(repair: RepairFile): string {
  const { method, using, id, budget } = repair;
  return repairName(method, using, id, budget, repairedVersion(repair));
}

type NameOf = (budget: Budget) => string;
interface Budgeted {
  budget: Budget;
}

/**
 * Budgets of which a store holds predictions or repairs: those of most files first.
 *
 * @throws InputError where a result is damaged
 */
export function storedBudgets(store: ResultStore): Budget[] {
  const names = store
    .listResults()
    .filter((name) => name.startsWith(`${PREDICTIONS}/`) || name.startsWith(`${REPAIRS}/`));
  const counts = new Map<Budget, number>();
  // Where a folder's first file is of the short budget, so are all of its names: an older demo's moved aside before that.
  const settled = new Set<string>();
  for (const name of names) {
    let budget = budgetOf(name);
    const folder = name.slice(0, name.lastIndexOf("/"));
    if (budget === DEFAULT_BUDGET && !settled.has(folder)) {
      budget = readBudget(store, name);
      if (budget === DEFAULT_BUDGET) settled.add(folder);
    }
    counts.set(budget, (counts.get(budget) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || BUDGET_ORDER.indexOf(a) - BUDGET_ORDER.indexOf(b))
    .map(([one]) => one);
}

/** Which comes first where nothing else decides. */
const BUDGET_ORDER: readonly Budget[] = ["full", "short", "demo"];

function readBudget(store: ResultStore, name: string): Budget {
  return name.startsWith(`${PREDICTIONS}/`)
    ? store.readResult(name, predictionSchema).budget
    : store.readResult(name, repairSchema).budget;
}
