import { sameNeurons } from "../../../core/neurons.ts";
import type { Network } from "../../../graph/network.ts";
import { batchNormRows, changedColumns, changedSet } from "../../../measure/changed-set.ts";
import { functionDistance } from "../../../measure/rewrite.ts";
import { type CleanRecord, gridOf } from "../../../records/clean.ts";
import type { DefectRecord } from "../../../records/defect.ts";
import type { DefectLabels } from "../../../records/labels.ts";
import type { ObjectRef } from "../../../records/object-ref.ts";
import type { Described } from "../../../tasks/adoption.ts";
import { ATTACKS } from "../../../tasks/registry.ts";
import { type ChangedRows, changedRows } from "../../../tensor/changes.ts";
import { firstOffGrid } from "../../../tensor/half-grid.ts";
import type { StateDict } from "../../../tensor/state.ts";
import type { Database } from "../../database.ts";
import { type DeltaBase, readDelta } from "../../objects/models.ts";
import type { Findings } from "../findings.ts";
import { keptOn } from "./discreet.ts";
import { isSubset } from "./truth.ts";

/** The stored versions of a defect: rebuilt bit for bit, and changed nowhere but where the record says. */

/** A clean model that defects can be held against. */
export interface CleanTwin {
  record: CleanRecord;
  /** Whether every field of its record can be. */
  isSound: boolean;
  network: Network;
  state: StateDict;
  /** How it reads samples, where somebody else made it. */
  described: Described | null;
}

/**
 * The twin that a defect's deltas are against: the clean model, or for style `discreet` an object of its own, which must
 * be the clean model with other batch-norm statistics and nothing else.
 * @returns null where it cannot be used
 */
export async function verifyTwin(
  db: Database,
  findings: Findings,
  record: DefectRecord,
  clean: CleanTwin,
): Promise<DeltaBase | null> {
  const { id, twin_model: ref, style, infected_model } = record;
  const base = { state: clean.state, sha256: clean.record.model.decoded_sha256 };
  if ((ref !== null) !== (style === "discreet" && infected_model !== null)) {
    const text = ref ? "has a 'twin_model', which only a discreet defect has" : "discreet, but without 'twin_model'";
    findings.fault(db.layout.defect(id), text, id);
  }
  if (!ref) return base;
  const path = db.objects.path(ref.object);
  const state = await findings.check(path, id, () => readDelta(db.objects, base, ref));
  if (!state) return null;
  verifySize(db, findings, ref, id);
  if (!isSubset(changedRows(clean.state, state), batchNormRows(clean.network))) {
    findings.fault(path, "the twin differs from the clean model outside the batch norms", id);
  } else if (!(functionDistance(clean.network, clean.state, state, {}, gridOf(record)) <= keptOn(gridOf(record)))) {
    findings.fault(path, "the twin does not compute what the clean model does", id);
  }
  const off = gridFault(record, state);
  if (off !== null) findings.fault(path, off, id);
  return { state, sha256: ref.decoded_sha256 };
}

/** The changed set: of a fine-tuned defect the infected neurons' own parameters, of a replacement what the models show. */
export function verifyChanged(
  db: Database,
  findings: Findings,
  record: DefectRecord,
  { infected }: DefectLabels,
  network: Network,
): void {
  const path = db.layout.defect(record.id);
  const columns = isReplaced(record) || !record.changed ? {} : changedColumns(network, infected);
  if (!sameNeurons(record.changed_columns ?? {}, columns)) {
    findings.fault(path, "'changed_columns' is not the columns that infected hidden units own", record.id);
  }
  // A replacement also cuts the connections into its neurons; its changed set is its own (docs/methods.md §7.5).
  if (isReplaced(record) || !record.changed) return;
  const allowed = changedSet(network, infected, record.style);
  if (sameNeurons(record.changed, allowed)) return;
  const more = record.style === "discreet" ? " and the batch norms" : "";
  const how = isSubset(record.changed, allowed) ? "is less than" : "goes beyond";
  findings.fault(path, `'changed' ${how} the infected neurons' own parameters${more}`, record.id);
}

/**
 * Rebuilds a model bit for bit and holds every byte outside the recorded set against the clean twin.
 * @returns the model, and the rows in which it differs from the twin; null where it cannot be rebuilt
 */
export async function verifyDelta(
  db: Database,
  findings: Findings,
  record: DefectRecord,
  ref: ObjectRef,
  base: DeltaBase,
  twin: DeltaBase,
): Promise<{ state: StateDict; rows: ChangedRows } | null> {
  const path = db.objects.path(ref.object);
  const state = await findings.check(path, record.id, () => readDelta(db.objects, base, ref));
  if (!state) return null;
  verifySize(db, findings, ref, record.id);
  const rows = changedRows(twin.state, state, record.changed_columns);
  if (!isSubset(rows, record.changed ?? {})) {
    findings.fault(path, "differs from the clean twin outside the recorded changed set", record.id);
  }
  const odd = oddTensor(state);
  if (odd !== null) findings.fault(path, odd, record.id);
  const off = gridFault(record, state);
  if (odd === null && off !== null) findings.fault(path, off, record.id);
  return { state, rows };
}

/** A replacement's changed set is what its models show (docs/methods.md §7.5). */
export function isReplaced({ attack }: DefectRecord): boolean {
  return ATTACKS.get(attack)?.injection === "replace";
}

/** Whether every row is one of a part's. */
export function isCovered(rows: ChangedRows, parts: readonly ChangedRows[]): boolean {
  return Object.entries(rows).every(([key, list]) => {
    const found = new Set(parts.flatMap((part) => (Object.hasOwn(part, key) ? part[key] : [])));
    return list.every((row) => found.has(row));
  });
}

/** The first tensor with a weight that is no finite number, in words. */
export function oddTensor(state: StateDict): string | null {
  const odd = [...state].find(([, { data }]) => !data.every(Number.isFinite));
  return odd ? `'${odd[0]}' holds a weight that is no finite number` : null;
}

/** The first weight that is off the grid which a record's recipe states, in words. */
export function gridFault(record: Pick<CleanRecord, "recipe">, state: StateDict): string | null {
  const grid = gridOf(record);
  const off = grid && firstOffGrid(state, grid);
  return off ? `'${off.key}' holds ${off.value}, off the grid '${grid}' that its recipe states` : null;
}

/** Holds a stored size against its record. */
export function verifySize(db: Database, findings: Findings, ref: ObjectRef, id: string): void {
  const bytes = db.objects.sizeOf(ref.object);
  if (bytes !== ref.bytes) findings.fault(db.objects.path(ref.object), `has ${bytes} bytes, not ${ref.bytes}`, id);
}
