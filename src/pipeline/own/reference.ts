import { fileURLToPath } from "node:url";
import type { Budget } from "../../core/budget.ts";
import { VERSIONS, type Version } from "../../core/ids.ts";
import { CRITERIA } from "../../localize/registry.ts";
import { statisticOf } from "../../localize/statistic.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { storedHash } from "../../records/defect.ts";
import { type Reference, type ReferenceModel, referenceFile } from "../../records/reference.ts";
import { revisionStamp } from "../../records/result.ts";
import { type Database, openDatabase } from "../../store/database.ts";
import { readJson } from "../../store/disk/json.ts";
import { Results } from "../../store/results/results.ts";
import { isSample } from "../../store/shipped/sample.ts";

/** Statistics are kept and compared to so many digits. */
const DIGITS = 6;

/** The reference that ships with the package, of `--db sample` in the short budget. */
export const SAMPLE_REFERENCE = fileURLToPath(new URL("../../../reference/sample.json", import.meta.url));

/** How many models of each kind a statistic was held against, and how many of them are as suspicious or more. */
export interface Comparison {
  clean: number;
  clean_as_suspicious: number;
  shams: number;
  shams_as_suspicious: number;
  infected: number;
  infected_as_suspicious: number;
}

/**
 * The reference that a database's stored predictions give: clean, infected and sham versions of accepted defects, each
 * model once. Clean models count where `localize ID:clean` has judged them.
 */
export function referenceOf(database: Database, ...sources: [Results, ...Results[]]): Reference {
  const models = new Map<string, ReferenceModel>();
  const criteria: Reference["criteria"] = {};
  const accepted = database
    .listDefects()
    .map((id) => database.readDefect(id))
    .filter(({ status }) => status === "accepted");
  for (const results of sources) {
    // A plug-in's program is not known here, so neither is what a stored prediction of it is worth.
    const known = results.criteria().flatMap((name) => CRITERIA.get(name) ?? []);
    for (const criterion of known.filter(({ access }) => access === "clean")) {
      const statistic = statisticOf(criterion.name);
      const stamp = revisionStamp(criterion);
      for (const record of accepted) {
        for (const version of VERSIONS) {
          const prediction = results.prediction(criterion.name, record.id, version);
          const isCurrent =
            prediction?.model_sha256 === storedHash(record, version) &&
            prediction?.budget === results.budget &&
            prediction.revision === stamp.revision;
          const value = prediction && isCurrent ? statistic.of(prediction) : null;
          if (value === null) continue;
          criteria[criterion.name] = { statistic: statistic.name, ...stamp };
          const key = `${version} ${prediction!.model_sha256}`;
          const model = models.get(key) ?? { version, ...factsOf(record, version), values: {} };
          model.values[criterion.name] = Number(value.toPrecision(DIGITS));
          models.set(key, model);
        }
      }
    }
  }
  const [{ budget }] = sources;
  return { kind: "reference", edition: database.manifest.edition, budget, criteria, models: [...models.values()] };
}

function factsOf({ dataset, arch, attack, style }: DefectRecord, version: Version) {
  return { dataset, arch, ...(version === "clean" ? { attack: null, style: null } : { attack, style }) };
}

/**
 * The reference of a database in a budget: the shipped one of the sample, else by its stored predictions.
 *
 * @throws InputError where there is no database, or something of it is damaged
 */
export async function openReference(dir: string, budget: Budget): Promise<Reference> {
  if (!isSample(dir)) {
    const database = await openDatabase(dir, { readOnly: true });
    return referenceOf(database, new Results(database, budget));
  }
  const shipped = readJson(SAMPLE_REFERENCE, referenceFile);
  return shipped.budget === budget ? shipped : { ...shipped, budget, criteria: {}, models: [] };
}

/**
 * Holds one model's statistic against a reference.
 *
 * @param arch only reference models of this architecture and width; all where none is given
 * @returns null where the reference has no model that the criterion has judged
 */
export function compareWith(
  reference: Pick<Reference, "models">,
  criterion: string,
  value: number,
  arch?: string,
): Comparison | null {
  const rounded = Number(value.toPrecision(DIGITS));
  return countReference(reference, criterion, (other) => other >= rounded, arch);
}

/** How many models of a reference a criterion has judged, by kind, and how many of these `counts` holds for. */
export function countReference(
  { models }: Pick<Reference, "models">,
  criterion: string,
  counts: (value: number) => boolean,
  arch?: string,
): Comparison | null {
  const judged = models.filter(
    (model) => Object.hasOwn(model.values, criterion) && (arch === undefined || model.arch === arch),
  );
  if (judged.length === 0) return null;
  const of = (version: Version) => judged.filter((model) => model.version === version);
  const [clean, shams, infected] = [of("clean"), of("sham"), of("infected")];
  const within = (some: readonly ReferenceModel[]) => some.filter(({ values }) => counts(values[criterion])).length;
  return {
    clean: clean.length,
    clean_as_suspicious: within(clean),
    shams: shams.length,
    shams_as_suspicious: within(shams),
    infected: infected.length,
    infected_as_suspicious: within(infected),
  };
}
