import type { Database } from "./database.ts";
import type { Findings } from "./findings.ts";
import { readBytes } from "./fs.ts";
import { parseChecksummed, readJson } from "./json.ts";
import { missingWeights } from "./repaired-weights.ts";
import { predictionName, predictionSchema, repairName, repairSchema } from "./results.ts";
import { isStudyRecord, verifyStudyRecord } from "./studies.ts";

/** Folders of `results/` whose files have a name that follows from what they hold. */
const NAMED = {
  localize: (path: string) => {
    const { criterion, id, version, budget } = readJson(path, predictionSchema);
    return predictionName(criterion, id, version, budget);
  },
  repair: (path: string) => {
    const { method, using, id, budget } = readJson(path, repairSchema);
    return repairName(method, using, id, budget);
  },
};

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
  if (named !== null && named !== name) {
    findings.fault(path, `holds what belongs to 'results/${named}.json'`);
  } else if (named !== null && !db.hasDefect(String(content.id))) {
    findings.note(path, "is of a defect that the database does not hold", String(content.id));
  }
  const missing = missingWeights(path, content);
  if (missing !== null) findings.fault(path, missing, String(content.id));
  return content;
}
