import { basename, extname, join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { exportOnnx } from "../../graph/export.ts";
import { exists, writeAtomic } from "../../store/fs.ts";
import { prettyJson } from "../../store/json.ts";
import { sha256Of } from "../../store/objects.ts";
import type { OwnModel } from "./model.ts";
import type { OwnRepair } from "./repair.ts";

/** `<file>.<method>.<using>`, the files of a repair without their suffixes. */
export function repairStem(file: string, dir: string, method: string, using: string): string {
  return join(dir, `${basename(file, extname(file))}.${method}.${using.replaceAll(":", ".")}`);
}

const SUFFIXES = [".safetensors", ".onnx", ".json"];

/** @throws InputError where one of the files that a repair would write is there already. */
export function refuseExisting(stem: string): void {
  const there = SUFFIXES.map((suffix) => `${stem}${suffix}`).find(exists);
  if (there !== undefined) throw new InputError(`${there}: exists already; name another folder with --out`);
}

/**
 * Writes repaired weights under the file's own names, the same model as ONNX, and what was done, with the neurons, as JSON.
 *
 * @returns the paths of weights and ONNX
 */
export function saveRepair(model: OwnModel, stem: string, { state, ...repair }: OwnRepair) {
  const [weights, onnx, about] = SUFFIXES.map((suffix) => `${stem}${suffix}`);
  const dir = join(stem, "..");
  const bytes = model.encode(state);
  writeAtomic(weights, bytes, dir);
  writeAtomic(onnx, exportOnnx(model.network, state), dir);
  const facts = { file: model.file, arch: model.network.arch, ...repair, weights_sha256: sha256Of(bytes) };
  writeAtomic(about, `${prettyJson(facts)}\n`, dir);
  return { weights, onnx };
}
