import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import type { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { resultFile } from "../../records/result.ts";
import { exists, removeFile, withPath, writeAtomic } from "../disk/fs.ts";
import { readJson, writeJson } from "../disk/json.ts";
import { resultPath, weightsPath } from "../layout.ts";
import { assertOwnPath } from "../own-folders.ts";

/** What keeps results by name: `localize/<criterion>/<id>.<version>`, `repair/<method>/<using>/<id>`. */
export interface ResultStore {
  hasResult(name: string): boolean;
  /** @throws InputError where it is damaged. */
  readResult<T>(name: string, schema: z.ZodType<T>): T;
  /** `kind` says what it holds. */
  writeResult(name: string, value: { kind: string } & Record<string, unknown>): void;
  /** Forgets a result, where there is one. */
  dropResult(name: string): void;
  /** Whether weights lie beside a result. */
  hasWeights(name: string): boolean;
  /** Lays weights, as safetensors, beside a result, before the result that states their hash is written. */
  writeWeights(name: string, weights: Uint8Array): void;
  /** Forgets a result's weights, where there are any. */
  dropWeights(name: string): void;
  /** All names, sorted. */
  listResults(): string[];
}

/** Results as files `<name>.json`, each with a checksum of its own bytes: a database's, or a folder beside it. */
export class ResultFolder implements ResultStore {
  private readonly dir: string;
  private readonly tmpDir: string;

  constructor(dir: string, tmpDir = dir) {
    this.dir = dir;
    this.tmpDir = tmpDir;
  }

  hasResult(name: string): boolean {
    return exists(this.path(name));
  }

  readResult<T>(name: string, schema: z.ZodType<T>): T {
    return readJson(this.path(name), schema);
  }

  writeResult(name: string, value: { kind: string } & Record<string, unknown>): void {
    writeJson(this.own(this.path(name)), resultFile, value, this.tmpDir);
  }

  dropResult(name: string): void {
    removeFile(this.own(this.path(name)));
  }

  hasWeights(name: string): boolean {
    return exists(weightsPath(this.dir, name));
  }

  writeWeights(name: string, weights: Uint8Array): void {
    writeAtomic(this.own(weightsPath(this.dir, name)), weights, this.tmpDir);
  }

  dropWeights(name: string): void {
    removeFile(this.own(weightsPath(this.dir, name)));
  }

  listResults(): string[] {
    if (!exists(this.dir)) return [];
    return withPath(this.dir, () => readdirSync(this.dir, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
      .map((entry) => relative(this.dir, join(entry.parentPath, entry.name)).slice(0, -".json".length))
      .map((name) => name.replaceAll("\\", "/"))
      .sort();
  }

  private path(name: string): string {
    return resultPath(this.dir, name);
  }

  /** A path to write to or delete. @throws InputError where a link leads elsewhere */
  private own(path: string): string {
    assertOwnPath(this.dir, path);
    return path;
  }
}

/** Keeps results no longer than the program runs: for a database that cannot be written. */
export class PassingResults implements ResultStore {
  private readonly values = new Map<string, unknown>();

  hasResult(name: string): boolean {
    return this.values.has(name);
  }

  readResult<T>(name: string, schema: z.ZodType<T>): T {
    return schema.parse(this.values.get(name));
  }

  writeResult(name: string, value: { kind: string } & Record<string, unknown>): void {
    this.values.set(name, value);
  }

  dropResult(name: string): void {
    this.values.delete(name);
  }

  hasWeights(): boolean {
    return false;
  }

  writeWeights(): void {
    throw new InputError("--keep: there is no place for weights; name a folder with --out");
  }

  dropWeights(): void {}

  listResults(): string[] {
    return [...this.values.keys()].sort();
  }
}
