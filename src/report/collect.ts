import { type Budget, DEFAULT_BUDGET } from "../core/budget.ts";
import { InputError } from "../core/errors.ts";
import { distinct } from "../core/group.ts";
import { LEVELS } from "../core/ids.ts";
import type { LayerWidth } from "../core/neurons.ts";
import { neuronLayers } from "../graph/network.ts";
import type { CleanRecord } from "../records/clean.ts";
import type { DatabaseManifest } from "../records/database.ts";
import { type DefectRecord, storedHash } from "../records/defect.ts";
import type { DefectLabels } from "../records/labels.ts";
import { JUDGED_VERSIONS, type JudgedVersion, type PredictionFile } from "../records/prediction.ts";
import { isMeasured, type MeasuredRepair, repairedVersion } from "../records/repair.ts";
import { predictionName, repairName } from "../records/result-name.ts";
import { type ScoreRow, scorePrediction } from "../score/score.ts";
import type { Database } from "../store/database.ts";
import type { ResultStore } from "../store/results/result-folder.ts";
import { Results, storedBudgets } from "../store/results/results.ts";
import { buildNetwork } from "../tasks/registry.ts";
import { type RankedCriterion, rankCriteria } from "./ranking.ts";

/** One cell of the results, as far as a command names it. */
export interface JudgedCell {
  step: "localize" | "repair";
  /** The criterion, or the method. */
  name: string;
  /** Of a repair: what chose the neurons. */
  using: string | null;
  id: string;
  version: string;
  budget: Budget;
  seed: number;
}

/** Everything a report is made from but weights and images. */
export interface ReportData {
  manifest: DatabaseManifest;
  /** All candidates, by group, level and offset. */
  candidates: DefectRecord[];
  accepted: DefectRecord[];
  clean: CleanRecord[];
  /** The budget that criteria, scores and repairs below are of: results of two never share a table. */
  budget: Budget;
  criteria: string[];
  scores: ScoreRow[];
  /** Of infected models. */
  repairs: MeasuredRepair[];
  /** Of shams and clean twins, which have no backdoor that a repair could take away. */
  controlRepairs: MeasuredRepair[];
  /** Scores of every budget, for the ranking, whose rows name theirs. */
  everyScore: ScoreRow[];
  /** Criteria by the headline, of every budget. */
  ranking: RankedCriterion[];
  /** What was judged and repaired, of every budget. */
  cells: JudgedCell[];
  /** Results that were left out, by name: of other weights than the database now holds. */
  outdated: string[];
  labels(id: string): DefectLabels;
  /** The layers of the network that a defect is a version of, in order. */
  layers(record: DefectRecord): LayerWidth[];
  /** A prediction that fits the weights; null where there is none. */
  prediction(criterion: string, id: string, version: JudgedVersion): PredictionFile | null;
}

/**
 * Reads a database's records and results and scores every prediction.
 *
 * @param store where the results are, if not in the database
 * @param budget whose results are set out; absent: that of most results
 * @throws InputError naming the file where one is damaged or does not fit.
 */
export function collect(database: Database, store: ResultStore = database, budget?: Budget): ReportData {
  const budgets = storedBudgets(store);
  const shown = budget ?? budgets[0] ?? DEFAULT_BUDGET;
  const candidates = database.soundDefects().sort(byPlace);
  const accepted = candidates.filter(({ status }) => status === "accepted");
  const clean = database.soundClean();
  const classes = new Map(clean.map((record) => [record.id, record.classes.length]));
  const layers = (record: DefectRecord) => {
    const count = classes.get(record.clean) ?? database.readClean(record.clean).classes.length;
    return neuronLayers(buildNetwork(record.arch, count));
  };
  const byId = new Map(accepted.map((record) => [record.id, record]));
  const outdated: string[] = [];
  const fits = ({ id, version, model_sha256 }: PredictionFile) => {
    const record = byId.get(id);
    const expected = record ? storedHash(record, version) : null;
    return expected === null || model_sha256 === expected;
  };

  const everyScore: ScoreRow[] = [];
  const cells: JudgedCell[] = [];
  for (const results of budgets.map((one) => new Results(store, one))) {
    const criteria = results.criteria();
    for (const record of accepted) {
      const { id } = record;
      const labels = database.sound(() => database.readLabels(id));
      if (!labels) continue;
      for (const version of JUDGED_VERSIONS) {
        for (const criterion of criteria) {
          const name = predictionName(criterion, id, version, results.budget);
          const found = database.sound(() => results.prediction(criterion, id, version));
          if (!found) continue;
          if (!fits(found)) {
            outdated.push(name);
            continue;
          }
          everyScore.push(...fitting(name, () => scorePrediction(layers(record), found, labels)));
          const { budget: spent, seed } = found;
          cells.push({ step: "localize", name: criterion, using: null, id, version, budget: spent, seed });
        }
      }
    }
  }
  const shownResults = new Results(store, shown);
  const scores = everyScore.filter((row) => row.budget === shown);
  const repaired = budgets
    .flatMap((one) => new Results(store, one).repairs())
    .filter(isMeasured)
    .filter((repair) => {
      const { method: name, using, id, budget: spent, seed } = repair;
      const version = repairedVersion(repair);
      const record = byId.get(id);
      const isCurrent = record !== undefined && storedHash(record, version) === repair.model_sha256;
      if (isCurrent) cells.push({ step: "repair", name, using, id, version, budget: spent, seed });
      else outdated.push(repairName(name, using, id, spent, version));
      return isCurrent && repair.budget === shown;
    });
  return {
    manifest: database.manifest,
    candidates,
    accepted,
    clean,
    criteria: distinct(scores.map(({ criterion }) => criterion)),
    budget: shown,
    scores,
    repairs: repaired.filter((repair) => repairedVersion(repair) === "infected"),
    controlRepairs: repaired.filter((repair) => repairedVersion(repair) !== "infected"),
    everyScore,
    ranking: rankCriteria({ scores: everyScore, accepted, seed: database.manifest.seed }),
    cells,
    outdated,
    labels: (id) => database.readLabels(id),
    layers,
    prediction: (criterion, id, version) => {
      const found = shownResults.prediction(criterion, id, version);
      return found && fits(found) ? found : null;
    },
  };
}

/** Groups by name; inside them smaller defects first, then by offset. */
function byPlace(a: DefectRecord, b: DefectRecord): number {
  const [groupA, groupB] = [`${a.group_id} ${a.style}`, `${b.group_id} ${b.style}`];
  if (groupA !== groupB) return groupA < groupB ? -1 : 1;
  return LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) || a.top - b.top;
}

function fitting<T>(name: string, score: () => T): T {
  try {
    return score();
  } catch (error) {
    throw new InputError(`results/${name}.json: does not fit its defect: ${(error as Error).message}`);
  }
}
