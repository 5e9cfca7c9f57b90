import { InputError } from "../core/errors.ts";
import { LEVELS } from "../core/ids.ts";
import type { LayerWidth } from "../core/neurons.ts";
import { neuronLayers } from "../graph/network.ts";
import { buildNetwork } from "../models/registry.ts";
import { type ScoreRow, scorePrediction } from "../score/score.ts";
import type { Database } from "../store/database.ts";
import type { ResultStore } from "../store/result-folder.ts";
import {
  JUDGED_VERSIONS,
  type JudgedVersion,
  type PredictionFile,
  predictionName,
  type RepairFile,
  Results,
  repairName,
} from "../store/results.ts";
import {
  type CleanRecord,
  type DatabaseManifest,
  type DefectLabels,
  type DefectRecord,
  twinSha256,
} from "../store/schema.ts";
import { distinct } from "./group.ts";

/** Everything a report is made from but weights and images. */
export interface ReportData {
  manifest: DatabaseManifest;
  /** All candidates, by group, level and offset. */
  candidates: DefectRecord[];
  accepted: DefectRecord[];
  clean: CleanRecord[];
  criteria: string[];
  scores: ScoreRow[];
  repairs: RepairFile[];
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
 * @throws InputError naming the file where one is damaged or does not fit.
 */
export function collect(database: Database, store: ResultStore = database): ReportData {
  const results = new Results(store);
  const candidates = database
    .listDefects()
    .map((id) => database.readDefect(id))
    .sort(byPlace);
  const accepted = candidates.filter(({ status }) => status === "accepted");
  const clean = database.listClean().map((id) => database.readClean(id));
  const classes = new Map(clean.map((record) => [record.id, record.classes.length]));
  const layers = (record: DefectRecord) => {
    const count = classes.get(record.clean) ?? database.readClean(record.clean).classes.length;
    return neuronLayers(buildNetwork(record.arch, count));
  };
  const byId = new Map(accepted.map((record) => [record.id, record]));
  const outdated: string[] = [];
  const prediction = (criterion: string, id: string, version: JudgedVersion) => {
    const found = results.prediction(criterion, id, version);
    const expected = hashOf(byId.get(id), version);
    return found && (expected === null || found.model_sha256 === expected) ? found : null;
  };

  const scores: ScoreRow[] = [];
  for (const record of accepted) {
    const { id } = record;
    const labels = database.readLabels(id);
    for (const version of JUDGED_VERSIONS) {
      for (const criterion of results.criteria()) {
        const name = predictionName(criterion, id, version);
        if (!store.hasResult(name)) continue;
        const found = prediction(criterion, id, version);
        if (found) scores.push(...fitting(name, () => scorePrediction(layers(record), found, labels)));
        else outdated.push(name);
      }
    }
  }
  const repairs = results.repairs().filter((repair) => {
    const fits = byId.get(repair.id)?.infected_model?.decoded_sha256 === repair.model_sha256;
    if (!fits) outdated.push(repairName(repair.method, repair.using, repair.id));
    return fits;
  });
  return {
    manifest: database.manifest,
    candidates,
    accepted,
    clean,
    criteria: distinct(scores.map(({ criterion }) => criterion)),
    scores,
    repairs,
    outdated,
    labels: (id) => database.readLabels(id),
    layers,
    prediction,
  };
}

/** Groups by name; inside them smaller defects first, then by offset. */
function byPlace(a: DefectRecord, b: DefectRecord): number {
  const [groupA, groupB] = [`${a.group_id} ${a.style}`, `${b.group_id} ${b.style}`];
  if (groupA !== groupB) return groupA < groupB ? -1 : 1;
  return LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) || a.top - b.top;
}

/** The hash of a version's weights; null where it is derived on demand. */
function hashOf(record: DefectRecord | undefined, version: JudgedVersion): string | null {
  if (version === "clean") return record ? twinSha256(record) : null;
  if (version === "infected") return record?.infected_model?.decoded_sha256 ?? null;
  return version === "sham" ? (record?.sham_model?.decoded_sha256 ?? null) : null;
}

function fitting<T>(name: string, score: () => T): T {
  try {
    return score();
  } catch (error) {
    throw new InputError(`results/${name}.json: does not fit its defect: ${(error as Error).message}`);
  }
}
