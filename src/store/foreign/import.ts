import { relative } from "node:path";
import { InputError } from "../../core/errors.ts";
import { encodeState, tensorValues, wholeValues } from "../../tensor/safetensors.ts";
import { type StateDict, sizeOf } from "../../tensor/state.ts";
import { Claim, holderOf } from "../claims.ts";
import { type Database, openDatabase } from "../database.ts";
import { createAtomic, exists, readBytes } from "../fs.ts";
import { appendJournal } from "../journal.ts";
import { checksummedJson } from "../json.ts";
import { Layout } from "../layout.ts";
import { sha256Of } from "../objects.ts";
import type { ObjectRef } from "../schema.ts";
import { type ForeignCase, findCases } from "./cases.ts";
import { namedLayers } from "./named-layers.ts";
import { recogniseWeights } from "./recognised.ts";
import { foreignPath, hasForeign, readForeign } from "./records.ts";
import { type ForeignRecord, foreignRecord } from "./schema.ts";
import { Bystander, type Plain, PlainTensor } from "./torch-file.ts";
import { readTruth } from "./truth.ts";
import { readTruthFile } from "./truth-file.ts";
import { readWeights } from "./weights.ts";

/** A case that was read, before anything of it is stored. */
interface ReadCase {
  /** What must be known of it, a line each. */
  notes: string[];
  record: Omit<ForeignRecord, "model" | "poison_path" | "infected_neuron_contribution">;
  /** Decoded bytes of its objects. */
  model: Uint8Array;
  poisonPath: Uint8Array | null;
  contribution: Uint8Array | null;
}

const MOST_PARAMETERS = 2 ** 28;
const MOST_JSON_NUMBERS = 5_000_000;

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
  status: "added" | "known" | "failed";
  fits: string | null;
  infected: number | null;
};

/**
 * Takes a folder of the original's published layout into a database as foreign records. Every case is read before the first is
 * written. One that is damaged, or holds what cannot be understood, costs itself alone. A database is created where there is
 * none, as edition `foreign`; none is where no case is whole.
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
  const rows = new Map<string, ForeignRow>();
  const faults: string[] = [];
  for (const [i, found] of cases.entries()) {
    update(i, 2 * cases.length, found.id ?? found.dir);
    try {
      if ("fault" in found) throw new InputError(found.fault);
      const read = await readCase(found, key);
      for (const line of read.notes) note(line);
      const { fits, infected } = read.record;
      const count = infected && Object.values(infected).reduce((sum, list) => sum + list.length, 0);
      rows.set(found.dir, { id: found.id, status: isThere(dir, read) ? "known" : "added", fits, infected: count });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      faults.push(error.message);
      rows.set(found.dir, { id: found.id, status: "failed", fits: null, infected: null });
    }
  }
  if (faults.length > 0 && (strict || faults.length === cases.length)) {
    for (const fault of faults.slice(1)) note(fault);
    throw new InputError(faults[0]);
  }
  for (const fault of faults) note(fault);
  const isNew = !exists(new Layout(dir).path("manifest"));
  const db = await openDatabase(dir, isNew ? { create: { edition: "foreign", seed: 0, data: {} } } : {});
  const claims = db.layout.path("claims");
  const claim = Claim.take(claims, "import");
  if (!claim)
    throw new InputError(`${dir}: another import is under way${holderOf(claims, "import")}; try again when it is done`);
  try {
    for (const [i, found] of cases.entries()) {
      if ("fault" in found) continue;
      update(cases.length + i, 2 * cases.length, found.id);
      if (rows.get(found.dir)!.status === "added") await addCase(db, await readCase(found, key));
    }
    return [...rows.values()];
  } finally {
    claim.release();
  }
}

async function addCase(db: Database, read: ReadCase): Promise<void> {
  const { id } = read.record;
  const put = async (bytes: Uint8Array | null): Promise<ObjectRef | null> => bytes && db.putBytes(bytes);
  const record = foreignRecord.parse({
    ...read.record,
    model: await put(read.model),
    poison_path: await put(read.poisonPath),
    infected_neuron_contribution: await put(read.contribution),
  });
  if (!createAtomic(foreignPath(db, id), checksummedJson({ ...record }), db.layout.path("tmp"))) {
    throw new InputError(`${db.dir}: '${id}' was written by another process meanwhile`);
  }
  appendJournal(db.layout.path("journal"), { time: new Date().toISOString(), event: "foreign", id });
}

/** @throws InputError where a record of that id holds something else */
function isThere(dir: string, { record, model, poisonPath, contribution }: ReadCase): boolean {
  const db = { layout: new Layout(dir) };
  if (!hasForeign(db, record.id)) return false;
  const { model: ref, poison_path, infected_neuron_contribution, ...rest } = readForeign(db, record.id);
  const same =
    JSON.stringify(foreignRecord.partial().parse(rest)) === JSON.stringify(foreignRecord.partial().parse(record)) &&
    ref.decoded_sha256 === sha256Of(model) &&
    (poison_path?.decoded_sha256 ?? null) === (poisonPath && sha256Of(poisonPath)) &&
    (infected_neuron_contribution?.decoded_sha256 ?? null) === (contribution && sha256Of(contribution));
  if (same) return true;
  throw new InputError(`${dir}: holds '${record.id}' with other content; use another --db folder`);
}

async function readCase(found: ForeignCase, key: string | undefined): Promise<ReadCase> {
  const { id, source, dataset, arch, attack, level, top } = found;
  const weights = await readWeights(found.model, key);
  const { tensors } = weights;
  const recognised = recogniseWeights(found.model, weights);
  // A network's own tensors under our names; where none fits, all under theirs.
  const {
    network,
    names: theirs,
    notes: said,
  } = typeof recognised === "string"
    ? { network: null, names: new Map([...tensors.keys()].map((name) => [name, name])), notes: [recognised] }
    : recognised;
  const total = [...theirs.values()].reduce((sum, name) => sum + sizeOf(tensors.get(name)!.shape), 0);
  if (total > MOST_PARAMETERS) throw new InputError(`${found.model}: has ${total} parameters, more than any network`);
  const state: StateDict = new Map(
    [...theirs].map(([name, theirName]) => {
      const tensor = tensors.get(theirName)!;
      return [name, { shape: tensor.shape, data: tensorValues(tensor) ?? wholeValues(tensor) }];
    }),
  );
  const [path, contribution] = await Promise.all(
    [found.poisonPath, found.contribution].map((file) => (file === null ? undefined : readTruthFile(file))),
  );
  const truth = readTruth(
    found.poisonPath,
    path,
    found.contribution,
    contribution,
    namedLayers(state, network, theirs),
  );
  return {
    notes: [...weights.notes, ...said, ...truth.notes],
    record: {
      kind: "foreign",
      id,
      layout: "bdefects4nn",
      source,
      ...{ dataset, arch, attack, level, top },
      clean: null,
      sham: null,
      metrics: null,
      tensors: state.size,
      parameters: total,
      fits: network?.arch ?? null,
      infected: truth.infected,
      contribution: truth.contribution,
      told: found.others.map((file) => {
        const bytes = readBytes(file);
        return { file: relative(found.dir, file).replaceAll("\\", "/"), bytes: bytes.length, sha256: sha256Of(bytes) };
      }),
    },
    model: encodeState(state),
    poisonPath: path === undefined ? null : jsonOf(path, found.poisonPath!),
    contribution: contribution === undefined ? null : jsonOf(contribution, found.contribution!),
  };
}

/** Whatever a file holds, as JSON: dicts as lists of pairs where a key is no text, tensors as shape and values. */
function jsonOf(value: Plain, path: string): Uint8Array {
  let numbers = 0;
  const plain = (part: Plain): unknown => {
    if (part instanceof PlainTensor) {
      numbers += sizeOf(part.shape);
      if (numbers > MOST_JSON_NUMBERS) throw new InputError(`${path}: holds more numbers than labels can`);
      return { shape: part.shape, values: part.numbers() };
    }
    if (part instanceof Uint8Array) return { bytes: Buffer.from(part).toString("hex") };
    if (part instanceof Set) return [...part].map(plain);
    if (Array.isArray(part)) return part.map(plain);
    if (part instanceof Bystander) return { skipped: part.name };
    if (!(part instanceof Map)) return part;
    const pairs = [...part].map(([key, item]) => [plain(key), plain(item)] as const);
    // Own properties only, whatever the names.
    return pairs.every(([key]) => typeof key === "string" && key !== "__proto__")
      ? Object.fromEntries(pairs as [string, unknown][])
      : pairs;
  };
  return Buffer.from(`${JSON.stringify(plain(value))}\n`);
}
