import { InputError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import type { KeyEntry } from "../../records/blind-key.ts";
import type { DefectRecord } from "../../records/defect.ts";
import { storedHash } from "../../records/defect.ts";
import { folderName } from "./key.ts";

const VERSIONS = ["infected", "sham", "clean"] as const;

/** A model of a hand-out, and the clean model that it comes from. */
export interface Drawn extends KeyEntry {
  lineage: string;
}

/**
 * Draws models for a blind hand-out: infected ones, shams and clean ones in turn as far as there are, each weights once, of
 * as many clean models as possible. Names and order follow from the secret alone.
 *
 * @param secret whoever knows it and has the database can repeat the draw
 * @returns models by name
 * @throws InputError where there are fewer models than wanted
 */
export function drawModels(records: readonly DefectRecord[], count: number, secret: string): Drawn[] {
  const pools = VERSIONS.map((version) => shuffled(candidates(records, version), secret));
  const available = pools.reduce((sum, pool) => sum + pool.length, 0);
  if (available < count) {
    throw new InputError(
      `--blind ${count}: the selection has ${available} different models (infected, sham and clean)`,
    );
  }
  const taken: Omit<Drawn, "name">[] = [];
  const uses = new Map<string, number>();
  // Which version is drawn first, and so may be there once more, is nobody's to know.
  let turn = Number.parseInt(sha256Hex(`${secret} turn`).slice(0, 6), 16) % pools.length;
  while (taken.length < count) {
    const pool = pools[turn++ % pools.length];
    if (pool.length === 0) continue;
    const used = ({ lineage }: { lineage: string }) => uses.get(lineage) ?? 0;
    const least = pool.reduce((best, one) => (used(one) < used(best) ? one : best));
    pool.splice(pool.indexOf(least), 1);
    uses.set(least.lineage, used(least) + 1);
    taken.push(least);
  }
  return taken
    .map((one) => ({ ...one, name: folderName(secret, one.model_sha256) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function candidates(records: readonly DefectRecord[], version: KeyEntry["version"]): Omit<Drawn, "name">[] {
  const found = new Map<string, Omit<Drawn, "name">>();
  for (const record of records) {
    const model_sha256 = storedHash(record, version);
    // A clean model that several defects share is one model.
    if (model_sha256 === null || found.has(model_sha256)) continue;
    found.set(model_sha256, { id: record.id, version, model_sha256, lineage: record.clean });
  }
  return [...found.values()];
}

function shuffled<T extends { model_sha256: string }>(models: readonly T[], secret: string): T[] {
  const rank = ({ model_sha256 }: T) => sha256Hex(`${secret} order ${model_sha256}`);
  return [...models].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** How many models share their clean model with another one: whoever compares their folders sees where they differ. */
export function sharingLineage(models: readonly Drawn[]): number {
  const uses = new Map<string, number>();
  for (const { lineage } of models) uses.set(lineage, (uses.get(lineage) ?? 0) + 1);
  return models.filter(({ lineage }) => uses.get(lineage)! > 1).length;
}
