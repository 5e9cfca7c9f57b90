import { InputError } from "../../core/errors.ts";
import { type ForeignRecord, foreignRecord } from "../../records/foreign.ts";
import type { ObjectRef } from "../../records/object-ref.ts";
import { Claim, holderOf } from "../claims.ts";
import { type Database, openDatabase } from "../database.ts";
import { createAtomic, exists } from "../disk/fs.ts";
import { checksummedJson, writeJson } from "../disk/json.ts";
import { appendJournal } from "../journal.ts";
import { Layout } from "../layout.ts";
import { sha256Of } from "../objects/objects.ts";
import { findCases } from "./cases.ts";
import { type ReadCase, readCase } from "./read-case.ts";
import { foreignPath, hasForeign, readForeign } from "./records.ts";

export interface ForeignImport {
  /** Told of what must be known of a case, and of each that is not taken: a line. */
  note?(line: string): void;
  /** All cases or none. */
  strict?: boolean;
  /** Which of several state dicts in a checkpoint. */
  key?: string;
  update?(done: number, total: number, what: string): void;
}

/** What became of a case. */
export type ForeignRow = {
  /** null: its folder does not tell. */
  id: string | null;
  status: "added" | "updated" | "known" | "failed";
  fits: string | null;
  infected: number | null;
};

/**
 * Takes a folder of the original's published layout into a database as foreign records. A case that is damaged, or holds what
 * cannot be understood, costs itself alone; with `strict` every case is read before the first is written, and then again. A case
 * that is there already, of the same files, is updated where its weights or labels are recognised now and were not. A database is
 * created where there is none, as edition `foreign`; none is where no case is whole.
 *
 * @returns a line per case. @throws InputError where no case can be taken, or with `strict` one cannot; the database is then as
 * it was.
 */
export async function importForeign(
  dir: string,
  source: string,
  { note = () => undefined, strict = false, key, update = () => undefined }: ForeignImport = {},
): Promise<ForeignRow[]> {
  const cases = findCases(source);
  const rows: ForeignRow[] = [];
  const faults: string[] = [];
  const target = new Target(dir);
  const steps = strict ? 2 * cases.length : cases.length;
  try {
    for (const [i, found] of cases.entries()) {
      update(i, steps, found.id ?? found.dir);
      let read: ReadCase;
      try {
        if ("fault" in found) throw new InputError(found.fault);
        read = await readCase(found, key);
        rows.push({ id: found.id, status: statusOf(dir, read), ...told(read.record) });
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        faults.push(error.message);
        rows.push({ id: found.id, status: "failed", fits: null, infected: null });
        continue;
      }
      for (const line of read.notes) note(line);
      if (!strict) await takeCase(target, read, rows[i].status, note);
    }
    if (faults.length > 0 && (strict || faults.length === cases.length)) {
      for (const fault of faults.slice(1)) note(fault);
      throw new InputError(faults[0]);
    }
    for (const fault of faults) note(fault);
    for (const [i, found] of strict ? cases.entries() : []) {
      update(cases.length + i, steps, found.id ?? found.dir);
      if (rows[i].status === "known" || "fault" in found) continue;
      const read = await readCase(found, key);
      await takeCase(target, read, statusOf(dir, read), note);
    }
    return rows;
  } finally {
    target.release();
  }
}

function told({ fits, infected }: ReadCase["record"]): Pick<ForeignRow, "fits" | "infected"> {
  return { fits, infected: infected && Object.values(infected).reduce((sum, list) => sum + list.length, 0) };
}

/** The database that cases are taken into: made and claimed when the first is. */
class Target {
  private readonly dir: string;
  private opened: { db: Database; claim: Claim } | undefined;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** @throws InputError where another import is under way, or the folder is no database */
  async open(): Promise<Database> {
    this.opened ??= await claimed(this.dir);
    return this.opened.db;
  }

  release(): void {
    this.opened?.claim.release();
  }
}

async function claimed(dir: string): Promise<{ db: Database; claim: Claim }> {
  const isNew = !exists(new Layout(dir).path("manifest"));
  const db = await openDatabase(dir, isNew ? { create: { edition: "foreign", seed: 0, data: {} } } : {});
  const claims = db.layout.path("claims");
  const claim = Claim.take(claims, "import");
  if (claim) return { db, claim };
  throw new InputError(`${dir}: another import is under way${holderOf(claims, "import")}; try again when it is done`);
}

async function takeCase(
  target: Target,
  read: ReadCase,
  status: ForeignRow["status"],
  note: (line: string) => void,
): Promise<void> {
  if (status === "known") return;
  const db = await target.open();
  const { id } = read.record;
  const put = async (bytes: Uint8Array | null): Promise<ObjectRef | null> => bytes && db.putBytes(bytes);
  const record = foreignRecord.parse({
    ...read.record,
    model: await put(read.model),
    poison_path: await put(read.poisonPath),
    infected_neuron_contribution: await put(read.contribution),
  });
  const [path, tmp] = [foreignPath(db, id), db.layout.path("tmp")];
  if (status === "updated") {
    const before = readForeign(db, id);
    writeJson(path, foreignRecord, { ...record }, tmp);
    note(`'${id}' is updated: ${gainOf(before, record)}`);
  } else if (!createAtomic(path, checksummedJson({ ...record }), tmp)) {
    throw new InputError(`${db.dir}: '${id}' was written by another process meanwhile`);
  }
  appendJournal(db.layout.path("journal"), { time: new Date().toISOString(), event: "foreign", id });
}

/** What is known of a case that was not, in words. */
function gainOf(before: ForeignRecord, now: ForeignRecord): string {
  const gains: string[] = [];
  if (before.fits !== now.fits) gains.push(`its weights are those of ${now.fits}`);
  if (before.infected === null && now.infected !== null) gains.push("its infected neurons are understood");
  if (before.contribution === null && now.contribution !== null) gains.push("its contributions are understood");
  return gains.join(", ");
}

/** What follows from a case's files; an earlier version may have understood less of them. */
const UNDERSTOOD = ["fits", "infected", "contribution"] as const;

/** @throws InputError where a record of that id holds something else */
function statusOf(
  dir: string,
  { record, model, poisonPath, contribution, unrecognised }: ReadCase,
): ForeignRow["status"] {
  const db = { layout: new Layout(dir) };
  if (!hasForeign(db, record.id)) return "added";
  const before = readForeign(db, record.id);
  const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  const of = (bytes: Uint8Array | null) => bytes && sha256Of(bytes);
  const { model: ref, poison_path, infected_neuron_contribution, ...stated } = before;
  const { tensors, parameters, fits, infected, contribution: values, ...rest } = stated;
  const isOfFiles =
    isSame(rest, foreignRecord.partial().parse(without(record))) &&
    (poison_path?.decoded_sha256 ?? null) === of(poisonPath) &&
    (infected_neuron_contribution?.decoded_sha256 ?? null) === of(contribution);
  const isModel = ref.decoded_sha256 === of(model) && tensors === record.tensors && parameters === record.parameters;
  const understood = { fits, infected, contribution: values };
  if (isOfFiles && isModel && UNDERSTOOD.every((name) => isSame(understood[name], record[name]))) return "known";
  const isMore = UNDERSTOOD.every((name) => understood[name] === null || isSame(understood[name], record[name]));
  const isWeights = isModel || (fits === null && ref.decoded_sha256 === of(unrecognised()));
  if (isOfFiles && isWeights && isMore) return "updated";
  throw new InputError(`${dir}: holds '${record.id}' with other content; use another --db folder`);
}

/** A record without what follows from its files. */
function without(record: ReadCase["record"]) {
  const { tensors, parameters, fits, infected, contribution, ...rest } = record;
  return rest;
}
