import type { Version } from "../../core/ids.ts";
import { multiplyAdds } from "../../graph/cost.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { storedHash } from "../../records/defect.ts";
import type { JudgedVersion } from "../../records/prediction.ts";
import { versionStamp } from "../../records/repair.ts";
import type { Database } from "../../store/database.ts";
import type { Results } from "../../store/results/results.ts";
import { judgingBytes } from "../estimate/memory.ts";
import { applicable, assertApplicable } from "../judging/applicable.ts";
import { finishedPrediction, predictionCell } from "../judging/localize.ts";
import { chooseNeurons, finishedRepair, type RepairContext, repairCell, repairContext } from "../judging/repair.ts";
import type { JudgedItem } from "../judging/select.ts";
import { type JudgeTask, networkKey, type RepairName } from "../judging/task.ts";
import { formatUsing } from "../judging/using.ts";
import { networkOf } from "../judging/workbench.ts";
import type { CellNetwork } from "./rates.ts";
import type { Study, StudyRepair } from "./recipe.ts";

/** A cell of a study. */
export interface StudyCell {
  /** `ID:version criterion` or `ID[:version] method using`. */
  what: string;
  step: "localize" | "repair";
  /** The criterion's or the repair's name. */
  kind: string;
  /** Seconds that it took where it is finished. */
  finished: number | null;
}

/** All cells of one defect. */
export interface StudyTask extends JudgeTask, CellNetwork {
  cells: StudyCell[];
  /** Memory that judging it takes. */
  bytes: number;
}

/**
 * Every cell of a study, by defect, with what is finished already. Defects of one network follow each other.
 * @param items what was selected
 * @throws InputError where the recipe names a criterion that needs what a network lacks
 */
export function planStudy(
  database: Database,
  results: Results,
  study: Study,
  items: readonly JudgedItem[],
): StudyTask[] {
  const versions = new Map<string, JudgedVersion[]>();
  for (const { id, version } of items) versions.set(id, [...(versions.get(id) ?? []), version]);
  const networks = new Map<string, { needs: Needs; study: Study }>();
  const tasks = [...versions].map(([id, wanted]): StudyTask => {
    const record = database.readDefect(id);
    const known = networks.get(networkKey(record)) ?? onNetwork(database, study, record);
    networks.set(networkKey(record), known);
    const { needs, study: fitting } = known;
    const localize = wanted.flatMap((version) => predictions(results, fitting, record, version));
    const ways = repairsOf(fitting, record, wanted);
    const repaired = repairCells(database, results, ways, record, study.recipe.seed);
    return {
      ...{ id, versions: wanted, criteria: fitting.criteria.map(({ name }) => name) },
      ...{ repairs: ways.map(nameOf), cells: [...localize, ...repaired] },
      ...needs,
    };
  });
  return tasks.sort((a, b) => compare(a.network, b.network));
}

type Needs = Pick<StudyTask, keyof CellNetwork | "bytes">;

/**
 * A study as far as a defect's network allows: `all` leaves out criteria that need what it lacks, and repairs by them.
 * @throws InputError where such a criterion is named, or a repair
 */
function onNetwork(database: Database, study: Study, record: DefectRecord): { needs: Needs; study: Study } {
  const { network, task } = networkOf(database, record);
  assertApplicable(
    study.criteria.filter(({ name }) => study.named.has(name)),
    network,
    task,
    record.id,
    "criteria:",
  );
  const criteria = applicable(study.criteria, network, task);
  const names = new Set(criteria.map(({ name }) => name));
  const methods = study.repairs.map(({ method }) => method);
  assertApplicable(methods, network, task, record.id, "repairs:");
  const repairs = study.repairs.filter(({ using }) => using.kind !== "criterion" || names.has(using.criterion));
  return {
    needs: {
      network: networkKey(record),
      size: multiplyAdds(network),
      bytes: judgingBytes(network, record.dataset),
    },
    study: { ...study, criteria, repairs },
  };
}

/** Stable between runs, whatever the locale. */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function predictions(results: Results, { recipe, criteria }: Study, record: DefectRecord, version: JudgedVersion) {
  return criteria.map((criterion): StudyCell => {
    const item = { id: record.id, version };
    const found = finishedPrediction(results, item, criterion, recipe.seed);
    // A derived version has no stored hash; whoever judges it will compare.
    const fits = found && found.model_sha256 === (storedHash(record, version) ?? found.model_sha256);
    return {
      what: predictionCell(item, criterion),
      step: "localize",
      kind: criterion.name,
      finished: fits ? found.seconds : null,
    };
  });
}

/** What is repaired of a defect: of the versions that are judged and that it has; the infected one of every accepted defect. */
function repairsOf({ repairs }: Study, record: DefectRecord, wanted: readonly JudgedVersion[]): StudyRepair[] {
  return repairs.filter(({ version }) => wanted.includes(version) && storedHash(record, version) !== null);
}

function nameOf({ method, using, version }: StudyRepair): RepairName {
  return { method: method.name, using: formatUsing(using), ...versionStamp(version) };
}

function repairCells(
  database: Database,
  results: Results,
  repairs: readonly StudyRepair[],
  record: DefectRecord,
  seed: number,
): StudyCell[] {
  const contexts = new Map<Version, RepairContext>();
  for (const { version } of repairs) {
    if (!contexts.has(version)) contexts.set(version, repairContext(database, record, version)!);
  }
  return repairs.map(({ method, using, version }): StudyCell => {
    const context = contexts.get(version)!;
    const choose = () => chooseNeurons(using, results, context, seed);
    const found = finishedRepair(results, context, method, using, seed, choose);
    return {
      what: repairCell(context, method, using),
      step: "repair",
      kind: method.name,
      finished: found ? found.seconds + (found.measure_seconds ?? 0) : null,
    };
  });
}
