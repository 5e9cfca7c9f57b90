import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/errors.ts";
import { listNeurons } from "../../core/neurons.ts";
import type { BlindKey } from "../../records/blind-key.ts";
import { storedHash } from "../../records/defect.ts";
import type { Prediction, scorePrediction } from "../../score/score.ts";
import { withPath } from "../../store/disk/fs.ts";
import { type OnOutcome, runCell } from "../judging/cells.ts";
import { type DefectSource, layersOf } from "../judging/workbench.ts";
import { ANSWER_ENDINGS, readAnswerFile } from "../plugin/answer-file.ts";
import { ANSWER } from "../plugin/folder.ts";

type Score<R> = (...args: Parameters<typeof scorePrediction>) => R[];

/**
 * Holds the answers to a blind hand-out against the labels. An answer is `<name>.json` (.csv, .npz) or
 * `<name>/out/scores.json`; one that is missing or wrong costs its own model.
 *
 * @param dir the hand-out's folder, or one of answers alone
 * @param criterion what the answers are called in the rows
 * @throws InputError where there is no such folder, or the key is of another database
 */
export async function scoreAnswers<R>(
  source: Pick<DefectSource, "readDefect" | "readClean" | "readLabels">,
  { models }: BlindKey,
  dir: string,
  criterion: string,
  score: Score<R>,
  onOutcome: OnOutcome,
): Promise<R[]> {
  withPath(dir, () => readdirSync(dir));
  const rows: R[] = [];
  for (const { name, id, version, model_sha256 } of models) {
    const record = source.readDefect(id);
    if (storedHash(record, version) !== model_sha256) {
      throw new InputError(`--key: ${name} is of another model than '${id}' in this database; name its own with --db`);
    }
    const layers = layersOf(source, record);
    const found = await runCell({ what: `${name} (${id}:${version})`, id }, onOutcome, async () => {
      const file = fileOf(dir, name);
      const { localization } = await readAnswerFile(join(dir, file), file, layers);
      const { scores, native } = localization;
      // How long the method took is not known.
      const prediction = { id, version, criterion, access: "clean", seconds: 0, elsewhere: true, scores };
      return score(layers, { ...prediction, native: listNeurons(native) } satisfies Prediction, source.readLabels(id));
    });
    if (found) rows.push(...found);
  }
  return rows;
}

/** @throws Error where there is no answer, or more than one */
function fileOf(dir: string, name: string): string {
  const possible = [...ANSWER_ENDINGS.map((ending) => `${name}${ending}`), join(name, ANSWER)];
  const there = possible.filter((file) => existsSync(join(dir, file)));
  if (there.length === 1) return there[0];
  if (there.length > 1) throw new Error(`${there.join(" and ")} are both there: leave one`);
  throw new Error(`no answer: ${name}.json or ${name}/${ANSWER}`);
}
