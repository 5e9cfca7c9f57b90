import { z } from "zod";
import { type Budget, DEFAULT_BUDGET } from "../../core/budget.ts";
import { InputError } from "../../core/errors.ts";
import { isForeignName } from "../../records/foreign.ts";
import { predictionSchema } from "../../records/prediction.ts";
import { repairedVersion, repairSchema } from "../../records/repair.ts";
import { predictionName, repairName } from "../../records/result-name.ts";
import { isStudyRecord } from "../../records/study.ts";
import { buildNetwork } from "../../tasks/registry.ts";
import type { Database } from "../database.ts";
import { readBytes } from "../disk/fs.ts";
import { parseChecksummed, readJson } from "../disk/json.ts";
import { hasForeign, readForeign } from "../foreign/records.ts";
import type { Findings } from "./findings.ts";
import { missingWeights } from "./repaired-weights.ts";
import { predictionFaults } from "./rules/predictions.ts";
import { repairFaults } from "./rules/repairs.ts";
import { verifyStudyRecord } from "./studies.ts";

/** Folders of `results/` whose files have a name that follows from what they hold. */
const NAMED = {
  localize: (path: string) => {
    const { criterion, id, version, budget } = readJson(path, predictionSchema);
    return namesOf(budget, (one) => predictionName(criterion, id, version, one));
  },
  repair: (path: string) => {
    const repair = readJson(path, repairSchema);
    const { method, using, id, budget } = repair;
    return namesOf(budget, (one) => repairName(method, using, id, one, repairedVersion(repair)));
  },
};

/** A result's name; one of the demo may still have the name that it had before each budget had its own. */
function namesOf(budget: Budget, nameOf: (budget: Budget) => string): string[] {
  return budget === "demo" ? [nameOf(budget), nameOf(DEFAULT_BUDGET)] : [nameOf(budget)];
}

function isHeld(db: Database, id: string): boolean {
  return isForeignName(id) ? hasForeign(db, id) : db.hasDefect(id);
}

/**
 * Verifies a file of `results/`: its checksum; for predictions and repairs also schema and that id, version, criterion
 * or method are those of its path. @returns what it holds; null where that cannot be read.
 */
export async function verifyResult(
  db: Database,
  findings: Findings,
  path: string,
  parts: string[],
): Promise<Record<string, unknown> | null> {
  const content = await findings.check(path, null, () => parseChecksummed(readBytes(path), path));
  if (!content) return null;
  if (isStudyRecord(parts)) await verifyStudyRecord(db, findings, path);
  const folder = parts[1];
  if (!Object.hasOwn(NAMED, folder)) return content;
  const name = parts
    .slice(1)
    .join("/")
    .replace(/\.json$/, "");
  const named = await findings.check(path, null, () => NAMED[folder as keyof typeof NAMED](path));
  if (named !== null && !named.includes(name)) {
    findings.fault(path, `holds what belongs to 'results/${named[0]}.json'`);
  } else if (named !== null && !isHeld(db, String(content.id))) {
    findings.note(path, "is of a defect that the database does not hold", String(content.id));
  } else if (named !== null) await verifyJudgement(db, findings, path, String(content.id));
  const missing = missingWeights(path, content);
  if (missing !== null) findings.fault(path, missing, String(content.id));
  return content;
}

/** Holds a prediction or repair against its defect and that one's network; damage of either is named elsewhere. */
async function verifyJudgement(db: Database, findings: Findings, path: string, id: string): Promise<void> {
  const faults = await findings.check(path, id, () => {
    if (isForeignName(id)) return foreignFaults(db, path, id);
    const context = contextOf(db, id);
    if (!context) return [];
    const { record, labels, network } = context;
    const found = readJson(path, z.union([predictionSchema, repairSchema]));
    return found.kind === "prediction"
      ? predictionFaults(found, record, network)
      : repairFaults(found, record, labels, network);
  });
  for (const text of faults ?? []) findings.fault(path, text, id);
}

/** What is judged of a foreign model is its one version, by weights that the database holds; nobody knows its trigger. */
function foreignFaults(db: Database, path: string, id: string): string[] {
  const found = readJson(path, z.union([predictionSchema, repairSchema]));
  const faults: string[] = [];
  if (found.model_sha256 !== readForeign(db, id).model.decoded_sha256) {
    faults.push("is of another model than the database holds");
  }
  if (found.kind === "repair" && (found.asr_before !== null || found.asr_after !== null)) {
    faults.push("states an attack success rate of a foreign model, whose trigger nobody knows");
  }
  if (found.kind === "repair" && found.version !== undefined) {
    faults.push(`a foreign model has the infected version alone, and no ${found.version} one`);
  }
  if (found.kind === "prediction" && (found.version !== "infected" || found.access !== "clean")) {
    faults.push("a foreign model has the infected version alone, and no failing tests");
  }
  return faults;
}

function contextOf(db: Database, id: string) {
  try {
    const record = db.readDefect(id);
    const network = buildNetwork(record.arch, db.readClean(record.clean).classes.length);
    return { record, labels: record.labels_sha256 === null ? null : db.readLabels(id), network };
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
