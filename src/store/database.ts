import { join } from "node:path";
import type { z } from "zod";
import { InputError } from "../core/errors.ts";
import type { Grid } from "../core/grid.ts";
import type { Version } from "../core/ids.ts";
import { clearTemporaries } from "../files/temporary.ts";
import { type CheckpointRecord, type CleanRecord, checkpointRecord, cleanRecord } from "../records/clean.ts";
import type { DatabaseManifest } from "../records/database.ts";
import { type DefectRecord, defectRecord, twinSha256 } from "../records/defect.ts";
import { type DefectLabels, defectLabels } from "../records/labels.ts";
import type { ObjectRef } from "../records/object-ref.ts";
import { isCleanId, isDefectOf } from "../records/places.ts";
import type { DeltaOptions } from "../tensor/delta.ts";
import type { StateDict } from "../tensor/state.ts";
import { exists, isLink, listFolder, makeFolder, readBytes, removeFile, withPath } from "./disk/fs.ts";
import { readJson, writeJson } from "./disk/json.ts";
import { restoreAside } from "./disk/set-aside.ts";
import { appendJournal } from "./journal.ts";
import { Layout } from "./layout.ts";
import { type ManifestRequest, openManifest } from "./manifest.ts";
import {
  type DeltaBase,
  openDelta,
  putDelta,
  putHalfModel,
  putModel,
  readDelta,
  readDeltaBase,
  readModel,
} from "./objects/models.ts";
import { ObjectStore, sha256Of } from "./objects/objects.ts";
import { assertOwnFolders } from "./own-folders.ts";
import { ResultFolder, type ResultStore } from "./results/result-folder.ts";
import { shippedName } from "./shipped/shipped.ts";

export interface OpenOptions {
  /** Creates the database where there is none; an existing one must have this edition, seed and data. */
  create?: ManifestRequest;
  /** Never write, not even folders. A shipped database is always opened so. */
  readOnly?: boolean;
  /** Told once of each file that is left out because it is damaged; without a listener such a file ends the work. */
  onDamage?: (message: string) => void;
}

/** What a killed writer left; a living one needs seconds. */
const STALE_TEMPORARY_MS = 3_600_000;

/**
 * Opens a database's folder.
 * @throws InputError where it is none, was built from another edition, seed or data, or cannot be written.
 */
export async function openDatabase(dir: string, options: OpenOptions = {}): Promise<Database> {
  const layout = new Layout(dir);
  const sealed = shippedName(dir);
  if (options.create) assertNotSealed(dir);
  const readOnly = sealed !== null || (options.readOnly ?? false);
  const manifest = await openManifest(layout, options.create);
  if (!readOnly) {
    assertOwnFolders(dir);
    for (const part of ["clean", "defects", "objects", "results", "claims", "tmp"] as const) {
      makeFolder(layout.path(part));
    }
    for (const part of ["tmp", "claims"] as const) {
      const folder = layout.path(part);
      withPath(folder, () => clearTemporaries(folder, STALE_TEMPORARY_MS));
    }
    restoreAside(layout);
  }
  return new Database(layout, manifest, readOnly, sealed, options.onDamage);
}

/** @throws InputError where a folder is a shipped database, into which nothing is built */
export function assertNotSealed(dir: string): void {
  const name = shippedName(dir);
  if (name === null) return;
  throw new InputError(`--db ${name}: comes with the program and is read-only; build into another folder`);
}

/** Whether a folder holds a database, as far as its manifest tells. */
export function isDatabase(dir: string): boolean {
  return exists(new Layout(dir).path("manifest"));
}

/** Records, labels and objects of one database; the files are the truth (docs/architecture.md, "A database"). */
export class Database implements ResultStore {
  readonly layout: Layout;
  readonly manifest: DatabaseManifest;
  readonly readOnly: boolean;
  /** The name of a shipped database, into whose folder nothing but a catalog may be written; null: another one. */
  readonly sealed: string | null;
  readonly objects: ObjectStore;
  private readonly results: ResultFolder;
  /** The clean twin read last: its defects are deltas against it. */
  private lastTwin: DeltaBase | undefined;

  private readonly onDamage: OpenOptions["onDamage"];
  private readonly damage = new Set<string>();

  constructor(
    layout: Layout,
    manifest: DatabaseManifest,
    readOnly: boolean,
    sealed: string | null = null,
    onDamage?: OpenOptions["onDamage"],
  ) {
    this.onDamage = onDamage;
    this.layout = layout;
    this.manifest = manifest;
    this.readOnly = readOnly;
    this.sealed = sealed;
    this.objects = new ObjectStore(layout.path("objects"), layout.path("tmp"));
    this.results = new ResultFolder(layout.path("results"), layout.path("tmp"));
  }

  get dir(): string {
    return this.layout.dir;
  }

  /** Ids of all defect records, whatever their status, sorted. Reads no file; names that are no ids are passed over. */
  listDefects(): string[] {
    const root = this.layout.path("defects");
    return listFolder(root)
      .flatMap((group) =>
        listFolder(join(root, group)).map((file) => ({ group, id: recordName(file, ".labels.json") })),
      )
      .flatMap(({ group, id }) => (id !== null && isDefectOf(group, id) ? [id] : []))
      .sort();
  }

  /** Whether a damaged file was left out so far. */
  get isIncomplete(): boolean {
    return this.damage.size > 0;
  }

  /**
   * Reads something that may be damaged. Where somebody listens (`onDamage`), damage is told and costs only what is read.
   * @returns null then
   */
  sound<T>(read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InputError) || !this.onDamage) throw error;
      if (!this.damage.has(error.message)) this.onDamage(`left out: ${error.message}`);
      this.damage.add(error.message);
      return null;
    }
  }

  /** All defect records that are sound, by id. @throws InputError on a damaged one where nobody listens */
  soundDefects(): DefectRecord[] {
    return this.listDefects().flatMap((id) => this.sound(() => this.readDefect(id)) ?? []);
  }

  /** All records of clean models that are sound, by id. @throws InputError on a damaged one where nobody listens */
  soundClean(): CleanRecord[] {
    return this.listClean().flatMap((id) => this.sound(() => this.readClean(id)) ?? []);
  }

  /** Ids of all finished clean models, sorted. */
  listClean(): string[] {
    return listFolder(this.layout.path("clean"))
      .map((file) => `clean/${recordName(file, ".checkpoint.json")}`)
      .filter(isCleanId)
      .sort();
  }

  hasDefect(id: string): boolean {
    return exists(this.layout.defect(id));
  }

  /** @throws InputError where there is no such defect or its record is damaged. */
  readDefect(id: string): DefectRecord {
    return this.readRecord(this.layout.defect(id), "defect", id, defectRecord);
  }

  /**
   * Writes labels, then the record that states their hash, then a line of the journal. Objects come first: a record
   * is complete when it exists.
   * @param record its `labels_sha256` is filled in where labels are given
   * @returns the record as written
   */
  writeDefect(record: DefectRecord, labels?: DefectLabels): DefectRecord {
    this.assertWritable();
    const complete = { ...record };
    if (labels) {
      if (labels.id !== record.id) throw new Error(`labels of '${labels.id}' given for '${record.id}'`);
      this.writeChecked(this.layout.labels(record.id), defectLabels, labels);
      complete.labels_sha256 = sha256Of(readBytes(this.layout.labels(record.id)));
    }
    this.writeChecked(this.layout.defect(record.id), defectRecord, complete);
    this.log({ event: "defect", id: record.id, status: record.status });
    return complete;
  }

  /** @throws InputError where there are none or they are not those that the record names. */
  readLabels(id: string): DefectLabels {
    const { labels_sha256: stated } = this.readDefect(id);
    const path = this.layout.labels(id);
    if (stated === null) throw new InputError(`${id}: this defect has no labels (it was not accepted)`);
    const labels = this.readRecord(path, "labels of", id, defectLabels);
    if (sha256Of(readBytes(path)) !== stated) throw new InputError(`${path}: not the labels that its record states`);
    return labels;
  }

  hasClean(id: string): boolean {
    return exists(this.layout.clean(id));
  }

  readClean(id: string): CleanRecord {
    return this.readRecord(this.layout.clean(id), "clean model", id, cleanRecord);
  }

  writeClean(record: CleanRecord): void {
    this.assertWritable();
    this.writeChecked(this.layout.clean(record.id), cleanRecord, record);
    this.log({ event: "clean", id: record.id });
  }

  /** Stores a whole model; the reference goes into its record. @param grid on which all its weights lie */
  putModel(state: StateDict, grid?: Grid): Promise<ObjectRef> {
    this.assertWritable();
    return grid ? putHalfModel(this.objects, state) : putModel(this.objects, state);
  }

  /** Stores a model as a delta against its clean twin, or a sham against its infected model. */
  putDelta(base: StateDict, state: StateDict, options: DeltaOptions = {}): Promise<ObjectRef> {
    this.assertWritable();
    return putDelta(this.objects, base, state, options);
  }

  putBytes(bytes: Uint8Array): Promise<ObjectRef> {
    this.assertWritable();
    return this.objects.put(bytes);
  }

  /** The decoded bytes of an object, verified. */
  readBytes(ref: ObjectRef): Promise<Uint8Array> {
    return this.objects.read(ref);
  }

  /** @param decode what makes a trigger of the record's task of bytes; the name is for its errors */
  async readTrigger<T>(record: DefectRecord, decode: (bytes: Uint8Array, name: string) => T): Promise<T> {
    if (!record.trigger) throw new InputError(`${record.id}: this record has no trigger`);
    return decode(await this.objects.read(record.trigger), this.objects.path(record.trigger.object));
  }

  /** A clean model's weights, verified by its hash. The arrays are the caller's own. */
  async loadClean(record: CleanRecord): Promise<StateDict> {
    return readModel(this.objects, record.model);
  }

  /**
   * The weights of a version of a defect, rebuilt bit for bit and verified by the hash of the whole model.
   * @throws InputError where the version does not exist (a rejected candidate's sham) or something is damaged.
   */
  async loadVersion(record: DefectRecord, version: Version): Promise<StateDict> {
    const clean = this.readClean(record.clean);
    if (clean.model.decoded_sha256 !== record.clean_sha256) {
      throw new InputError(
        `${this.layout.clean(record.clean)}: is not the clean twin that '${record.id}' was made from`,
      );
    }
    if (version === "clean") return this.loadTwin(record, clean);
    const ref = version === "sham" ? record.sham_model : record.infected_model;
    if (!ref) throw new InputError(`${record.id}: there is no ${version} model (status ${record.status})`);
    const sha256 = twinSha256(record);
    if (this.lastTwin?.sha256 !== sha256) this.lastTwin = { sha256, state: await this.loadTwin(record, clean) };
    const base = version === "sham" ? await this.shamBase(record, this.lastTwin, ref) : this.lastTwin;
    return readDelta(this.objects, base, ref);
  }

  /**
   * What a sham's delta is against: the clean twin, or its defect's infected model, with which the sham of a
   * replacement shares everything outside the sub-network (docs/methods.md §8.1).
   */
  async shamBase({ infected_model }: DefectRecord, twin: DeltaBase, sham: ObjectRef): Promise<DeltaBase> {
    const sha256 = infected_model?.decoded_sha256;
    if (!infected_model || sha256 !== (await readDeltaBase(this.objects, sham))) return twin;
    return { sha256, state: await readDelta(this.objects, twin, infected_model) };
  }

  /** A version's delta as it was written (`tensor/delta.ts`): whoever applies it holds what comes of it against the version's hash. */
  readDelta(ref: ObjectRef): Promise<Uint8Array> {
    return openDelta(this.objects, ref);
  }

  /** The clean model itself, or the discreet style's rewriting of it. */
  private async loadTwin({ twin_model }: DefectRecord, clean: CleanRecord): Promise<StateDict> {
    const state = await this.loadClean(clean);
    return twin_model ? readDelta(this.objects, { state, sha256: clean.model.decoded_sha256 }, twin_model) : state;
  }

  /** Saves the state of a training, replacing the one before; a kill leaves the old or the new one. */
  async writeCheckpoint(cleanId: string, state: StateDict, meta: Record<string, unknown>): Promise<void> {
    this.assertWritable();
    const before = this.findCheckpoint(cleanId);
    const ref = await putModel(this.objects, state, "checkpoint");
    this.writeChecked(this.layout.checkpoint(cleanId), checkpointRecord, {
      kind: "checkpoint",
      id: cleanId,
      state: ref,
      meta,
    });
    if (before && before.state.object !== ref.object) this.objects.drop(before.state.object);
  }

  /** The saved state of a training; null where there is none. @throws InputError where it is damaged. */
  async readCheckpoint(cleanId: string): Promise<{ state: StateDict; meta: Record<string, unknown> } | null> {
    const record = this.findCheckpoint(cleanId);
    return record && { state: await readModel(this.objects, record.state), meta: record.meta };
  }

  /** Forgets a training's saved state, once its clean model is written. */
  dropCheckpoint(cleanId: string): void {
    this.assertWritable();
    const record = this.findCheckpoint(cleanId);
    if (!record) return;
    removeFile(this.layout.checkpoint(cleanId));
    this.objects.drop(record.state.object);
  }

  /** Names of the files below `results/`, without `.json`, sorted. */
  listResults(): string[] {
    return this.results.listResults();
  }

  hasResult(name: string): boolean {
    return this.results.hasResult(name);
  }

  /** Writes `results/<name>.json` with a checksum; `kind` says what it holds. */
  writeResult(name: string, value: { kind: string } & Record<string, unknown>): void {
    this.assertWritable();
    this.results.writeResult(name, value);
    this.log({ event: "result", kind: value.kind, name });
  }

  dropResult(name: string): void {
    this.assertWritable();
    this.results.dropResult(name);
  }

  hasWeights(name: string): boolean {
    return this.results.hasWeights(name);
  }

  writeWeights(name: string, weights: Uint8Array): void {
    this.assertWritable();
    this.results.writeWeights(name, weights);
  }

  dropWeights(name: string): void {
    this.assertWritable();
    this.results.dropWeights(name);
  }

  readResult<T>(name: string, schema: z.ZodType<T>): T {
    return this.results.readResult(name, schema);
  }

  /** @throws InputError where the database was opened read-only. */
  assertWritable(): void {
    if (this.sealed !== null) {
      throw new InputError(
        `--db ${this.sealed}: comes with the program and is read-only; copy ${this.dir} to a folder of your own and name that`,
      );
    }
    if (this.readOnly) throw new InputError(`${this.dir}: opened read-only; nothing can be written there`);
  }

  private findCheckpoint(cleanId: string): CheckpointRecord | null {
    const path = this.layout.checkpoint(cleanId);
    return exists(path) ? readJson(path, checkpointRecord) : null;
  }

  private writeChecked(path: string, schema: z.ZodType, value: Record<string, unknown>): void {
    writeJson(path, schema, value, this.layout.path("tmp"));
  }

  private log(entry: Record<string, unknown>): void {
    appendJournal(this.layout.path("journal"), { time: new Date().toISOString(), ...entry });
  }

  private readRecord<T extends { id: string }>(path: string, what: string, id: string, schema: z.ZodType<T>): T {
    if (!exists(path)) {
      if (isLink(path)) throw new InputError(`${path}: is a symbolic link that leads nowhere; restore it from a copy`);
      throw new InputError(`${this.dir}: has no ${what} '${id}'`);
    }
    const record = readJson(path, schema);
    if (record.id !== id) throw new InputError(`${path}: holds '${record.id}', not '${id}'`);
    return record;
  }
}

/** `x` of a record's file `x.json`; null for other files and for the companion of a record. */
function recordName(file: string, companion: string): string | null {
  return file.endsWith(".json") && !file.endsWith(companion) ? file.slice(0, -".json".length) : null;
}
