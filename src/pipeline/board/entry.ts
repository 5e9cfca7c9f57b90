import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../../core/errors.ts";
import { CRITERIA } from "../../localize/registry.ts";
import { type BoardEntry, boardEntry } from "../../records/board.ts";
import { PLUGIN_PREFIX } from "../../records/plugin-name.ts";
import { revisionStamp } from "../../records/result.ts";
import { parseBoundedJson } from "../../store/disk/bounded-json.ts";
import { exists, listFolder, plainFileBytes, readBytes, withPath, writeAtomic } from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";
import { sha256Of } from "../../store/objects/objects.ts";
import { type PluginCommand, parsePlugin, scriptOf } from "../plugin/command.ts";

/** The board of this project, beside the program. */
export const SHIPPED_BOARD = fileURLToPath(new URL("../../../board", import.meta.url));

const ENTRIES = "entries";
const ENDING = ".json";
/** An entry of a thousand defects and some benchmarks is a megabyte. */
const MOST_BYTES = 16 << 20;
/** Weights that an entry names may be large. */
const MOST_HASHED_BYTES = 2 ** 31 - 1;

/** The folder that `board/` lies in: commands run there, and the paths of hashes begin there. */
export function rootOf(entryPath: string): string {
  return dirname(dirname(dirname(resolve(entryPath))));
}

/** Paths of a board's entries, by name. @throws InputError where the folder is no board */
export function listEntries(board: string): string[] {
  const dir = join(board, ENTRIES);
  if (!exists(dir)) throw new InputError(`${board}: is no board: it has no folder '${ENTRIES}'`);
  return listFolder(dir)
    .filter((name) => name.endsWith(ENDING))
    .sort()
    .map((name) => join(dir, name));
}

/** Every fault by which a file is no entry; one line each, without the file's name. */
export function readEntry(path: string): { entry: BoardEntry | null; faults: string[] } {
  if (plainFileBytes(path) > MOST_BYTES) return { entry: null, faults: [`is larger than ${MOST_BYTES >> 20} MB`] };
  let value: unknown;
  try {
    value = parseBoundedJson(readBytes(path), path);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { entry: null, faults: [error.message.replace(`${path}: `, "")] };
  }
  const found = boardEntry.safeParse(value, {
    error: ({ input }) => (input === undefined ? "is missing" : undefined),
  });
  if (!found.success) {
    return {
      entry: null,
      faults: found.error.issues.map(
        ({ path: at, message }) => `${at.length > 0 ? `'${at.join(".")}': ` : ""}${message}`,
      ),
    };
  }
  const faults = describedFaults(path, found.data);
  const fault = commandFault(found.data, rootOf(path));
  // All else that is asked of a method begins with its command.
  if (fault !== null) return { entry: null, faults: [...faults, fault] };
  return { entry: found.data, faults };
}

/** Why an entry's command is none; null where it is one, or the entry has none. */
function commandFault(entry: BoardEntry, root: string): string | null {
  try {
    commandOf(entry, root);
    return null;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.message;
  }
}

/** An entry that is to be judged. @throws InputError with the first fault */
export function openEntry(path: string): BoardEntry {
  if (!path.endsWith(ENDING)) throw new InputError(`${path}: an entry is a file 'board/entries/NAME.json'`);
  const { entry, faults } = readEntry(path);
  if (entry && faults.length === 0) return entry;
  throw new InputError(`${path}: ${faults[0]}`);
}

/** What the description says of the method, held against the registry. */
function describedFaults(path: string, entry: BoardEntry): string[] {
  const faults: string[] = [];
  if (entry.name !== basename(path, ENDING)) faults.push(`'name': the file of '${entry.name}' is ${entry.name}.json`);
  if (entry.criterion === undefined) {
    if (entry.kind !== "outside") faults.push(`'kind': a command is 'outside'; '${entry.kind}' is for criteria`);
    if (entry.access === "oracle") faults.push("'access': a command has access 'clean' or 'failing'");
    return faults;
  }
  const criterion = CRITERIA.get(entry.criterion);
  if (!criterion) return [...faults, `'criterion': there is no criterion '${entry.criterion}'`];
  if (entry.image !== undefined) faults.push("'image': belongs to a command");
  if (entry.kind !== criterion.kind)
    faults.push(`'kind': '${entry.criterion}' is ${criterion.kind}, not ${entry.kind}`);
  if (entry.access !== criterion.access) {
    faults.push(`'access': '${entry.criterion}' sees ${criterion.access}, not ${entry.access}`);
  }
  return faults;
}

/** As `--criterion` takes the method. */
export function criterionArgument({ name, criterion, command, access }: BoardEntry): string {
  return criterion ?? `${name}=cmd${access === "clean" ? "" : `+${access}`}:${command}`;
}

/** As results call the method. */
export function storedName({ name, criterion }: BoardEntry): string {
  return criterion ?? `${PLUGIN_PREFIX}${name}`;
}

/** The command of an entry that has one. @param root where its script lies */
export function commandOf(entry: BoardEntry, root: string): PluginCommand | null {
  return entry.command === undefined ? null : parsePlugin(criterionArgument(entry), "command", root);
}

/** The script of an entry's command, as the command names it; undefined where it has none. */
export function scriptNamed(entry: BoardEntry, root: string): string | undefined {
  const command = commandOf(entry, root);
  return command ? scriptOf(command.words, root) : undefined;
}

/** What a result keeps of the method that made it: another method's results are not this one's. */
export function methodStamp(entry: BoardEntry, root: string): { revision?: number; fingerprint?: string } {
  const command = commandOf(entry, root);
  if (command) return { fingerprint: command.fingerprint };
  const { revision = 1 } = revisionStamp(CRITERIA.get(entry.criterion!)!);
  return { revision };
}

/** What an entry's command names below the board and is not there; undefined where all is. */
export function missingFile(entry: BoardEntry, root: string): string | undefined {
  return commandOf(entry, root)?.words.find((word) => word.startsWith("board/") && !exists(resolve(root, word)));
}

/** The hash of a file that an entry names. @throws InputError where it leads out of the folder, or is no file */
export function fileHash(root: string, name: string): string {
  const path = resolve(root, name);
  if (name.split(/[\\/]/).includes("..") || path === resolve(root, "/") || resolve(name) === name) {
    throw new InputError(`'${name}' leads out of the folder that the board lies in`);
  }
  if (!exists(path)) throw new InputError(`there is no file '${name}'`);
  if (plainFileBytes(path) > MOST_HASHED_BYTES) throw new InputError(`'${name}' is too large`);
  return sha256Of(readBytes(path));
}

/** Writes an entry, with a line for each cell. */
export function writeEntry(path: string, entry: BoardEntry): void {
  const parsed = boardEntry.parse(entry);
  withPath(path, () => writeAtomic(path, entryText(parsed), dirname(path)));
}

const CELLS = '"cells": []';

function entryText(entry: BoardEntry): string {
  const results = entry.results.map((result) => ({ ...result, cells: [], figures: result.figures }));
  const lines = entry.results.map(({ cells }) =>
    cells.length === 0
      ? CELLS
      : `"cells": [\n${cells.map((cell) => `        ${JSON.stringify(cell)}`).join(",\n")}\n      ]`,
  );
  let next = 0;
  return `${prettyJson({ ...entry, results })}\n`.replaceAll(CELLS, () => lines[next++]);
}
