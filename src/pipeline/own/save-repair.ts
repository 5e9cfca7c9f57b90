import { basename, dirname, extname, join } from "node:path";
import type { z } from "zod";
import { InputError } from "../../core/errors.ts";
import { withStaging } from "../../files/staging.ts";
import { exportOnnx } from "../../graph/export.ts";
import { ownRepair } from "../../records/repair.ts";
import { parseBoundedJson } from "../../store/disk/bounded-json.ts";
import {
  asInputError,
  assertMayWrite,
  exists,
  makeFolder,
  readBytes,
  removeFile,
  writeAtomic,
} from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";
import { placeNewFile } from "../../store/disk/new-folder.ts";
import { sha256Of } from "../../store/objects/objects.ts";
import type { OwnModel } from "./model.ts";
import type { OwnRepair } from "./repair.ts";

/** `<file>.<method>.<using>`, the files of a repair without their suffixes. */
export function repairStem(file: string, dir: string, method: string, using: string): string {
  return join(dir, `${basename(file, extname(file))}.${method}.${using.replaceAll(":", ".")}`);
}

/** Where the steps of repairs lie that are not all done. */
export function unfinishedSteps(file: string, dir: string): string {
  return join(dir, `${basename(file, extname(file))}.unfinished`);
}

const [WEIGHTS, ONNX, ABOUT] = [".safetensors", ".onnx", ".json"];
/** In the order in which they appear: weights last, so that a repair is whole where they are. */
const SUFFIXES = [ABOUT, ONNX, WEIGHTS];
const MOST_ABOUT_BYTES = 1 << 26;

/** What the JSON beside repaired weights says. */
export type RepairFacts = z.infer<typeof ownRepair>;

/**
 * Refuses to overwrite what no repair wrote.
 *
 * @throws InputError where two repairs would have the same names, or such a file lies at one of them
 */
export function refuseOthers(stems: readonly string[]): void {
  const twice = stems.find((stem, i) => stems.indexOf(stem) !== i);
  if (twice !== undefined) {
    throw new InputError(`--using: two lists of neurons would both be written as ${twice}.*; rename one`);
  }
  for (const stem of stems) {
    const [there] = presentOf(stem);
    if (there !== undefined && statedFacts(stem) === null) throw alreadyThere(there);
  }
  for (const dir of new Set(stems.map((stem) => dirname(stem)))) assertMayWrite(dir);
}

/**
 * A repair that an earlier run of the same command finished; null where nothing of it lies there, or a part, as a killed run
 * leaves it.
 *
 * @param madeFrom what it must have been made from
 * @throws InputError where something else lies there
 */
export function finishedRepair(stem: string, madeFrom: string): RepairFacts | null {
  const there = presentOf(stem);
  if (there.length === 0) return null;
  const facts = statedFacts(stem);
  if (facts?.made_from !== madeFrom) throw alreadyThere(there[0], ", made of other files or with other options");
  const other = there.find((path) => !isStated(path, stem, facts));
  if (other !== undefined) throw alreadyThere(other, `, and is not what ${basename(stem)}${ABOUT} states`);
  return there.length === SUFFIXES.length ? facts : null;
}

/** The files of a repair that are there, in the order in which they appear. */
function presentOf(stem: string): string[] {
  return SUFFIXES.map((suffix) => `${stem}${suffix}`).filter((path) => exists(path));
}

function isStated(path: string, stem: string, { weights_sha256, onnx_sha256 }: RepairFacts): boolean {
  if (path === `${stem}${ABOUT}`) return true;
  return sha256Of(readBytes(path)) === (path === `${stem}${WEIGHTS}` ? weights_sha256 : onnx_sha256);
}

/** Null where there is no JSON of a repair of ours. */
function statedFacts(stem: string): RepairFacts | null {
  const path = `${stem}${ABOUT}`;
  if (!exists(path)) return null;
  try {
    return ownRepair.safeParse(parseBoundedJson(readBytes(path, MOST_ABOUT_BYTES), path)).data ?? null;
  } catch {
    return null;
  }
}

function alreadyThere(path: string, why = ""): InputError {
  return new InputError(`${path}: exists already${why}; name another folder with --out`);
}

/**
 * Writes repaired weights under the file's own names, the same model as ONNX, and what was done, with the neurons, as JSON.
 * Files appear whole, the weights last. What a killed run left of the repair is completed; where a program of the user's came to
 * other weights since, it is replaced.
 *
 * @param stem of the files @param made what the repair was made from; `finishedRepair` has found the place free or begun
 * @returns what the JSON says
 * @throws InputError where something else lies there by now
 */
export async function saveRepair(
  model: OwnModel,
  stem: string,
  { state, ...repair }: OwnRepair,
  made: string,
): Promise<RepairFacts> {
  const dir = dirname(stem);
  makeFolder(dir);
  try {
    return await withStaging(dir, "repair", (stage) => {
      const contents = { [ONNX]: exportOnnx(model.network, state), [WEIGHTS]: model.encode(state) };
      const facts: RepairFacts = {
        ...{ file: model.file, arch: model.network.arch, ...repair, made_from: made },
        ...{ weights_sha256: sha256Of(contents[WEIGHTS]), onnx_sha256: sha256Of(contents[ONNX]) },
      };
      finishedRepair(stem, made);
      const begun = statedFacts(stem);
      const goesOn = begun?.weights_sha256 === facts.weights_sha256 && begun.onnx_sha256 === facts.onnx_sha256;
      if (begun && !goesOn) for (const path of presentOf(stem).reverse()) removeFile(path);
      for (const suffix of SUFFIXES) {
        const [from, to] = [join(stage, `${basename(stem)}${suffix}`), `${stem}${suffix}`];
        if (goesOn && exists(to)) continue;
        writeAtomic(from, contents[suffix] ?? `${prettyJson(facts)}\n`, stage);
        placeNewFile(from, to);
      }
      return goesOn ? begun : facts;
    });
  } catch (error) {
    throw asInputError(error, dir);
  }
}
