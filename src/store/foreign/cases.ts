import { readdirSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { InputError } from "../../core/errors.ts";
import { exists, withPath } from "../disk/fs.ts";

/** One case of the layout: a folder with a model and what is told about it. */
export interface ForeignCase {
  id: string;
  dir: string;
  /** Below the folder that was named. */
  source: string;
  dataset: string;
  arch: string;
  attack: string;
  level: string;
  top: number;
  /** Paths of the files by what they hold. */
  model: string;
  poisonPath: string | null;
  contribution: string | null;
  /** Everything else. */
  others: string[];
}

const MODEL = /^attack_model\.(pt|pth|pkl|th|tar|ckpt|bin|safetensors|onnx)$/;
const POISON_PATH = /^poison_path\.(pt|pth|pkl|th|bin|npy|json)$/;
const CONTRIBUTION = /^infected_neuron_contribution\.(pt|pth|pkl|th|bin|npy|json)$/;
const CASE = /^([a-z0-9]+)_([a-z0-9]+)_level_([a-z]+)_top_(\d{3})$/i;
const DATASET = /^([a-z0-9]+)_fault$/i;
const MOST_DEPTH = 6;

/** A folder with a model of which it cannot be told what it is. */
export interface UntoldCase {
  id: string | null;
  dir: string;
  /** A line that names the folder. */
  fault: string;
}

/**
 * Finds the cases at or below a folder: `<dataset>_fault/<group>/<arch>_<attack>_level_<level>_top_<NNN>/`. Links are
 * not followed.
 *
 * @returns a case, or what is wrong with it, for each folder that holds a model: its name does not tell what it is, another has
 * the same id, or it holds a file in two forms
 * @throws InputError where there is none
 */
export function findCases(dir: string): (ForeignCase | UntoldCase)[] {
  if (!exists(dir)) throw new InputError(`${dir}: no such folder`);
  const folders = walk(dir, 0);
  if (folders.length === 0) throw new InputError(`${dir}: has no case of this layout (no 'attack_model.pt' anywhere)`);
  const cases = folders.map((folder): ForeignCase | UntoldCase => {
    try {
      return describe(dir, folder);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return { id: null, dir: folder, fault: error.message };
    }
  });
  return cases.map((found) => {
    const other = cases.find(({ id, dir }) => id !== null && id === found.id && dir !== found.dir);
    if (!other) return found;
    const fault = `${found.dir}: is '${found.id}' as much as ${other.dir}; import one of them`;
    return { id: found.id, dir: found.dir, fault };
  });
}

/** Folders with a model, by name. */
function walk(dir: string, depth: number): string[] {
  if (depth > MOST_DEPTH) return [];
  const entries = withPath(dir, () => readdirSync(dir, { withFileTypes: true })).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  if (entries.some((entry) => entry.isFile() && MODEL.test(entry.name))) return [dir];
  return entries.filter((entry) => entry.isDirectory()).flatMap(({ name }) => walk(join(dir, name), depth + 1));
}

function describe(root: string, dir: string): ForeignCase {
  const match = CASE.exec(basename(resolve(dir)));
  if (!match) {
    throw new InputError(`${dir}: is not named <arch>_<attack>_level_<level>_top_<NNN>: what the case is, is not told`);
  }
  const [, arch, attack, level, top] = match.map((part) => part.toLowerCase());
  const dataset = datasetOf(resolve(dir));
  const names = withPath(dir, () => readdirSync(dir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const find = (pattern: RegExp) => {
    const [path, another] = names.filter((path) => dirname(path) === dir && pattern.test(basename(path)));
    if (another)
      throw new InputError(`${dir}: holds both ${basename(path)} and ${basename(another)}; keep one of them`);
    return path ?? null;
  };
  const [model, poisonPath, contribution] = [find(MODEL)!, find(POISON_PATH), find(CONTRIBUTION)];
  const read = [model, poisonPath, contribution];
  return {
    id: `foreign/${dataset}-${arch}-${attack}-${level}-top${top}`,
    dir,
    source: relative(root, dir).replaceAll("\\", "/") || basename(resolve(dir)),
    ...{ dataset, arch, attack, level, top: Number(top) },
    model,
    poisonPath,
    contribution,
    others: names.filter((path) => !read.includes(path)),
  };
}

/** From the nearest folder above that is named so. */
function datasetOf(dir: string): string {
  for (let at = dir; dirname(at) !== at; at = dirname(at)) {
    const match = DATASET.exec(basename(at));
    if (match) return match[1].toLowerCase();
  }
  throw new InputError(`${dir}: no folder above it is named <dataset>_fault: its data set is not told`);
}
