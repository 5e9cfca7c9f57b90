import { parse as parseCsv } from "csv-parse/sync";
import { sha256Hex } from "../../core/hash.ts";
import type { LayerScores, LayerWidth } from "../../core/neurons.ts";
import type { Localization } from "../../localize/types.ts";
import { readBytes } from "../../store/disk/fs.ts";
import { readNpz } from "../own/npz.ts";
import { answerOf, assertSmall, parseAnswer } from "./answer.ts";

/** How files of scores may end, in the order in which they are looked for. */
export const ANSWER_ENDINGS = [".json", ".csv", ".npz"] as const;

/**
 * Scores in a file: `.json` as a plug-in's answer, `.csv` with the columns `layer,index,score`, `.npz` with an array of
 * numbers for every layer.
 *
 * @returns what it says, and the hash of its bytes
 * @throws Error that names the file and its first fault
 */
export async function readAnswerFile(
  path: string,
  name: string,
  layers: LayerWidth[],
): Promise<{ localization: Localization; sha256: string }> {
  assertSmall(path, name);
  const bytes = readBytes(path);
  const localization = await localizationOf(path, name, bytes, layers);
  return { localization, sha256: sha256Hex(bytes) };
}

async function localizationOf(path: string, name: string, bytes: Uint8Array, layers: LayerWidth[]) {
  if (path.endsWith(".csv")) return answerOf({ scores: fromCsv(textOf(bytes), name) }, name, layers);
  if (!path.endsWith(".npz")) return parseAnswer(textOf(bytes), name, layers);
  const arrays = await readNpz(path);
  const scores: LayerScores = Object.create(null);
  for (const [layer, { values }] of arrays) scores[layer] = [...values];
  return answerOf({ scores }, name, layers);
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function fromCsv(text: string, name: string): LayerScores {
  const rows = records(text, name);
  const scores: Record<string, number[]> = Object.create(null);
  for (const [i, { layer, index, score }] of rows.entries()) {
    const where = `${name}: row ${i + 1}`;
    if (layer === undefined || index === undefined || score === undefined) {
      throw new Error(`${where}: the columns are layer,index,score`);
    }
    const [at, value] = [Number(index), score.trim() === "" ? Number.NaN : Number(score)];
    if (!/^\d{1,6}$/.test(index.trim())) throw new Error(`${where}: '${index}' is no neuron's index`);
    if (!Number.isFinite(value)) throw new Error(`${where}: score '${score}' is no finite number`);
    scores[layer] ??= [];
    if (scores[layer][at] !== undefined) throw new Error(`${where}: neuron '${layer}:${at}' stands there twice`);
    scores[layer][at] = value;
  }
  for (const [layer, values] of Object.entries(scores)) {
    // A hole in an array is no number.
    const hole = Array.from(values).indexOf(undefined as never);
    if (hole >= 0) throw new Error(`${name}: neuron '${layer}:${hole}' is missing`);
  }
  return scores;
}

function records(text: string, name: string): Record<string, string>[] {
  try {
    return parseCsv(text, { columns: true, bom: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new Error(`${name}: not CSV: ${(error as Error).message}`);
  }
}
