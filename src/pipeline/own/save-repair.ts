import { basename, dirname, extname, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { clearStaging, withStaging } from "../../files/staging.ts";
import { exportOnnx } from "../../graph/export.ts";
import { ownRepair } from "../../records/repair.ts";
import { parseBoundedJson } from "../../store/disk/bounded-json.ts";
import { asInputError, assertMayWrite, exists, makeFolder, readBytes, writeAtomic } from "../../store/disk/fs.ts";
import { prettyJson } from "../../store/disk/json.ts";
import { placeNewFile } from "../../store/disk/new-folder.ts";
import { sha256Of } from "../../store/objects/objects.ts";
import type { OwnModel } from "./model.ts";
import type { OwnRepair } from "./repair.ts";

/** `<file>.<method>.<using>`, the files of a repair without their suffixes. */
export function repairStem(file: string, dir: string, method: string, using: string): string {
  return join(dir, `${basename(file, extname(file))}.${method}.${using.replaceAll(":", ".")}`);
}

const [WEIGHTS, ONNX, ABOUT] = [".safetensors", ".onnx", ".json"];
/** In the order in which they appear: weights last, so that a repair is whole where they are. */
const SUFFIXES = [ABOUT, ONNX, WEIGHTS];
const MOST_ABOUT_BYTES = 1 << 26;

/**
 * Refuses to overwrite. What a killed run of the same repairs had written does not count: it is held against what they come
 * to (`saveRepairs`).
 *
 * @throws InputError where two repairs would have the same names, where all lie there already, or a file that no repair wrote
 */
export function refuseExisting(stems: readonly string[]): void {
  const twice = stems.find((stem, i) => stems.indexOf(stem) !== i);
  if (twice !== undefined) {
    throw new InputError(`--using: two lists of neurons would both be written as ${twice}.*; rename one`);
  }
  const there = stems.flatMap((stem) => SUFFIXES.map((suffix) => ({ stem, path: `${stem}${suffix}` })));
  const found = there.filter(({ path }) => exists(path));
  const stranger = found.find(({ stem }) => statedHash(stem) === null);
  const refused = stranger ?? (found.length === there.length ? found[0] : undefined);
  if (!refused) {
    for (const dir of new Set(stems.map((stem) => dirname(stem)))) assertMayWrite(dir);
    return;
  }
  // A run that was killed when all was in place left its staging folder, and none may come after it.
  clearStaging(dirname(refused.path));
  throw alreadyThere(refused.path);
}

/** The hash of the weights that a repair's JSON states; null where there is none, or another's. */
function statedHash(stem: string): string | null {
  const path = `${stem}${ABOUT}`;
  if (!exists(path)) return null;
  try {
    const about = ownRepair.safeParse(parseBoundedJson(readBytes(path, MOST_ABOUT_BYTES), path));
    return about.success ? about.data.weights_sha256 : null;
  } catch {
    return null;
  }
}

function alreadyThere(path: string): InputError {
  return new InputError(`${path}: exists already; name another folder with --out`);
}

/**
 * Writes repaired weights under the file's own names, the same models as ONNX, and what was done, with the neurons, as JSON.
 * Files appear whole; after a kill the same command goes on.
 *
 * @param repairs each with the stem of its files, all in one folder
 * @returns the paths of weights and ONNX, in order
 * @throws InputError where other weights lie at one of the places; then nothing is written
 */
export async function saveRepairs(
  model: OwnModel,
  dir: string,
  repairs: readonly { stem: string; repair: OwnRepair }[],
): Promise<{ weights: string; onnx: string }[]> {
  makeFolder(dir);
  try {
    return await withStaging(dir, "repair", (stage) => {
      const moves: [from: string, to: string][] = [];
      const files = repairs.map(({ stem, repair: { state, ...repair } }) => {
        const bytes = model.encode(state);
        const weights_sha256 = sha256Of(bytes);
        const stated = statedHash(stem);
        if (stated !== null && stated !== weights_sha256) throw alreadyThere(`${stem}${ABOUT}`);
        const facts = { file: model.file, arch: model.network.arch, ...repair, weights_sha256 };
        const contents = {
          [ABOUT]: `${prettyJson(facts)}\n`,
          [ONNX]: exportOnnx(model.network, state),
          [WEIGHTS]: bytes,
        };
        for (const suffix of SUFFIXES) {
          const [from, to] = [join(stage, `${basename(stem)}${suffix}`), `${stem}${suffix}`];
          if (exists(to)) {
            const isSame = stated !== null && (suffix !== WEIGHTS || sha256Of(readBytes(to)) === stated);
            if (!isSame) throw alreadyThere(to);
            continue;
          }
          writeAtomic(from, contents[suffix], stage);
          moves.push([from, to]);
        }
        return { weights: `${stem}${WEIGHTS}`, onnx: `${stem}${ONNX}` };
      });
      for (const [from, to] of moves) placeNewFile(from, to);
      return files;
    });
  } catch (error) {
    throw asInputError(error, dir);
  }
}
