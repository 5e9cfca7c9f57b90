import { relative } from "node:path";
import { InputError } from "../../core/errors.ts";
import { encodeState } from "../../tensor/safetensors.ts";
import { type StateDict, sizeOf } from "../../tensor/state.ts";
import { Claim, holderOf } from "../claims.ts";
import { openDatabase } from "../database.ts";
import { createAtomic, exists, readBytes } from "../fs.ts";
import { appendJournal } from "../journal.ts";
import { checksummedJson } from "../json.ts";
import { Layout } from "../layout.ts";
import { sha256Of } from "../objects.ts";
import type { ObjectRef } from "../schema.ts";
import { type ForeignCase, findCases } from "./cases.ts";
import { findState, fittingNetwork, readTruth } from "./interpret.ts";
import { foreignPath, hasForeign, readForeign } from "./records.ts";
import { type ForeignRecord, foreignRecord } from "./schema.ts";
import { type Plain, PlainTensor, readTorchFile } from "./torch-file.ts";

/** A case that was read, before anything of it is stored. */
interface ReadCase {
  record: Omit<ForeignRecord, "model" | "poison_path" | "infected_neuron_contribution">;
  /** Decoded bytes of its objects. */
  model: Uint8Array;
  poisonPath: Uint8Array | null;
  contribution: Uint8Array | null;
}

const MOST_PARAMETERS = 2 ** 28;
const MOST_JSON_NUMBERS = 5_000_000;

/**
 * Takes a folder of the original's published layout into a database as foreign records. All cases are read once before
 * the first is written, so that one which is damaged or hostile leaves no trace. A database is created where there is
 * none, as edition `foreign`.
 *
 * @returns a line per case. @throws InputError naming the file at fault; the database is then as it was.
 */
export async function importForeign(
  dir: string,
  source: string,
  update: (done: number, total: number, what: string) => void = () => undefined,
): Promise<{ id: string; status: "added" | "known"; fits: string | null; infected: number | null }[]> {
  const cases = findCases(source);
  const known = new Set<string>();
  for (const [i, found] of cases.entries()) {
    update(i, 2 * cases.length, found.id);
    if (isThere(dir, await readCase(found))) known.add(found.id);
  }
  const isNew = !exists(new Layout(dir).path("manifest"));
  const db = await openDatabase(dir, isNew ? { create: { edition: "foreign", seed: 0, data: {} } } : {});
  const claims = db.layout.path("claims");
  const claim = Claim.take(claims, "import");
  if (!claim)
    throw new InputError(`${dir}: another import is under way${holderOf(claims, "import")}; try again when it is done`);
  const rows = [];
  try {
    for (const [i, found] of cases.entries()) {
      update(cases.length + i, 2 * cases.length, found.id);
      const read = await readCase(found);
      const { id, fits, infected } = read.record;
      const count = infected && Object.values(infected).reduce((sum, list) => sum + list.length, 0);
      if (!known.has(id)) {
        const put = async (bytes: Uint8Array | null): Promise<ObjectRef | null> => bytes && db.putBytes(bytes);
        const record = foreignRecord.parse({
          ...read.record,
          model: await put(read.model),
          poison_path: await put(read.poisonPath),
          infected_neuron_contribution: await put(read.contribution),
        });
        if (!createAtomic(foreignPath(db, id), checksummedJson({ ...record }), db.layout.path("tmp"))) {
          throw new InputError(`${dir}: '${id}' was written by another process meanwhile`);
        }
        appendJournal(db.layout.path("journal"), { time: new Date().toISOString(), event: "foreign", id });
      }
      rows.push({ id, status: known.has(id) ? ("known" as const) : ("added" as const), fits, infected: count });
    }
    return rows;
  } finally {
    claim.release();
  }
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

async function readCase(found: ForeignCase): Promise<ReadCase> {
  const { id, source, dataset, arch, attack, level, top } = found;
  const tensors = findState(await readTorchFile(found.model));
  if (!tensors) throw new InputError(`${found.model}: holds no state dict: save the model's state_dict()`);
  const total = [...tensors.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (total > MOST_PARAMETERS) throw new InputError(`${found.model}: has ${total} parameters, more than any network`);
  const state: StateDict = new Map(
    [...tensors].map(([key, part]) => [key, { shape: part.shape, data: part.floats() }]),
  );
  const network = fittingNetwork(state);
  const path = found.poisonPath === null ? undefined : await readTorchFile(found.poisonPath);
  const contribution = found.contribution === null ? undefined : await readTorchFile(found.contribution);
  return {
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
      ...readTruth(path, contribution, state, network),
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
    if (!(part instanceof Map)) return part;
    const pairs = [...part].map(([key, item]) => [plain(key), plain(item)] as const);
    // Own properties only, whatever the names.
    return pairs.every(([key]) => typeof key === "string" && key !== "__proto__")
      ? Object.fromEntries(pairs as [string, unknown][])
      : pairs;
  };
  return Buffer.from(`${JSON.stringify(plain(value))}\n`);
}
